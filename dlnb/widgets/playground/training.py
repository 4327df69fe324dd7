"""How the network of a playground learns: one sample, one batch, one epoch at a time, back to any epoch, edited in between.

A loop of its own instead of a `Run`: the network of a run stays as it is, this one grows and shrinks; and a step takes 0.4 ms,
of which journal, probes, health and forks would be a quarter (`benchmarks/playground.py` measures both). What a run promises holds
here too: batches and dropout are a function of (seed, epoch), and after `rewind` the losses are the same to the last bit.
"""

import copy
import math
import time
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import growth
from .checks import PlaygroundError, is_whole
from .network import Network, inputs_of
from .points import Points, Recipe, made
from .spec import Plan, Spec, make_optimizer

COLUMNS = ("loss", "test_loss", "accuracy", "test_accuracy")
TOO_LARGE = 1e8  # a loss from which none comes back
DENSE = 256  # epochs back to which every one is kept; further back, few are, and the rest is replayed
SPARSE = 64  # of these, a moment keeps every 64th
MOST = 4000  # snapshots


class Exploded(PlaygroundError):
    """The loss became infinite; the state before is kept."""


@dataclass
class Snapshot:
    """All that decides the next step. pinned: it follows an edit, so no replay leads to it."""

    spec: Spec
    plan: Plan
    points: Points
    epoch: int
    place: int
    steps: int
    tensors: list[Tensor]
    known: list[dict[str, Any]]  # by the optimiser, for each parameter
    generator: Tensor | None
    pinned: bool


@dataclass
class Moment:
    """Everything of a trainer at some time, to come back to: how it was, and what it remembered of the way there."""

    now: Snapshot
    before: list[Snapshot]
    history: dict[str, list[float]]
    edits: int


class Trainer:
    """A network, its optimiser, points, and how far it has come. Whoever calls it must be one thread at a time.

    epoch: full passes made; place: points seen of the next one; steps: updates made.
    history: for each epoch from 0 (before any training) the columns loss, test_loss, accuracy and test_accuracy; the
        accuracies are NaN for regression.
    edits: how often something was changed since the start; a start from the same settings has none.

    Every method that changes something raises PlaygroundError if it cannot be, and then nothing has changed.
    """

    def __init__(self, spec: Spec | None = None, plan: Plan | None = None, points: Points | None = None) -> None:
        self.points = made(Recipe()) if points is None else points
        self.plan = plan or Plan()
        self.spec = replace(spec or Spec(), outputs=self.points.outputs)
        self._check(self.spec, self.plan, self.points)
        self.version = 0  # of the history: another one when it does not go on
        self.start()

    def start(self, seed: int | None = None) -> None:
        """Begin anew: with the same first weights, or with those of another seed."""
        if seed is not None:
            self.spec = replace(self.spec, seed=seed)
        self._install(Network(self.spec), None)
        self.epoch = self.place = self.steps = self.edits = 0
        self.version += 1
        self.history: dict[str, list[float]] = {name: [] for name in COLUMNS}
        self._snapshots: list[Snapshot] = []
        self._generator: Tensor | None = None
        self._arrange()
        self._record()
        self._keep(pinned=True)

    def begin(self, spec: Spec, plan: Plan, points: Points) -> None:
        """Begin anew with other settings."""
        spec = replace(spec, outputs=points.outputs)
        self._check(spec, plan, points)
        self.spec, self.plan, self.points = spec, plan, points
        self.start()

    def moment(self) -> Moment:
        """How everything is, to come back to with `return_to`."""
        before = [kept for kept in self._snapshots if kept.pinned or kept.epoch % SPARSE == 0]
        history = {name: list(column) for name, column in self.history.items()}
        return Moment(self._snapshot(pinned=True), before, history, self.edits)

    def return_to(self, moment: Moment) -> None:
        """Everything as it was; what came after it is forgotten."""
        self.history = {name: list(column) for name, column in moment.history.items()}
        self._snapshots = [*moment.before, moment.now]
        self._restore(moment.now)
        self.edits = moment.edits
        self.version += 1

    # Learning.

    def train(self, epochs: int = 0, *, steps: int = 0, seconds: float = math.inf) -> None:
        """Take whole batches: so many steps, or to the end of so many epochs; for no longer than `seconds`.

        Raises: Exploded when the loss becomes infinite; then all is as it was at the beginning of that epoch, or at the last
            edit.
        """
        until = time.perf_counter() + seconds
        last_epoch, last_step = self.epoch + epochs, self.steps + steps
        with Randomness(self):
            while (self.epoch < last_epoch) if epochs else (self.steps < last_step):
                self._step(self.plan.batch)
                if time.perf_counter() > until:
                    break
            self._check_losses()

    def sample(self) -> None:
        """Learn from one point. Raises: PlaygroundError where batch norm has nothing to average over, Exploded."""
        if any(layer.norm == "batch" for layer in self.spec.layers):
            raise PlaygroundError("Batch norm averages over a batch, so one point alone teaches nothing. Step a batch.")
        with Randomness(self):
            self._step(1)
            self._check_losses()
        if self.place:
            self._keep(pinned=True)  # the batches after it are cut elsewhere

    def rewind(self, epoch: int) -> None:
        """Go back to the end of an epoch, exactly; 0 is the start. Raises: PlaygroundError if it was not reached or is forgotten."""
        if not is_whole(epoch) or not 0 <= epoch <= self.epoch:
            raise PlaygroundError(f"You can go back to epochs 0 to {self.epoch}, not to {epoch!r:.40}.")
        before = [s for s in self._snapshots if (s.epoch, s.place) <= (epoch, 0)]
        if not before:
            raise PlaygroundError(f"Epoch {epoch} is forgotten; the oldest one kept is {self._snapshots[0].epoch}.")
        self._restore(before[-1])
        self.version += 1
        if epoch > self.epoch:
            self.train(epoch - self.epoch)

    def _step(self, size: int) -> None:
        stop = min(self.place + size, len(self._x))
        x, y = self._x[self.place : stop], self._y[self.place : stop]
        network, plan = self.network, self.plan

        def closure() -> Tensor:
            for parameter in self.parameters:  # as zero_grad, without what it tells a profiler each time
                parameter.grad = None
            loss = total = self._loss(network(x), y)
            if plan.l1 or plan.l2:
                total = loss + penalty(network, plan)
            total.backward()
            return loss

        if plan.optimizer == "LBFGS":  # it asks for the loss several times
            self._losses.append(torch.as_tensor(self.optimizer.step(closure)).detach())  # type: ignore[arg-type]
        else:
            self._losses.append(closure().detach())
            self.optimizer.step()
        self.steps += 1
        self.place = stop
        if stop == len(self._x):
            self._end_epoch()

    def _end_epoch(self) -> None:
        self._check_losses()
        self.epoch, self.place = self.epoch + 1, 0
        measured = self.measure()
        if not all(value < TOO_LARGE for name, value in measured.items() if "loss" in name):
            self._explode()
        self._record(measured)
        self._arrange()
        if self.network.random:
            torch.default_generator.manual_seed(seed_of(self.spec.seed, self.epoch))
        self._keep(pinned=False)

    def measure(self) -> dict[str, float]:
        """Loss and accuracy on the points that train and on those that do not."""
        outputs = self.network.answers(self._inputs)[-1]
        trains, target = self.points.trains, self.points.target
        found: dict[str, float] = {}
        for name, part in (("", trains), ("test_", ~trains)):
            scores, wanted = outputs[part], target[part]
            found[f"{name}loss"] = float(self._loss(scores, wanted))
            found[f"{name}accuracy"] = self._accuracy(scores, wanted)
        return found

    def _accuracy(self, scores: Tensor, wanted: Tensor) -> float:
        if self.points.classes == 0:
            return math.nan
        right = scores.argmax(1) == wanted if self.points.classes > 2 else (scores > 0) == (wanted > 0.5)
        return float(right.float().mean())

    # Changing it.

    def grow(self, edit: growth.Edit) -> None:
        """Change the network as one of the functions of `growth` says; what stays, stays to the bit."""
        self._check(edit[0], self.plan, self.points)
        network, optimizer = growth.grown(self.network, self.optimizer, edit, self.plan)
        self.spec = edit[0]
        self._install(network, optimizer)
        self._edited()

    def set_weight(self, layer: int, unit: int, source: int | None, value: float) -> None:
        """Set one weight, or a bias (source None), by hand."""
        self.network.set_weight(layer, unit, source, value)
        self._edited()

    def set_weights(self, tensors: list[Tensor]) -> None:
        """Set every parameter and buffer, in order. Raises: PlaygroundError if they are of another network."""
        mine = [*self.parameters, *self.network.buffers()]
        if [tensor.shape for tensor in tensors] != [tensor.shape for tensor in mine]:
            raise PlaygroundError("These weights are of another network.")
        with torch.no_grad():
            for tensor, value in zip(mine, tensors, strict=True):
                tensor.copy_(value)
        self._edited()

    def set_plan(self, **settings: Any) -> None:
        """Another optimiser, learning rate, batch size, L1 or L2. Another optimiser or option begins without memory."""
        if "optimizer" in settings and settings["optimizer"] != self.plan.optimizer:
            settings = {"options": (), **settings}
        plan = replace(self.plan, **settings)
        self._check(self.spec, plan, self.points)
        if (plan.optimizer, plan.options) != (self.plan.optimizer, self.plan.options):
            self.optimizer = make_optimizer(plan, self.parameters)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.lr
        self.plan = plan
        self._edited()

    def set_points(self, points: Points) -> None:
        """Other points to learn; the network stays, with as many outputs as they need."""
        spec = replace(self.spec, outputs=points.outputs)
        self._check(spec, self.plan, points)
        meaning = (self.points.classes == 0, self.points.outputs)
        self.points, self.place = points, 0
        if (points.classes == 0, points.outputs) != meaning:
            edit = growth.set_outputs(self.spec, points.outputs)
            network, optimizer = growth.grown(self.network, self.optimizer, edit, self.plan)
            self.spec = edit[0]
            self._install(network, optimizer)
        self._edited()

    def _check(self, spec: Spec, plan: Plan, points: Points) -> None:
        learning = int(points.trains.sum())
        left_over = min(plan.batch, learning) if learning % plan.batch == 0 else learning % plan.batch
        if left_over == 1 and any(layer.norm == "batch" for layer in spec.layers):
            raise PlaygroundError(
                f"Batch norm averages over a batch, but with {learning} points in batches of {plan.batch} one is left alone. "
                "Choose another batch size, or another norm."
            )

    def _edited(self) -> None:
        self.edits += 1
        # The last row of the history is of the present weights where an epoch is just over.
        self._arrange()
        if self.place == 0:
            for name, value in self.measure().items():
                self.history[name][-1] = value
            self.version += 1
        self._losses.clear()
        self._snapshots = [snapshot for snapshot in self._snapshots if snapshot.steps < self.steps]
        self._keep(pinned=True)

    # Its parts.

    def _install(self, network: Network, optimizer: torch.optim.Optimizer | None) -> None:
        self.network = network
        self.parameters = list(network.parameters())
        self.optimizer = optimizer or make_optimizer(self.plan, self.parameters)
        self._losses: list[Tensor] = []

    def _arrange(self) -> None:
        """The points that train, in the order of this epoch."""
        points = self.points
        if getattr(self, "_arranged_for", None) is not points or self._names != self.spec.inputs:
            self._arranged_for = points
            self._names: tuple[str, ...] = self.spec.inputs
            self._inputs = inputs_of(self.spec.inputs, points.x)  # (N, D)
            self._learned = self._inputs[points.trains], points.target[points.trains]
            self._loss = loss_of(points)
        inputs, target = self._learned
        order = torch.randperm(
            len(inputs), generator=torch.Generator().manual_seed(seed_of(self.spec.seed, self.epoch))
        )
        self._x, self._y = inputs[order], target[order]

    def _record(self, measured: dict[str, float] | None = None) -> None:
        for name, value in (measured or self.measure()).items():
            self.history[name].append(value)

    def _check_losses(self) -> None:
        if self._losses and not bool((torch.stack(self._losses) < TOO_LARGE).all()):  # NaN is not smaller either
            self._explode()
        self._losses.clear()

    def _explode(self) -> None:
        steps, plan = self.steps, self.plan
        self._restore(self._snapshots[-1])
        raise Exploded(
            f"The loss exploded by step {steps}: the learning rate {plan.lr:g} is too large for {plan.optimizer}. "
            f"The network is as it was at step {self.steps}. Choose a smaller learning rate and go on."
        )

    def _keep(self, pinned: bool) -> None:
        self._snapshots.append(self._snapshot(pinned))
        if not pinned and self.epoch % DENSE == 0:
            self._thin()

    def _snapshot(self, pinned: bool) -> Snapshot:
        generator = self._generator if self.place else None
        known = [copied(self.optimizer.state.get(parameter, {})) for parameter in self.parameters]
        tensors = [tensor.detach().clone() for tensor in (*self.parameters, *self.network.buffers())]
        return Snapshot(
            self.spec, self.plan, self.points, self.epoch, self.place, self.steps, tensors, known, generator, pinned
        )

    def _thin(self) -> None:
        """Far back, keep every 2nd, 4th, 8th, … epoch, and all that follow an edit."""

        def stays(snapshot: Snapshot) -> bool:
            age = (self.epoch - snapshot.epoch) // DENSE
            return snapshot.pinned or snapshot.epoch % (1 << age.bit_length()) == 0 or age == 0

        self._snapshots = [s for s in self._snapshots if stays(s)][-MOST:]

    def _restore(self, kept: Snapshot) -> None:
        """Everything as it was, and what came after it forgotten."""
        self.plan, self.points, self.spec = kept.plan, kept.points, kept.spec
        self._install(Network(kept.spec), None)
        with torch.no_grad():
            for tensor, value in zip((*self.parameters, *self.network.buffers()), kept.tensors, strict=True):
                tensor.copy_(value)
        for parameter, known in zip(self.parameters, kept.known, strict=True):
            if known:
                self.optimizer.state[parameter] = copied(known)
        self.epoch, self.place, self.steps, self._generator = kept.epoch, kept.place, kept.steps, kept.generator
        self._snapshots = self._snapshots[: next(k for k, s in enumerate(self._snapshots) if s is kept) + 1]
        for column in self.history.values():
            del column[self.epoch + 1 :]
        self._arrange()


class Randomness:
    """Inside, dropout draws from a generator of the trainer's own; the reader's is put back afterwards."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def __enter__(self) -> None:
        trainer = self.trainer
        trainer.network.train()
        if trainer.network.random:
            self.outside = torch.default_generator.get_state()
            if trainer._generator is None or trainer.place == 0:
                torch.default_generator.manual_seed(seed_of(trainer.spec.seed, trainer.epoch))
            else:
                torch.default_generator.set_state(trainer._generator)

    def __exit__(self, raised: object, *_: object) -> None:
        if hasattr(self, "outside"):
            if raised is None:  # else the trainer went back, and its generator too
                self.trainer._generator = torch.default_generator.get_state()
            torch.default_generator.set_state(self.outside)


def seed_of(seed: int, epoch: int) -> int:
    """The seed of an epoch: its order, and its dropout."""
    return seed * 1_000_003 + epoch


def loss_of(points: Points) -> Any:
    """The loss of (scores, target)."""
    if points.classes == 0:
        return F.mse_loss
    return F.cross_entropy if points.classes > 2 else F.binary_cross_entropy_with_logits


def penalty(network: Network, plan: Plan) -> Tensor:
    """What L1 and L2 add to the loss."""
    weights = torch.cat([weight.flatten() for weight in network.weights])
    return plan.l1 * weights.abs().sum() + plan.l2 / 2 * weights.square().sum()


def copied(known: dict[str, Any]) -> dict[str, Any]:
    """A copy of what an optimiser keeps of one parameter."""
    return {k: v.clone() if isinstance(v, Tensor) else copy.deepcopy(v) for k, v in known.items()}
