"""What a learner's own model, data and habits do to the engine."""

import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.diagnose import TrainingError
from dlnb.train.engine import ENGINE

from .conftest import network, quadrants

SOON = 20  # seconds


def shuffled(examples: int = 40, size: int = 4, workers: int = 0) -> torch.utils.data.DataLoader:
    """Pairs (k, k mod 2) in an order of the loader's own."""
    x = torch.arange(examples).float()[:, None].expand(-1, 2).contiguous()
    data = torch.utils.data.TensorDataset(x, torch.arange(examples) % 2)
    return torch.utils.data.DataLoader(data, batch_size=size, shuffle=True, num_workers=workers)


def mean_squares(output, target):
    """A loss on outputs of any kind that is never the same twice."""
    return (F.mse_loss(output, target.float()[:, None].expand_as(output))).mean()


# Errors in odd places never leave anybody waiting.


@pytest.mark.parametrize("error", [SystemExit("leave"), KeyboardInterrupt("odd"), StopIteration("end"), MemoryError()])
def test_whatever_a_model_raises_fails_the_run_and_the_engine_lives_on(task, error):
    class Leaves(nn.Linear):
        def forward(self, x):
            if self.training:
                raise error
            return super().forward(x)

    run = dl.fit(Leaves(2, 2), task)
    with pytest.raises(type(error)):
        run.wait(timeout=SOON)
    assert run.state == "failed"
    assert dl.fit(network(), task, epochs=1).wait(timeout=SOON).state == "done"


def test_the_traceback_stays_as_it_was_however_often_one_waits(task):
    class Breaks(nn.Linear):
        def forward(self, x):
            return super().forward(x) if not self.training else 1 / 0

    run = dl.fit(Breaks(2, 2), task)
    with pytest.raises(ZeroDivisionError):
        run.wait(timeout=SOON)
    first = run.traceback
    with pytest.raises(ZeroDivisionError):
        run.wait(timeout=SOON)
    assert run.traceback == first and "in forward" in first and "in wait" not in first


def test_a_question_that_leaves_is_answered_with_its_error(model, task):
    run = dl.fit(model, task, epochs=10_000)

    def leave(model):
        sys.exit("no")

    with pytest.raises(SystemExit):
        run.ask(leave).result(timeout=SOON)
    assert run.state == "running"
    run.stop()


def test_a_question_asked_by_a_listener_that_fails_gives_a_future_with_the_error(model, task):
    seen = []
    run = dl.fit(model, task, epochs=10_000)
    run.on_change.append(lambda run: seen or seen.append(run.ask(lambda model: 1 / 0)))
    run.set(lr=0.1)
    assert isinstance(seen[0].exception(timeout=SOON), ZeroDivisionError)
    run.stop()


def test_an_interrupt_while_seeded_waits_for_the_engine_leaves_the_engine_free(task, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ENGINE._changed, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt), dl.seeded(0):
        pass
    monkeypatch.undo()
    assert not ENGINE.is_held_here
    run = dl.fit(network(), task, epochs=1)
    assert run.wait(timeout=SOON).state == "done"


@pytest.mark.parametrize("wrong", [{"threads": -1}, {"threads": "two"}, {"epochs": float("inf")}, {"epochs": None}, {"epochs": "3"}])
def test_numbers_that_are_none_are_refused_in_words(task, wrong):
    with pytest.raises(ValueError, match="must be a whole number, 1 or more"):
        dl.fit(network(), task, **wrong)


@pytest.mark.parametrize("epochs", [float("nan"), float("inf"), "many", [3], None, True, 2.5])
def test_epochs_that_are_no_number_are_refused_in_words(model, task, epochs):
    run = dl.fit(model, task, epochs=10_000)
    with pytest.raises(ValueError, match="epochs must be a whole number"):
        run.set(epochs=epochs)
    assert run.epochs == 10_000
    run.stop()


def test_an_optimiser_that_needs_a_closure_is_refused_before_it_trains(task):
    with pytest.raises(ValueError, match="another optimiser"):
        dl.fit(network(), task, optimizer="lbfgs")


# Data of every kind.


def test_a_loader_that_ends_before_its_length_says_so_each_time():
    class Boasts(list):
        def __len__(self):
            return 10

    batches = Boasts([(torch.randn(4, 2), torch.zeros(4, dtype=torch.long))] * 3)
    run = dl.fit(network(), dl.Task.from_loaders(batches, loss=F.cross_entropy))
    with pytest.raises(ValueError, match="says it has 10 batches but ended after 3"):
        run.wait()
    run.resume()
    with pytest.raises(ValueError, match="says it has 10 batches but ended after 3"):
        run.wait()
    with pytest.raises(ValueError, match="ended after 3"):
        dl.task.LoaderBatches(batches).batch(0, 0, 7)


def test_a_loader_gives_each_example_once_an_epoch_also_when_it_is_read_in_between():
    batches = dl.task.LoaderBatches(shuffled())
    straight = [batches.batch(3, 1, position)[0] for position in range(10)]
    jumping = []
    for position in range(10):
        torch.manual_seed(position)  # as the engine does before each step
        jumping.append(batches.batch(3, 1, position)[0])
        batches.batch(0, 0, 2)
    assert torch.equal(torch.cat(straight), torch.cat(jumping))
    assert torch.cat(straight)[:, 0].sort().values.tolist() == list(range(40))
    assert not torch.equal(batches.batch(3, 2, 0)[0], straight[0])


def test_two_runs_on_one_loader_see_what_each_would_see_alone():
    task = dl.Task.from_loaders(shuffled(), loss=mean_squares)
    alone = [dl.fit(network(seed=k), task, seed=k, epochs=3, block=True) for k in (1, 2)]
    both = [dl.fit(network(seed=k), task, seed=k, epochs=3) for k in (1, 2)]
    for run, other in zip(both, alone, strict=True):
        assert np.array_equal(run.wait().history["loss"], other.history["loss"])


def test_evaluating_the_training_split_in_the_middle_of_an_epoch_changes_nothing():
    straight = dl.fit(network(), dl.Task.from_loaders(shuffled(), loss=mean_squares), epochs=3, block=True)
    run = dl.fit(network(), dl.Task.from_loaders(shuffled(), loss=mean_squares), epochs=3)
    run.pause()
    while run.state != "done":
        run.evaluate("train")
        run.step(7) if run.total_steps - run.steps > 7 else run.resume() and run.wait()
    assert np.array_equal(run.history["loss"], straight.history["loss"])


def test_after_an_error_in_the_data_the_same_batch_is_tried_again():
    class Flaky(torch.utils.data.Dataset):
        broken = True

        def __len__(self):
            return 8

        def __getitem__(self, k):
            if k == 5 and self.broken:
                raise OSError("the disk is away")
            return torch.full((2,), float(k)), k % 2

    data = Flaky()
    seen = []
    task = dl.Task.from_loaders(torch.utils.data.DataLoader(data), loss=lambda o, y: seen.append(1) or F.cross_entropy(o, y))
    run = dl.fit(nn.Linear(2, 2), task, epochs=1)
    with pytest.raises(OSError, match="the disk is away"):
        run.wait()
    assert run.steps == 5
    data.broken = False
    run.resume()
    assert run.wait().steps == 8


def test_loader_workers_start_and_end_while_the_engine_runs():
    task = dl.Task.from_loaders(shuffled(workers=2), loss=mean_squares)
    other = dl.fit(network(), quadrants(), epochs=10_000)
    run = dl.fit(network(), task, epochs=2)
    assert run.wait(timeout=120).steps == 20
    assert other.state == "running"
    other.stop()


def test_inputs_in_a_dictionary_are_passed_on_whole():
    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, fields, scale=1.0):
            return self.layer(fields["x"]) * scale

    batch = ({"x": torch.randn(6, 2)}, torch.zeros(6, dtype=torch.long))
    task = dl.Task.from_loaders([batch] * 3, [batch], loss=F.cross_entropy, metrics={"accuracy": dl.accuracy})
    assert dl.fit(Reads(), task, epochs=1, block=True).history["valid_accuracy"].shape == (2,)


def test_outputs_in_a_tuple_or_dictionary_reach_the_metric_joined(task):
    class Says(nn.Linear):
        def forward(self, x):
            return {"logits": super().forward(x), "pair": (x, x)}

    task.loss = lambda output, target: F.cross_entropy(output["logits"], target)
    task.metrics = {"seen": lambda outputs, targets: len(outputs["pair"][1]) + len(outputs["logits"]) + len(targets)}
    assert dl.fit(Says(2, 2), task, epochs=1, block=True).evaluate("test")["seen"] == 600


def test_outputs_that_cannot_be_joined_are_explained(task):
    ragged = [(torch.randn(4, n, 2), torch.zeros(4, n, dtype=torch.long)) for n in (3, 5)]
    task = dl.Task.from_loaders(
        ragged, ragged, loss=lambda o, y: F.cross_entropy(o.transpose(1, 2), y), metrics={"any": lambda o, y: 0}
    )
    run = dl.fit(nn.Linear(2, 2), task)
    with pytest.raises(TrainingError, match="cannot be joined for the metrics.*Pad them"):
        run.wait()


def test_the_loss_of_a_split_is_the_mean_over_examples_also_where_the_target_is_no_tensor():
    x = torch.arange(3.0)[:, None]
    batches = [(x[:2], {"y": torch.zeros(2)}), (x[2:], {"y": torch.zeros(1)})]
    task = dl.Task.from_loaders(batches, batches, loss=lambda o, y: (o[:, 0] - y["y"]).mean())
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    run = dl.fit(model, task, lr=0.0, epochs=1, block=True)
    assert run.evaluate("valid")["loss"] == pytest.approx(1.0)


def test_a_label_that_the_loss_leaves_out_is_not_refused():
    labels = torch.tensor([0, 1, 255, 1] * 8)
    data = TensorBatches(torch.randn(32, 2), labels, size=8)
    for loss in (nn.CrossEntropyLoss(ignore_index=255), lambda o, y: F.cross_entropy(o, y, ignore_index=255)):
        assert dl.fit(network(), dl.Task("holes", data, loss=loss), epochs=1, block=True).state == "done"
    with pytest.raises(ValueError, match="labels run from 0 to 255"):
        dl.fit(network(), dl.Task("holes", data))


def test_float_targets_and_bfloat16_and_frozen_layers_train():
    x = torch.randn(32, 2)
    task = dl.Task("line", TensorBatches(x.bfloat16(), x[:, :1].bfloat16(), size=8), loss=F.mse_loss)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).bfloat16()
    model[0].requires_grad_(False)
    frozen = model[0].weight.clone()
    run = dl.fit(model, task, lr=0.05, epochs=30, block=True)
    assert run.history["loss"][-4:].mean() < run.history["loss"][:4].mean()
    assert torch.equal(model[0].weight, frozen) and not model[0].weight.requires_grad


def test_a_loss_below_zero_can_be_seen_on_the_plot(task):
    task.loss = lambda output, target: F.cross_entropy(output, target) - 10
    axis = dl.fit(network(), task, epochs=1, block=True).plot().axes[0]
    assert axis.get_ylim()[0] < -9


# Time, threads and memory.


def test_a_setting_right_after_fit_loses_nothing_of_the_start(task):
    for _ in range(10):
        run = dl.fit(network(), task, lr=0.01, epochs=1)
        run.set(lr=0.02)
        run.wait()
        assert run.history["lr"].tolist() == [0.01, 0.02]
        assert run.history.steps("valid_loss").tolist() == [0, 20]


def test_a_slow_look_at_the_validation_split_leaves_rate_and_time_plausible(task):
    def slow(outputs, targets):
        time.sleep(0.6)
        return 0.0

    task.metrics = {"slow": slow}
    run = dl.fit(network(), task, epochs=10_000, validate_every=10_000)
    moments = []
    run.on_change.append(lambda run: moments.append((run.rate, run.seconds_left)))
    run.evaluate("valid")
    time.sleep(0.3)
    run.stop()
    assert moments and all(rate != 0 for rate, _ in moments)


def test_the_table_can_be_made_while_the_run_goes_on(model, task):
    run = dl.fit(model, task, epochs=100_000)
    while "loss" not in run.history:
        time.sleep(0.001)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert run.history.frame()["loss"].iloc[1:].notna().all()
        run.plot()
    run.stop()


def test_a_finished_run_that_nobody_holds_is_forgotten(task):
    run = dl.fit(network(), task, epochs=1, block=True)
    gone = weakref.ref(run.model)
    other = dl.fit(network(), task, epochs=10_000)
    del run
    other.stop()
    time.sleep(0.1)
    gc.collect()
    assert gone() is None


def test_twenty_runs_at_once_all_arrive(task):
    before = threading.active_count()
    runs = [dl.fit(network(seed=k), task, epochs=2, seed=k) for k in range(20)]
    assert all(run.wait(timeout=60).steps == 40 for run in runs)
    assert threading.active_count() <= before + 1
