"""Series: windows hold what they say, the town follows its rules, and nothing of the future is seen."""

import numpy as np
import pytest
import torch

import dlnb as dl
from dlnb.tabular.series import SeriesBatches
from dlnb.tabular.town import town

DAYS = 120


@pytest.fixture(scope="module")
def task():
    return dl.tabular.electricity(days=DAYS, batch_size=16)


def windows(**more):
    measured = torch.stack([torch.arange(50.0), torch.arange(50.0) * 10], dim=1)
    return SeriesBatches(measured, torch.arange(50.0)[:, None], torch.tensor([5, 20, 47]), 5, 3, size=2, **more)


def test_a_window_holds_the_past_what_is_known_and_what_came():
    past, known, came = windows().batch(0, 0, 0)
    assert past.shape == (2, 5, 2) and known.shape == (2, 3, 1) and came.shape == (2, 3)
    assert past[1, :, 0].tolist() == [15, 16, 17, 18, 19]
    assert known[1, :, 0].tolist() == came[1].tolist() == [20, 21, 22]


def test_batches_are_a_pure_function_of_seed_epoch_and_position():
    one, other = windows(shuffle=True), windows(shuffle=True)
    other.batch(3, 4, 1)
    for epoch in range(3):
        for a, b in zip(one.batch(0, epoch, 1), other.batch(0, epoch, 1), strict=True):
            assert torch.equal(a, b)
    assert all(torch.equal(a, b) for a, b in zip(one.reader().cut(0, 1, 1, 2), one.cut(0, 1, 1, 2), strict=True))


@pytest.mark.parametrize(("presents", "words"), [([4], "do not fit"), ([48], "do not fit"), ([], "no examples")])
def test_a_window_that_does_not_fit_is_refused(presents, words):
    with pytest.raises(ValueError, match=words):
        SeriesBatches(torch.zeros(50, 1), torch.zeros(50, 1), torch.tensor(presents, dtype=torch.long), 5, 3, size=2)


def test_the_town_is_the_same_for_the_same_seed_and_another_for_another():
    assert np.array_equal(town(60, 1).load, town(60, 1).load)
    assert not np.array_equal(town(60, 1).load, town(60, 2).load)
    with pytest.raises(ValueError, match="28"):
        town(7)


def test_the_town_works_by_day_and_on_working_days_and_heats_in_winter():
    made = town(730, 0)
    load = made.load
    assert (load > 0).all() and np.isfinite(load).all()
    summer = (made.day % 365 > 150) & (made.day % 365 < 240)
    noon = made.hour == 13
    assert load[noon & made.working & summer].mean() > 1.1 * load[noon & ~made.working & summer].mean()
    assert load[(made.hour == 18) & ~summer].mean() > load[(made.hour == 18) & summer].mean()
    assert load[made.hour == 18].mean() > 1.3 * load[made.hour == 3].mean()


def test_what_is_tested_lies_behind_all_that_is_learned(task):
    ends = [split._presents.tensors[0] for split in (task.train, task.valid, task.test)]
    assert ends[0].max() + 24 <= ends[1].min() and ends[1].max() + 24 <= ends[2].min()


@pytest.mark.parametrize("name", ["TemporalCNN", "GRUForecaster"])
def test_a_forecaster_begins_as_the_week_before_and_sees_nothing_of_what_comes(task, name):
    with dl.seeded(0):
        model = task.models[name]().eval()
    past, known, came = task.valid.batch(0, 0, 0)
    with torch.no_grad():
        assert torch.equal(model(past, known), past[:, :24, 0])
    assert model(past, known).shape == came.shape


@pytest.mark.parametrize("behind", [2, 7, 24, 168])
def test_convolutions_see_the_last_step_and_the_first(behind):
    with dl.seeded(0):
        model = dl.tabular.TemporalCNN(behind, 1, 1, 2, layers=8).double()
        past = torch.randn(16, behind, 1, dtype=torch.float64, requires_grad=True)
    summaries = []
    model.out.register_forward_pre_hook(lambda module, inputs: summaries.append(inputs[0]))
    model(past, torch.zeros(16, 2, 1, dtype=torch.float64))
    (slope,) = torch.autograd.grad(summaries[0].sum(), past)
    assert slope[:, 0].abs().sum() > 0 and slope[:, -1].abs().sum() > 0


def test_the_preview_shows_the_days_ahead_in_megawatts(task):
    shown = task.preview(task.models["GRUForecaster"]())
    assert shown.unit == "MW" and shown.past.shape[1] == 72 and shown.truth.shape == shown.said.shape
    assert 30 < shown.truth.mean() < 300


def test_the_baselines_are_measured_and_the_line_beats_the_naive_ones(task):
    found = task.measure_baselines()
    errors = {name: values["mean absolute error"] for name, values in found.items()}
    assert all(np.isfinite(value) and value > 0 for value in errors.values())
    assert errors["linear regression"] < errors["as at the same hour of the last day"]


def test_too_few_days_are_refused():
    with pytest.raises(ValueError, match="100 or more"):
        dl.tabular.electricity(days=50)
