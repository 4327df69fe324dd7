"""Tasks that look at pictures."""

from .classification import digits, mnist
from .detection import scenes_detection
from .segmentation import scenes_segmentation

__all__ = ["digits", "mnist", "scenes_detection", "scenes_segmentation"]
