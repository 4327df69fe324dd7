"""What judges an update of weights that a learner wrote: the way that weights go by it, beside the ways that are typically gone instead."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..train.engine import seeded
from .exercise import Unanswered, Wrong

STEPS, SHAPE = 8, (3, 2)
RATES = (0.1,) * 4 + (0.02,) * (STEPS - 4)  # the learning rate of each step
SMALL = 1e-5  # the size of some slopes, beside others of about 1

Memory = tuple[Tensor, ...]
Rule = Callable[[Tensor, Tensor, Memory, int, float], tuple[Tensor, ...]]  # weight, slope, memory, step from 1, rate → weight, *memory


class Instead(NamedTuple):
    """What is typically done instead, and what is said to who does it."""

    words: str
    rule: Rule


def judge_rule(answer: Any, learner: Rule, right: Rule, instead: Sequence[Instead], kept: Sequence[str]) -> None:
    """Whether a rule moves weights as the right one does.

    answer: what the learner gave; learner: how it is called. kept: the names of what it remembers from step to step.
    Raises: Unanswered if it does nothing at all; Wrong, with what it does instead.
    """
    if not callable(answer):
        raise Wrong(f"this is a {type(answer).__name__}; give the function itself, without brackets behind it")
    ours = walk(lambda *given: _checked(learner(*given), kept), len(kept))
    if _same(ours, walk(right, len(kept))):
        return
    if _same(ours, ours[:1].expand_as(ours)) and not ours[:, 1:].any():
        raise Unanswered("the function does nothing yet: it returns what it was given")
    for one in instead:
        if _same(ours, walk(one.rule, len(kept))):
            raise Wrong(one.words)
    raise Wrong(_where(ours, walk(right, len(kept)), kept))


def walk(rule: Rule, kept: int) -> Tensor:
    """The weight and what is remembered, at first and after each step. (STEPS + 1, 1 + kept, *SHAPE) float64."""
    with seeded(0):
        slopes = torch.randn(STEPS, *SHAPE, dtype=torch.float64)
        weight = torch.randn(SHAPE, dtype=torch.float64)
    slopes[:, 0] *= SMALL
    state: tuple[Tensor, ...] = (weight, *torch.zeros(kept, *SHAPE, dtype=torch.float64))
    way = [torch.stack(state)]
    for step in range(1, STEPS + 1):
        # Copies, so that a rule may change what it is given.
        state = rule(state[0].clone(), slopes[step - 1].clone(), tuple(part.clone() for part in state[1:]), step, RATES[step - 1])
        way.append(torch.stack([part.detach() for part in state]))
    return torch.stack(way)


def _checked(returned: Any, kept: Sequence[str]) -> tuple[Tensor, ...]:
    """What a rule returned. Raises: Wrong if it is not the weight and what is remembered."""
    wanted = ", ".join(["weight", *kept])
    parts = returned if isinstance(returned, (tuple, list)) else (returned,)
    if len(parts) != 1 + len(kept):
        raise Wrong(f"it returns {_said(returned)}; return all that the next step needs: `return {wanted}`")
    for part, name in zip(parts, ["weight", *kept], strict=True):
        if not isinstance(part, Tensor) or part.shape != SHAPE:
            what = f"a tensor of shape {tuple(part.shape)}" if isinstance(part, Tensor) else f"a {type(part).__name__}"
            raise Wrong(f"for a weight of shape {SHAPE} the new {name} is {what}; it should have the same shape")
    return tuple(parts)


def _said(returned: Any) -> str:
    if isinstance(returned, (tuple, list)):
        return f"{len(returned)} things"
    return "nothing" if returned is None else "one thing"


def _where(ours: Tensor, right: Tensor, kept: Iterable[str]) -> str:
    """The first step and the first part that differ, in words."""
    for step in range(1, STEPS + 1):
        for part, name in reversed(list(enumerate(["weight", *kept]))):  # what is remembered comes first, as the weight follows from it
            if not _same(ours[step, part], right[step, part]):
                if not torch.isfinite(ours[step, part]).all():
                    return f"in step {step} the {name} is no number any more. Is there a root of something negative, or a division by 0?"
                return f"up to step {step - 1} all is right, and in step {step} the {name} is another than by the formula" if step > 1 else f"after the first step the {name} is another than by the formula"
    return "it differs from the formula"


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)
