"""The kernel's half of `dl.backprop` with a browser's messages; only the wire is replaced."""

import base64

import comm
import numpy as np
import pytest
import torch
from test_backprop import chain, deep
from test_widgets import Browser, Wire

from dlnb.widgets.backprop.widget import backprop


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))


@pytest.fixture(autouse=True)
def bundle(monkeypatch):
    """A front end that is built: these tests are of the kernel's half."""
    monkeypatch.setattr("dlnb.widgets.base.read_static", lambda name: b"export default {}")


def opened(view) -> Browser:
    browser = Browser(view)
    browser.send("hello")
    return browser


def any_frame(header) -> bool:
    return True


def columns(browser: Browser) -> dict[str, np.ndarray]:
    """The columns of the newest frame."""
    header, buffers = browser.frames[-1]
    return {
        entry["name"]: np.frombuffer(buffers[0], entry["kind"], entry["length"], entry["offset"])
        for entry in header["columns"]
    }


def read(browser: Browser, place) -> list[float]:
    """The values of a tensor that a frame points at."""
    begin = place["at"] + 3
    return columns(browser)["numbers"][begin : begin + place["shown"]].tolist()


def test_a_small_graph_is_sent_with_names_formulas_and_all_its_numbers():
    w, x = torch.tensor(3.0, requires_grad=True), torch.tensor([1.0, 2.0])
    guess = w * x
    loss = (guess * guess).sum()
    browser = opened(backprop(loss))
    header = browser.until(any_frame)
    assert (header["nodes"], header["leaves"], header["loss"], header["notice"]) == (4, 1, "loss", "")
    assert [(box["title"], box["name"]) for box in header["boxes"]] == [
        ("a leaf", "w"), ("multiply", "guess"), ("multiply", ""), ("sum", "loss"),
    ]  # fmt: skip
    leaf, times, square, total = header["boxes"]
    assert read(browser, leaf["outputs"][0]["arrived"]) == [30.0] and read(browser, leaf["outputs"][0]["value"]) == [
        3.0
    ]
    assert read(browser, times["outputs"][0]["arrived"]) == [6.0, 12.0]
    assert [(one["letter"], one["name"], read(browser, one["value"])) for one in times["constants"]] == [
        ("b", "x", [1.0, 2.0])
    ]
    assert times["formula"] == "y = a · b" and times["autograd"] == "MulBackward0"
    assert read(browser, total["outputs"][0]["value"]) == [45.0] and square["outputs"][0]["value"] is not None
    roads = header["roads"]
    assert [(road["from"], road["to"], road["lane"], road["letter"]) for road in roads] == [
        (0, 1, 0, "a"), (1, 2, 0, "a"), (1, 2, 1, "b"), (2, 3, 0, "a"),
    ]  # fmt: skip
    assert "stretched from one number to (2,)" in roads[0]["note"] and read(browser, roads[0]["left"]) == [30.0]
    assert [read(browser, road["left"]) for road in roads[1:3]] == [[3.0, 6.0]] * 2
    assert [(road["name"], read(browser, road["value"])) for road in roads[:2]] == [("w", [3.0]), ("guess", [3.0, 6.0])]
    sent = columns(browser)
    assert sent["forward"].tolist() == [1, 2, 3] and sent["backward"].tolist() == [3, 2, 1, 0]
    assert sent["columns"].tolist() == [0, 1, 2, 3] and sent["rows"].tolist() == [0, 0, 0, 0]


def test_a_view_gets_the_picture_once():
    browser = opened(backprop(chain(2)))
    browser.until(any_frame)
    browser.send("ack")
    browser.send("visible", value=True)
    other = Browser(browser.widget, "second")
    other.send("hello")
    other.until(any_frame)
    assert len(browser.frames) == 1


def test_a_folded_part_is_opened_and_left_again():
    model, loss = deep(12)
    view = backprop(loss, model)
    browser = opened(view)
    header = browser.until(any_frame)
    assert [box["title"] for box in header["boxes"]][:2] == ["first", "blocks.0"]
    assert {box["kind"] for box in header["boxes"]} == {"fold"} and header["part"] == ""
    browser.send("unfold", place=header["boxes"][1]["fold"])
    inside = browser.until(lambda frame: frame["part"] == "blocks.0")
    titles = [box["title"] for box in inside["boxes"]]
    assert titles[-2:] == ["what comes before", "what comes after"] and "linear layer" in titles
    assert {box["name"] for box in inside["boxes"]} >= {"blocks.0.weight", "blocks.0.bias"}
    assert len(columns(browser)["backward"]) == len(titles) - 2
    before = titles.index("what comes before")
    assert all(read(browser, road["value"]) for road in inside["roads"] if road["from"] == before)
    browser.send("out")
    assert browser.until(lambda frame: frame["part"] == "")["boxes"] == header["boxes"]
    browser.send("out")  # nothing above


@pytest.mark.parametrize("place", ["0-0-1", "", 7, None, "x" * 200])
def test_a_part_that_is_none_changes_nothing(place, caplog):
    view = backprop(chain(3))
    browser = opened(view)
    browser.until(any_frame)
    browser.send("unfold", place=place)
    assert len(view.parts) == 1 and "ignored a message" in caplog.text


def test_what_is_not_finite_travels():
    w = torch.tensor([0.0, 1.0], requires_grad=True)
    browser = opened(backprop((w.log()).sum()))
    header = browser.until(any_frame)
    assert "not finite" in header["notice"] and [box["note"] != "" for box in header["boxes"]] == [False, True, False]
    assert read(browser, header["boxes"][2]["outputs"][0]["value"]) == [-np.inf]


def test_the_still_picture_is_a_png_also_of_a_folded_graph():
    for loss in (chain(2), chain(500), deep(12)[1]):
        picture = base64.b64decode(backprop(loss).still())
        assert picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) > 5000


def test_the_picture_is_told_in_words_to_those_who_cannot_see_it():
    w, b = (torch.tensor(value, requires_grad=True) for value in (3.0, 1.0))
    loss = (w * 2 - b) ** 2
    view = backprop(loss)
    assert view.alt() == "The graph of loss = 25: 5 nodes. Gradient of w: 20. Gradient of b: −10."
    assert view._repr_mimebundle_()[1]["image/png"] == {"alt": view.alt()}


def test_a_loss_that_is_none_and_a_model_that_is_none_are_refused():
    with pytest.raises(TypeError, match="nn.Module"):
        backprop(chain(1), "model")
    with pytest.raises(TypeError, match="before .item"):
        backprop(1.0)


def test_it_says_what_it_is_the_same_on_every_run():
    assert repr(backprop(chain(2))) == "Backprop(5 nodes)"
