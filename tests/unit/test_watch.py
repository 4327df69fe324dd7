"""What the dashboard sends and hears, on real runs; only the wire to the browser is replaced."""

import csv
import gc
import io
import json
import math
import time

import numpy as np
import pytest
import test_widgets
import torch
from test_widgets import SOON, Browser, paused, points
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.reduce import smooth
from dlnb.widgets import base
from dlnb.widgets.watch import PANELS
from dlnb.widgets.watch_curves import Curves, Sent

ALL = list(PANELS)
runs, wire = test_widgets.runs, test_widgets.wire  # fixtures


def watching(run, panels=ALL, half_life=0, lines=(), **settings) -> Browser:
    """A dashboard that is looked at, and has got its first frame."""
    browser = Browser(dl.watch(run, **settings))
    browser.send("hello")
    browser.send("look", panels=list(panels), half_life=half_life, lines=list(lines))
    browser.until(lambda header: True)
    return browser


def ask(browser: Browser, about: str, **content) -> tuple[dict, dict[str, np.ndarray]]:
    """The answer to a question, and its columns by name."""
    number = f"{about} {time.monotonic()}"
    browser.send("ask", about=about, id=number, **content)
    ((header, buffers),) = [
        (header, buffers) for header, buffers in browser.widget.comm.sent if header.get("id") == number
    ]
    entries = header.get("columns", [])
    return header, {e["name"]: np.frombuffer(buffers[0], e["kind"], e["length"], e["offset"]) for e in entries}


def eventually(happened, seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def at_rest(runs, steps: int = 40, **settings):
    """A run that has taken some steps and is paused."""
    run = paused(runs(**settings))
    if run.steps < steps:
        run.step(steps - run.steps)
    return run.seek(steps) and run


# Curves along a line.


def test_going_back_and_forth_along_a_line_sends_no_curve_again(runs):
    run = at_rest(runs, 60)
    end = run.line.end
    browser = watching(run)
    frames = len(browser.frames)
    run.seek(20)
    browser.until(lambda header: header["step"] == 20)
    run.seek(50)
    browser.until(lambda header: header["step"] == 50)
    assert not any(header["full"] for header, _ in browser.frames[frames:])
    assert browser.column("loss/steps").tolist() == list(range(1, end + 1))


def test_steps_that_are_made_again_are_not_sent_again_and_those_behind_them_are(runs):
    run = at_rest(runs, 40)
    end = run.line.end
    browser = watching(run)
    run.seek(10)
    run.step(end - 10 + 5)
    browser.until(lambda header: header["step"] == end + 5)
    assert browser.column("loss/steps").tolist() == list(range(1, end + 6))


def test_a_change_in_the_past_begins_a_new_line_and_the_view_anew(runs):
    run = at_rest(runs, 40)
    browser = watching(run)
    run.seek(15)
    run.set(lr=0.5)
    run.step(3)
    header = browser.until(lambda header: header["full"])
    assert header["marks"] == [[15, "lr 0.01 → 0.5"]]
    eventually(lambda: browser.column("loss/steps")[-18:].tolist() == list(range(1, 19)))
    assert len(run.timeline.lines) == 2


def test_a_line_is_seen_whole_also_where_no_run_is_on_it(runs):
    run = at_rest(runs, 30)
    end = run.line.end
    old = run.line
    run.seek(10)
    run.set(lr=0.5)
    assert Curves(old).new(Sent())["loss/steps"].tolist() == list(range(1, end + 1))
    assert Curves(run.line).new(Sent())["loss/steps"].tolist() == list(range(1, 11))


def test_the_moving_average_is_made_of_all_rows_however_they_are_sent(runs):
    run = at_rest(runs, 5)
    browser = watching(run, half_life=7)
    for count in (1, 30, 200, 3):
        run.step(count)
        browser.until(lambda header: header["step"] == run.steps)
    steps, values = run.history.series("loss").tail(0)
    assert browser.column("smooth:loss/steps").tolist() == steps.tolist()
    assert np.allclose(browser.column("smooth:loss/mean"), smooth(steps, values, 7), atol=1e-5)


def test_another_half_life_begins_the_moving_average_anew_and_no_curve(runs):
    run = at_rest(runs, 30)
    browser = watching(run, half_life=2)
    raw = len(browser.column("loss/steps"))
    browser.send("look", panels=ALL, half_life=20, lines=[])
    header = browser.until(lambda header: header.get("smoothAgain") and header["halfLife"] == 20)
    assert not header["full"] and len(browser.column("loss/steps")) == raw
    assert np.allclose(browser.column("smooth:loss/mean")[-raw:], run.history.smoothed("loss", 20), atol=1e-5)


def test_a_value_that_is_no_number_is_marked_at_the_last_finite_one(runs):
    run = at_rest(runs, 3)
    first = run.line.end
    for i, value in enumerate([2.0, math.nan, math.nan, 1.5, math.inf, 1.0]):
        run.history.add("own", first + i, value)
    columns = Curves(run.line).new(Sent())
    assert columns["own/gaps"].tolist() == [first + 1, first + 4] and columns["own/before"].tolist() == [2.0, 1.5]
    assert "loss/gaps" not in columns


def test_a_gap_that_goes_on_in_the_next_frame_is_marked_once(runs):
    run, sent = at_rest(runs, 3), Sent()
    first = run.line.end
    run.history.add("own", first, math.nan)
    assert "own/gaps" not in Curves(run.line).new(sent), "nothing finite is before it"
    run.history.add("own", first + 1, 4.0)
    run.history.add("own", first + 2, math.nan)
    assert Curves(run.line).new(sent)["own/gaps"].tolist() == [first + 2]
    run.history.add("own", first + 3, math.nan)
    assert "own/gaps" not in Curves(run.line).new(sent)


def test_a_fork_is_compared_as_a_curve_of_its_own(runs):
    run = at_rest(runs, 20)
    fork = run.fork(lr=0.5)
    fork.step(7)
    browser = watching(run, lines=[fork.line.number])
    name = f"line{fork.line.number}:loss/steps"
    eventually(lambda: browser.column(name).tolist() == list(range(1, run.steps + 8)))
    fork.step(3)
    eventually(lambda: browser.column(name).tolist() == list(range(1, run.steps + 11)))
    browser.send("look", panels=ALL, half_life=0, lines=[])
    assert browser.until(lambda header: header.get("linesAgain"))["linesAgain"] == [fork.line.number]


# What is looked at.


def test_a_panel_that_is_not_seen_is_not_sent(runs):
    asked = []
    run = runs(task=points(preview=lambda model: asked.append(1)))
    browser = watching(run, panels=["health"])
    time.sleep(0.2)
    frames, looks = len(browser.frames), len(asked)
    browser.until(lambda header: header["step"] > run.steps - 1)
    browser.until(lambda header: True)
    later = [header for header, _ in browser.frames[frames:]]
    assert later and not any({"controls", "time", "layers", "gallery"} & set(header) for header in later)
    assert all(entry["name"].count("loss") == 0 for header in later for entry in header["columns"])
    assert len(asked) == looks
    browser.send("look", panels=["curves", "predictions"], half_life=0, lines=[])
    browser.until(lambda header: len(browser.column("loss/steps")) > 0 and len(asked) > looks)


def test_what_a_view_looks_at_is_kept_when_it_greets_again(runs):
    browser = watching(at_rest(runs), panels=["time"])
    browser.send("hello")
    header = browser.until(lambda header: header["full"])
    assert "time" in header and "controls" not in header


@pytest.mark.parametrize("part", PANELS)
def test_a_part_opens_alone_and_is_sent_alone(runs, part):
    browser = Browser(dl.watch(at_rest(runs), only=part))
    browser.send("hello")
    header = browser.until(lambda header: True)
    sent = {"knobs": "controls", "health": "health", "time": "time"}
    assert header["fixed"]["only"] == part
    assert {name for name in sent.values() if name in header} == ({sent[part]} if part in sent else set())
    assert bool(len(browser.column("loss/steps"))) == (part == "curves")
    assert repr(browser.widget) == f"Watch(Linear on points, {part} only)"


def test_a_part_that_does_not_exist_is_refused(runs):
    with pytest.raises(ValueError, match="no part 'wheels'; it has 'curves', 'knobs'"):
        dl.watch(runs(), only="wheels")


def test_a_frame_of_a_training_run_is_small(runs):
    run = at_rest(runs, model=nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)))
    browser = watching(run)
    sizes = []
    for _ in range(10):
        run.step(20)  # as many as come between two frames at 200 steps a second
        browser.until(lambda header: not header["full"] and header["step"] == run.steps)
        header, buffers = browser.frames[browser.seen - 1]
        sizes.append(len(json.dumps(header)) + sum(map(len, buffers)))
    assert max(sizes) < 8192


def test_guessing_is_drawn_where_the_loss_is_a_cross_entropy_and_not_elsewhere(runs):
    classes = ("a", "b", "c", "d")
    browser = watching(at_rest(runs, task=points(classes=classes)))
    assert browser.frames[0][0]["fixed"]["chance"]["value"] == pytest.approx(math.log(4))
    other = points(classes=classes, loss=lambda output, target: output.square().mean())
    assert watching(at_rest(runs, task=other)).frames[0][0]["fixed"]["chance"] is None


# Knobs.


def test_a_knob_that_was_turned_says_at_which_step_and_what_undo_would_do(runs):
    run = at_rest(runs, 12)
    browser = watching(run)
    browser.send("set", knobs={"lr": 0.5})
    header = browser.until(lambda header: any(knob["at"] == 12 for knob in header.get("controls", {}).get("controls", ())))
    assert header["controls"]["undo"] == "lr 0.01 → 0.5" and header["knobs"]["lr"] == 0.5
    browser.send("undo")
    assert browser.until(lambda header: header["knobs"]["lr"] == 0.01)["marks"]


def test_the_clip_is_off_as_null_and_can_be_set_and_put_off(runs):
    run = at_rest(runs)
    browser = watching(run)
    assert browser.frames[0][0]["knobs"]["clip"] is None
    browser.send("set", knobs={"clip": 0.5})
    browser.until(lambda header: header["knobs"]["clip"] == 0.5)
    browser.send("set", knobs={"clip": None})
    browser.until(lambda header: header["knobs"]["clip"] is None)
    assert run.knobs["clip"] == math.inf


def test_a_schedule_is_held_let_go_and_scaled(runs):
    run = at_rest(runs, schedule="cosine")
    browser = watching(run)
    assert browser.frames[0][0]["controls"]["schedule"] == {"words": "schedule: cosine", "held": False, "scale": 1.0}
    browser.send("set", knobs={"schedule": "hold"})
    browser.until(lambda header: (header.get("controls") or {}).get("schedule", {}).get("held"))
    browser.send("set", knobs={"schedule": "go", "lr_scale": 0.5})
    browser.until(lambda header: (header.get("controls") or {}).get("schedule", {}).get("scale") == 0.5)
    assert run.scheduled


def test_layers_are_listed_by_name_and_frozen(runs):
    run = at_rest(runs, model=nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)))
    browser = watching(run)
    browser.send("freeze", layer="0")
    layers = browser.until(lambda header: any(layer["frozen"] for layer in header.get("controls", {}).get("layers", ())))["controls"]["layers"]
    assert layers == [{"name": "0", "frozen": True}, {"name": "2", "frozen": False}] and run.frozen == ["0"]
    browser.send("unfreeze", layer="0")
    browser.until(lambda header: not any(layer["frozen"] for layer in header.get("controls", {}).get("layers", [{"frozen": True}])))


def test_what_if_comes_back_as_ghosts_and_leaves_the_run_as_it_is(runs):
    run = at_rest(runs, 20)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    browser = watching(run)
    browser.send("what_if", knob="lr", values=[0.001, 0.1], steps=8)
    found = browser.until(lambda header: header.get("whatIf"))["whatIf"]
    assert (found["knob"], found["step"], found["steps"]) == ("lr", 20, 8)
    assert [setting["value"] for setting in found["settings"]] == [0.001, 0.1]
    assert browser.column("fan1").tolist() == list(range(21, 29)) and len(browser.column("fan1/loss")) == 8
    assert run.steps == 20 and all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())
    browser.send("forget", what="what_if")
    browser.until(lambda header: header.get("whatIf", 1) is None)


# Time.


def test_scrubbing_takes_the_run_to_the_last_of_many_wishes(runs):
    run = at_rest(runs, 80)
    browser = watching(run)
    for wish in range(80, 4, -1):
        browser.send("seek", step=wish, scrub=True)
    run.request("ask", question=lambda model: None).result(SOON)  # after all of them, as commands are obeyed in turn
    assert run.steps == 5
    browser.until(lambda header: header["step"] == 5 and header["state"] == "paused")
    assert not browser.last["notice"]


def test_the_timeline_has_the_lines_their_snapshots_and_who_is_on_them(runs):
    run = at_rest(runs, 20)
    browser = watching(run)
    browser.send("fork")
    header = browser.until(lambda header: len(header.get("time", {}).get("lines", ())) == 2)
    main, fork = header["time"]["lines"]
    assert main["run"] is None and fork["run"]["state"] == "paused" and (fork["parent"], fork["start"]) == (0, 20)
    assert header["time"]["current"] == 0 and 0 in browser.column("time0")
    browser.send("fork_do", line=1, to="set", knobs={"lr": 0.25})
    browser.until(lambda header: any("lr 0.01 → 0.25" in line["knobs"] for line in header.get("time", {}).get("lines", ())))
    browser.send("fork_do", line=1, to="resume")
    browser.until(lambda header: any((line["run"] or {}).get("state") == "running" for line in header.get("time", {}).get("lines", ())))
    browser.send("adopt", line=1)
    browser.until(lambda header: header["knobs"]["lr"] == 0.25)
    assert run.steps >= 20 and run.knobs["lr"] == 0.25


def test_a_fork_that_only_the_dashboard_made_stays_alive(runs):
    run = at_rest(runs, 10)
    browser = watching(run)
    browser.send("fork")
    browser.until(lambda header: len(header.get("time", {}).get("lines", ())) == 2)
    gc.collect()
    assert run.timeline.run_on(run.timeline.lines[1]) is not None


def test_a_note_is_a_mark(runs):
    run = at_rest(runs, 10)
    browser = watching(run)
    browser.send("mark", text="here it begins")
    assert browser.until(lambda header: header["marks"])["marks"] == [[10, "here it begins"]]


def test_closing_the_dashboard_leaves_the_forks_too(runs):
    run = at_rest(runs, 10)
    fork = run.fork()
    before = list(run.on_change), list(fork.on_change)
    browser = watching(run)
    eventually(lambda: len(fork.on_change) > len(before[1]))
    browser.widget.close()
    assert (run.on_change, fork.on_change) == before


def test_a_refusal_goes_with_the_next_command(runs):
    run = at_rest(runs, 10)
    browser = watching(run)
    browser.send("seek", step=10**6)
    header = browser.until(lambda header: header["notice"])
    assert "has steps 0 to" in header["notice"] and header["noticed"] == 1
    browser.send("seek", step=3)
    browser.until(lambda header: header["step"] == 3 and not header["notice"])


# Health and layers.


@pytest.fixture
def ill(runs):
    """A run that has gone so slowly that its health says so, paused; the remedy is a learning rate."""
    x = torch.randn(512, 2, generator=torch.Generator().manual_seed(1))
    task = dl.Task("points", TensorBatches(x, (x[:, 0] > 0).long(), size=16))
    run = runs(lr=1e-9, task=task, model=nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)))

    def is_found() -> bool:
        run.probes.next_step = run.steps + 1  # look at once, however slow this machine is
        return "slow" in [found.rule for found in run.health.findings]

    eventually(is_found, seconds=60)
    return paused(run)


def finding(header: dict) -> dict:
    """What a frame says of the finding that it is slow."""
    return next((found for found in header.get("health", {}).get("findings", ()) if found["rule"] == "slow"), {})


def test_a_finding_is_sent_in_words_with_its_remedy_and_what_else_was_looked_at(ill):
    header = watching(ill).frames[0][0]
    found = finding(header)
    assert (found["rule"], found["severity"], found["trial"]) == ("slow", "warn", None)
    assert "hardly learns" in found["sentence"] and found["remedy"]["knobs"]["lr"] > 1e-9
    assert "labels" in header["health"]["checked"] and "slow" not in header["health"]["checked"]


def test_what_shows_a_finding_comes_on_demand_as_columns(ill):
    browser = watching(ill)
    header, columns = ask(browser, "evidence", finding="slow")
    assert header["names"] and header["words"] and len(columns["0/x"]) == len(columns["0/y"]) > 0


def test_a_remedy_is_tried_in_forks_that_the_timeline_hides_and_then_adopted(ill):
    step, browser = ill.steps, watching(ill)
    browser.send("try_remedy", finding="slow")
    browser.until(lambda header: (finding(header).get("trial") or {}).get("state") == "running")
    tested = browser.until(lambda header: (finding(header).get("trial") or {}).get("state") == "tested")
    assert "tested 60 steps" in finding(tested)["trial"]["words"] and ill.steps == step
    assert all(len(header["time"]["lines"]) == 1 for header, _ in browser.frames if "time" in header)
    browser.send("adopt_remedy", finding="slow")
    browser.until(lambda header: header["knobs"]["lr"] > 1e-9 and header["step"] == step + 60)
    assert ill.knobs["lr"] > 1e-9


def test_a_remedy_that_is_discarded_leaves_the_run_as_it_was(ill):
    step, browser = ill.steps, watching(ill)
    browser.send("try_remedy", finding="slow")
    browser.until(lambda header: (finding(header).get("trial") or {}).get("state") == "tested")
    browser.send("discard_remedy", finding="slow")
    browser.until(lambda header: "health" in header and finding(header).get("trial") is None)
    assert ill.steps == step and ill.knobs["lr"] == 1e-9


@pytest.mark.parametrize("command", ["adopt_remedy", "discard_remedy", "try_remedy"])
def test_a_remedy_that_is_not_there_is_refused_in_words(runs, command):
    browser = watching(at_rest(runs))
    browser.send(command, finding="slow")
    assert browser.until(lambda header: header["notice"])["notice"] in (
        "this finding has gone meanwhile",
        "this remedy was not tried yet",
    )


def test_the_layers_are_a_table_with_histograms_once_their_panel_is_open(runs):
    run = runs(model=nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)))
    browser = watching(run, panels=["curves"])
    assert not any("layers" in header for header, _ in browser.frames)
    browser.send("look", panels=["layers"], half_life=0, lines=[])
    table = browser.until(lambda header: header.get("layers", {}).get("step"))["layers"]
    assert table["names"] == ["0", "1", "2"] and table["columns"] == ["gradient", "update", "mean", "std", "dead"]
    assert np.isfinite(browser.column("layers/gradient")[-3:][[0, 2]]).all() and np.isnan(browser.column("layers/gradient")[-2])
    assert len(browser.column("layers/histograms")) % 3 == 0 and browser.column("layers/histograms").max() == 255
    seen = table["step"]
    browser.until(lambda header: header.get("layers", {}).get("step", 0) > seen)


# A loop of one's own.


def test_a_loop_of_ones_own_is_watched_and_steered():
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = [(torch.randn(8, 2), torch.zeros(8, dtype=torch.long))] * 20
    with dl.record(model, optimizer) as run:
        browser = watching(run)
        for i, (x, y) in enumerate(run.loop(data, epochs=2)):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            run.log(loss=loss, size=float(len(x)))
            if i == 10:
                browser.send("set", knobs={"lr": 0.01})
    browser.until(lambda header: header["state"] == "done")
    assert optimizer.param_groups[0]["lr"] == 0.01
    assert browser.column("loss/steps").tolist() == list(range(1, 41)) and (browser.column("size/mean") == 8).all()
    assert browser.frames[0][0]["fixed"] == {"only": None, "examples": False, "chance": None}


# Questions.


def test_a_window_shows_the_detail_that_is_stored_there(runs):
    run = at_rest(runs, 2)
    first = run.line.end + 1
    steps = np.arange(first, 100_001)
    values = np.sin(steps / 50.0)
    run.history.series("own").add_rows(steps, values)
    browser = watching(run)
    _, columns = ask(browser, "window", first=50_000, last=50_100, count=1024, half_life=16)
    assert columns["own/steps"].tolist() == list(range(49_999, 50_102))
    assert np.allclose(columns["own/mean"], np.sin(columns["own/steps"] / 50.0), atol=1e-6)
    whole = smooth(steps, values, 16)
    assert np.allclose(columns["smooth:own/mean"], whole[columns["own/steps"] - first], atol=1e-6)


def test_a_window_of_a_long_run_is_quick_and_small(runs):
    run = at_rest(runs, 2)
    steps = np.arange(run.line.end + 1, 1_000_001)
    for name in "abcdefgh":
        run.history.series(name).add_rows(steps, np.sin(steps))
    browser = watching(run)
    ask(browser, "window", first=0, last=10, count=1024, half_life=0)
    begin = time.perf_counter()
    header, columns = ask(browser, "window", first=200_000, last=800_000, count=1024, half_life=0)
    assert time.perf_counter() - begin < 1
    assert all(len(column) <= 1024 for column in columns.values())
    assert columns["a/high"].max() > 0.99 and columns["a/low"].min() < -0.99


def test_the_csv_has_every_number_in_as_many_parts_as_it_takes(runs):
    run = at_rest(runs, 30)
    run.history.series("own, quoted").add_rows(np.arange(1, 50_001), np.arange(50_000) / 7)
    browser = watching(run)
    text, start, rows, version, parts = b"", 0, None, None, 0
    while start is not None:
        header, columns = ask(browser, "csv", **{"from": start, "rows": rows, "version": version})
        text, parts = text + columns["text"].tobytes(), parts + 1
        start, rows, version = header["next"], header["rows"], header["version"]
    table = list(csv.DictReader(io.StringIO(text.decode())))
    assert parts == 3 and len(table) == 50_001
    assert float(table[777]["own, quoted"]) == 776 / 7
    assert [float(row["loss"]) for row in table[1:31]] == run.history["loss"][:30].tolist()
    assert table[40_000]["loss"] == ""


def test_a_csv_whose_run_went_elsewhere_meanwhile_is_refused(runs):
    run = at_rest(runs, 30)
    browser = watching(run)
    header, _ = ask(browser, "csv", **{"from": 0, "rows": None, "version": None})
    run.seek(5)
    refused, _ = ask(browser, "csv", **{"from": 0, "rows": header["rows"], "version": header["version"]})
    assert "went to another step" in refused["refused"]


def test_the_script_is_python(runs):
    run = at_rest(runs, 5)
    run.set(lr=0.5)
    header, _ = ask(watching(run), "script")
    compile(header["text"], "script", "exec")
    assert "run.set(lr=0.5)" in header["text"]


@pytest.mark.parametrize("about", ["nonsense", None, 3, "window", "evidence", "csv"])
def test_a_question_that_makes_no_sense_is_refused_in_words(runs, about):
    header, _ = ask(watching(at_rest(runs)), about, **({} if about != "csv" else {"from": -1}))
    assert header["refused"] and len(header["refused"]) < 300


NONSENSE = [
    {"kind": "look"}, {"kind": "look", "panels": ["wheels"], "half_life": 0, "lines": []},
    {"kind": "look", "panels": [[]], "half_life": 0, "lines": ["a"]},
    {"kind": "look", "panels": [], "half_life": math.nan, "lines": []}, {"kind": "look", "panels": [], "half_life": -1, "lines": []},
    {"kind": "seek"}, {"kind": "seek", "step": -1}, {"kind": "seek", "step": "3"}, {"kind": "seek", "step": 3, "line": 99},
    {"kind": "adopt"}, {"kind": "adopt", "line": 99}, {"kind": "fork_do", "line": 99}, {"kind": "mark"}, {"kind": "mark", "text": ""},
    {"kind": "mark", "text": "x" * 10**6}, {"kind": "freeze"}, {"kind": "freeze", "layer": None}, {"kind": "what_if"},
    {"kind": "what_if", "knob": "lr"}, {"kind": "what_if", "knob": "colour", "values": [1]},
    {"kind": "what_if", "knob": "steps", "values": [1]}, {"kind": "what_if", "knob": "lr", "values": list(range(100))},
    {"kind": "ask"}, {"kind": "set", "knobs": {"schedule": "x" * 100}}, {"kind": "set", "knobs": {"lr": None}},
]  # fmt: skip


@pytest.mark.parametrize("message", NONSENSE, ids=lambda message: f"{message!r:.50}")
def test_a_message_that_makes_no_sense_is_ignored_and_logged(runs, caplog, message):
    run = at_rest(runs)
    browser = watching(run)
    browser.say({"view": "first", **message})
    assert "ignored a message" in caplog.text and len(caplog.text) < 2000
    assert run.knobs["lr"] == 0.01 and run.state == "paused"
    browser.send("seek", step=7)
    browser.until(lambda header: header["step"] == 7)


def test_a_view_is_a_view_of_the_base(runs):
    widget = dl.watch(at_rest(runs))
    assert widget.make_frame(base.View("direct"))[0]["full"]
