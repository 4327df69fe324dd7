"""Exercise 10.4: a training step that a learner wrote, with nothing, with what is typically wrong with one, and right."""

import time

import pytest
import torch
import torch.nn.functional as F

import dlnb as dl
from dlnb.course.progress import Progress
from dlnb.exercises import progress_bar
from dlnb.exercises.training_step import training_step


def nothing(model, optimizer, x, y):
    """What the cell begins with."""


def forward_only(model, optimizer, x, y):
    F.cross_entropy(model(x), y)
    optimizer.step()


def never_steps(model, optimizer, x, y):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()


def clears_too_late(model, optimizer, x, y):
    error = F.cross_entropy(model(x), y)
    error.backward()
    optimizer.zero_grad()
    optimizer.step()


def never_clears(model, optimizer, x, y):
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def uphill(model, optimizer, x, y):
    optimizer.zero_grad()
    (-F.cross_entropy(model(x), y)).backward()
    optimizer.step()


def sums(model, optimizer, x, y):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y, reduction="sum").backward()
    optimizer.step()


def softmax_twice(model, optimizer, x, y):
    optimizer.zero_grad()
    F.cross_entropy(model(x).softmax(dim=1), y).backward()
    optimizer.step()


def squares(model, optimizer, x, y):
    optimizer.zero_grad()
    F.mse_loss(model(x), F.one_hot(y, 10).float()).backward()
    optimizer.step()


def remembers(model, optimizer, x, y, first=[]):  # noqa: B006
    first.append((x, y))
    training_step(model, optimizer, *first[0])


def spoils(model, optimizer, x, y):
    training_step(model, optimizer, x, y)
    if x.ndim == 4:
        for parameter in model.parameters():
            parameter.data.zero_()


def names_the_model_of_the_chapter(model, optimizer, x, y):
    training_step(reader, optimizer, x, y)  # noqa: F821


STEPS = {
    "the backward pass is missing": forward_only,
    "`optimizer.step()` is missing": never_steps,
    "belongs before the backward pass": clears_too_late,
    "nobody clears the old ones": never_clears,
    "it goes uphill": uphill,
    "16 times as long": sums,
    "softmax twice": softmax_twice,
    "Which error does it work out": squares,
    "the `x` and `y` of this call": remembers,
    "a new network reads": spoils,
    "your answer raised NameError": names_the_model_of_the_chapter,
    "yours does not take four": lambda model, x: None,
    "this is a Tensor": torch.zeros(3),
    "this is a Linear": torch.nn.Linear(64, 10),
}


@pytest.mark.parametrize("words", STEPS)
def test_a_step_that_is_not_right_gets_its_own_message(words):
    verdict = dl.check("10.4", STEPS[words])
    assert not verdict and words in verdict.words, verdict.words
    assert verdict.hint and Progress().exercises()["10.4"].tries == 1


def test_a_step_that_does_nothing_yet_is_no_try():
    verdict = dl.check("10.4", nothing)
    assert not verdict and "does nothing yet" in verdict.words and Progress().exercises() == {}


@pytest.mark.parametrize("step", [training_step, lambda *those: training_step(*those)])
def test_a_step_that_is_right_teaches_a_network(step):
    verdict = dl.check("10.4", step)
    assert verdict and "learned to read 90%" in verdict.words


def test_the_order_of_clearing_does_not_matter_after_the_step():
    def clears_at_the_end(model, optimizer, x, y):
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()

    assert dl.check("10.4", clears_at_the_end)


def test_a_check_draws_nothing_from_the_learners_random_numbers():
    torch.manual_seed(7)
    dl.check("10.4", training_step)
    drawn = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(3))


def test_a_check_that_trains_is_done_in_seconds():
    took = []
    for _ in range(2):
        begin = time.perf_counter()
        dl.check("10.4", training_step)
        took.append(time.perf_counter() - begin)
    assert min(took) < 5


class Page:
    """What a notebook would show."""

    def __init__(self):
        self.shown = []

    def __call__(self, data, **_):
        self.shown.append(data)
        return self

    update = __call__


@pytest.fixture
def page(monkeypatch):
    page = Page()
    monkeypatch.setattr("IPython.get_ipython", lambda: True)
    monkeypatch.setattr("IPython.display.display", page)
    return page


def test_the_bar_moves_while_it_counts_and_nothing_is_left_of_it(page):
    for _ in progress_bar.counted(range(1000), 60, "it <learns>"):
        time.sleep(0.005)
    assert page.shown[0] == page.shown[-1] == progress_bar.NO_BAR
    bars = page.shown[1:-1]
    assert len(bars) > 1 and bars[0]["text/plain"] == "it <learns>: 0 of 60 steps"
    assert 'value="0"' in bars[0]["text/html"] and "it &lt;learns&gt;" in bars[0]["text/html"]


def test_a_step_that_raises_leaves_no_bar(page):
    with pytest.raises(ZeroDivisionError):
        for _ in progress_bar.counted(range(1000), 60, "it learns"):
            1 / 0  # noqa: B018
    assert page.shown[-1] == progress_bar.NO_BAR


def test_outside_of_a_notebook_nothing_is_shown(capsys):
    assert list(progress_bar.counted("abc", 2, "it learns")) == ["a", "b"]
    assert capsys.readouterr().out == ""
