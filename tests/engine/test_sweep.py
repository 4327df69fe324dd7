"""A sweep: trials chosen by Optuna, trained in turns, each with the numbers it would have alone."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.sweeps.search import LEAST, importance, read_space
from dlnb.train.sweeps.stackable import CannotStack
from dlnb.train.sweeps.sweep import Sweep, sweep

from .conftest import network, quadrants

SOON = 60  # seconds
TASK = quadrants(noise=0.1)
LR = {"lr": (1e-4, 1e-1, "log")}


def make(lr=0.01, dropout=0.0, width=8, seed=0, **common):
    layers = [nn.Linear(2, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2)]
    return dl.fit(nn.Sequential(*layers), TASK, **({"lr": lr, "seed": seed, "epochs": 3, "threads": 1} | common))


def alone(settings, make=make, seed=0):
    with dl.seeded(seed):  # no other run draws numbers meanwhile
        run = make(**settings, start=False)
    run.start()
    return run.wait(SOON)


@pytest.fixture
def begin():
    """`dl.sweep`, ended with the test."""
    made = []

    def start(*arguments, **settings):
        made.append(sweep(*arguments, **settings))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def until(happened):
    end = time.monotonic() + SOON
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


# What it promises.


@pytest.mark.parametrize("at_once", [1, 3])
def test_every_trial_gives_the_numbers_that_it_gives_alone(begin, at_once):
    space = LR | {"dropout": (0.0, 0.5), "width": [8, 16]}
    found = begin(make, space, trials=5, at_once=at_once, pruner=optuna.pruners.NopPruner()).wait(SOON)
    assert [trial.state for trial in found.trials] == ["done"] * 5
    for trial in found.trials:
        for name in ("loss", "valid_loss", "valid_accuracy"):
            assert np.array_equal(trial.history[name], alone(trial.settings).history[name]), (name, trial)
        assert trial.value == trial.history["valid_loss"][-1]


def test_it_returns_at_once_and_the_readers_random_numbers_are_as_they_were(begin):
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    found = begin(make, LR, trials=3)
    assert found.state == "running" and len(found.trials) < 3
    found.wait(SOON)
    assert torch.equal(torch.rand(3), expected[0]) and np.array_equal(np.random.rand(3), expected[1])


def test_the_same_seed_searches_the_same_settings_and_another_one_others(begin):
    first, again, other = (begin(make, LR, trials=4, seed=seed).wait(SOON) for seed in (1, 1, 2))
    settings = [[trial.settings for trial in found.trials] for found in (first, again, other)]
    assert settings[0] == settings[1] != settings[2]
    assert [trial.value for trial in first.trials] == [trial.value for trial in again.trials]


def test_the_best_is_the_best_of_those_that_came_to_their_end(begin):
    found = begin(make, LR, trials=6, goal=("valid_accuracy", "maximize")).wait(SOON)
    assert found.best.value == max(trial.value for trial in found.trials if trial.state == "done")
    assert found.best.value == found.best.run.history["valid_accuracy"][-1]
    assert found.best_model() is found.best.run.model
    assert found.study.best_value == found.best.value


def test_a_column_with_a_value_each_step_counts_as_its_mean_over_an_epoch(begin):
    found = begin(make, LR, trials=2, goal=("loss", "minimize")).wait(SOON)
    for trial in found.trials:
        losses = trial.history["loss"]
        assert [value for _, value in trial.looks] == pytest.approx([losses[i : i + 20].mean() for i in (0, 20, 40)])
        assert trial.value == trial.looks[-1][1]


def test_a_space_of_lists_is_walked_through_once(begin):
    found = begin(make, {"lr": [0.01, 0.1], "width": [4, 8, 16]}, trials=20).wait(SOON)
    assert sorted((trial.settings["lr"], trial.settings["width"]) for trial in found.trials) == [
        (lr, width) for lr in (0.01, 0.1) for width in (4, 8, 16)
    ]


def test_the_table_and_what_mattered(begin):
    found = begin(
        lambda lr, nothing: make(lr),
        LR | {"nothing": (0.0, 1.0)},
        trials=10,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    frame = found.wait(SOON).frame()
    assert frame.columns.tolist() == ["state", "value", "steps", "lr", "nothing"] and len(frame) == 10
    mattered = found.importance()
    assert sum(mattered.values()) == pytest.approx(1) and list(mattered) == sorted(
        mattered, key=mattered.get, reverse=True
    )


def test_what_decides_is_found_to_matter():
    space = read_space({"decides": (0.0, 1.0), "idle": (0.0, 1.0)})
    draw = np.random.default_rng(0)
    rows = [({"decides": float(a), "idle": float(b)}, float((a - 0.3) ** 2)) for a, b in draw.random((40, 2))]
    assert importance(space, "minimize", rows)["decides"] > 0.8
    assert importance(space, "minimize", rows[: LEAST - 1]) == {}
    assert importance(space, "minimize", [(settings, 1.0) for settings, _ in rows]) == {}


# Pruning, stopping, promoting.


def test_a_run_that_is_worse_than_half_of_those_before_is_ended_early(begin):
    rates = [0.03, 0.02, 0.025, 0.04, 0.015, 1e-6]

    class InThisOrder(optuna.samplers.BaseSampler):
        def infer_relative_search_space(self, study, trial):
            return {}

        def sample_relative(self, study, trial, search_space):
            return {}

        def sample_independent(self, study, trial, name, distribution):
            return rates[trial.number]

    found = begin(lambda lr: make(lr, epochs=8), {"lr": (1e-7, 0.1)}, trials=6, sampler=InThisOrder()).wait(SOON)
    assert [trial.state for trial in found.trials] == ["done"] * 5 + ["pruned"]
    pruned = found.trials[-1]
    assert pruned.steps < pruned.total_steps and math.isnan(pruned.value) and len(pruned.looks) == 2
    assert found.study.trials[-1].state.name == "PRUNED"


def test_a_pruned_trial_that_is_promoted_goes_on_where_it_was_and_longer(begin):
    found = begin(make, LR, trials=4, pruner=optuna.pruners.PercentilePruner(0.1, 1, 1)).wait(SOON)
    pruned = next(trial for trial in found.trials if trial.state == "pruned")
    pruned.promote()
    pruned.run.wait(SOON)
    assert pruned.promoted and pruned.steps == pruned.total_steps == 120
    until(lambda: pruned.state == "done")
    whole = alone(pruned.settings, lambda **settings: make(**settings, epochs=6))
    assert np.array_equal(pruned.history["loss"], whole.history["loss"])
    # It is compared at the end of the plan that all had, not where it is now.
    assert pruned.value == whole.history["valid_loss"][3]


def test_a_trial_that_is_promoted_while_it_trains_is_not_pruned(begin):
    class Always(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return True

    found = begin(lambda lr: make(lr, epochs=40), LR, trials=1, pruner=Always())
    until(lambda: found.trials)
    found.trials[0].promoted = True
    found.wait(SOON)
    assert found.trials[0].state == "done" and found.trials[0].steps == 800


def test_one_trial_can_be_stopped_and_the_sweep_goes_on(begin):
    found = begin(lambda lr: make(lr, epochs=10**6 if lr > 1 else 2), {"lr": [2.0, 0.01, 0.02]}, trials=3, at_once=3)
    until(
        lambda: (
            len(found.trials) == 3 and all(trial.state == "done" for trial in found.trials if trial.settings["lr"] < 1)
        )
    )
    endless = next(trial for trial in found.trials if trial.settings["lr"] > 1)
    endless.stop()
    found.wait(SOON)
    assert endless.state == "stopped" and found.state == "done" and found.best is not endless


def test_the_sweep_can_be_paused_resumed_and_ended(begin):
    found = begin(lambda lr: make(lr, epochs=10**6), LR, trials=5, at_once=2)
    until(lambda: len(found.runs) == 2 and min(run.steps for run in found.runs) > 0)
    found.pause()
    until(lambda: all(run.state == "paused" for run in found.runs))
    assert found.state == "paused" and {trial.state for trial in found.trials} == {"paused"}
    with pytest.raises(RuntimeError, match="sweep.resume"):
        found.wait()
    found.resume()
    until(lambda: all(run.state == "running" for run in found.runs))
    found.stop()
    assert found.state == "stopped" and [trial.state for trial in found.trials] == ["stopped"] * 2
    assert all(run.state == "done" for run in found.runs)
    with pytest.raises(RuntimeError, match="no trial has come to its end"):
        _ = found.best


def test_an_interrupt_while_waiting_pauses_it(begin):
    found = begin(lambda lr: make(lr, epochs=10**6), LR, trials=2)
    until(lambda: found.runs)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt, match="sweep.resume"):
        found.wait(SOON)
    assert found.state == "paused"
    until(lambda: found.runs[0].state == "paused")


def test_an_interrupt_of_a_blocking_sweep_ends_it_and_gives_what_was_found():
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    found = sweep(
        lambda lr: make(lr, epochs=1 if lr < 0.05 else 10**6),
        {"lr": [0.01, 0.02, 0.1]},
        trials=3,
        at_once=3,
        block=True,
    )
    assert found.state == "stopped"
    assert {trial.settings["lr"]: trial.state for trial in found.trials} == {0.01: "done", 0.02: "done", 0.1: "stopped"}


def test_waiting_ends_after_its_time_or_is_refused_where_it_never_would(begin):
    found = begin(lambda lr: make(lr, epochs=10**6), LR, trials=2)
    with pytest.raises(TimeoutError, match="0 of 2 trials ended after 0.3 s"):
        found.wait(0.3)
    with dl.seeded(0), pytest.raises(RuntimeError, match="close that block"):
        found.wait()


# Faults.


def test_a_trial_that_fails_is_noted_and_the_sweep_goes_on(begin):
    def sometimes(lr):
        if lr == 0.5:
            raise ValueError("no such thing")
        return make(1e38 if lr == 0.1 else lr, optimizer="sgd")

    found = begin(sometimes, {"lr": [0.01, 0.5, 0.1]}, trials=3).wait(SOON)
    by_rate = {trial.settings["lr"]: trial for trial in found.trials}
    assert {lr: trial.state for lr, trial in by_rate.items()} == {0.01: "done", 0.5: "failed", 0.1: "failed"}
    assert by_rate[0.5].error == "ValueError: no such thing"
    assert "loss" in by_rate[0.1].error
    with pytest.raises(RuntimeError, match="no such thing"):
        by_rate[0.5].stop()


def test_when_every_trial_fails_the_reader_is_told_why(begin):
    with pytest.raises(RuntimeError, match="all 3 trials failed; the first: TypeError: make_run must return a run"):
        begin(lambda lr: lr, LR, trials=3).wait(SOON)


def test_a_goal_that_no_run_records_ends_the_sweep(begin):
    with pytest.raises(ValueError, match="'valid_acuracy': it records loss, valid_loss, valid_accuracy"):
        begin(make, LR, trials=3, goal=("valid_acuracy", "maximize")).wait(SOON)
    with pytest.raises(ValueError, match="no column 'margin', the goal; they record .*loss"):
        begin(make, LR, trials=3, goal=("margin", "maximize")).wait(SOON)


def test_a_listener_that_raises_does_not_end_the_sweep(begin):
    found = begin(make, LR, trials=2)
    found.on_change.append(lambda _: 1 / 0)
    assert found.wait(SOON).state == "done" and not found.on_change


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({}, "at least one setting"),
        ([("lr", 1)], "must be a dictionary"),
        ({"lr": []}, "list of 'lr' is empty"),
        ({"lr": [object()]}, "among numbers, texts"),
        ({"lr": 0.1}, "must be \\(low, high\\)"),
        ({"lr": (1, 2, 3, 4)}, "must be \\(low, high\\)"),
        ({"lr": (1.0, 0.1)}, "smaller one"),
        ({"lr": (0, 1.0, "log")}, "where a logarithm ends"),
        ({"lr": (0.1, 1.0, "logarithmic")}, 'can only be "log"'),
        ({"lr": (0.1, math.inf)}, "finite"),
        ({"lr": (0.1, "1")}, "finite numbers"),
        ({"lr": (False, True)}, "finite numbers"),
        ({"learning rate": (0.1, 1.0)}, "named as an argument"),
        ({"lrate": (0.1, 1.0)}, "Did you mean 'lr'"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused_at_once(space, words):
    with pytest.raises((TypeError, ValueError), match=words):
        sweep(lambda lr: make(lr), space)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trials": 0}, "trials must be a whole number"),
        ({"at_once": 1.5}, "at_once must be"),
        ({"goal": "valid_loss"}, "the goal must be like"),
        ({"goal": ("valid_loss", "min")}, "the goal must be like"),
        ({"name": "mine"}, "needs a storage"),
        ({"vectorize": True, "pruner": optuna.pruners.NopPruner()}, "not pruned"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings, words):
    with pytest.raises(ValueError, match=words):
        sweep(make, LR, **settings)


# Several processes, and the end of one.

ROOT = Path(__file__).resolve().parents[2]


def process(code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


SHARE = """
    import sys, torch, dlnb as dl
    from dlnb.data.batches import TensorBatches
    from dlnb.train.sweeps.sweep import sweep
    x = torch.randn(128, 2, generator=torch.Generator().manual_seed(0)); y = (x[:, 0] > 0).long()
    task = dl.Task("points", TensorBatches(x, y, size=16), TensorBatches(x, y, size=64))
    found = sweep(lambda lr: dl.fit(torch.nn.Linear(2, 2), task, lr=lr, epochs=10, threads=1), {"lr": (1e-4, 1e-1, "log")},
                  trials=12, storage=sys.argv[1], name="shared").wait(120)
    print(len(found.trials), len(found.runs), found.best.value)
"""


def test_two_processes_share_the_trials_of_one_storage(tmp_path):
    storage = f"sqlite:///{tmp_path / 'sweep.db'}"
    optuna.create_study(storage=storage, study_name="shared", direction="minimize")
    both = [process(SHARE, storage) for _ in range(2)]
    said = []
    for one in both:
        out, err = one.communicate(timeout=200)
        assert one.returncode == 0, err
        said.append(out.split())
    study = optuna.load_study(storage=storage, study_name="shared")
    finished = [trial for trial in study.trials if trial.user_attrs.get("state") in ("done", "pruned")]
    assert len(finished) == 12 == sum(int(own) for _, own, _ in said)
    assert all(int(own) > 0 for _, own, _ in said)
    assert len({trial.params["lr"] for trial in finished}) == 12  # neither searched what the other did
    # A third one takes the sweep up again: nothing is left to do, and it knows what was found.
    found = sweep(lambda lr: None, LR, trials=12, storage=storage, name="shared").wait(SOON)
    assert len(found.trials) == 12 and not found.runs
    assert found.best.value == study.best_value
    with pytest.raises(RuntimeError, match="another process"):
        found.best.fork()
    with pytest.raises(ValueError, match="another goal"):
        sweep(make, LR, goal=("valid_accuracy", "maximize"), storage=storage, name="shared")


@pytest.mark.parametrize("vectorize", [False, True])
def test_a_process_that_ends_during_a_sweep_ends_cleanly(vectorize):
    code = """
        import torch, dlnb as dl, time
        from dlnb.data.batches import TensorBatches
        from dlnb.train.sweeps.sweep import sweep
        x = torch.randn(64, 2); y = (x[:, 0] > 0).long()
        task = dl.Task("points", TensorBatches(x, y, size=16))
        make = lambda lr: dl.fit(torch.nn.Sequential(torch.nn.Linear(2, 2)), task, lr=lr, epochs=10**6, threads=1)
        found = sweep(make, {"lr": (1e-4, 1e-1, "log")}, trials=4, goal=("loss", "minimize"), at_once=2, vectorize=VECTORIZE)
        time.sleep(1.5)
        print(found.state)
    """
    one = process(code.replace("VECTORIZE", str(vectorize)))
    out, err = one.communicate(timeout=120)
    assert (one.returncode, out.split(), err) == (0, ["running"], "")


# All settings at once.


def small(lr=0.01, dropout=0.0, **common):
    layers = [nn.Linear(2, 12), nn.ReLU(), nn.Dropout(dropout), nn.Linear(12, 2)]
    return dl.fit(nn.Sequential(*layers), TASK, **({"lr": lr, "epochs": 3, "threads": 1} | common))


@pytest.mark.parametrize("start", [True, False])
def test_all_settings_at_once_give_the_numbers_of_one_after_another_up_to_rounding(begin, start):
    found = begin(lambda **s: small(**s, start=start), LR | {"dropout": (0.0, 0.5)}, trials=12, vectorize=True).wait(
        SOON
    )
    assert [trial.state for trial in found.trials] == ["done"] * 12
    for trial in found.trials[::3]:
        run = alone(trial.settings, small)
        for name in ("loss", "valid_loss"):
            assert np.allclose(trial.history[name], run.history[name], rtol=1e-4), trial
            assert trial.history.steps(name).tolist() == run.history.steps(name).tolist()
        assert trial.steps == run.steps
    best = min(found.trials, key=lambda trial: trial.value)
    assert found.best is best and found.study.best_value == best.value


def test_the_best_of_all_at_once_is_an_ordinary_model(begin):
    found = begin(small, LR, trials=6, vectorize=True).wait(SOON)
    model = found.best_model()
    assert type(model) is nn.Sequential and not model.training
    x, y = TASK.valid.tensors
    with torch.no_grad():
        assert nn.functional.cross_entropy(model(x), y).item() == pytest.approx(found.best.value, rel=1e-4)


def test_all_at_once_can_be_watched_paused_and_ended_while_they_train(begin):
    found = begin(lambda lr: small(lr, epochs=10**6), LR, trials=8, vectorize=True)
    until(lambda: found.together is not None and found.together.steps > 20)
    assert len(found.trials[3].history["loss"]) > 20 and found.trials[3].state == "running"
    found.trials[2].stop()
    at = found.trials[2].steps
    found.pause()
    until(lambda: found.together.state == "paused")
    held = found.together.steps
    assert found.trials[0].state == "paused" and found.trials[2].state == "stopped"
    time.sleep(0.2)
    assert found.together.steps == held
    found.resume()
    until(lambda: found.together.steps > held + 20)
    assert found.trials[2].steps == at == len(found.trials[2].history["loss"])
    found.stop()
    assert found.state == "stopped" and {trial.state for trial in found.trials} == {"stopped"}


def test_a_setting_can_be_forked_into_a_run_of_its_own(begin):
    found = begin(small, LR, trials=4, vectorize=True).wait(SOON)
    trial = found.trials[1]
    fork = trial.fork(lr=1e-3)
    weights = trial.model().state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in fork.model.state_dict().items())
    assert fork.state == "paused" and fork.steps == 0 and fork.knobs["lr"] == 1e-3
    fork.resume()
    assert fork.wait(SOON).history["loss"][:5].mean() < trial.history["loss"][:5].mean()
    with pytest.raises(RuntimeError, match="trial.fork"):
        trial.promote()


def test_another_run_gets_its_turns_beside_all_at_once(begin):
    found = begin(lambda lr: small(lr, epochs=10**6), LR, trials=64, vectorize=True)
    beside = alone({"lr": 0.01}, make)
    assert beside.state == "done" and np.array_equal(beside.history["loss"], alone({"lr": 0.01}, make).history["loss"])
    assert found.state == "running"


def test_what_cannot_train_at_once_is_refused_in_words(begin):
    with pytest.raises(CannotStack, match="out_features=16.*Leave vectorize out"):
        begin(lambda width: make(width=width), {"width": [8, 16]}, trials=2, vectorize=True).wait(SOON)
    with pytest.raises(CannotStack, match="LeNet"):
        begin(lambda lr: dl.fit(dl.vision.LeNet(), dl.vision.digits(), lr=lr), LR, trials=2, vectorize=True).wait(SOON)
    with pytest.raises(ValueError, match="mine"):
        begin(_raises, LR, trials=2, vectorize=True).wait(SOON)


def _raises(lr):
    raise ValueError("a mistake of mine")


def test_settings_that_diverge_fail_and_the_others_are_as_if_they_were_not_there(begin):
    found = begin(lambda lr: small(lr, optimizer="sgd"), {"lr": [0.01, 1e37, 0.1]}, trials=3, vectorize=True).wait(SOON)
    by_rate = {trial.settings["lr"]: trial for trial in found.trials}
    assert by_rate[1e37].state == "failed" and "too high" in by_rate[1e37].error
    alone_again = begin(lambda lr: small(lr, optimizer="sgd"), {"lr": [0.01]}, trials=1, vectorize=True).wait(SOON)
    assert np.allclose(by_rate[0.01].history["loss"], alone_again.trials[0].history["loss"], rtol=1e-5)


def test_its_text_is_the_same_each_time(begin):
    found = begin(make, LR, trials=1).wait(SOON)
    assert repr(found) == "Sweep(valid_loss, minimize: done, 1 of 1 trials ended)"
    assert repr(found.trials[0]).startswith("Trial(0: lr=") and isinstance(found, Sweep)


def test_data_of_a_loader_is_read_by_each_trial_for_itself(begin):
    x, y = TASK.valid.tensors
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=20, shuffle=True)
    task = dl.Task.from_loaders(loader, loader, loss=nn.functional.cross_entropy)

    def of_loader(lr, start=True):
        return dl.fit(network(), task, lr=lr, epochs=2, threads=1, start=start)

    found = begin(of_loader, LR, trials=3, at_once=3).wait(SOON)
    for trial in found.trials:
        assert np.array_equal(trial.history["loss"], alone(trial.settings, of_loader).history["loss"])


def test_a_task_without_validation_is_judged_by_its_loss(begin):
    task = dl.Task("bare", TensorBatches(*TASK.valid.tensors, size=20))
    found = begin(
        lambda lr: dl.fit(network(), task, lr=lr, epochs=2, threads=1), LR, trials=2, goal=("loss", "minimize")
    )
    assert all(math.isfinite(trial.value) for trial in found.wait(SOON).trials)
