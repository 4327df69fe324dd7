"""The kernel's half of `dl.compare` on real runs and sweeps; only the wire to the browser is replaced."""

import base64
import math
import time

import comm
import numpy as np
import pytest
import torch
from test_widgets import Browser, Wire
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.sweeps.sweep import sweep
from dlnb.widgets.compare import VALUES, Compare, compare
from dlnb.widgets.compare_lines import axes, pieces, settings

SOON = 60  # seconds
LR = {"lr": (1e-4, 1e-1, "log")}


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


def points() -> dl.Task:
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    return dl.Task(
        "points", TensorBatches(x, y, size=16), TensorBatches(x, y, size=64), metrics={"accuracy": dl.accuracy}
    )


TASK = points()


def make(lr=0.01, dropout=0.0, **common):
    with_defaults = {"lr": lr, "epochs": 10, "threads": 1} | common
    return dl.fit(
        nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Dropout(dropout), nn.Linear(4, 2)), TASK, **with_defaults
    )


@pytest.fixture
def begin():
    """Makes sweeps, and ends them with the test."""
    made = []

    def start(*arguments, **common):
        made.append(sweep(*arguments, **common))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def opened(widget):
    browser = Browser(widget)
    browser.send("hello")
    return browser


def curves(browser):
    """What a browser would draw: for each line its pieces, as the front end puts them together."""
    found: dict[int, list[float]] = {}
    for header, buffers in browser.frames:
        if header["full"] or header["restart"]:
            found = {}
        column = {
            entry["name"]: np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"])
            for entry in header["columns"]
        }
        offset = 0
        for line, start, length in zip(*(column[f"curve/{name}"] for name in ("line", "start", "length")), strict=True):
            curve = found.setdefault(int(line), [])
            del curve[int(start) :]
            assert len(curve) == start, "a hole in the curve"
            curve += column["curve/values"][offset : offset + length].tolist()
            offset += length
    return found


def last_column(browser, name):
    header, buffers = browser.frames[-1]
    entry = next(entry for entry in header["columns"] if entry["name"] == name)
    return np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"])


# Curves.


def test_each_line_arrives_as_it_is_while_the_runs_go_on():
    runs = [make(lr, epochs=100) for lr in (0.01, 0.1)]
    browser = opened(compare(runs))
    browser.send("show", column="loss")
    for run in runs:
        run.wait(SOON)
    browser.until(lambda header: header["column"] == "loss" and last_column(browser, "steps").tolist() == [400, 400])
    assert browser.last["width"] == 1
    for line, run in enumerate(runs):
        drawn = curves(browser)[line]
        assert math.isnan(drawn[0])  # no loss before the first step
        assert np.allclose(drawn[1:], run.history["loss"], rtol=1e-6)


def test_a_validation_that_comes_once_an_epoch_is_drawn_at_its_steps():
    run = make(epochs=6).wait(SOON)
    browser = opened(compare(run))
    browser.until(lambda header: True)
    assert browser.last["column"] == "valid_loss" and browser.last["width"] == 4
    assert np.allclose(curves(browser)[0], run.history["valid_loss"])


def test_pieces_are_means_and_a_later_start_gives_the_same_ones():
    steps = np.arange(1, 101)
    values = np.random.default_rng(0).normal(size=100)
    values[10] = np.nan
    whole = pieces(steps, values, 8, 0)
    assert len(whole) == 14 and math.isnan(whole[0])
    assert whole[1] == pytest.approx(values[:8].mean()) and whole[2] == pytest.approx(np.nanmean(values[8:16]))
    for start in (1, 2, 7, 13):
        assert np.array_equal(pieces(steps, values, 8, start), whole[start:], equal_nan=True)
    assert not len(pieces(steps[:0], values[:0], 8, 0))


def test_a_run_that_goes_back_in_time_is_drawn_anew():
    run = make(epochs=10).wait(SOON)
    browser = opened(compare(run))
    browser.send("show", column="loss")
    browser.until(lambda header: header["column"] == "loss")
    run.seek(12)
    run.set(lr=0.5)
    run.step(3)
    browser.until(lambda header: last_column(browser, "steps").tolist() == [15])
    time.sleep(0.7)  # a frame that was held back may follow
    browser.send("ack")
    assert np.allclose(curves(browser)[0][1:], run.history["loss"], rtol=1e-6)


def test_256_settings_are_live_and_stay_within_64_kilobytes_a_second(begin):
    found = begin(
        lambda lr, dropout: make(lr, dropout, epochs=10**6), LR | {"dropout": (0.0, 0.5)}, trials=256, vectorize=True
    )
    browser = opened(compare(found))
    browser.until(lambda header: "labels" in header and len(header["labels"]) == 256)
    before, begin_at = len(browser.frames), time.monotonic()
    reached = int(last_column(browser, "steps").max())
    while time.monotonic() - begin_at < 6:
        browser.send("ack")
        time.sleep(0.05)
    seconds = time.monotonic() - begin_at
    new = browser.frames[before:]
    sent = sum(len(buffers[0]) for _, buffers in new) / seconds
    assert 3 <= len(new) <= 9 and sent <= 64 * 1024
    assert int(last_column(browser, "steps").max()) > reached
    assert len(curves(browser)) == 256 and max(len(curve) for curve in curves(browser).values()) <= VALUES // 256


def test_what_rests_is_not_sent_again_and_a_page_that_is_reloaded_gets_everything():
    runs = [make().wait(SOON), make(0.1).wait(SOON)]
    widget = compare(*runs)
    browser = opened(widget)
    browser.until(lambda header: True)
    for _ in range(3):
        widget.changed(urgent=True)
        browser.send("ack")
        time.sleep(0.15)
    assert len(browser.frames) == 1
    again = Browser(widget, "reloaded")
    again.send("hello")
    assert again.until(lambda header: True)["full"] and curves(again) == curves(browser)


# What differs.


def test_only_the_settings_that_differ_are_shown():
    torch.manual_seed(0)
    one, other = make(0.01, epochs=5), make(0.001, epochs=5, seed=3, optimizer="sgd")
    names = {axis.name: axis for axis in axes([one, other], [])}
    assert set(names) >= {"lr", "seed", "optimizer"} and not {"epochs", "task", "model", "parameters"} & set(names)
    assert names["optimizer"].choices == ["AdamW", "SGD"] and names["optimizer"].values.tolist() == [0, 1]
    assert names["lr"].values.tolist() == [0.01, 0.001]
    assert settings(one)["parameters"] == 22


def test_a_knob_that_only_some_have_is_a_gap_for_the_others():
    runs = [make(epochs=1), make(epochs=1, optimizer="sgd")]
    betas = next(axis for axis in axes(runs, []) if axis.name == "beta1")
    assert betas.values[0] == pytest.approx(0.9) and math.isnan(betas.values[1])


def test_the_axes_of_a_sweep_are_those_of_its_space(begin):
    found = begin(
        lambda lr, dropout, kind: make(lr, dropout), LR | {"dropout": (0.0, 0.5), "kind": ["a", "b"]}, trials=3
    ).wait(SOON)
    drawn = axes(found.trials, [found])
    assert [(axis.name, axis.logarithmic, axis.low, axis.high) for axis in drawn[:2]] == [
        ("lr", True, 1e-4, 0.1),
        ("dropout", False, 0, 0.5),
    ]
    assert drawn[2].choices == ["a", "b"]
    assert drawn[0].values.tolist() == [trial.settings["lr"] for trial in found.trials]


def test_a_sweep_says_how_it_goes_what_is_best_and_what_mattered(begin):
    found = begin(lambda lr: make(lr), LR, trials=6)
    browser = opened(compare(found))
    found.wait(SOON)
    header = browser.until(lambda header: header["sweep"]["state"] == "done" and header["importance"])
    assert header["sweep"] | {"error": ""} == {"state": "done", "wanted": 6, "begun": 6, "ended": 6, "error": ""}
    assert header["goal"] == "valid_loss" and dict(header["importance"]) == found.importance()
    values = last_column(browser, "values")
    assert values.argmin() == found.best.number


# What is asked for.


def test_a_line_is_stopped_and_promoted_from_the_browser(begin):
    found = begin(lambda lr: make(lr, epochs=10**6), LR, trials=2, at_once=2)
    browser = opened(compare(found))
    browser.until(lambda header: len(last_column(browser, "steps")) == 2 and last_column(browser, "steps").min() > 0)
    browser.send("stop", line=0)
    browser.until(lambda header: last_column(browser, "states").tolist() == [4, 0])
    assert [trial.state for trial in found.trials] == ["stopped", "running"]
    browser.send("promote", line=0)
    browser.until(lambda header: last_column(browser, "states").tolist() == [0, 0])
    assert found.trials[0].promoted and found.runs[0].epochs == 2 * 10**6
    assert last_column(browser, "promoted").tolist() == [1, 0]


def test_a_fork_is_one_more_line_and_keeps_its_place_while_the_sweep_goes_on(begin):
    found = begin(lambda lr: make(lr, epochs=400), LR, trials=3)
    widget = compare(found)
    browser = opened(widget)
    browser.until(lambda header: len(last_column(browser, "steps")) == 1 and last_column(browser, "steps")[0] > 0)
    browser.send("fork", line=0, scale=3)
    browser.until(lambda header: len(header.get("labels", [])) > 1 and "fork of trial 0, lr × 3" in header["labels"])
    found.wait(SOON)
    fork = next(line for line in widget.lines.all() if isinstance(line, dl.Run))
    header = browser.until(lambda header: len(header.get("labels", [])) == 4)
    assert header["labels"].index("fork of trial 0, lr × 3") == widget.lines.all().index(fork) < 3
    assert fork.knobs["lr"] == pytest.approx(3 * found.trials[0].settings["lr"])
    fork.stop()


def test_what_is_refused_is_said_in_the_widget(begin):
    found = begin(lambda lr: make(lr), LR, trials=4, vectorize=True).wait(SOON)
    browser = opened(compare(found))
    browser.until(lambda header: True)
    browser.send("promote", line=1)
    assert "trial.fork()" in browser.until(lambda header: header["notice"])["notice"]
    browser.send("stop", line=99)
    assert "no line 99" in browser.until(lambda header: "99" in header["notice"])["notice"]
    browser.send("sweep", command="explode")
    assert "no command" in browser.until(lambda header: "command" in header["notice"])["notice"]


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "show", "column": "nothing"},
        {"kind": "show"},
        {"kind": "stop"},
        {"kind": "fork", "line": 0, "scale": "much"},
    ],
)
def test_a_message_that_makes_no_sense_changes_nothing(message):
    run = make(epochs=10**6)
    browser = opened(compare(run))
    browser.until(lambda header: True)
    browser.say({"view": "first"} | message)
    assert run.state == "running"
    run.stop()


def test_the_sweep_is_paused_resumed_and_ended_from_the_browser(begin):
    found = begin(lambda lr: make(lr, epochs=10**6), LR, trials=3)
    browser = opened(compare(found))
    browser.until(lambda header: len(last_column(browser, "steps")) == 1)
    for command, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        browser.send("sweep", command=command)
        browser.until(lambda header, state=state: header["sweep"]["state"] == state)
        assert found.state == state


# What it takes and leaves behind.


def test_what_is_no_run_is_refused():
    for wrong in ("runs", [1], 3):
        with pytest.raises(TypeError, match="compare needs runs or a sweep"):
            compare(wrong)
    with pytest.raises(ValueError, match="nothing to compare"):
        compare([])
    with pytest.raises(ValueError, match="the goal must be like"):
        compare(make(epochs=1), goal="loss")


def test_closing_it_leaves_nothing_on_the_runs(begin):
    run, found = make(epochs=1), begin(lambda lr: make(lr), LR, trials=1)
    before = len(run.on_change), len(found.on_change)
    widget = compare(run, found)
    widget.close()
    assert (len(run.on_change), len(found.on_change)) == before


def test_a_saved_notebook_holds_a_picture_of_it(begin):
    found = begin(lambda lr: make(lr), LR, trials=5).wait(SOON)
    for widget in (compare(found), compare(make().wait(SOON), make(0.1).wait(SOON)), compare(make().wait(SOON))):
        data, _ = widget._repr_mimebundle_()
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert compare(make(epochs=10**6)).still() is None


def test_its_text_is_the_same_each_time(begin):
    assert repr(compare(make(epochs=1), make(epochs=1))) == "Compare(2 runs)"
    assert repr(compare(begin(lambda lr: make(lr), LR, trials=1))) == "Compare(Sweep)"
    assert isinstance(compare(make(epochs=1)), Compare)
