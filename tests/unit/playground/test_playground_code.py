"""The button "show as PyTorch" gives code that runs and gives the same numbers; "copy link" brings the same playground back."""

import base64
import contextlib
import io
import json
import re
import zlib

import pytest
import torch

from dlnb.widgets.playground import growth
from dlnb.widgets.playground.checks import PlaygroundError
from dlnb.widgets.playground.code import as_pytorch
from dlnb.widgets.playground.link import LONGEST, PLAINEST, Shared, read_link, write_link
from dlnb.widgets.playground.points import Drawing, Recipe, made
from dlnb.widgets.playground.shapes import CLASSIFIED, SURFACES
from dlnb.widgets.playground.spec import INPUTS, OPTIMIZERS, Layer, Plan, Spec
from dlnb.widgets.playground.table import read_table
from dlnb.widgets.playground.training import Trainer

BUSY = Spec(("x", "xy", "sin y"), (Layer(4, "gelu", 0.3, "batch"), Layer(3, "leaky relu", norm="layer")), seed=4)


def drawn() -> "Drawing":
    drawing = Drawing()
    numbers = torch.Generator().manual_seed(0)
    for label, centre in ((0, -2.0), (2, 2.0), (5, 0.5)):
        drawing.add((centre + torch.randn(15, 2, generator=numbers).clamp(-3, 3)).numpy(), label)
    return drawing


def run_code(code: str) -> list[float]:
    """The losses of a cell, run in a namespace of its own."""
    names: dict = {}
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "cell", "exec"), names)
    assert "test loss" in printed.getvalue()
    return names["losses"]


def assert_same_numbers(trainer: Trainer, epochs: int = 6) -> None:
    """What the code gives is what the playground goes on to draw, or has drawn."""
    if trainer.edits == 0:
        first, code = 0, as_pytorch(trainer)
    else:
        first, code = trainer.epoch, as_pytorch(trainer, epochs)
        trainer.train(epochs=epochs)
    losses = run_code(code)
    assert losses == pytest.approx(trainer.history["loss"][first + 1 :], abs=1e-6)
    assert len(losses) == trainer.epoch - first > 1


@pytest.mark.parametrize("shape", [*CLASSIFIED, *SURFACES])
def test_every_data_set_gives_the_same_losses(shape):
    recipe = Recipe(shape, points=100, classes=3, noise=0.2, flipped=0.1, imbalance=0.3, share=0.7, seed=3)
    trainer = Trainer(Spec(), Plan(), made(recipe))
    trainer.train(epochs=6)
    assert_same_numbers(trainer)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_gives_the_same_losses(optimizer):
    trainer = Trainer(BUSY, Plan(optimizer, 0.01, batch=20, l1=1e-3, l2=1e-3))
    trainer.train(epochs=4)
    assert_same_numbers(trainer)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_edited_network_goes_on_as_the_code_does(optimizer):
    trainer = Trainer(BUSY, Plan(optimizer, 0.005, batch=20))
    trainer.train(epochs=2)
    trainer.grow(growth.add_unit(trainer.spec, 0))
    trainer.train(epochs=1)
    trainer.set_weight(0, 1, 0, -0.75)
    assert_same_numbers(trainer)


def test_all_inputs_options_and_own_points_are_written():
    plan = Plan("SGD", 0.01, 16, options=(("momentum", 0.9), ("nesterov", True)))
    trainer = Trainer(Spec(tuple(INPUTS)), plan, drawn().points())
    trainer.train(epochs=5)
    assert_same_numbers(trainer)
    assert "momentum=0.9, nesterov=True" in as_pytorch(trainer)


def test_a_table_and_two_classes_of_a_drawing_are_written():
    drawing = drawn()
    drawing.wipe(-2, -2, 2.5)
    table = "a,b,c\n" + "\n".join(f"{k},{k * k % 17},{k / 7}" for k in range(30))
    for points in (drawing.points(), read_table(table)):
        trainer = Trainer(points=points)
        trainer.train(epochs=4)
        assert_same_numbers(trainer)


@pytest.mark.parametrize("epochs", [0, 2])
def test_in_the_middle_of_an_epoch_the_code_goes_on_with_the_rest(epochs):
    trainer = Trainer()
    trainer.set_weight(0, 0, 0, 1.0)
    if epochs:
        trainer.train(epochs=epochs)
    trainer.train(steps=7)
    assert_same_numbers(trainer)


def test_in_the_middle_of_an_epoch_with_dropout_there_is_no_code_but_a_sentence():
    trainer = Trainer(BUSY, Plan(batch=20))
    trainer.train(steps=3)
    assert "nn.Dropout(0.3)" in as_pytorch(trainer)  # from the start
    trainer.set_weight(0, 0, 0, 1.0)
    with pytest.raises(PlaygroundError, match="Go to the end of the epoch first"):
        as_pytorch(trainer)
    trainer.train(epochs=1)
    assert_same_numbers(trainer)


def test_the_code_is_short_and_plain():
    trainer = Trainer()
    trainer.train(epochs=3)
    code = as_pytorch(trainer)
    assert "dlnb" not in code and max(map(len, code.splitlines())) <= 120 and len(code.splitlines()) < 60
    assert "nn.Linear(4, 2)," in code and "nn.Tanh()," in code


# Copy link.


def link_of(trainer: Trainer, weights: bool = False) -> str:
    tensors = [*trainer.network.parameters(), *trainer.network.buffers()]
    return write_link(Shared(trainer.spec, trainer.plan, trainer.points, tensors if weights else None))


@pytest.mark.parametrize("shape", ["spiral", "hills"])
def test_a_link_brings_the_settings_back(shape):
    plan = Plan("AdamW", 0.02, 7, 0.01, 0.02, (("betas", (0.8, 0.99)), ("weight_decay", 0.1)))
    trainer = Trainer(BUSY, plan, made(Recipe(shape, classes=4, noise=0.1)))
    link = link_of(trainer)
    found = read_link(link)
    assert (found.spec, found.plan, found.points.recipe) == (trainer.spec, plan, trainer.points.recipe)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", link) and len(link) < 600
    assert read_link("https://example.org/lab/tree/00.ipynb#" + link).spec == trainer.spec


def test_weights_and_drawn_points_go_along():
    trainer = Trainer(BUSY, points=drawn().points())
    trainer.train(epochs=3)
    found = read_link(link_of(trainer, weights=True))
    again = Trainer(found.spec, found.plan, found.points)
    again.set_weights(found.weights)
    assert again.measure() == pytest.approx(trainer.measure(), abs=1e-3)
    assert found.points.names == ("A", "C", "F") and torch.equal(found.points.trains, trainer.points.trains)


def forged(change) -> str:
    """A link with a right checksum and whatever inside."""
    text = zlib.decompress(base64.urlsafe_b64decode(link_of(Trainer())[1:] + "==")[4:])
    state = json.loads(text)
    changed = change(state)
    packed = zlib.compress((changed if isinstance(changed, bytes) else json.dumps(state).encode()), 9)
    return "1" + base64.urlsafe_b64encode(zlib.crc32(packed).to_bytes(4, "big") + packed).decode().rstrip("=")


POINTS = {"x": [0, 1] * 8, "y": [0, 1] * 4, "classes": 2, "trains": "01" * 4, "names": ["A", "B"], "axes": ["x", "y"]}


def with_points(**other):
    def change(state):
        del state["recipe"]
        state["points"] = POINTS | other

    return change


def test_points_of_a_forged_link_may_be_fine():
    assert read_link(forged(with_points())).points.y.tolist() == [0, 1] * 4


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("network"),
        lambda state: state["network"].update(layers=[{"units": 10**9}]),
        lambda state: state["network"].update(layers=[{"hidden": 4}]),
        lambda state: state["network"].update(layers=5),
        lambda state: state["network"].update(outputs=3),
        lambda state: state["network"].update(inputs=["__import__('os')"]),
        lambda state: state["plan"].update(optimizer="Optimizer"),
        lambda state: state["plan"].update(lr=float("nan")),
        lambda state: state["plan"].update(options=[["lr", 5]]),
        lambda state: state["recipe"].update(points=10**9),
        lambda state: state.update(weights=[1.0] * 5),
        lambda state: state.update(weights=["a"] * 25),
        lambda state: state.update(weights=[float("inf")] * 25),
        lambda state: b"[]",
        lambda state: b"not json",
        lambda state: b"[" * 100_000,
        lambda state: b'{"network":' + b" " * PLAINEST,
        with_points(classes=1),
        with_points(classes=7),
        with_points(classes=True),
        with_points(y=[0, 2] * 4),
        with_points(y=[0]),
        with_points(x=[99] * 16),
        with_points(x="text"),
        with_points(trains="0" * 8),
        with_points(names=[]),
        with_points(axes=["x"]),
    ],
)
def test_a_forged_link_is_refused_in_words(change):
    with pytest.raises(PlaygroundError, match="link"):
        read_link(forged(change))


@pytest.mark.parametrize("link", [None, 5, "", "1", "1abc", "2abcdefgh", "1" + "A" * LONGEST, "1é", "#", "   "])
def test_what_is_no_link_is_refused(link):
    with pytest.raises(PlaygroundError, match="link"):
        read_link(link)


def test_a_link_that_lost_or_changed_a_letter_is_refused():
    link = link_of(Trainer())
    for damaged in (link[:-1], link[:50] + ("A" if link[50] != "A" else "B") + link[51:]):
        with pytest.raises(PlaygroundError, match="damaged"):
            read_link(damaged)


def test_too_many_points_of_ones_own_do_not_fit():
    drawing = Drawing()
    for label in (0, 1):
        drawing.add(torch.rand(500, 2).numpy(), label)
    with pytest.raises(PlaygroundError, match="800 points"):
        link_of(Trainer(points=drawing.points()))
