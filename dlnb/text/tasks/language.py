"""Tasks that say what comes next in a text."""

import math
import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...data.store import path
from ...data.windows import Windows
from ...task import Task, remembered
from ..models import GPT, ModernGPT
from ..ngrams import NGrams
from ..previews import Continued
from ..tokenizers import Characters

SHOWN, WRITTEN = 4, 48  # beginnings in a preview, and characters that are written to each


@remembered
def tiny_shakespeare(
    context: int = 64, batch_size: int = 12, held_out: float = 0.02, *, source: str = "tinyshakespeare"
) -> Task:
    """Say which character comes next, in Shakespeare's plays (1.1 MB, fetched once through `dlnb.data.store`).

    The last 10 % of the text are the test: what is tested lies behind all that is learned. Validated and tested is on windows of
    `context` characters, one after the other.
    held_out: the share of the text before the test that is for validation; with 0 there is no validation, and everything before
        the test is learned, as in nanoGPT; the preview then goes on from beginnings of the test.

    Raises: DataError if the file cannot be had; ValueError if held_out is no share up to a half, or too small for one window.
    """
    if not 0 <= held_out <= 0.5:
        raise ValueError(f"held_out must be from 0 to 0.5, a share of the text; got {held_out}")
    text = path(source, "input.txt").read_text(encoding="utf-8")
    credit = "The works of William Shakespeare, as put together by A. Karpathy for char-rnn, public domain"
    return _next_character("tiny Shakespeare", text, held_out, context, batch_size, credit)


@remembered
def python_docs(context: int = 64, batch_size: int = 12) -> Task:
    """Say which character comes next, in the part of Python's documentation that every Python carries: no download.

    The help on its topics, each paragraph once, however many topics quote it: some hundred thousand characters, other ones in
    another version of Python. The last 10 % are the test, the 5 % before them are for validation.
    """
    credit = "The Python Language Reference, Python Software Foundation, PSF License Version 2"
    return _next_character("Python's documentation", documentation(), 0.05, context, batch_size, credit)


def documentation() -> str:
    """The text of `pydoc_data.topics`, topic by topic, without the paragraphs that came before."""
    from pydoc_data.topics import topics

    paragraphs = (part.strip("\n") for name in sorted(topics) for part in re.split(r"\n\s*\n", topics[name]))
    return "\n\n".join(dict.fromkeys(part for part in paragraphs if part.strip()))


def _next_character(name: str, text: str, valid_share: float, context: int, batch_size: int, credit: str) -> Task:
    tokenizer = Characters(text)
    tokens = torch.tensor(tokenizer.encode(text))
    first, last = int((0.9 - valid_share) * len(tokens)), int(0.9 * len(tokens))
    train, valid, test = tokens[:first], tokens[first:last], tokens[last:]
    return Task(
        name=name,
        train=Windows(train, length=context, size=batch_size, shuffle=True),
        valid=Windows(valid, length=context, size=64) if valid_share else None,
        test=Windows(test, length=context, size=64),
        loss=next_token_loss,
        metrics={"bits per character": bits_per_token},
        baselines={
            "how often each character occurs": lambda: {"bits per character": _counted(train, test, len(tokenizer), 1, context)},
            "the last five characters, counted": lambda: {"bits per character": _counted(train, test, len(tokenizer), 6, context)},
        },
        preview=Continued(*_beginnings(valid if valid_share else test, context), tokenizer),
        tokenizer=tokenizer,
        credit=credit,
        models={"GPT": lambda: GPT(len(tokenizer), context), "ModernGPT": lambda: ModernGPT(len(tokenizer), context)},
    )


def _beginnings(tokens: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """A few places in a text: what stands before them, (N, context / 2), and what after, (N, WRITTEN)."""
    read = max(1, context // 2)
    rows = [tokens[start : start + read + WRITTEN] for start in torch.linspace(0, len(tokens) - read - WRITTEN, SHOWN).long()]
    return torch.stack(rows).split([read, WRITTEN], dim=1)


def next_token_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of (B, T, vocabulary) against the tokens that follow, (B, T), in nats."""
    return F.cross_entropy(logits.flatten(0, 1), target.flatten())


def bits_per_token(logits: Tensor, target: Tensor) -> float:
    """The same loss in bits, over a whole split: how long a text would be if the model's guesses were used to pack it."""
    return next_token_loss(logits, target).item() / math.log(2)


def _counted(train: Tensor, test: Tensor, vocabulary: int, order: int, window: int) -> float:
    tokens: Sequence[int] = test.tolist()
    return NGrams(train.tolist(), vocabulary, order).loss(tokens, window) / math.log(2)
