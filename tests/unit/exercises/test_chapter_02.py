"""Chapter 02: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import numpy as np
import pytest
import torch
from judging import tries

import dlnb as dl
from dlnb.exercises.chapter_02 import forward, one_layer

NUMBERS = ["02.1", "02.2", "02.3", "02.4"]


def relu(x):
    return np.maximum(x, 0)


NEURONS = {
    "wrong way round": (-1.0, 1.0, 0.0),
    "says “one” to every picture: beside the weights the bias is too large": (1.0, -1.0, 5.0),
    "says “zero” to every picture: beside the weights the bias is too small": (1.0, -1.0, -5.0),
    "at the ink in the middle alone": (1.0, 0.0, -0.3),
    "at the ink at the sides alone": (0.0, -1.0, 0.4),
    "A smaller bias moves": (1.0, -1.0, 0.4),
    "A larger bias moves": (1.0, -1.0, -0.4),
    "should have the shape (3,), and has (2,)": (1.0, -1.0),
    "should be numbers of the shape (3,), and is a str": "middle",
    "not finite": (1.0, float("nan"), 0.0),
}


@pytest.mark.parametrize("words", NEURONS)
def test_a_neuron_that_does_not_tell_ones_from_zeros(words):
    verdict = dl.check("02.1", NEURONS[words])
    assert not verdict and words in verdict.words and tries("02.1") == 1


@pytest.mark.parametrize("answer", [(1.0, -1.0, 0.1), [2, -2, 0], np.array([20.0, -20.0, 1.0]), torch.tensor([1.0, -1.0, 0.0])])
def test_a_neuron_that_does(answer):
    assert dl.check("02.1", answer)


def returns(W, b):
    """A function that makes of two layers what these two make of W1, b1, W2, b2."""
    return lambda W1, b1, W2, b2: (W(W1, W2), b(b1, W2, b2))


def right_W(W1, W2):
    return W2 @ W1


def right_b(b1, W2, b2):
    return W2 @ b1 + b2


LAYERS = {
    "The order is the other one": returns(lambda W1, W2: W1 @ W2, right_b),
    "place by place": returns(lambda W1, W2: W1 * W2, right_b),
    "rows and columns, which are swapped": returns(lambda W1, W2: (W2 @ W1).T, right_b),
    "with this W the two do not agree": returns(lambda W1, W2: W2 + W1, right_b),
    "the first bias goes through the second layer too": returns(right_W, lambda b1, W2, b2: b1 + b2),
    "the bias of the second layer is missing": returns(right_W, lambda b1, W2, b2: W2 @ b1),
    "the bias of the first layer is missing": returns(right_W, lambda b1, W2, b2: b2),
    "W is right, b is not": returns(right_W, lambda b1, W2, b2: W2 @ (b1 + b2)),
    "W should have the shape (3, 3), and has (3,)": returns(lambda W1, W2: W2 @ W1[:, 0], right_b),
    "it should return two things": lambda W1, b1, W2, b2: W2 @ W1,
    "does not take 4 things": lambda W1, W2: W2 @ W1,
    "give the function itself, `one_layer`": np.zeros((3, 3)),
    "your answer raised ZeroDivisionError": lambda W1, b1, W2, b2: 1 / 0,
}


@pytest.mark.parametrize("words", LAYERS)
def test_a_layer_that_does_not_do_what_two_do(words):
    verdict = dl.check("02.2", LAYERS[words])
    assert not verdict and words in verdict.words and tries("02.2") == 1


def test_one_layer_in_another_form():
    assert dl.check("02.2", lambda W1, b1, W2, b2: [torch.tensor(W2) @ torch.tensor(W1), list(b2 + W2 @ b1)])


HILLS = {
    "at x = 1 it is 2 high": [2, -4, 2],
    "at x = 1 it is 0 high": [0, 1, -1],
    "stays there until x = 2": [1, -1, 0],
    "at x = 2 it is 3, and 0 is wanted": [1, 1, 1],
    "it goes on to -1 at x = 3": [1, -2, 0],
    "should have the shape (3,), and has (4,)": [1, -2, 1, 0],
    "is a type": list,
}


@pytest.mark.parametrize("words", HILLS)
def test_a_hill_that_is_none(words):
    verdict = dl.check("02.3", HILLS[words])
    assert not verdict and words in verdict.words and tries("02.3") == 1


def no_bend(x, layers):
    for W, b in layers:
        x = x @ W.T + b
    return x


def bend_after_all(x, layers):
    for W, b in layers:
        x = relu(x @ W.T + b)
    return x


def no_bias(x, layers):
    for W, _ in layers[:-1]:
        x = relu(x @ W.T)
    return x @ layers[-1][0].T


def bend_before_bias(x, layers):
    for W, b in layers[:-1]:
        x = relu(x @ W.T) + b
    return x @ layers[-1][0].T + layers[-1][1]


def softmax_at_the_end(x, layers):
    powers = np.exp(forward(x, layers))
    return powers / powers.sum(axis=1, keepdims=True)


def with_sigmoid(x, layers):
    for W, b in layers[:-1]:
        x = 1 / (1 + np.exp(-(x @ W.T + b)))
    return x @ layers[-1][0].T + layers[-1][1]


def two_layers_only(x, layers):
    return forward(x, [layers[0], layers[1]]) if len(layers) > 1 else forward(x, layers)


def swapped(x, layers):
    return x @ layers[0][0]


def writes_into_x(x, layers):
    x -= 1
    return forward(x + 1, layers)


def one_picture_alone(x, layers):
    return forward(x[:1], layers)[0]


FORWARDS = {
    "there is a ReLU after the last layer too": bend_after_all,
    "there is no ReLU between the layers": no_bend,
    "the biases are missing": no_bias,
    "the ReLU comes too early": bend_before_bias,
    "softmax comes later": softmax_at_the_end,
    "the bend is a sigmoid": with_sigmoid,
    "two layers are right, and 4 are not": two_layers_only,
    "the tables do not fit together": swapped,
    "it changes the pictures": writes_into_x,
    "should have the shape (7, 3), and has (3,)": one_picture_alone,
    "is nothing at all": lambda x, layers: None,
    "the shape is right, and the scores are not": lambda x, layers: forward(x, layers) + 1,
    "your answer raised IndexError": lambda x, layers: x[99],
    "does not take 2 things": lambda x: x,
}


@pytest.mark.parametrize("words", FORWARDS)
def test_a_forward_pass_that_is_none(words):
    verdict = dl.check("02.4", FORWARDS[words])
    assert not verdict and words in verdict.words and tries("02.4") == 1


def test_a_forward_pass_picture_by_picture_or_in_pytorch():
    def picture_by_picture(x, layers):
        answers = []
        for row in x:
            for place, (W, b) in enumerate(layers):
                row = [sum(w * r for w, r in zip(weights, row, strict=True)) + bias for weights, bias in zip(W, b, strict=True)]
                row = row if place == len(layers) - 1 else [max(0.0, r) for r in row]
            answers.append(row)
        return answers

    def in_pytorch(x, layers):
        x = torch.tensor(x)
        for place, (W, b) in enumerate(layers):
            x = torch.nn.functional.linear(x, torch.tensor(W), torch.tensor(b))
            x = x.relu() if place < len(layers) - 1 else x
        return x

    assert dl.check("02.4", picture_by_picture) and dl.check("02.4", in_pytorch)


BEGINNINGS = {
    "02.1": ((0.0, 0.0, 0.0), "answers 0 to everything"),
    "02.2": (lambda W1, b1, W2, b2: (0 * W2, 0 * b2), "still 0"),
    "02.3": ([0.0, 0.0, 0.0], "no hill yet"),
    "02.4": (lambda x, layers: x, "as it came"),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_cell_begins_with_is_no_try(number):
    answer, words = BEGINNINGS[number]
    verdict = dl.check(number, answer)
    assert not verdict and words in verdict.words and tries(number) == 0


def test_a_right_answer_is_right_whatever_the_numbers_of_the_judge():
    random = np.random.default_rng(99)
    W1, W2, b1, b2, x = (random.normal(size=size) for size in ((6, 4), (3, 6), 6, 3, 4))
    W, b = one_layer(W1, b1, W2, b2)
    assert np.allclose(W @ x + b, W2 @ (W1 @ x + b1) + b2)
