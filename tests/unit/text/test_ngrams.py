"""Counting what comes next: chances add up to 1, follow the counts, and a longer context helps."""

import math
import random

import pytest

from dlnb.text.ngrams import NGrams


@pytest.mark.parametrize("context", [[], [0], [0, 1], [2, 2, 2], [1, 0, 1, 0, 1]])
def test_the_chances_of_all_tokens_add_up_to_one(context):
    draw = random.Random(0)
    model = NGrams([draw.randrange(4) for _ in range(300)], vocabulary=5, order=4)
    chances = [model.chance(context, token) for token in range(5)]
    assert math.isclose(sum(chances), 1) and min(chances) > 0


def test_by_hand():
    # After 0 comes 1 in two of two cases, with one kind of successor. Of five tokens three are 0, two are 1, of two kinds.
    model = NGrams([0, 1, 0, 1, 0], vocabulary=2, order=2)
    alone = (2 + 2 * 0.5) / (5 + 2)
    assert math.isclose(model.chance([], 1), alone)
    assert math.isclose(model.chance([1, 0], 1), (2 + 1 * alone) / (2 + 1))
    assert math.isclose(model.chance([1], 1), (0 + 1 * alone) / (2 + 1))


def test_a_longer_context_helps_where_there_is_a_pattern_and_a_window_hides_it():
    row = [0, 0, 1, 0, 1, 1] * 200
    losses = [NGrams(row, 2, order).loss(row) for order in (1, 2, 4)]
    assert losses[0] > losses[1] > losses[2] and losses[2] < 0.02
    model = NGrams(row, 2, 4)
    assert model.loss(row, window=1) > model.loss(row, window=10) > model.loss(row)
    assert math.isclose(NGrams(row, 2, 2).loss(row, window=1), NGrams(row, 2, 2).loss(row), rel_tol=1e-9)
