"""What a checkpoint says of the model, the task, the optimiser and the schedule, and how they are made again from it.

A file names, dlnb decides: only models and tasks of dlnb itself, optimisers and schedules of PyTorch, and dlnb's own cosine
are made by name. Everything else has to be given. No other module is ever imported because a file asks for it.
"""

import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from ...task import Task
from ..engine import seeded
from ..loop import Loop
from ..schedules import Cosine
from .tensorfile import CheckpointError

OWN = re.compile(r"dlnb(\.[a-z][a-z_]*)+")


def check_about(about: Any) -> None:
    """Raises: CheckpointError, KeyError, TypeError or AttributeError if the description in a file is not of the form used here."""
    model, task, optimizers = about["model"], about["task"], about["optimizers"]
    good = [
        type(about["seed"]) is int and abs(about["seed"]) < 2**63,
        type(about["threads"]) is int and 1 <= about["threads"] <= 1024,
        type(about["saved_at"]) is float,
        type(about["own_loop"]) is bool,
        about["validate_every"] is None or (type(about["validate_every"]) is int and about["validate_every"] >= 1),
        isinstance(about["settings"], dict) and all(isinstance(name, str) and name.isidentifier() for name in about["settings"]),
        all(isinstance(text, str) for pair in about["machine"].items() for text in pair),
        all(isinstance(text, str) for text in (model["module"], model["class"], task["name"])),
        all(type(task[name]) in (int, type(None)) for name in ("batches", "examples", "classes")),
        task["recipe"] is None or (isinstance(task["recipe"]["function"], str) and isinstance(task["recipe"]["arguments"], dict)),
        all(
            isinstance(optimizer["class"], str)
            and type(optimizer["torch"]) is bool
            and all(isinstance(name, (str, type(None))) for group in optimizer["groups"] for name in group)
            for optimizer in optimizers
        ),
        _is_schedule(about["schedule"]),
    ]
    if not all(good):
        raise CheckpointError("the checkpoint's description is damaged")


def _is_schedule(about: Any, depth: int = 0) -> bool:
    if about is None:
        return depth == 0
    counts = type(about["cosines"]) is int and 0 <= about["cosines"] < 1000
    good = isinstance(about["class"], str) and type(about["torch"]) is bool and counts
    return good and depth < 10 and all(_is_schedule(part, depth + 1) for part in about["parts"])


# Models.


def describe_model(model: nn.Module) -> dict[str, str]:
    """The module and the name of its class."""
    return {"module": type(model).__module__, "class": type(model).__qualname__}


def make_model(about: Mapping[str, str], task: Task, shapes: Mapping[str, torch.Size]) -> nn.Module:
    """The model again, with fresh weights: of dlnb's own classes, in the size that fits.

    shapes: of the tensors that the checkpoint has for it. Raises: CheckpointError if it has to be given.
    """
    kind: Any = _own(about["module"], about["class"])
    if isinstance(kind, type) and issubclass(kind, nn.Module):
        makers: list[Any] = [*task.models.values(), kind]
        with seeded(0):
            for make in makers:
                try:
                    model = make()
                except TypeError:  # it cannot be made without arguments
                    continue
                if type(model) is kind and shapes_of(model) == dict(shapes):
                    return model
    raise CheckpointError(
        f"this checkpoint is of a {about['class']}, which cannot be made again from its name alone. "
        "Make the model as you made it then and give it: dl.Run.load(path, model=model)."
    )


def shapes_of(model: nn.Module) -> dict[str, torch.Size]:
    """The shape of every parameter and buffer."""
    return {name: tensor.shape for name, tensor in (*model.named_parameters(), *model.named_buffers())}


# Tasks.


def describe_task(task: Task) -> dict[str, Any]:
    """Its name and size, and the recipe if dlnb can make it again."""
    recipe = None if task.recipe is None else {"function": task.recipe[0], "arguments": dict(task.recipe[1])}
    return {
        "name": task.name,
        "batches": len(task.train),
        "examples": getattr(task.train, "examples", None),
        "classes": len(task.classes),
        "recipe": recipe,
    }


def make_task(about: Mapping[str, Any]) -> Task:
    """The task again, by its recipe. Raises: CheckpointError if it has to be given."""
    recipe = about["recipe"]
    if recipe is not None:
        path, _, name = f"dlnb.{recipe['function'].removeprefix('dlnb.')}".rpartition(".")
        function, arguments = _own(path, name), recipe["arguments"]
        if _makes_a_task(function) and _fit(arguments, function):
            try:
                return function(**arguments)
            except (TypeError, ValueError) as error:
                raise CheckpointError(f"the task {about['name']!r} cannot be made as the checkpoint says: {error}") from error
        raise CheckpointError(f"this checkpoint names {recipe['function']!r} as its task, which is no task of this dlnb: give the task")
    raise CheckpointError(
        f"this checkpoint is of a task of your own, {about['name']!r}. Make it as you made it then and give it: "
        "dl.Run.load(path, model=model, task=task)."
    )


def check_task(about: Mapping[str, Any], task: Task) -> None:
    """Raises: CheckpointError if the data of the task is of another size, so that the losses could not go on."""
    mine = describe_task(task)
    for what in ("batches", "examples"):
        if mine[what] != about[what]:
            raise CheckpointError(
                f"this checkpoint is of the task {about['name']!r}, which has {about[what]} {what} to learn from in an epoch; "
                f"you gave {task.name!r} with {mine[what]}. The losses could not go on as they would have."
            )


# Optimisers.


def describe_optimizer(optimizer: Optimizer, loop: Loop) -> dict[str, Any]:
    """Its class, and the names of the parameters of each group; None for one that is in no module of the loop."""
    names = {id(parameter): name for name, parameter in _parameters(loop).items()}
    kind = type(optimizer)
    return {
        "class": kind.__name__,
        "torch": getattr(torch.optim, kind.__name__, None) is kind,
        "groups": [[names.get(id(parameter)) for parameter in group["params"]] for group in optimizer.param_groups],
    }


def make_optimizer(about: Mapping[str, Any], numbers: list[dict[str, Any]], parameters: Mapping[str, Tensor]) -> Optimizer:
    """An optimiser of `torch.optim` with the same groups and settings, without state.

    numbers: what each group holds beside its parameters. Raises: CheckpointError if it has to be given.
    """
    kind: Any = getattr(torch.optim, str(about["class"]), None) if about["torch"] else None
    if not (isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer):
        raise CheckpointError(
            f"this checkpoint was trained by {about['class']}, which is no optimiser of torch.optim. "
            "Give a function of the parameters that makes it: dl.Run.load(path, model, task, optimizer=make)."
        )
    groups = []
    for names in about["groups"]:
        unknown = [name for name in names if name not in parameters]
        if unknown:
            raise CheckpointError(f"the optimiser of this checkpoint holds the parameter {unknown[0]!r}, which the model has not")
        groups.append({"params": [parameters[name] for name in names]})
    known = inspect.signature(kind).parameters
    settings = {key: value for key, value in numbers[0].items() if key in known and key != "params"}
    try:
        return kind(groups, **settings)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{about['class']} cannot be made with the settings of this checkpoint: {error}") from error


def check_optimizer(about: Mapping[str, Any], optimizer: Optimizer, loop: Loop) -> None:
    """Raises: CheckpointError if an optimiser holds other parameters, or is of another class, than the checkpoint's."""
    mine = describe_optimizer(optimizer, loop)
    if mine["class"] != about["class"]:
        raise CheckpointError(f"this checkpoint was trained by {about['class']}; you gave {mine['class']}")
    if mine["groups"] != about["groups"]:
        raise CheckpointError(
            f"the {about['class']} of this checkpoint holds {sum(map(len, about['groups']))} parameters in {len(about['groups'])} "
            f"groups; the one you gave holds others, or in another order ({sum(map(len, mine['groups']))} in {len(mine['groups'])})"
        )


def parameters_of(loop_modules: list[tuple[str, nn.Module]]) -> dict[str, nn.Parameter]:
    """Every parameter by the name it has in a checkpoint."""
    return {f"{prefix}/{name}": parameter for prefix, module in loop_modules for name, parameter in module.named_parameters()}


def _parameters(loop: Loop) -> dict[str, nn.Parameter]:
    return parameters_of(loop.modules)


# Schedules.


def describe_schedule(schedule: LRScheduler | None) -> dict[str, Any] | None:
    """Its class, those of its parts, and how many cosines of dlnb are in it."""
    if schedule is None:
        return None
    kind = type(schedule)
    functions = getattr(schedule, "lr_lambdas", [])
    own = [getattr(schedule, "_scale_fn_custom", None), *(f for f in functions if type(f) is not Cosine)]
    torchs = getattr(lr_scheduler, kind.__name__, None) is kind
    return {
        "class": kind.__name__,
        "torch": torchs and kind is not lr_scheduler.ReduceLROnPlateau and all(function is None for function in own),
        "cosines": len(functions),
        "parts": [describe_schedule(part) for part in getattr(schedule, "_schedulers", ())],
    }


def make_schedule(about: Mapping[str, Any] | None, optimizer: Optimizer) -> LRScheduler | None:
    """A schedule of the same kind that steers this optimiser; its numbers are still to be loaded.

    Raises: CheckpointError if it has to be given.
    """
    if about is None:
        return None
    kind: Any = getattr(lr_scheduler, str(about["class"]), None) if about["torch"] else None
    if not (isinstance(kind, type) and issubclass(kind, LRScheduler)):
        raise CheckpointError(
            f"the learning rate of this checkpoint follows a {about['class']} of your own functions. "
            "Give a function of the optimiser that makes it: dl.Run.load(path, model, task, schedule=make)."
        )
    # So that the optimiser counts its steps for the warnings of its schedules; what it sets is put back afterwards.
    lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    schedule: Any = kind.__new__(kind)
    schedule.optimizer = optimizer
    if about["cosines"]:
        schedule.lr_lambdas = [Cosine(1, 0) for _ in range(min(about["cosines"], len(optimizer.param_groups)))]
    if about["parts"]:
        schedule._schedulers = [make_schedule(part, optimizer) for part in about["parts"]]
    if kind is lr_scheduler.CyclicLR:
        schedule._scale_fn_custom = None
    return schedule


def _own(path: str, name: str) -> Any:
    """What dlnb itself has under this name; None if it has nothing, or the name leads elsewhere."""
    if not OWN.fullmatch(path) or not name.isidentifier() or name.startswith("_"):
        return None
    try:
        found = getattr(import_module(path), name, None)
    except ImportError:
        return None
    return found if str(getattr(found, "__module__", "")).startswith("dlnb.") else None


def _fit(arguments: dict[str, Any], function: Any) -> bool:
    known = inspect.signature(function).parameters
    return all(name in known and isinstance(value, (int, float, str, type(None))) for name, value in arguments.items())


def _makes_a_task(function: Any) -> bool:
    return inspect.isfunction(function) and inspect.signature(function).return_annotation in (Task, "Task")
