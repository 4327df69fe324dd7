"""The kernel's half of `dl.playground`; only the wire to the browser is replaced."""

import base64
import math
import sys
import time
from pathlib import Path

import comm
import numpy as np
import pandas
import pytest
import torch

sys.path.append(str(Path(__file__).parents[1]))
from test_widgets import Browser, Wire  # noqa: E402

from dlnb.train.engine import ENGINE  # noqa: E402
from dlnb.widgets.playground.checks import PlaygroundError  # noqa: E402
from dlnb.widgets.playground.maps import maps  # noqa: E402
from dlnb.widgets.playground.missions import MISSIONS  # noqa: E402
from dlnb.widgets.playground.widget import FRAME, Playground, playground  # noqa: E402

CSV = "age,weight,ill\n" + "\n".join(f"{k},{k * k % 17},{'yes' if k > 15 else 'no'}" for k in range(30))


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


@pytest.fixture
def views():
    """Opens playgrounds, and ends them with the test."""
    made: list[Playground] = []

    def make(*args, **settings) -> Playground:
        made.append(playground(*args, **settings))
        return made[-1]

    yield make
    for view in made:
        view.close()


def opened(view, name: str = "first") -> Browser:
    browser = Browser(view, name)
    browser.send("hello")
    browser.until(lambda header: header["full"])
    return browser


def told(browser: Browser, name: str) -> np.ndarray:
    """A column of the latest frame that has it."""
    for header, buffers in reversed(browser.frames):
        for entry in header["columns"]:
            if entry["name"] == name:
                return np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"])
    raise AssertionError(f"no column {name}")


def losses(browser: Browser) -> np.ndarray:
    """The losses that a view knows, put together as the browser does."""
    known: dict[int, float] = {}
    for header, buffers in browser.frames:
        columns = {e["name"]: np.frombuffer(buffers[0], e["kind"], e["length"], e["offset"]) for e in header["columns"]}
        if header["full"] or header.get("again"):
            known = {}
        if "history/loss/steps" in columns:
            known |= dict(zip(columns["history/loss/steps"].tolist(), columns["history/loss/mean"].tolist(), strict=True))
    return np.array([known[epoch] for epoch in sorted(known)])


def test_a_view_gets_everything_once_and_then_what_is_new(views):
    browser = opened(view := views())
    first = browser.frames[0][0]
    assert len(first["fixed"]["missions"]) == len(MISSIONS) and first["structure"]["network"]["inputs"] == ("x", "y")
    assert first["structure"]["data"] | {} == {
        "recipe": first["structure"]["data"]["recipe"], "drawn": False, "classes": 2, "names": ["A", "B"], "hues": [0, 1],
        "axes": ["x", "y"], "share": 0.5, "trains": 250, "tests": 250, "columns": None, "chosen": None,
    }  # fmt: skip
    assert len(told(browser, "points/places")) == 1000 and told(browser, "points/trains").sum() == 250
    found = maps(view.network, view.desk.trainer.points)
    assert np.array_equal(told(browser, "output"), found["output"].reshape(-1))
    assert np.array_equal(told(browser, "neurons"), found["neurons"].reshape(-1))
    assert len(told(browser, "weights")) == 2 * 4 + 4 + 4 * 2 + 2 + 2 + 1
    browser.send("step", unit="epoch", count=2)
    header = browser.until(lambda header: header["epoch"] == 2)
    names = [entry["name"] for entry in header["columns"]]
    assert "fixed" not in header and "structure" not in header and "points/places" not in names and "again" not in header
    assert told(browser, "history/loss/steps").tolist() == [1, 2]
    assert losses(browser) == pytest.approx(view.history["loss"], rel=1e-6) and len(losses(browser)) == 3


def test_frames_stay_small_and_of_one_size_however_long_it_learns(views):
    browser = opened(view := views(layers=(8,) * 6, inputs=("x", "y", "x²", "y²", "xy", "sin x", "sin y")))
    sizes = []
    for epoch in (1, 2, 40):
        browser.send("step", unit="epoch", count=epoch - view.desk.trainer.epoch)
        browser.until(lambda header, epoch=epoch: header["epoch"] == epoch)
        sizes.append(len(browser.frames[-1][1][0]))
    assert sizes[0] == sizes[1] and sizes[2] < sizes[0] + 40 * 4 * 8 and sizes[2] < 65_000


def test_it_plays_until_it_is_paused_and_shows_no_more_pictures_than_are_due(views):
    browser = opened(view := views())
    browser.send("play", value=True)
    begin = time.monotonic()
    browser.until(lambda header: header["playing"] and header["epoch"] > 3)
    while time.monotonic() - begin < 1.5:
        browser.until(lambda header: True)
    browser.send("play", value=False)
    header = browser.until(lambda header: not header["playing"])
    playing = sum(1 for header, _ in browser.frames if header["playing"])
    assert 3 <= playing <= 1.3 * (time.monotonic() - begin) / FRAME
    time.sleep(0.2)
    assert view.desk.trainer.steps == header["steps"] and not view.has_work


def test_it_rests_while_nobody_sees_it_and_goes_on_when_somebody_does(views):
    browser = opened(view := views())
    browser.send("play", value=True)
    browser.until(lambda header: header["epoch"] > 0)
    browser.send("visible", value=False)
    time.sleep(0.1)
    steps = view.desk.trainer.steps
    time.sleep(0.2)
    assert view.desk.trainer.steps == steps and view.playing and not view.has_work
    browser.send("visible", value=True)
    browser.until(lambda header: header["steps"] > steps)


def test_a_browser_that_went_away_without_a_word_stops_it(views, monkeypatch):
    monkeypatch.setattr("dlnb.widgets.playground.widget.SILENT", 0.2)
    browser = opened(view := views())
    browser.send("play", value=True)
    browser.until(lambda header: header["playing"])
    time.sleep(0.5)
    steps = view.desk.trainer.steps
    time.sleep(0.2)
    assert view.desk.trainer.steps == steps and not view.has_work


def test_a_view_that_owes_acknowledgements_gets_nothing_while_it_learns_on(views):
    browser = opened(view := views())
    browser.send("play", value=True)
    browser.until(lambda header: header["playing"], ack=False)
    time.sleep(0.6)
    assert len([1 for header, _ in browser.frames if header["playing"]]) <= view.credit and view.desk.trainer.epoch > 0


ORDERS = [
    ({"kind": "add_unit", "layer": 0}, lambda t: t.spec.layers[0].units == 5),
    ({"kind": "remove_unit", "layer": 0, "unit": 3}, lambda t: t.spec.layers[0].units == 3),
    ({"kind": "add_layer", "at": 2}, lambda t: len(t.spec.layers) == 3),
    ({"kind": "remove_layer", "layer": 1}, lambda t: len(t.spec.layers) == 1),
    ({"kind": "layer", "layer": 1, "name": "activation", "value": "relu"}, lambda t: t.spec.layers[1].activation == "relu"),
    ({"kind": "inputs", "names": ["x", "sin y"]}, lambda t: t.spec.inputs == ("x", "sin y")),
    ({"kind": "weight", "layer": 0, "unit": 1, "source": 0, "value": 2.5}, lambda t: t.network.weights[0][1, 0].item() == 2.5),
    ({"kind": "weight", "layer": 2, "unit": 0, "source": None, "value": 1}, lambda t: float(t.network.blocks[2].linear.bias[0]) == 1),
    ({"kind": "plan", "name": "lr", "value": 0.5}, lambda t: t.plan.lr == 0.5),
    ({"kind": "option", "name": "momentum", "value": 0.9}, lambda t: t.optimizer.param_groups[0]["momentum"] == 0.9),
    ({"kind": "recipe", "name": "classes", "value": 4}, lambda t: t.points.classes == 4 and t.spec.outputs == 4),
    ({"kind": "share", "value": 0.8}, lambda t: int(t.points.trains.sum()) == 400),
    ({"kind": "restart", "seed": 5}, lambda t: t.spec.seed == 5),
    ({"kind": "wipe", "x": 0, "y": 0, "radius": 2}, lambda t: len(t.points.x) < 500),
    ({"kind": "mission", "number": 3}, lambda t: t.spec.layers == ()),
]  # fmt: skip


@pytest.mark.parametrize(("message", "done"), ORDERS, ids=[message["kind"] + str(i) for i, (message, _) in enumerate(ORDERS)])
def test_an_order_of_the_browser_is_carried_out_and_taken_back(views, message, done):
    browser = opened(view := views())
    browser.say(message | {"view": "first"})
    browser.until(lambda header: header["undo"])
    assert done(view.desk.trainer)
    browser.send("undo")
    browser.until(lambda header: not header["undo"])
    assert not done(view.desk.trainer)


def test_points_are_painted_with_a_buffer(views):
    browser = opened(view := views())
    browser.send("clear")
    assert "no points yet" in browser.until(lambda header: header["pending"])["pending"]
    browser.send("paint", [np.array([1, 1, 2, 2], np.float32).tobytes()], label=0)
    browser.until(lambda header: "class A" in header["pending"])
    assert told(browser, "points/places").tolist() == [1, 1, 2, 2]
    browser.send("play", value=True)
    header = browser.until(lambda header: header["notice"])
    assert "class A" in header["notice"] and not header["playing"]
    browser.send("paint", [np.array([-1, -1, -2, -2], np.float32).tobytes()], label=1)
    header = browser.until(lambda header: not header["pending"])
    assert header["structure"]["data"]["drawn"] and len(view.desk.trainer.points.x) == 4


def test_a_table_comes_as_bytes_and_its_columns_are_chosen(views):
    browser = opened(view := views())
    browser.send("table", [CSV.encode()])
    header = browser.until(lambda header: "structure" in header)
    assert header["structure"]["data"]["axes"] == ["age", "weight"] and header["structure"]["data"]["names"] == ["no", "yes"]
    wide = "a,b,c,d\n" + "\n".join(f"{k},{k * k % 7},{k % 2},{k % 5}" for k in range(20))
    browser.send("table", [wide.encode("cp1252")])
    header = browser.until(lambda header: header["notice"])
    assert "4 columns" in header["notice"] and header["structure"]["data"]["columns"] == ["a", "b", "c", "d"]
    browser.send("columns", x="a", y="b", target="c")
    browser.until(lambda header: not header["notice"])
    assert view.desk.trainer.points.axes == ("a", "b")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"kind": "add_unit", "layer": 7}, "no hidden layer"),
        ({"kind": "weight", "layer": 0, "unit": 0, "source": 0, "value": 1e9}, "A weight must be"),
        ({"kind": "plan", "name": "lr", "value": None}, "learning rate must be"),
        ({"kind": "plan", "name": "options", "value": 3}, "There is no 'options'"),
        ({"kind": "layer", "layer": 0, "name": "layer", "value": 3}, "could not be done"),
        ({"kind": "inputs", "names": "x"}, "a list of names"),
        ({"kind": "inputs", "names": [["x"]]}, "no input"),
        ({"kind": "recipe", "name": "points", "value": 10**9}, "20 to 5000"),
        ({"kind": "share", "value": "half"}, "must be a number"),
        ({"kind": "restart", "seed": 1.5}, "A seed is"),
        ({"kind": "step", "unit": "batch", "count": -1}, "steps can be made"),
        ({"kind": "seek", "epoch": 5}, "epochs 0 to"),
        ({"kind": "undo"}, "nothing to take back"),
        ({"kind": "open", "link": 7}, "no link"),
        ({"kind": "mission", "number": "one"}, "Missions are numbered"),
        ({"kind": "paint", "label": 0}, "could not be done"),
        ({"kind": "table"}, "at most"),
        ({"kind": "columns", "x": "a", "y": "b"}, "A name is"),
        ({"kind": "warp", "layer": 9, "units": [0, 1]}, "no hidden layer 9"),
        ({"kind": "warp", "layer": 0, "units": [0, 9]}, "Two neurons"),
        ({"kind": "trace", "x": 9, "y": 0}, "A place must be"),
        ({"kind": "trace", "x": 1, "y": "top"}, "A place must be"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_changes(views, message, words):
    browser = opened(view := views())
    before = [parameter.clone() for parameter in view.desk.trainer.parameters]
    spec, plan, points = view.desk.trainer.spec, view.desk.trainer.plan, view.desk.trainer.points
    browser.say(message | {"view": "first"})
    header = browser.until(lambda header: header["notice"])
    assert words in header["notice"]
    assert (view.desk.trainer.spec, view.desk.trainer.plan) == (spec, plan) and view.desk.trainer.points is points
    assert all(torch.equal(a, b) for a, b in zip(before, view.desk.trainer.parameters, strict=True))


def test_a_refused_change_lets_it_play_on_and_an_explosion_stops_it_with_a_sentence(views):
    browser = opened(view := views("plane", layers=(4,), activation="relu"))
    browser.send("play", value=True)
    browser.until(lambda header: header["epoch"] > 0)
    browser.send("add_unit", layer=9)
    assert browser.until(lambda header: header["notice"])["playing"]
    browser.send("plan", name="lr", value=1e5)
    header = browser.until(lambda header: "exploded" in header["notice"])
    assert not header["playing"] and math.isfinite(header["last"]["loss"])
    browser.send("plan", name="lr", value=0.01)
    browser.send("play", value=True)
    browser.until(lambda header: header["playing"] and not header["notice"])
    assert view.desk.explosions == 1


def test_the_code_and_the_link_are_asked_for(views):
    browser = opened(views())
    for about, words in (("code", "nn.Sequential"), ("link", "1")):
        browser.send("ask", about=about, id=f"my-{about}")
        end = time.monotonic() + 10
        while not (found := [h for h, _ in browser.widget.comm.sent if h.get("id") == f"my-{about}"]):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert words in found[0]["text"]
    browser.send("ask", about="weather", id="w")
    time.sleep(0.3)
    assert "nothing is known" in [h for h, _ in browser.widget.comm.sent if h.get("id") == "w"][0]["refused"]


def test_the_warp_follows_its_layer_until_it_is_gone(views):
    browser = opened(view := views())
    browser.send("warp", layer=0, units=[0, 3])
    header = browser.until(lambda header: header["warp"])
    assert header["warp"] == {"layer": 0, "units": [0, 3]}
    grid = told(browser, "warp/grid").reshape(25, 25, 2)
    corner = view.network.answers(torch.tensor([[-6.0, -6.0]]))[0][0, [0, 3]]
    assert grid[0, 0] == pytest.approx(corner.numpy(), abs=1e-6)
    browser.send("remove_unit", layer=0, unit=0)
    assert browser.until(lambda header: header["structure"] if "structure" in header else False)["warp"] is None


def test_a_point_is_followed_through_the_network(views):
    browser = opened(view := views())
    x, y = view.desk.trainer.points.x[7].tolist()
    browser.send("trace", x=x + 0.01, y=y)
    header = browser.until(lambda header: header["trace"])
    assert (header["trace"]["x"], header["trace"]["y"], header["trace"]["wanted"]) == (x, y, "A")
    answers = view.network.answers(torch.tensor([[x, y]]))
    assert told(browser, "trace/values") == pytest.approx([x, y, *torch.cat(answers, 1)[0].tolist()], abs=1e-6)
    assert header["trace"]["loss"] == pytest.approx(math.log(1 + math.exp(float(answers[-1]))), abs=1e-5)
    browser.send("trace", x=-5.9, y=5.9)
    assert browser.until(lambda header: header["trace"]["x"] < -5)["trace"]["wanted"] is None
    browser.send("trace", x=None, y=None)
    browser.until(lambda header: header["trace"] is None)


def test_seeds_are_shown_and_end_where_they_cannot_be(views):
    browser = opened(views())
    browser.send("seeds", on=True)
    browser.send("step", unit="epoch")
    header = browser.until(lambda header: header["seeds"] and header["seeds"]["epoch"] == 1)
    assert header["seeds"]["count"] == 64 and header["epoch"] == 0 and 0 <= header["seeds"]["low"] <= header["seeds"]["high"] <= 1
    assert len(told(browser, "seeds/mean")) == len(told(browser, "seeds/spread")) == 32 * 32 and len(told(browser, "seeds/right")) == 64
    browser.send("plan", name="optimizer", value="LBFGS")
    header = browser.until(lambda header: header["notice"])
    assert "Choose SGD or Adam" in header["notice"] and header["seeds"] is None


def test_regression_has_no_accuracies_and_no_nan(views):
    browser = opened(views("hills"))
    browser.send("step", unit="epoch")
    header = browser.until(lambda header: header["epoch"] == 1)
    assert header["last"]["accuracy"] is None and "history/accuracy/mean" not in [e["name"] for e in header["columns"]]


def test_a_second_view_gets_everything_and_a_reload_too(views):
    view = views()
    view.train(30)
    for name in ("one", "two", "one"):
        assert len(losses(opened(view, name))) == 31


def test_an_open_mission_is_judged_while_it_learns(views):
    browser = opened(views(mission=1))
    browser.send("play", value=True)
    header = browser.until(lambda header: header["passed"])
    assert header["passed"] == ["line"] and header["mission"] == 0 and all(header["held"])


def test_a_cell_can_use_it_while_it_plays(views):
    browser = opened(view := views())
    browser.send("play", value=True)
    browser.until(lambda header: header["playing"])
    for _ in range(5):
        view.train(2)
        assert "nn.Linear(2, 4)" in view.code() and view.link()
    view.pause()
    assert view.network(torch.zeros(3, 2)).shape == (3, 1) and len(view.history["loss"]) == view.desk.trainer.epoch + 1
    assert base64.b64decode(view.still()).startswith(b"\x89PNG")
    view.play()
    assert view.playing


@pytest.mark.parametrize("data", ["hills", "moons"])
def test_the_still_picture_is_made_for_every_kind_of_data(views, data):
    view = views(data, **({"classes": 4} if data == "moons" else {}))
    assert base64.b64decode(view.still()).startswith(b"\x89PNG")


def test_an_error_in_a_picture_does_not_end_the_engine(views, monkeypatch):
    browser = opened(view := views())
    with monkeypatch.context() as broken:
        broken.setattr("dlnb.widgets.playground.told.status", lambda desk: 1 / 0)
        browser.send("step", unit="epoch")
        time.sleep(0.3)
    browser.send("step", unit="epoch")
    browser.until(lambda header: header["epoch"] == 2)
    assert ENGINE._thread.is_alive() and view.desk.trainer.epoch == 2


def test_it_is_opened_with_data_of_every_kind(views, tmp_path):
    frame = pandas.DataFrame({"a": range(20), "b": [k % 7 for k in range(20)], "c": ["x", "y"] * 10, "d": range(20)})
    (tmp_path / "table.csv").write_text(CSV)
    assert views("spiral", classes=3, noise=0.1).desk.trainer.points.recipe.classes == 3
    assert views(CSV).desk.trainer.points.axes == ("age", "weight")
    assert views(str(tmp_path / "table.csv")).desk.trainer.points.names == ("no", "yes")
    assert views(tmp_path / "table.csv").desk.trainer.points.names == ("no", "yes")
    assert views(frame, columns=("a", "b", "c")).desk.trainer.points.names == ("x", "y")
    view = views(views("xor", layers=(3,), activation="relu").link())
    assert view.desk.trainer.spec.layers[0].activation == "relu" and view.desk.undo_words == ""
    assert repr(view) == "Playground(2-3-1, epoch 0)"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: playground("circel"), "no data set 'circel'"),
        (lambda: playground("1" + "a" * 100), "link"),
        (lambda: playground(7), "data frame"),
        (lambda: playground("nowhere.csv"), "cannot be read"),
        (lambda: playground(CSV, columns=("a", "b")), "three names"),
        (lambda: playground(layers=(4,) * 7), "too large to draw"),
        (lambda: playground(layers=(100,)), "too large to draw"),
        (lambda: playground(colour=3), "cannot be made with colour"),
        (lambda: playground(optimizer="Muon"), "no optimiser"),
        (lambda: playground(lr=-1), "learning rate"),
        (lambda: playground(inputs=("z",)), "no input"),
        (lambda: playground(mission=99), "Missions are numbered 1 to"),
        (lambda: playground(classes=9), "2 to 6 classes"),
    ],
)
def test_what_makes_no_playground_is_refused_in_words(make, words):
    with pytest.raises(PlaygroundError, match=words):
        make()
