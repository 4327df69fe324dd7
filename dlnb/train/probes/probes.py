"""Layer statistics of a run, looked at now and then and cheaply.

`Probes` is an `Observer`: hooks are there only in the steps it looks at. It times itself and looks at every 1st, 2nd,
4th … step, so that its share of the training time stays what it may be.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import numpy as np
import torch
from torch import Tensor, nn

from .closelook import CloseLook, look_closely
from .layers import STATISTICS, Layer
from .observation import Observation, look_at_batch, look_at_output
from .sampling import WHAT, StepSample
from .tracks import Track

if TYPE_CHECKING:
    from ..loop import Loop

__all__ = ["CloseLook", "Probes", "look_closely"]

log = logging.getLogger(__name__)

HEAD_START = 0.05  # seconds that may be spent beyond the share, so that the first steps are seen
WIDEST = 2**16  # steps between two looks
NEVER = 2**62
REMEMBERED = 12  # observations


P = ParamSpec("P")


def _never_fatal(method: "Callable[Concatenate[Probes, P], None]") -> "Callable[Concatenate[Probes, P], None]":
    """Whatever goes wrong in looking on, the training goes on, unwatched."""

    @wraps(method)
    def guarded(probes: "Probes", *arguments: P.args, **named: P.kwargs) -> None:
        if probes.ended:
            return
        try:
            method(probes, *arguments, **named)
        except Exception:
            log.exception("dlnb: the probes look no more")
            probes.abandon()
            probes.next_step = NEVER
            probes.ended = True

    return guarded


class Probes:
    """Statistics of the layers of a model, of a sample of the steps.

    share: the share of the training time that observing may take. seconds: what it has taken so far.
    stride: steps between two looks, a power of two. observation: what was seen last of the batch and the output;
    recent: the last of them, first: the very first.
    """

    def __init__(self, model: nn.Module, share: float = 0.002) -> None:
        if not share > 0:
            raise ValueError(f"the share of the training time must be above 0, got {share!r}")
        self.model = model
        self.share = share
        self.seconds = 0.0
        self.count = 0
        self.next_step = 1
        self.ended = False  # something went wrong inside, and they look no more
        self.stride = 1
        self.observation: Observation | None = None
        self.first: Observation | None = None
        self.recent: deque[Observation] = deque(maxlen=REMEMBERED)
        self._sample = StepSample(model)
        self._tracks: dict[str, Track] = {}
        self._costs: list[float] = []
        self._step_seconds: list[float] = []
        self._warming_up = 0.0

    # What one asks.

    @property
    def layers(self) -> list[str]:
        """The layers of the model as it was last seen; those that were called first, in the order of their calls."""
        known = [layer.name for layer in self._sample.found]
        called = [name for name in self._sample.order if name in self._tracks]
        return called + [name for name in known if name not in called]

    @property
    def found(self) -> list[Layer]:
        """The layers of the model as it was last seen, with their modules."""
        return self._sample.found

    def table(self) -> dict[str, dict[str, float]]:
        """The latest statistics of each layer.

        mean, std: of what it puts out; dead: the share of its units that have been off (or stuck at an end of their
        range) for 1,000 samples; gradient, weight: norms; update: the change of its largest parameter relative to
        that parameter. NaN where there is none. A copy, which does not change.
        """
        tracks = self._tracks
        return {name: tracks[name].latest() for name in self.layers if name in tracks}

    def series(self, layer: str, statistic: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps (N,) int64 and values (N,) float64 of a statistic.

        Raises: KeyError if there is no such layer, ValueError if no such statistic.
        """
        if statistic not in STATISTICS:
            raise ValueError(f"there is no statistic {statistic!r}; there are {', '.join(STATISTICS)}")
        if layer not in self._tracks:
            raise KeyError(f"the probes saw no layer {layer!r}; they saw {', '.join(self._tracks) or 'nothing yet'}")
        return self._tracks[layer].column(STATISTICS.index(statistic))

    def histogram(self, layer: str, what: str = "activation", bins: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Counts (bins,) int64 and edges (bins + 1,) float64 of a sample of the latest observation.

        what: "activation", "gradient" or "weight". Empty where the layer has none.

        Raises: KeyError if there is no such layer, ValueError for another `what`.
        """
        if what not in WHAT:
            raise ValueError(f"there is no histogram of {what!r}, only of {', '.join(WHAT)}")
        if layer not in self._sample.rows:
            raise KeyError(f"the probes saw no layer {layer!r}; they saw {', '.join(self._tracks) or 'nothing yet'}")
        values = self._sample.sample(layer, WHAT[what])
        values = values[np.isfinite(values)]
        return np.histogram(values, bins) if len(values) else (np.zeros(0, np.int64), np.zeros(0))

    def units(self) -> dict[str, int]:
        """How many units of each layer are looked at; 0 where it is not known what off means."""
        return {name: track.units for name, track in self._tracks.items()}

    def seek(self, step: int) -> None:
        """The run is at another step: forget what was seen after it, and look again soon."""
        for track in self._tracks.values():
            track.cut(step)
        kept = [seen for seen in self.recent if seen.step <= step]
        self.recent = deque(kept, maxlen=self.recent.maxlen)
        self.observation = kept[-1] if kept else None
        if self.first is not None and self.first.step > step:
            self.first = None
        self._schedule(step)

    # The observer.

    @_never_fatal
    def begin(self, loop: "Loop", inputs: list[Any], target: Any) -> None:
        """See `Observer.begin`."""
        begin = self._began = time.perf_counter()
        sample = self._sample
        sample.remove_hooks()  # of a pass of a hand-written loop that made no update
        sample.seconds = 0.0
        self._seen = look_at_batch(loop.steps + 1, inputs, target)
        sample.begin(self._seen)
        sample.seconds += time.perf_counter() - begin

    @_never_fatal
    def seen(self, output: Any, loss: Tensor) -> None:
        """See `Observer.seen`."""
        begin = time.perf_counter()
        look_at_output(self._seen, output, loss)
        self._sample.take_result(output)
        self._sample.seconds += time.perf_counter() - begin

    @_never_fatal
    def differentiated(self) -> None:
        """See `Observer.differentiated`."""
        begin = time.perf_counter()
        self._sample.take_gradients()
        self._sample.seconds += time.perf_counter() - begin

    @_never_fatal
    def end(self) -> None:
        """See `Observer.end`."""
        begin = time.perf_counter()
        sample, seen = self._sample, self._seen
        step_seconds = begin - self._began - sample.seconds
        if sample.ring.is_cuda:
            torch.cuda.synchronize(sample.ring.device)  # what was queued is the step's own time, not this one's
            begin = time.perf_counter()
        for name, row in sample.end().items():
            track = self._tracks.get(name)
            if track is None:
                track = Track()
                self._tracks = {**self._tracks, name: track}  # a new dictionary, for who walks over the old one
            if row.live is not None:
                track.count_live(row.live, row.samples, row.tolerance)
            track.add(seen.step, (row.mean, row.std, track.dead, row.gradient, row.weight, row.update))
        self.observation = seen
        self.first = self.first or seen
        self.recent.append(seen)
        self.count += 1
        sample.seconds += time.perf_counter() - begin
        self.seconds += sample.seconds
        self._costs = [*self._costs[-6:], sample.seconds]
        self._step_seconds = [*self._step_seconds[-6:], max(step_seconds, 1e-6)]
        if self.count == 1:
            self._warming_up = sample.seconds  # often ten times what the next ones take
        self._schedule(seen.step)

    def abandon(self) -> None:
        """See `Observer.abandon`."""
        self._sample.remove_hooks()
        self.seconds += self._sample.seconds

    def _schedule(self, step: int) -> None:
        """Choose the next step: close together at first, then as far apart as the share asks for."""
        stride = 1
        if self._costs:
            cost, one = float(np.median(self._costs)), float(np.median(self._step_seconds))
            spent, may = self.seconds - self._warming_up, self.share * one * step
            while stride < cost / (self.share * one) and stride < WIDEST:
                stride *= 2
            if spent > 2 * may + HEAD_START:
                stride = min(2 * stride, WIDEST)
            while stride > 1 and spent < may + HEAD_START and stride * 8 > step:
                stride //= 2  # the first steps tell most
        self.stride = stride
        self.next_step = NEVER if self.ended else (step // stride + 1) * stride
