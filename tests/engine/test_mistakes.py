"""The arithmetic of mistakes: answers read off a split, confusion, calibration, forgetting, gradients that agree."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.train.evaluate import evaluate, evaluating
from dlnb.train.mistakes.answers import Answers, Reading, example_losses
from dlnb.train.mistakes.influence import influence
from dlnb.train.mistakes.mistakes import (
    Memory,
    average_precision,
    calibration,
    confusion,
    most_confused,
    per_class,
    precision_recall,
    worst,
)


class Says(nn.Module):
    """A model that gives its input as its output."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def read(outputs: Tensor, targets: Tensor, loss=F.cross_entropy, size: int = 4, model=None, **settings) -> Answers:
    """What a model that gives these outputs says on these targets."""
    task = dl.Task("made up", TensorBatches(outputs, targets, size=size), loss=loss, **settings)
    reading = Reading(task, "train")
    model = model or Says()
    with evaluating(model):
        while not reading.done:
            reading.read(model)
    return reading.answers()


def logits(examples: int = 50, classes: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, classes, (examples,), generator=generator)
    return 2 * torch.randn(examples, classes, generator=generator) + 2 * F.one_hot(truth, classes), truth


# Reading.


def test_the_losses_of_the_examples_are_those_that_evaluate_averages():
    outputs, truth = logits()
    task = dl.Task("made up", TensorBatches(outputs, truth, size=7), metrics={"accuracy": dl.accuracy})
    answers = read(outputs, truth, size=7)
    measured = evaluate(Says(), task, "train", torch.device("cpu"))
    assert answers.losses.mean() == pytest.approx(measured["loss"], rel=1e-5)
    assert answers.right.mean() == pytest.approx(measured["accuracy"])


def looks_at_values(output: Tensor, target: Tensor) -> Tensor:
    """A cross-entropy that `vmap` cannot take, as it asks for a value."""
    return F.cross_entropy(output, target) if output.sum().item() > -1e9 else output.sum()


@pytest.mark.parametrize(
    "loss", [F.cross_entropy, nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="sum"), looks_at_values]
)
def test_the_loss_of_each_example_is_what_the_loss_says_of_it_alone(loss):
    outputs, truth = logits()
    alone = torch.stack([loss(outputs[i : i + 1], truth[i : i + 1]) for i in range(len(truth))])
    assert torch.allclose(example_losses(loss, outputs, truth, len(truth)), alone, atol=1e-6)


def test_a_shuffled_and_augmented_split_is_read_in_its_own_order_and_as_it_is():
    x, y = torch.arange(20.0)[:, None], torch.arange(20)[:, None]
    task = dl.Task(
        "order", TensorBatches(x, y, size=6, shuffle=True, augment=lambda x: x + torch.randn_like(x)), loss=F.l1_loss
    )
    seen: list[Tensor] = []
    reading = Reading(task, "train", lambda start, inputs: seen.append(inputs[0]))
    order = task.train.batch(0, 0, 0)[1]
    while not reading.done:
        reading.read(Says())
    assert torch.equal(torch.cat(seen), x)
    assert task.train.shuffle and task.train.augment is not None and torch.equal(task.train.batch(0, 0, 0)[1], order)


def test_a_loader_is_read_twice_in_the_same_order_and_draws_nothing_from_the_readers_generator():
    data = torch.utils.data.TensorDataset(*logits())
    task = dl.Task.from_loaders(torch.utils.data.DataLoader(data, batch_size=8, shuffle=True), loss=F.cross_entropy)
    state = torch.default_generator.get_state()
    losses = []
    for _ in range(2):
        reading = Reading(task, "train")
        while not reading.done:
            reading.read(Says())
        losses.append(reading.answers().losses)
    assert np.array_equal(*losses)
    assert torch.equal(torch.default_generator.get_state(), state)


# What kind of answers they are.


def test_logits_are_made_probabilities_and_probabilities_are_left_alone():
    outputs, truth = logits()
    from_logits = read(outputs, truth)
    from_shares = read(outputs.softmax(1), truth, loss=lambda o, t: F.nll_loss(o.log(), t))
    assert from_logits.kind == from_shares.kind == "classes"
    assert np.allclose(from_logits.probabilities, from_shares.probabilities, atol=1e-6)
    assert np.array_equal(from_logits.said, outputs.argmax(1))


def test_yes_or_no_by_one_logit_is_two_classes():
    outputs = torch.tensor([[2.0], [-1.0], [0.5]])
    answers = read(outputs, torch.tensor([[1.0], [1.0], [0.0]]), F.binary_cross_entropy_with_logits, classes=("ill",))
    assert answers.kind == "classes" and answers.classes == ("not ill", "ill")
    assert answers.said.tolist() == [1, 0, 1] and answers.right.tolist() == [True, False, False]
    assert answers.probabilities[:, 1] == pytest.approx(outputs[:, 0].sigmoid().numpy())


def test_several_labels_are_told_from_one_class_each():
    outputs, truth = logits()
    one_hot = F.one_hot(truth, 4).float()
    assert read(outputs, one_hot).kind == "classes"
    assert np.array_equal(read(outputs, one_hot).truth, truth)
    several = one_hot.clone()
    several[0] = torch.tensor([1.0, 1.0, 0.0, 1.0])
    answers = read(outputs, several, F.binary_cross_entropy_with_logits)
    assert answers.kind == "labels"
    assert np.array_equal(answers.said, (outputs > 0).numpy())


def test_a_regression_on_numbers_that_happen_to_be_0_and_1_stays_a_regression():
    answers = read(torch.tensor([[0.2], [0.7], [1.4]]), torch.tensor([[0.0], [1.0], [1.0]]), F.mse_loss)
    assert answers.kind == "numbers" and answers.right is None
    assert answers.losses == pytest.approx([0.04, 0.09, 0.16])


def test_a_regression_whose_target_lacks_the_last_dimension_is_paired_example_by_example():
    answers = read(torch.tensor([[1.0], [5.0]]), torch.tensor([1.0, 7.0]), lambda o, t: F.mse_loss(o[:, 0], t))
    assert answers.kind == "numbers" and answers.truth.shape == answers.said.shape == (2, 1)


def test_sequences_and_pictures_have_their_losses():
    outputs, tokens = torch.randn(10, 6, 5), torch.randint(0, 5, (10, 6))
    answers = read(outputs, tokens, lambda o, t: F.cross_entropy(o.flatten(0, 1), t.flatten()))
    assert answers.kind == "losses" and len(answers) == 10 and not answers.whole_batches
    each = F.cross_entropy(outputs.transpose(1, 2), tokens, reduction="none").mean(1)
    assert answers.losses == pytest.approx(each.numpy(), rel=1e-4)


def test_a_loss_that_needs_several_examples_counts_batches():
    def contrast(output: Tensor, target: Tensor) -> Tensor:
        if len(output) < 2:
            raise ValueError("needs pairs")
        return (output[0] - output[1]).square().mean()

    answers = read(*logits(9), loss=contrast, size=3)
    assert answers.whole_batches and answers.kind == "losses" and len(answers) == 3
    last_alone = read(*logits(10), loss=contrast, size=3)
    assert len(last_alone) >= 3 and last_alone.notice


def test_a_loss_that_fails_leaves_the_predictions_and_says_why():
    outputs, truth = logits(6)
    truth[2] = 99
    answers = read(outputs, truth, size=6)
    assert np.isnan(answers.losses).all() and "loss" in answers.notice
    assert answers.truth[2] == -1 and not answers.right[2]
    assert confusion(answers).sum() == 5


def test_answers_that_are_not_finite_are_no_answers():
    outputs, truth = logits(8)
    outputs[3] = math.nan
    outputs[5, 0] = math.inf
    answers = read(outputs, truth)
    assert answers.said[[3, 5]].tolist() == [-1, -1] and not answers.right[[3, 5]].any()
    assert confusion(answers).sum() == 6
    assert per_class(answers).support.sum() == 8
    assert calibration(answers).count.sum() == 6
    assert worst(answers.losses)[0] in (3, 5)


# Measures.


def made(truth: list[int], said: list[int], classes: int, confidence: float = 0.8) -> Answers:
    shares = np.full((len(truth), classes), (1 - confidence) / (classes - 1), np.float32)
    shares[np.arange(len(truth)), said] = confidence
    names = tuple(map(str, range(classes)))
    losses = np.zeros(len(truth), np.float32)
    return Answers("classes", losses, np.array(truth), np.array(said), shares, names)


def test_the_table_of_classes_by_hand():
    answers = made(truth=[0, 0, 0, 1, 1, 2], said=[0, 0, 1, 1, 0, 2], classes=4)
    assert confusion(answers).tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    table = per_class(answers)
    assert table.support.tolist() == [3, 2, 1, 0] and table.said.tolist() == [3, 2, 1, 0]
    assert table.right.tolist() == [2, 1, 1, 0]
    assert table.precision[:3] == pytest.approx([2 / 3, 1 / 2, 1])
    assert table.recall[:3] == pytest.approx([2 / 3, 1 / 2, 1])
    # The empty class has no precision, no recall, nothing: not zero.
    assert np.isnan([table.precision[3], table.recall[3], table.f1[3], table.average_precision[3]]).all()
    assert most_confused(confusion(answers)) in [(0, 1, 1), (1, 0, 1)]


def test_the_expected_calibration_error_by_hand():
    sure = made(truth=[0, 0, 0, 1], said=[0, 0, 0, 0], classes=2, confidence=0.99)
    unsure = made(truth=[0, 1, 0, 1], said=[0, 0, 0, 0], classes=2, confidence=0.55)
    assert calibration(sure).error == pytest.approx(0.99 - 0.75, abs=1e-6)
    assert calibration(unsure).error == pytest.approx(0.05, abs=1e-6)
    both = Answers(
        "classes",
        np.zeros(8),
        np.r_[sure.truth, unsure.truth],
        np.r_[sure.said, unsure.said],
        np.r_[sure.probabilities, unsure.probabilities],
        sure.classes,
    )
    assert calibration(both).error == pytest.approx((0.24 + 0.05) / 2, abs=1e-6)
    assert calibration(both).count.sum() == 8


def test_a_model_that_is_as_right_as_it_is_sure_is_calibrated():
    generator = np.random.default_rng(0)
    share = generator.uniform(0.5, 1, 40_000).astype(np.float32)
    truth = (generator.uniform(size=len(share)) > share).astype(int)
    answers = Answers(
        "classes", np.zeros(len(share)), truth, np.zeros_like(truth), np.stack([share, 1 - share], 1), ("a", "b")
    )
    assert calibration(answers).error < 0.01


def test_a_thinned_precision_recall_curve_has_the_area_of_the_whole_one():
    answers = read(*logits(2000), size=500)
    for k in (None, 0, 3):
        recall, precision = precision_recall(answers, k)
        assert len(recall) <= 64 and recall[0] == 0 and recall[-1] == 1 and (np.diff(recall) >= 0).all()
        if k is not None:
            assert np.trapezoid(precision, recall) == pytest.approx(average_precision(answers, k), abs=0.02)


def test_a_class_without_examples_has_no_curve():
    assert precision_recall(made([0, 1], [0, 1], 3), 2)[0].size == 0


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_one_example_is_enough(classes):
    answers = made([1], [0], classes)
    assert confusion(answers)[1, 0] == 1
    assert per_class(answers).support.sum() == 1
    assert calibration(answers).error == pytest.approx(0.8)


# Forgetting.


def remember(*looks: tuple[int, str]) -> Memory:
    memory = Memory()
    for step, right in looks:
        memory.add(step, np.array([letter == "+" for letter in right]), np.zeros(len(right), np.float32))
    return memory


def test_what_became_wrong_and_right_since_the_last_look():
    memory = remember((1, "+-+-"), (2, "++--"))
    new, mended = memory.newly()
    assert new.tolist() == [2] and mended.tolist() == [1]
    assert memory.earlier.step == 1


def test_forgettings_are_counted_and_never_learned_is_not_forgotten():
    memory = remember((1, "+--"), (2, "-+-"), (3, "+--"), (4, "-+-"))
    assert memory.forgotten().tolist() == [2, 1, 0]


def test_a_rewind_takes_back_what_was_forgotten_later():
    memory = remember((10, "++"), (20, "-+"), (30, "+-"))
    assert memory.forgotten().tolist() == [1, 1]
    memory.add(20, np.array([True, True]), np.zeros(2, np.float32))
    assert memory.forgotten().tolist() == [0, 0] and memory.count == 2


def test_looks_on_another_line_of_the_timeline_do_not_count():
    memory = remember((10, "++"), (20, "-+"))
    memory.add(30, np.array([True, True]), np.zeros(2, np.float32), shared=15)
    assert memory.count == 2 and memory.forgotten().tolist() == [0, 0]


def test_forgettings_of_looks_that_are_too_many_to_keep_are_still_counted(monkeypatch):
    monkeypatch.setattr("dlnb.train.mistakes.mistakes.LOOKS", 5)
    memory = remember(*[(step, "+-" if step % 2 else "-+") for step in range(40)])
    assert memory.count == 5 and memory.forgotten().tolist() == [19, 20]


def test_one_can_compare_with_a_look_of_ones_own_choice():
    memory = remember((1, "++"))
    memory.compare_from_here()
    for step in (2, 3):
        memory.add(step, np.array([False, True]), np.zeros(2, np.float32))
    assert memory.newly()[0].tolist() == [0] and memory.earlier.step == 1


def test_of_numbers_those_whose_loss_grew():
    memory = Memory()
    for step, losses in [(1, [1.0, 1.0, 1.0]), (2, [0.5, 3.0, np.nan])]:
        memory.add(step, None, np.array(losses, np.float32))
    assert memory.worse().tolist() == [2, 1]
    assert memory.newly()[0].size == 0


def test_other_data_begin_a_new_memory():
    memory = remember((1, "+++"), (2, "+--"))
    memory.add(3, np.array([True]), np.zeros(1, np.float32))
    assert memory.count == 1 and memory.forgotten().tolist() == [0]


# Gradients.


@pytest.fixture
def small():
    outputs, truth = logits(32, classes=3, seed=1)
    with dl.seeded(0):
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3)).eval()
    return model, dl.Task("three", TensorBatches(outputs, truth, size=5), TensorBatches(outputs, truth, size=32))


@pytest.mark.parametrize(
    "pair", [(("train", 0), ("train", 31)), (("train", 7), ("valid", 7)), (("valid", 3), ("train", 9))]
)
def test_the_dot_product_says_how_a_small_step_changes_the_other_loss(small, pair):
    model, task = small
    on, of = pair
    lr = 1e-4
    found = influence(model, task, on, of)
    x, y = task.train.tensors

    def loss(network: nn.Module, number: int) -> Tensor:
        return F.cross_entropy(network.double()(x[number : number + 1].double()), y[number : number + 1])

    stepped = copy.deepcopy(model)
    optimizer = torch.optim.SGD(stepped.parameters(), lr=lr)
    loss(stepped, on[1]).backward()
    before = loss(copy.deepcopy(model), of[1]).item()
    optimizer.step()
    assert loss(stepped, of[1]).item() - before == pytest.approx(found.change(lr), rel=0.02, abs=1e-9)


def test_an_example_helps_itself_most(small):
    model, task = small
    found = influence(model, task, ("train", 4), ("train", 4))
    assert found.cosine == pytest.approx(1) and found.dot == pytest.approx(found.lengths[0] ** 2)
    assert "would help" in found.words("a", "b", 0.1)


def test_nothing_of_the_model_is_changed_by_the_question(small):
    model, task = small
    model[0].weight.grad = torch.full_like(model[0].weight, 7.0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.default_generator.get_state()
    with evaluating(model):
        influence(model, task, ("train", 0), ("valid", 1))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert (model[0].weight.grad == 7).all() and model[4].weight.grad is None
    assert torch.equal(torch.default_generator.get_state(), random)


def test_frozen_models_and_missing_examples_are_said_in_words(small):
    model, task = small
    with pytest.raises(ValueError, match="numbered from 0"):
        influence(model, task, ("train", 32), ("train", 0))
    with pytest.raises(ValueError, match="no test split"):
        influence(model, task, ("test", 0), ("train", 0))
    with pytest.raises(ValueError, match="frozen"):
        influence(model.requires_grad_(False), task, ("train", 0), ("train", 0))


def test_words_for_gradients_that_do_not_agree_vanish_or_are_unrelated():
    from dlnb.train.mistakes.influence import Influence

    assert "would hurt" in Influence(-2.0, -0.5, (2.0, 2.0)).words("a", "b", 0.1)
    assert "hardly change" in Influence(0.01, 0.001, (3.0, 3.0)).words("a", "b")
    assert "Nothing can be said of a:" in Influence(0.0, math.nan, (0.0, 2.0)).words("a", "b", 0.1)
