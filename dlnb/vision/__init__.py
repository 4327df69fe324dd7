"""Seeing: pictures, models that look at them, and tasks."""

from .models import Detector, FaceNet, LeNet, ResNet, UNet, VisionTransformer
from .tasks import (
    cifar10,
    digits,
    faces,
    fashion_mnist,
    from_folder,
    mnist,
    orl_faces,
    penn_fudan_detection,
    penn_fudan_segmentation,
    scenes_detection,
    scenes_segmentation,
)

__all__ = [
    "Detector", "FaceNet", "LeNet", "ResNet", "UNet", "VisionTransformer",
    "cifar10", "digits", "faces", "fashion_mnist", "from_folder", "mnist", "orl_faces",
    "penn_fudan_detection", "penn_fudan_segmentation", "scenes_detection", "scenes_segmentation",
]  # fmt: skip
