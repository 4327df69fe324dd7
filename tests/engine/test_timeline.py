"""Going back and forth on the timeline, forks, and everything done on the way: the same numbers, to the bit."""

import gc
import time
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl

from .conftest import network, quadrants

SOON = 30  # seconds


def losses(run: dl.Run) -> list[float]:
    return run.history["loss"].tolist() if "loss" in run.history else []


def trained(steps: int = 100, **arguments) -> dl.Run:
    run = dl.fit(network(0.3), quadrants(noise=0.1), epochs=10_000, start=False, **arguments)
    run.step(steps)
    return run


def weights(run: dl.Run) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in run.model.state_dict().values()]


def equal(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("step", [0, 1, 37, 99, 100])
def test_seek_brings_back_everything_and_going_on_gives_the_same_losses(step):
    run = trained()
    first, end = losses(run), weights(run)
    assert run.seek(step) == step == run.steps
    assert run.state == "paused" and losses(run) == first[:step]
    run.step(100 - step) if step < 100 else None
    assert losses(run) == first and equal(weights(run), end) and run.exact


def test_several_seeks_in_a_row_forth_and_back():
    run = trained()
    first = losses(run)
    for step in (50, 80, 20, 20, 0, 99, 3):
        run.seek(step)
        assert losses(run) == first[:step] and run.steps == step
    run.step(150)
    assert losses(run)[:100] == first and run.steps == 153 and run.exact


def test_seek_while_it_trains_pauses_there():
    run = dl.fit(network(), quadrants(), epochs=10_000)
    while run.steps < 50:
        time.sleep(0.001)
    assert run.seek(10) == 10 and run.state == "paused" and run.steps == 10
    run.resume()
    while run.steps < 60:
        time.sleep(0.001)
    run.stop()
    assert run.exact and len(run.history["loss"]) == run.steps


def test_what_was_done_later_is_done_again():
    run = trained(30)
    run.set(lr=0.05, dropout=0.6)
    run.step(30)
    run.freeze("0")
    run.step(40)
    first, marks = losses(run), [(m.step, m.text) for m in run.history.marks]
    run.seek(30)
    assert run.knobs["lr"] == 1e-3 and run.history.marks == []
    run.seek(31)
    assert run.knobs["lr"] == 0.05
    run.seek(10)
    run.step(90)
    assert losses(run) == first and run.exact and run.frozen == ["0"]
    assert [(m.step, m.text) for m in run.history.marks] == marks
    assert run.history["lr"].tolist() == [1e-3, 0.05]


def test_a_change_on_the_way_begins_a_new_line_and_the_old_one_can_be_gone_back_to():
    run = trained(100)
    main, first = run.line, losses(run)
    run.seek(40)
    run.set(lr=0.5)
    run.step(30)
    other = losses(run)
    assert run.line is not main and run.line.parent is main and run.line.start == 40 and run.timeline.lines == [main, run.line]
    assert other[:40] == first[:40] and other[40:] != first[40:70]
    assert main.history["loss"].tolist() == first and main.end == 100
    second = run.line
    run.seek(70, line=main)
    assert losses(run) == first[:70] and run.knobs["lr"] == 1e-3 and run.line is main
    run.step(30)
    assert losses(run) == first and run.exact
    run.seek(70, line=second)
    assert losses(run) == other
    run.seek(20, line=second)
    run.step(50)
    assert losses(run) == other and run.exact


def test_a_fork_goes_its_own_way_and_its_parent_is_left_alone():
    run = trained(60)
    alone = trained(160)
    fork = run.fork(lr=0.05)
    assert fork.state == "paused" and fork.steps == 60 and losses(fork) == losses(run) and fork.knobs["lr"] == 0.05
    assert fork.model is not run.model and dl.run_of(fork.model) is fork
    fork.resume(), run.resume()
    while min(fork.steps, run.steps) < 160:
        time.sleep(0.001)
    fork.pause(), run.pause()
    assert losses(run)[:160] == losses(alone)
    again = trained(60)
    again.set(lr=0.05)
    again.step(100)
    assert losses(fork)[:160] == losses(again)
    fork.seek(30)
    assert losses(fork) == losses(alone)[:30] and fork.knobs["lr"] == 1e-3
    fork.step(130)
    assert losses(fork) == losses(again) and fork.exact


def test_a_fork_can_be_adopted():
    run = trained(50)
    before = losses(run)
    fork = run.fork(lr=0.02)
    fork.step(25)
    expected, model = losses(fork), run.model
    assert run.adopt(fork) == 75 and run.model is model and losses(run) == expected and fork.state == "done"
    assert equal(weights(run), weights(fork)) and run.knobs["lr"] == 0.02
    run.step(5)
    run.seek(10)
    run.step(70)
    assert losses(run)[:75] == expected and run.exact
    run.seek(50, line=run.timeline.lines[0])
    assert losses(run) == before and run.line.end == 50


def test_undo_turns_back_and_rewinding_forgets():
    run = trained(20, lr=0.01)
    straight = losses(trained(60, lr=0.01))
    run.set(lr=0.3)
    run.step(10)
    run.undo()
    assert run.knobs["lr"] == 0.01 and run.steps == 30
    with pytest.raises(RuntimeError, match="nothing was done"):
        run.undo()
    run.set(lr=0.3, dropout=0.1)
    run.step(10)
    assert run.undo(rewind=True) == 30 == run.steps
    assert run.knobs["lr"] == 0.01
    run.step(5)
    assert len(losses(run)) == 35
    fresh = trained(20, lr=0.01)
    fresh.set(lr=0.3)
    fresh.step(10)
    assert fresh.undo(rewind=True) == 20
    fresh.step(40)
    assert losses(fresh) == straight and fresh.line.parent is not None


def test_the_journal_as_a_script_gives_the_same_numbers():
    run = trained(10, optimizer="sgd", lr=0.1, schedule="cosine", clip=1.0)
    run.set(lr_scale=0.5)
    run.step(15)
    run.set(schedule="hold")
    run.step(5)
    run.freeze("0")
    run.set(momentum=0.9, batch_size=64)
    run.step(20)
    run.unfreeze("0")
    run.set(clip=None, schedule="cosine")
    run.step(7)
    names: dict = {}
    exec(run.journal.python(), names)
    again = names["train"](network(0.3), quadrants(noise=0.1))
    assert losses(again) == losses(run) and again.steps == 57
    assert equal(weights(again), weights(run))
    run.seek(3)
    run.step(54)
    assert run.exact and losses(run) == losses(again)


def test_batch_size_changes_in_the_middle_of_an_epoch_and_every_example_is_seen_once():
    seen = []

    class Sees(nn.Linear):
        def forward(self, x):
            seen.extend(x[:, 0].tolist())
            return super().forward(x)

    task = quadrants(640, size=32)
    task.valid = None
    run = dl.fit(Sees(2, 2), task, epochs=1, start=False)
    seen.clear()
    run.step(4)
    run.set(batch_size=100)
    assert run.total_steps == 4 + 6
    run.resume()
    run.wait()
    assert len(seen) == len(set(seen)) == 640 and run.steps == 10


@pytest.mark.parametrize("wrong", [-1, 101, 10**12, 2.5, "3", None, True])
def test_a_step_that_is_not_there_is_refused_and_the_run_goes_on(wrong):
    run = trained()
    with pytest.raises(ValueError, match="steps 0 to 100"):
        run.seek(wrong)
    run.step(1)
    assert run.steps == 101


def test_a_knob_that_is_not_there_is_refused_with_the_nearest_names():
    run = trained(1)
    with pytest.raises(ValueError, match="did you mean 'weight_decay'"):
        run.set(wieght_decay=0.1)
    with pytest.raises(ValueError, match="did you mean"):
        run.set(droput=0.1)
    for wrong in ({"lr": -1}, {"dropout": 1.5}, {"batch_size": 0}, {"batch_size": 10_000}, {"clip": 0}, {"beta1": 1.0}, {"lr": "x"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            run.set(**wrong)
    with pytest.raises(ValueError, match="no schedule"):
        run.set(schedule="hold")
    assert run.journal.events == []


def test_a_layer_that_is_not_there_cannot_be_frozen():
    run = trained(1)
    with pytest.raises(ValueError, match="no layer 'fc'"):
        run.freeze("fc")
    with pytest.raises(ValueError, match="no parameters"):
        run.freeze("2")
    run.freeze("0"), run.freeze("1")
    with pytest.raises(ValueError, match="nothing in the model"):
        run.freeze("4")


def test_a_frozen_layer_stays_as_it_is():
    run = trained(5)
    run.freeze("0")
    before = run.model[0].weight.clone()
    run.step(20)
    assert torch.equal(run.model[0].weight, before)
    run.unfreeze("0")
    run.step(2)
    assert not torch.equal(run.model[0].weight, before)


def test_a_knob_of_ones_own_is_read_by_the_loss_also_in_a_fork():
    task = quadrants()
    task.loss = lambda output, target: F.cross_entropy(output, target) * run.knob("weight", 1.0, 0, 10)
    run = None

    class Later:
        def knob(self, name, value, low, high):
            return value

    run = Later()
    run = dl.fit(network(), task, epochs=10_000, start=False)
    run.step(10)
    assert run.knobs["weight"] == 1.0 and run.controls()[-1].high == 10
    fork = run.fork(weight=0.0)
    fork.step(1)
    run.step(1)
    assert losses(fork)[-1] == 0.0 and losses(run)[-1] > 0
    with pytest.raises(ValueError, match="from 0 to 10"):
        run.set(weight=11)


def test_what_if_looks_ahead_and_leaves_the_run_as_it_was():
    run, alone = trained(40), trained(140)
    before = weights(run)
    seen = run.what_if(lr=[1e-4, 1e-3, 1e30], steps=50)
    assert equal(weights(run), before) and run.steps == 40 and run.journal.events == []
    assert seen.losses.shape == (3, 50) and seen.steps[0] == 41
    assert seen.losses[1].tolist() == losses(alone)[40:90]
    assert np.isnan(seen.losses[2]).any() or seen.losses[2].max() > seen.losses[1].max()
    assert seen.best != {"lr": 1e30}
    run.step(100)
    assert losses(run) == losses(alone)
    with pytest.raises(ValueError, match="one length"):
        run.what_if(lr=[1, 2], dropout=[0.1])
    with pytest.raises(ValueError, match="no knob"):
        run.what_if(learning=[1])


def test_marks_are_kept():
    run = trained(10)
    assert run.mark("look here") == 10
    assert 10 in run.timeline.snapshots(run.line)
    assert [m.text for m in run.history.marks] == ["look here"]


def test_an_edit_by_hand_is_made_again():
    run = trained(20)
    run.edit(lambda model: model[4].reset_parameters(), "4 anew")
    run.step(20)
    first = losses(run)
    run.seek(5)
    run.step(35)
    assert losses(run) == first and run.exact
    assert "run.edit(edit, '4 anew')" in run.journal.python()


def test_a_run_that_is_done_can_be_taken_back_and_trained_on():
    run = dl.fit(network(0.2), quadrants(), epochs=3, block=True)
    first = losses(run)
    run.seek(30)
    assert run.state == "paused" and run.model.training
    run.resume()
    run.wait()
    assert losses(run) == first and not run.model.training
    run.set(epochs=4)
    run.resume()
    run.wait()
    assert run.steps == 80


def test_a_failed_run_can_be_taken_back():
    class Breaks(nn.Linear):
        def forward(self, x):
            if self.training and dl.run_of(self) and dl.run_of(self).steps == 30:
                raise ValueError("it broke")
            return super().forward(x)

    run = dl.fit(Breaks(2, 2), quadrants())
    with pytest.raises(ValueError, match="it broke"):
        run.wait()
    assert run.seek(10) == 10 and run.error is None and run.state == "paused"


def test_a_run_that_nobody_holds_is_gone_at_once_with_its_snapshots():
    """Else a cell that is run again and again fills the memory."""
    trained(3)  # what PyTorch loads with its first optimiser keeps the frames of that call
    gc.disable()  # what Python does by itself comes when it comes
    try:
        run = trained(30)
        assert run.timeline.nbytes > 0 and run.health is not None
        seen = [weakref.ref(run), weakref.ref(run.timeline)]
        del run
        end = time.monotonic() + SOON  # the engine may still be about to put it down
        while any(one() is not None for one in seen) and time.monotonic() < end:
            time.sleep(0.01)
        assert [one() for one in seen] == [None, None]
    finally:
        gc.enable()
