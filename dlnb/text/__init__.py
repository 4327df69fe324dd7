"""Reading and writing: texts, models that read and write them, and tasks."""

from ..fast import fast_linear
from .models import (
    BERT,
    GPT,
    BERTClassifier,
    CountedCNN,
    ModernGPT,
    NaiveBayes,
    RecurrentClassifier,
    TextCNN,
    Translator,
)
from .sampling import generate, next_probabilities
from .search import beam, greedy
from .tasks import masked_reviews, multi30k, python_docs, reviews, sst2, tiny_shakespeare, translation
from .tokenizers import BytePairs, Characters, Words

__all__ = [
    "BERT", "GPT", "BERTClassifier", "BytePairs", "Characters", "CountedCNN", "ModernGPT", "NaiveBayes", "RecurrentClassifier", "TextCNN", "Translator", "Words",
    "beam", "fast_linear", "generate", "greedy", "next_probabilities",
    "masked_reviews", "multi30k", "python_docs", "reviews", "sst2", "tiny_shakespeare", "translation",
]  # fmt: skip
