"""The health says nothing of trainings in which nothing is wrong, and costs next to nothing to ask."""

import time
import warnings

import pytest
import torch

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.health import Health
from dlnb.train.probes.probes import Probes

from .patients import HEALTHY, Patient, adam, mlp, rings, split
from .zoo import CASES, Case

SCHEDULED = 95  # steps for which the shortest schedule of the zoo is made


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_where_nothing_is_wrong(name):
    health, loop = HEALTHY[name](0).examine()
    assert [finding.sentence for finding in health.log] == [] and not health._broken
    assert loop.history["loss"][-20:].mean() < loop.history["loss"][:20].mean()


@pytest.mark.parametrize("name", ["LeNet, AdamW", "regression", "a GRU"])
def test_nothing_is_found_when_it_looks_as_seldom_as_by_default(name):
    health, _ = HEALTHY[name](1).examine(share=0.003, seed=1)
    assert [finding.sentence for finding in health.log] == [] and not health._broken


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_found_in_the_zoo(case: Case):
    if case.missing:
        pytest.skip(case.missing)
    run = case.fit()
    loop = run._loop
    torch.set_num_threads(1)
    health = Health(loop, Probes(loop.model, 1000.0), share=1000.0)
    loop.observer = health.probes
    health.before_start()
    with loop.randomness.installed(), warnings.catch_warnings():
        for _ in range(SCHEDULED):
            loop.advance()
            health.after_turn()
    shared = case.name.startswith("vision")  # the points of the other cases are validated on, which is found: see below
    assert [finding.rule for finding in health.log if shared or finding.rule != "leak"] == [] and not health._broken


def test_data_that_repeats_itself_is_no_leak():
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(3, (900, 3), generator=generator).float()
    health, _ = Patient(mlp(3, 16, 2), split(x, (x.sum(1) > 3).long()), steps=1).examine()
    assert health.findings == []


def test_frozen_layers_and_a_schedule_that_has_come_to_its_end_are_as_meant():
    model = mlp(2, 32, 32, 3)
    model[0].requires_grad_(False)
    patient = Patient(model, split(*rings()), adam(3e-3), 600)
    patient.schedule = lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / 500))
    health, _ = patient.examine()
    assert [finding.sentence for finding in health.log] == []


def test_looking_before_the_start_takes_little_time_however_large_the_data_is():
    x = torch.randn(100_000, 400)
    task = dl.Task(
        "large",
        train=TensorBatches(x, torch.zeros(100_000, dtype=torch.long), size=64, shuffle=True),
        valid=TensorBatches(x[:20_000], torch.zeros(20_000, dtype=torch.long), size=500),
    )
    health, _ = Patient(mlp(400, 16, 2), task, steps=0).examine()
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        health.before_start()
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.5  # 0.02 s on a machine that has nothing else to do
    assert [finding.rule for finding in health.findings] == ["leak"]
    assert "100 %" in health.findings[0].sentence


def test_asking_when_there_is_nothing_new_costs_next_to_nothing():
    health, _ = HEALTHY["regression"](0).examine(share=0.003)
    health._not_before = 0.0
    health.after_turn()
    begin = time.perf_counter()
    for _ in range(1000):
        health.after_turn()
    assert time.perf_counter() - begin < 0.05  # 2 µs each; a turn takes 20,000


def test_the_summary_says_what_is_worst():
    health, _ = Patient(mlp(2, 16, 3), split(*rings()), steps=0).examine()
    assert health.summary() == "Nothing was looked at yet."
    health, _ = HEALTHY["regression"](0).examine()
    assert health.summary() == "Nothing is wrong, as far as I can see."
