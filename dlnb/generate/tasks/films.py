"""Tasks that film: what comes next in a small moving world."""

import torch
from torch import Tensor, nn

from ...task import Task, remembered
from ..models import Filmer
from ..previews import Filmed
from ..world import WORDS, FilmBatches, held_out

HELD_OUT = 200  # clips to validate, and twice as many to test
SHOWN = 7  # films in a preview


@remembered
def films(
    clips: int = 3_200, ahead: int = 8, seen: int = 8, side: int = 16, width: int = 64, seed: int = 0, batch_size: int = 16
) -> Task:
    """To film on: `seen` frames of balls that bounce, pass behind a wall, or lie still under a panning camera, and a word of what it is.

    clips: in an epoch; those that are learned from are new in each. ahead: frames to be filmed. side: of a frame, in pixels.
    width: of the network. "squared error" is that of the frames ahead, "of the better guess" its share of the error of whichever
    is better, to show the last frame again or to go on in a straight line from the last two.

    Raises: ValueError if there are fewer than two frames to see or none to film, or the frames are too small.
    """
    if seen < 2 or ahead < 1:
        raise ValueError(f"seen must be 2 or more, so that one sees how things move, and ahead 1 or more; got {seen} and {ahead}")
    shape = {"frames": seen + ahead, "seen": seen, "side": side, "world": seed}
    valid, test = held_out(HELD_OUT, part=1, **shape), held_out(2 * HELD_OUT, part=2, **shape)

    def error(said: Tensor, true: Tensor) -> float:
        return nn.functional.mse_loss(said[:, -ahead:].clamp(0, 1), true[:, -ahead:]).item()

    def guesses(true: Tensor) -> dict[str, float]:
        first, last = true[:, -ahead - 2], true[:, -ahead - 1]  # what is asked for begins at the second frame
        return {name: error(guess, true) for name, guess in (("last", again(last, ahead)), ("line", straight_on(first, last, ahead)))}

    return Task(
        name="films of a small world",
        train=FilmBatches(clips, size=batch_size, **shape),
        valid=valid,
        test=test,
        loss=nn.functional.mse_loss,
        metrics={"squared error": error, "of the better guess": lambda said, true: error(said, true) / min(guesses(true).values())},
        baselines={
            "the last frame again": lambda: {"squared error": guesses(test.tensors[-1])["last"]},
            "on in a straight line": lambda: {"squared error": guesses(test.tensors[-1])["line"]},
        },
        preview=Filmed(*_one_of_each(valid.tensors[0], valid.tensors[1], valid.tensors[2]), WORDS, seen),
        credit="filmed by dlnb",
        models={"Filmer": lambda: Filmer(len(WORDS), side, ahead, width)},
    )


def again(last: Tensor, count: int) -> Tensor:
    """The last frame, again and again. (N, H, W) → (N, count, H, W)."""
    return last[:, None].expand(-1, count, -1, -1)


def straight_on(first: Tensor, last: Tensor, count: int) -> Tensor:
    """As each pixel went on from the one frame to the other, within [0, 1]. Twice (N, H, W) → (N, count, H, W)."""
    steps = torch.arange(1, count + 1).view(-1, 1, 1)
    return (last[:, None] + steps * (last - first)[:, None]).clamp(0, 1)


def _one_of_each(first: Tensor, words: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    """Whole clips, one of each word as far as there are."""
    chosen = [int(where[0]) for word in range(len(WORDS)) if len(where := (words == word).nonzero()[:, 0])][:SHOWN]
    return torch.cat([first[chosen, :1], rest[chosen]], 1), words[chosen]
