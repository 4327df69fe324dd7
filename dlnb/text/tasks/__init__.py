"""Tasks of reading and writing."""

from .language import tiny_shakespeare

__all__ = ["tiny_shakespeare"]
