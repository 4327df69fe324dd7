"""Tasks that fill in what was hidden: a model learns a language from texts that nobody has labelled."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...task import Task, remembered
from ..batches import IGNORED, MaskedBatches
from ..models import BERT
from ..previews import Filled
from ..reviews import EVERY_WORD, different_reviews
from ..tokenizers import PADDING, Words, padded

EVALUATED_AT_ONCE = 250
SHOWN = 12  # texts in a preview


@remembered
def masked_reviews(texts: int = 10_000, seed: int = 0, batch_size: int = 64) -> Task:
    """Say which words were hidden in reviews (of `dlnb.text.reviews`), before anybody says which of them are praise.

    texts: reviews to learn from, from 2 to 50,000; 400 others are for validation and 1,000 for the test. These are the same
    as in `reviews`, so that whoever learns from both has seen neither.

    Raises: ValueError for another number of texts.
    """
    if not 2 <= texts <= 50_000:
        raise ValueError(f"texts must be from 2 to 50,000, got {texts}")
    words = Words([EVERY_WORD])
    held_out = different_reviews(1400, -1)
    train = different_reviews(texts, seed, frozenset(text for text, _ in held_out))
    parts = [padded([words.encode(text) for text, _ in part]) for part in (train, held_out[:400], held_out[400:])]
    learned, valid, test = (
        MaskedBatches(part, vocabulary=len(words), size=size, shuffle=shuffle)
        for part, size, shuffle in zip(parts, (batch_size, EVALUATED_AT_ONCE, EVALUATED_AT_ONCE), (True, False, False), strict=True)
    )
    return Task(
        name="masked reviews",
        train=learned,
        valid=valid,
        test=test,
        loss=masked_loss,
        metrics={"accuracy": masked_accuracy},
        predict=lambda model, inputs, output: output.argmax(-1),
        baselines={"the most frequent word": lambda: {"accuracy": _most_frequent(parts[0], test)}},
        preview=Filled(*_first(valid), words),
        models={"BERT": lambda: BERT(len(words), width=64, layers=2, heads=2, dropout=0.0)},
        tokenizer=words,
    )


def _first(batches: MaskedBatches) -> tuple[Tensor, Tensor]:
    tokens, _, target = batches.cut(0, 0, 0, SHOWN)
    return tokens, target


def masked_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of (B, T, vocabulary) against what stood at the hidden places of (B, T), in nats; the rest is ignored."""
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED)


def masked_accuracy(guesses: Tensor, target: Tensor) -> float:
    """The share of hidden tokens that are guessed. guesses, target: (N, T) int64."""
    asked = target != IGNORED
    return (guesses[asked] == target[asked]).double().mean().item()


def _most_frequent(train: Tensor, test: MaskedBatches) -> float:
    word = int(train[train != PADDING].mode().values)
    targets = torch.cat([test.batch(0, 0, position)[-1] for position in range(len(test))])
    return masked_accuracy(torch.full_like(targets, word), targets)
