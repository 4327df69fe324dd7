"""A snapshot that comes from a file is put into a loop: everything in it is checked first, for a file may say anything."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from ..loop import Loop
from ..state import PLAIN, Snapshot, capture, restore
from .rebuild import parameters_of
from .tensorfile import CheckpointError


def check_form(rest: Any) -> None:
    """Raises: CheckpointError, KeyError, TypeError or AttributeError if the plain data of a snapshot is not of the form used here."""
    good = [
        all(
            isinstance(group, dict) and all(isinstance(key, str) for key in group)
            for numbers in rest["optimizers"]
            for group in numbers["groups"]
        ),
        all(numbers["groups"] and isinstance(numbers["others"], dict) for numbers in rest["optimizers"]),
        all(isinstance(key, str) for attributes in rest["attributes"].values() for key in attributes.keys()),
        all(isinstance(name, str) for name in (*rest["attributes"], *rest["frozen"])),
        rest["schedule"] is None or all(isinstance(key, str) for key in rest["schedule"].keys()),
        all(isinstance(key, str) for key in rest["loop"].keys()),
        isinstance(rest["random"], tuple),
    ]
    if not all(good):
        raise CheckpointError("the checkpoint's description is damaged")


def check_tensors(about: Mapping[str, Any], snapshot: Snapshot, modules: list[tuple[str, nn.Module]]) -> None:
    """Raises: CheckpointError in words if the tensors of a snapshot are not those of the modules. about: what it is of."""
    classes = f" with {about['task']['classes']} classes" if about["task"]["classes"] else ""
    of = f"this checkpoint is of a {about['model']['class']}{classes}; you gave a {type(modules[0][1]).__name__}"
    mine = {
        f"{prefix}/{name}": tensor
        for prefix, module in modules
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    prefixes = tuple(f"{prefix}/" for prefix in ("model", "loss"))
    theirs = {name: (dtype, shape) for name, dtype, shape in snapshot.layout if name.startswith(prefixes)}
    for name, tensor in mine.items():
        short = name.removeprefix("model/")
        if name not in theirs:
            raise CheckpointError(f"{of}: `{short}` {tuple(tensor.shape)} is here and not there")
        dtype, shape = theirs[name]
        if shape != tensor.shape:
            raise CheckpointError(f"{of}: `{short}` is {tuple(shape)} there and {tuple(tensor.shape)} here")
        if dtype != tensor.dtype:
            raise CheckpointError(f"{of}: `{short}` is of type {dtype} there and {tensor.dtype} here")
    for name in theirs:
        if name not in mine:
            raise CheckpointError(f"{of}: `{name.removeprefix('model/')}` {tuple(theirs[name][1])} is there and not here")


def put_back(loop: Loop, snapshot: Snapshot) -> None:
    """Put the loop into the state of a snapshot.

    Raises: CheckpointError if the snapshot is not of such a loop, or damaged; the loop is then as it was.
    """
    try:
        _check_rest(loop, snapshot)
        _check_optimizer_state(loop, snapshot)
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RuntimeError) as error:
        raise CheckpointError(f"the checkpoint is damaged: {type(error).__name__}: {error}") from error
    before = capture(loop)
    untouched = loop.randomness.read()
    try:
        restore(loop, snapshot)
        if loop.randomness.needed is None and loop.randomness.read() != untouched:
            loop.randomness.needed = True  # the run has drawn from NumPy's or Python's generator before
        if not 0 <= loop.place < max(1, loop._epoch_length) or loop.steps != snapshot.step:
            raise CheckpointError("the checkpoint is damaged: its place in the data lies outside of it")
    except Exception as error:
        restore(loop, before)
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"the checkpoint does not fit: {type(error).__name__}: {error}") from error


def _check_rest(loop: Loop, snapshot: Snapshot) -> None:
    rest = snapshot.rest
    mine, theirs = loop.plain(), rest["loop"]
    if set(theirs) != set(mine):
        other = sorted(set(theirs) ^ set(mine))
        raise CheckpointError(f"the checkpoint is damaged, or of another kind of loop: {other[0]!r} is not on both sides")
    for name, value in theirs.items():
        if type(value) is not type(mine[name]) and not (name == "seconds" and type(value) in (int, float)):
            raise CheckpointError(f"the checkpoint does not fit: {name} is {_short(value)} there and {_short(mine[name])} here")
    for name in ("steps", "epoch", "place", "epochs"):
        if not 0 <= theirs[name] < 2**53:
            raise CheckpointError(f"the checkpoint is damaged: {name} is {_short(theirs[name])}")
    if theirs["batch_size"] is not None and theirs["batch_size"] < 1:
        raise CheckpointError(f"the checkpoint is damaged: batch_size is {_short(theirs['batch_size'])}")
    parts = {f"{prefix}/{name}": part for prefix, module in loop.modules for name, part in module.named_modules()}
    for name, attributes in rest["attributes"].items():
        if name not in parts:
            raise CheckpointError(f"the checkpoint is of another model: it has a part {name!r}")
        for key, value in attributes.items():
            present = parts[name].__dict__.get(key)
            shadows = key not in parts[name].__dict__ and hasattr(type(parts[name]), key)
            if not key.isidentifier() or type(value) not in PLAIN or type(present) not in PLAIN or shadows:
                raise CheckpointError(f"the checkpoint is damaged: it would set {key!r} of {name!r}")
    known = {name for name, _ in loop.model.named_parameters()}
    if not set(rest["frozen"]) <= known:
        raise CheckpointError("the checkpoint is damaged: it freezes parameters that the model has not")
    if (rest["schedule"] is None) != (snapshot.schedule is None):
        raise CheckpointError("the checkpoint is damaged: of the schedule only a part is there")
    for key in rest["schedule"] or ():
        if callable(getattr(type(snapshot.schedule), key, None)) or key == "optimizer":
            raise CheckpointError(f"the checkpoint is damaged: its schedule would lose {key!r}")
    _check_random(rest["random"])


def _check_random(states: Any) -> None:
    """Let generators that nobody uses take the states."""
    (kind, keys, position, has_gauss, gauss), (version, words, gauss_next) = states
    if kind != "MT19937" or len(keys) != 4 * 624 or not 0 <= position <= 624 or has_gauss not in (0, 1):
        raise CheckpointError("the checkpoint is damaged: the state of NumPy's random numbers is none")
    np.random.RandomState().set_state((kind, np.frombuffer(keys, np.uint32), position, has_gauss, gauss))
    random.Random().setstate((version, tuple(np.frombuffer(words, np.uint32).tolist()), gauss_next))


def _check_optimizer_state(loop: Loop, snapshot: Snapshot) -> None:
    rest = snapshot.rest["optimizers"]
    shapes = [[parameter.shape for group in optimizer.param_groups for parameter in group["params"]] for optimizer in loop.optimizers]
    if len(rest) != len(shapes):
        raise CheckpointError(f"the checkpoint has {len(rest)} optimisers, and there are {len(shapes)} here")
    for optimizer, numbers in zip(loop.optimizers, rest, strict=True):
        for group, saved in zip(optimizer.param_groups, numbers["groups"], strict=True):
            missing = [key for key in group if key not in saved and key not in ("params", "initial_lr")]
            if missing or "params" in saved:
                raise CheckpointError(f"the checkpoint is damaged: its optimiser has no {(missing or ['parameters'])[0]!r}")
            for key, value in saved.items():
                if isinstance(group.get(key), (int, float)) and not isinstance(value, (int, float, torch.Tensor)):
                    raise CheckpointError(f"the checkpoint is damaged: {key} of its optimiser is {_short(value)}")
        dict(numbers["others"])
    parameters = parameters_of(loop.modules)
    held: dict[str, set[str]] = {}
    for name, _, shape in snapshot.layout:
        kind, _, key = name.partition("/")
        if kind == "optimizer":
            place, _, what = key.partition("/")
            number, _, index = place.partition(".")
            mine = shapes[int(number)][int(index)]
            held.setdefault(place, set()).add(what)
            if not what or shape.numel() > max(1, mine.numel()) or int(index) < 0 or int(number) < 0:
                raise CheckpointError(f"the checkpoint is damaged: `{name}` is {tuple(shape)}, and its parameter {tuple(mine)}")
        elif kind == "gradient":
            if f"model/{key}" not in parameters or parameters[f"model/{key}"].shape != shape:
                raise CheckpointError(f"the checkpoint is damaged: `{name}` is {tuple(shape)}")
        elif kind not in ("model", "loss"):
            raise CheckpointError(f"the checkpoint is damaged: it has a tensor `{name}`")
    for order, optimizer in enumerate(loop.optimizers):
        at, keys = 0, set()
        for number_of_group, group in enumerate(optimizer.param_groups):
            for parameter in group["params"]:
                if f"{order}.{at}" in held:
                    keys.add((number_of_group, parameter.ndim > 1, frozenset(held[f"{order}.{at}"])))
                at += 1
        if len(keys) > len({key[:2] for key in keys}):
            raise CheckpointError("the checkpoint is damaged: its optimiser holds less of one parameter than of another")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"
