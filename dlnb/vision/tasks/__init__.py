"""Tasks that look at pictures."""

from .classification import cifar10, digits, fashion_mnist, from_folder, mnist
from .detection import penn_fudan_detection, scenes_detection
from .faces import faces, orl_faces
from .segmentation import penn_fudan_segmentation, scenes_segmentation

__all__ = [
    "cifar10", "digits", "faces", "fashion_mnist", "from_folder", "mnist", "orl_faces", "penn_fudan_detection",
    "penn_fudan_segmentation", "scenes_detection", "scenes_segmentation",
]  # fmt: skip
