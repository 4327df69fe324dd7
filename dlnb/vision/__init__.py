"""Seeing: pictures, models that look at them, and tasks."""

from .models import LeNet
from .tasks import digits, mnist

__all__ = ["LeNet", "digits", "mnist"]
