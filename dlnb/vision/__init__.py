"""Seeing: pictures, models that look at them, and tasks."""

from .models import Detector, LeNet, ResNet, UNet, VisionTransformer
from .tasks import digits, mnist, scenes_detection, scenes_segmentation

__all__ = ["Detector", "LeNet", "ResNet", "UNet", "VisionTransformer", "digits", "mnist", "scenes_detection", "scenes_segmentation"]
