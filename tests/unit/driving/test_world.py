import numpy as np
import pytest

from dlnb.driving import world as w
from dlnb.driving.bodies import corners, seen_from
from dlnb.driving.roads import Lane, RoadMap


def moments(place, seed, actions):
    world = w.World(place)
    scenes = [world.reset(seed)]
    for action in actions:
        scenes.append(world.step(action)[0])
    return scenes


@pytest.mark.parametrize("place", ["highway", "merge"])
def test_the_same_seed_and_actions_give_the_same_drive(place):
    one, two = (moments(place, 7, [w.SLOWER, w.LEFT, w.IDLE]) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.ego, b.ego)
        np.testing.assert_array_equal(a.others, b.others)


def test_another_seed_gives_another_scene():
    assert not np.array_equal(moments("highway", 1, [])[0].others, moments("highway", 2, [])[0].others)


def test_a_drive_is_the_same_whatever_was_driven_before_in_this_process():
    """highway-env's intersection changes how all cars of the process drive."""
    before = moments("merge", 3, [w.IDLE] * 3)[-1].others
    moments("intersection", 3, [w.IDLE])
    np.testing.assert_array_equal(moments("merge", 3, [w.IDLE] * 3)[-1].others, before)


def test_no_seed_is_in_two_splits():
    last = w.MOST - 1
    seeds = {split: (w.scenario("merge", split, 0).seed, w.scenario("merge", split, last).seed) for split in w.SPLITS}
    ranges = sorted(seeds.values())
    assert all(before[1] < after[0] for before, after in zip(ranges, ranges[1:], strict=False))


def test_a_scenario_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'train', 'valid' and 'test'"):
        w.scenario("merge", "exam", 0)
    with pytest.raises(ValueError, match="numbered 0 to"):
        w.scenario("merge", "test", w.MOST)
    with pytest.raises(ValueError, match="no place 'moon'"):
        w.Scenario("moon", 0)
    with pytest.raises(ValueError, match="no place 'moon'"):
        w.World("moon")


@pytest.mark.parametrize("action", [5, -1, 1.0, None, "SLOWER", True, float("nan")])
def test_an_action_outside_the_space_is_refused_where_a_person_calls(action):
    world = w.World("merge")
    world.reset(0)
    with pytest.raises(ValueError, match="whole number from 0 to 4"):
        world.step(action)


def test_on_the_racetrack_one_steers():
    world = w.World("racetrack")
    world.reset(0)
    world.step([0.1])
    for action in ([0.1, 0.2], [2.0], [float("nan")]):
        with pytest.raises(ValueError, match="steering"):
            world.step(action)


def test_slower_is_slower_and_faster_is_faster():
    slow, fast = (moments("highway", 5, [action])[-1] for action in (w.SLOWER, w.FASTER))
    assert slow.ego[3] < 24 < fast.ego[3]


def test_only_what_makes_a_difference_is_open():
    scene = moments("intersection", 0, [])[0]
    assert not scene.open[w.LEFT] and not scene.open[w.RIGHT] and scene.open[w.IDLE] and scene.open[w.SLOWER]


def test_the_speed_that_is_foretold_is_the_one_that_is_reached():
    world = w.World("highway")
    scene = world.reset(5)
    foretold = scene.speed_after(w.SLOWER)
    for action in (w.SLOWER, w.IDLE, w.IDLE):
        scene, _, over = world.step(action)
        assert not over
    assert scene.ego[3] == pytest.approx(foretold, abs=0.3)


def test_the_planner_of_highway_env_drives_by_itself():
    world = w.World("merge", planned=True)
    scene, over = world.reset(0), False
    while not over:
        scene, _, over = world.step(None)
    assert not world.crashed and scene.ego[0] > 350


def test_a_car_sees_another_where_it_stands_from_there():
    ego, other = np.array([10.0, 20, np.pi / 2, 5, 5, 2]), np.array([[10.0, 50, np.pi, 7, 5, 2], [0.0, 20, np.pi / 2, 7, 5, 2]])
    np.testing.assert_allclose(seen_from(other, ego), [[30, 0, np.pi / 2, 7, 5, 2], [0, 10, 0, 7, 5, 2]], atol=1e-12)


def test_corners_are_where_length_and_width_say():
    found = corners(np.array([[1.0, 2.0, np.pi / 2, 0.0, 4.0, 2.0]]))[0]
    assert {tuple(point) for point in np.round(found, 9)} == {(0.0, 4.0), (2.0, 4.0), (2.0, 0.0), (0.0, 0.0)}


def crossing():
    """A road of two lanes that ends in a way to the left and one straight on."""
    def lane(index, *points):
        points = np.array(points, dtype=float)
        return Lane(index, points, np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]), 4.0, False)

    return RoadMap([
        lane(("a", "b", 0), (0, 0), (50, 0)), lane(("a", "b", 1), (0, 4), (50, 4)),
        lane(("b", "c", 0), (50, 0), (90, 0)), lane(("b", "d", 0), (50, 0), (60, -10), (60, -40)),
    ])  # fmt: skip


def test_a_car_is_on_the_lane_that_is_nearest_and_goes_its_way():
    lanes, metres, aside = crossing().locate(np.array([[10, 3.5, 0, 0, 5, 2], [60, -20, -np.pi / 2, 0, 5, 2]]))
    assert lanes == [("a", "b", 1), ("b", "d", 0)]
    np.testing.assert_allclose(metres, [10, 200**0.5 + 10])
    np.testing.assert_allclose(aside, [-0.5, 0.0], atol=1e-9)


def test_all_ways_are_gone_on_unless_a_route_says_which():
    road = crossing()
    assert len(road.paths(("a", "b", 0), 30)) == 2
    planned = road.paths(("a", "b", 0), 30, ("a", "b", "d"))
    assert len(planned) == 1
    place, heading = planned[0].along(np.array([50 + 200**0.5 + 5]))
    np.testing.assert_allclose(place, [[60, -15]])
    np.testing.assert_allclose(heading, [-np.pi / 2])


def test_a_place_on_a_path_is_found_again():
    path = crossing().paths(("a", "b", 0), 30)[1]
    metres = np.array([3.0, 49.0, 55.0, 70.0])
    places, headings = path.along(metres)
    right = np.stack([-np.sin(headings), np.cos(headings)], -1)
    found, aside = path.locate(places + 0.5 * right)
    np.testing.assert_allclose(found, metres, atol=0.6)
    np.testing.assert_allclose(aside, 0.5, atol=0.2)


def test_a_path_goes_straight_on_beyond_its_ends():
    path = crossing().paths(("b", "c", 0), 0)[0]
    np.testing.assert_allclose(path.along(np.array([-5.0, 45.0]))[0], [[45, 0], [95, 0]])


def test_the_map_says_the_same_of_a_car_as_highway_env():
    world = w.World("roundabout")
    scene = world.reset(4)
    lanes, _, aside = scene.road.locate(scene.others)
    cars = [car for car in world._env.road.vehicles if car is not world.car]
    assert lanes == [car.lane_index for car in cars]
    np.testing.assert_allclose(aside, [car.lane.local_coordinates(car.position)[1] for car in cars], atol=0.1)


def test_a_map_without_lanes_is_refused():
    with pytest.raises(ValueError, match="at least one lane"):
        RoadMap([])
