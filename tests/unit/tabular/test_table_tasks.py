"""Tasks of tables: they are learned, measured in their own units, and shown in words."""

import numpy as np
import pandas as pd
import pytest
import torch

import dlnb as dl
from dlnb.tabular.models.tablenet import PiecewiseLinear
from dlnb.tabular.tasks.tables import members_cross_entropy, members_squared_error

MAKE = {"breast cancer": dl.tabular.breast_cancer, "diabetes": dl.tabular.diabetes}


@pytest.mark.parametrize("name", MAKE)
def test_a_training_beats_saying_always_the_same(name):
    task = MAKE[name]()
    with dl.seeded(0):
        model = task.models["TableNet"]()
    found = dl.fit(model, task, epochs=15, lr=2e-3, seed=0, block=True).evaluate("test")
    if name == "diabetes":
        assert found["share explained"] > 0.25
        assert found["root mean squared error"] < task.measure_baselines()["always the mean"]["root mean squared error"]
    else:
        assert found["accuracy"] > 0.9 and found["log loss"] < 0.4 and 0 <= found["calibration error"] <= 1


def test_it_begins_by_guessing():
    task = dl.tabular.breast_cancer()
    rows, target = task.train.batch(0, 0, 0)
    assert task.loss(task.models["TableNet"]()(rows), target).item() == pytest.approx(np.log(2), abs=1e-5)


def test_the_answer_is_the_mean_of_the_members():
    task = dl.tabular.breast_cancer()
    output = torch.randn(5, 8, 2)
    logs = task.predict(None, None, output)
    torch.testing.assert_close(logs.exp(), output.softmax(-1).mean(1))
    torch.testing.assert_close(logs.exp().sum(1), torch.ones(5))


def test_each_member_is_trained_for_itself():
    logits, target = torch.randn(6, 3, 4), torch.randint(4, (6,))
    apart = torch.stack([torch.nn.functional.cross_entropy(logits[:, i], target) for i in range(3)])
    torch.testing.assert_close(members_cross_entropy(logits, target), apart.mean())
    said, value = torch.randn(6, 3, 1), torch.randn(6)
    torch.testing.assert_close(members_squared_error(said, value), ((said[..., 0] - value[:, None]) ** 2).mean())


def test_a_number_is_embedded_by_how_far_it_got_through_each_bin():
    layer = PiecewiseLinear(1, 4, edges=torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]]))
    with torch.no_grad():
        layer.weight.copy_(torch.eye(4)[None])
    said = layer(torch.tensor([[2.5], [0.0], [-1.0], [6.0]]))[:, 0]
    torch.testing.assert_close(said, torch.tensor([[1, 1, 0.5, 0], [0, 0, 0, 0], [-1.0, 0, 0, 0], [1, 1, 1, 3.0]]))


def test_edges_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="rising"):
        PiecewiseLinear(1, edges=torch.tensor([[0.0, 0.0, 1.0]]))


@pytest.mark.parametrize("name", MAKE)
def test_the_preview_says_rows_in_words(name):
    task = MAKE[name]()
    shown = task.preview(task.models["TableNet"]().eval())
    assert len(shown.read) == len(shown.truth) == len(shown.said) == 8
    assert all(text.count(",") == 3 for text in shown.read)


@pytest.fixture
def own(tmp_path):
    random = np.random.default_rng(0)
    x = random.standard_normal((80, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(kind=np.where(x[:, 0] > 0, "up", "down"), much=x[:, 1] * 2)
    frame.to_csv(tmp_path / "own.csv", index=False)
    frame.drop(columns="kind").to_csv(tmp_path / "numbers.csv", index=False)
    return tmp_path


def test_classes_of_ones_own_table_become_a_task_with_its_baselines(own):
    task = dl.tabular.from_table(f"{own}/own.csv", "kind")
    assert task.classes == ("down", "up")
    assert set(task.measure_baselines()) == {"logistic regression", "gradient boosting"}


def test_a_quantity_of_ones_own_table_becomes_a_task(own):
    task = dl.tabular.from_table(f"{own}/numbers.csv", "much")
    assert task.classes == () and task.models["TableNet"]()(task.train.batch(0, 0, 0)[0]).shape[1:] == (8, 1)
    with pytest.raises(ValueError, match="'kind' holds text"):
        dl.tabular.from_table(f"{own}/own.csv", "much")
