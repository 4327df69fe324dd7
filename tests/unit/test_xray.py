"""Looks at models of every kind, the tree of their layers, and surgery on them; all without a widget."""

import math
import time
from collections import namedtuple
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import dlnb as dl
from dlnb.explain.pictures import fit, to_bytes
from dlnb.explain.surgery import Off, reinitialise, set_frozen, switched_off
from dlnb.explain.tree import CHILDREN, ROWS, open_first, outline
from dlnb.explain.weights import histogram, sample_weights
from dlnb.explain.xray import LookError, look


def lenet(seed: int = 0) -> nn.Module:
    with dl.seeded(seed):
        return dl.vision.LeNet(width=4, dropout=0.0).eval()


def pictures(count: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 1, 8, 8, generator=generator), torch.arange(count) % 10


def paths(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_modules()]


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules())


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# What a look sees.


def test_a_look_sees_what_every_layer_gives():
    model, (x, _) = lenet(), pictures()
    seen = look(model, x, paths(model), example=3)
    assert seen.activities.keys() == set(paths(model))
    first = model.features[0](x)
    activity = seen.activities["features.0"]
    assert activity.shape == "(16, 4, 8, 8)" and activity.units == 4 and activity.picture.kind == "maps"
    assert torch.equal(activity.picture.values, first[3])
    assert activity.mean == pytest.approx(first.mean().item()) and activity.high == pytest.approx(first.max().item())
    assert activity.std == pytest.approx(first.std(correction=0).item())
    assert torch.equal(activity.peaks, first.abs().amax((0, 2, 3)))
    assert torch.equal(seen.activities["classifier.5"].picture.values[0, 0], model(x)[3])


def test_a_look_with_a_loss_sees_the_gradient_of_every_layer_and_leaves_those_of_training_alone():
    model, (x, y) = lenet(), pictures()
    F.cross_entropy(model(x), y).backward()
    before = {name: p.grad.clone() for name, p in model.named_parameters()}
    seen = look(model, x, paths(model), example=2, target=y, loss=F.cross_entropy)
    hidden = model.features(x).detach().requires_grad_()
    (wanted,) = torch.autograd.grad(F.cross_entropy(model.classifier(hidden), y), hidden)
    assert torch.allclose(seen.activities["features"].gradient.values, wanted[2], atol=1e-7)
    assert seen.activities["features"].gradient_norm == pytest.approx(wanted.norm().item(), rel=1e-4)
    assert all(torch.equal(p.grad, before[name]) for name, p in model.named_parameters())
    assert seen.measures["loss"] == pytest.approx(F.cross_entropy(model(x), y).item())


def test_a_frozen_model_has_gradients_of_its_layers_too():
    model, (x, y) = lenet().requires_grad_(False), pictures()
    seen = look(model, x, paths(model), target=y, loss=F.cross_entropy)
    assert seen.activities["features.0"].gradient_norm > 0 and not seen.problems


def test_a_layer_that_works_in_place_hides_neither_value_nor_gradient_of_the_one_before():
    class InPlace(nn.Module):
        def __init__(self, inplace: bool) -> None:
            super().__init__()
            self.fc, self.act, self.out = nn.Linear(3, 4), nn.ReLU(inplace=inplace), nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.act(self.fc(x)))

    x, y = torch.randn(5, 3, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 0, 1, 0])
    models = [InPlace(True), InPlace(False)]
    models[1].load_state_dict(models[0].state_dict())
    for settings in ({}, {"target": y, "loss": F.cross_entropy}):
        one, other = (look(model, x, paths(model), **settings).activities["fc"] for model in models)
        assert one.low < 0 and torch.equal(one.picture.values, other.picture.values)
        if settings:
            assert torch.equal(one.gradient.values, other.gradient.values)


def test_dead_units_are_counted_over_the_whole_batch():
    layer = nn.Linear(2, 5)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[1.0, 0], [-1, 0], [0, 0], [1, 1], [0, 0]])
        layer.bias[:] = torch.tensor([0.0, 0, -1, 0, -2])
    model = nn.Sequential(layer, nn.ReLU())
    seen = look(model, torch.tensor([[1.0, 0], [-1, 0]]), ["0", "1"])
    assert seen.activities["1"].dead == 2 and seen.activities["1"].peaks.eq(0).nonzero().flatten().tolist() == [2, 4]
    assert seen.activities["0"].dead == 0 and seen.activities["1"].zeros == pytest.approx(0.7)


def test_nan_and_infinity_are_counted_and_keep_their_own_colour():
    class Breaks(nn.Module):
        def forward(self, x):
            return x.masked_fill(x > 2, math.nan).masked_fill(x < -2, math.inf)

    x = torch.tensor([[3.0, 1, -3, -1], [0, 0, 0, 1]])
    activity = look(Breaks(), x, [""]).activities[""]
    assert activity.bad == 2 and activity.mean == 1 / 6 and activity.low == -1 and activity.dead == 0
    assert activity.picture.thumbnail().data.flatten().tolist() == [255, 254, 255, 0]


def test_half_precision_and_integers_are_shown():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3)).bfloat16()
    seen = look(model, torch.arange(10).reshape(2, 5), paths(model))
    assert seen.activities["0"].picture.kind == "time × units" and seen.activities["0"].units == 4
    assert seen.activities["1"].picture.values.dtype == torch.float32 and seen.activities["1"].picture.values.shape == (
        1,
        5,
        3,
    )


@dataclass
class Named:
    logits: Tensor
    extra: int = 3


Pair = namedtuple("Pair", "ids logits")


@pytest.mark.parametrize(
    ("wrap", "taken", "shape"),
    [
        (lambda t: (t, t), "0", "((2, 3), (2, 3))"),
        (lambda t: {"a": None, "b": [t]}, "b.0", "{a: NoneType, b: ((2, 3))}"),
        (lambda t: Named(t), "logits", "{logits: (2, 3), extra: int}"),
        (lambda t: Pair(t.long(), t), "logits", "((2, 3), (2, 3))"),
    ],
)
def test_of_an_output_of_several_parts_the_first_of_floating_point_is_shown_and_switched_off(wrap, taken, shape):
    class Wraps(nn.Linear):
        def forward(self, x):
            return wrap(super().forward(x))

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Wraps(4, 3)

        def forward(self, x):
            return self.inner(x)

    model = Outer()
    activity = look(model, torch.ones(2, 4), ["", "inner"]).activities["inner"]
    assert (activity.taken, activity.shape, activity.units) == (taken, shape, 3)
    off = look(model, torch.ones(2, 4), ["", "inner"], off=[Off("inner", 1)])
    assert off.answer[:, 1].eq(0).all() and off.answer[:, [0, 2]].ne(0).all() and off.before[:, 1].ne(0).all()


@pytest.mark.parametrize("output", [None, "text", (), 3])
def test_a_layer_that_gives_no_tensor_is_said_to(output):
    class Says(nn.Module):
        def forward(self, x):
            return output

    assert look(Says(), torch.ones(2, 2), [""]).activities[""].problem == "it gave no tensor"


def test_an_empty_output_is_said_to_be_empty():
    class Nothing(nn.Module):
        def forward(self, x):
            return x[:, :0]

    assert look(Nothing(), torch.ones(2, 2), [""]).activities[""].problem == "its output is empty"


class Shares(nn.Module):
    """Calls one layer three times, holds it under two names, and has one that it never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.again = self.one
        self.never = nn.Linear(2, 2)

    def forward(self, x):
        return self.one(self.again(self.one(x)))


def test_of_a_layer_called_several_times_any_call_can_be_seen():
    model, x = Shares(), torch.ones(2, 4)
    last = look(model, x, paths(model) + ["again"]).activities
    assert (last["one"].calls, last["one"].call, last["again"].calls) == (3, 3, 3) and "never" not in last
    assert torch.allclose(last["one"].picture.values[0, 0], model(x)[0])
    second = look(model, x, ["one"], calls={"one": 2}).activities["one"]
    assert (second.calls, second.call) == (3, 2) and torch.allclose(
        second.picture.values[0, 0], model.one(model.one(x))[0]
    )
    gone = look(model, x, ["one"], calls={"one": 99}).activities["one"]
    assert gone.calls == 3 and gone.picture is not None


@pytest.mark.parametrize(
    ("module", "x", "kind", "units", "shape"),
    [
        (nn.Conv1d(3, 5, 3, padding=1), torch.ones(2, 3, 7), "units × time", 5, (1, 5, 7)),
        (nn.Sequential(nn.Conv1d(3, 5, 3), nn.ReLU()), torch.ones(2, 3, 7), "units × time", 5, (1, 5, 5)),
        (nn.Conv3d(1, 2, 3, padding=1), torch.ones(2, 1, 3, 4, 5), "maps", 2, (2, 12, 5)),
        (nn.Linear(3, 6), torch.ones(2, 7, 3), "time × units", 6, (1, 7, 6)),
        (nn.LSTM(3, 6, batch_first=True), torch.ones(2, 7, 3), "time × units", 6, (1, 7, 6)),
        (nn.GRU(3, 6), torch.ones(7, 2, 3), "time × units", 6, (1, 2, 6)),
        (nn.Flatten(0), torch.ones(2, 3), "units", 6, (1, 1, 6)),
        (nn.Linear(3, 1), torch.ones(2, 3), "units", 1, (1, 1, 1)),
    ],
)
def test_the_dimensions_of_a_layer_are_found(module, x, kind, units, shape):
    activity = look(module, x, paths(module)).activities[paths(module)[-1]]
    assert (activity.picture.kind, activity.units, tuple(activity.picture.values.shape)) == (kind, units, shape)


def test_a_recurrent_layer_whose_time_comes_first_is_pictured_for_one_example():
    lstm, x = nn.LSTM(3, 6), torch.randn(2, 2, 3)
    activity = look(lstm, (x,), [""], example=1).activities[""]
    assert torch.allclose(activity.picture.values[0], lstm(x)[0][:, 1])


def test_a_transformer_shows_its_inside_which_pytorch_skips_in_eval_mode():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x, padding = torch.randn(2, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    seen = look(model, {"src": x, "src_key_padding_mask": padding}, paths(model))
    assert {"layers.0.linear1", "layers.1.norm2", "layers.0.self_attn"} <= seen.activities.keys()
    assert (
        all(not activity.problem for activity in seen.activities.values()) and torch.backends.mha.get_fastpath_enabled()
    )


def test_an_output_of_one_number_for_each_example():
    class Scalar(nn.Linear):
        def forward(self, x):
            return super().forward(x).squeeze(1)

    activity = look(Scalar(3, 1), torch.ones(4, 3), [""], example=2).activities[""]
    assert activity.picture.kind == "number" and activity.units == 1


@pytest.mark.parametrize("x", [torch.ones(2, 3), (torch.ones(2, 3),), {"input": torch.ones(2, 3)}])
def test_a_batch_may_be_a_tensor_a_tuple_or_a_dictionary(x):
    assert look(nn.Linear(3, 4), x, [""]).activities[""].shape == "(2, 4)"


def test_an_error_names_the_layer_that_raised_it_and_what_it_got():
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 2)))
    with pytest.raises(LookError, match=r"RuntimeError in 1\.1 \(Linear\), which got \(\(2, 4\)\): mat1 and mat2"):
        look(model, torch.ones(2, 3), paths(model))
    assert hooks(model) == 0


@pytest.mark.parametrize(
    "loss", [lambda answer, y: 1 / 0, lambda answer, y: answer, lambda answer, y: torch.tensor(1.0)]
)
def test_a_loss_that_cannot_be_used_is_said_and_the_rest_is_seen(loss):
    model, (x, y) = lenet(), pictures()
    seen = look(model, x, paths(model), target=y, loss=loss)
    assert len(seen.problems) >= 1 and seen.activities["features.0"].picture is not None and hooks(model) == 0


def test_a_model_that_draws_numbers_gives_the_same_twice():
    class Noise(nn.Module):
        def forward(self, x):
            return x + torch.randn_like(x)

    one = look(Noise(), torch.ones(2, 3), [""]).answer
    torch.rand(1)
    assert torch.equal(one, look(Noise(), torch.ones(2, 3), [""]).answer)


# Pictures.


def test_bytes_say_sign_and_size():
    data, signed, scale = to_bytes(torch.tensor([[[-2.0, 0, 1, 2]]]))
    assert data.flatten().tolist() == [0, 127, 190, 254] and signed and scale == 2
    data, signed, scale = to_bytes(torch.tensor([[[0.0, 1, 2]]]))
    assert data.flatten().tolist() == [0, 127, 254] and not signed
    assert to_bytes(torch.zeros(1, 1, 2))[0].tolist() == [[[0, 0]]]
    assert to_bytes(torch.full((1, 1, 1), 1e-45))[0].item() == 254  # the smallest number there is


def test_a_thumbnail_keeps_within_its_bytes_and_its_proportions():
    for height in (1, 2, 7, 28, 224, 5000):
        for width in (1, 3, 30, 224, 4096):
            for pixels in (64, 2048):
                tall, wide = fit(height, width, 16, 16, pixels)
                assert 1 <= tall <= min(16, height) and 1 <= wide <= min(16, width) and tall * wide <= pixels
    assert fit(28, 28, 16, 16, 2048) == (16, 16) and fit(14, 28, 16, 16, 2048) == (8, 16)


# The tree.


def test_a_thousand_modules_are_listed_as_far_as_they_are_open():
    model = nn.Sequential(*[nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(500)])
    assert [row.path for row in outline(model, set())] == [""] and outline(model, set())[0].parameters == 3000
    rows = outline(model, open_first(model))
    assert (
        len(rows) == CHILDREN + 2 and rows[-1].more == 500 - CHILDREN and rows[3].place == 3 and rows[3].siblings == 500
    )
    assert len(outline(model, {""}, {"": 500})) == ROWS + 1


def test_a_module_held_twice_is_listed_once_and_its_weights_are_counted_once():
    rows = {row.path: row for row in outline(Shares(), {""})}
    assert rows["again"].same_as == "one" and rows["one"].same_as is None and rows[""].parameters == 26


def test_a_module_that_holds_itself_ends_the_tree():
    model = nn.Sequential(nn.Linear(2, 2))
    model.add_module("loop", model)
    assert [row.path for row in outline(model, {"", "loop"})] == ["", "0", "loop"]


def test_weights_are_sampled_where_there_are_very_many():
    layer = nn.Embedding(2_500_000, 4)
    begin = time.perf_counter()
    counts, low, high, counted, total = histogram(layer)
    sample = sample_weights(layer)
    assert time.perf_counter() - begin < 2
    assert total == 10_000_000 and 60_000 < counted < 140_000 and counts.sum() == counted and low < -3 < 3 < high
    assert 2_000 < len(sample) < 4_200 and torch.equal(sample, sample_weights(layer))


def test_a_histogram_counts_every_weight_of_a_small_layer_but_those_that_are_no_number():
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight[0, 0] = math.nan
    counts, *_, counted, total = histogram(layer)
    assert counts.sum() == counted == 7 and total == 8
    assert histogram(nn.ReLU())[4] == 0


# Surgery.


def test_a_unit_switched_off_gives_exactly_zero_and_is_switched_on_exactly():
    model, (x, _) = lenet(), pictures()
    before, kept = model(x), weights(model)
    with switched_off(model, [Off("features.0", 2)]):
        assert model.features[0](x)[:, 2].eq(0).all() and model.features[0](x)[:, 1].ne(0).any()
        assert not torch.equal(model(x), before)
    assert torch.equal(model(x), before) and same(weights(model), kept) and hooks(model) == 0


def test_a_layer_switched_off_stays_zero_where_it_was_nan():
    model = nn.Sequential(nn.Linear(2, 2), nn.Identity())
    with torch.no_grad():
        model[0].weight[:] = math.nan
    with switched_off(model, [Off("0")]):
        assert model(torch.ones(1, 2)).eq(0).all()
    with switched_off(model, [Off("0", 1)]):
        assert model(torch.ones(1, 2))[0, 1] == 0 and model(torch.ones(1, 2))[0, 0].isnan()


def test_a_unit_of_an_lstm_is_off_in_its_output_and_its_state():
    lstm, x = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    axis = look(lstm, (x,), [""]).activities[""].axis
    with switched_off(lstm, [Off("", 1, axis)]):
        output, (hidden, cell) = lstm(x)
    assert (
        output[..., 1].eq(0).all()
        and hidden[..., 1].eq(0).all()
        and cell[..., 1].eq(0).all()
        and output[..., 0].ne(0).all()
    )


def test_hooks_are_taken_off_when_the_model_raises_or_there_is_no_such_layer():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(IndexError, match="no unit 7 along axis 1"), switched_off(model, [Off("0", 7)]):
        model(torch.ones(1, 2))
    with pytest.raises(AttributeError), switched_off(model, [Off("0"), Off("nowhere")]):
        pass
    assert hooks(model) == 0


def test_a_layer_begins_anew_as_its_class_does_without_touching_others_or_the_readers_numbers():
    model = lenet()
    before, random = weights(model), torch.default_generator.get_state()
    assert reinitialise(model, "features.0", seed=1) == 1
    once = weights(model)
    reinitialise(model, "features.0", seed=1)
    assert same(weights(model), once) and torch.equal(torch.default_generator.get_state(), random)
    changed = {name for name in before if not torch.equal(before[name], once[name])}
    assert changed == {"features.0.weight", "features.0.bias"}
    with pytest.raises(TypeError, match="has no weights"):
        reinitialise(model, "features.2", seed=1)


def test_a_layer_is_frozen_with_all_below():
    model = lenet()
    count = set_frozen(model, "features", True)
    assert count == sum(p.numel() for p in model.features.parameters()) and outline(model, {""})[1].frozen == "all"
    assert outline(model, {""})[0].frozen == "some" and model.classifier[2].weight.requires_grad
    set_frozen(model, "features", False)
    assert all(p.requires_grad for p in model.parameters())
