"""Layer statistics: right, harmless, cheap, and there for every kind of model."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import dlnb as dl
from dlnb.train.loop import Loop
from dlnb.train.probes.layers import SAMPLE, STATISTICS, sample_into
from dlnb.train.probes.probes import CloseLook, Probes, look_closely
from dlnb.train.probes.tracks import ROWS, Track

from .patients import Apply, Reader, Writer, adam, mlp, next_letter, rings, sentences, split, waves

ALWAYS = 1000.0  # a share that lets the probes look at each step


def loop_of(model: nn.Module, task: dl.Task, lr: float = 1e-2, **arguments) -> Loop:
    torch.set_num_threads(1)
    return Loop(model, task, adam(lr)([p for p in model.parameters() if p.requires_grad]), epochs=10**6, **arguments)


def probed(model: nn.Module, task: dl.Task, steps: int = 5, share: float = ALWAYS) -> tuple[Probes, Loop]:
    loop = loop_of(model, task)
    loop.observer = probes = Probes(model, share)
    for _ in range(steps):
        loop.advance()
    return probes, loop


def hooks_of(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def lenet() -> nn.Module:
    with dl.seeded(0):
        return dl.vision.LeNet()


# Right.


def test_the_statistics_of_a_step_are_those_of_all_its_elements_up_to_the_sample():
    exact = loop_of(lenet(), dl.vision.digits())
    for _ in range(3):
        exact.advance()
    look = look_closely(exact)
    probes, _ = probed(lenet(), dl.vision.digits(), steps=4)
    table, truth = probes.table(), look.table()
    assert list(table) == list(truth)
    for name, row in truth.items():
        for statistic in ("gradient", "weight"):
            assert table[name][statistic] == pytest.approx(row[statistic], rel=1e-4, nan_ok=True)
        assert table[name]["update"] == pytest.approx(row["update"], rel=0.2, nan_ok=True)
        assert table[name]["std"] == pytest.approx(row["std"], rel=0.2)
        assert table[name]["mean"] == pytest.approx(row["mean"], abs=0.2 * row["std"])


def test_a_close_look_is_what_autograd_and_the_update_say():
    model, task = mlp(2, 16, 3), split(*rings())
    loop = loop_of(model, task)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    x, y = loop.batches.batch(0, 0, 0)
    hidden = model[0](x)
    hidden.retain_grad()
    loss = F.cross_entropy(model[2](model[1](hidden)), y)
    loss.backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    look = look_closely(loop)
    assert look.step == 1 and look.done and look.loss == loss.item()
    assert torch.equal(look.inputs[0], x) and torch.equal(look.target, y)
    assert torch.equal(look.layers["0"].activations[0], hidden)
    assert torch.equal(look.layers["0"].activation_gradients[0], hidden.grad)
    found = [parameter for layer in look.layers.values() for parameter in layer.parameters.values()]
    for parameter, was, gradient, now in zip(found, before, gradients, model.parameters(), strict=True):
        assert torch.equal(parameter.before, was) and torch.equal(parameter.after, now)
        assert torch.equal(parameter.gradient, gradient)
    for what in ("activation", "gradient", "weight", "update", "activation gradient"):
        counts, edges = look.histogram("0", what)
        assert counts.sum() > 0 and len(edges) == len(counts) + 1


def test_any_past_step_can_be_looked_at_in_full_without_having_been_recorded():
    run = dl.fit(mlp(2, 16, 3, dropout=0.2), split(*rings()), lr=1e-2, epochs=1000, start=False)
    run.step(40)
    look = run.inspect(23)
    assert isinstance(look, CloseLook) and look.step == 23 and look.loss == run.history["loss"][22]
    assert run.steps == 40
    with pytest.raises(ValueError):
        run.inspect(0)


def test_dead_units_are_counted_over_a_thousand_samples():
    model = mlp(2, 50, 3)
    with torch.no_grad():
        model[0].bias[:20] = -100
    probes, _ = probed(model, split(*rings()), steps=30)
    assert math.isnan(probes.table()["1"]["dead"])  # 30 batches of 32 are no thousand yet
    probes, _ = probed(model, split(*rings()), steps=40)
    assert probes.table()["1"]["dead"] == pytest.approx(0.4)
    assert probes.table()["0"]["dead"] == pytest.approx(0.4)  # nor does their layer learn


def test_samples_are_spread_over_all_channels():
    channels = torch.arange(64.0)[None, :, None, None].expand(32, 64, 16, 16).contiguous()
    row = torch.empty(SAMPLE)
    assert sample_into(row, channels) == SAMPLE
    assert len(row.unique()) == 64
    assert sample_into(row, channels.to(memory_format=torch.channels_last)) == SAMPLE and len(row.unique()) == 64
    assert sample_into(row, torch.ones(5)) == 5 and row.sum() == 5


def test_histograms_and_series_are_there_for_each_layer_and_statistic():
    probes, _ = probed(lenet(), dl.vision.digits(), steps=6)
    for what, layer in (("activation", "features.2"), ("gradient", "features.0"), ("weight", "classifier.5")):
        counts, edges = probes.histogram(layer, what)
        assert len(counts) == 64 and len(edges) == 65 and counts.sum() > 100
    for statistic in STATISTICS:
        steps, values = probes.series("features.0", statistic)
        assert steps.tolist() == [1, 2, 3, 4, 5, 6] and len(values) == 6
    assert len(probes.histogram("features.2", "weight")[0]) == 0  # an activation has none


def test_what_does_not_exist_is_refused_in_words():
    probes, _ = probed(mlp(2, 8, 3), split(*rings()))
    with pytest.raises(KeyError, match="no layer 'fc1'"):
        probes.series("fc1", "mean")
    with pytest.raises(ValueError, match="no statistic 'median'"):
        probes.series("0", "median")
    with pytest.raises(ValueError, match="activation, gradient, weight"):
        probes.histogram("0", "bias")
    with pytest.raises(ValueError, match="above 0"):
        Probes(mlp(2, 3), 0.0)


# Harmless.


@pytest.mark.parametrize("make", [lambda: (lenet(), dl.vision.digits()), lambda: (mlp(2, 16, 16, 3, norm=True, dropout=0.3), split(*rings()))])
def test_looking_at_every_step_changes_no_number(make):
    plain = loop_of(*make())
    probes, loop = probed(*make(), steps=0)
    look = CloseLook(loop.model, 7)
    for step in range(1, 15):
        loop.observer = look if step == 7 else probes
        assert plain.advance() == loop.advance()
    assert all(torch.equal(a, b) for a, b in zip(plain.model.state_dict().values(), loop.model.state_dict().values(), strict=True))
    assert hooks_of(loop.model) == 0


def test_no_hook_is_left_after_a_step_that_raised():
    model = mlp(2, 8, 3)
    model.append(Apply(lambda h: 1 / 0))
    for observer in (Probes(model), CloseLook(model, 1)):
        loop = loop_of(model, split(*rings()))
        loop.observer = observer
        with pytest.raises(ZeroDivisionError):
            loop.advance()
        assert hooks_of(model) == 0


def test_there_are_hooks_only_in_the_steps_that_are_looked_at():
    seen = []
    model = mlp(2, 8, 3)
    model.append(Apply(lambda h: (seen.append(hooks_of(model)), h)[1]))
    probes, loop = probed(model, split(*rings()), steps=0)
    for _ in range(6):
        probes.next_step = 3 if loop.steps < 2 else loop.steps + 2 if loop.steps >= 3 else 3
        loop.advance()
    assert [count > 0 for count in seen] == [False, False, True, False, False, False]


# Cheap.


def test_the_stride_widens_in_powers_of_two_until_the_share_is_kept():
    probes, loop = probed(mlp(2, 64, 64, 3), split(*rings(), 64), steps=0, share=0.01)
    looked = []
    for _ in range(3000):
        due = loop.steps + 1 >= probes.next_step
        loop.advance()
        if due:
            looked.append((loop.steps, probes.stride))
    assert probes.stride > 8 and probes.stride & (probes.stride - 1) == 0
    assert all(step % stride == 0 for step, stride in zip([s for s, _ in looked[1:]], [k for _, k in looked], strict=False))
    training = float(np.median(probes._step_seconds)) * loop.steps
    assert probes.seconds < 0.01 * 5 * training + 0.1


def test_memory_is_allocated_once():
    probes, loop = probed(lenet(), dl.vision.digits(), steps=3)
    ring, scratch = probes._sample.ring.data_ptr(), probes._sample.scratch.data_ptr()
    for _ in range(10):
        loop.advance()
    assert (probes._sample.ring.data_ptr(), probes._sample.scratch.data_ptr()) == (ring, scratch)


def test_a_long_track_keeps_every_second_row_and_what_a_reader_holds_stays():
    track = Track()
    for step in range(1, ROWS + 1):
        track.add(step, (float(step),) * len(STATISTICS))
    held = track.column(0)
    for step in range(ROWS + 1, 3 * ROWS):
        track.add(step, (float(step),) * len(STATISTICS))
    steps, values = track.column(0)
    assert len(steps) <= ROWS and np.array_equal(steps, values) and (np.diff(steps) > 0).all()
    assert steps[-1] == 3 * ROWS - 1 and np.array_equal(held[0], np.arange(1, ROWS + 1))


def test_going_back_forgets_what_came_later_and_looks_again():
    probes, loop = probed(mlp(2, 8, 3), split(*rings()), steps=20)
    probes.seek(10)
    assert probes.series("0", "weight")[0][-1] == 10
    assert probes.observation is not None and probes.observation.step <= 10
    assert probes.next_step <= 16


# Every kind of model.


class Odd(nn.Module):
    """A shared layer and a shared activation, a part that never gets a gradient, an output that is a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.act, self.out, self.idle = nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3), nn.Linear(2, 2)
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.frozen(self.act(self.shared(self.act(self.shared(x)))))
        with torch.no_grad():
            self.idle(x)
        return {"logits": self.out(x) * self.scale}


def test_shared_idle_and_frozen_layers_are_told_apart():
    task = split(*rings(), loss=lambda output, target: F.cross_entropy(output["logits"], target))
    probes, _ = probed(Odd(), task, steps=4)
    table = probes.table()
    assert {"shared", "act", "act #2", "out", "idle", "frozen", "Odd"} == set(table)
    assert table["shared"]["gradient"] > 0 and table["Odd"]["gradient"] >= 0
    assert math.isnan(table["idle"]["gradient"]) and math.isnan(table["frozen"]["gradient"])
    assert table["frozen"]["update"] == 0 and table["shared"]["update"] > 0
    assert probes.observation.calls["shared"] == 2 and probes.observation.calls["idle"] == 1


def test_recurrent_layers_and_attention_are_seen():
    probes, _ = probed(Reader(), split(*waves(0)), steps=2)
    assert probes.table()["gru"]["std"] > 0
    vocabulary, x, y = sentences(0)
    probes, _ = probed(Writer(vocabulary), split(x, y, 16, loss=next_letter), steps=2)
    table = probes.table()
    assert table["blocks.0.attention"]["gradient"] > 0 and table["embed"]["std"] > 0
    assert probes.observation.kind == "cross-entropy" and probes.observation.entered.normalises


def test_layers_may_come_and_go_while_it_trains():
    model = mlp(2, 8, 3)
    probes, loop = probed(model, split(*rings()), steps=3)
    model.insert(2, nn.Linear(8, 8))
    model.insert(3, nn.Tanh())
    for _ in range(3):
        loop.advance()
    assert set(probes.layers) == {"0", "1", "2", "3", "4"}
    del model[3], model[2]
    loop.advance()
    assert set(probes.layers) == {"0", "1", "2"}
    assert probes.table()["2"]["std"] > 0


@pytest.mark.parametrize("size", [1, 3])
def test_the_smallest_batches_and_models_are_seen(size):
    probes, _ = probed(nn.Linear(2, 3), split(*rings(), size), steps=3)
    assert probes.table()["Linear"]["weight"] > 0 and probes.observation.examples == size


class Nests(nn.Linear):
    """Puts out a nested tensor, which has no plain elements."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nested.as_nested_tensor(list(super().forward(x)))


def test_a_tensor_that_cannot_be_sampled_ends_no_training(caplog):
    model = nn.Sequential(Nests(2, 8), Apply(lambda h: h.to_padded_tensor(0.0)), nn.Linear(8, 3))
    probes, loop = probed(model, split(*rings()), steps=3)
    assert loop.steps == 3 and "'0' is not looked at any more" in caplog.text
    assert probes.table()["2"]["std"] > 0


def test_probes_that_break_leave_the_training_alone(caplog, monkeypatch):
    probes, loop = probed(mlp(2, 8, 3), split(*rings()), steps=2)
    monkeypatch.setattr("dlnb.train.probes.sampling._norms", lambda tensors: 1 / 0)
    for _ in range(3):
        loop.advance()
    assert loop.steps == 5 and hooks_of(loop.model) == 0 and "look no more" in caplog.text
    probes.seek(1)
    assert probes.next_step > 10**6


def test_sparse_gradients_and_half_precision_are_counted():
    model = nn.Sequential(nn.Embedding(10, 8, sparse=True), nn.Flatten(), nn.Linear(16, 3))
    x = torch.randint(10, (200, 2))
    loop = Loop(model, split(x, x[:, 0] % 3), torch.optim.SGD(model.parameters(), lr=0.1), epochs=100)
    loop.observer = probes = Probes(model, ALWAYS)
    for _ in range(3):
        loop.advance()
    assert probes.table()["0"]["gradient"] > 0
    half = mlp(2, 8, 3).bfloat16()
    x, y = rings()
    probes, _ = probed(half, split(x.bfloat16(), y), steps=3)
    assert probes.table()["0"]["gradient"] > 0 and probes.histogram("0")[0].sum() > 0
