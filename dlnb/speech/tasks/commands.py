"""Tasks that understand what is wanted."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from numpy.random import RandomState
from torch import Tensor, nn

from ...task import Task, remembered
from ..alike import most_alike
from ..batches import AlignedBatches
from ..house import SIZES, Command, command, commanded, understood
from ..models import Commander
from ..previews import Heard, shown
from ..recorded import Recorded, recorded
from ..variety import varied
from ..voices import PEOPLE, PHONEMES

EVALUATED_AT_ONCE = 100
SHOWN = 8
HELD_OUT = 300


@remembered
def commands(said: int = 6000, seed: int = 0, batch_size: int = 64, new_words: bool = True) -> Task:
    """Commands to a house in voices of espeak-ng, and what they want: an intent, a room, minutes, a composer. Nothing to download.

    said: commands to learn from; one in five says something that the house cannot do, which is to be rejected as not
    understood. 300 to validate and 300 to test, by other people. new_words: in words that are mostly never said together in what
    is learned; else in words as they are learned.

    A target is {"said": (B, 4), "phonemes": (B, T // 3)}, int64: the number of the answer to each of
    dlnb.speech.house.QUESTIONS, and which of dlnb.speech.voices.PHONEMES sounds when.

    Raises: ValueError if there are too few.
    """
    if said < 50:
        raise ValueError(f"50 commands or more are needed to learn from, got {said}")
    draw = RandomState(seed)
    held_out = max(20, min(HELD_OUT, said // 5))
    made = [command(draw, learned=True) for _ in range(said)]
    asked = [[command(draw, learned=not new_words) for _ in range(held_out)] for _ in range(2)]
    train, valid, test = (_heard(some, part, seed + place) for place, (some, part) in enumerate(zip((made, *asked), PEOPLE, strict=True)))
    return Task(
        name="commands",
        train=AlignedBatches(*train, size=batch_size, shuffle=True, vary=functools.partial(varied, throat=0.08, noise=(-17.0, -11.0), masks=0)),
        valid=AlignedBatches(*valid, size=EVALUATED_AT_ONCE),
        test=AlignedBatches(*test, size=EVALUATED_AT_ONCE),
        loss=commands_loss,
        metrics={name: functools.partial(_of_answers, metric) for name, metric in METRICS.items()},
        predict=lambda model, inputs, output: output[0],
        baselines={
            "the most frequent answers": lambda: _measured(train[2].mode(0).values.expand_as(test[2]), test[2]),
            "the answers to the sound most like it": lambda: _measured(train[2][most_alike(*train[:2], *test[:2])], test[2]),
        },
        preview=Heard(valid[0][:SHOWN], [str(one) for one in asked[0][:SHOWN]], _said),
        show=shown,
        credit="voices of espeak-ng",
        models={"Commander": lambda: Commander(SIZES, dropout=0.0, phonemes=len(PHONEMES))},
    )


def commands_loss(output: tuple[Tensor, Tensor], target: Any) -> Tensor:
    """The cross-entropies of the questions and that of the phonemes, together. output: (B, sum of SIZES), (B, T // 3, phonemes).

    Of what is no command only the intent is asked: a room may well be said in it, but nothing is to be done there.
    """
    logits, phonemes = output
    intent, *slots = target["said"].T
    asked = torch.where(intent == 0, -1, torch.stack(slots))  # (slots, B)
    losses = [F.cross_entropy(group, answers, ignore_index=-1, reduction="sum") for group, answers in zip(logits.split(SIZES, 1), (intent, *asked), strict=True)]
    return torch.stack(losses).sum() / len(intent) + F.cross_entropy(phonemes.flatten(0, 1), target["phonemes"].flatten())


def intents_right(logits: Tensor, target: Tensor) -> float:
    """The share of commands, and of what is none, of which the intent is right."""
    return (understood(logits)[:, 0] == target[:, 0]).double().mean().item()


def slots_f1(logits: Tensor, target: Tensor) -> float:
    """F1 of rooms, minutes and composers together: of all that were found, and all that were said."""
    answers = understood(logits)
    found = torch.where(answers[:, :1] == 0, 0, answers[:, 1:])  # nothing counts where nothing was understood
    right = ((found == target[:, 1:]) & (found > 0)).sum().item()
    total = (found > 0).sum().item() + (target[:, 1:] > 0).sum().item()
    return 2 * right / total if total else 1.0


def rejected(logits: Tensor, target: Tensor) -> float:
    """The share of what is no command that is not understood."""
    none = target[:, 0] == 0
    return (understood(logits)[none, 0] == 0).double().mean().item() if none.any() else 1.0


def wrongly_rejected(logits: Tensor, target: Tensor) -> float:
    """The share of commands that are not understood."""
    some = target[:, 0] > 0
    return (understood(logits)[some, 0] == 0).double().mean().item() if some.any() else 0.0


METRICS: dict[str, Callable[[Tensor, Tensor], float]] = {
    "intents right": intents_right, "slots F1": slots_f1, "rejected": rejected, "wrongly rejected": wrongly_rejected,
}  # fmt: skip


def _of_answers(metric: Callable[[Tensor, Tensor], float], logits: Tensor, target: dict[str, Tensor]) -> float:
    return metric(logits, target["said"])


def _heard(made: list[Command], part: str, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    sounds: Recorded = recorded(tuple(one.text for one in made), PEOPLE[part], seed, after=0.25)
    return sounds.pictures, sounds.lengths, torch.tensor([one.target for one in made]), sounds.phonemes


def _said(model: nn.Module, pictures: Tensor) -> list[str]:
    return [str(commanded(answers)) for answers in understood(model(pictures)[0]).tolist()]


def _measured(answers: Tensor, target: Tensor) -> dict[str, float]:
    """The metrics of answers that no model gave. answers, target: (N, questions)."""
    logits = torch.cat([F.one_hot(column, size).float() for column, size in zip(answers.T, SIZES, strict=True)], 1)
    return {name: metric(logits, target) for name, metric in METRICS.items()}
