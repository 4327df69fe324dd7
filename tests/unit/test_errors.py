"""The kernel's half of `dl.errors` on real runs; only the wire to the browser is replaced."""

import base64
import json
import math
import time

import comm
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_widgets import Browser, Wire
from torch import Tensor, nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.preview import Images
from dlnb.widgets import looking
from dlnb.widgets.base import View
from dlnb.widgets.errors import errors
from dlnb.widgets.errors_frame import PAGE


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


@pytest.fixture
def runs():
    """Makes runs, and ends them with the test."""
    made = []

    def make(task=None, model=None, **settings):
        task = task or grey()
        with dl.seeded(0):
            model = model or nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
        made.append(dl.fit(model, task, **{"epochs": 10**6, "lr": 0.01} | settings))
        return made[-1]

    yield make
    for run in made:
        run.stop()


def grey(examples: int = 60, classes: int = 3, size: int = 20, **settings) -> dl.Task:
    """Small pictures whose brightest quarter is their class, with noise."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, classes, (examples,), generator=generator)
    x = torch.rand(examples, 1, 4, 4, generator=generator)
    x[torch.arange(examples), 0, y % 4, y // 4 % 4] += 0.5
    x = x / 1.5
    names = tuple(f"c{k}" for k in range(classes))
    split = TensorBatches(x, y, size=size)
    return dl.Task("grey", TensorBatches(x, y, size=16, shuffle=True), split, split, **{"classes": names} | settings)


def opened(run, split: str = "valid", task: dl.Task | None = None) -> Browser:
    """A view in a browser that has greeted."""
    browser = Browser(errors(run, split, task))
    browser.send("hello")
    return browser


def found(browser: Browser) -> dict:
    """The header of the next frame with something found."""
    return browser.until(lambda header: "found" in header)


def column(browser: Browser, name: str) -> np.ndarray:
    """A column of the newest frame that has it."""
    for header, buffers in reversed(browser.frames):
        for entry in header["columns"]:
            if entry["name"] == name:
                return np.frombuffer(bytearray(buffers[0]), entry["kind"], entry["length"], entry["offset"])
    raise AssertionError(f"no column {name!r}")


def nbytes(frame) -> int:
    header, buffers = frame
    return len(json.dumps(header)) + sum(map(len, buffers))


# What is found and sent.


def test_what_is_sent_is_what_evaluate_measures(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    header = found(browser)
    assert browser.frames[0][0]["full"]
    assert header["found"]["anew"] and header["found"]["kind"] == "classes" and header["found"]["count"] == 60
    assert header["found"]["classes"] == ["c0", "c1", "c2"]
    cells, counts = column(browser, "cell/gap").astype(int).cumsum(), column(browser, "cell/count")
    assert counts.sum() == 60 and header["found"]["steps"] == [run.steps, run.steps]
    right = counts[np.isin(cells, [0, 4, 8])].sum() / 60
    with torch.no_grad():
        x, y = run.task.valid.tensors
        assert right == pytest.approx((run.model(x).argmax(1) == y).float().mean().item())
        losses = F.cross_entropy(run.model(x), y, reduction="none")
    assert column(browser, "list/loss") == pytest.approx(losses.sort(descending=True).values[:PAGE].numpy(), rel=1e-4)
    assert f"Right on {counts[np.isin(cells, [0, 4, 8])].sum()} of 60 validation examples" in header["found"]["summary"]


def test_it_looks_again_while_the_model_trains_and_sends_only_what_changed(runs):
    browser = opened(runs(lr=1e-4))
    first = found(browser)
    second = found(browser)
    assert second["found"]["steps"][0] > first["found"]["steps"][1]
    assert second["found"]["since"] == first["found"]["steps"][1] and second["found"]["looks"] == 2
    assert not second["found"]["anew"] and "classes" not in second["found"]
    sizes = [nbytes(frame) for frame in browser.frames if "found" in frame[0]]
    assert sizes[-1] < 8192


def test_a_usual_frame_of_a_hundred_classes_is_small_enough(runs):
    run = runs(grey(2000, classes=100), nn.Sequential(nn.Flatten(), nn.Linear(16, 100)), lr=1e-4)
    browser = opened(run)
    found(browser)
    found(browser)
    assert len(column(browser, "class/support")) == 100
    assert nbytes(browser.frames[-1]) < 8192


def test_more_than_a_hundred_classes_are_shown_by_those_with_most_mistakes(runs):
    run = runs(grey(900, classes=300), nn.Sequential(nn.Flatten(), nn.Linear(16, 300)))
    browser = opened(run)
    header = found(browser)
    assert header["found"]["classCount"] == 300 and len(header["found"]["classes"]) == 100
    shown = column(browser, "shown")
    assert header["found"]["classes"] == [f"c{k}" for k in shown] and column(browser, "cell/gap").sum() < 100**2


def test_looks_take_no_larger_share_of_the_training_time_than_they_may(runs, monkeypatch):
    run = runs()
    browser = opened(run)
    found(browser)
    found(browser)
    look = browser.widget._looking
    cost = look._rest * looking.SHARE
    assert look._rest >= looking.PERIOD and (look._rest == looking.PERIOD or cost > 0)
    monkeypatch.setattr(looking, "SHARE", 1e-9)
    browser.send("again")
    browser.until(lambda header: look._rest > 1000)
    count = len(browser.frames)
    time.sleep(1.5)
    assert len(browser.frames) <= count + 1


def test_no_question_holds_the_training_up_for_longer_than_a_batch(runs):
    batches = []

    class Slow(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                batches.append(1)
                time.sleep(0.015)
            return super().forward(x.flatten(1))

    run = runs(grey(60, size=5), Slow(16, 3))
    run.pause()
    ask, asked = run.ask, []

    def counted(question):
        def counting(model):
            before = len(batches)
            question(model)
            asked.append(len(batches) - before)

        return ask(counting)

    run.ask = counted
    found(opened(run))
    assert sum(asked) == 12 and max(asked) <= 2, "20 ms are over after two batches of 15"


def test_nobody_looks_nothing_is_asked(runs):
    run = runs()
    widget = errors(run)
    time.sleep(0.5)
    assert widget.found is None and run.observed < 0.5


# Following the run.


def test_it_follows_a_seek_of_a_run_that_rests(runs):
    run = runs(epochs=30, block=True)
    browser = opened(run)
    assert found(browser)["found"]["steps"] == [run.steps, run.steps]
    run.seek(7)
    assert found(browser)["found"]["steps"] == [7, 7]
    later = browser.widget.found.answers.losses
    run.seek(0)
    assert found(browser)["found"]["steps"] == [0, 0]
    assert not np.array_equal(later, browser.widget.found.answers.losses)


def test_after_a_seek_and_back_the_same_is_found(runs):
    run = runs(epochs=20, block=True)
    widget = errors(run)
    before = widget.look()
    run.seek(3)
    there = widget.look()
    run.seek(before.steps[1])
    again = widget.look()
    assert np.array_equal(again.answers.losses, before.answers.losses)
    assert not np.array_equal(there.answers.losses, before.answers.losses)


def test_on_a_line_that_left_earlier_only_shared_looks_count(runs):
    run = runs(epochs=20, block=True)
    widget = errors(run)
    for step in (5, 20, 40):
        run.seek(step)
        widget.look()
    assert widget._memories["valid"].count == 3
    run.seek(10)
    run.set(lr=0.5)
    run.step(50)
    # 20 and 40 are of the line that was left at 10.
    assert widget.look().looks == 2


def test_an_edit_of_the_weights_at_one_step_is_seen(runs):
    run = runs(epochs=5, block=True)
    browser = opened(run)
    found(browser)
    run.edit(lambda model: model[1].weight.data.zero_(), "zeroed")
    found(browser)
    assert (browser.widget.found.answers.probabilities.std(axis=0) < 1e-6).all()


# Lists, pictures, curves.


def test_a_click_on_a_cell_brings_its_examples(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    matrix = browser.widget.found.confusion
    i, j = np.unravel_index(matrix.argmax(), matrix.shape)
    browser.send("list", name="cell", truth=int(i), said=int(j), page=0)
    header = browser.until(lambda header: header.get("list", {}).get("name") == "cell")
    assert header["list"]["total"] == matrix[i, j] and "found" not in header
    assert set(header["list"]["truths"]) == {f"c{i}"} and set(header["list"]["answers"]) == {f"c{j}"}
    numbers = column(browser, "list/number")
    assert (run.task.valid.tensors[1][numbers] == i).all()


def test_pages_go_on_where_the_last_one_ended_and_stop_at_the_end(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    seen = list(column(browser, "list/number"))
    for page in (1, 2, 99):
        browser.send("list", name="worst", page=page)
        header = browser.until(lambda header: "list" in header)
        if page < 3:
            seen += list(column(browser, "list/number"))
    assert sorted(seen) == list(range(60)) and header["list"]["page"] == 2 == header["list"]["pages"] - 1


def test_pictures_travel_once_and_are_those_of_the_examples(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    shapes, pixels = column(browser, "picture/shape").reshape(-1, 4), column(browser, "picture/pixels")
    assert shapes[:, 1:].tolist() == [[4, 4, 1]] * PAGE
    for (number, *_), picture in zip(shapes, pixels.reshape(-1, 4, 4), strict=True):
        expected = (run.task.valid.tensors[0][number, 0] * 255).round()
        assert np.abs(picture - expected.numpy()).max() <= 1
    for name in ("forgotten", "worst"):
        browser.send("list", name=name, page=0)
        browser.until(lambda header, name=name: header.get("list", {}).get("name") == name)
    assert [header.get("pictures") for header, _ in browser.frames].count(PAGE) == 1


def test_a_task_says_how_its_inputs_are_shown(runs):
    def show(x: Tensor) -> Images:
        return Images(np.full((len(x), 100, 150, 3), 9, np.uint8), ())

    run = runs(grey(show=show))
    run.pause()
    browser = opened(run)
    found(browser)
    shapes = column(browser, "picture/shape").reshape(-1, 4)
    assert shapes[:, 1:].tolist() == [[33, 50, 3]] * len(shapes), "made small"


def test_large_pictures_come_a_few_at_a_time_while_it_trains(runs):
    def show(x: Tensor) -> Images:
        return Images(np.zeros((len(x), 40, 40), np.uint8), ())

    browser = opened(runs(grey(show=show), lr=1e-3))
    total = 0
    browser.until(lambda header: "pictures" in header)
    while total < PAGE:
        total = sum(header.get("pictures", 0) for header, _ in browser.frames)
        browser.until(lambda header: True)
    live = [frame for frame in browser.frames[1:] if "found" not in frame[0] and "pictures" in frame[0]]
    assert all(nbytes(frame) < 8192 for frame in live)


@pytest.mark.parametrize("show", [None, lambda x: 1 / 0, lambda x: "no pictures"])
def test_without_pictures_the_rest_is_there(runs, show):
    x, y = torch.randn(30, 5), torch.randint(0, 3, (30,))
    data = TensorBatches(x, y, size=10)
    run = runs(dl.Task("table", data, data, show=show), nn.Linear(5, 3))
    run.pause()
    browser = opened(run)
    header = found(browser)
    assert header["list"]["total"] == 30 and not any("pictures" in header for header, _ in browser.frames)
    assert ("cannot be shown" in header["notice"]) == (show is not None and show.__code__.co_consts[-1] == 0)


def test_pictures_that_are_too_many_to_keep_are_fetched_when_they_are_shown(runs, monkeypatch):
    monkeypatch.setattr("dlnb.widgets.errors.PICTURES", 16 * 20)  # of the first batch only
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    shown = set(column(browser, "list/number"))
    got = set(browser.column("picture/shape").reshape(-1, 4)[:, 0])
    while got != shown:
        browser.until(lambda header: "pictures" in header)
        got = set(browser.column("picture/shape").reshape(-1, 4)[:, 0])
    assert set(browser.widget.pictures["valid"]) == shown | set(range(20)), "and no others"


def test_the_curve_of_a_class_is_sent_when_it_is_asked_for(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    assert found(browser)["curve"]["class"] == -1
    browser.send("curve", curve=2)
    header = browser.until(lambda header: header.get("curve", {}).get("class") == 2)
    assert header["curve"]["area"] == pytest.approx(browser.widget.found.table.average_precision[2])
    assert column(browser, "curve/recall").max() == 1


# Splits.


def test_another_split_is_another_look_and_each_keeps_its_memory(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    assert found(browser)["splits"] == ["train", "valid", "test"]
    browser.send("split", split="train")
    header = found(browser)
    assert header["split"] == "train" and header["found"]["anew"] and header["found"]["looks"] == 1
    run.step(1)
    browser.send("split", split="valid")
    assert browser.until(lambda header: header["split"] == "valid" and "found" in header)["found"]["looks"] == 2


def test_a_split_that_the_task_lacks_is_refused_in_words(runs):
    x = torch.randn(8, 2)
    run = runs(dl.Task("one", TensorBatches(x, (x[:, 0] > 0).long(), size=4)), nn.Linear(2, 2))
    with pytest.raises(ValueError, match="no valid split"):
        errors(run)
    assert errors(run, "train").splits == ["train"]
    with pytest.raises(TypeError, match="needs a run"):
        errors(nn.Linear(2, 2))


def test_a_loop_of_ones_own_is_judged_by_a_task_that_is_given():
    task = grey()
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [task.train.batch(0, 0, k) for k in range(4)]
    with dl.record(model, optimizer) as run:
        with pytest.raises(ValueError, match="from_loaders"):
            errors(run)
        browser = opened(run, task=task)
        end = time.monotonic() + 20
        for x, y in run.loop(batches, epochs=10**6):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            seen = [header["found"]["steps"][1] for header, _ in browser.frames if "found" in header]
            browser.send("ack")
            if max(seen, default=0) > 0 or time.monotonic() > end:
                run.request("stop")
    assert max(seen) > 0, "looked at while the loop went round"
    assert browser.widget.look().answers.right.mean() > 0.3


# Other kinds of tasks.


def kinds():
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    yield "labels", x, (x[:, :3] > 0).float(), F.binary_cross_entropy_with_logits, nn.Linear(6, 3)
    yield "numbers", x, x[:, :2] * 3, F.mse_loss, nn.Linear(6, 2)
    yield "numbers", x, x[:, 0], lambda o, t: F.l1_loss(o.squeeze(1), t), nn.Linear(6, 1)
    yield "classes", x, (x[:, :1] > 0).float(), F.binary_cross_entropy_with_logits, nn.Linear(6, 1)
    yield "losses", x, x.view(40, 2, 3), F.mse_loss, nn.Sequential(nn.Linear(6, 6), nn.Unflatten(1, (2, 3)))


@pytest.mark.parametrize(("kind", "x", "y", "loss", "model"), list(kinds()))
def test_every_kind_of_task_has_a_view_a_list_and_a_still_picture(runs, kind, x, y, loss, model):
    data = TensorBatches(x, y, size=16)
    run = runs(dl.Task(kind, data, data, loss=loss), model)
    run.pause()
    browser = opened(run)
    header = found(browser)
    assert header["found"]["kind"] == kind and header["list"]["total"] == 40 and header["found"]["summary"]
    for name in ("new", "mended", "forgotten", "cell", "class"):
        browser.send("list", name=name, truth=0, said=0, page=0)
        browser.until(lambda header, name=name: header.get("list", {}).get("name") == name)
    browser.send("curve", curve=1)
    browser.until(lambda header: "curve" in header)
    assert base64.b64decode(browser.widget.still()).startswith(b"\x89PNG")


def test_a_regression_has_dots_true_and_predicted(runs):
    x = torch.randn(500, 3)
    data = TensorBatches(x, x[:, :2] * 2, size=100)
    run = runs(dl.Task("double", data, data, loss=F.mse_loss), nn.Linear(3, 2))
    run.pause()
    browser = opened(run)
    assert found(browser)["found"]["outputs"] == 2
    browser.send("curve", curve=1)
    browser.until(lambda header: header.get("curve", {}).get("class") == 1)
    numbers, truth = column(browser, "dot/index"), column(browser, "dot/truth")
    assert len(numbers) == len(set(numbers)) == 256 and truth == pytest.approx((x[numbers, 1] * 2).numpy(), rel=1e-5)
    assert set(column(browser, "list/number")) <= set(numbers), "the worst are among them"


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_a_split_of_one_example(runs, classes):
    task = grey(1, classes=classes)
    run = runs(task, nn.Sequential(nn.Flatten(), nn.Linear(16, classes)))
    run.pause()
    browser = opened(run)
    header = found(browser)
    assert "of 1 validation example " in header["found"]["summary"]
    assert browser.widget.still()


def test_a_model_that_says_nan_is_shown_as_such(runs):
    run = runs()
    run.pause()
    run.edit(lambda model: model[1].weight.data.fill_(math.nan), "spoiled")
    browser = opened(run)
    header = found(browser)
    assert "60 of its answers are not finite numbers" in header["found"]["summary"]
    assert header["list"]["answers"] == ["not finite"] * PAGE and header["found"]["calibration"] is None
    assert browser.widget.still()


class Grumpy(nn.Module):
    """A model that can be told not to answer in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 3)
        self.grumpy = True

    def forward(self, x: Tensor) -> Tensor:
        if self.grumpy and not self.training:
            raise RuntimeError("not in the mood")
        return self.layer(x.flatten(1))


def test_a_model_that_fails_is_said_and_the_training_goes_on(runs):
    model = Grumpy()
    model.grumpy = False
    run = runs(model=model)
    run.pause()
    model.grumpy = True
    browser = opened(run)
    header = browser.until(lambda header: header["notice"])
    assert "cannot be read: RuntimeError: not in the mood" in header["notice"]
    assert browser.widget.still() is None
    model.grumpy = False
    browser.send("again")
    assert found(browser)["notice"] == ""


# What can be done.


def test_chosen_examples_are_noted_on_the_curve_of_the_run(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    chosen = [{"split": "valid", "number": 3}, {"split": "train", "number": 9}, {"split": "valid", "number": 4}]
    browser.send("note", examples=chosen)
    end = time.monotonic() + 10
    while not any("try again" in mark.text for mark in run.history.marks) and time.monotonic() < end:
        time.sleep(0.01)
    assert (run.history.marks[-1].step, run.history.marks[-1].text) == (run.steps, "try again: valid 3, 4; train 9")


def test_whether_training_on_one_helps_the_other_is_said_and_changes_nothing(runs):
    run = runs()
    run.pause()
    run.step(1)
    browser = opened(run)
    found(browser)
    before = [parameter.clone() for parameter in run.model.parameters()]
    grads = [parameter.grad.clone() for parameter in run.model.parameters()]
    browser.send("help", on={"split": "train", "number": 0}, of={"split": "valid", "number": 0})
    words = browser.until(lambda header: header["influence"])["influence"]["words"]
    # The same picture, read from two splits.
    assert "Training on train 0 would help valid 0" in words and "cosine 1.00" in words
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True))
    assert all(torch.equal(a, b.grad) for a, b in zip(grads, run.model.parameters(), strict=True))


def test_the_questions_change_no_later_step(runs):
    def losses(watched: bool) -> list[float]:
        with dl.seeded(3):
            model = dl.vision.LeNet()
        run = runs(dl.vision.digits(), model, epochs=4)
        if watched:
            run.pause()
            browser = opened(run, "train")
            found(browser)
            browser.send("help", on={"split": "train", "number": 0}, of={"split": "valid", "number": 5})
            browser.until(lambda header: header["influence"])
            run.resume()
            browser.send("again")
        run.wait(60)
        return list(run.history["loss"])

    assert losses(True) == losses(False)


def test_compare_from_here_holds_the_look_to_compare_with(runs):
    run = runs(epochs=200)
    run.pause()
    browser = opened(run)
    step = found(browser)["found"]["steps"][1]
    browser.send("compare")
    for _ in range(3):
        run.step(1)
        header = found(browser)
    while header["found"]["steps"][1] != run.steps:
        header = found(browser)
    assert header["found"]["since"] == step


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("split", {"split": "moon"}),
        ("split", {}),
        ("list", {"name": "best"}),
        ("list", {"name": "cell", "truth": "0", "said": 0}),
        ("list", {"name": "worst", "page": 1e9}),
        ("list", {"name": "cell", "truth": -7, "said": 0}),
        ("curve", {"curve": True}),
        ("note", {"examples": []}),
        ("note", {"examples": [{"split": "valid", "number": -1}]}),
        ("note", {"examples": [{"split": "valid", "number": 1}] * 101}),
        ("help", {"on": {"split": "valid", "number": 0}}),
        ("help", {"on": "me", "of": "you"}),
    ],
)
def test_messages_that_make_no_sense_are_ignored(runs, kind, content, caplog):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    marks = len(run.history.marks)
    browser.send(kind, **content)
    assert "ignored a message" in caplog.text
    assert browser.widget.split == "valid" and len(run.history.marks) == marks


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("list", {"name": "cell", "truth": 2_000_000, "said": 0, "page": 0}),
        ("list", {"name": "class", "truth": -1, "page": 0}),
        ("list", {"name": "worst", "page": 2**31 - 1}),
        ("curve", {"curve": 500}),
        ("help", {"on": {"split": "valid", "number": 10**6}, "of": {"split": "valid", "number": 0}}),
    ],
)
def test_what_does_not_exist_is_an_empty_answer_or_a_notice(runs, kind, content):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    browser.send(kind, **content)
    header = browser.until(lambda header: "list" in header or "curve" in header or header["notice"])
    assert header["notice"] == "" or "there is no" in header["notice"]
    browser.send("list", name="forgotten", page=0)
    browser.until(lambda header: header.get("list", {}).get("name") == "forgotten")


# As a widget.


def test_closing_takes_it_off_the_run_and_its_text_is_always_the_same(runs):
    run = runs()
    listeners = len(run.on_change)
    widget = errors(run)
    assert repr(widget) == "Errors(Sequential on grey, valid)"
    widget.close()
    widget.close()
    assert len(run.on_change) == listeners


def test_a_run_that_trains_has_no_still_picture_and_one_that_rests_has(runs):
    run = runs()
    assert errors(run).still() is None
    run.pause()
    assert "image/png" in errors(run)._repr_mimebundle_()[0]


def test_two_views_have_their_own_lists(runs):
    run = runs()
    run.pause()
    widget = errors(run)
    one, other = Browser(widget, "one"), Browser(widget, "other")
    one.send("hello")
    other.send("hello")
    found(one)
    found(other)
    one.send("list", name="forgotten", page=0)
    one.until(lambda header: header.get("list", {}).get("name") == "forgotten")
    assert all(header.get("list", {"name": "worst"})["name"] == "worst" for header, _ in other.frames)


def test_what_stands_still_is_not_sent_again(runs):
    run = runs()
    run.pause()
    browser = opened(run)
    found(browser)
    time.sleep(0.4)
    for _ in browser.frames:
        browser.send("ack")
    time.sleep(0.3)
    count = len(browser.frames)
    browser.widget.changed()
    time.sleep(0.4)
    assert len(browser.frames) == count


def test_a_reloaded_page_gets_everything_again(runs):
    run = runs()
    run.pause()
    widget = errors(run)
    widget.look()
    header, buffers = widget.make_frame(View("reloaded"))
    assert header["full"] and header["found"]["anew"] and header["pictures"] == PAGE and buffers
