"""Snapshots: all that decides the next step of a loop, taken in under a millisecond and put back to the bit.

Tensors are copied end to end into one flat tensor a kind, so that a snapshot is two or three blocks of
memory however many layers there are. What is no tensor (numbers of the optimiser, the schedule, the knobs,
the place in the data, plain attributes of the modules, Python's and NumPy's random state) is plain data.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from .buffers import SMALL, Buffers
from .evaluate import PLAIN
from .schedules import bound_to

if TYPE_CHECKING:
    from .loop import Loop

OVERHEAD = 2048  # bytes of a snapshot's objects that are not counted one by one

Layout = tuple[tuple[str, torch.dtype, torch.Size], ...]


@dataclass(frozen=True)
class Snapshot:
    """The state of a loop after `step` steps.

    layout: name, type and shape of every tensor; flats: their values, one flat tensor a type.
    rest: plain data. schedule: the scheduler that was in use, which keeps its numbers in `rest`.
    events: how many of the line's events had taken effect. plain_bytes: what its plain data takes, as far as it is its own.
    """

    step: int
    layout: Layout
    flats: dict[torch.dtype, Tensor]
    rest: dict[str, Any]
    schedule: Any
    events: int
    plain_bytes: int = OVERHEAD

    @cached_property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.plain_bytes + sum(flat.nbytes for flat in self.flats.values())

    @cached_property
    def lengths(self) -> dict[torch.dtype, int]:
        """How many numbers of each type its tensors hold, also where they are elsewhere."""
        result: dict[torch.dtype, int] = {}
        for _, dtype, shape in self.layout:
            result[dtype] = result.get(dtype, 0) + shape.numel()
        return result

    def with_flats(self, flats: dict[torch.dtype, Tensor]) -> "Snapshot":
        """The same with its tensors from elsewhere, or without any."""
        return replace(self, flats=flats)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by its name, as views: "model/…", "loss/…", "optimizer/<group>.<number>/<key>", "gradient/…"."""
        offsets = dict.fromkeys(self.flats, 0)
        result = {}
        for name, dtype, shape in self.layout:
            start, size = offsets[dtype], shape.numel()
            result[name] = self.flats[dtype][start : start + size].view(shape)
            offsets[dtype] = start + size
        return result


def pack_tensors(
    named: list[tuple[str, Tensor]], buffers: Buffers | None = None
) -> tuple[Layout, dict[torch.dtype, Tensor]]:
    """Copy tensors end to end into one flat tensor a type, on the CPU or where they are. buffers: memory to copy into."""
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for _, tensor in named:
        kinds.setdefault(tensor.dtype, []).append(tensor.detach().reshape(-1))
    layout = tuple([(name, tensor.dtype, tensor.shape) for name, tensor in named])
    with torch.no_grad():
        flats = {}
        for dtype, parts in kinds.items():
            if len({part.device for part in parts}) > 1:  # Adam counts its steps on the CPU
                parts = [part.cpu() for part in parts]
            flats[dtype] = _joined(parts, buffers)
    return layout, flats


def _joined(parts: list[Tensor], buffers: Buffers | None) -> Tensor:
    nbytes = sum(part.nbytes for part in parts)
    if buffers is not None and nbytes >= SMALL and parts[0].device.type == "cpu":
        return torch.cat(parts, out=buffers.take(nbytes).view(parts[0].dtype))
    return torch.cat(parts) if len(parts) > 1 else parts[0].clone()


def capture(loop: "Loop", events: int = 0, like: Snapshot | None = None, buffers: Buffers | None = None) -> Snapshot:
    """A snapshot of the loop as it is now.

    events: how many events have taken effect. like: an earlier snapshot, whose plain data is shared where it is
    still the same. buffers: memory to copy into.
    """
    layout, flats = pack_tensors(list(_tensors(loop)), buffers)
    rest = _plain(loop)
    own: dict[str, Any] = {**rest, "layout": layout}
    if like is not None:
        theirs = {**like.rest, "layout": like.layout}
        own = {key: value for key, value in own.items() if theirs.get(key) != value}
        layout = own.get("layout", like.layout)
        rest = {key: own.get(key, like.rest.get(key)) for key in rest}
    return Snapshot(loop.steps, layout, flats, rest, loop.scheduler, events, OVERHEAD + _size(own))


def restore(loop: "Loop", snapshot: Snapshot) -> None:
    """Put the loop back, in place, so that whoever holds the model sees it change.

    Raises: ValueError if the snapshot is of another model; the loop is then as it was.
    """
    tensors = snapshot.tensors
    targets = dict(_module_tensors(loop))
    missing = [name for name in targets if name not in tensors]
    other = [name for name, tensor in targets.items() if name in tensors and tensors[name].shape != tensor.shape]
    if missing or other:
        name = (missing or other)[0]
        what = (
            f"no {name}"
            if missing
            else f"{name} of shape {tuple(tensors[name].shape)}, not {tuple(targets[name].shape)}"
        )
        raise ValueError(f"the snapshot of step {snapshot.step} is of another model: it holds {what}")
    rest = snapshot.rest
    with torch.no_grad():
        for name, tensor in targets.items():
            tensor.copy_(tensors[name])
        for number, optimizer in enumerate(loop.optimizers):
            _restore_optimizer(optimizer, number, tensors, rest["optimizers"][number])
        if loop.keeps_gradients:
            for name, parameter in loop.model.named_parameters():
                held = tensors.get(f"gradient/{name}")
                parameter.grad = None if held is None else held.clone().to(parameter.device)
        else:
            for parameter in loop.model.parameters():
                parameter.grad = None
    for prefix, module in loop.modules:
        for name, part in module.named_modules():
            for key, value in rest["attributes"].get(f"{prefix}/{name}", {}).items():
                if part.__dict__.get(key, part) != value:
                    setattr(part, key, value)
    frozen = set(rest["frozen"])
    for name, parameter in loop.model.named_parameters():
        if parameter.requires_grad == (name in frozen):
            parameter.requires_grad_(name not in frozen)
    loop.scheduler = None if snapshot.schedule is None else bound_to(snapshot.schedule, loop.optimizer)
    if loop.scheduler is not None:
        loop.scheduler.load_state_dict(copy.deepcopy(rest["schedule"]))
    loop.randomness.write(rest["random"])
    loop.load_plain(copy.deepcopy(rest["loop"]))


def _tensors(loop: "Loop") -> Iterator[tuple[str, Tensor]]:
    yield from _module_tensors(loop)
    for number, optimizer in enumerate(loop.optimizers):
        index = 0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                for key, value in optimizer.state.get(parameter, {}).items():
                    if isinstance(value, Tensor):
                        yield f"optimizer/{number}.{index}/{key}", value
                index += 1
    if loop.keeps_gradients:
        for name, parameter in loop.model.named_parameters():
            if parameter.grad is not None:
                yield f"gradient/{name}", parameter.grad


def _module_tensors(loop: "Loop") -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers, also those that a state_dict leaves out: they too decide the next step."""
    for prefix, module in loop.modules:
        for name, parameter in module.named_parameters():
            yield f"{prefix}/{name}", parameter
        for name, buffer in module.named_buffers():
            yield f"{prefix}/{name}", buffer


def _plain(loop: "Loop") -> dict[str, Any]:
    return {
        "optimizers": [_optimizer_numbers(optimizer) for optimizer in loop.optimizers],
        "attributes": {
            f"{prefix}/{name}": {key: value for key, value in part.__dict__.items() if type(value) in PLAIN}
            for prefix, module in loop.modules
            for name, part in module.named_modules()
        },
        "frozen": [name for name, parameter in loop.model.named_parameters() if not parameter.requires_grad],
        "schedule": None if loop.scheduler is None else copy.deepcopy(loop.scheduler.state_dict()),
        "random": loop.randomness.read(),
        "loop": copy.deepcopy(loop.plain()),
    }


def _optimizer_numbers(optimizer: Optimizer) -> dict[str, Any]:
    """What an optimiser holds that is no tensor of its state."""
    groups = [
        {key: value.clone() if isinstance(value, Tensor) else value for key, value in group.items() if key != "params"}
        for group in optimizer.param_groups
    ]
    others: dict[int, dict[str, Any]] = {}
    index = 0
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            plain = {key: copy.deepcopy(value) for key, value in state.items() if not isinstance(value, Tensor)}
            if plain:
                others[index] = plain
            index += 1
    return {"groups": groups, "others": others}


def _restore_optimizer(optimizer: Optimizer, number: int, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    """State that an optimiser made after the snapshot goes; state it had comes back, in place where it can."""
    held: dict[int, dict[str, Tensor]] = {}
    begin = f"optimizer/{number}."
    for name, tensor in tensors.items():
        if name.startswith(begin):
            index, key = name[len(begin) :].split("/", 1)
            held.setdefault(int(index), {})[key] = tensor
    place = 0
    for group, saved in zip(optimizer.param_groups, numbers["groups"], strict=True):
        for key, value in saved.items():
            group[key] = value.clone() if isinstance(value, Tensor) else value
        for key in [key for key in group if key != "params" and key not in saved]:
            del group[key]  # a scheduler of later has left it
        for parameter in group["params"]:
            wanted, others = held.get(place, {}), numbers["others"].get(place, {})
            place += 1
            if not wanted and not others:
                optimizer.state.pop(parameter, None)
                continue
            state = optimizer.state[parameter]
            for key in [key for key in state if key not in wanted and key not in others]:
                del state[key]
            state.update(copy.deepcopy(others))
            for key, tensor in wanted.items():
                present = state.get(key)
                if isinstance(present, Tensor) and present.shape == tensor.shape and present.dtype == tensor.dtype:
                    present.copy_(tensor)
                else:
                    # Steps are counted on the CPU, everything else lies with its parameter.
                    on_cpu = key == "step" and not _counts_on_device(group)
                    state[key] = tensor.clone() if on_cpu else tensor.clone().to(parameter.device)


def _counts_on_device(group: dict[str, Any]) -> bool:
    return bool(group.get("capturable") or group.get("fused"))


def _size(plain: Any) -> int:
    """About how many bytes plain data takes."""
    if isinstance(plain, dict):
        return 64 + sum(_size(key) + _size(value) for key, value in plain.items())
    if isinstance(plain, torch.Size):
        return 64 + 8 * len(plain)
    if isinstance(plain, (list, tuple)):
        return 64 + sum(8 + _size(value) for value in plain)
    if isinstance(plain, (bytes, str)):
        return 64 + len(plain)
    return plain.nbytes if isinstance(plain, Tensor) else 32
