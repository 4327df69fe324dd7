"""Hearing: voices, features, models that listen, and tasks."""

from .assistant import Assistant
from .ctc import beam, ctc_loss, greedy
from .features import log_mel, mel_filters, stft
from .files import SoundError, read_sound
from .hearing import Hearing, transcribe
from .language import LetterLanguage
from .letters import DIGITS, ENGLISH, Letters
from .models import Commander, Listener, SoundCNN, Spotter
from .tasks import commands, connected_digits, free_spoken_digits, transcription, wake_word
from .voices import PEOPLE, spoken

__all__ = [
    "DIGITS", "ENGLISH", "PEOPLE", "Assistant", "Commander", "Hearing", "LetterLanguage", "Letters", "Listener", "SoundCNN", "SoundError", "Spotter",
    "beam", "ctc_loss", "greedy", "log_mel", "mel_filters", "read_sound", "spoken", "stft", "transcribe",
    "commands", "connected_digits", "free_spoken_digits", "transcription", "wake_word",
]  # fmt: skip
