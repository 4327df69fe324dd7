"""Tasks of reading and writing."""

from .language import python_docs, tiny_shakespeare
from .masked import masked_reviews
from .sentiment import reviews, sst2
from .translation import multi30k, translation

__all__ = ["masked_reviews", "multi30k", "python_docs", "reviews", "sst2", "tiny_shakespeare", "translation"]
