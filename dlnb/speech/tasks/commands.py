"""Tasks that understand what is wanted."""

import functools

import torch
import torch.nn.functional as F
from numpy.random import RandomState
from torch import Tensor, nn

from ...task import Task, remembered
from ..batches import SoundBatches
from ..house import SIZES, Command, command, commanded, understood
from ..models import Commander
from ..previews import Heard, shown
from ..recorded import Recorded, recorded
from ..variety import varied
from ..voices import PEOPLE

EVALUATED_AT_ONCE = 100
SHOWN = 8
HELD_OUT = 300


@remembered
def commands(said: int = 3000, seed: int = 0, batch_size: int = 16) -> Task:
    """Commands to a house in voices of espeak-ng, and what they want: an intent, a room, minutes, a composer. Nothing to download.

    said: commands to learn from; one in five says something that the house cannot do, which is to be rejected as not
    understood. 300 to validate and 300 to test, by other people, mostly in words that are never said together in what is learned.

    A target is (B, 4) int64: the number of the answer to each of dlnb.speech.house.QUESTIONS.

    Raises: ValueError if there are too few.
    """
    if said < 50:
        raise ValueError(f"50 commands or more are needed to learn from, got {said}")
    draw = RandomState(seed)
    held_out = max(20, min(HELD_OUT, said // 5))
    made = [command(draw, learned=True) for _ in range(said)]
    asked = [[command(draw, learned=False) for _ in range(held_out)] for _ in range(2)]
    train, valid, test = (_heard(some, part, seed + place) for place, (some, part) in enumerate(zip((made, *asked), PEOPLE, strict=True)))
    return Task(
        name="commands",
        train=SoundBatches(*train, size=batch_size, shuffle=True, vary=varied),
        valid=SoundBatches(*valid, size=EVALUATED_AT_ONCE),
        test=SoundBatches(*test, size=EVALUATED_AT_ONCE),
        loss=commands_loss,
        metrics={"intents right": intents_right, "slots F1": slots_f1, "rejected": rejected, "wrongly rejected": wrongly_rejected},
        baselines={"the most frequent answers": functools.partial(_majority, train[2], test[2])},
        preview=Heard(valid[0][:SHOWN], [str(one) for one in asked[0][:SHOWN]], _said),
        show=shown,
        credit="voices of espeak-ng",
        models={"Commander": lambda: Commander(SIZES)},
    )


def commands_loss(logits: Tensor, target: Tensor) -> Tensor:
    """The mean cross-entropy of the questions. logits: (B, sum of SIZES); target: (B, questions)."""
    losses = [F.cross_entropy(group, target[:, place]) for place, group in enumerate(logits.split(SIZES, 1))]
    return torch.stack(losses).mean()


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


def _heard(made: list[Command], part: str, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    sounds: Recorded = recorded(tuple(one.text for one in made), PEOPLE[part], seed, after=0.25)
    return sounds.pictures, sounds.lengths, torch.tensor([one.target for one in made])


def _said(model: nn.Module, pictures: Tensor) -> list[str]:
    return [str(commanded(answers)) for answers in understood(model(pictures)).tolist()]


def _majority(train: Tensor, test: Tensor) -> dict[str, float]:
    """What comes of giving everyone the answers that are the most frequent."""
    logits = torch.zeros(len(test), sum(SIZES))
    for first, answer in zip([sum(SIZES[:place]) for place in range(len(SIZES))], train.mode(0).values.tolist(), strict=True):
        logits[:, first + answer] = 1.0
    return {"intents right": intents_right(logits, test), "slots F1": slots_f1(logits, test)}
