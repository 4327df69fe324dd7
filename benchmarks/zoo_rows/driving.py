"""Rows of the zoo's table: models that drive."""

import functools
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from torch import nn

import dlnb as dl
from dlnb.driving import Drive, RangeView, scenario
from dlnb.driving.evaluate import Outcome, outcome
from dlnb.driving.models import Policy
from dlnb.driving.shield import greedy, scores_of, shielded
from dlnb.driving.world import DECIDED
from dlnb.fast import Muon

from .row import Measured, Row, trained

EPISODES = 100  # of the test in each place
STEPS = 10_000  # decisions against the clock
FAILURES = ("lidar dead", "camera dead")


def rows() -> list[Row]:
    """In the order of the table."""
    return [
        Row("obstacles within 40 m", "RangeView, 6 drives in each of 4 places, Muon 0.02, others 0.003, 400 steps of 32 views, linear to 0; then with one sensor dead", obstacles, {"recall": 0.95, "precision": 0.95, "recall, lidar dead": 0.85, "recall, camera dead": 0.85}, seconds=60),
        Row(f"driving, {EPISODES} episodes in each of 4 places", "Policy, learns how much a planner that looks ahead wants each action, 12 drives in each place and 2 rounds of DAgger, lr 0.002, 30 epochs, cosine; behind a shield. Beside plain imitation and highway-env's planner; the worst of the places", driving, {"speed over the planner's": 0.95, "collisions fewer than plain imitation": 1}, {"collisions beyond the planner's": 0}, seconds=180),
        Row(f"sense to decide, {STEPS:,} steps", "RangeView, Policy and shield on one core; random weights, as the time is the same; once, after a drive that warms up", against_the_clock, most={"p99, ms": 20, "missed": 0}, seeds=1),
    ]  # fmt: skip


def obstacles(seed: int, threads: int) -> Measured:
    """Trained once, with sensors that fail now and then; measured with both sensors and with one of them dead."""
    task, steps = dl.driving.obstacles(seed=seed), 400
    with dl.seeded(seed):
        eyes = task.models["RangeView"]()
    optimizer = Muon.of(eyes, lr=0.02, lr_others=3e-3)
    schedule: Callable[[torch.optim.Optimizer], object] = lambda chosen: torch.optim.lr_scheduler.LambdaLR(chosen, lambda step: max(0.0, 1 - step / steps))  # noqa: E731
    measured = trained(eyes, task, seed, threads, steps, optimizer=optimizer, schedule=schedule, epochs=1 + steps // len(task.train))
    values = dict(measured.values)
    for fault in FAILURES:
        failing = dl.fit(eyes, dl.driving.obstacles(fault=fault, seed=seed), threads=threads, start=False)
        found = failing.evaluate("test")
        values |= {f"{name}, {fault}": found[name] for name in ("recall", "precision")}
        failing.stop()
    return Measured(values, measured.seconds, measured.loader)


def driving(seed: int, threads: int) -> Measured:
    """A policy by DAgger behind a shield, beside one by plain imitation and highway-env's planner. Seconds: with all its drives."""
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    task = dl.driving.dagger(drives=12, seed=seed)
    made = time.perf_counter() - begin
    (ours, learned), (plain, _) = (_policy(one, seed, threads) for one in (task, dl.driving.imitation(drives=12, seed=seed)))
    values: dict[str, float] = {}
    beyond, fewer, pace = [], [], []
    for place in DECIDED:
        planner, alone, safe = _by_planner(place, threads), _driven(place, threads, plain, safe=False), _driven(place, threads, ours, safe=True)
        beyond.append(safe.collisions - planner.collisions)
        fewer.append(alone.collisions - safe.collisions)
        pace.append(safe.speed / planner.speed)
        for name, one in (("", safe), (", plain imitation", alone), (", planner", planner)):
            values |= {f"{place} {key}{name}": getattr(one, key) for key in ("collisions", "speed", "jerk")}
    worst = {"collisions beyond the planner's": max(beyond), "collisions fewer than plain imitation": min(fewer), "speed over the planner's": min(pace)}
    return Measured(worst | values, made + learned.seconds, learned.loader)


def _policy(task: dl.Task, seed: int, threads: int) -> tuple[nn.Module, Measured]:
    with dl.seeded(seed):
        policy = Policy()
    return policy, trained(policy, task, seed, threads, lr=2e-3, epochs=30, schedule="cosine")


@functools.cache
def _by_planner(place: str, threads: int) -> Outcome:
    """The same for all seeds, as the test is."""
    return _driven(place, threads, None, safe=False)


def _driven(place: str, threads: int, model: nn.Module | None, safe: bool) -> Outcome:
    """The test of a place, driven by several processes at once."""
    parts = [range(first, EPISODES, threads) for first in range(threads)]
    with ProcessPoolExecutor(threads, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_part, [place] * threads, parts, [model] * threads, [safe] * threads))
    moments = np.array([one.moments for one in found], dtype=float)
    speed, jerk = (float(np.average([getattr(one, name) for one in found], weights=moments)) for name in ("speed", "jerk"))
    return Outcome(EPISODES, sum(one.collisions for one in found), int(moments.sum()), speed, jerk)


def _part(place: str, numbers: range, model: nn.Module | None, safe: bool) -> Outcome:
    torch.set_num_threads(1)
    if model is None:
        return outcome(place, "test", numbers)
    scores = scores_of(model.eval())
    return outcome(place, "test", numbers, shielded(scores) if safe else greedy(scores))


def against_the_clock(seed: int, threads: int) -> Measured:
    """From readings to an action, in drives through all places, on one core whatever else is asked for."""
    torch.set_num_threads(1)
    with dl.seeded(seed):
        eyes, decide = RangeView().eval(), shielded(scores_of(Policy().eval()))
    seconds: list[float] = []
    missed, number = 0, 0
    while len(seconds) < STEPS:
        drive = Drive(scenario(DECIDED[number % len(DECIDED)], "test", number // len(DECIDED)), decide, eyes)
        for _ in drive:
            pass
        if number:  # in the first one PyTorch prepares itself
            seconds += drive.deadline.seconds
            missed += drive.deadline.missed
        number += 1
    torch.set_num_threads(threads)
    return Measured({"p99, ms": 1000 * float(np.percentile(seconds, 99)), "missed": missed, "longest, ms": 1000 * max(seconds), "steps": len(seconds)}, sum(seconds), 0.0)
