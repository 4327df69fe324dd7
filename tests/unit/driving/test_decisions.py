import dataclasses

import numpy as np
import pytest
import torch

import dlnb as dl
from dlnb.driving import Drive, scenario, shield
from dlnb.driving.deadline import Deadline
from dlnb.driving.evaluate import outcome
from dlnb.driving.experience import DISCOUNT, discounted, lived
from dlnb.driving.features import FEATURES, OTHERS, able, features
from dlnb.driving.foresight import dangers, futures, skids, spare
from dlnb.driving.models import Policy, QNetwork, RangeView
from dlnb.driving.planner import look_ahead, worth
from dlnb.driving.tasks import dagger, decisions, imitation, reinforcement
from dlnb.driving.ttc import time_to_collision
from dlnb.driving.ways import ANY, BLIND, CHANGES, STAYS, TIMES, ways_of_others
from dlnb.driving.world import FASTER, IDLE, LEFT, RIGHT, SAFE, SLOWER, World


@pytest.fixture
def scene():
    """An empty highway, on the lane in the middle, at 25 m/s."""
    world = World("highway")
    scene = world.reset(0)
    ego = np.array([100.0, 4.0, 0.0, 25.0, 5.0, 2.0])
    return dataclasses.replace(scene, ego=ego, others=np.zeros((0, 6)), pulls=np.zeros(0), lane=("0", "1", 1), wanted=25.0)


def among(scene, *cars):
    """The scene with cars: metres ahead, to the right, and speed."""
    others = np.array([[scene.ego[0] + x, scene.ego[1] + y, 0.0, speed, 5.0, 2.0] for x, y, speed in cars])
    return dataclasses.replace(scene, others=others, pulls=np.zeros(len(others)))


# Time to collision.


def test_a_car_that_stands_ahead_is_hit_when_the_gap_is_driven():
    ego = np.array([0, 0, 0, 10.0, 5, 2])
    assert time_to_collision(ego, np.array([[25.0, 0, 0, 0, 5, 2]])) == pytest.approx([2.0])


def test_who_is_faster_or_beside_is_never_hit_and_who_touches_is_hit_now():
    ego = np.array([0, 0, 0, 10.0, 5, 2])
    others = np.array([[25.0, 0, 0, 12, 5, 2], [0.0, 4, 0, 10, 5, 2], [4.0, 0, 0, 10, 5, 2]])
    assert time_to_collision(ego, others).tolist() == [np.inf, np.inf, 0.0]
    assert time_to_collision(ego, np.zeros((0, 6))).shape == (0,)


def test_cars_that_cross_meet_when_a_simulation_says_so():
    ego, other = np.array([0, 0, 0, 10.0, 5, 2]), np.array([20.0, -22, np.pi / 2, 10.0, 5, 2])
    step = 0.001
    for moment in np.arange(0, 5, step):
        a, b = ego.copy(), other.copy()
        a[0] += 10 * moment
        b[1] += 10 * moment
        if spare(a, b, 0.0) <= 0:
            break
    assert time_to_collision(ego, other[None])[0] == pytest.approx(moment, abs=2 * step)


# Foresight, planner and shield.


def test_the_own_car_is_foreseen_where_highway_env_takes_it():
    world = World("highway")
    scene = world.reset(3)
    pairs, own = futures(scene)
    for action in (IDLE, SLOWER, FASTER):
        world.reset(3)
        after, _, _ = world.step(action)
        foreseen = own[[tuple(pair) == (action, IDLE) for pair in pairs]][0][np.isclose(TIMES, 1.0)][0]
        np.testing.assert_allclose(foreseen[:2], after.ego[:2], atol=1.0)
        assert foreseen[3] == pytest.approx(after.ego[3], abs=1.0)


def test_an_empty_road_is_no_danger():
    world = World("highway")
    scene = world.reset(0)
    empty = dataclasses.replace(scene, others=np.zeros((0, 6)), pulls=np.zeros(0))
    assert np.nanmax(np.where(np.isfinite(dangers(empty)), dangers(empty), 0)) == 0
    assert ways_of_others(empty)[0].shape == (0, len(TIMES), 6)


def test_to_speed_up_behind_a_slow_car_is_dangerous_and_a_free_lane_is_taken(scene):
    behind = among(scene, (30, 0, 12.0))
    danger = dangers(behind)
    assert danger[FASTER] > 0.5 > danger[IDLE] > danger[LEFT] == danger[RIGHT] == 0
    assert look_ahead(behind) in (LEFT, RIGHT)


def test_who_is_on_the_way_into_another_lane_is_foreseen_there_and_here(scene):
    ahead = among(scene, (20, 0.5, 15.0))
    straight, turned = ways_of_others(ahead), ahead.others.copy()
    turned[0, 2] = 0.3  # radians to the right
    ways, weights, against = ways_of_others(dataclasses.replace(ahead, others=turned))
    assert len(straight[0]) == 1 + len(CHANGES) and len(ways) == 2 * (1 + len(CHANGES)) and (against == ANY).all()
    assert ways[:, -1, 1].round(1).tolist() == [4.0] * (1 + len(CHANGES)) + [8.0] * (1 + len(CHANGES))
    assert weights[0] == STAYS and weights[1 + len(CHANGES)] == 1
    right, left = (dangers(dataclasses.replace(ahead, others=others)) for others in (turned, turned * [1, 1, -1, 1, 1, 1] - [0, 1, 0, 0, 0, 0]))
    assert right[RIGHT] > right[IDLE] > right[LEFT] == 0 and left[LEFT] > left[IDLE] > left[RIGHT] == 0


def test_two_may_come_into_a_lane_from_both_sides(scene):
    edge = dataclasses.replace(scene, lane=("0", "1", 2), ego=scene.ego + [0, 4.0, 0, 0, 0, 0])
    _, weights, against = ways_of_others(among(edge, (2, -8, 25.0)))
    assert against.tolist() == [ANY] * (1 + len(CHANGES)) + [LEFT] * (1 + len(CHANGES)) and weights[1 + len(CHANGES)] == BLIND
    danger = dangers(among(edge, (2, -8, 25.0)))
    assert 0 < danger[LEFT] <= BLIND and danger[IDLE] == danger[FASTER] == 0
    assert dangers(among(edge, (2, -8, 0.0)))[LEFT] == 0  # it stands


def test_a_quick_car_looks_further_ahead_than_a_slow_one():
    world = World("highway")
    scene = dataclasses.replace(world.reset(0), others=np.zeros((0, 6)), pulls=np.zeros(0), lane=("0", "1", 1), sideways=False)
    for speed, sees in ((20.0, True), (8.0, False)):
        ego = np.array([100.0, 4.0, 0.0, speed, 5.0, 2.0])
        closing = dataclasses.replace(scene, ego=ego, wanted=speed, speeds=np.array([speed, speed + 5]))
        danger = dangers(among(closing, (45, 0, speed - 4)))  # too close after 5 seconds, should it brake
        assert (danger[IDLE] > 0) == sees


def test_a_bend_is_not_taken_faster_than_tyres_hold():
    world = World("roundabout")
    scene = world.reset(0)
    circle = scene.road.lanes["se", "ex", 0]
    (place,), (heading,) = circle.points[4:5], np.arctan2(*(circle.points[5] - circle.points[4])[::-1])[None]
    ego = np.array([*place, heading, 8.0, 5.0, 2.0])
    bend = dataclasses.replace(scene, ego=ego, lane=circle.index, wanted=8.0, others=np.zeros((0, 6)), pulls=np.zeros(0))
    # The radius is 20 m: 8 m/s pull by 3.2 m/s², 16 m/s by 12.8.
    assert skids(bend).tolist() == [False, False, False, True, False]
    assert dangers(bend)[FASTER] > shield.LIMIT > dangers(bend)[IDLE] == 0
    assert not skids(World("highway").reset(0)).any()


def test_a_car_beside_makes_changing_there_dangerous(scene):
    danger = dangers(among(scene, (0, -4, 25.0)))
    assert danger[LEFT] > 0.5 and danger[RIGHT] == 0 and danger[IDLE] == 0


def test_what_cannot_be_taken_is_never_chosen(scene):
    edge = dataclasses.replace(scene, lane=("0", "1", 0), ego=np.array([100.0, 0, 0, 25, 5, 2]))
    assert worth(edge)[LEFT] == -np.inf


def test_the_shield_lets_a_safe_wish_pass_and_stops_a_dangerous_one(scene):
    scene = dataclasses.replace(scene, wanted=30.0, ego=scene.ego + [0, 0, 0, 5.0, 0, 0])  # nothing is faster
    wants_left = shield.shielded(lambda _: np.array([5.0, 1, 0, 0, 0]))
    assert wants_left(scene) == LEFT
    assert wants_left(among(scene, (0, -4, 25.0))) == IDLE


def test_the_shield_refuses_to_be_slow_for_nothing(scene):
    wants_slow = shield.shielded(lambda _: np.array([0, 0, 0, 0, 5.0]))
    assert wants_slow(scene) == FASTER
    assert wants_slow(among(scene, (30, 0, 12.0))) in (LEFT, RIGHT, SLOWER)
    assert shield.needless(scene, np.array([0.1, 0, 0, 0.1, 0]), 0.05).tolist() == [True, False, False, False, True]


def test_where_nothing_is_safe_the_shield_does_not_hurry(scene, monkeypatch):
    assert shield.hasty(scene, np.array([0.3, 0.3, 0.3, 0.3, np.inf])).tolist() == [False, False, False, True, False]
    wants_fast = shield.shielded(lambda _: np.array([0, 1, 0, 5.0, 0]))
    for least, done in ((0.03, FASTER), (0.3, IDLE)):
        monkeypatch.setattr(shield, "dangers", lambda _, least=least: np.array([np.inf, least, np.inf, least, np.inf]))
        assert wants_fast(scene) == done
    slow = dataclasses.replace(scene, wanted=0.0, speeds=np.array([0.0, 4.5, 9.0]), ego=np.array([*scene.ego[:3], 4.5, 5.0, 2.0]))
    assert wants_fast(slow) == FASTER  # it would stand for ever


def test_what_is_hardly_safer_is_less_the_faster_the_car(scene, monkeypatch):
    monkeypatch.setattr(shield, "dangers", lambda _: np.array([np.inf, 0.0, np.inf, 0.01, np.inf]))
    wants_slow = shield.shielded(lambda _: np.array([0, 5.0, 0, 0, 0]))
    done = {speed: wants_slow(dataclasses.replace(scene, wanted=20.0, ego=np.array([*scene.ego[:3], speed, 5.0, 2.0]))) for speed in (9.0, 25.0)}
    assert done == {9.0: FASTER, 25.0: IDLE}


def test_the_faster_the_car_the_less_it_may_risk(scene, monkeypatch):
    monkeypatch.setattr(shield, "dangers", lambda _: np.array([0.1, 0.02, np.inf, np.inf, 0.02]))
    wants_left = shield.shielded(lambda _: np.array([5.0, 1, 0, 0, 0]))
    done = {speed: wants_left(dataclasses.replace(scene, ego=np.array([*scene.ego[:3], speed, 5.0, 2.0]))) for speed in (0.0, 9.0, 30.0)}
    assert done == {0.0: LEFT, 9.0: LEFT, 30.0: IDLE}


@pytest.mark.parametrize("metres", [14, 24, 34])
def test_where_nothing_is_safe_hardly_more_than_the_least_dangerous_is_done(scene, metres):
    wall = among(scene, *[(metres, y, 0.0) for y in (-4, 0, 4)])
    danger = dangers(wall)
    assert danger.min() > shield.LIMIT
    for wish in np.eye(5):
        done = shield.shielded(lambda _, wish=wish: wish)(wall)
        assert danger[done] <= danger.min() + shield.SLACK
        assert done == SAFE or danger.min() <= shield.HOPELESS


def test_a_policy_or_a_sensor_that_says_nan_ends_in_what_is_safe(scene):
    def nan(_):
        return np.full(5, np.nan)

    assert shield.greedy(nan)(scene) == SAFE
    blind = dataclasses.replace(scene, others=np.full((1, 6), np.nan), pulls=np.zeros(1))
    assert shield.greedy(lambda _: np.arange(5.0))(blind) == shield.shielded(lambda _: np.arange(5.0))(blind) == SAFE
    near = among(scene, (0, -4, 25.0))
    assert shield.shielded(nan)(near) == dangers(near).argmin()


def test_a_shield_with_an_impossible_limit_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        shield.shielded(lambda _: np.zeros(5), limit=2.0)


# Deadline and drive.


def clock(*moments):
    times = iter(moments)
    return lambda: next(times)


def test_a_decision_that_comes_too_late_is_replaced_and_counted():
    deadline = Deadline(lambda: LEFT, limit=0.05, clock=clock(0.0, 0.04, 1.0, 1.06))
    assert [deadline(), deadline()] == [LEFT, SAFE]
    assert deadline.missed == 1 and deadline.seconds == pytest.approx([0.04, 0.06])
    assert deadline.percentile(100) == pytest.approx(0.06)


@pytest.mark.parametrize("action", [7, -1, None, float("nan"), "LEFT", 1.0])
def test_what_is_no_action_becomes_the_safe_one(action):
    deadline = Deadline(lambda: action, limit=60)
    assert deadline() == SAFE and deadline.refused == 1


def test_a_deadline_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        Deadline(lambda: 0, limit=0)
    with pytest.raises(ValueError, match="nothing was decided"):
        Deadline(lambda: 0).percentile(99)


@pytest.mark.parametrize("fault", ["", "lidar NaN", "camera dead"])
def test_a_drive_goes_on_when_a_sensor_fails(fault):
    drive = Drive(scenario("merge", "valid", 0), lambda _: IDLE, RangeView(), fault, limit=60)
    moments = [moment for _, moment in zip(range(2), drive, strict=False)]
    assert all(moment.found is not None and moment.action == IDLE and not moment.late for moment in moments)
    assert len(drive.deadline.seconds) == 2 and moments[0].seconds > 0


def test_whoever_is_always_late_brakes():
    drive = Drive(scenario("merge", "valid", 0), lambda _: FASTER, limit=1e-9)
    moment = next(iter(drive))
    assert moment.late and moment.action == SLOWER and drive.deadline.missed == 1


def test_how_somebody_drives_is_measured_the_same_each_time():
    one, two = (outcome("merge", "valid", range(2), lambda _: SLOWER) for _ in range(2))
    assert one == two and one.drives == 2 and 18 < one.speed < 25
    with pytest.raises(ValueError, match="nothing to drive"):
        outcome("merge", "valid", [])


# What is learned from, and who learns.


def test_features_are_numbers_of_moderate_size_for_any_number_of_others(scene):
    for some in (scene, among(scene, *[(10 * n, 4, 20.0) for n in range(1, 15)])):
        read = features(some)
        assert read.shape == (1 + OTHERS, FEATURES) and np.isfinite(read).all() and np.abs(read).max() < 6
        assert read[1:, 0].sum() == min(len(some.others), OTHERS)


def test_a_policy_does_not_care_for_the_order_of_others_nor_for_rows_without_one():
    torch.manual_seed(0)
    policy = Policy().eval()
    torch.nn.init.normal_(policy.head.weight)
    cars, can = torch.randn(2, 11, FEATURES), torch.ones(2, 5)
    cars[:, :, 0] = 1
    cars[:, 6:, 0] = 0
    with torch.no_grad():
        scores = policy(cars, can)
        turned = torch.cat([cars[:, :1], cars[:, 1:6].flip(1), cars[:, 6:] * 0 - cars[:, 6:] * 0], 1)
        torch.testing.assert_close(policy(turned, can), scores)
        assert policy(cars * 0, can).isfinite().all()
        closed = policy(cars, torch.tensor([[1.0, 1, 1, 1, 0]]).expand(2, -1))
    assert (closed[:, SLOWER] < closed[:, :SLOWER].min()).all()
    with pytest.raises(ValueError, match="reads cars"):
        policy(torch.zeros(1, 11, 3), can)


@pytest.fixture(scope="module")
def few():
    """What the planner lived through in one drive."""
    return lived(("merge",), "train", [0])


def test_a_drive_is_remembered_as_it_was():
    one, two = (lived(("merge",), "train", [0], astray=0.5, seed=3) for _ in range(2))
    assert torch.equal(one.cars, two.cars) and torch.equal(one.done, two.done)
    assert (one.done != one.planned).any() and one.last.sum() == 1 and one.last[-1]
    assert (one.able.gather(1, one.done[:, None]) == 1).all() and (one.able.gather(1, one.planned[:, None]) == 1).all()


def test_besides_what_was_lived_through_other_moments_are_imagined():
    plain, more = (lived(("merge",), "train", [0], imagined=count) for count in (0, 2))
    assert len(more) == 3 * len(plain) and torch.equal(more.cars[: len(plain)], plain.cars)
    assert more.last[len(plain) :].all() and (more.reward[len(plain) :] == 0).all()
    assert len({row.numpy().tobytes() for row in more.cars}) == len(more)
    assert torch.equal(more.worths.argmax(1), more.planned)


def test_a_policy_is_0_away_from_what_is_wanted_if_it_says_the_same():
    target = torch.tensor([[0.5, 0.3, 0.2, 0, 0], [0, 0, 1, 0, 0]])
    assert decisions.divergence((target + 1e-12).log(), target) == pytest.approx(0, abs=1e-6)
    assert decisions.divergence(torch.zeros(2, 5), target) == pytest.approx(np.log(5) - float(torch.special.entr(target).sum(1).mean()), abs=1e-6)


def test_what_is_worth_more_is_wanted_more_and_nothing_that_cannot_be_done(few):
    share = decisions.wanted(few)
    torch.testing.assert_close(share.sum(1), torch.ones(len(few)))
    assert torch.equal(share.argmax(1), few.planned) and (share[few.able == 0] == 0).all()


def test_returns_are_rewards_discounted_within_a_drive():
    returns = discounted(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([False, True, False, True]))
    torch.testing.assert_close(returns, torch.tensor([1 + DISCOUNT * 2, 2, 4 + DISCOUNT * 8, 8]))


def test_the_loss_of_a_value_is_its_distance_from_bellmans_equation():
    values, after = torch.tensor([[0.0, 1.0, 0, 0, 0], [0.0, 0, 0.5, 0, 0]]), torch.tensor([2.0, 2.0])
    right = torch.tensor([[1, 1 - 2 * DISCOUNT, 0, 0.0], [2, 0.5, 1, 0.0]])
    assert decisions.bellman((values, after), right) == pytest.approx(0, abs=1e-12)
    assert decisions.bellman((values, after), right + torch.tensor([0, 1.0, 0, 0])) == pytest.approx(0.95)


def test_the_slow_copy_follows_and_no_gradient_reaches_it():
    network = QNetwork(slow=0.5)
    torch.nn.init.ones_(network.now.head.bias)
    scenes = torch.randn(3, 11, FEATURES), torch.ones(3, 5), torch.randn(3, 11, FEATURES), torch.ones(3, 5)
    values, after = network(*scenes)
    assert torch.equal(network.copy.head.bias, torch.full((5,), 0.5)) and not after.requires_grad
    values.sum().backward()
    assert all(parameter.grad is None for parameter in network.copy.parameters())
    network.eval()(*scenes)
    assert torch.equal(network.copy.head.bias, torch.full((5,), 0.5))


TASKS = [imitation, dagger, reinforcement]
TINY = {"places": ("merge",), "drives": 1, "batch_size": 8}


@pytest.mark.parametrize("make", TASKS)
def test_a_task_is_the_same_each_time_and_has_something_to_show(make):
    task = make(**TINY)
    for one, two in zip(task.train.batch(1, 0, 0), make(**TINY).train.batch(1, 0, 0), strict=True):
        assert torch.equal(one, two)
    with dl.seeded(0):
        model = next(iter(task.models.values()))().eval()
    shown = task.preview(model)
    assert shown.pixels.shape[0] == len(shown.said) == len(shown.truth)
    assert all(0 <= value <= 1 or name == "error of returns" for one in task.measure_baselines().values() for name, value in one.items())


@pytest.mark.parametrize("make", TASKS)
def test_a_task_of_no_drive_or_another_place_is_refused(make):
    with pytest.raises(ValueError, match="places"):
        make(places=("racetrack",))
    with pytest.raises(ValueError, match="at least 1 drive"):
        make(drives=0)


def test_dagger_adds_what_the_policy_lived_through():
    assert dagger(**TINY, rounds=1).train.examples > imitation(**TINY).train.examples
    with pytest.raises(ValueError, match="at least 1 round"):
        dagger(**TINY, rounds=0)


def test_no_scene_is_in_two_splits():
    task = imitation(**TINY)
    seen = [{row.numpy().tobytes() for row in split.tensors[0]} for split in (task.train, task.valid, task.test)]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


@pytest.mark.parametrize("make", TASKS)
def test_a_few_steps_make_it_better(make):
    task = make(**TINY)
    with dl.seeded(0):
        model = next(iter(task.models.values()))()
    run = dl.fit(model, task, lr=2e-3, epochs=200, start=False)
    run.step(max(100, 25 * len(task.train)))
    loss = run.history["loss"]
    assert loss[-10:].mean() < 0.7 * loss[:10].mean()


def test_accuracy_when_it_acts_leaves_idling_out():
    scores = torch.eye(5)[[1, 1, 3]]
    assert decisions.accuracy_when_it_acts(scores, torch.tensor([1, 4, 3])) == 0.5
    assert decisions.accuracy_when_it_acts(scores, torch.tensor([1, 1, 1])) == 0.0
    soft = 0.6 * torch.eye(5)[[1, 4, 3]] + 0.08
    assert decisions.accuracy_when_it_acts(scores, soft) == 0.5 and decisions.accuracy_of_choice(scores, soft) == pytest.approx(2 / 3)


def test_features_and_what_is_open_come_from_the_same_scene(scene):
    assert able(scene).tolist() == scene.open.astype(np.float32).tolist()
