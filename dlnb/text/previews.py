"""What a model says of the same few texts each time: previews of the tasks of reading and writing."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..preview import Texts
from .batches import IGNORED
from .sampling import generate
from .search import greedy
from .tokenizers import END, MASK, PADDING


class Tokenizer(Protocol):
    """What turns a text to numbers and back."""

    def __len__(self) -> int: ...  # noqa: D105
    def encode(self, text: str) -> list[int]:
        """The ids of a text's pieces."""
        ...

    def decode(self, tokens: list[int]) -> str:
        """The text that these are."""
        ...


class Classified:
    """Texts and of which class a model takes them to be.

    tokens: (N, T) int64, filled up with PADDING; truth: (N,) int64 below `len(classes)`.
    """

    def __init__(self, texts: Sequence[str], tokens: Tensor, truth: Tensor, classes: tuple[str, ...]) -> None:
        self.texts, self.tokens, self.truth, self.classes = tuple(texts), tokens, truth, classes

    def __call__(self, model: nn.Module) -> Texts:
        """model: in eval mode, of tokens and mask, gives logits (N, C)."""
        tokens = self.tokens.to(_device(model))
        with torch.no_grad():
            sure, said = model(tokens, tokens != PADDING).softmax(1).float().cpu().max(1)
        return Texts(
            self.texts,
            tuple(self.classes[label] for label in self.truth.tolist()),
            tuple(self.classes[label] for label in said.tolist()),
            right=(said == self.truth).numpy(),
            scores=sure.numpy(),
        )


class Continued:
    """Beginnings, how they go on, and how a language model goes on, the same draw each time.

    beginnings, truth: (N, T) and (N, T') int64.
    """

    def __init__(self, beginnings: Tensor, truth: Tensor, tokenizer: Tokenizer) -> None:
        self.beginnings, self.truth, self.tokenizer = beginnings, truth, tokenizer

    def __call__(self, model: nn.Module) -> Texts:
        """model: a `GPT` in eval mode."""
        count, read = self.truth.shape[1], self.beginnings.shape[1]
        written = generate(model, self.beginnings.to(_device(model)), count, temperature=0.8, seed=0)  # type: ignore[arg-type]
        return Texts(self._texts(self.beginnings), self._texts(self.truth), self._texts(written[:, read:]))

    def _texts(self, rows: Tensor) -> tuple[str, ...]:
        return tuple(self.tokenizer.decode(row) for row in rows.tolist())


class Filled:
    """Texts with hidden words, the words, and what a model takes them to be.

    tokens: (N, T) int64 with MASK where a word is hidden; target: (N, T) int64, what stood there, IGNORED elsewhere.
    """

    def __init__(self, tokens: Tensor, target: Tensor, tokenizer: Any) -> None:
        asked = (target != IGNORED) & (tokens == MASK)
        rows = asked.any(1)
        self.tokens, self.target, self.asked, self.tokenizer = tokens[rows], target[rows], asked[rows], tokenizer

    def __call__(self, model: nn.Module) -> Texts:
        """model: a `BERT` in eval mode."""
        tokens = self.tokens.to(_device(model))
        with torch.no_grad():
            said = model(tokens, tokens != PADDING).argmax(-1).cpu()
        pieces, asked = self.tokenizer.pieces, self.asked
        read = tuple("".join(pieces[token] if token != MASK else " ___" for token in row if token != PADDING) for row in self.tokens.tolist())
        truth, guesses = (
            tuple(",".join(pieces[token] for token in row[mask].tolist()) for row, mask in zip(words, asked, strict=True))
            for words in (self.target, said)
        )
        return Texts(
            tuple(text.strip() for text in read), tuple(map(str.strip, truth)), tuple(map(str.strip, guesses)),
            right=((said == self.target) | ~asked).all(1).numpy(),
        )  # fmt: skip


class Translated:
    """Sentences, their translations, and those that a model writes.

    source: (N, S) int64, filled up with PADDING.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], source: Tensor, tokenizer: Tokenizer) -> None:
        self.read, self.truth = tuple(text for text, _ in pairs), tuple(text for _, text in pairs)
        self.source, self.tokenizer = source, tokenizer

    def __call__(self, model: nn.Module) -> Texts:
        """model: a `Translator` in eval mode."""
        written = greedy(model, self.source.to(_device(model)))  # type: ignore[arg-type]
        said = tuple(self.tokenizer.decode(until_end(row)) for row in written.tolist())
        return Texts(self.read, self.truth, said, np.array([one == true for one, true in zip(said, self.truth, strict=True)]))


def until_end(tokens: list[int]) -> list[int]:
    """The tokens of a text before its END."""
    return tokens[: tokens.index(END)] if END in tokens else tokens


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
