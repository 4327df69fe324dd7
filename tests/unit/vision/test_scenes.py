"""Street scenes: a pure function of their number, and what is said of the objects is exactly what is drawn."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dlnb.vision.scenes import CLASSES, LEAST_PIXELS, scene


def test_a_scene_is_a_pure_function_of_its_number_and_seed():
    one, again = scene(7, seed=3), scene(7, seed=3)
    assert (one.picture == again.picture).all() and (one.ids == again.ids).all() and (one.boxes == again.boxes).all()
    for other in (scene(8, seed=3), scene(7, seed=4)):
        assert (one.picture != other.picture).mean() > 0.5


def test_threads_do_not_disturb_each_other():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    wanted = [scene(number).picture for number in range(20)]
    try:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda number: scene(number).picture, range(20)))
    finally:
        sys.setswitchinterval(interval)
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("size", [32, 64, 96])
def test_each_box_fits_its_object_exactly(size):
    for number in range(40):
        one = scene(number, size=size)
        assert one.picture.shape == (size, size, 3) and one.picture.dtype == np.uint8 and one.ids.shape == (size, size)
        assert sorted(set(one.ids.ravel()) - {0}) == list(range(1, len(one.labels) + 1))
        for place, (x1, y1, x2, y2) in enumerate(one.boxes.astype(int)):
            mine = one.ids == place + 1
            assert mine.sum() >= LEAST_PIXELS and mine[y1:y2, x1:x2].sum() == mine.sum()
            assert mine[y1].any() and mine[y2 - 1].any() and mine[:, x1].any() and mine[:, x2 - 1].any()
        assert (one.classes[one.ids == 0] == 0).all()
        assert all((one.classes[one.ids == place + 1] == label + 1).all() for place, label in enumerate(one.labels))


def test_there_is_variety():
    scenes = [scene(number) for number in range(300)]
    counts = np.bincount(np.concatenate([one.labels for one in scenes]), minlength=len(CLASSES))
    assert (counts >= 40).all()
    assert {len(one.labels) for one in scenes} >= {1, 2, 3, 4, 5, 6}
    sides = np.concatenate([one.boxes[:, 3] - one.boxes[:, 1] for one in scenes])
    assert np.quantile(sides, 0.95) > 4 * np.quantile(sides, 0.05)
    brightness = np.array([one.picture.mean() for one in scenes])
    assert brightness.max() > 2 * brightness.min()
    overlapping = 0
    for one in scenes:
        a, b = one.boxes[:, None], one.boxes[None, :]
        meet = (np.minimum(a[..., 2:], b[..., 2:]) > np.maximum(a[..., :2], b[..., :2])).all(-1)
        overlapping += meet.sum() > len(one.boxes)
    assert overlapping > 100


def test_a_street_may_be_empty_and_what_makes_no_sense_is_refused():
    assert len(scene(0, objects=0).labels) == 0
    assert scene(0, objects=0).boxes.shape == (0, 4)
    with pytest.raises(ValueError, match="32 pixels or more"):
        scene(0, size=16)
    with pytest.raises(ValueError, match="0 to 200 objects"):
        scene(0, objects=-1)
