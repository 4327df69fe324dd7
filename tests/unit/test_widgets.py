"""The kernel's half of the widgets on real runs; only the wire to the browser is replaced."""

import base64
import json
import logging
import math
import re
import time
from types import SimpleNamespace

import comm
import comm.base_comm
import IPython.display
import numpy as np
import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.preview import Boxes, Images, Masks, Texts
from dlnb.widgets import base, inside
from dlnb.widgets.pad import SIDE

SOON = 15  # seconds


class Wire(comm.base_comm.BaseComm):
    """The end of a comm in the kernel; keeps what goes to the browser and hands on what comes from there."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        if data and data.get("method") == "custom":
            # The kernel refuses NaN in JSON, as browsers do.
            json.dumps(data["content"], allow_nan=False)
            self.__dict__.setdefault("sent", []).append((data["content"], buffers or []))


class Browser:
    """One view in a browser."""

    def __init__(self, widget, view: str = "first") -> None:
        self.widget, self.view = widget, view

    def say(self, content, buffers=()) -> None:
        message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": list(buffers)}
        self.widget.comm.handle_msg(message)

    def send(self, kind: str, buffers=(), **content) -> None:
        self.say({"kind": kind, "view": self.view, **content}, buffers)

    @property
    def frames(self) -> list:
        sent = list(self.widget.comm.__dict__.get("sent", []))
        return [(header, buffers) for header, buffers in sent if header.get("view") == self.view]

    @property
    def last(self) -> dict:
        return self.frames[-1][0]

    def until(self, happened, ack: bool = True) -> dict:
        """Acknowledge frames until one of them is as wanted; returns its header."""
        end, seen = time.monotonic() + SOON, getattr(self, "seen", 0)
        while time.monotonic() < end:
            for header, _ in self.frames[seen:]:
                seen = self.seen = seen + 1
                if ack:
                    self.send("ack")
                if happened(header):
                    return header
            time.sleep(0.01)
        raise AssertionError(f"no such frame among {len(self.frames)}; the last: {self.frames[-1:]}")

    def column(self, name: str) -> np.ndarray:
        """A column of all frames so far, one after the other."""
        parts = [
            np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"])
            for header, buffers in self.frames
            for entry in header["columns"]
            if entry["name"] == name
        ]
        return np.concatenate(parts) if parts else np.array([])


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


@pytest.fixture
def runs():
    """Makes runs, and ends them with the test."""
    made = []

    def make(**settings):
        task = settings.pop("task", None) or points()
        with dl.seeded(0):
            model = settings.pop("model", None) or nn.Linear(2, 2)
        made.append(dl.fit(model, task, **{"epochs": 10**6, "lr": 0.01} | settings))
        return made[-1]

    yield make
    for run in made:
        run.stop()


def points(**settings) -> dl.Task:
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    return dl.Task("points", TensorBatches(x, y, size=16), TensorBatches(x, y, size=64), **settings)


def paused(run):
    run.pause()
    return run


# What a view is sent.


def test_a_view_gets_everything_once_and_then_only_what_is_new(runs):
    run = runs()
    time.sleep(0.2)
    browser = Browser(dl.watch(run))
    browser.send("hello")
    first = browser.until(lambda header: True)
    assert first["full"] and first["model"] == "Linear" and first["task"] == "points"
    browser.until(lambda header: not header["full"] and header["step"] > first["step"])
    run.pause()
    browser.until(lambda header: header["state"] == "paused" and header["step"] == run.steps)
    assert browser.column("loss/steps").tolist() == list(range(1, run.steps + 1))
    assert np.allclose(browser.column("loss/mean"), run.history["loss"])
    assert [header["full"] for header, _ in browser.frames].count(True) == 1


def test_two_unacknowledged_frames_and_no_more_are_sent(runs):
    browser = Browser(dl.watch(runs()))
    browser.send("hello")
    time.sleep(0.8)
    assert len(browser.frames) == 2
    browser.send("ack")
    time.sleep(0.4)
    assert len(browser.frames) == 3


def test_one_word_may_acknowledge_several_frames(runs):
    browser = Browser(dl.watch(runs()))
    browser.send("hello")
    time.sleep(0.8)
    browser.send("ack", frames=2)
    time.sleep(0.8)
    assert len(browser.frames) == 4


def test_nothing_that_was_merged_meanwhile_is_missing(runs):
    run = runs()
    browser = Browser(dl.watch(run))
    browser.send("hello")
    time.sleep(0.6)
    run.pause()
    browser.until(lambda header: header["state"] == "paused")
    assert browser.column("loss/steps").tolist() == list(range(1, run.steps + 1))


def test_a_run_that_rests_sends_nothing(runs):
    browser = Browser(dl.watch(paused(runs())))
    browser.send("hello")
    browser.until(lambda header: True)
    time.sleep(0.3)
    count = len(browser.frames)
    browser.widget.changed()
    time.sleep(0.3)
    assert len(browser.frames) == count


def test_a_hidden_view_is_sent_nothing_and_asks_for_no_predictions(runs):
    asked = []
    browser = Browser(dl.watch(runs(task=points(preview=lambda model: asked.append(1)))))
    browser.send("hello")
    browser.until(lambda header: header["step"] > 0)
    browser.send("visible", value=False)
    time.sleep(0.3)
    looks, count = len(asked), len(browser.frames)
    time.sleep(1.2)
    assert (len(asked), len(browser.frames)) == (looks, count) and looks > 0
    browser.send("visible", value=True)
    browser.send("ack")
    browser.until(lambda header: len(browser.frames) > count)


def test_nobody_looks_nothing_is_asked_or_sent(runs):
    asked = []
    widget = dl.watch(runs(task=points(preview=lambda model: asked.append(1))))
    time.sleep(0.8)
    assert not asked and "sent" not in widget.comm.__dict__


def test_an_acknowledgement_of_a_forgotten_view_brings_a_full_frame(runs):
    browser = Browser(dl.watch(runs()), "slept")
    browser.send("ack")
    assert browser.until(lambda header: True)["full"]


def test_a_reloaded_page_gets_the_whole_history_again(runs):
    run = runs()
    time.sleep(0.1)
    widget = dl.watch(run)
    for name in ("before", "after"):
        browser = Browser(widget, name)
        browser.send("hello")
        assert browser.until(lambda header: True)["full"]
        assert browser.column("loss/steps")[0] == 1


def test_of_many_views_the_one_that_is_looked_at_is_kept(runs):
    widget = dl.watch(runs())
    seen = Browser(widget, "seen")
    seen.send("hello")
    for k in range(3 * base.VIEWS):
        closed = Browser(widget, f"closed {k}")
        closed.send("hello")
        closed.send("visible", value=False)
    assert "seen" in widget.views and len(widget.views) <= base.VIEWS


def test_two_widgets_on_one_run_each_show_it(runs):
    run = runs()
    browsers = [Browser(dl.watch(run)), Browser(dl.watch(run))]
    for browser in browsers:
        browser.send("hello")
        browser.until(lambda header: header["step"] > 10)
    browsers[0].send("pause")
    assert browsers[1].until(lambda header: header["state"] == "paused")["step"] == run.steps


def test_closing_a_widget_takes_it_off_the_run(runs):
    run = runs()
    before = list(run.on_change)
    with_pad = dl.pad(run, size=1)
    widget = dl.watch(run)
    assert len(run.on_change) == len(before) + 2
    widget.close()
    widget.close()
    with_pad.close()
    assert run.on_change == before and run.state == "running"


def test_a_million_rows_make_a_small_frame_quickly_and_lose_no_spike(runs):
    run = paused(runs())
    steps = np.arange(run.steps + 1, 1_000_001)
    run.history.series("loss").add_rows(steps, np.where(steps == 777_777, 99.0, 1.0))
    widget = dl.watch(run)
    view = base.View("fast")
    begin = time.perf_counter()
    header, buffers = widget.make_frame(view)
    assert time.perf_counter() - begin < 2
    assert sum(map(len, buffers)) + len(json.dumps(header)) < 100_000
    high = next(entry for entry in header["columns"] if entry["name"] == "loss/high")
    assert np.frombuffer(buffers[0], "float32", high["length"], high["offset"]).max() == 99
    assert widget.make_frame(view) is None


def test_steps_beyond_what_float32_can_count_stay_apart(runs):
    run = paused(runs())
    run.history.add("valid_loss", 2**24 + 1, 1.0)
    browser = Browser(dl.watch(run))
    browser.send("hello")
    browser.until(lambda header: True)
    assert browser.column("valid_loss/steps")[-1] == 2**24 + 1


def test_what_is_no_number_in_the_status_travels_as_null(runs):
    run = paused(runs())
    run.rate = math.nan
    run.optimizer.param_groups[0]["eps"] = math.inf
    browser = Browser(dl.watch(run))
    browser.send("hello")
    header = browser.until(lambda header: True)
    assert header["rate"] is None and header["left"] is None and header["knobs"]["eps"] is None


# The gallery.


def gallery(count: int = 3, names=("no", "yes")) -> Images:
    return Images(
        np.zeros((count, 4, 5), np.uint8), names, np.zeros(count, np.int64), np.full((count, 2), 0.5, np.float32)
    )


def test_the_pixels_travel_once(runs):
    fixed = gallery()
    task = points(preview=lambda model: Images(fixed.pixels, (1, 2), fixed.truth, fixed.scores.copy()))
    browser = Browser(dl.watch(runs(task=task)))
    browser.send("hello")
    shown = browser.until(lambda header: "gallery" in header)["gallery"]
    assert shown == {"kind": "images", "count": 3, "height": 4, "width": 5, "channels": 1, "classes": ["1", "2"]}
    browser.until(lambda header: "gallery" in header)
    assert len(browser.column("gallery/pixels")) == 60 and len(browser.column("gallery/scores")) >= 12


def test_boxes_travel_with_their_truth_once(runs):
    pixels, truth, labels = np.zeros((2, 4, 5, 3), np.uint8), np.ones((2, 3, 4)), np.zeros((2, 3), int)

    def preview(model) -> Boxes:
        found, scores = np.ones((2, 1, 4), np.float32), np.full((2, 1), 0.5)
        return Boxes(pixels, ("cat",), truth, labels, found, np.zeros((2, 1), int), scores)

    browser = Browser(dl.watch(runs(task=points(preview=preview))))
    browser.send("hello")
    shown = browser.until(lambda header: "gallery" in header)["gallery"]
    assert shown == {"kind": "boxes", "count": 2, "height": 4, "width": 5, "channels": 3, "classes": ["cat"]}
    browser.until(lambda header: "gallery" in header)
    for name, length in {"pixels": 120, "truth": 24, "trueLabels": 6}.items():
        assert len(browser.column(f"gallery/{name}")) == length, name
    assert len(browser.column("gallery/found")) >= 2 * 8


def test_masks_travel_with_their_truth_once(runs):
    pixels, truth = np.zeros((2, 4, 5), np.uint8), np.ones((2, 4, 5), np.uint8)
    preview = lambda model: Masks(pixels, ("ground", "cat"), truth, truth.copy())  # noqa: E731
    browser = Browser(dl.watch(runs(task=points(preview=preview))))
    browser.send("hello")
    assert browser.until(lambda header: "gallery" in header)["gallery"]["kind"] == "masks"
    browser.until(lambda header: "gallery" in header)
    assert len(browser.column("gallery/truth")) == 40 and len(browser.column("gallery/said")) >= 80


def test_texts_travel_as_they_are_and_what_was_read_once(runs):
    read = ("<b>שלום</b> 👩‍🚀", "half of a character: \ud83d", 3000 * "a")
    preview = lambda model: Texts(read, None, ("for", "against", "for"), np.array([True, False, True]))  # noqa: E731
    browser = Browser(dl.watch(runs(task=points(preview=preview))))
    browser.send("hello")
    shown = browser.until(lambda header: "gallery" in header)["gallery"]
    assert shown["kind"] == "texts" and shown["said"] == ["for", "against", "for"] and shown["truth"] is None
    assert shown["read"] == [read[0], "half of a character: ?", 2000 * "a" + "…"]
    assert "read" not in browser.until(lambda header: "gallery" in header)["gallery"]
    assert set(browser.column("gallery/right")) == {0, 1}


@pytest.mark.parametrize(
    "preview", [lambda model: 1 / 0, lambda model: "pictures", lambda model: model(torch.zeros(1, 99))]
)
def test_a_preview_that_fails_is_said_in_the_widget_and_the_rest_goes_on(runs, preview):
    browser = Browser(dl.watch(runs(task=points(preview=preview))))
    browser.send("hello")
    step = browser.until(lambda header: "the predictions cannot be shown" in header["trouble"])["step"]
    browser.until(lambda header: header["step"] > step)


# What a browser says.


def test_commands_of_the_browser_take_effect(runs):
    run = runs()
    browser = Browser(dl.watch(run))
    browser.send("hello")
    browser.send("pause")
    held = browser.until(lambda header: header["state"] == "paused")["step"]
    browser.send("step", count=3)
    browser.until(lambda header: header["state"] == "paused" and header["step"] == held + 3)
    browser.send("set", knobs={"lr": 0.5})
    marks = browser.until(lambda header: header["knobs"]["lr"] == 0.5)["marks"]
    assert marks == [[held + 3, "lr 0.01 → 0.5"]]
    browser.send("resume")
    browser.until(lambda header: header["step"] > held + 3)
    browser.send("stop")
    browser.until(lambda header: header["state"] == "done")
    assert run.state == "done"


@pytest.mark.parametrize("knobs", [{"lr": -1}, {"colour": 1}, {"lr": 0.5, "epochs": 0}])
def test_a_setting_that_is_refused_is_explained_and_nothing_is_turned(runs, knobs):
    run = runs()
    browser = Browser(dl.watch(run))
    browser.send("hello")
    browser.send("set", knobs=knobs)
    browser.until(lambda header: header["notice"])
    assert run.knobs["lr"] == 0.01 and run.state == "running"


HUGE = "x" * 1_000_000
NONSENSE = [
    None, 7, "pause", [], ["pause"], {}, {"kind": None}, {"kind": 3}, {"kind": ["pause"]}, {"kind": "explode"},
    {"kind": HUGE}, {"kind": "__class__"}, {"kind": "hello"}, {"kind": "hello", "view": 5}, {"kind": "hello", "view": ""},
    {"kind": "hello", "view": HUGE}, {"kind": "ack"}, {"kind": "ack", "view": {"a": 1}}, {"kind": "visible", "view": None},
    {"kind": "ack", "view": "one", "frames": 0}, {"kind": "ack", "view": "one", "frames": "two"},
    {"kind": "step", "count": "many"}, {"kind": "step", "count": 1.5}, {"kind": "step", "count": None},
    {"kind": "step", "count": True}, {"kind": "step", "count": math.nan}, {"kind": "step", "count": HUGE},
    {"kind": "set"}, {"kind": "set", "knobs": None}, {"kind": "set", "knobs": {}}, {"kind": "set", "knobs": [1]},
    {"kind": "set", "knobs": {"lr": "0.1"}}, {"kind": "set", "knobs": {"lr": None}}, {"kind": "set", "knobs": {"lr": {}}},
    {"kind": "set", "knobs": {"lr": math.nan}}, {"kind": "set", "knobs": {"lr": math.inf}},
    {"kind": "set", "knobs": {"lr": True}}, {"kind": "set", "knobs": {HUGE: 1}}, {"kind": "set", "knobs": {"lr": HUGE}},
    {"kind": "set", "knobs": {"self": 1}}, {"kind": "set", "knobs": {"command": 1}},
    {"kind": "set", "knobs": {f"k{i}": i for i in range(1000)}},
]  # fmt: skip


@pytest.mark.parametrize("message", NONSENSE, ids=lambda message: f"{message!r:.40}")
def test_a_message_that_makes_no_sense_is_ignored_and_logged(runs, caplog, message):
    run = runs()
    browser = Browser(dl.watch(run))
    browser.send("hello")
    browser.until(lambda header: True)
    with caplog.at_level(logging.WARNING, "dlnb"):
        browser.say(message)
    assert [record.name for record in caplog.records] == ["dlnb.widgets.base"]
    assert "ignored a message" in caplog.text and len(caplog.text) < 2000
    step = run.steps
    assert browser.until(lambda header: header["step"] > step)["notice"] == ""
    assert run.state == "running" and run.knobs["lr"] == 0.01


def test_random_messages_never_end_the_run(runs, caplog):
    run = runs()
    browser = Browser(dl.watch(run))
    browser.send("hello")
    draw = np.random.default_rng(0)
    values = [None, -1, 0, 1e308, "", "first", HUGE[:500], [], {}, {"lr": -1}, {"epochs": 0}, True, [[1]], "🙂"]
    kinds = ["hello", "ack", "visible", "bundle?", "set", "step?", "resume?", "start", "evaluate", "_do_stop"]
    for _ in range(500):
        keys = draw.choice(["view", "value", "count", "knobs", "extra"], 2, replace=False)
        content = {str(key): values[draw.integers(len(values))] for key in keys}
        browser.say({"kind": str(draw.choice(kinds)), **content}, [memoryview(b"abc")] * int(draw.integers(3)))
    step = run.steps
    browser.send("hello")
    browser.until(lambda header: header["step"] > step)
    assert run.state == "running" and run.knobs["lr"] == 0.01


def test_the_error_that_failed_a_run_is_shown_with_its_traceback(runs):
    class Breaks(nn.Linear):
        def forward(self, x):
            if self.training:
                raise RuntimeError("<b>mine</b>" + HUGE)
            return super().forward(x)

    run = runs(model=Breaks(2, 2))
    browser = Browser(dl.watch(run))
    browser.send("hello")
    error = browser.until(lambda header: header["state"] == "failed")["error"]
    assert error["kind"] == "RuntimeError" and error["words"].startswith("<b>mine</b>")
    assert len(json.dumps(error)) < 100_000


# How a widget comes and rests.


def test_a_message_does_not_show_and_close_the_figures_that_a_cell_is_drawing(runs, monkeypatch):
    browser, told = Browser(dl.watch(runs(start=False))), []
    shell = SimpleNamespace(events=SimpleNamespace(trigger=lambda event, *_: told.append(event)))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    Wire().handle_msg({})  # nobody listens to this one
    heard = Wire()
    heard.on_msg(lambda message: None)
    heard.handle_msg({})
    assert told == ["pre_execute", "post_execute"]  # so a comm does by itself; pyplot shows its figures at the second
    browser.send("hello")
    browser.until(lambda header: True)
    assert told == ["pre_execute", "post_execute"]


def test_the_bundle_is_sent_on_request_under_its_hash(runs):
    browser = Browser(dl.watch(runs()))
    browser.say({"kind": "bundle"})
    ((header, buffers),) = browser.widget.comm.sent
    assert header == {"kind": "bundle", "hash": browser.widget._bundle} and header["hash"].startswith("watch-")
    assert b"export" in bytes(buffers[0]) and len(browser.widget._esm) < 4000


def test_a_front_end_that_is_not_built_says_how_to_build_it(runs, monkeypatch, tmp_path):
    monkeypatch.setattr(base, "STATIC", tmp_path)
    base.read_static.cache_clear()
    try:
        with pytest.raises(FileNotFoundError, match=re.escape("loader.js is missing): run `make build`")):
            dl.watch(runs())
    finally:
        base.read_static.cache_clear()


def test_the_text_of_a_widget_is_the_same_each_time(runs):
    run = runs()
    assert repr(dl.watch(run)) == "Watch(Linear on points)" and repr(dl.pad(run, size=2)) == "Pad(Linear)"
    assert dl.watch(run)._repr_mimebundle_()[0]["text/plain"] == "Watch(Linear on points)"


def test_a_picture_stays_in_the_notebook_once_the_run_rests(runs):
    run = runs()
    time.sleep(0.1)
    widget = dl.watch(run)
    assert "image/png" not in widget._repr_mimebundle_()[0]
    run.pause()
    assert base64.b64decode(widget._repr_mimebundle_()[0]["image/png"]).startswith(b"\x89PNG")


@pytest.mark.parametrize("what", [None, 3, nn.Linear(2, 2), "run"])
def test_watch_needs_a_run(what):
    with pytest.raises(TypeError, match="watch needs a run"):
        dl.watch(what)


# The pad.

ONE = np.zeros((SIDE, SIDE), np.uint8)
ONE[8:56, 28:36] = 255


class Sees(nn.Linear):
    """(N, 1, 4, 4) → (N, 3)"""

    def __init__(self, answer=None) -> None:
        super().__init__(16, 3)
        self.answer = answer

    def forward(self, x):
        logits = super().forward(x.flatten(1))
        return logits if self.answer is None else self.answer(logits)


def pictures(**settings) -> dl.Task:
    x = torch.rand(32, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    return dl.Task("pictures", TensorBatches(x, torch.arange(32) % 3, size=8), **settings)


def drawing(widget, picture: np.ndarray = ONE) -> Browser:
    browser = Browser(widget)
    browser.send("hello")
    browser.until(lambda header: True)
    browser.send("draw", [memoryview(picture.tobytes())])
    return browser


def test_a_drawing_is_answered_with_probabilities_and_what_the_model_sees(runs):
    browser = drawing(dl.pad(runs(model=Sees(), task=pictures(classes=("a", "b", "c"))), size=4))
    header = browser.until(lambda header: any(entry["name"] == "scores" for entry in header["columns"]))
    assert header["classes"] == ["a", "b", "c"] and (header["height"], header["width"]) == (4, 4)
    assert browser.column("scores")[:3].sum() == pytest.approx(1)
    assert browser.column("seen")[-16:].reshape(4, 4)[1].tolist() == [0, 63, 63, 0]


def test_the_answer_follows_the_model_while_it_learns(runs):
    run = runs(model=Sees(), task=pictures())
    browser = drawing(dl.pad(run, size=4))
    first = browser.until(lambda header: len(header["columns"]) > 1)["step"]
    browser.until(lambda header: header["step"] > first)
    run.pause()
    browser.until(lambda header: header["step"] == run.steps)
    with torch.no_grad():
        run.model.eval()
        seen = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(ONE / np.float32(255))[None, None], 4)
        assert np.allclose(browser.column("scores")[-3:], run.model(seen).softmax(1)[0], atol=1e-6)


def test_the_newest_drawing_wins(runs):
    widget = dl.pad(runs(model=Sees(), task=pictures()), size=4)
    browser = drawing(widget)
    for shade in range(1, 200):
        browser.send("draw", [memoryview(np.full((SIDE, SIDE), shade, np.uint8).tobytes())])
    browser.until(lambda header: len(browser.column("seen")) and browser.column("seen")[-1] >= 198)


def test_a_pad_on_a_bare_model_answers_without_a_run():
    browser = drawing(dl.pad(Sees(), size=4))
    header = browser.until(lambda header: len(header["columns"]) > 1)
    assert header["step"] is None and header["classes"] == ["0", "1", "2"] and header["notice"] == ""


def test_a_pad_opened_before_the_training_asks_between_its_steps(runs):
    model = Sees()
    modes = []
    model.register_forward_hook(lambda module, x, y: modes.append((module.training, len(x[0]))))
    widget = dl.pad(model, size=4)
    runs(model=model, task=pictures())
    browser = drawing(widget)
    browser.until(lambda header: header["step"] is not None and header["step"] > 0)
    assert all(training == (batch == 8) for training, batch in modes[1:]) and (False, 1) in modes


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda logits: 1 / 0, "division by zero"),
        (lambda logits: (logits,), "gave a tuple"),
        (lambda logits: logits[..., None], r"gave shape (1, 3, 1)"),
        (lambda logits: logits * math.nan, "not finite"),
    ],
)
def test_a_model_that_cannot_answer_says_why_and_answers_the_next_drawing(answer, words):
    model = Sees(answer)
    browser = drawing(dl.pad(model, size=4))
    browser.until(lambda header: header["notice"].startswith("the model cannot answer") and words in header["notice"])
    model.answer = None
    browser.send("draw", [memoryview(ONE.tobytes())])
    browser.until(lambda header: header["notice"] == "" and len(header["columns"]) > 1)


def test_a_task_that_cannot_read_the_drawing_says_why():
    browser = drawing(dl.pad(Sees(), pictures(from_drawing=lambda drawing: 1 / 0)))
    browser.until(lambda header: "the drawing cannot be an input: division by zero" in header["notice"])


def test_models_of_half_precision_and_without_parameters_answer_too():
    for model in (Sees().bfloat16(), nn.Flatten()):
        browser = drawing(dl.pad(model, size=4))
        assert browser.until(lambda header: header["notice"] or len(header["columns"]) > 1)["notice"] == ""


@pytest.mark.parametrize("buffers", [[], [memoryview(b"abc")], [memoryview(bytes(SIDE * SIDE))] * 2])
def test_a_drawing_of_another_size_is_ignored_and_logged(caplog, buffers):
    browser = Browser(dl.pad(Sees(), size=4))
    browser.send("draw", buffers)
    assert "a drawing must be one buffer of 4096 bytes" in caplog.text


def test_an_empty_pad_says_nothing():
    browser = drawing(dl.pad(Sees(), size=4))
    browser.until(lambda header: len(header["columns"]) > 1)
    browser.send("draw", [memoryview(bytes(SIDE * SIDE))])
    browser.until(lambda header: [entry["name"] for entry in header["columns"]] == ["seen"])


def test_a_pad_says_what_is_missing():
    with pytest.raises(ValueError, match="Give the task, or size=28"):
        dl.pad(Sees())
    with pytest.raises(TypeError, match="pad needs a model or a run, got str"):
        dl.pad("model")
    with pytest.raises(TypeError, match="size=28"):
        dl.pad(Sees(), 28)
    with pytest.raises(ValueError, match="whole number of pixels"):
        dl.pad(Sees(), size=0)


def test_a_widget_made_inside_a_loop_of_ones_own_is_shown_at_once_and_once_only(monkeypatch):
    shown, cell = [], SimpleNamespace(execution_count=3)
    monkeypatch.setattr(inside, "_shell", lambda: cell)
    monkeypatch.setattr(IPython.display, "display", shown.append)
    model = torch.nn.Linear(2, 2)
    run = dl.record(model, torch.optim.SGD(model.parameters(), lr=0.1))
    before = dl.watch(run)
    with run:
        view = dl.watch(run)
        assert shown == [view]
    after = dl.watch(run)
    assert shown == [view], "a cell shows its last line by itself"
    assert view._ipython_display_() is None, "and nothing more where it is that line"
    for widget in (view, before, after):
        with pytest.raises(NotImplementedError):
            widget._ipython_display_()  # as always
        widget.close()
