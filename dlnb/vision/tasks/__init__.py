"""Tasks that look at pictures."""

from .classification import digits, mnist

__all__ = ["digits", "mnist"]
