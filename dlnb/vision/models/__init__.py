"""Models that look at pictures. Each is an ordinary `nn.Module` and fits on one screen."""

from .detector import Detector
from .facenet import FaceNet
from .lenet import LeNet
from .resnet import ResNet
from .unet import UNet
from .vit import VisionTransformer

__all__ = ["Detector", "FaceNet", "LeNet", "ResNet", "UNet", "VisionTransformer"]
