"""The contract, for every task and model that ships: going back and on again gives the same losses, to the bit."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import dlnb as dl

from .zoo import CASES, Case, tasks_that_ship

STEPS = 40
TOGETHER = 8  # cases that go on in one new process


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request) -> Case:
    if request.param.missing:
        pytest.skip(request.param.missing)
    return request.param


def losses(run: dl.Run) -> list[float]:
    return run.history["loss"].tolist() if "loss" in run.history else []


@functools.cache
def alone(number: int) -> list[float]:
    """The losses of a case's first steps, made in one go by a run that nothing is done to."""
    run = CASES[number].fit()
    run.step(STEPS)
    return losses(run)


def test_the_zoo_finds_the_tasks_that_ship():
    assert {"text.tiny_shakespeare", "vision.digits", "vision.mnist"} <= {name for name, _ in tasks_that_ship()}


def test_seek_and_going_on_gives_the_same_losses_to_the_bit(case):
    run = case.fit()
    run.step(STEPS)
    first = losses(run)
    assert first == alone(CASES.index(case))
    weights = [tensor.clone() for tensor in run.model.state_dict().values()]
    for step in (STEPS // 2, 3, STEPS - 1, 0, 17):
        run.seek(step)
        assert losses(run) == first[:step]
    run.step(STEPS - 17)
    assert losses(run) == first and run.exact
    assert all(torch.equal(a, b) for a, b in zip(run.model.state_dict().values(), weights, strict=True))


def test_a_fork_beside_its_parent_goes_as_each_would_alone(case):
    run = case.fit()
    run.step(STEPS // 2)
    fork = run.fork()
    futures = [fork.request("step", count=STEPS // 2), run.request("step", count=STEPS // 2)]
    for future in futures:
        future.result()
    for one in (fork, run):
        assert one._wait_while(lambda one=one: one.state == "running", 60)
        assert losses(one) == alone(CASES.index(case))


@pytest.fixture(scope="module")
def resumed(tmp_path_factory) -> Callable[[Case], list[float] | str]:
    """What a new process makes of a case that was saved at half of its steps; several are made at once, as a process takes long."""
    made: dict[str, list[float] | str] = {}

    def of(case: Case) -> list[float] | str:
        if case.name not in made:
            place = CASES.index(case) // TOGETHER * TOGETHER
            made.update(resume(range(place, min(place + TOGETHER, len(CASES))), tmp_path_factory.mktemp("zoo")))
        return made[case.name]

    return of


def resume(numbers: range, folder: Path) -> dict[str, list[float] | str]:
    for number in numbers:
        if not CASES[number].missing:
            run = CASES[number].fit()
            run.step(STEPS // 2)
            run.save(folder / f"{number}.run")
    command = [sys.executable, "-m", "tests.engine.resume_zoo", str(folder), str(STEPS - STEPS // 2)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_new_process_goes_on_with_the_same_losses_to_the_bit(case, resumed):
    assert resumed(case) == alone(CASES.index(case))


@pytest.mark.parametrize("one", [one for one in CASES if one.ships], ids=lambda one: one.name)
def test_health_is_silent_on_what_ships(one):
    if one.missing:
        pytest.skip(one.missing)
    run = one.fit(epochs=10)
    run.step(min(run.total_steps, 400))
    assert [finding.sentence for finding in run.health.log] == []
    assert run.probes.count > 0
