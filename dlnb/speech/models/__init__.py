"""Models that listen."""

from .commander import Commander
from .listener import Listener
from .soundcnn import SoundCNN
from .spotter import Spotter

__all__ = ["Commander", "Listener", "SoundCNN", "Spotter"]
