"""The kernel's half of `dl.xray` on real models and runs; only the wire to the browser is replaced."""

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
from test_xray import hooks, lenet, pictures, same, weights
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.explain.tree import ROWS
from dlnb.widgets.base import View
from dlnb.widgets.xray import xray
from dlnb.widgets.xray_looks import PERIOD, SHARE


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


@pytest.fixture
def runs():
    """Makes runs of a small LeNet, and ends them with the test."""
    made = []

    def make(**settings):
        x, y = pictures(128)
        batches = TensorBatches(x, y, size=16, shuffle=True)
        task = dl.Task("pictures", batches, TensorBatches(x, y, size=128), metrics={"accuracy": dl.accuracy})
        made.append(dl.fit(lenet(), task, **{"epochs": 10**6, "lr": 1e-3} | settings))
        return made[-1]

    yield make
    for run in made:
        run.stop()


def opened(view) -> Browser:
    browser = Browser(view)
    browser.send("hello")
    return browser


def has_numbers(header) -> bool:
    return "measures" in header


def column(browser: Browser, name: str) -> np.ndarray:
    """A column of the newest frame that has it."""
    for header, buffers in reversed(browser.frames):
        for entry in header["columns"]:
            if entry["name"] == name:
                return np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"])
    raise AssertionError(f"no column {name!r}")


def test_a_bare_model_is_seen_at_once_and_sent_as_a_tree_and_columns():
    x, y = pictures()
    browser = opened(xray(lenet(), x, y))
    header = browser.until(has_numbers)
    tree = next(frame["tree"] for frame, _ in browser.frames if "tree" in frame)
    assert [row["path"] for row in tree][:3] == ["", "features", "features.0"] and tree[2]["shape"] == "(16, 4, 8, 8)"
    assert header["measures"].keys() == {"loss", "accuracy"} and header["step"] is None and header["examples"] == 16
    assert len(column(browser, "mean")) == len(tree) and "gradients/data" in [
        entry["name"] for entry in header["columns"]
    ]
    layout = column(browser, "thumbnails/layout").reshape(-1, 4)
    assert layout[2].tolist() == [4, 8, 8, 1] and len(column(browser, "thumbnails/data")) == layout[:, :3].prod(1).sum()


def test_without_y_there_is_no_loss_and_no_gradient():
    header = opened(xray(lenet(), pictures()[0])).until(has_numbers)
    assert header["measures"] == {} and "gradients/data" not in [entry["name"] for entry in header["columns"]]


def test_only_open_rows_are_sent():
    browser = opened(view := xray(lenet(), pictures()[0]))
    browser.until(has_numbers)
    browser.send("open", path="features", value=False)
    browser.until(lambda header: "tree" in header and len(header["tree"]) == 9)
    assert "features" in view.looks.sight.activities and "features.0" not in view.looks.sight.activities
    assert len(column(browser, "mean")) == 9
    browser.send("open", path="features", value=True)
    browser.until(lambda header: "tree" in header and len(header["tree"]) == 17)


def test_the_chosen_layer_is_sent_with_its_values():
    model, (x, _) = lenet(), pictures()
    browser = opened(xray(model, x))
    browser.until(has_numbers)
    browser.send("choose", path="features.0", unit=2)
    detail = browser.until(lambda header: header.get("detail", {}).get("path") == "features.0")["detail"]
    assert (detail["kind"], detail["rows"], detail["cells"], detail["unit"], detail["units"]) == ("maps", 8, 8, 2, 4)
    assert np.array_equal(column(browser, "detail/values").reshape(8, 8), model.features[0](x)[0, 2].detach().numpy())
    assert column(browser, "detail/weights").sum() == detail["weights"]["counted"] == detail["weights"]["total"] == 40
    assert column(browser, "overview/layout").tolist() == [4, 8, 8, 1]
    browser.send("example", value=5)
    browser.until(lambda header: header.get("example") == 5 and "detail" in header)
    assert np.array_equal(column(browser, "detail/values").reshape(8, 8), model.features[0](x)[5, 2].detach().numpy())


def test_closing_the_row_above_the_chosen_one_chooses_that_row():
    browser = opened(xray(lenet(), pictures()[0]))
    browser.send("choose", path="features.0", unit=None)
    browser.until(lambda header: header["chosen"] == "features.0")
    browser.send("open", path="features", value=False)
    browser.until(lambda header: header.get("detail", {}).get("path") == "features")


def test_switching_a_channel_off_changes_the_loss_and_switching_it_on_brings_it_back_exactly():
    model, (x, y) = lenet(), pictures()
    browser = opened(view := xray(model, x, y))
    first = browser.until(has_numbers)["measures"]
    browser.send("off", path="features.0", unit=1, value=True)
    off = browser.until(lambda header: header.get("before"))
    assert off["before"] == first and off["measures"]["loss"] != first["loss"] and off["difference"] > 0
    assert off["off"] == [{"path": "features.0", "unit": 1}] and off["changed"] is not None
    assert F.cross_entropy(model(x), y).item() == pytest.approx(first["loss"])
    with view.ablated():
        assert F.cross_entropy(model(x), y).item() == pytest.approx(off["measures"]["loss"])
    browser.send("restore")
    assert browser.until(lambda header: has_numbers(header) and header["before"] is None)["measures"] == first
    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("path", "unit", "words"), [("features.0", 4, "units 0 to 3"), ("nowhere", None, "no layer 'nowhere'")]
)
def test_what_cannot_be_switched_off_is_refused_in_words(path, unit, words):
    with pytest.raises(ValueError, match=words):
        xray(lenet(), pictures()[0]).ablate(path, unit)


def test_freezing_and_beginning_anew_without_a_run():
    model = lenet()
    browser = opened(view := xray(model, pictures()[0]))
    browser.send("freeze", path="features.0", value=True)
    browser.until(lambda header: any(row["frozen"] == "all" for row in header.get("tree", [])))
    assert not model.features[0].weight.requires_grad
    browser.send("freeze", path="features.0", value=False)
    assert model.features[0].weight.requires_grad
    before = model.classifier[2].weight.clone()
    view.reinitialise("classifier.2")
    assert not torch.equal(model.classifier[2].weight, before)
    with pytest.raises(ValueError, match="has no weights"):
        view.reinitialise("features.2")


def test_a_run_shows_its_validation_split_and_is_followed(runs):
    run = runs()
    browser = opened(view := xray(run))
    header = browser.until(has_numbers)
    assert header["examples"] == 64 and header["measures"].keys() == {"loss", "accuracy"}
    browser.until(
        lambda header: has_numbers(header) and header["step"] > 0 and np.nanmax(column(browser, "update")) > 0
    )
    browser.send("choose", path="classifier.5", unit=None)
    run.pause()
    browser.until(lambda header: has_numbers(header) and header["step"] == run.steps and "detail" in header)
    x = run.task.valid.batch(0, 0, 0)[0][:64]
    first = run.ask(lambda model: model(x)[0]).result()
    assert np.allclose(column(browser, "detail/values"), first, atol=1e-5)
    assert view.looks.batch.size == 64


def test_seeking_takes_the_view_along(runs):
    run = runs()
    browser = opened(xray(run))
    browser.until(lambda header: has_numbers(header) and header["step"] > 5)
    run.seek(3)
    header = browser.until(lambda header: has_numbers(header) and header["step"] == 3)
    x, y = run.task.valid.batch(0, 0, 0)
    # Asked between two steps, as the view itself looks now and then and puts the model's mode back.
    loss = run.ask(lambda model: F.cross_entropy(model(x[:64]), y[:64]).item()).result()
    assert header["measures"]["loss"] == pytest.approx(loss, rel=1e-5)


def test_watching_and_switching_off_changes_no_step_of_a_run(runs):
    alone, watched = runs(epochs=10, threads=1), runs(epochs=10, threads=1)
    browser = opened(xray(watched))
    browser.send("off", path="features.0", unit=None, value=True)
    browser.until(lambda header: header.get("before"))
    alone.wait(60)
    watched.wait(60)
    assert np.array_equal(alone.history["loss"], watched.history["loss"])
    end = time.monotonic() + 30  # the last look at the run that is done may just be taken
    while hooks(watched.model) and time.monotonic() < end:
        time.sleep(0.01)
    assert hooks(watched.model) == 0


def test_a_run_freezes_and_begins_anew_between_two_steps_and_writes_it_down(runs):
    run = runs()
    browser = opened(xray(run))
    browser.until(has_numbers)
    browser.send("freeze", path="features.0", value=True)
    browser.until(lambda header: any(row["frozen"] == "all" for row in header.get("tree", [])))
    assert "features.0" in run.frozen
    run.pause()
    before = run.model.classifier[2].weight.clone()
    browser.send("reinitialise", path="classifier.2")
    browser.until(lambda header: has_numbers(header) and not torch.equal(run.model.classifier[2].weight, before))
    assert "classifier.2 begun anew" in run.history.marks[-1].text
    step, anew = run.steps, weights(run.model)
    run.step(3)
    run.seek(step + 3)
    run.seek(step)
    assert same(weights(run.model), anew)


def test_what_a_run_refuses_is_said_in_the_widget(runs):
    run = runs()
    browser = opened(xray(run))
    browser.until(has_numbers)
    browser.send("freeze", path="features.2", value=True)
    assert "has no parameters" in browser.until(lambda header: header["notice"])["notice"]


def test_a_view_opened_before_the_training_follows_it(runs):
    model, (x, y) = lenet(), pictures(128)
    browser = opened(view := xray(model, x, y))
    browser.until(has_numbers)
    run = dl.fit(model, dl.Task("pictures", TensorBatches(x, y, size=16)), epochs=10**6)
    try:
        browser.send("look")
        browser.until(lambda header: has_numbers(header) and (header["step"] or 0) > 0)
        assert view.run is run
    finally:
        run.stop()


def test_a_recorded_loop_is_followed_too():
    model, (x, y) = lenet().train(), pictures(64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with dl.record(model, optimizer) as run:
        browser = opened(xray(run, x, y))
        for a, b in run.loop([(x, y)] * 30, epochs=1):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(a), b)
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
            time.sleep(0.01)
    header = browser.until(lambda header: has_numbers(header) and header["step"] == 30)
    assert header["measures"]["loss"] == pytest.approx(F.cross_entropy(model.eval()(x), y).item(), rel=1e-4)
    with pytest.raises(TypeError, match="needs a batch"):
        xray(run)


def test_closing_leaves_nothing_on_the_run_or_the_model(runs):
    run = runs()
    view = xray(run)
    browser = opened(view)
    view.ablate("features.0", 1)  # before anything was seen
    browser.until(lambda header: header.get("before"))
    listeners = len(run.on_change)
    view.look()  # which the run may not have answered yet
    view.close()
    view.close()
    number = view.looks.number
    assert len(run.on_change) == listeners - 1 and view.looks.off == []
    assert run.ask(hooks).result(10) == 0
    view.look()
    time.sleep(0.2)
    assert view.looks.number == number


def test_nobody_looks_nothing_is_asked(runs):
    run = runs()
    view = xray(run)
    time.sleep(0.6)
    assert run.steps > 0 and view.looks.number == 0 and view.looks.sight is None


def test_looks_take_their_share_of_the_training_time_and_no_more(runs):
    run = runs()
    view = xray(run)
    browser = opened(view)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        browser.until(has_numbers)
    looks = view.looks
    assert (
        0 < looks.number < 10 + 4 / max(PERIOD, looks.sight.seconds / SHARE / 8)
    )  # a wide margin: the machine is shared


def test_an_error_of_the_model_is_said_and_the_next_look_goes_well():
    class Moody(nn.Linear):
        broken = True

        def forward(self, x):
            if self.broken:
                raise RuntimeError("not today")
            return super().forward(x)

    model = nn.Sequential(Moody(3, 2))
    browser = opened(xray(model, torch.ones(2, 3)))
    words = browser.until(lambda header: header["notice"])["notice"]
    assert words == "the model cannot be looked at: RuntimeError in 0 (Moody), which got ((2, 3)): not today"
    assert any("tree" in header for header, _ in browser.frames)
    model[0].broken = False
    browser.send("look")
    assert browser.until(has_numbers)["notice"] == ""


def test_layers_that_wait_for_their_first_input_are_not_made_by_looking():
    model = nn.Sequential(nn.LazyLinear(3))
    browser = opened(xray(model, torch.ones(2, 5)))
    assert "call model(x) once" in browser.until(lambda header: header["notice"])["notice"]
    model(torch.ones(2, 5))
    browser.send("look")
    browser.until(has_numbers)


def worst() -> nn.Module:
    """As many rows and as much of each as there can be."""
    stack = nn.Sequential()
    for k in range(100):
        layer = nn.Sequential(nn.Conv2d(64, 64, 1, groups=64, padding_mode="reflect"))
        stack.add_module(f"a_very_long_name_of_a_layer_that_somebody_thought_of_{k}", layer)
    return nn.Sequential(stack, nn.Flatten())


def test_a_frame_is_never_larger_than_64_kilobytes():
    model = worst()
    x = torch.randn(2, 64, 64, 64, generator=torch.Generator().manual_seed(0))
    view = xray(model, x, torch.randn(2, 64**3))
    view.looks.opened |= {name for name, module in model.named_modules() if isinstance(module, nn.Sequential)}
    view.looks.listed["0"] = 1000
    view.choose("0.a_very_long_name_of_a_layer_that_somebody_thought_of_0", 3)
    sizes = []
    viewer = View("big")
    while (made := view.make_frame(viewer)) is not None:
        header, buffers = made
        sizes.append(len(json.dumps(header)) + sum(map(len, buffers)))
    assert len(view.looks.rows) == ROWS + 1 and len(sizes) == 2 and max(sizes) <= 65_536, sizes
    assert "detail/gradient" in [entry["name"] for entry in header["columns"]]


def test_the_text_and_the_picture_are_the_same_each_time():
    views = [xray(lenet(), *pictures()) for _ in range(2)]
    assert repr(views[0]) == "Xray(LeNet)"
    one, other = (view._repr_mimebundle_()[0]["image/png"] for view in views)
    assert one == other and base64.b64decode(one).startswith(b"\x89PNG")


def test_a_picture_of_a_model_that_raises_is_left_out():
    assert "image/png" not in xray(nn.Linear(3, 2), torch.ones(1, 9))._repr_mimebundle_()[0]


def test_a_run_leaves_a_picture_while_it_trains(runs):
    assert base64.b64decode(xray(runs())._repr_mimebundle_()[0]["image/png"]).startswith(b"\x89PNG")


def test_numbers_of_another_precision_and_numpy_arrays_are_taken():
    for x in (np.ones((2, 3)), torch.ones(2, 3).double(), torch.ones(2, 3).half()):
        assert opened(xray(nn.Linear(3, 2), x)).until(has_numbers)["notice"] == ""


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("model",), TypeError, "needs a model or a run, got str"),
        ((nn.Linear(2, 2),), TypeError, "needs a batch"),
    ],
)
def test_what_cannot_be_opened_is_said(arguments, error, words):
    with pytest.raises(error, match=words):
        xray(*arguments)
    with pytest.raises(ValueError, match="a loss needs the target"):
        xray(nn.Linear(2, 2), torch.ones(1, 2), loss=F.mse_loss)


NONSENSE = [
    {"kind": "choose"}, {"kind": "choose", "path": 3}, {"kind": "choose", "path": "nowhere"}, {"kind": "choose", "path": "x" * 10**6},
    {"kind": "choose", "path": "0", "unit": -1}, {"kind": "choose", "path": "0", "unit": "a"}, {"kind": "open", "path": None},
    {"kind": "example", "value": 1.5}, {"kind": "example", "value": math.nan}, {"kind": "off", "path": "0", "unit": 99, "value": True},
    {"kind": "off", "path": "weight", "value": True}, {"kind": "freeze", "path": []}, {"kind": "reinitialise", "path": "1"},
    {"kind": "call", "path": "0", "value": True},
]  # fmt: skip


@pytest.mark.parametrize("message", NONSENSE, ids=lambda message: f"{message!r:.50}")
def test_a_message_that_makes_no_sense_is_ignored_and_logged(caplog, message):
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    before = weights(model)
    browser = opened(xray(model, torch.ones(2, 3)))
    browser.until(has_numbers)
    browser.say(message)
    assert "ignored a message" in caplog.text and len(caplog.text) < 3000 and same(weights(model), before)
    browser.send("look")
    assert browser.until(has_numbers)["off"] == []


def test_a_look_leaves_no_trace():
    model, (x, y) = lenet().train(), pictures()
    model.features[1].eval()
    modes, before, kept = [m.training for m in model.modules()], weights(model), x.clone()
    random = torch.default_generator.get_state()
    view = xray(model, x, y)
    view.ablate("features.0", 1)
    view.close()
    assert [m.training for m in model.modules()] == modes and same(weights(model), before) and torch.equal(x, kept)
    assert torch.equal(torch.default_generator.get_state(), random) and hooks(model) == 0
    assert all(p.grad is None for p in model.parameters())
