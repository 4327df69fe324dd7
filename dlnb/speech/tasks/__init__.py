"""Tasks of hearing."""

from .commands import commands
from .digits import connected_digits, free_spoken_digits
from .transcription import transcription
from .waking import wake_word

__all__ = ["commands", "connected_digits", "free_spoken_digits", "transcription", "wake_word"]
