"""What can be done on the desk of a playground: every change can be undone, none is half made, missions are judged."""

import numpy as np
import pytest
import torch

from dlnb.widgets.playground.checks import PlaygroundError
from dlnb.widgets.playground.desk import ROWS, UNDO, Desk
from dlnb.widgets.playground.missions import MISSIONS, Mission
from dlnb.widgets.playground.points import Recipe, made
from dlnb.widgets.playground.spec import Layer, Plan, Spec
from dlnb.widgets.playground.training import Trainer

TABLE = "age,weight,ill\n" + "\n".join(f"{k},{k * k % 17},{'yes' if k > 15 else 'no'}" for k in range(30))
WIDE = "name,a,b,c\n" + "\n".join(f"n{k},{k},{k * k % 7},{k % 2}" for k in range(20))


def state(desk: Desk) -> dict:
    """All that decides what comes next, and what is seen."""
    trainer = desk.trainer
    known = [
        value
        for parameter in trainer.parameters
        for value in trainer.optimizer.state.get(parameter, {}).values()
        if isinstance(value, torch.Tensor)
    ]
    tensors = [tensor.detach().clone() for tensor in (*trainer.network.state_dict().values(), *known)]
    drawn = None if desk.drawing is None else (desk.drawing.x.tolist(), desk.drawing.y.tolist())
    rest = (trainer.spec, trainer.plan, trainer.points, trainer.epoch, trainer.place, trainer.steps, trainer.edits)
    history = {name: np.array(column).tobytes() for name, column in trainer.history.items()}
    return {"tensors": tensors, "rest": rest, "history": history, "drawn": drawn, "pending": desk.pending}


def same(one: dict, two: dict) -> bool:
    return (
        len(one["tensors"]) == len(two["tensors"])
        and all(torch.equal(a, b) for a, b in zip(one["tensors"], two["tensors"], strict=True))
        and all(one[name] == two[name] for name in ("rest", "history", "drawn", "pending"))
    )


def begun(epochs: int = 3, **plan) -> Desk:
    desk = Desk(Trainer(Spec(layers=(Layer(4, dropout=0.1), Layer(3))), Plan(**{"optimizer": "Adam", "lr": 0.01} | plan)))
    if epochs:
        desk.step("epoch", epochs)
    return desk


CHANGES = {
    "a neuron more": lambda d: d.add_unit(0),
    "a neuron less": lambda d: d.remove_unit(1, 0),
    "a layer more": lambda d: d.add_layer(1),
    "a layer less": lambda d: d.remove_layer(0),
    "another activation": lambda d: d.set_layer(0, activation="relu"),
    "dropout": lambda d: d.set_layer(1, dropout=0.5),
    "a norm": lambda d: d.set_layer(1, norm="layer"),
    "inputs": lambda d: d.set_inputs(["x", "y", "xy"]),
    "a weight": lambda d: d.set_weight(0, 1, 0, 2.5),
    "a bias": lambda d: d.set_weight(2, 0, None, -1.0),
    "the rate": lambda d: d.set_plan(lr=0.5),
    "the optimiser": lambda d: d.set_plan(optimizer="SGD"),
    "an option": lambda d: d.set_option("weight_decay", 0.1),
    "noise": lambda d: d.set_recipe(noise=0.5),
    "three classes": lambda d: d.set_recipe(classes=3),
    "a surface": lambda d: d.set_recipe(shape="hills"),
    "the share": lambda d: d.set_share(0.8),
    "a point": lambda d: d.paint([[1.0, 2.0]], 1),
    "wiping": lambda d: d.wipe(0.0, 0.0, 1.0),
    "an empty plane": lambda d: d.clear(),
    "a table": lambda d: d.read(TABLE),
    "going back": lambda d: d.seek(1),
    "beginning again": lambda d: d.restart(),
    "another seed": lambda d: d.restart(7),
    "a mission": lambda d: d.begin_mission(3),
    "a link": lambda d: d.open(Desk(Trainer(Spec(layers=(Layer(1),)))).link()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_undone_to_the_bit_and_training_goes_on_as_if_it_had_not_been(change):
    desk, other = begun(), begun()
    for one in (desk, other):
        one.step("batch", 4)
    before = state(desk)
    change(desk)
    assert not same(state(desk), before)
    if not desk.pending:
        desk.step("epoch")
    desk.undo()
    assert same(state(desk), before)
    desk.step("epoch", 2)
    other.step("epoch", 2)
    assert same(state(desk), state(other) | {"rest": state(desk)["rest"]}) and desk.trainer.steps == other.trainer.steps


def test_rewinding_still_works_after_an_undo():
    desk, other = begun(70), begun(70)
    desk.add_unit(0)
    desk.step("epoch", 2)
    desk.undo()
    for one in (desk, other):
        one.seek(67)
    assert desk.trainer.history == other.trainer.history and len(desk.trainer.history["loss"]) == 68


def test_changes_are_undone_one_by_one_and_a_knob_turned_in_one_go_is_one():
    desk = begun(0)
    for lr in (0.02, 0.03, 0.04):
        desk.set_plan(lr=lr)
    desk.add_unit(0)
    desk.add_unit(0)
    assert desk.trainer.spec.layers[0].units == 6
    desk.undo()
    assert desk.trainer.spec.layers[0].units == 5
    desk.undo()
    assert (desk.trainer.plan.lr, desk.undo_words) == (0.04, "lr 0.04")
    desk.undo()
    assert (desk.trainer.plan.lr, desk.undo_words) == (0.01, "")
    with pytest.raises(PlaygroundError, match="nothing to take back"):
        desk.undo()


def test_so_many_changes_are_remembered_and_no_more():
    desk = begun(0)
    for number in range(UNDO + 5):
        desk.restart(number)
    assert len(desk._changes) == UNDO
    desk.trainer.history["loss"] = [1.0] * (ROWS // 2 + 1)
    desk.restart(100)
    desk.trainer.history["loss"] = [1.0] * (ROWS // 2 + 1)
    desk.restart(101)
    assert len(desk._changes) == 1


REFUSED = {
    "9 neurons": (lambda d: [d.add_unit(0) for _ in range(9)], "8 neurons at most"),
    "7 layers": (lambda d: [d.add_layer(0) for _ in range(9)], "6 layers at most"),
    "no input": (lambda d: d.set_inputs([]), "at least one input"),
    "activation": (lambda d: d.set_layer(0, activation="best"), "no activation"),
    "layer": (lambda d: d.set_layer(None, activation="relu"), "no hidden layer"),
    "weight": (lambda d: d.set_weight(0, 0, 0, "large"), "A weight must be"),
    "rate": (lambda d: d.set_plan(lr="fast"), "learning rate must be"),
    "option": (lambda d: d.set_option("speed", 3), "no option of Adam"),
    "option value": (lambda d: d.set_option("eps", -1.0), "torch.optim.Adam cannot"),
    "shape": (lambda d: d.set_recipe(shape="cube"), "no data set"),
    "recipe": (lambda d: d.set_recipe(colour=1), "Data has no colour"),
    "share": (lambda d: d.set_share(1.0), "share of points"),
    "class": (lambda d: d.paint([[0, 0]], 6), "numbered 0 to 5"),
    "class type": (lambda d: d.paint([[0, 0]], None), "numbered 0 to 5"),
    "outside": (lambda d: d.paint([[0, 7]], 0), "between -6 and 6"),
    "table": (lambda d: d.read("a,b,c\n1,2,x\n2,,y\n3,4,x\n4,5,y"), "no value at point 2"),
    "text": (lambda d: d.read("a,b,c\n1,two,x\n2,3,y\n3,4,x\n4,5,y"), "must hold numbers"),
    "columns": (lambda d: d.choose_columns("a", "b", "c"), "no table yet"),
    "epoch": (lambda d: d.seek(99), "epochs 0 to 3"),
    "unit": (lambda d: d.step("week"), "a sample, a batch or an epoch"),
    "count": (lambda d: d.step("batch", 10**9), "1 to 10000"),
    "mission": (lambda d: d.begin_mission(99), "Missions are numbered"),
    "link": (lambda d: d.open("1abc"), "damaged"),
    "seed": (lambda d: d.restart(-1), "A seed is"),
    "seeds": (lambda d: d.show_seeds(True, 10**6), "seeds can learn at once"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_said_and_the_state_kept(change, words):
    desk = begun()
    if words.endswith("at most"):  # full already
        with pytest.raises(PlaygroundError, match=words):
            change(desk)
    before, undo = state(desk), desk.undo_words
    with pytest.raises(PlaygroundError, match=words):
        change(desk)
    assert same(state(desk), before) and desk.undo_words == undo


def test_a_drawing_of_one_class_waits_with_a_sentence_until_there_is_another():
    desk = begun()
    before = desk.trainer.points
    desk.clear()
    assert "no points yet" in desk.pending and desk.trainer.points is before
    desk.paint(np.array([[1.0, 1], [2, 2]]), 0)
    assert "All points are of class A" in desk.pending
    with pytest.raises(PlaygroundError, match="All points are of class A"):
        desk.learn(0.01)
    with pytest.raises(PlaygroundError, match="All points are of class A"):
        desk.step("epoch")
    desk.paint(np.array([[-1.0, -1], [-2, -2]]), 3)
    assert desk.pending == "" and desk.trainer.points.names == ("A", "D") and desk.hues == [0, 3]
    desk.step("epoch", 3)
    assert desk.trainer.epoch == 6


def test_painting_adds_to_made_points_and_their_classes_keep_their_colours():
    desk = begun()
    desk.paint(np.array([[1.0, 1], [2, 2]]), 2)
    places, hues, trains = desk.shown_points()
    assert len(places) == len(hues) == len(trains) == 502 and sorted(set(hues.tolist())) == [0, 1, 2]
    assert desk.trainer.points.classes == 3 and desk.trainer.spec.outputs == 3
    desk.set_recipe(noise=0.1)  # made again, as before
    assert desk.drawing is None and desk.trainer.points.classes == 2


def test_painting_on_a_surface_or_a_table_begins_with_an_empty_plane():
    for begin in (lambda desk: desk.set_recipe(shape="plane"), lambda desk: desk.read(TABLE)):
        desk = begun()
        begin(desk)
        desk.paint(np.array([[1.0, 1], [2, 2]]), 0)
        assert len(desk.drawing.x) == 2 and desk.pending


def test_the_share_can_be_set_for_every_kind_of_points():
    desk = begun(0)
    for begin in (lambda: None, lambda: desk.paint([[0.0, 0], [1, 1]], 1), lambda: desk.read(TABLE)):
        begin()
        desk.set_share(0.8)
        assert float(desk.trainer.points.trains.float().mean()) == pytest.approx(0.8, abs=0.05) and desk.share > 0.7


def test_a_table_with_many_columns_waits_for_a_choice():
    desk = begun()
    before = state(desk)
    with pytest.raises(PlaygroundError, match="4 columns"):
        desk.read(WIDE)
    assert same(state(desk), before) and desk.table.columns == ["name", "a", "b", "c"]
    with pytest.raises(PlaygroundError, match="must hold numbers"):
        desk.choose_columns("name", "a", "c")
    desk.choose_columns("a", "b", "c")
    assert desk.trainer.points.axes == ("a", "b") and desk.table.target == "c" and desk.trainer.points.classes == 2


def test_one_can_go_back_and_forth_in_time():
    desk = begun(6)
    losses = list(desk.trainer.history["loss"])
    desk.seek(2)
    assert desk.trainer.epoch == 2 and desk.furthest == 6
    desk.seek(5)
    assert desk.trainer.history["loss"] == losses[:6]
    desk.add_unit(0)
    assert desk.furthest == 5 and desk.marks == [(5, "a neuron more in layer 1")]
    desk.seek(4)
    assert desk.marks == [] and desk.trainer.spec.layers[0].units == 4


def test_going_forth_again_leads_over_the_changes_that_were_made_then():
    desk = begun(3)
    desk.add_unit(0)
    desk.step("epoch", 4)
    desk.step("batch", 5)
    losses, marks = list(desk.trainer.history["loss"]), list(desk.marks)
    for epoch in (5, 1, 2, 6, 0, 7):
        desk.seek(epoch)
        assert desk.trainer.history["loss"] == losses[: epoch + 1] and desk.trainer.place == 0
        assert desk.trainer.spec.layers[0].units == (5 if epoch > 2 else 4)
    assert desk.marks == marks
    desk.seek(1)
    desk.step("epoch")  # from here on without the change
    desk.seek(7)
    assert desk.trainer.spec.layers[0].units == 4 and desk.trainer.epoch == 7


def test_an_explosion_is_counted_and_said_and_the_state_kept():
    desk = Desk(Trainer(Spec(layers=(Layer(4, "relu"),)), Plan(lr=1e5), made(Recipe("plane"))))
    before = state(desk)
    with pytest.raises(PlaygroundError, match="exploded by step"):
        desk.learn(5.0)
    assert desk.explosions == 1 and same(state(desk), before)


# Many seeds.


def test_seeds_learn_instead_of_the_one_and_follow_its_settings():
    desk = begun(0)
    desk.show_seeds(True, 8)
    before = state(desk)
    desk.step("epoch", 2)
    desk.learn(0.05)
    assert desk.seeds.steps >= 52 and same(state(desk), before)
    found = desk.measured_seeds()
    assert found.shape == (8,) and np.isfinite(found).all()
    desk.add_unit(0)
    assert desk.fresh_seeds().steps == 0 and desk.seeds.spec.layers[0].units == 5
    desk.step("batch", 3)
    desk.step("epoch")
    assert desk.seeds.steps == 25 and desk.seeds.place == 0
    desk.restart()
    assert desk.seeds.steps == 0
    desk.show_seeds(False)
    assert desk.seeds is None and desk.measured_seeds() is None


def test_where_seeds_cannot_learn_they_are_shown_no_longer():
    desk = begun(0)
    with pytest.raises(PlaygroundError, match="Choose SGD or Adam"):
        Desk(Trainer(plan=Plan("LBFGS"))).show_seeds(True)
    desk.show_seeds(True, 4)
    desk.set_plan(optimizer="LBFGS")
    with pytest.raises(PlaygroundError, match="Choose SGD or Adam"):
        desk.fresh_seeds()
    assert desk.seeds is None


# Code and link.


def test_a_link_of_a_network_that_only_learned_opens_at_the_same_epoch_to_the_bit():
    desk = begun(5)
    other = Desk(Trainer())
    other.open(desk.link())
    assert other.trainer.epoch == 5 and other.trainer.history == desk.trainer.history
    assert all(torch.equal(a, b) for a, b in zip(desk.trainer.parameters, other.trainer.parameters, strict=True))
    assert len(desk.link()) < 500


def test_a_link_of_an_edited_network_brings_its_weights():
    desk = begun(5)
    desk.set_weight(0, 0, 0, 3.25)
    desk.paint([[0.5, 0.5], [1.5, 1.5]], 2)
    desk.step("epoch", 2)
    other = Desk(Trainer())
    other.open(desk.link())
    for a, b in zip(desk.trainer.parameters, other.trainer.parameters, strict=True):
        assert a.detach().numpy() == pytest.approx(b.detach().numpy(), abs=1e-6)
    assert other.trainer.points.names == ("A", "B", "C") and "torch" in other.code()


# Missions.


def train(desk: Desk, epochs: int, **plan) -> None:
    if plan:
        desk.set_plan(**plan)
    desk.step("epoch", epochs)


def by_hand(desk: Desk) -> None:
    points = desk.trainer.points  # class B lies where class A does not: towards the middle of B from that of A
    middles = [points.x[points.y == k].mean(0) for k in (0, 1)]
    way, half = middles[1] - middles[0], (middles[0] + middles[1]) / 2
    for source in (0, 1):
        desk.set_weight(0, 0, source, round(float(way[source]), 2))
    desk.set_weight(0, 0, None, round(-float(way @ half), 2))


def layers(desk: Desk, *units: int) -> None:
    while desk.trainer.spec.layers:
        desk.remove_layer(0)
    for at, count in enumerate(units):
        desk.add_layer(at)
        while desk.trainer.spec.layers[at].units < count:
            desk.add_unit(at)
        while desk.trainer.spec.layers[at].units > count:
            desk.remove_unit(at, 0)
    desk.restart()


def gelu(desk: Desk) -> None:
    layers(desk, 8, 8, 8)
    for layer in range(3):
        desk.set_layer(layer, activation="gelu")


def linear(desk: Desk) -> None:
    desk.set_layer(0, activation="linear")
    train(desk, 40)


def break_and_mend(desk: Desk) -> None:
    desk.set_plan(lr=1e5)
    with pytest.raises(PlaygroundError, match="exploded"):
        desk.step("epoch", 20)
    train(desk, 20, lr=0.02)


def four_neurons(desk: Desk) -> None:
    layers(desk, 4)
    for seed in range(12):  # a lucky one
        desk.restart(seed)
        train(desk, 60, optimizer="Adam", lr=0.03)
        if desk.last("test_accuracy") >= 0.95:
            return


def with_l2(desk: Desk) -> None:
    train(desk, 200, l2=0.03)


def seeds_that_learn(desk: Desk) -> None:
    layers(desk, 8, 4)
    desk.show_seeds(True)
    desk.set_plan(lr=0.03)
    desk.step("epoch", 40)


SOLUTIONS = {
    "line": lambda desk: train(desk, 10),
    "hand": by_hand,
    "bend": lambda desk: (layers(desk, 6), train(desk, 40, optimizer="Adam", lr=0.03)),
    "inputs": lambda desk: (desk.set_inputs(["x²", "y²"]), train(desk, 30, optimizer="Adam", lr=0.05)),
    "linear": linear,
    "xor": four_neurons,
    "rate": break_and_mend,
    "heart": lambda desk: (layers(desk, 8, 8, 8), train(desk, 500, lr=0.02)),
    "calm": with_l2,
    "three": lambda desk: (layers(desk, 8), train(desk, 80, optimizer="Adam", lr=0.03)),
    "hills": lambda desk: (gelu(desk), train(desk, 80, batch=20)),
    "spiral": lambda desk: (gelu(desk), train(desk, 150, optimizer="Adam", lr=0.03, batch=25)),
    "luck": seeds_that_learn,
}


@pytest.mark.parametrize("mission", MISSIONS, ids=lambda mission: mission.name)
def test_every_mission_can_be_passed_and_is_not_passed_at_its_beginning(mission: Mission):
    desk = Desk(Trainer())
    desk.begin_mission(MISSIONS.index(mission))
    desk.look_at_mission()
    assert not all(desk.held) and desk.passed == [] and desk.undo_words
    SOLUTIONS[mission.name](desk)
    desk.look_at_mission()
    assert dict(zip([c.words for c in mission.conditions], desk.held, strict=True)) == {c.words: True for c in mission.conditions}
    assert desk.passed == [mission.name]


def test_without_regularisation_the_wrong_labels_are_believed():
    desk = Desk(Trainer())
    desk.begin_mission([mission.name for mission in MISSIONS].index("calm"))
    train(desk, 200)
    desk.look_at_mission()
    assert desk.held == [False, True, True] and desk.last("test_accuracy") < 0.7


@pytest.mark.parametrize("mission", MISSIONS, ids=lambda mission: mission.name)
def test_other_data_than_the_missions_passes_nothing(mission: Mission):
    desk = Desk(Trainer(points=made(Recipe("gaussians", points=60, seed=5))))
    desk.mission = mission
    desk.step("epoch", 20)
    desk.look_at_mission()
    assert not any(desk.held) and desk.passed == []


def test_what_breaks_a_condition_is_seen_at_once_and_what_is_passed_stays_passed():
    desk = Desk(Trainer())
    desk.begin_mission(0)
    train(desk, 10)
    desk.look_at_mission()
    assert desk.passed == ["line"]
    desk.add_layer(0)
    desk.look_at_mission()
    assert desk.held == [True, False] and desk.passed == ["line"]
    desk.begin_mission(None)
    assert desk.mission is None and desk.held == []


def test_lines_alone_do_not_pass_the_mission_of_the_corner():
    desk = Desk(Trainer())
    desk.begin_mission(2)
    train(desk, 30, optimizer="Adam", lr=0.03)
    desk.look_at_mission()
    assert desk.held == [False, True]
