"""Calibration: what is called 80 % sure is right in 80 of 100 cases, and a temperature mends a model that is too sure."""

import pytest
import torch
import torch.nn.functional as F

from dlnb.tabular.calibration import expected_calibration_error, reliability, temperature


def answers(sure, right):
    """As many answers as `right`, all of them equally sure, class 0 said."""
    return torch.tensor([[sure, 1 - sure]]).repeat(len(right), 1), torch.tensor([0 if one else 1 for one in right])


def test_who_is_right_as_often_as_sure_is_calibrated():
    probabilities, target = answers(0.8, [True] * 8 + [False] * 2)
    assert expected_calibration_error(probabilities, target) == pytest.approx(0, abs=1e-6)


def test_who_is_too_sure_is_off_by_the_difference():
    probabilities, target = answers(0.95, [True, False])
    assert expected_calibration_error(probabilities, target) == pytest.approx(0.45)


def test_the_diagram_counts_every_answer_once():
    probabilities = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    found = reliability(probabilities, torch.zeros(500, dtype=torch.long))
    assert int(found.count.sum()) == 500
    assert torch.isnan(found.sure[found.count == 0]).all()
    assert float((found.right.nan_to_num() * found.count).sum()) == pytest.approx(int((probabilities.argmax(1) == 0).sum()), abs=1e-3)


def test_a_temperature_undoes_what_made_the_logits_too_large():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5000, 3, generator=generator)
    target = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    found = temperature(logits * 4, target)
    assert found == pytest.approx(4, rel=0.15)
    assert F.cross_entropy(logits * 4 / found, target) < F.cross_entropy(logits * 4, target)
    assert expected_calibration_error((logits * 4 / found).softmax(1), target) < 0.03


@pytest.mark.parametrize("measure", [reliability, expected_calibration_error])
def test_what_are_no_probabilities_is_refused(measure):
    for probabilities in (torch.randn(4, 3), torch.full((4, 3), 0.5), torch.full((4, 3), float("nan")), torch.zeros(0, 3)):
        with pytest.raises(ValueError, match="probabilities"):
            measure(probabilities, torch.zeros(len(probabilities), dtype=torch.long))


def test_logits_that_are_not_finite_have_no_temperature():
    with pytest.raises(ValueError, match="finite"):
        temperature(torch.tensor([[float("inf"), 0.0]]), torch.tensor([0]))
