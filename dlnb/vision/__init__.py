"""Seeing: pictures, models that look at them, and tasks."""

from .models import Detector, FaceNet, LeNet, ResNet, UNet, VisionTransformer
from .tasks import (
    digits,
    faces,
    mnist,
    orl_faces,
    penn_fudan_detection,
    penn_fudan_segmentation,
    scenes_detection,
    scenes_segmentation,
)

__all__ = [
    "Detector", "FaceNet", "LeNet", "ResNet", "UNet", "VisionTransformer",
    "digits", "faces", "mnist", "orl_faces", "penn_fudan_detection", "penn_fudan_segmentation", "scenes_detection", "scenes_segmentation",
]  # fmt: skip
