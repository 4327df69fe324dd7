"""Many settings of a small network trained at once, on the engine thread like any run.

Each setting sees the batches, the dropout and the initial weights that its own run would have seen, so its numbers are
those of that run up to rounding, and none depends on what the other settings do.
"""

import math
import time
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..control import Controlled
from ..diagnose import TrainingError
from ..loop import OFF, Loop
from ..randomness import readers_random
from .setting_history import Columns
from .stackable import CannotStack
from .stacked import Saved, Stack
from .stacked_updates import StackedOptimizer, stacked_loss


class Together(Controlled):
    """Settings that train at once.

    loops: one a setting, none of which has taken a step. They keep the plan (data, seed, epochs, optimiser, clipping,
    schedule) and the initial weights; the weights that learn are those of `stack`.

    states: "running", "done", "stopped" or "failed" for each setting; errors: what failed it.

    Raises: CannotStack in words if they cannot be stacked.
    """

    def __init__(self, loops: Sequence[Loop], threads: int = 1) -> None:
        super().__init__()
        self.loops, self.threads = list(loops), threads
        self.task = loops[0].task
        self.stack = Stack([loop.model for loop in loops])
        self.optimizer = StackedOptimizer([loop.optimizer for loop in loops], self.stack.flat, self.stack.parameters)
        self.steps = 0
        self.seconds = 0.0
        self.observed = 0.0
        self.states = ["running"] * len(loops)
        self.errors: dict[int, str] = {}
        self.columns: dict[str, Columns] = {}
        self.totals = [loop.total_steps for loop in loops]
        self._ends: dict[int, int] = {}
        self._kept: dict[int, Saved] = {}  # weights of settings that have ended while others go on
        self._check_plans()
        # One reader of the data for the settings that see the same batches, and the settings that see them.
        groups: dict[tuple[int, int, int | None], list[int]] = {}
        for setting, loop in enumerate(loops):
            groups.setdefault((id(loop.task.train), loop.seed, loop.batch_size), []).append(setting)
        self._groups = list(groups.values())
        self._group_of = torch.tensor(
            [next(g for g, group in enumerate(self._groups) if k in group) for k in range(len(loops))]
        )
        self._draws = self._settings_with_one_mask()
        self._clip = torch.tensor([[loop.clip] for loop in loops]) if any(loop.clip != OFF for loop in loops) else None
        self._scheduled = [loop for loop in loops if loop.scheduler is not None]
        with readers_random():
            (_, target), _ = self._next_batch()
            self.loss = stacked_loss(self.task.loss, target if len(self._groups) == 1 else target[0])

    @property
    def total_steps(self) -> int:
        """Steps of the longest setting that still trains, or of all."""
        return max(
            [total for total, state in zip(self.totals, self.states, strict=True) if state == "running"] or self.totals
        )

    def reached(self, setting: int) -> int:
        """The steps that a setting has made."""
        return self._ends.get(setting, self.steps)

    def model(self, setting: int) -> nn.Module:
        """An ordinary module with the present weights of a setting, in eval mode; call it while no turn is taken."""
        return self.stack.model(setting, self._kept.get(setting)).eval()

    # What it is told.

    def _do_start(self) -> int:
        if self.state in ("ready", "paused"):
            self._become("running")
        return self.steps

    def _do_pause(self) -> int:
        if self.state == "running":
            self._become("paused")
        return self.steps

    def _do_resume(self) -> int:
        return self._do_start()

    def _do_stop(self) -> int:
        """End every setting that trains."""
        for setting in self._training():
            self._end(setting, "stopped")
        self._become("done")
        return self.steps

    def _do_drop(self, setting: int) -> int:
        """End one setting; the others go on as they would have."""
        if self.states[setting] == "running":
            self._end(setting, "stopped")
            if not self._training():
                self._become("done")
            self._changed()
        return self.steps

    # Training, on the engine thread.

    @property
    def has_work(self) -> bool:
        """Whether a turn would do something."""
        return self.state == "running" or bool(self._commands)

    def turn(self, seconds: float) -> None:
        """Obey what was asked, then train for about `seconds`."""
        self._obey()
        if self.state != "running":
            return
        begin = time.perf_counter()
        try:
            if torch.get_num_threads() != self.threads:
                torch.set_num_threads(self.threads)
            # Where the settings see different batches, what their data sets draw from NumPy is not kept apart.
            with self.loops[0].randomness.installed(), torch.no_grad():
                if self.steps == 0:
                    self.validate()
                while self.state == "running" and not self._commands and time.perf_counter() < begin + seconds:
                    self.advance()
        except BaseException as error:
            self.traceback = "".join(traceback.format_exception(error))
            self.error = error
            self._become("failed")
        self.seconds += time.perf_counter() - begin
        self._changed()

    def advance(self) -> None:
        """Make one update of every setting that trains."""
        examples, states = self._next_batch()
        x, target = examples
        shared = len(self._groups) == 1
        self._draw_masks(states, x.shape[0 if shared else 1])
        outputs = self.stack.forward(self.stack.inputs(x, shared), True)
        losses, d = self.loss(outputs, target, shared)
        row = losses.numpy()
        if not np.isfinite(row).all():
            self._fail(row)
        gradient = self.stack.backward(d)
        if self._clip is not None:
            norm = (gradient * self.optimizer.learns).norm(dim=1, keepdim=True)
            gradient = gradient * (self._clip / (norm + 1e-6)).clamp(max=1.0)
        self.optimizer.step(gradient)
        self._add("loss", row, self.steps + 1)  # before the step counts, as in `Loop`
        self.steps += 1
        for group in self._groups:
            self.loops[group[0]]._move_on()
        if self._scheduled:
            self._step_schedules()
        first = self.loops[0]
        if first.place == 0 if first.validate_every is None else self.steps % first.validate_every == 0:
            self.validate()
        if any(self.steps >= self.totals[setting] for setting in self._training()):
            self._finish()

    def validate(self) -> None:
        """Record loss and metrics of the validation split for every setting."""
        valid = self.task.valid
        column = self.columns.get("valid_loss")
        if valid is None or (column is not None and column.length and column._steps[column.length - 1] == self.steps):
            return
        with readers_random():
            losses, outputs, targets, count = torch.zeros(len(self.loops)), [], [], 0
            for position in range(len(valid)):
                x, target = _pair(valid.batch(0, 0, position))
                output = self.stack.forward(self.stack.inputs(x, True), False)
                losses += self.loss(output, target, True)[0] * len(x)
                outputs.append(output)
                targets.append(target)
                count += len(x)
            self._add("valid_loss", (losses / count).numpy(), self.steps)
            everything, wanted = torch.cat(outputs, 2).transpose(1, 2), torch.cat(targets)  # (K, N, C)
            for name, metric in self.task.metrics.items():
                row = [
                    float(metric(everything[k], wanted)) if state == "running" else math.nan
                    for k, state in enumerate(self.states)
                ]
                self._add(f"valid_{name}", np.array(row), self.steps)

    # The parts of a step.

    def _next_batch(self) -> tuple[tuple[Tensor, Tensor], list[Tensor]]:
        """The batch of this step, (B, …) or (K, B, …), and for each group the generator's state after it."""
        pairs, states = [], []
        for group in self._groups:
            loop = self.loops[group[0]]
            loop.steps = self.steps
            loop.seed_step()
            pairs.append(_pair(loop._next_batch()))
            if self._draws:
                states.append(torch.default_generator.get_state())
        if len(pairs) == 1:
            return pairs[0], states
        if len({x.shape for x, _ in pairs}) > 1:
            raise CannotStack("the settings see batches of different shapes.")
        x, target = (torch.stack(parts)[self._group_of] for parts in zip(*pairs, strict=True))
        return (x, target), states

    def _draw_masks(self, states: list[Tensor], examples: int) -> None:
        """The masks of every dropout layer, drawn by each setting as its own run would draw them."""
        for group, settings in self._draws:
            torch.default_generator.set_state(states[group])
            for dropout in self.stack.dropouts:
                dropout.draw(settings, examples)

    def _settings_with_one_mask(self) -> list[tuple[int, list[int]]]:
        """Settings that share the seed and every dropout rate draw the same masks: (their group, they)."""
        dropouts = self.stack.dropouts
        alike: dict[tuple[Any, ...], tuple[int, list[int]]] = {}
        for setting in range(len(self.loops)) if dropouts else []:
            group = int(self._group_of[setting])
            key = (group, *(dropout.p[setting] for dropout in dropouts))
            alike.setdefault(key, (group, []))[1].append(setting)
        return list(alike.values())

    def _step_schedules(self) -> None:
        for loop in self._scheduled:
            # Else the scheduler warns that nothing steps.
            loop.optimizer._opt_called = True  # type: ignore[attr-defined]
            assert loop.scheduler is not None
            loop.scheduler.step()
        self.optimizer.read_numbers()

    def _add(self, name: str, row: np.ndarray, step: int) -> None:
        column = self.columns.get(name)
        if column is None:
            column = Columns(len(self.loops))
            column.add(step, row)
            self.columns = {**self.columns, name: column}  # a new one, so that who reads the old one is not disturbed
        else:
            column.add(step, row)

    def _training(self) -> list[int]:
        return [setting for setting, state in enumerate(self.states) if state == "running"]

    def _fail(self, row: np.ndarray) -> None:
        """Settings whose loss is no number end before their weights change."""
        for setting in self._training():
            if not math.isfinite(row[setting]):
                rate = float(self.loops[setting].optimizer.param_groups[0]["lr"])
                self.errors[setting] = (
                    f"the loss became {row[setting]} at step {self.steps + 1}: lr {rate:.3g} is likely too high"
                )
                self._end(setting, "failed")
        if not self._training():
            raise TrainingError(f"the loss of every setting is no number by step {self.steps + 1}: {self.errors[0]}")

    def _end(self, setting: int, state: str) -> None:
        self.states[setting] = state
        self._ends[setting] = self.steps
        self._kept[setting] = self.stack.saved(setting)

    def _finish(self) -> None:
        """Settings whose plan ends here are done; when all are, so is this."""
        self.validate()
        for setting in self._training():
            if self.steps >= self.totals[setting]:
                self._end(setting, "done")
        if not self._training():
            self._become("done")

    def _check_plans(self) -> None:
        first = self.loops[0]
        for setting, loop in enumerate(self.loops):
            if loop.steps:
                raise CannotStack(f"the run of setting {setting} has made {loop.steps} steps already.")
            if loop.validate_every != first.validate_every or loop.steps_per_epoch != first.steps_per_epoch:
                raise CannotStack("the settings differ in validate_every or in the steps of an epoch.")
            if loop.task.loss is not first.task.loss and repr(loop.task.loss) != repr(first.task.loss):
                raise CannotStack("the settings differ in their loss.")
            if loop.own_knobs:
                raise CannotStack(f"setting {setting} has knobs of its own, which a stack does not turn.")


def _pair(batch: Any) -> tuple[Tensor, Tensor]:
    """Input and target. Raises: CannotStack if a batch is anything else."""
    if len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        raise CannotStack("a batch must be one input and one target, both tensors.")
    return batch[0], batch[1]
