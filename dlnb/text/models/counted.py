"""Counting and learning together: naive Bayes on words and pairs of words, and a network that reads without it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..tokenizers import PADDING
from .textcnn import TextCNN


class NaiveBayes(nn.Module):
    """How often each word, and each pair of neighbours, stands in the texts of each class. It is counted once, never trained.

    tokens: (B, T) int64, where there is PADDING there is no text → logits (B, classes).
    texts: (N, T) int64 below `vocabulary`; labels: (N,) int64, their classes.

    Raises: ValueError if a class has no text.
    Source: Wang & Manning 2012, Baselines and bigrams: multinomial naive Bayes of which words and pairs there are.
    """

    known: Tensor  # (F,) int64, the words and pairs that were counted, sorted
    speaks: Tensor  # (F + 1, classes), how much each of them speaks for each class; the last, for what is unknown, is 0
    prior: Tensor  # (classes,)

    def __init__(self, texts: Tensor, labels: Tensor, vocabulary: int, classes: int = 2) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        found = self._found(texts)  # (N, 2T - 1)
        known = found[found != PADDING].unique()
        counts = torch.ones(len(known), classes)  # from 1 on, so that nothing is impossible
        for label in range(classes):
            inside = found[labels == label]
            if not len(inside):
                raise ValueError(f"there is no text of class {label} to count words in")
            counts[:, label] += torch.searchsorted(known, inside[inside != PADDING]).bincount(minlength=len(known))
        chances = (counts / counts.sum(0)).log()
        self.register_buffer("known", known)
        self.register_buffer("speaks", F.pad(chances - chances.mean(1, keepdim=True), (0, 0, 0, 1)))
        self.register_buffer("prior", (labels.bincount(minlength=classes) / len(labels)).log())

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, classes)."""
        found = self._found(tokens)
        place = torch.searchsorted(self.known, found).clamp(max=len(self.known) - 1)
        place = torch.where(self.known[place] == found, place, len(self.known))
        return self.prior + self.speaks[place].sum(1)

    def _found(self, tokens: Tensor) -> Tensor:
        """Which words and pairs there are: (B, T) → (B, 2T - 1), each once in its row, and PADDING elsewhere."""
        first, second = tokens[:, :-1], tokens[:, 1:]
        pairs = (first * self.vocabulary + second).masked_fill(second == PADDING, PADDING)
        found = torch.cat([tokens, pairs], dim=1).sort(dim=1).values
        return found.masked_fill(F.pad(found[:, 1:] == found[:, :-1], (1, 0)), PADDING)


class CountedCNN(nn.Module):
    """Two that judge a text in different ways, and whose logits are added: a `TextCNN`, and `NaiveBayes`.

    tokens: (B, T) int64, mask: (B, T) bool, False where there is only padding → logits (B, classes).
    texts, labels: what is counted, as for `NaiveBayes`; trust: what its logits are multiplied by, as it is too sure of itself.

    The counts know the labels of the texts that they were made from. While it learns, the network therefore works without
    them, or they would leave it nothing to learn.
    Source: Mesnil, Mikolov, Ranzato & Bengio 2014, arXiv:1412.5335, who join the two kinds.
    """

    def __init__(
        self, texts: Tensor, labels: Tensor, vocabulary: int, classes: int = 2, width: int = 64, filters: int = 64,
        word_dropout: float = 0.3, trust: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__()
        self.counts = NaiveBayes(texts, labels, vocabulary, classes)
        self.network = TextCNN(vocabulary, classes, width, filters, word_dropout=word_dropout)
        self.trust = trust

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """tokens: (B, T) int64 → logits (B, classes)."""
        logits = self.network(tokens, mask)
        return logits if self.training else logits + self.trust * self.counts(tokens, mask)
