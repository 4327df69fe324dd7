"""A deadline: a decision that comes too late is none, and the car does what is safe instead."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .world import SAFE, is_action

LIMIT = 0.050  # seconds from what is sensed to what is decided


class Deadline:
    """Something that decides, with a clock beside it.

    decide: called with whatever it needs, returns the number of one of ACTIONS. limit: seconds that it may take.
    clock: seconds that only grow; another one than the computer's makes it testable.

    seconds: what each decision took. missed: how many came too late. refused: how many were no action. Both end in `safe`.

    Raises: ValueError if the limit is not above 0.
    """

    def __init__(self, decide: Callable[..., Any], limit: float = LIMIT, safe: int = SAFE, clock: Callable[[], float] = time.perf_counter) -> None:
        if not limit > 0:
            raise ValueError(f"the deadline must be a number of seconds above 0, got {limit!r}")
        self.decide, self.limit, self.safe, self.clock = decide, limit, safe, clock
        self.seconds: list[float] = []
        self.missed = self.refused = 0

    def __call__(self, *given: Any) -> int:
        """What is decided in time, or the safe action."""
        begin = self.clock()
        action = self.decide(*given)
        took = self.clock() - begin
        self.seconds.append(took)
        if took > self.limit:
            self.missed += 1
            return self.safe
        if not is_action(action):
            self.refused += 1
            return self.safe
        return int(action)

    def percentile(self, share: float) -> float:
        """The seconds that so many percent of the decisions do not exceed. Raises: ValueError before the first decision."""
        if not self.seconds:
            raise ValueError("nothing was decided yet: there is no time to tell")
        return float(np.percentile(self.seconds, share))
