"""Tasks that look at pictures."""

from .classification import digits, mnist
from .detection import penn_fudan_detection, scenes_detection
from .faces import faces, orl_faces
from .segmentation import penn_fudan_segmentation, scenes_segmentation

__all__ = [
    "digits", "faces", "mnist", "orl_faces", "penn_fudan_detection", "penn_fudan_segmentation", "scenes_detection",
    "scenes_segmentation",
]  # fmt: skip
