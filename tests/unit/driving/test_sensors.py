import numpy as np
import pytest

from dlnb.driving import sensors as s

EGO = np.array([100.0, 50.0, 0.7, 20.0, 5.0, 2.0])


def ahead(metres, aside=0.0, length=5.0, width=2.0):
    """A car with its middle so far ahead of EGO and to its right, that looks as it does."""
    cos, sin = np.cos(EGO[2]), np.sin(EGO[2])
    return [EGO[0] + metres * cos - aside * sin, EGO[1] + metres * sin + aside * cos, EGO[2], 10.0, length, width]


def read(*others, seed=0, fault="", noise=None):
    return s.sense(EGO, np.array(others).reshape(-1, 6), np.random.default_rng(seed), noise, fault)


SILENT = s.Noise(0.0, 0.0, 0.0)


def test_a_ray_ahead_meets_the_rear_of_a_car_and_one_to_the_right_its_side():
    lidar = read(ahead(20), ahead(0, 10), noise=SILENT).lidar
    assert lidar[0] == pytest.approx(17.5)
    assert lidar[s.RAYS // 4] == pytest.approx(9.0)
    assert lidar[s.RAYS // 2] == s.REACH


def test_a_car_behind_another_is_hidden():
    both = s.scan(np.array([[10.0, 0, 0, 0, 5, 2], [20.0, 0, 0, 0, 5, 2]]))
    assert set(both.body) == {s.NOTHING, 0}


def test_each_ray_agrees_with_a_walk_along_it_in_small_steps():
    generator = np.random.default_rng(1)
    bodies = np.column_stack([generator.uniform(-30, 30, (8, 2)), generator.uniform(-3, 3, 8), np.zeros(8), np.full((8, 1), 5), np.full((8, 1), 2)])
    bodies = bodies[np.hypot(*bodies[:, :2].T) > 5]
    found = s.scan(bodies)
    walk = np.arange(0.05, s.REACH, 0.05)
    for ray in range(0, s.COLUMNS, 16):
        angle = 2 * np.pi * ray / s.COLUMNS
        points = walk[:, None] * [np.cos(angle), np.sin(angle)]
        first = s.REACH
        for body in bodies:
            away = points - body[:2]
            cos, sin = np.cos(body[2]), np.sin(body[2])
            inside = (np.abs(away @ [cos, sin]) <= 2.5) & (np.abs(away @ [-sin, cos]) <= 1.0)
            first = min(first, walk[inside][0]) if inside.any() else first
        assert found.metres[ray] == pytest.approx(first, abs=0.06)


def test_readings_are_the_same_for_the_same_generator_and_lie_in_their_ranges():
    one, two = (read(ahead(15, 2), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.lidar, two.lidar)
    np.testing.assert_array_equal(one.camera, two.camera)
    assert one.lidar.shape == (s.RAYS,) and one.camera.shape == (s.ROWS, s.COLUMNS)
    assert 0 <= one.lidar.min() and one.lidar.max() <= s.REACH and 0 <= one.camera.min() and one.camera.max() <= 1


def test_what_is_nearer_is_larger_in_the_picture():
    near, far = (read(ahead(metres), noise=SILENT).camera for metres in (12, 30))
    empty = read(noise=SILENT).camera
    assert (np.abs(near - empty) > 0.02).sum() > 3 * (np.abs(far - empty) > 0.02).sum() > 0


def test_a_dead_sensor_says_nothing_and_the_other_goes_on():
    assert read(ahead(20), fault="lidar dead").lidar is None and read(ahead(20), fault="lidar dead").camera is not None
    assert np.isnan(read(ahead(20), fault="camera NaN").camera).all()
    lost = read(ahead(5, 3), ahead(-6, -4), fault="lidar dropout").lidar
    assert 0.3 < 1 - (lost < s.REACH).sum() / (read(ahead(5, 3), ahead(-6, -4), noise=SILENT).lidar < s.REACH).sum() < 0.7


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="no fault 'rain'"):
        read(fault="rain")


def test_occupied_squares_are_where_the_car_is():
    grid = s.occupancy(np.array([[10.0, -5.0, 0.0, 0.0, 4.0, 2.0]]), half=20, cell=1)
    rows, columns = np.nonzero(grid)
    assert grid.shape == (40, 40) and grid.sum() == 8
    assert (20 - rows.mean() - 0.5, columns.mean() + 0.5 - 20) == (pytest.approx(10), pytest.approx(-5))
