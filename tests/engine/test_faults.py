"""Bad input gets a clear error, and nothing is lost."""

import re
import subprocess
import sys
import textwrap

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.diagnose import TrainingError
from dlnb.train.loop import Loop

from .conftest import network, quadrants


def points(labels: torch.Tensor, **kwargs) -> dl.Task:
    return dl.Task("points", TensorBatches(torch.randn(len(labels), 2), labels, size=8), **kwargs)


def test_an_empty_loader():
    with pytest.raises(ValueError, match="the train split of 'my data' has no batches"):
        dl.Task.from_loaders([], loss=F.cross_entropy)
    with pytest.raises(ValueError, match="no examples"):
        TensorBatches(torch.zeros(0, 2), torch.zeros(0), size=4)


def test_a_loader_that_can_be_read_only_once():
    with pytest.raises(TypeError, match="read only once"):
        dl.Task.from_loaders(iter([1]), loss=F.cross_entropy)


def test_a_loader_without_a_length():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield from ()

    with pytest.raises(TypeError, match="no length"):
        dl.Task.from_loaders(iter_only(Stream()), loss=F.cross_entropy)


class iter_only:
    def __init__(self, data):
        self.data = data

    def __iter__(self):
        return iter(self.data)


def test_a_loader_whose_batches_have_no_target():
    task = dl.Task.from_loaders([torch.zeros(4, 2)], loss=F.cross_entropy)
    with pytest.raises(TypeError, match="inputs first, the target last"):
        dl.fit(network(), task)


def test_labels_out_of_range_are_named_with_a_remedy():
    with pytest.raises(
        ValueError, match=re.escape("labels run from 1 to 2 but the model has 2 classes (0 to 1). Subtract 1.")
    ):
        dl.fit(network(), points(torch.tensor([1, 2] * 20)))


def test_a_wrong_label_deep_in_a_loader_fails_the_run_with_the_same_words():
    good, bad = (torch.randn(4, 2), torch.zeros(4, dtype=torch.long)), (torch.randn(4, 2), torch.full((4,), 7))
    run = dl.fit(network(), dl.Task.from_loaders([good, good, bad], loss=F.cross_entropy))
    with pytest.raises(ValueError, match="labels run from 7 to 7 but the model has 2 classes"):
        run.wait()
    assert run.state == "failed" and run.steps == 2


def test_a_wrong_input_shape_names_the_shapes(task):
    with pytest.raises(ValueError, match=r"Linear does not take the task's inputs of shape \(2, 2\)"):
        dl.fit(nn.Linear(5, 2), task)


def test_a_model_without_parameters(task):
    with pytest.raises(ValueError, match="no parameters"):
        dl.fit(nn.ReLU(), task)
    frozen = network().requires_grad_(False)
    with pytest.raises(ValueError, match="frozen"):
        dl.fit(frozen, task)


def test_a_class_instead_of_a_model(task):
    with pytest.raises(TypeError, match=r"LeNet\(\) instead of LeNet"):
        dl.fit(nn.Linear, task)


def test_a_loss_that_is_not_one_number(task):
    task.loss = lambda output, target: F.cross_entropy(output, target, reduction="none")
    with pytest.raises(ValueError, match="Take the mean"):
        dl.fit(network(), task)


def test_the_optimiser_of_another_model(task):
    with pytest.raises(ValueError, match="another model"):
        dl.fit(network(), task, optimizer=torch.optim.SGD(network().parameters(), lr=0.1))


@pytest.mark.parametrize(
    "wrong", [{"optimizer": "adamm"}, {"lr": -1.0}, {"epochs": 0}, {"schedule": "cosin"}, {"validate_every": 0}]
)
def test_settings_that_do_not_exist(task, wrong):
    with pytest.raises(ValueError):
        dl.fit(network(), task, **wrong)


def test_a_nan_loss_stops_before_the_weights_are_spoiled_and_the_run_can_go_on():
    x, y = torch.randn(40, 2), torch.zeros(40, dtype=torch.long)
    x[25] = torch.nan
    task = dl.Task("holes", TensorBatches(x, y, size=8))
    model = network()
    run = dl.fit(model, task, epochs=2)
    with pytest.raises(TrainingError, match="became NaN at step 4.*as after step 3"):
        run.wait()
    assert run.state == "failed" and run.steps == 3 == len(run.history["loss"])
    assert all(tensor.isfinite().all() for tensor in (*model.parameters(), *model.buffers()))
    x[25] = 0
    run.resume()
    assert run.wait().state == "done" and run.error is None


def test_a_nan_gradient_of_a_finite_loss_is_kept_out_of_the_weights(task):
    """The loss is 0 and its gradient NaN: the root's slope at 0 is infinite."""
    task.loss = lambda output, target: (output * 0).square().sum().sqrt()
    model = network()
    run = dl.fit(model, task, epochs=2)
    with pytest.raises(
        TrainingError, match="gradient became NaN or infinite at step 1.*comes from the loss.*as after step 0"
    ):
        run.wait()
    assert run.steps == 0 and all(parameter.isfinite().all() for parameter in model.parameters())


class Branched(nn.Module):
    """Its side branch has a gradient that is NaN whenever `bad` says so, which the first layer never feels."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.side, self.norm = nn.Linear(2, 3), nn.Linear(2, 3), nn.BatchNorm1d(3)

    def forward(self, x):
        zero = 0.0 if self.training and x[:, 0].max() > 1.5 else 1.0
        return self.norm(self.first(x)) + (self.side(x) * zero).square().sum(1, keepdim=True).sqrt()


def branched() -> dl.Run:
    """A run whose seventh step spoils its weights."""
    with dl.seeded(0):
        x = torch.rand(80, 2)
        x[52, 0] = 2.0  # in the seventh batch
        torch.manual_seed(1)
        task = dl.Task("branches", TensorBatches(x, torch.randint(3, (80,)), size=8))
        return dl.fit(Branched(), task, epochs=2, lr=0.1, start=False)


@pytest.mark.parametrize("losses_are_read_late", [False, True])
def test_weights_that_a_nan_has_got_into_are_made_again_as_they_were_before_it(losses_are_read_late):
    run, alone = branched(), branched()
    run._loop._on_cpu = not losses_are_read_late  # as on another device
    run.start()
    with pytest.raises(TrainingError, match="gradient became NaN or infinite at step 7.*as after step 6"):
        run.wait()
    assert run.steps == 6 and run.error.culprit.what == "gradient"
    alone.step(6)
    for mine, other in zip(run.model.state_dict().values(), alone.model.state_dict().values(), strict=True):
        assert torch.equal(mine, other)
    run.seek(3)
    run.set(lr=0.01)
    run.step(2)
    assert run.steps == 5


def test_where_the_steps_cannot_be_made_again_it_says_at_which_step_the_run_is():
    run = branched()
    run._loop._on_cpu = False
    next_batch = run._loop._next_batch

    def gone():
        if run._loop.is_wary:
            raise OSError("the data is gone")
        return next_batch()

    run._loop._next_batch = gone
    run.start()
    with pytest.raises(
        TrainingError, match=r"could not be made again \(OSError: the data is gone\): the run is at step (\d+)\."
    ) as raised:
        run.wait()
    assert f"the run is at step {run.steps}." in str(raised.value)
    assert all(parameter.isfinite().all() for parameter in run.model.parameters())


def test_an_error_in_the_worker_reaches_the_learner_with_its_traceback(task):
    class Breaks(nn.Linear):
        def forward(self, x):
            if self.training:
                raise RuntimeError("the learner's own mistake")
            return super().forward(x)

    run = dl.fit(Breaks(2, 2), task)
    with pytest.raises(RuntimeError, match="the learner's own mistake"):
        run.wait()
    assert "in forward" in run.traceback and "test_faults.py" in run.traceback


def test_a_metric_that_raises_says_which_and_training_can_go_on(task):
    def f1(outputs, targets):
        raise ZeroDivisionError("no positives")

    task.metrics = {"f1": f1}
    run = dl.fit(network(), task, epochs=2)
    with pytest.raises(TrainingError, match="metric 'f1' raised ZeroDivisionError on the valid split"):
        run.wait()
    task.metrics = {}
    run.resume()
    assert run.wait().steps == 40


def test_stop_works_also_where_the_metric_raises(task):
    run = dl.fit(network(), task, epochs=10_000)
    task.metrics = {"bad": lambda outputs, targets: 1 / 0}
    run.stop()
    assert run.state == "done"


def test_a_failed_run_can_be_stopped_and_leaves_the_model_in_eval_mode(task):
    task.metrics = {"bad": lambda outputs, targets: 1 / 0}
    model = network()
    run = dl.fit(model, task)
    with pytest.raises(TrainingError):
        run.wait()
    run.stop()
    assert run.wait().state == "done" and not model.training


def test_starting_a_run_twice_is_refused(task):
    run = dl.fit(network(), task, epochs=10_000)
    with pytest.raises(RuntimeError, match="started before"):
        run.start()
    run.stop()


def test_two_runs_on_one_model_are_refused_until_the_first_ends(task):
    model = network()
    run = dl.fit(model, task, epochs=10_000)
    with pytest.raises(RuntimeError, match=r"being trained by another run.*dl.run_of\(model\).stop\(\)"):
        dl.fit(model, task)
    assert dl.run_of(model) is run
    dl.run_of(model).stop()
    assert dl.fit(model, task, epochs=1, block=True).state == "done"


def test_unknown_splits_and_commands(task):
    run = dl.fit(network(), task, epochs=1, block=True)
    with pytest.raises(ValueError, match="'train', 'valid' and 'test'"):
        run.evaluate("tset")
    with pytest.raises(ValueError, match="no command"):
        run.request("explode")
    with pytest.raises(KeyError, match="no column 'los'"):
        run.history["los"]


def test_a_listener_that_raises_fails_no_run(task):
    run = dl.fit(network(), task, epochs=200)
    run.on_change.append(lambda run: 1 / 0)
    assert run.wait(timeout=20).state == "done"
    other = dl.fit(network(), task, epochs=1)
    assert other.wait(timeout=20).state == "done"


def test_losses_left_on_a_device_are_recorded_and_checked_too(monkeypatch):
    """As on a GPU, where a loss is read only at the end of a turn."""

    def leave(loop, loss, *_):
        loop._late.append((loop.steps + 1, loss.detach()))

    monkeypatch.setattr(Loop, "_read_loss", leave)
    run = dl.fit(network(), quadrants(), epochs=2, block=True)
    assert run.history.steps("loss").tolist() == list(range(1, 41))
    task = quadrants()
    task.train.tensors[0][100] = torch.nan
    with pytest.raises(TrainingError, match="became NaN at step"):
        dl.fit(network(), task, epochs=2, block=True)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_the_interpreter_ends_cleanly_while_a_run_is_alive(state):
    code = f"""
        import torch, dlnb as dl
        from dlnb.data.batches import TensorBatches
        data = TensorBatches(torch.randn(100, 2), torch.zeros(100, dtype=torch.long), size=10)
        run = dl.fit(torch.nn.Linear(2, 2), dl.Task("zeros", data), epochs=10**6)
        if {state == "paused"}: run.pause()
        print("end")
    """
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
