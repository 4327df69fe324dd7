"""The race of `dl.descend`: its arithmetic beside PyTorch's, going back, what flies off, a learner's own optimiser."""

import math

import numpy as np
import pytest
import torch

from dlnb.widgets.descend.arithmetic import said
from dlnb.widgets.descend.own import of_function
from dlnb.widgets.descend.race import LIMIT, Race
from dlnb.widgets.descend.racer import Racer, path
from dlnb.widgets.descend.rules import RULES, own_rule
from dlnb.widgets.descend.surfaces import SURFACES


def racer(rule: str, surface: str = "valley", **knobs: float) -> Racer:
    return Racer(RULES[rule], SURFACES[surface], SURFACES[surface].start, knobs)


def race(surface: str = "valley", rules=("sgd", "momentum", "adam")) -> Race:
    return Race(SURFACES[surface], SURFACES[surface].start, [racer(rule, surface) for rule in rules])


def gone(one: Racer, steps: int) -> Racer:
    for _ in range(steps):
        one.step()
    return one


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("rule", RULES)
def test_what_a_surface_begins_with_leads_down(name, rule):
    one = gone(racer(rule, name), 400)
    assert not one.stuck and one.now.loss < one.moments[0].loss - 0.5 * (one.moments[0].loss - SURFACES[name].lowest)


def test_the_noise_of_a_step_is_the_same_for_all_and_at_every_repetition():
    one, other = gone(racer("sgd", "noisy"), 30), gone(racer("sgd", "noisy"), 30)
    assert np.array_equal(path(one), path(other))
    weights = torch.tensor([1.0, 1.0], dtype=torch.float64)
    assert len({float(SURFACES["noisy"].loss(weights, step)) for step in range(10)}) == 10


# The arithmetic.


def by_hand(rule: str, slopes, start, knobs) -> list[float]:
    """The formulas of the papers for one weight, in plain Python, apart from the code under test."""
    w, b, m, v, places = start, 0.0, 0.0, 0.0, []
    lr = knobs["lr"]
    for t, slope in enumerate(slopes, 1):
        g = slope(w)
        if rule == "sgd":
            w -= lr * g
        elif rule in ("momentum", "nesterov"):
            b = knobs["momentum"] * b + g
            w -= lr * (g + knobs["momentum"] * b if rule == "nesterov" else b)
        elif rule == "rmsprop":
            v = knobs["alpha"] * v + (1 - knobs["alpha"]) * g**2
            w -= lr * g / (v**0.5 + knobs["eps"])
        else:
            if rule == "adamw":
                w *= 1 - lr * knobs["weight_decay"]
            m = knobs["beta1"] * m + (1 - knobs["beta1"]) * g
            v = knobs["beta2"] * v + (1 - knobs["beta2"]) * g**2
            w -= lr * (m / (1 - knobs["beta1"] ** t)) / ((v / (1 - knobs["beta2"] ** t)) ** 0.5 + knobs["eps"])
        places.append(w)
    return places


@pytest.mark.parametrize("rule", RULES)
def test_torch_optim_goes_where_the_formula_goes(rule):
    one = gone(racer(rule, "valley", lr=0.07), 50)
    x, y = SURFACES["valley"].start
    assert path(one, 1)[:, 0] == pytest.approx(by_hand(rule, [lambda w: 0.1 * w] * 50, x, one.knobs), abs=1e-6)
    assert path(one, 1)[:, 1] == pytest.approx(by_hand(rule, [lambda w: 5.0 * w] * 50, y, one.knobs), abs=1e-6)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("rule", RULES)
def test_the_lines_come_to_what_torch_optim_made_of_the_weights(rule, surface):
    one = racer(rule, surface)
    for step in range(40):
        if step == 20:
            one.set(lr=one.knobs["lr"] / 3)
        one.step()
        before, lines = one.moments[-2].weights, one.lines()
        assert lines[0].name == "g" and lines[0].values == one.now.slope
        assert lines[-1].values == pytest.approx(one.now.weights, abs=1e-6, rel=1e-9)
        if rule != "adamw":
            moved = [after - place for after, place in zip(one.now.weights, before, strict=True)]
            assert lines[-2].values == pytest.approx(moved, abs=1e-6)


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("momentum", {"b": "momentum_buffer"}),
        ("nesterov", {"b": "momentum_buffer"}),
        ("rmsprop", {"v": "square_avg"}),
        ("adam", {"m": "exp_avg", "v": "exp_avg_sq"}),
        ("adamw", {"m": "exp_avg", "v": "exp_avg_sq"}),
    ],
)
def test_the_lines_name_the_real_state_of_the_optimiser(rule, named):
    one = gone(racer(rule), 7)
    lines = {line.name: line.values for line in one.lines()}
    for letter, key in named.items():
        assert lines[letter] == pytest.approx(one.optimizer.state[one.weights][key].tolist(), abs=1e-6)


def test_the_numbers_of_a_line_are_those_that_are_computed_with():
    one = Racer(RULES["sgd"], SURFACES["bowl"], (1.0, -2.0), {"lr": 0.25})
    one.step()
    slope, step, new = one.lines()
    assert slope.values == (2.0, -4.0) and step.values == (-0.5, 1.0) and new.values == (0.5, -1.0)
    assert step.numbers == ("−0.25 · 2", "−0.25 · (−4)") and new.numbers == ("1 + (−0.5)", "(−2) + 1")


def test_the_bias_correction_of_the_first_step_takes_out_the_zero_it_began_with():
    one = gone(racer("adam"), 1)
    lines = {line.name: line for line in one.lines()}
    assert lines["m̂"].values == pytest.approx(one.now.slope) and lines["m̂"].numbers[0].endswith("/ (1 − 0.9^1)")
    assert lines["v̂"].values == pytest.approx([slope**2 for slope in one.now.slope])
    assert lines["step"].values == pytest.approx([-math.copysign(one.knobs["lr"], slope) for slope in one.now.slope])


def test_numbers_are_short_and_negative_ones_in_brackets():
    assert [said(value) for value in (0.0, 1234567.0, -0.00001234, math.nan)] == ["0", "1.235e+06", "(−1.234e−05)", "nan"]


# Going back, and on from there.


@pytest.mark.parametrize("rule", RULES)
def test_back_and_on_again_is_the_same_to_the_bit(rule):
    one = gone(racer(rule, "noisy"), 40)
    whole = path(one)
    one.back_to(13)
    assert np.array_equal(path(one), whole[:14])
    assert np.array_equal(path(gone(one, 27)), whole)


def test_back_and_on_with_another_knob_is_another_way():
    one = gone(racer("momentum"), 40)
    whole = path(one)
    one.back_to(13)
    one.set(momentum=0.5)
    gone(one, 27)
    assert np.array_equal(path(one)[:14], whole[:14]) and not np.array_equal(path(one)[14], whole[14])
    assert one.moments[13].knobs["momentum"] == 0.9 and one.moments[14].knobs["momentum"] == 0.5


def test_back_further_than_the_start_is_the_start():
    run = race()
    run.step(5)
    run.back(99)
    assert run.steps == 0 and all(one.now.weights == run.start and not one.optimizer.state for one in run.running)


def test_who_is_switched_on_late_comes_to_where_it_would_be():
    run, late = race(), race()
    late.switch("adam", False)
    run.step(25)
    late.step(25)
    late.switch("adam", True)
    assert np.array_equal(path(run.racer("adam")), path(late.racer("adam"))) and late.steps == 25


def test_another_start_begins_again_for_all():
    run = race()
    run.step(5)
    run.start_at((1.0, 1.0))
    assert run.steps == 0 and {one.now.weights for one in run.running} == {(1.0, 1.0)}


def test_another_surface_has_its_own_start_and_rates():
    run = race()
    run.step(5)
    run.move_to(SURFACES["bowl"])
    assert run.steps == 0 and run.racer("sgd").knobs["lr"] == 0.1 and run.racer("sgd").now.weights == SURFACES["bowl"].start
    assert run.racer("sgd").optimizer.param_groups[0]["lr"] == 0.1


def test_a_race_ends():
    run = race("bowl", ("sgd",))
    run.step(LIMIT + 10)
    assert run.steps == LIMIT and run.is_over and f"{LIMIT:,} steps" in run.notice
    run.back(1)
    assert run.notice == "" and not run.is_over


def test_who_is_there_first_is_said():
    run = race("valley", ("sgd", "adam"))
    assert run.racer("sgd").arrived() is None
    run.step(300)
    one = run.racer("sgd")
    step, all_the_way = one.arrived(), one.moments[0].loss
    assert one.moments[step].loss <= 0.01 * all_the_way < one.moments[step - 1].loss


# What goes wrong.


@pytest.mark.parametrize(("rule", "rate"), [("sgd", 1.2), ("momentum", 5.0), ("nesterov", 5.0)])
def test_a_learning_rate_that_explodes_is_said_and_the_state_kept(rule, rate):
    one = racer(rule, "bowl", lr=rate)
    gone(one, 5_000)
    assert "flew off at step" in one.stuck and f"learning rate {rate:g}" in one.stuck
    assert all(map(math.isfinite, one.now.weights)) and one.now.weights == tuple(one.weights.tolist())
    state = one.optimizer.state[one.weights].get("momentum_buffer")
    assert state is None or (state.isfinite().all() and torch.equal(state, one.now.state["momentum_buffer"]))
    steps = one.steps
    assert gone(one, 3).steps == steps
    one.back_to(2)
    one.set(lr=0.05)
    assert gone(one, 300).now.loss < 0.1 and not one.stuck


def test_a_first_step_into_infinity_is_kept_too():
    one = gone(racer("sgd", "rosenbrock", lr=1e300), 1)
    assert one.steps == 0 and "Make its learning rate" in one.stuck and one.weights.tolist() == list(one.now.weights)


def test_a_place_without_a_loss_stops_whoever_comes_there():
    surface = of_function(lambda x, y: torch.log(x) + y**2, (0.1, 3, -1, 1), (1.0, 0.5))
    one = gone(Racer(RULES["sgd"], surface, surface.start, {"lr": 2.0}), 3)
    assert "no number there" in one.stuck and one.steps == 0 and one.now.weights == (1.0, 0.5)


def test_what_an_own_function_raises_on_the_way_is_said():
    def broken(x, y):
        if x.numel() == 1 and x < 0.5:
            raise KeyError("left")
        return x**2 + y**2

    one = gone(Racer(RULES["sgd"], of_function(broken, (-1, 1, -1, 1), (0.9, 0.5)), (0.9, 0.5), {"lr": 0.3}), 5)
    assert "stopped at step" in one.stuck and "KeyError" in one.stuck and one.steps == 0


@pytest.mark.parametrize(
    ("rule", "knob", "value"),
    [
        ("sgd", "lr", -0.1), ("sgd", "lr", math.nan), ("sgd", "lr", math.inf), ("sgd", "lr", "0.1"), ("sgd", "lr", True),
        ("sgd", "momentum", 0.9), ("adam", "beta1", 1.0), ("adam", "beta2", 1.5), ("rmsprop", "alpha", None),
    ],
)  # fmt: skip
def test_a_knob_takes_only_what_the_optimiser_takes(rule, knob, value):
    one = racer(rule)
    before = dict(one.knobs)
    with pytest.raises(ValueError):
        one.set(**{knob: value})
    assert one.knobs == before


def test_nesterov_without_momentum_is_plain_and_can_begin_again():
    run = race("valley", ("sgd", "nesterov"))
    for one in run.running:
        one.set(lr=0.1)
    run.racer("nesterov").set(momentum=0)
    run.restart()
    run.step(10)
    assert np.array_equal(path(run.racer("sgd")), path(run.racer("nesterov")))
    run.racer("nesterov").set(momentum=0.9)
    run.step(3)
    assert not np.array_equal(path(run.racer("sgd")), path(run.racer("nesterov")))
    assert run.racer("nesterov").lines()[-1].values == pytest.approx(run.racer("nesterov").now.weights, abs=1e-9)


def test_adam_without_memory_and_without_a_smallest_divisor_still_counts_as_torch_does():
    one = gone(racer("adam", "valley", beta1=0.0, beta2=0.5, eps=0.0), 10)
    assert one.lines()[-1].values == pytest.approx(one.now.weights, abs=1e-9)


# A learner's own optimiser.


class Mine(torch.optim.Optimizer):
    """Half a step of SGD."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                state["calls"] = state.get("calls", 0) + 1
                with torch.no_grad():
                    weight -= group["lr"] / 2 * weight.grad


def test_an_own_optimiser_races_and_goes_back():
    one = gone(Racer(own_rule(Mine), SURFACES["bowl"], (1.0, 1.0), {"lr": 0.2}), 3)
    assert one.rule.label == "Mine" and one.now.weights[0] == pytest.approx(0.8**3)
    assert [line.name for line in one.lines()] == ["g", "step", "new w"]
    assert one.lines()[1].values == pytest.approx((-0.128, -0.128))
    one.back_to(1)
    assert one.optimizer.state[one.weights]["calls"] == 1


@pytest.mark.parametrize("name", ["Adagrad", "Adadelta", "Adamax", "ASGD", "NAdam", "RAdam", "Rprop"])
def test_other_optimisers_of_pytorch_go_back_to_the_start_and_on_to_the_bit(name):
    rule = own_rule(getattr(torch.optim, name))
    one = gone(Racer(rule, SURFACES["bowl"], (1.0, 1.0)), 12)
    whole = path(one)
    assert not one.stuck and len(whole) == 13
    one.back_to(0)
    assert np.array_equal(path(gone(one, 12)), whole)


class Slowing(Mine):
    """Counts and slows down in its settings, where an optimiser may keep such things, too."""

    def step(self, closure=None):
        group = self.param_groups[0]
        group["count"] = group.get("count", 0) + 1
        for weight in group["params"]:
            with torch.no_grad():
                weight -= group["lr"] / group["count"] * weight.grad


def test_a_knob_that_an_own_optimiser_refuses_stays_as_it_was():
    class Picky(Mine):
        def __init__(self, params, lr=0.1):
            if lr > 1:
                raise ValueError("that is too much for me")
            super().__init__(params, lr)

    one = gone(Racer(own_rule(Picky), SURFACES["bowl"], (1.0, 1.0), {"lr": 0.2}), 2)
    with pytest.raises(ValueError, match="too much for me"):
        one.set(lr=2)
    assert one.knobs["lr"] == 0.2 and gone(one, 1).steps == 3


def test_what_an_own_optimiser_keeps_in_its_settings_goes_back_too():
    one = gone(Racer(own_rule(Slowing), SURFACES["bowl"], (1.0, 1.0), {"lr": 0.2}), 6)
    whole = path(one)
    one.back_to(0)
    assert "count" not in one.optimizer.param_groups[0]
    gone(one, 2)
    assert np.array_equal(path(one), whole[:3]) and one.optimizer.param_groups[0]["count"] == 2


def test_an_own_optimiser_that_breaks_is_said_and_its_state_kept():
    class Breaks(Mine):
        def step(self, closure=None):
            super().step()
            if self.state[self.param_groups[0]["params"][0]]["calls"] == 3:
                raise ArithmeticError("third time")

    one = gone(Racer(own_rule(Breaks), SURFACES["bowl"], (1.0, 1.0), {"lr": 0.2}), 5)
    assert one.stuck == "Breaks stopped at step 3: ArithmeticError: third time"
    assert one.steps == 2 and one.weights.tolist() == list(one.now.weights) and one.now.state["calls"] == 2


def test_an_optimiser_that_cannot_be_made_or_steered_is_refused_in_words():
    class Needs(torch.optim.SGD):
        def __init__(self, params, size):
            super().__init__(params, lr=size)

    class Hides(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"speed": lr})

    with pytest.raises(TypeError, match=r"Needs\(parameters, lr=0.1\).*TypeError"):
        own_rule(Needs)
    with pytest.raises(TypeError, match="Hides must keep its learning rate"):
        own_rule(Hides)


def test_who_waits_behind_the_others_still_waits_when_they_go_back_a_little():
    run = Race(SURFACES["bowl"], (1.0, 1.0), [Racer(RULES["sgd"], SURFACES["bowl"], (1.0, 1.0), {"lr": 1.5}), racer("adam", "bowl")])
    run.step(100)
    waits = run.racer("sgd").steps
    assert run.racer("sgd").stuck and waits < 90
    run.back(5)
    assert run.racer("sgd").stuck and run.racer("sgd").steps == waits and run.steps == 95
    run.back(95 - waits)
    assert not run.racer("sgd").stuck
