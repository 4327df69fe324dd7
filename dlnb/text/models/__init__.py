"""Models that read and write. Each is an ordinary `nn.Module` and fits on one screen."""

from .bert import BERT, BERTClassifier
from .counted import CountedCNN, NaiveBayes
from .gpt import GPT
from .modern import ModernGPT
from .recurrent import RecurrentClassifier
from .textcnn import TextCNN
from .translator import Translator

__all__ = [
    "BERT", "BERTClassifier", "CountedCNN", "GPT", "ModernGPT", "NaiveBayes", "RecurrentClassifier", "TextCNN", "Translator",
]  # fmt: skip
