"""Checkpoints: what is loaded goes on as what was saved, and no file can do harm."""

import contextlib
import copy
import json
import math
import os
import resource
import signal
import struct
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn
from torch.optim import lr_scheduler

import dlnb as dl
from dlnb.train.checkpoints import tensorfile
from dlnb.train.checkpoints.checkpoint import CheckpointError, apply_to, loop_of, read, take, write
from dlnb.train.checkpoints.load import load, save
from dlnb.train.checkpoints.saved_history import from_arrays, to_arrays
from dlnb.train.checkpoints.tensorfile import write_tensors
from dlnb.train.history import History
from dlnb.train.loop import Loop
from dlnb.train.schedules import make_scheduler

from .conftest import network, quadrants

SCHEDULES = {
    "none": lambda optimizer: None,
    "cosine": lambda optimizer: make_scheduler("cosine", optimizer, 60),
    "step": lambda optimizer: lr_scheduler.StepLR(optimizer, 7, 0.5),
    "milestones": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [5, 25, 25, 40]),
    "exponential": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.97),
    "linear": lambda optimizer: lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 35),
    "polynomial": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, 50),
    "annealing": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 20),
    "restarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 11),
    "one cycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=60, cycle_momentum=False),
    "cyclic": lambda optimizer: lr_scheduler.CyclicLR(optimizer, 1e-4, 1e-2, 5, mode="exp_range", gamma=0.99, cycle_momentum=False),
    "sequence": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 10), lr_scheduler.StepLR(optimizer, 7, 0.5)], [10]
    ),
    "chain": lambda optimizer: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ExponentialLR(optimizer, 0.99), lr_scheduler.StepLR(optimizer, 7, 0.5)]
    ),
}
OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=2e-3),
    "fused": lambda parameters: torch.optim.AdamW(parameters, lr=2e-3, fused=True),
    "amsgrad": lambda parameters: torch.optim.Adam(parameters, lr=2e-3, amsgrad=True),
    "nadam": lambda parameters: torch.optim.NAdam(parameters, lr=2e-3),
    "radam": lambda parameters: torch.optim.RAdam(parameters, lr=2e-3),
    "adamax": lambda parameters: torch.optim.Adamax(parameters, lr=2e-3),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=2e-2),
    "adadelta": lambda parameters: torch.optim.Adadelta(parameters),
    "adafactor": lambda parameters: torch.optim.Adafactor(parameters),
    "asgd": lambda parameters: torch.optim.ASGD(parameters),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=2e-3, momentum=0.5, centered=True),
    "rprop": lambda parameters: torch.optim.Rprop(parameters),
    "tensor lr": lambda parameters: torch.optim.AdamW(parameters, lr=torch.tensor(2e-3), foreach=False),
    "groups": lambda parameters: torch.optim.AdamW(
        [{"params": list(parameters)[:2], "lr": 1e-2}, {"params": list(parameters)[2:], "weight_decay": 0.5}], lr=1e-3
    ),
}


def make_loop(optimizer="adamw", schedule="none", task=None, model=None, **settings) -> Loop:
    model = network(0.3) if model is None else model
    made = OPTIMIZERS[optimizer](list(model.parameters()))
    task = quadrants(noise=0.1) if task is None else task
    return Loop(model, task, made, scheduler=SCHEDULES[schedule](made), seed=3, epochs=6, **settings)


def advance(loop: Loop, steps: int) -> list[float]:
    with loop.randomness.installed():
        return [loop.advance() for _ in range(steps)]


def loop_from(path: Path, **given) -> Loop:
    return loop_of(read(path), given.pop("model", None) or network(0.3, seed=9), given.pop("task", None) or quadrants(noise=0.1), **given)


def same_history(one: History, other: History) -> bool:
    return one.names == other.names and all(
        np.array_equal(one.steps(name), other.steps(name)) and one[name].tobytes() == other[name].tobytes() for name in one.names
    )


# Going on.


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_losses_go_on_to_the_bit_with_every_optimiser(optimizer, tmp_path):
    loop = make_loop(optimizer, clip=1.0)
    advance(loop, 30)
    write(take(loop), tmp_path / "run.safetensors")
    other = loop_from(tmp_path / "run.safetensors")
    assert advance(other, 40) == advance(loop, 40)
    assert same_history(other.history, loop.history)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [0, 17])
def test_the_learning_rate_goes_on_along_every_schedule(schedule, steps, tmp_path):
    loop = make_loop("momentum", schedule)
    advance(loop, steps)
    write(take(loop), tmp_path / "run.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = loop_from(tmp_path / "run.safetensors")
        assert advance(other, 40) == advance(loop, 40)
    assert other.history["lr"].tolist() == loop.history["lr"].tolist()


class Drawing:
    """A data set that uses NumPy's and Python's generators, rarely."""

    def __len__(self) -> int:
        return 96

    def __getitem__(self, i):
        import random

        shake = np.random.normal() * random.random() if i == 50 else 0.0
        return torch.tensor([math.sin(i) + shake, math.cos(i)], dtype=torch.float32), i % 2


def test_the_losses_go_on_in_the_middle_of_an_epoch_of_ones_own_loader(tmp_path):
    def task():
        return dl.Task.from_loaders(
            torch.utils.data.DataLoader(Drawing(), batch_size=8, shuffle=True), loss=nn.functional.cross_entropy
        )

    loop = make_loop(task=task())
    advance(loop, 30)
    write(take(loop), tmp_path / "run.safetensors")
    other = loop_from(tmp_path / "run.safetensors", task=task())
    assert advance(other, 1) + advance(other, 30) == advance(loop, 31)


def test_the_losses_go_on_with_a_loss_that_learns_and_frozen_layers(tmp_path):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.register_buffer("seen", torch.zeros(()), persistent=False)

        def forward(self, output, target):
            self.seen += 1
            return nn.functional.cross_entropy(output * self.scale, target) + 0.001 * self.seen

    def parts():
        task, model = quadrants(), network(0.3)
        task.loss = Scaled()
        model[0].weight.requires_grad_(False)
        return task, model

    task, model = parts()
    optimizer = torch.optim.AdamW([*(p for p in model.parameters() if p.requires_grad), *task.loss.parameters()])
    loop = Loop(model, task, optimizer)
    advance(loop, 20)
    write(take(loop), tmp_path / "run.safetensors")
    task, model = parts()
    model[0].weight.requires_grad_(True)
    other = loop_from(tmp_path / "run.safetensors", model=model, task=task)
    assert advance(other, 20) == advance(loop, 20)
    assert not model[0].weight.requires_grad


def test_a_saved_run_goes_on_in_a_new_process_with_the_same_losses_to_the_bit(tmp_path):
    task = dl.vision.digits(batch_size=32)
    task.recipe = ("vision.digits", {"batch_size": 32})
    run = dl.fit(dl.vision.LeNet(), task, epochs=2, schedule="cosine", threads=1, start=False)
    run.step(10)
    run.set(weight_decay=0.1, clip=1.0)
    run.step(3)
    assert save(run, tmp_path / "run.safetensors") == 13
    code = """
        import sys, torch
        from dlnb.train.checkpoints.load import load
        torch.rand(7)
        run = load(sys.argv[1])
        print(run, file=sys.stderr)
        assert run.state == "paused" and run.steps == 13
        run.step(20)
        print(*(value.hex() for value in run.history["loss"].tolist()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "run.safetensors")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    run.step(20)
    assert done.stdout.split() == [value.hex() for value in run.history["loss"].tolist()]


def test_knobs_marks_history_and_journal_come_along(tmp_path):
    run = dl.fit(network(0.3), quadrants(), lr=0.01, epochs=5, schedule="cosine", start=False)
    run.step(5)
    run.set(dropout=0.1, batch_size=16)
    run.mark("here")
    run.knob("margin", 0.2, 0, 1)
    run.freeze("0")
    run.step(5)
    run.set(schedule=lambda optimizer: lr_scheduler.StepLR(optimizer, 3, 0.5))
    run.step(5)
    save(run, tmp_path / "run.safetensors")
    loaded = load(tmp_path / "run.safetensors", network(0.3, seed=5), quadrants())
    assert (loaded.state, loaded.steps, loaded.total_steps) == ("paused", 15, run.total_steps)
    assert loaded.knobs == run.knobs and loaded.frozen == run.frozen == ["0"]
    assert same_history(loaded.history, run.history) and loaded.history.marks == run.history.marks
    assert loaded.journal.python() == run.journal.python() and "schedule" in run.journal.python()
    assert loaded.step(20) == run.step(20) == 35
    assert same_history(loaded.history, run.history)


def test_a_loaded_run_can_be_steered_taken_back_and_forked(tmp_path):
    run = dl.fit(network(0.3), quadrants(), epochs=5, start=False)
    run.step(20)
    save(run, tmp_path / "run.safetensors")
    loaded = load(tmp_path / "run.safetensors", network(0.3), quadrants())
    loaded.step(10)
    losses = loaded.history["loss"].tolist()
    loaded.seek(22)
    fork = loaded.fork(lr=0.1)
    loaded.step(8)
    assert loaded.history["loss"].tolist() == losses
    fork.step(3)
    assert fork.steps == 25
    with pytest.raises(ValueError, match="step 10"):
        loaded.seek(10)


def test_a_run_that_was_taken_back_is_saved_as_it_is_now(tmp_path):
    run = dl.fit(network(0.3), quadrants(), epochs=5, start=False)
    run.step(10)
    run.set(lr=0.1)
    run.step(10)
    run.seek(10)
    save(run, tmp_path / "run.safetensors")
    loaded = load(tmp_path / "run.safetensors", network(0.3), quadrants())
    assert loaded.steps == 10 and loaded.journal.events == [] and loaded.history["loss"].tolist() == run.history["loss"].tolist()
    plain = dl.fit(network(0.3), quadrants(), epochs=5, start=False)
    plain.step(20)
    loaded.step(10)
    assert loaded.history["loss"].tolist() == plain.history["loss"].tolist()


def test_a_run_that_was_done_is_done_and_can_be_given_more(tmp_path):
    run = dl.fit(network(), quadrants(), epochs=1, block=True)
    save(run, tmp_path / "run.safetensors")
    loaded = load(tmp_path / "run.safetensors", network(seed=1), quadrants())
    assert loaded.state == "done" and not loaded.model.training
    for each in (run, loaded):
        each.set(epochs=2)
        each.resume()
        each.wait()
    assert loaded.history["loss"].tolist() == run.history["loss"].tolist()


def test_saving_changes_nothing_and_goes_on_beside_the_training(tmp_path):
    def losses(saving: bool) -> list[float]:
        run = dl.fit(network(0.3), quadrants(noise=0.1), epochs=40, threads=1)
        while saving and run.state == "running":
            save(run, tmp_path / "run.safetensors")
        return run.wait().history["loss"].tolist()

    assert losses(saving=True) == losses(saving=False)


def test_the_weights_can_be_read_by_anybody_who_reads_safetensors(tmp_path):
    loop = make_loop()
    write(take(loop), tmp_path / "run.safetensors")
    with safe_open(tmp_path / "run.safetensors", "pt") as file:
        for name, tensor in loop.model.state_dict().items():
            assert torch.equal(file.get_tensor(f"state/model/{name}"), tensor)


def test_types_that_numpy_has_not_are_kept(tmp_path):
    model = nn.Linear(2, 2).to(torch.bfloat16)
    model.register_buffer("flags", torch.tensor([True, False]))
    model.register_buffer("nothing", torch.empty(0, 3))
    loop = make_loop("sgd", model=model)
    write(take(loop), tmp_path / "run.safetensors")
    fresh = copy.deepcopy(model)
    with torch.no_grad():
        fresh.weight.zero_(), fresh.flags.zero_()
    loop_from(tmp_path / "run.safetensors", model=fresh)
    assert torch.equal(fresh.weight, model.weight) and torch.equal(fresh.flags, model.flags)


@pytest.mark.parametrize("seed", range(20))
def test_any_history_comes_back(seed):
    random = np.random.default_rng(seed)
    history = History()
    for name in ("loss", "a column/with a name", "lr")[: seed % 4]:
        count = int(random.choice([1, 2, 3, 50, 5000]))
        steps = np.cumsum(np.repeat(random.integers(0, 3, count), random.integers(1, 9, count))[:count])
        values = random.normal(size=count)
        values[random.random(count) < 0.1] = math.nan
        history.series(name).add_rows(steps, values.astype(np.float32) if seed % 2 else values)
    history.mark(3, "ein Wort → ∞")
    arrays, plain = to_arrays(history)
    again = from_arrays({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}, json.loads(json.dumps(plain)))
    assert same_history(history, again) and again.marks == history.marks


# What does not fit.


def saved(tmp_path: Path, **settings) -> Path:
    loop = make_loop(**settings)
    advance(loop, 12)
    write(take(loop), tmp_path / "run.safetensors")
    return tmp_path / "run.safetensors"


def test_another_model_is_refused_in_words_and_stays_as_it_was(tmp_path):
    task = dl.vision.digits()
    loop = Loop(dl.vision.LeNet(), task, torch.optim.SGD(dl.vision.LeNet().parameters()))
    loop.optimizer = torch.optim.SGD(loop.model.parameters())
    write(take(loop), tmp_path / "run.safetensors")
    model = dl.vision.LeNet(classes=2)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(CheckpointError) as refused:
        load(tmp_path / "run.safetensors", model, task)
    assert str(refused.value) == (
        "this checkpoint is of a LeNet with 10 classes; you gave a LeNet: `classifier.5.weight` is (10, 128) there and (2, 128) here"
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": nn.Linear(2, 2)}, "`weight` .* is here and not there"),
        ({"model": nn.Sequential(*list(network())[:4], nn.Linear(16, 2), nn.BatchNorm1d(2))}, "is here and not there"),
        ({"model": nn.Sequential(*list(network())[:4])}, "`4.weight` .* is there and not here"),
        ({"model": network().double()}, "of type torch.float32 there and torch.float64 here"),
        ({"task": quadrants(examples=320)}, "20 batches .* with 10"),
        ({"optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.1)}, "trained by AdamW; you gave SGD"),
        ({"optimizer": lambda parameters: torch.optim.AdamW(parameters[:1])}, "holds others"),
        ({"schedule": lambda optimizer: lr_scheduler.StepLR(optimizer, 3)}, "schedule"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(given, words, tmp_path):
    path = saved(tmp_path)
    model = given.get("model") or network(0.3, seed=9)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(CheckpointError, match=words):
        loop_from(path, **{**given, "model": model})
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


class Mine(torch.optim.SGD):
    """An optimiser of one's own."""


def test_what_is_ones_own_has_to_be_given(tmp_path):
    with pytest.raises(CheckpointError, match=r"a task of your own, 'quadrants'.*task=task"):
        loop_of(read(saved(tmp_path)))
    with pytest.raises(CheckpointError, match="of a Sequential, which cannot be made again"):
        loop_of(read(saved(tmp_path)), task=quadrants(noise=0.1))
    model = network(0.3)
    loop = make_loop(model=model)
    loop.optimizer = Mine(model.parameters(), lr=0.1)
    loop.scheduler = lr_scheduler.LambdaLR(loop.optimizer, lambda step: 0.9**step)
    advance(loop, 5)
    write(take(loop), tmp_path / "own.safetensors")
    with pytest.raises(CheckpointError, match="trained by Mine, which is no optimiser of torch.optim"):
        loop_from(tmp_path / "own.safetensors")
    make = lambda parameters: Mine(parameters, lr=0.1)  # noqa: E731
    with pytest.raises(CheckpointError, match="LambdaLR of your own functions"):
        loop_from(tmp_path / "own.safetensors", optimizer=make)
    other = loop_from(
        tmp_path / "own.safetensors", optimizer=make, schedule=lambda made: lr_scheduler.LambdaLR(made, lambda step: 0.9**step)
    )
    assert advance(other, 10) == advance(loop, 10)


def test_a_loop_that_is_there_can_be_put_where_it_was_saved(tmp_path):
    loop = make_loop("adamw", "cosine")
    advance(loop, 12)
    write(take(loop), tmp_path / "run.safetensors")
    losses = advance(loop, 10)
    apply_to(read(tmp_path / "run.safetensors"), loop)
    assert loop.steps == 12 and advance(loop, 10) == losses
    other = make_loop("momentum", "cosine")
    before = copy.deepcopy(other.model.state_dict())
    with pytest.raises(CheckpointError, match="trained by AdamW; you gave SGD"):
        apply_to(read(tmp_path / "run.safetensors"), other)
    assert all(torch.equal(before[name], tensor) for name, tensor in other.model.state_dict().items())


def test_a_run_that_trains_the_model_now_is_not_disturbed(tmp_path):
    path = saved(tmp_path)
    run = dl.fit(network(0.3), quadrants(noise=0.1), epochs=1000)
    with pytest.raises(RuntimeError, match="trained by another run"):
        load(path, run.model, quadrants(noise=0.1))
    run.stop()


# Files that are damaged, or made to do harm.


def parts_of(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def put_together(path: Path, header: dict, body: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


HOSTILE = {
    "empty": b"",
    "a pickle": b"\x80\x04\x95" + b"x" * 100,
    "text": b"hello, this is a text and no checkpoint at all",
    "a header as long as the universe": struct.pack("<Q", 2**63) + b"{" + b" " * 50,
    "a header beyond the end": struct.pack("<Q", 2**20) + b"{" + b" " * 50,
    "no metadata": struct.pack("<Q", 2) + b"{}",
    "an overlap": (h := json.dumps({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}}).encode())
    and struct.pack("<Q", len(h)) + h + b"123456",
    "a shape beyond the end": (h := json.dumps({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}).encode())
    and struct.pack("<Q", len(h)) + h + b"1234",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_checkpoint_is_refused(what, tmp_path):
    (tmp_path / "run.safetensors").write_bytes(HOSTILE[what])
    with pytest.raises(CheckpointError, match="run.safetensors"):
        load(tmp_path / "run.safetensors", network(), quadrants())


def test_a_header_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "run.safetensors"
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", 2**30) + b"{")
        file.truncate(2**30 + 100)  # takes no room on the disk
    with pytest.raises(CheckpointError, match="are allowed"):
        read(path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"pairs": ' * 5000 + "1" + "}" * 5000, "9" * 5000, "NaN", "", "{}", "[]", '{"tensor": "x"}', "1e999"])
def test_a_description_made_to_do_harm_is_refused(text, tmp_path):
    header, body = parts_of(saved(tmp_path))
    header["__metadata__"]["json"] = text
    with pytest.raises(CheckpointError):
        read(put_together(tmp_path / "bad.safetensors", header, body))


def test_a_newer_format_is_named(tmp_path):
    header, body = parts_of(saved(tmp_path))
    header["__metadata__"]["version"] = "2"
    with pytest.raises(CheckpointError, match="newer dlnb"):
        read(put_together(tmp_path / "bad.safetensors", header, body))


def test_a_file_that_is_not_there_is_said_to_be_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match="is a folder"):
        load(tmp_path)


def test_no_module_is_imported_because_a_file_names_it(tmp_path):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')")
    header, body = parts_of(saved(tmp_path))
    sys.path.insert(0, str(tmp_path))
    try:
        for module, name in [("evil_module", "Evil"), ("dlnb.evil_module", "E"), ("dlnb..evil_module", "E"), ("os", "system"), ("dlnb.train.run", "Run")]:
            content = header["__metadata__"]["json"].replace('"torch.nn.modules.container"', json.dumps(module))
            content = content.replace('"Sequential"', json.dumps(name))
            bad = {**header, "__metadata__": {**header["__metadata__"], "json": content}}
            with pytest.raises(CheckpointError, match="cannot be made again"):
                load(put_together(tmp_path / "bad.safetensors", bad, body), task=quadrants(noise=0.1))
    finally:
        sys.path.remove(str(tmp_path))
    assert "evil_module" not in sys.modules


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("cli.main", {}), ("os.system", {"command": "true"}), ("dlnb.data.store.fetch", {}), ("vision.digits", {"nothing": 1}), ("vision._x", {}), ("", {})],
)
def test_only_tasks_of_dlnb_are_made_by_name(function, arguments, tmp_path):
    task = quadrants(noise=0.1)
    task.recipe = (function, arguments)
    with pytest.raises(CheckpointError, match="no task of this dlnb"):
        load(saved(tmp_path, task=task))


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    data = saved(tmp_path).read_bytes()
    for length in [*range(0, 64), *np.random.default_rng(0).integers(64, len(data), 60).tolist(), len(data) - 1]:
        (tmp_path / "cut.safetensors").write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            read(tmp_path / "cut.safetensors")


def spoiled(value, random, depth=0):
    """A description with one thing in it exchanged, left out, or doubled."""
    others = [None, True, -1, 0, 2**70, 1.5, "x", [], {}, {"tensor": "state/model/0.weight"}, {"pairs": []}, {"float": "nan"}, [[]]]
    if depth > 2 and random.random() < 0.15 or not isinstance(value, (list, dict)) or not value:
        return others[int(random.integers(len(others)))]
    value = copy.copy(value)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[int(random.integers(len(keys)))]
    if random.random() < 0.08:
        del value[key]
    elif isinstance(value, list) and random.random() < 0.05:
        value.append(value[key])
    else:
        value[key] = spoiled(value[key], random, depth + 1)
    return value


@pytest.mark.parametrize("seed", range(8))
def test_a_spoiled_description_is_refused_or_harmless_and_the_model_stays_whole(seed, tmp_path):
    random = np.random.default_rng(seed)
    loop = make_loop("adamw", "sequence", clip=1.0)
    advance(loop, 12)
    write(take(loop), tmp_path / "run.safetensors")
    header, body = parts_of(tmp_path / "run.safetensors")
    content = json.loads(header["__metadata__"]["json"])
    refused = 0
    for _ in range(150):
        header["__metadata__"]["json"] = json.dumps(spoiled(content, random))
        path = put_together(tmp_path / "bad.safetensors", header, body)
        model = network(0.3, seed=9)
        before, attributes = copy.deepcopy(model.state_dict()), [dict(part.__dict__) for part in model.modules()]
        try:
            loop_from(path, model=model)
        except CheckpointError:
            refused += 1
            assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
            for part, old in zip(model.modules(), attributes, strict=True):
                assert {key: part.__dict__[key] for key in old if type(old[key]) in (int, float, bool, str)} == {
                    key: old[key] for key in old if type(old[key]) in (int, float, bool, str)
                }
    assert refused > 30


def test_flipped_bytes_are_refused_or_harmless(tmp_path):
    random, data = np.random.default_rng(0), saved(tmp_path).read_bytes()
    for _ in range(150):
        bad = bytearray(data)
        for place in random.integers(0, min(len(data), 6000), 3):
            bad[place] ^= 1 << int(random.integers(8))
        (tmp_path / "bad.safetensors").write_bytes(bad)
        model = network(0.3, seed=9)
        before = copy.deepcopy(model.state_dict())
        try:
            loop_from(tmp_path / "bad.safetensors", model=model)
        except CheckpointError:
            assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


# Writing.


def test_a_disk_that_takes_no_more_leaves_the_old_file_whole(tmp_path):
    path = saved(tmp_path)
    old = path.read_bytes()
    code = """
        import resource, sys
        from tests.engine.test_checkpoint import make_loop, take, write, advance
        loop = make_loop()
        advance(loop, 3)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))
        try:
            write(take(loop), sys.argv[1])
        except OSError as error:
            print(type(error).__name__, error.errno)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.startswith("OSError"), done.stderr
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["run.safetensors"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_process_killed_while_it_saves_leaves_a_whole_file(tmp_path):
    code = """
        import sys
        from tests.engine.test_checkpoint import make_loop, take, write, advance
        from torch import nn
        loop = make_loop(model=nn.Sequential(nn.Linear(2, 3000), nn.ReLU(), nn.Linear(3000, 500), nn.Linear(500, 2)))
        while True:
            advance(loop, 1)
            write(take(loop), sys.argv[1])
    """
    path = tmp_path / "run.safetensors"
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(path)], cwd=Path(__file__).parents[2])
    end = time.monotonic() + 60
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    seen = set()
    while len(seen) < 10 and time.monotonic() < end:  # whole at every moment
        seen.add(read(path).step)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(seen) == 10 and read(path).step >= max(seen)


def test_a_file_replaced_while_it_is_read_is_the_old_or_the_new_one(tmp_path, monkeypatch):
    """The library opens it twice; between the two another file takes the name, with its tensors elsewhere."""
    path = tmp_path / "run.safetensors"
    write_tensors(path, {"weight": torch.zeros(4)}, {"which": "old"})
    replaced = iter([{"weight": torch.ones(4)}, {"first": torch.ones(2), "weight": torch.full((1,), 2.0)}])

    def open_and_replace(*arguments, **more):
        file = safe_open(*arguments, **more)
        with contextlib.suppress(StopIteration):
            write_tensors(path, next(replaced), {"which": "new"})
        return file

    monkeypatch.setattr(tensorfile, "safe_open", open_and_replace)
    text, tensors = tensorfile.read_tensors(path)
    assert text == {"which": "new"} and {name: tensor.tolist() for name, tensor in tensors.items()} == {"first": [1, 1], "weight": [2]}


@pytest.mark.parametrize(("place", "words"), [("nowhere/run.safetensors", "there is no folder"), ("", "is a folder")])
def test_a_place_that_is_none_is_named(place, words, tmp_path):
    with pytest.raises(OSError, match=words):
        write(take(make_loop()), tmp_path / place)


def test_what_cannot_be_written_is_named(tmp_path):
    loop = make_loop()
    loop.optimizer.state[loop.model[0].weight]["diary"] = object()
    with pytest.raises(CheckpointError, match="this run cannot be saved"):
        write(take(loop), tmp_path / "run.safetensors")
    assert not os.listdir(tmp_path)


def test_another_pytorch_is_pointed_out(tmp_path):
    path = saved(tmp_path)
    assert read(path).cautions() == []
    header, body = parts_of(path)
    header["__metadata__"]["json"] = header["__metadata__"]["json"].replace(json.dumps(torch.__version__), '"1.0"')
    assert "PyTorch 1.0" in read(put_together(path, header, body)).cautions()[0]
