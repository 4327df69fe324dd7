"""Where a NaN came from is found and named, and finding it changes nothing."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlnb.train.culprit import bad_gradient_error, find_culprit, find_gradient_culprit, not_finite_error, sentinel

from .patients import Apply, Writer, mlp, next_letter, rings

X, Y = rings(32)


class Root(nn.Module):
    """Takes a root in its own forward, between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.second((self.first(x) - 100).sqrt())


def culprit(model, x=X, y=Y, loss=F.cross_entropy):
    return find_culprit(model, [x], y, loss)


def test_a_nan_in_the_input_is_named_with_the_first_example():
    x = X.clone()
    x[7, 0] = math.nan
    found = culprit(mlp(2, 8, 3), x)
    assert found.what == "input" and "1 of 64 numbers is NaN" in found.words and "example 7" in found.words


def test_a_nan_in_the_targets_is_named():
    found = culprit(mlp(2, 8, 1), y=torch.full((32, 1), math.inf), loss=F.mse_loss)
    assert found.what == "target" and "32 of 32 numbers are infinite" in found.words


def test_a_weight_that_holds_a_nan_is_named():
    model = mlp(2, 8, 3)
    model[2].weight.data[1, 2] = math.nan
    assert culprit(model).what == "weight" and culprit(model).name == "2.weight"


def test_running_statistics_that_hold_a_nan_are_named():
    model = mlp(2, 8, 3, norm=True).eval()
    model[1].running_var.fill_(math.inf)
    assert culprit(model).name == "1.running_var"


def test_the_first_module_is_named_not_the_last():
    model = mlp(2, 8, 8, 3)
    model.insert(2, Apply(lambda h: h.log()))
    found = culprit(model)
    assert (found.what, found.name) == ("module", "2") and "(Apply)" in found.words


def test_what_a_forward_does_between_its_layers_is_told_apart_from_them():
    found = culprit(nn.Sequential(Root()))
    assert (found.what, found.name) == ("module", "0") and "before 0.second and after 0.first" in found.words


def test_what_the_model_does_last_is_its_own():
    found = culprit(Apply(lambda x: x.log()))
    assert found.name == "Apply" and "forward of Apply itself" in found.words


def test_a_loss_that_makes_a_nan_of_numbers_is_named():
    def hasty(output, target):
        return (output.softmax(1) - 1).log().mean()

    found = culprit(mlp(2, 8, 3), loss=hasty)
    assert (found.what, found.name) == ("loss", "hasty")


def test_a_mask_of_minus_infinity_is_no_culprit():
    with torch.random.fork_rng():
        model = Writer(24)
    tokens = torch.randint(24, (4, 16))
    model.norm = Apply(lambda h: h.log())
    assert find_culprit(model, [tokens], tokens, next_letter).name == "norm"


def test_looking_changes_neither_buffers_nor_random_numbers_nor_gradients():
    model = mlp(2, 8, 3, norm=True, dropout=0.5)
    model.append(Apply(lambda h: h.log()))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    culprit(model)
    find_gradient_culprit(model, [X], Y, F.cross_entropy)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(not module._forward_hooks for module in model.modules())


def test_the_message_says_that_the_weights_are_safe_and_what_to_try():
    model = mlp(2, 8, 3)
    model.append(Apply(lambda h: h.log()))
    error = not_finite_error(model, math.nan, 5, 0.1, [X], Y, F.cross_entropy)
    assert error.culprit.name == "3" and error.step == 5
    for words in ("NaN at step 5", "came from 3", "as after step 4", "run.set(lr=0.01)"):
        assert words in str(error)


@pytest.mark.parametrize("root_of", ["zero", "a norm"])
def test_a_gradient_that_is_none_is_traced_to_the_module_whose_backward_made_it(root_of):
    model = mlp(2, 8, 8, 3)
    bad = (lambda h: h.mul(0).sqrt() + h) if root_of == "zero" else (lambda h: h + h.mul(0).norm(dim=1, keepdim=True).mul(0).sqrt())
    model.insert(2, Apply(bad))
    loss = F.cross_entropy(model(X), Y)
    loss.backward()
    assert math.isfinite(loss.item()) and not model[0].weight.grad.isfinite().all()
    error = bad_gradient_error(model, 3, [X], Y, F.cross_entropy)
    assert error.culprit.what == "gradient" and error.culprit.name == "2"
    assert "as after step 2" in str(error)


def test_the_sentinel_sees_a_nan_of_the_backward_pass_wherever_it_was_made():
    model = mlp(2, 8, 8, 3)
    model.insert(4, Apply(lambda h: h.mul(0).sqrt() + h))
    F.cross_entropy(model(X), Y).backward()
    watched = sentinel(model)
    assert watched is model[0].bias and not math.isfinite(watched.grad.sum().item())
