"""`dl.fit`: one line that trains, and returns a run that opens up when you need more."""

import inspect
import math
import os
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..task import Task
from .diagnose import check_first_batch, check_model
from .engine import seeded
from .evaluate import evaluating, to_device
from .knobs import is_whole
from .loop import OFF, Loop
from .registry import run_of
from .run import Run
from .schedules import ScheduleChoice, make_scheduler
from .timeline import Timeline

OptimizerChoice = str | Optimizer | Callable[[Iterable[nn.Parameter]], Optimizer]


def fit(
    model: nn.Module,
    task: Task,
    *,
    optimizer: OptimizerChoice = "adamw",
    lr: float | None = None,
    epochs: int = 10,
    schedule: ScheduleChoice = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    threads: int | None = None,
    validate_every: int | None = None,
    clip: float | None = None,
    start: bool = True,
    block: bool = False,
    memory: int | None = None,
) -> Run:
    """Train a model on a task. Returns at once; the run trains behind.

    optimizer: the name of one in `torch.optim` ("adamw", "sgd", …), one that is made, or a function
        of the parameters that makes it.
    lr: learning rate; 1e-3 unless given. Not with an optimiser that is made.
    schedule: None, "cosine" (5 % warm-up, then down to 0 along a cosine; Loshchilov & Hutter 2017,
        arXiv:1608.03983), or a function of the optimiser that makes a scheduler stepped at each step.
    seed: of the order of the data and of all randomness in the steps (not of the model's first weights).
    device: where to train, such as "cuda"; the model is moved there.
    threads: PyTorch's threads for this run; by default one core is left to the browser, 4 at most.
        Exactly the same numbers come only from the same number of threads.
    validate_every: steps between two looks at the validation split; by default once an epoch.
    clip: the largest norm of all gradients together; longer ones are scaled down to it.
    start: whether to begin at once; else `run.start()` or `run.step()` does.
    memory: bytes for the snapshots of the timeline; by default 256 MB, or 1/8 of what is free.
    block: return only when the run is done. An interrupt then pauses it; `dl.run_of(model)` is the run.

    Raises: TypeError or ValueError in words if the model, the data and the loss do not fit together;
    RuntimeError if another run is training this model.
    """
    check_model(model)
    if not isinstance(task, Task):
        raise TypeError(
            f"the task must be a dl.Task, got {type(task).__name__}. dl.Task.from_loaders(...) makes one of your data."
        )
    for name, value in (("epochs", epochs), ("validate_every", validate_every), ("threads", threads)):
        left_out = value is None and name != "epochs"
        if not left_out and (value is None or not is_whole(value) or value < 1):
            raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip must be a number above 0, or None for no clipping; got {clip!r}")
    _refuse_model_in_use(model)
    if device is not None:
        model.to(device)
    _try_first_batch(model, task, seed)
    chosen = make_optimizer(optimizer, model, lr)
    scheduler = make_scheduler(schedule, chosen, int(epochs) * len(task.train))
    threads = threads or max(1, min(4, (os.cpu_count() or 2) - 1))
    loop = Loop(
        model, task, chosen, scheduler=scheduler, seed=seed, epochs=int(epochs), validate_every=validate_every, clip=clip or OFF
    )
    settings = {"optimizer": optimizer, "lr": lr, "epochs": int(epochs), "schedule": schedule, "seed": seed, "threads": threads}
    settings |= {"validate_every": validate_every, "clip": clip}
    run = Run(loop, threads=threads, settings=settings, timeline=Timeline(memory))
    if start or block:
        run.start()
    return run.wait() if block else run


def make_optimizer(choice: OptimizerChoice, model: nn.Module, lr: float | None) -> Optimizer:
    """The optimiser that `fit` was asked for, over the parameters that can be trained.

    Raises: ValueError if there is none of that name, or a made one does not belong to the model.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if isinstance(choice, Optimizer):
        if lr is not None:
            raise ValueError(
                "the optimiser is made already and has its learning rate: leave lr out, or name the optimiser"
            )
        held = {id(parameter) for group in choice.param_groups for parameter in group["params"]}
        if not any(id(parameter) in held for parameter in parameters):
            raise ValueError(
                f"the optimiser holds no parameter of this {type(model).__name__}: was it made for another model? "
                "Make it anew from model.parameters()."
            )
        return choice
    rate = 1e-3 if lr is None else lr
    if not math.isfinite(rate) or rate < 0:
        raise ValueError(f"lr must be a finite number, 0 or more; got {lr!r}")
    if callable(choice):
        if lr is not None:
            raise ValueError("the function that makes the optimiser sets its learning rate: leave lr out")
        return choice(parameters)
    known = {
        name.lower(): kind
        for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer
    }
    kind: Any = known.get(str(choice).lower())
    if kind is None:
        raise ValueError(f"torch.optim has no optimiser {choice!r}; it has {', '.join(sorted(known))}")
    if kind is torch.optim.LBFGS:
        raise ValueError("LBFGS asks for the loss several times in one step, which fit does not do: take another optimiser")
    return kind(parameters, lr=rate)


def _refuse_model_in_use(model: nn.Module) -> None:
    other = run_of(model)
    if other is not None and other.state in ("running", "paused"):
        raise RuntimeError(
            f"this {type(model).__name__} is being trained by another run ({other.state} at step {other.steps}). "
            "Two runs on one model would spoil each other: dl.run_of(model).stop() ends the other, or give a new model."
        )


def _try_first_batch(model: nn.Module, task: Task, seed: int) -> None:
    """Say what does not fit in the cell that called `fit`, not later from another thread."""
    device = next(model.parameters()).device
    with seeded(seed), evaluating(model):
        check_first_batch(model, task, to_device(task.train.batch(seed, 0, 0), device))
