import numpy as np
import pytest
import torch

import dlnb as dl
from dlnb.driving import detections as d
from dlnb.driving.drawing import box_of, road_around
from dlnb.driving.drive import inputs_of, perceive
from dlnb.driving.models import RangeView
from dlnb.driving.moments import MOST, views
from dlnb.driving.sensors import RAYS, REACH, Readings, scan
from dlnb.driving.tasks import obstacles


@pytest.fixture(scope="module")
def task():
    return obstacles(places=("merge",), drives=1, batch_size=16)


def bodies(*rows):
    """Obstacles x, y that are seen well, as a target holds them."""
    table = torch.zeros(1, MOST, 7)
    for place, (x, y, *seen) in enumerate(rows):
        table[0, place] = torch.tensor([x, y, 0.0, 0.0, 5.0, 2.0, *(seen or [20])])
    return table


def found(*rows):
    return [torch.tensor([[x, y, 0.0, 0.9, 5.0, 2.0] for x, y in rows]).reshape(-1, 6)]


def test_what_is_said_of_a_body_is_read_back_as_that_body():
    row = torch.tensor([12.0, -7.0, 0.4, 0.0, 5.0, 2.0]).expand(1, RAYS, 6)
    said = torch.cat([torch.zeros(1, RAYS, 1), d.said_of(row, RAYS), torch.zeros(1, RAYS, 1)], -1)
    back = d.bodies_of(said)
    torch.testing.assert_close(back[..., :2], row[..., :2], atol=1e-4, rtol=0)
    torch.testing.assert_close((2 * back[..., 2]).cos(), (2 * row[..., 2]).cos(), atol=1e-4, rtol=0)
    torch.testing.assert_close(back[..., 4:], row[..., 4:])


def test_right_answers_are_decoded_to_every_obstacle_once(task):
    lidar, camera, target = task.test.batch(0, 0, 0)
    right = d.said_of(target["rays"], RAYS)
    sure = torch.where(target["rays"][..., 6:] > 0, 5.0, -5.0)
    answers = d.decode(torch.cat([sure, right, torch.zeros_like(sure)], -1))
    assert d.recall(answers, target) > 0.99 and d.precision(answers, target) > 0.99


def test_nothing_said_is_nothing_found():
    assert d.decode(torch.full((2, RAYS, d.OUTPUTS), -9.0))[1].shape == (0, 6)


def test_each_obstacle_is_found_once_and_only_within_two_metres():
    target = {"bodies": bodies((10, 0), (20, 5))}
    assert d.recall(found((11, 0), (9, 0)), target) == 0.5
    assert d.precision(found((11, 0), (9, 0)), target) == 0.5
    assert d.recall(found((12.5, 0)), target) == 0.0
    assert d.recall(found((10, 1), (21, 5)), target) == d.precision(found((10, 1), (21, 5)), target) == 1.0


def test_what_is_hidden_is_not_asked_for_and_no_mistake_when_found():
    target = {"bodies": bodies((10, 0), (20, 0, 0))}
    assert d.recall(found((10, 0)), target) == 1.0
    assert d.precision(found((10, 0), (20, 0)), target) == 1.0


def test_recall_is_told_by_distance():
    target = {"bodies": bodies((10, 0), (30, 0), (45, 0))}
    assert d.recall(found((10, 0)), target, 0, 20) == 1.0
    assert d.recall(found((10, 0)), target, 20, 40) == 0.0
    assert d.recall(found((10, 0)), target) == 0.5


def test_views_are_the_same_each_time_and_no_two_splits_share_one():
    one = views(("merge",), "valid", 1, 3)
    views.cache_clear()
    for a, b in zip(one, views(("merge",), "valid", 1, 3), strict=True):
        np.testing.assert_array_equal(a, b)
    train = {scan.tobytes() for scan in views(("merge",), "train", 1, 1)[0]}
    assert not train & {scan.tobytes() for scan in one[0]}


def test_batches_are_the_same_for_the_same_seed_and_generator(task):
    made = []
    for _ in range(2):
        torch.manual_seed(5)
        made.append(task.train.batch(1, 2, 0))
    torch.testing.assert_close(made[0][0], made[1][0], equal_nan=True)
    torch.testing.assert_close(made[0][1], made[1][1], equal_nan=True)
    torch.testing.assert_close(made[0][2], made[1][2])


def test_the_network_says_the_same_of_a_turned_world():
    """All directions are alike: it is the same network in each."""
    model = RangeView(RAYS, 480).eval()
    lidar, camera = torch.rand(1, RAYS) * REACH, torch.rand(1, 20, 480)
    with torch.no_grad():
        turned = model(lidar.roll(30, 1), camera.roll(60, 2))
        torch.testing.assert_close(turned, model(lidar, camera).roll(30, 1), atol=1e-5, rtol=1e-4)


def test_a_sensor_that_says_nan_or_nothing_leaves_numbers():
    model = RangeView().eval()
    for readings in (Readings(None, np.zeros((20, 480), np.float32)), Readings(np.full(240, np.nan, np.float32), None), Readings(None, None)):
        with torch.no_grad():
            assert model(*inputs_of(readings)).isfinite().all()
        assert perceive(model, readings).shape[1] == 6


def test_pictures_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="reads lidar"):
        RangeView()(torch.zeros(1, 100), torch.zeros(1, 20, 480))
    with pytest.raises(ValueError, match="multiple"):
        RangeView(rays=200)


@pytest.mark.parametrize(("wrong", "says"), [({"places": ("moon",)}, "places"), ({"places": ()}, "places"), ({"drives": 0}, "at least 1"), ({"fault": "rain"}, "no fault")])
def test_a_task_that_cannot_be_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        obstacles(**{"places": ("merge",), "drives": 1, **wrong})


def test_a_few_steps_make_it_better_and_the_preview_holds_together(task):
    with dl.seeded(0):
        model = task.models["RangeView"]()
    run = dl.fit(model, task, lr=3e-3, epochs=100, start=False)
    run.step(40)
    loss = run.history["loss"]
    assert loss[-5:].mean() < 0.5 * loss[:5].mean()
    shown = task.preview(model.eval())
    assert shown.truth.shape[0] == len(shown.pixels) and (shown.true_labels == 0).any()


def test_a_box_is_drawn_where_the_lidar_met_the_car():
    body = np.array([15.0, 8.0, 0.3, 0.0, 5.0, 2.0])
    plain, with_car = (road_around(scan(rows).metres[::2]) for rows in (np.zeros((0, 6)), body[None]))
    rows, columns = np.nonzero((plain != with_car).any(-1))
    x1, y1, x2, y2 = box_of(body)
    assert len(rows) and x1 - 2 <= columns.min() and columns.max() <= x2 + 2 and y1 - 2 <= rows.min() and rows.max() <= y2 + 2


def test_the_baseline_without_learning_is_measured(task):
    measured = task.measure_baselines()["each group of near lidar points"]
    assert 0.3 < measured["recall"] <= 1 and 0.3 < measured["precision"] <= 1
