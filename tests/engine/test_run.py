"""The run as a state machine, seen from outside."""

import math
import signal
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.train.evaluate import evaluate
from dlnb.train.loop import Loop

from .conftest import network, quadrants


def test_fit_returns_at_once_and_trains_behind(model, task):
    run = dl.fit(model, task, epochs=1000)
    assert run.state == "running" and run.steps < run.total_steps
    before = run.steps
    time.sleep(0.3)
    assert run.steps > before
    run.stop()


def test_whoever_reads_the_steps_finds_the_losses_of_all_of_them(model, task, monkeypatch):
    seen = []

    def counted(loop, steps):
        seen.append((steps, len(loop.history["loss"]) if steps else 0))
        vars(loop)["steps"] = steps

    monkeypatch.setattr(Loop, "steps", property(lambda loop: vars(loop)["steps"], counted), raising=False)
    dl.fit(model, task, epochs=2, block=True)
    assert len(seen) > 40 and all(steps == losses for steps, losses in seen)


def test_it_learns(model, task):
    run = dl.fit(model, task, lr=0.01, epochs=20, block=True)
    assert run.state == "done" and run.steps == run.total_steps == 20 * 20
    assert run.evaluate("test")["accuracy"] > 0.9
    assert run.history["loss"][-20:].mean() < run.history["loss"][:20].mean() / 2


def test_metrics_are_given_what_the_task_predicts(model, task):
    def predict(asked, inputs, output):
        assert asked is model and not model.training and len(inputs) == 1
        return output.argmax(1)

    task.predict = predict
    task.metrics = {"right": lambda answers, targets: (answers == targets).double().mean()}
    whole = dl.Task("the same", task.train, task.valid, metrics={"accuracy": dl.accuracy})
    run = dl.fit(model, task, epochs=1, block=True)
    assert run.evaluate("valid")["right"] == evaluate(model, whole, "valid", torch.device("cpu"))["accuracy"]


def test_every_step_is_in_the_history(model, task):
    run = dl.fit(model, task, epochs=3, block=True)
    assert run.history.steps("loss").tolist() == list(range(1, 61))
    assert run.history.steps("valid_accuracy").tolist() == [0, 20, 40, 60]
    frame = run.history.frame()
    assert frame.index.name == "step" and frame.loc[60, "valid_accuracy"] == run.history["valid_accuracy"][-1]


def test_pause_holds_and_resume_goes_on(model, task):
    run = dl.fit(model, task, epochs=10_000)
    step = run.pause()
    assert run.state == "paused" and run.steps == step
    time.sleep(0.1)
    assert run.steps == step
    run.resume()
    time.sleep(0.2)
    assert run.steps > step
    run.stop()
    assert run.state == "done"


def test_a_run_that_was_stopped_by_mistake_can_be_taken_up_again(model, task):
    run = dl.fit(model, task, epochs=10_000)
    step = run.stop()
    assert run.wait().state == "done" and not model.training
    run.resume()
    assert run.state == "running" and model.training
    run.pause()
    assert run.steps > step - 1
    run.stop()


def test_step_takes_exactly_as_many_steps(model, task):
    run = dl.fit(model, task, epochs=10_000)
    step = run.pause()
    assert run.step(7) == step + 7 == run.steps
    assert run.state == "paused"
    assert run.step() == step + 8


def test_pausing_changes_nothing(task):
    straight = dl.fit(network(0.3), quadrants(noise=0.1), epochs=4, block=True)
    run = dl.fit(network(0.3), quadrants(noise=0.1), epochs=4)
    run.pause()
    torch.rand(99)
    run.step(5)
    run.resume()
    run.wait()
    assert np.array_equal(run.history["loss"], straight.history["loss"])


def test_one_seed_one_result_and_another_seed_another(task):
    first, same, other = (
        dl.fit(network(0.3), quadrants(noise=0.1), epochs=2, seed=seed, block=True) for seed in (5, 5, 6)
    )
    assert np.array_equal(first.history["loss"], same.history["loss"])
    assert not np.array_equal(first.history["loss"], other.history["loss"])


def test_two_runs_in_turns_equal_two_runs_alone(task):
    alone = [dl.fit(network(0.3, seed), task, epochs=5, seed=seed, block=True) for seed in (1, 2)]
    both = [dl.fit(network(0.3, seed), quadrants(), epochs=5, seed=seed) for seed in (1, 2)]
    for run, other in zip(both, alone, strict=True):
        assert np.array_equal(run.wait().history["loss"], other.history["loss"])


def test_a_loader_that_shuffles_follows_the_seed():
    x = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    data = torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long())
    runs = []
    for _ in range(2):
        torch.rand(3)  # what happened before must not matter
        loader = torch.utils.data.DataLoader(data, batch_size=10, shuffle=True)
        task = dl.Task.from_loaders(loader, loader, loss=nn.functional.cross_entropy, metrics={"accuracy": dl.accuracy})
        runs.append(dl.fit(network(), task, epochs=3, block=True))
    assert np.array_equal(runs[0].history["loss"], runs[1].history["loss"])
    assert len(set(runs[0].history["loss"].tolist())) == 30


def test_the_readers_random_numbers_are_their_own(model, task):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    run = dl.fit(model, task, epochs=10)
    run.wait()
    assert torch.equal(torch.rand(4), expected)


def test_seeded_models_start_the_same_while_another_run_trains(task):
    quiet = network(seed=9)
    run = dl.fit(network(0.5), task, epochs=10_000)
    busy = [network(seed=9) for _ in range(20)]
    run.stop()
    for model in busy:
        for a, b in zip(model.parameters(), quiet.parameters(), strict=True):
            assert torch.equal(a, b)


def test_waiting_inside_seeded_is_refused_instead_of_hanging(model, task):
    run = dl.fit(model, task, epochs=10_000)
    with dl.seeded(0):
        with pytest.raises(RuntimeError, match="close that block"):
            run.pause()
        with pytest.raises(RuntimeError, match="close that block"):
            run.wait()
    run.stop()


def test_set_takes_effect_at_the_step_it_returns(model, task):
    run = dl.fit(model, task, lr=0.01, epochs=10_000)
    step = run.set(lr=0.002)
    run.pause()
    assert run.knobs["lr"] == 0.002 == model_lr(run)
    assert run.history.steps("lr")[-1] == step and run.history["lr"][-1] == 0.002
    assert [(mark.step, mark.text) for mark in run.history.marks] == [(step, "lr 0.01 → 0.002")]
    run.stop()


def model_lr(run: dl.Run) -> float:
    return run.optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize("knobs", [{"lr": -1}, {"lr": math.nan}, {"lr": "fast"}, {"learning_rate": 0.1}, {"lr": 0.5, "epochs": 0}])
def test_a_knob_that_does_not_fit_is_refused_and_nothing_is_turned(model, task, knobs):
    run = dl.fit(model, task, lr=0.01, epochs=10_000)
    with pytest.raises(ValueError):
        run.set(**knobs)
    assert model_lr(run) == 0.01 and run.epochs == 10_000 and run.state == "running"
    run.stop()


def test_groups_with_different_rates_keep_their_ratio(model, task):
    first, *others = model.parameters()
    optimizer = torch.optim.SGD([{"params": [first], "lr": 0.1}, {"params": others, "lr": 0.01}])
    run = dl.fit(model, task, optimizer=optimizer, start=False)
    run.set(lr=0.2)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.2, 0.02])


def test_a_schedule_is_followed_and_a_turn_of_the_knob_ends_it(model, task):
    run = dl.fit(model, task, lr=0.01, epochs=4, schedule="cosine")
    run.wait()
    assert run.history["lr"].max() == pytest.approx(0.01) and run.history["lr"][-1] == pytest.approx(0, abs=1e-5)
    run = dl.fit(network(), task, lr=0.01, epochs=10_000, schedule="cosine")
    run.set(lr=0.5)
    run.pause()
    run.step(3)
    assert model_lr(run) == 0.5 and not run.scheduled
    run.stop()


def test_more_epochs_let_a_finished_run_go_on(model, task):
    run = dl.fit(model, task, epochs=2, block=True)
    assert not model.training
    with pytest.raises(RuntimeError, match="epochs"):
        run.resume()
    run.set(epochs=3)
    run.resume()
    assert model.training or run.state == "done"
    run.wait()
    assert run.steps == 60


def test_wait_with_nothing_to_wait_for_says_so(model, task):
    run = dl.fit(model, task, epochs=10_000)
    run.pause()
    with pytest.raises(RuntimeError, match="run.resume"):
        run.wait()
    run.resume()
    with pytest.raises(TimeoutError, match="running at step"):
        run.wait(timeout=0.05)
    run.stop()
    assert run.wait() is run


def test_an_interrupt_while_waiting_pauses_and_keeps_everything(model, task):
    run = dl.fit(model, task, epochs=100_000)
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt, match="paused at step"):
        run.wait()
    assert run.state == "paused" and run.steps > 0
    run.stop()


def test_evaluate_and_preview_work_between_steps_and_leave_the_mode(task):
    model = network(0.5)
    run = dl.fit(model, task, epochs=10_000)
    results = [run.evaluate("test") for _ in range(5)]
    assert all(set(result) == {"loss", "accuracy"} for result in results)
    run.pause()
    assert all(module.training for module in model.modules())
    assert run.evaluate("test") == run.evaluate("test")
    assert run.preview() is None
    run.stop()


def test_a_cheap_question_does_not_hide_what_a_preview_costs(model, task):
    """The gallery keeps to its share by the cost of the last preview, not by a pad's quick questions."""
    task.preview = lambda model: time.sleep(0.05)
    run = dl.fit(model, task, epochs=10_000)
    run.preview()
    assert run.ask(lambda model: 1).result() == 1
    assert run.preview_seconds >= 0.05
    assert run.observed >= run.preview_seconds
    run.stop()


def test_commands_from_many_threads_all_take_effect(model, task):
    run = dl.fit(model, task, lr=0.01, epochs=100_000)
    steps: list[int] = []

    def tell(k: int) -> None:
        for i in range(20):
            steps.append(run.set(lr=0.001 * (k + 1) + 1e-5 * i))

    threads = [threading.Thread(target=tell, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.stop()
    assert len(steps) == 80 == sum(mark.text.startswith("lr") for mark in run.history.marks)


def test_rate_and_time_left_are_plausible(model, task):
    run = dl.fit(model, task, epochs=500)
    time.sleep(1)
    run.pause()
    assert run.rate == pytest.approx(run.steps / run.seconds, rel=1)
    assert run.seconds_left > 0
    run.stop()


def test_plot_is_a_picture_and_needs_no_pyplot(model, task):
    run = dl.fit(model, task, epochs=2, block=True)
    figure = run.plot()
    assert len(figure.axes) == 2 and figure.axes[0].get_ylabel() == "loss"
    assert figure._repr_png_().startswith(b"\x89PNG")
