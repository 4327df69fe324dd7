"""The kernel's half of `dl.descend`; only the wire to the browser is replaced."""

import base64
import math

import comm
import numpy as np
import pytest
import torch
from test_descend_race import Mine
from test_descend_surfaces import line_data
from test_widgets import Browser, Wire
from torch import nn

from dlnb.widgets.descend.given import MOST
from dlnb.widgets.descend.picture import shares
from dlnb.widgets.descend.surfaces import SIDE, SURFACES
from dlnb.widgets.descend.widget import descend


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


def opened(view, name: str = "first") -> Browser:
    browser = Browser(view, name)
    browser.send("hello")
    browser.until(lambda header: header["full"])
    return browser


def reached(browser: Browser, steps: int) -> dict:
    return browser.until(lambda header: header["steps"] == steps)


def way(browser: Browser, name: str) -> np.ndarray:
    """What a view knows of a racer's way, put together as the browser does."""
    known = np.zeros((0, 3), np.float32)
    for header, buffers in browser.frames:
        if name not in header["paths"]:
            continue
        entry = next(entry for entry in header["columns"] if entry["name"] == f"path/{name}")
        new = np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"]).reshape(-1, 3)
        known = np.concatenate([known[: header["paths"][name]], new])
    return known


def test_a_view_gets_the_surface_once_and_then_only_the_new_steps():
    browser = opened(view := descend("valley"))
    first = browser.frames[0][0]
    assert first["surface"]["title"] == "Narrow valley" and first["surface"]["minima"] == [[0.0, 0.0]]
    assert [one["name"] for one in first["surfaces"]] == list(SURFACES)
    assert browser.column("map") == pytest.approx(view.map.reshape(-1)) and first["surface"]["side"] == SIDE
    browser.send("step", steps=3)
    header = reached(browser, 3)
    assert "surface" not in header and header["paths"] == dict.fromkeys(("sgd", "momentum", "adam"), 1)
    assert way(browser, "adam") == pytest.approx(view.path("adam"), rel=1e-6) and len(way(browser, "adam")) == 4


def test_a_second_view_gets_everything():
    view = descend("bowl")
    view.step(5)
    opened(view)
    browser = opened(view, "second")
    assert len(way(browser, "sgd")) == 6 and "surface" in browser.frames[0][0]


def test_after_going_back_the_browser_knows_the_same_way_as_the_kernel():
    browser = opened(view := descend("noisy"))
    browser.send("step", steps=10)
    reached(browser, 10)
    browser.send("back", steps=4)
    reached(browser, 6)
    browser.send("step", steps=1)
    reached(browser, 7)
    assert way(browser, "momentum") == pytest.approx(view.path("momentum"), rel=1e-6) and len(view.path("momentum")) == 8


def test_a_click_is_the_new_start():
    browser = opened(view := descend("bowl"))
    browser.send("step", steps=5)
    reached(browser, 5)
    browser.send("start", x=0.5, y=-0.25)
    header = browser.until(lambda header: header["start"] == [0.5, -0.25])
    assert header["steps"] == 0 and all(racer["loss"] == 0.3125 for racer in header["racers"])
    assert view.path("sgd").tolist() == [[0.5, -0.25, 0.3125]]


def test_the_arithmetic_of_the_chosen_one_is_sent_with_what_pytorch_came_to():
    browser = opened(view := descend("valley"))
    assert browser.last["lines"] == [] and browser.last["apart"] is None
    browser.send("choose", name="adam")
    browser.send("step", steps=2)
    header = reached(browser, 2)
    assert [line["name"] for line in header["lines"]] == ["g", "m", "v", "m̂", "v̂", "step", "new w"]
    assert header["lines"][-1]["values"] == pytest.approx(view.path("adam")[-1, :2].tolist()) and header["apart"] < 1e-9
    assert "adam" == header["chosen"]


def test_knobs_surface_and_who_takes_part_follow_the_browser():
    browser = opened(view := descend("valley"))
    browser.send("knob", racer="adam", name="beta1", value=0.5)
    browser.until(lambda header: next(one for one in header["racers"] if one["name"] == "adam")["knobs"][1]["value"] == 0.5)
    browser.send("switch", name="nesterov", value=True)
    header = browser.until(lambda header: "nesterov" in [one["name"] for one in header["racers"] if one["on"]])
    assert header["chosen"] == "nesterov"
    browser.send("switch", name="nesterov", value=False)
    assert browser.until(lambda header: header["chosen"] != "nesterov")["chosen"] == "sgd"
    browser.send("surface", name="saddle")
    header = browser.until(lambda header: "surface" in header and header["surface"]["name"] == "saddle")
    assert header["start"] == [-2.0, 0.001] and view.race.surface is SURFACES["saddle"]
    assert np.array_equal(browser.column("map")[-SIDE * SIDE :], SURFACES["saddle"].map().reshape(-1))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"kind": "knob", "racer": "adam", "name": "lr", "value": -1}, "learning rate must be a number from 0"),
        ({"kind": "knob", "racer": "adam", "name": "beta1", "value": 1}, "below 1"),
        ({"kind": "knob", "racer": "nobody", "name": "lr", "value": 1}, "no optimiser"),
        ({"kind": "surface", "name": "moon"}, "no surface"),
        ({"kind": "start", "x": 1}, "two numbers"),
        ({"kind": "start", "x": 1, "y": math.inf}, "finite"),
        ({"kind": "step", "steps": 0}, "whole number"),
        ({"kind": "step", "steps": True}, "whole number"),
        ({"kind": "choose", "name": 7}, "must be a name"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_view_and_nothing_moves(message, words):
    browser = opened(view := descend("valley"))
    browser.send("step", steps=4)
    reached(browser, 4)
    before = {name: view.path(name) for name in view.race.racers}
    browser.say(message | {"view": "first"})
    header = browser.until(lambda header: header["notice"])
    assert words in header["notice"] and header["steps"] == 4
    assert all(np.array_equal(view.path(name), path) for name, path in before.items())


def test_the_browser_cannot_ask_for_more_steps_than_the_kernel_makes_in_a_moment():
    browser = opened(view := descend("bowl", optimizers="sgd"))
    browser.send("step", steps=10**9)
    assert reached(browser, MOST)["steps"] == view.race.steps == MOST


def test_who_flies_off_is_sent_with_a_sentence_and_numbers_that_json_has():
    browser = opened(descend("bowl", optimizers=["sgd", "adam"], lr={"sgd": 1.5}))
    browser.send("step", steps=100)
    header = reached(browser, 100)
    sgd, adam = (next(one for one in header["racers"] if one["name"] == name) for name in ("sgd", "adam"))
    assert "flew off at step" in sgd["stuck"] and math.isfinite(sgd["loss"]) and adam["stuck"] == "" and not header["over"]


def test_a_race_of_a_function_of_ones_own():
    def hills(x, y):
        """Many small valleys.

        More words.
        """
        return torch.sin(3 * x) + torch.cos(3 * y) + 0.1 * (x**2 + y**2)

    browser = opened(view := descend(hills, start=(2.0, 1.0), box=(-4, 4, -3, 3), lr=0.02))
    surface = browser.frames[0][0]["surface"]
    assert (surface["title"], surface["about"], surface["box"]) == ("hills", "Many small valleys.", [-4, 4, -3, 3])
    assert surface["lowest"] is None and browser.frames[0][0]["surfaces"][-1]["name"] == "own"
    view.step(50)
    assert view.path("sgd")[-1, 2] < view.path("sgd")[0, 2]
    browser.send("surface", name="bowl")
    browser.until(lambda header: header.get("surface", {}).get("name") == "bowl")
    browser.send("surface", name="own")
    browser.until(lambda header: header.get("surface", {}).get("name") == "own")


def test_a_race_of_a_model_on_its_data():
    torch.manual_seed(0)
    view = descend(model := nn.Linear(1, 1), *line_data(), optimizers=["sgd", "adam"])
    view.step(300)
    assert view.path("sgd")[-1, :2] == pytest.approx((2.0, -0.5), abs=0.02)
    assert model.weight.item() == pytest.approx(view.path("sgd")[0, 0])
    assert "for" not in repr(view) and repr(view) == "Descend('Linear on 40 examples')"


def test_an_own_optimiser_is_listed_with_the_others():
    browser = opened(descend("bowl", optimizers=["sgd", Mine]))
    listed = browser.last["racers"][-1]
    assert (listed["name"], listed["label"], listed["on"]) == ("mine", "Mine", True)


def test_a_class_of_pytorch_that_is_known_is_the_known_one():
    view = descend("bowl", optimizers=[torch.optim.Adam, "adam", torch.optim.Adagrad])
    assert [racer.rule.name for racer in view.race.running] == ["adam", "adagrad"]
    view.step()
    assert "m̂ of x" in view.arithmetic("adam") and "computed by your optimiser" in view.arithmetic("adagrad")


def test_the_given_learning_rates_belong_to_the_given_surface():
    view = descend("valley", lr={"sgd": 0.01})
    view.show_surface("bowl")
    assert view.race.racer("sgd").knobs["lr"] == 0.1
    view.show_surface("valley")
    assert view.race.racer("sgd").knobs["lr"] == 0.01 == view.race.racer("sgd").optimizer.param_groups[0]["lr"]


def test_knobs_are_turned_all_or_none():
    view = descend("bowl", lr=0.05)
    with pytest.raises(ValueError, match="below 1"):
        view.set("adam", lr=0.2, beta1=3)
    assert view.race.racer("adam").knobs["lr"] == 0.05


def test_a_sentence_goes_when_something_else_is_asked_for():
    browser = opened(descend("bowl"))
    browser.send("surface", name="moon")
    browser.until(lambda header: header["notice"])
    browser.send("choose", name="adam")
    assert browser.until(lambda header: header["chosen"] == "adam")["notice"] == ""


def test_what_is_not_a_value_error_is_said_by_its_name():
    def left_out(x, y):
        if x < 0:
            raise KeyError("left")
        return x**2 + y**2

    browser = opened(view := descend(left_out))
    browser.send("start", x=-1.0, y=0.0)
    assert browser.until(lambda header: header["notice"])["notice"] == "KeyError: 'left'"
    assert view.race.start == (1.0, 1.0)


def test_the_arithmetic_can_be_printed():
    view = descend("bowl", optimizers="sgd", lr=0.25, start=(1.0, -2.0))
    assert view.arithmetic() == "SGD has made no step yet."
    view.step()
    assert view.arithmetic().splitlines()[:3] == ["SGD, step 1", "g of x = ∂loss/∂w = 2", "g of y = ∂loss/∂w = (−4)"]
    assert view.arithmetic("sgd").splitlines()[-1] == "new w of y = w + step = (−2) + 1 = (−1)"


def test_the_still_picture_is_a_picture():
    view = descend("saddle")
    view.step(20)
    assert base64.b64decode(view.still()).startswith(b"\x89PNG") and len(view.still()) > 10_000


def test_a_saved_notebook_has_the_picture_and_says_what_it_shows():
    view = descend("saddle", optimizers="sgd")
    view.step(2)
    data, about = view._repr_mimebundle_()
    x, y, loss = view.path("sgd")[-1]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG") and data["text/plain"] == "Descend('Saddle')"
    assert "“Saddle” from above" in about["image/png"]["alt"]
    assert f"After step 2: SGD at ({x:.3g}, {y:.3g}), loss {loss:.3g}." in about["image/png"]["alt"]


def test_the_map_of_a_still_picture_runs_from_the_lowest_to_the_highest_and_leaves_out_what_is_none():
    seen = shares(np.array([0.0, 1.0, 10.0, np.nan, np.inf], np.float32))
    assert seen[0] == 0 and seen[2] == 1 and 0 < seen[1] < 1 and np.isnan(seen[3:]).all()
    assert np.array_equal(shares(np.full(4, 3.0, np.float32)), np.zeros(4)) and np.isnan(shares(np.full(4, np.nan))).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: descend("moon"), ValueError, "bowl, valley"),
        (lambda: descend(7), TypeError, "a name, a function"),
        (lambda: descend("bowl", [1.0], [2.0]), TypeError, "with a model only"),
        (lambda: descend("bowl", start=3), ValueError, "two numbers"),
        (lambda: descend("bowl", start=(1, math.nan)), ValueError, "finite"),
        (lambda: descend("bowl", box=(1, 1, 0, 1)), ValueError, "smaller to larger"),
        (lambda: descend("bowl", box=(1, 2, 3)), ValueError, "four numbers"),
        (lambda: descend("bowl", optimizers=["lbfgs"]), ValueError, "no optimiser 'lbfgs'"),
        (lambda: descend("bowl", optimizers=[]), ValueError, "needs an optimiser"),
        (lambda: descend("bowl", loss=nn.functional.mse_loss), TypeError, "with a model only"),
        (lambda: descend("bowl", batch=4), TypeError, "with a model only"),
        (lambda: descend(nn.Linear, *line_data()), TypeError, "with a model only"),
        (lambda: descend(nn.Linear), TypeError, "a name, a function"),
        (lambda: descend("bowl", optimizers=[type("Adam", (Mine,), {})]), ValueError, "another name"),
        (lambda: descend("bowl", optimizers=[Mine, type("Mine", (Mine,), {})]), ValueError, "two optimisers have the name"),
        (lambda: descend("bowl", optimizers=[dict]), TypeError, "torch.optim"),
        (lambda: descend("bowl", lr=-1), ValueError, "learning rate"),
        (lambda: descend("bowl", lr={"adam": "0.1"}), ValueError, "learning rate"),
        (lambda: descend("bowl", lr={"nobody": 0.1}), ValueError, "no optimiser"),
        (lambda: descend(nn.Linear(1, 1), *line_data(), batch=2.5), ValueError, "whole number"),
        (lambda: descend(nn.Linear(3, 1), *line_data()), ValueError, "Linear has 4"),
    ],
)
def test_what_makes_no_race_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        make()
