"""The data of the playground: made, drawn and read; what cannot be learned is refused in words."""

import numpy as np
import pandas
import pytest
import torch

from dlnb.widgets.playground.checks import PlaygroundError
from dlnb.widgets.playground.points import REACH, Drawing, Recipe, class_sizes, made
from dlnb.widgets.playground.shapes import CLASSIFIED, SURFACES
from dlnb.widgets.playground.table import read_table


@pytest.mark.parametrize("shape", CLASSIFIED)
@pytest.mark.parametrize("classes", [2, 3, 6])
def test_every_shape_has_its_classes_inside_the_picture(shape, classes):
    points = made(Recipe(shape, points=600, classes=classes))
    assert points.x.shape == (600, 2) and points.x.abs().max() <= REACH + 0.5
    assert points.y.bincount().tolist() == [600 // classes] * classes
    assert points.outputs == (1 if classes == 2 else classes)


@pytest.mark.parametrize("shape", [shape for shape in CLASSIFIED if shape != "gaussians"])
def test_without_noise_a_point_and_its_nearest_neighbour_are_of_one_class(shape):
    points = made(Recipe(shape, points=2000))
    distance = torch.cdist(points.x, points.x).fill_diagonal_(9)
    nearest = points.y[distance.argmin(1)]
    assert (nearest == points.y).float().mean() > 0.98


@pytest.mark.parametrize("shape", SURFACES)
def test_surfaces_have_values(shape):
    points = made(Recipe(shape))
    assert points.classes == 0 and points.y.abs().max() <= 1 and points.target.shape == (500, 1)
    assert points.y.std() > 0.2


def test_the_same_recipe_gives_the_same_points_and_another_seed_others():
    one, two, other = made(Recipe(noise=0.3)), made(Recipe(noise=0.3)), made(Recipe(noise=0.3, seed=1))
    assert torch.equal(one.x, two.x) and torch.equal(one.trains, two.trains)
    assert not torch.equal(one.x, other.x)


def test_half_of_the_points_train_unless_asked_otherwise():
    assert int(made(Recipe()).trains.sum()) == 250
    assert int(made(Recipe(share=0.9)).trains.sum()) == 450


def test_flipped_labels_are_as_many_as_asked_for():
    clean, wrong = made(Recipe(points=5000, classes=3)), made(Recipe(points=5000, classes=3, flipped=0.2))
    assert torch.equal(clean.x, wrong.x)
    assert 0.18 < (clean.y != wrong.y).float().mean() < 0.22


def test_imbalance_makes_later_classes_rarer():
    assert class_sizes(500, 2, 0.0) == [250, 250]
    sizes = class_sizes(500, 3, 0.9)
    assert sum(sizes) == 500 and sizes == sorted(sizes, reverse=True) and sizes[2] < 10
    assert made(Recipe(imbalance=0.9)).y.bincount().tolist() == class_sizes(500, 2, 0.9)


def test_a_drawing_is_learned_when_it_has_two_classes():
    drawing = Drawing()
    with pytest.raises(PlaygroundError, match="no points yet"):
        drawing.points()
    drawing.add([[1, 1], [2, 2], [1, 2]], 3)
    with pytest.raises(PlaygroundError, match="All points are of class D.*add points of another"):
        drawing.points()
    drawing.add([[-1, -1]], 1)
    with pytest.raises(PlaygroundError, match="Class B has one point"):
        drawing.points()
    drawing.add(np.array([[-2, -1], [-2, -2]]), 1)
    points = drawing.points()
    assert points.classes == 2 and points.names == ("B", "D") and points.y.tolist() == [1, 1, 1, 0, 0, 0]
    assert points.trains[points.y == 0].any() and not points.trains[points.y == 0].all()
    assert drawing.wipe(-1.5, -1, 0.6) == 2 and len(drawing.x) == 4


@pytest.mark.parametrize(
    ("places", "label", "words"),
    [
        ([[7, 0]], 0, "between -6 and 6"),
        ([[float("nan"), 0]], 0, "between"),
        ([[0, 0]], 6, "numbered"),
        (np.zeros((5001, 2)), 0, "5000 points at most"),
    ],
)
def test_a_drawing_refuses_and_stays(places, label, words):
    drawing = Drawing()
    drawing.add([[1, 1]], 0)
    with pytest.raises(PlaygroundError, match=words):
        drawing.add(places, label)
    assert len(drawing.x) == 1


CSV = "height,weight,kind\n" + "\n".join(f"{150 + k},{50 + k * 2},{'cat' if k % 3 else 'dog'}" for k in range(30))


def test_a_csv_with_names_becomes_classes():
    points = read_table(CSV)
    assert points.names == ("cat", "dog") and points.axes == ("height", "weight")
    assert points.x.min() == -5 and points.x.max() == 5 and points.y[:4].tolist() == [1, 0, 0, 1]


def test_a_csv_with_semicolons_and_a_byte_order_mark_is_read():
    assert read_table("\ufeff" + CSV.replace(",", ";")).axes == ("height", "weight")


def test_a_data_frame_with_many_columns_is_read_by_name():
    numbers = np.random.default_rng(0).normal(size=(50, 7))
    frame = pandas.DataFrame(numbers, columns=list("abcdefg"))
    points = read_table(frame, inputs=("c", "a"), target="g")
    assert points.classes == 0 and points.axes == ("c", "a") and points.y.abs().max() == 1
    assert torch.allclose(points.x[:, 0].argsort(), torch.tensor(frame["c"].argsort().to_numpy()))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (CSV.replace("152,54,cat", "152,,cat"), "Column 'weight' has no value at point 3"),
        (CSV.replace("152,54,cat", "152,NaN,cat"), "no value at point 3"),
        (CSV.replace("152,54,cat", "tall,54,cat"), "must hold numbers, but point 3 has 'tall'"),
        (CSV.replace("152,54,cat", "152,54,cat,1"), "Line 4 has 4 cells"),
        (CSV.replace("dog", "cat"), "All points are of class cat"),
        ("\n".join(line + ",1" for line in CSV.split("\n")).replace("kind,1", "kind,more"), "4 columns.*Choose two"),
        ("a,b\n1,2\n2,3\n3,4\n4,5", "2 columns. It needs three"),
        ("a,b,c\n" + "1,2,cat\n1,3,dog\n" * 4, "Column 'a' is 1 everywhere"),
        ("a,b,c\n" + "\n".join(f"{k},{k},name{k}" for k in range(9)), "9 different texts"),
        ("1,2,0\n3,4,1\n5,6,0\n7,8,1\n9,9,1", "holds numbers. Put a line with the names"),
        ("a,a,c\n" + "1,2,3\n" * 5, "same name"),
        ("", "empty"),
        ("a,b,c", "empty"),
        ("x" * 2_000_001, "MB"),
        ("a,b,c\n" + "1,2,3\n" * 5001, "5001 rows"),
        (None, "not a NoneType"),
        (pandas.DataFrame(np.zeros((6000, 3))), "6000 rows"),
        (pandas.DataFrame({"a": [1.0, None, 3, 4], "b": [1, 2, 3, 4], "c": [0, 1, 0, 1]}), "no value at point 2"),
    ],
)
def test_a_table_that_cannot_be_learned_is_refused_in_words(table, words):
    with pytest.raises(PlaygroundError, match=words):
        read_table(table)


@pytest.mark.parametrize(
    ("inputs", "target"), [(("height", "height"), "kind"), (("height", "length"), "kind"), (("height",), "kind")]
)
def test_columns_that_are_not_there_are_named(inputs, target):
    with pytest.raises(PlaygroundError, match="Choose two|no column 'length'"):
        read_table(CSV, inputs, target)


@pytest.mark.parametrize(
    "bad",
    [
        {"shape": "donut"},
        {"points": 10},
        {"points": 1e9},
        {"classes": 7},
        {"classes": 1},
        {"noise": -1},
        {"flipped": "much"},
        {"share": 1.0},
        {"imbalance": 1},
        {"seed": 0.5},
    ],
)
def test_a_recipe_that_cannot_be_is_refused(bad):
    with pytest.raises(PlaygroundError):
        Recipe(**bad)
