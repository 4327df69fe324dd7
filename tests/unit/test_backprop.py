"""What `dl.backprop` says of a graph, against what PyTorch says of it."""

import gc
import math
import random
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlnb.widgets.backprop.fold import LIMIT, folded
from dlnb.widgets.backprop.graph import walk
from dlnb.widgets.backprop.layout import laid_out
from dlnb.widgets.backprop.look import look_at
from dlnb.widgets.backprop.names import Names, names_around
from dlnb.widgets.backprop.numbers import SHOWN, Numbers, short
from dlnb.widgets.backprop.rules import RULES, rule_of
from dlnb.widgets.backprop.scene import AFTER, BEFORE, scene_of

UNARY = [
    torch.exp, torch.tanh, torch.sigmoid, torch.relu, torch.sin, torch.cos, torch.neg, torch.abs, F.silu,
    lambda x: (x.abs() + 0.5).log(), lambda x: (x * x + 0.1).sqrt(), lambda x: x**3, lambda x: 1 / (x.abs() + 1),
    lambda x: x.softmax(-1), lambda x: x.log_softmax(-1), lambda x: 2 - x, lambda x: x.clone(), lambda x: x / 3,
    lambda x: 2**x, lambda x: torch.div(x, 0.3, rounding_mode="floor"),
]  # fmt: skip
BINARY = [torch.add, torch.sub, torch.mul, lambda a, b: a / (b * b + 1), torch.maximum, lambda a, b: (a.abs() + 1) ** b]
SHAPING = [
    lambda x: x.t() if x.ndim == 2 else x, lambda x: x.reshape(-1), lambda x: x.sum(0), lambda x: x.mean(-1),
    lambda x: x.unsqueeze(0) if x.ndim < 3 else x, lambda x: x[0], lambda x: torch.cat([x, x]),
    lambda x: torch.stack(x.unbind(0)), lambda x: x.cumsum(0), lambda x: x.expand(2, *x.shape) if x.ndim < 3 else x,
]  # fmt: skip


def random_graph(seed: int):
    """A loss of random operations in float64, the leaves, and all results on the way."""
    dice = random.Random(seed)
    torch.manual_seed(seed)
    leaves = [
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 4), (4,), (1,), (), (4, 3), (3, 1))
    ]
    pool, size = list(leaves), dice.randint(30, 60)
    while len(pool) < size:
        kind, a, b = dice.random(), dice.choice(pool), dice.choice(pool)
        try:
            if kind < 0.4:
                made = dice.choice(UNARY)(a.tanh())
            elif kind < 0.75:
                made = dice.choice(BINARY)(a.tanh(), b.tanh())
            elif kind < 0.85:
                made = a @ b
            else:
                made = dice.choice(SHAPING)(a)
        except (RuntimeError, IndexError):  # shapes that do not fit
            continue
        if 0 < made.numel() <= SHOWN:
            pool.append(made)
    results = pool[len(leaves) :]
    loss = sum((part.sum() if part.ndim else part) for part in results[::2])
    return loss, leaves, results


def looked(loss: torch.Tensor, **variables):
    names = Names()
    names.add_variables(variables)
    names.add_models(variables)
    return look_at(loss, names)


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().reshape(-1).numpy()


@pytest.mark.parametrize("seed", range(60))
def test_every_gradient_and_value_of_a_random_graph_is_pytorchs(seed):
    loss, leaves, results = random_graph(seed)
    functions = {node.function: node for node in walk(loss)}
    look = look_at(loss, Names())
    by_index = {node.index: node for node in look.nodes}
    used = [part for part in results if part.grad_fn in functions]
    truth = torch.autograd.grad(loss, used, retain_graph=True)
    assert len(used) > 5
    for part, gradient in zip(used, truth, strict=True):
        node = by_index[functions[part.grad_fn].index]
        assert np.allclose(look.passed.arrived[node][part.output_nr].values, numbers(gradient), rtol=1e-12, atol=1e-13)
        assert np.allclose(look.values[node, part.output_nr].values, numbers(part), rtol=1e-12, atol=1e-13)
    leaf_nodes = {id(node.leaf): by_index[node.index] for node in functions.values() if node.is_leaf}
    for leaf, gradient in zip(leaves, torch.autograd.grad(loss, leaves, allow_unused=True), strict=True):
        if gradient is not None:
            arrived = look.passed.arrived[leaf_nodes[id(leaf)]][0]
            assert arrived.shape == leaf.shape and np.allclose(
                arrived.values, numbers(gradient), rtol=1e-12, atol=1e-13
            )
    assert look.notice == "" and look.notes == {}


@pytest.mark.parametrize("seed", range(60))
def test_where_roads_meet_they_add_up_and_along_a_road_the_local_derivative_is_multiplied(seed):
    loss, _, _ = random_graph(seed)
    look = look_at(loss, Names())
    checked = 0
    for node in look.nodes:
        for output, arrived in enumerate(look.passed.arrived[node]):
            parts = [look.passed.left[road] for _, road in node.uses if road.output == output]
            parts = [part.values for part in parts if part is not None]
            if parts and arrived is not None:
                assert np.allclose(sum(parts), arrived.values, rtol=1e-12, atol=1e-13)
        checked += sum(assert_multiplied(look, node, road) for road in node.roads if road in look.factors)
    assert checked > 5


def assert_multiplied(look, node, road) -> bool:
    """Arrives times local derivative, summed over the copies of a broadcast, is what leaves."""
    arrived, left, factor = look.passed.arrived[node][0], look.passed.left[road], look.factors[road]
    shape = road.source.shapes[road.output]
    wide = torch.from_numpy(arrived.values).reshape(arrived.shape)
    if node.kind in ("Sum", "Mean"):
        if node.kind in ("Sum", "Mean") and wide.ndim:
            return False  # which dimension went is not in the numbers
        wide = wide.expand(shape)
    product = wide * torch.from_numpy(factor.values).reshape(factor.shape)
    assert np.allclose(numbers(product.sum_to_size(shape)), left.values, rtol=1e-12, atol=1e-13), (node, road.slot)
    return True


def test_every_rule_with_a_local_derivative_gives_that_of_pytorch():
    a, b = (torch.tensor([0.4, 1.7, 2.2], dtype=torch.float64, requires_grad=True) for _ in range(2))
    truth = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    made = [
        a + b, torch.add(a, b, alpha=3), torch.sub(a, b, alpha=2), a * b, a / b, -a, a**2.5, a**b, a.exp(), a.log(), a.sqrt(),
        a.rsqrt(), 1 / a, 2 - a, torch.rsub(a, b, alpha=3), a.sin(), a.cos(), (a - 1).abs(), a.sigmoid(), a.tanh(), (a - 1).relu(), a.sum(), a.mean(), a.clone(),
        a @ b, F.mse_loss(a, b), F.mse_loss(a, b, reduction="sum"), F.binary_cross_entropy_with_logits(a, truth),
    ]  # fmt: skip
    loss = sum((part * part).sum() for part in made)
    look = look_at(loss, Names())
    checked = {
        node.name.replace("Backward", "")
        for node in look.nodes
        for road in node.roads
        if road in look.factors and assert_multiplied(look, node, road)
    }
    promised = {name for name, rule in RULES.items() if any(rule.factors)}
    assert {name for name in promised if not {name, f"{name}0", f"{name}1"} & checked} == set()


def test_nothing_of_the_learners_is_changed_and_the_graph_still_works():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1))
        x = torch.randn(5, 3)
        hidden = model[:3](x)
        hidden.retain_grad()
        loss = model[3:](hidden).square().mean()
        loss.backward(retain_graph=True)
        before = {name: (weight.clone(), weight.grad.clone()) for name, weight in model.named_parameters()}
        state = {name: value.clone() for name, value in model.state_dict().items()}
        kept, dice = hidden.grad, torch.get_rng_state()
        kept_values = kept.clone()
        look_at(loss, Names())
        assert torch.equal(torch.get_rng_state(), dice)
        assert hidden.grad is kept and torch.equal(kept, kept_values)
        for name, weight in model.named_parameters():
            assert torch.equal(weight, before[name][0]) and torch.equal(weight.grad, before[name][1])
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        for weight in model.parameters():
            weight.grad = None
        loss.backward()
        for name, weight in model.named_parameters():
            assert torch.equal(weight.grad, before[name][1])


def test_a_grad_that_was_none_stays_none_also_where_a_result_retains_its_own():
    w = torch.tensor(2.0, requires_grad=True)
    h = w * 3
    h.retain_grad()
    look_at(h**2, Names())
    assert w.grad is None and h.grad is None
    (h**2).backward()
    assert w.grad == 36 and h.grad == 12


def test_nothing_is_kept_alive():
    w = torch.randn(1000, requires_grad=True)
    h = (w * 2).exp()
    loss = h.sum()
    gone = [weakref.ref(h), weakref.ref(loss), weakref.ref(w)]
    look = look_at(loss, Names())
    del h, loss, w
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3 and len(look.nodes) == 4


def test_the_backward_order_is_that_of_the_engine_and_a_leaf_comes_when_all_its_roads_have_brought_their_part():
    x = torch.tensor(3.0, requires_grad=True)
    loss = (x * x) + x.exp()
    look = looked(loss, x=x)
    names = [node.name for node in look.passed.order]
    assert names == ["AddBackward0", "ExpBackward0", "MulBackward0", "AccumulateGrad"]
    leaf = look.nodes[0]
    assert [float(look.passed.left[road].values[0]) for _, road in leaf.uses][:2] == [3.0, 3.0]
    assert look.passed.arrived[leaf][0].values[0] == pytest.approx(6 + math.exp(3))


def test_values_that_autograd_does_not_keep_are_worked_out_again_and_said_to_be():
    a, b = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0], requires_grad=True)
    look = looked(((a + b) - 2 * a).sum())
    add = next(node for node in look.nodes if node.name == "AddBackward0")
    assert look.values[add, 0].values.tolist() == [4.0, 6.0] and (add, 0) in look.worked_out
    assert look.end not in look.worked_out, "the loss is there"


def test_data_without_a_gradient_is_shown_where_it_comes_in_by_its_name():
    x, w = torch.tensor(5.0), torch.tensor(2.0, requires_grad=True)
    look = looked((w * x) ** 2, x=x, w=w)
    [constant] = look.constants[next(node for node in look.nodes if node.kind == "Mul")]
    assert (constant.letter, constant.name, constant.numbers.values.tolist()) == ("b", "x", [5.0])


def test_a_number_that_a_formula_needs_is_told_or_said_to_be_unknown():
    w = torch.tensor(3.0, requires_grad=True)
    look = looked((w - 1) ** 2 + 2**w + (5 - w))
    told = {
        node.name: [(one.letter, None if one.numbers is None else one.numbers.values.tolist()) for one in constants]
        for node, constants in look.constants.items()
    }
    assert told == {
        "SubBackward0": [("b", None)], "PowBackward0": [("n", [2.0])], "PowBackward2": [("n", [2.0])],
        "RsubBackward1": [("b", None)],
    }  # fmt: skip


def test_names_come_from_the_frame_from_containers_and_from_models():
    w, parts, table = torch.ones(2, requires_grad=True), [torch.ones(2, requires_grad=True)], {}
    table["bias"] = torch.ones(2, requires_grad=True)
    _hidden = torch.ones(2, requires_grad=True)
    net = nn.Linear(2, 2)
    h = net(w * parts[0] + table["bias"] * _hidden)
    import sys

    names = names_around(sys._getframe(), None)
    look = look_at(h.sum(), names)
    called = {look.names.get((node, 0)) for node in look.nodes if node.is_leaf}
    assert called == {"w", "parts[0]", "table['bias']", "net.weight", "net.bias", None}
    assert "h" in look.names.values()
    assert set(look.layers.values()) == {"net"}
    given = look_at(h.sum(), names_around(sys._getframe(), nn.Sequential(net)))
    assert {"0.weight", "0.bias"} <= set(given.names.values())


def test_what_ipython_keeps_of_earlier_cells_is_no_name():
    w = torch.ones(2, requires_grad=True)
    assert list(looked((w * 2).sum(), Out={3: w}, _=w, w=w).names.values()) == ["w"]


def test_two_models_are_told_apart():
    teacher, student = nn.Linear(2, 2), nn.Linear(2, 2)
    look = looked((teacher(torch.ones(1, 2)) - student(torch.ones(1, 2))).sum(), teacher=teacher, student=student)
    assert set(look.layers.values()) == {"teacher", "student"}


def test_a_loss_that_is_one_of_several_results_is_the_end():
    w = torch.tensor([2.0, 3.0], requires_grad=True)
    _, second = (w * w).unbind()
    look = looked(second, second=second)
    assert look.loss == "second" and look.values[look.end].values.tolist() == [9.0]
    assert look.passed.arrived[look.nodes[0]][0].values.tolist() == [0.0, 6.0]


@pytest.mark.parametrize("surroundings", [torch.no_grad, torch.inference_mode])
def test_it_works_also_where_nothing_is_recorded(surroundings):
    w = scalar(3.0)
    loss = (w * w + w).exp().log()
    with surroundings():
        look = looked(loss)
    assert look.passed.arrived[look.nodes[0]][0].values[0] == pytest.approx(7, rel=1e-5) and look.notice == ""


def test_no_more_is_worked_out_again_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr("dlnb.widgets.backprop.values.MOST", 30)
    total = w = torch.ones(10, requires_grad=True)
    for _ in range(9):
        total = total + w
    assert len(looked(total.sum()).worked_out) == 3


# What cannot be shown is said.


def scalar(value: float = 2.0) -> torch.Tensor:
    return torch.tensor(value, requires_grad=True)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: 3.0, TypeError, "before .item"),
        (lambda: torch.ones(2, requires_grad=True) * 2, ValueError, r"loss\.mean\(\)"),
        (lambda: torch.tensor(2.0), ValueError, "requires_grad=True"),
        (lambda: (scalar() * 2).detach(), ValueError, "detach"),
        (scalar, ValueError, "leaf"),
        (lambda: scalar().to(torch.complex64) * 1j, ValueError, "complex"),
    ],
)
def test_what_is_no_loss_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        look_at(make(), Names())


def test_a_graph_that_was_used_up_says_so():
    loss = (scalar() * scalar()) ** 2
    loss.backward()
    with pytest.raises(ValueError, match="before loss.backward"):
        look_at(loss, Names())


def test_a_tensor_that_was_changed_in_place_is_named():
    w = scalar()
    h = w * 3
    loss = (h * h).sum() + h
    with torch.no_grad():
        h += 1
    with pytest.raises(ValueError, match=r"changed in place.*FloatTensor"):
        look_at(loss, Names())


def test_a_change_that_autograd_does_not_mind_is_noticed_in_the_values():
    w = scalar(2.0)
    loss = w + scalar(3.0)
    with torch.no_grad():
        w += 10
    look = look_at(loss, Names())
    assert "no longer give its result" in look.notice


def test_a_graph_that_is_too_large_is_refused_in_words():
    w = total = scalar()
    for _ in range(20_001):
        total = total + w
    with pytest.raises(ValueError, match="more than 20,000 nodes"):
        look_at(total, Names())


def test_the_first_number_that_is_not_finite_is_found():
    w = torch.tensor([0.0, 1.0], requires_grad=True)
    look = looked((w.log() * 0).sum())
    assert "log" in look.notice and [node.kind for node in look.notes] == ["Log"]
    bad = torch.tensor(math.nan, requires_grad=True)
    assert "(bad)" in looked(bad * 2, bad=bad).notice


def test_a_gradient_that_is_not_finite_though_the_loss_is_is_found():
    w = torch.tensor([0.0, 1.0], requires_grad=True)
    look = looked((w * 2).sqrt().sum())
    assert "square root" in look.notice and [node.kind for node in look.notes] == ["Sqrt"]


def test_an_infinity_that_does_no_harm_is_no_fault():
    scores = torch.randn(3, 3, requires_grad=True) * 2
    masked = scores.masked_fill(torch.ones(3, 3).triu(1) > 0, -math.inf)
    added = scores + torch.full((3, 3), -math.inf).triu(1)
    look = looked((masked.softmax(-1)[0] * added.softmax(-1)[1]).sum(), masked=masked, added=added)
    assert look.notice == "" and look.notes == {}
    sick = looked((masked.softmax(-1) * math.nan).sum(), masked=masked)
    assert "multiply" in sick.notice


def test_a_factor_where_pytorch_takes_a_limit_is_not_told_as_nan():
    base, exponent = torch.zeros((), requires_grad=True), scalar()
    look = looked(base**exponent)
    assert look.notice == "" and [road.slot for road in look.factors] == [0]


def test_a_hook_that_changes_a_gradient_is_noticed():
    w = scalar()
    h = w * 3
    h.register_hook(lambda gradient: gradient * 10)
    look = looked(h**2)
    assert [node.kind for node in look.notes] == ["Mul"] and "hook" in look.notes[look.nodes[1]]


def test_an_own_function_gets_a_plain_sentence_and_its_gradient():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, gradient):
            return 2 * gradient

    w = scalar()
    look = looked(Twice.apply(w) * 3)
    node = next(node for node in look.nodes if node.name == "TwiceBackward")
    assert "chain rule" in rule_of(node).way(0)
    assert look.passed.left[node.roads[0]].values[0] == 6


def test_what_an_own_function_keeps_is_not_taken_for_a_leaf():
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.variable, ctx.name = 3.0, "scaled"
            return ctx.variable * x

        @staticmethod
        def backward(ctx, gradient):
            return ctx.variable * gradient

    look = looked(Scaled.apply(scalar()))
    assert [node.is_leaf for node in look.nodes] == [True, False]
    assert look.passed.arrived[look.nodes[0]][0].values[0] == 3


def test_a_view_that_autograd_has_given_up_disturbs_nothing():
    base = torch.zeros(3)
    with torch.no_grad():
        view = base[0]
    base.mul_(torch.ones(3, requires_grad=True))
    with pytest.raises(RuntimeError):
        _ = view.grad_fn
    look = looked(scalar() * 2, view=view)
    assert len(look.nodes) == 2


def test_complex_numbers_are_shown_by_their_sizes_and_their_roads_are_not_added():
    z = torch.tensor([3 + 4j, 1j], requires_grad=True)
    look = looked((z * (2 - 1j) + z * z).abs().sum())
    assert look.notes == {} and look.values[look.nodes[0], 0].values.tolist() == [5.0, 1.0]


def test_numbers_of_odd_tensors():
    assert Numbers.of(torch.zeros(0, 3)).size == 0
    assert Numbers.of(torch.tensor([3 + 4j])).values.tolist() == [5.0]
    assert Numbers.of(torch.eye(2).to_sparse()).values.tolist() == [1, 0, 0, 1]
    many = Numbers.of(torch.arange(1000.0))
    assert len(many.values) == SHOWN and many.high == 999 and many.norm == pytest.approx(18243.72, rel=1e-6)
    assert not Numbers.of(torch.tensor([1.0, math.inf])).is_finite


@pytest.mark.parametrize(
    ("values", "words", "sign"),
    [
        (torch.tensor(-2.5), "−2.5", -1),
        (torch.tensor([1.0, math.inf]), "[1, ∞]", 1),
        (torch.tensor([math.nan, -math.inf]), "[NaN, −∞]", 0),
        (torch.linspace(-1, 2, 6).reshape(2, 3), "(2, 3) −1 … 2", 0),
        (torch.zeros(1, 1), "0", 0),
        (torch.zeros(0), "[]", 0),
    ],
)
def test_a_tensor_in_few_words_and_its_sign(values, words, sign):
    assert (short(Numbers.of(values)), Numbers.of(values).sign) == (words, sign)


def test_sparse_gradients_and_half_precision_go_through():
    table = nn.Embedding(10, 3, sparse=True)
    look = looked(table(torch.tensor([1, 1, 4])).sum())
    assert look.passed.arrived[look.nodes[0]][0].values.reshape(-1, 3)[1].tolist() == [2.0, 2.0, 2.0]
    half = torch.randn(30, dtype=torch.bfloat16, requires_grad=True)
    assert looked((half * half + half).sum()).notes == {}


# Folding and layout.


def chain(length: int) -> torch.Tensor:
    total = w = scalar(1.0)
    for _ in range(length):
        total = total * 1.001 + w
    return total


def deep(layers: int) -> tuple[nn.Module, torch.Tensor]:
    model = nn.ModuleDict(
        {
            "first": nn.Linear(3, 4),
            "blocks": nn.ModuleList([nn.Linear(4, 4) for _ in range(layers)]),
            "last": nn.Linear(4, 2),
        }
    )
    h = model["first"](torch.randn(5, 3)).relu()
    for block in model["blocks"]:
        h = h + block(h).relu()
    return model, F.cross_entropy(model["last"](h), torch.zeros(5, dtype=torch.long))


def scenes(look, nodes):
    """The scene of a part, and those of all parts below."""
    scene = scene_of(look, nodes)
    yield nodes, scene
    for box in scene.boxes:
        if box.node is None and box.label not in (BEFORE, AFTER):
            yield from scenes(look, box.nodes)


@pytest.mark.parametrize("make", [lambda: (nn.Module(), chain(700)), lambda: deep(12), lambda: deep(60)])
def test_a_folded_graph_holds_every_node_once_and_every_road_leads_to_the_right(make):
    model, loss = make()
    look = looked(loss, model=model)
    seen = 0
    for nodes, scene in scenes(look, look.nodes):
        inside = [box for box in scene.boxes if box.label not in (BEFORE, AFTER)]
        assert sorted(node.index for box in inside for node in box.nodes) == sorted(node.index for node in nodes)
        assert len(inside) <= LIMIT
        assert all(scene.layout.columns[way.begin] < scene.layout.columns[way.end] for way in scene.ways)
        assert sorted(scene.backward) == list(range(len(inside)))
        done: set[int] = {place for place in range(len(inside), len(scene.boxes))}
        for place in scene.backward:  # nothing arrives before all that uses it has sent its part
            assert {way.end for way in scene.ways if way.begin == place} <= done
            done.add(place)
        seen += sum(box.node is not None for box in inside)
    assert seen == len(look.nodes)


def test_layers_fold_by_their_names():
    model, loss = deep(12)
    look = looked(loss, model=model)
    boxes = folded(look.nodes, look.layers)
    assert [box.label for box in boxes] == [
        "model.first", *(f"model.blocks.{k}" for k in range(12)), "model.last", "the loss",
    ]  # fmt: skip
    assert [node.kind for node in boxes[1].nodes if not node.is_leaf] == ["T", "Addmm", "Relu", "Add"]
    model, loss = deep(60)
    look = looked(loss, model=model)
    boxes = folded(look.nodes, look.layers)
    assert [box.label for box in boxes] == ["model.first", "model.blocks", "model.last", "the loss"]
    assert [box.label for box in folded(boxes[1].nodes, look.layers)][0] == "nodes 6 to 14"


def test_a_layout_keeps_boxes_apart_and_draws_roads_around_them():
    roads = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3), (3, 4), (0, 4)]
    layout = laid_out(5, roads, range(5))
    assert layout.columns == [0, 1, 1, 2, 3]
    assert [len(bend) for bend in layout.bends] == [0, 0, 0, 0, 1, 0, 2]
    taken = [*zip(layout.columns, layout.rows, strict=True)]
    for column in range(4):
        rows = sorted(row for at, row in taken if at == column)
        assert all(below - above >= 1 - 1e-9 for above, below in zip(rows, rows[1:], strict=False))
    for bend in layout.bends:
        assert all(abs(row - other) >= 0.75 - 1e-9 for at, row in bend for column, other in taken if at == column)
    assert min(layout.rows) >= 0
