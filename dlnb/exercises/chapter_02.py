"""The exercises of chapter 02, forward propagation."""

from functools import cache
from typing import Any

import numpy as np

from ..vision import digits
from .exercise import Exercise, Unanswered, Wrong
from .forms import Floats, function, numbers, same

ENOUGH = 0.98  # share of the zeros and ones that a neuron tells apart
WIDTHS = ((5, 4, 3), (5, 3), (5, 4, 4, 6, 2))  # of the networks on which a forward pass is tried

Layers = list[tuple[Floats, Floats]]


def judge_neuron(answer: Any) -> str:
    """Whether two weights and a bias tell ones from zeros."""
    first, second, bias = numbers(answer, (3,), "the neuron").tolist()
    if not (first or second or bias):
        raise Unanswered("all three numbers are 0, so the neuron answers 0 to everything. Which kind of ink speaks for a one?")
    middle, sides, is_one = ink()
    above = first * middle + second * sides + bias > 0
    share = np.floor(1000 * (above == is_one).mean()) / 1000  # 97.98 % are not 98 %
    if share >= ENOUGH:
        return f"three numbers tell ones from zeros on {ENOUGH:.0%} of the pictures or more."
    if above.all() or not above.any():
        says, size = ("one", "large") if above.all() else ("zero", "small")
        raise Wrong(f"it says “{says}” to every picture: beside the weights the bias is too {size}")
    if share < 0.5:
        raise Wrong(f"it is the wrong way round: {1 - share:.1%} of the answers would be right with the other sign. What speaks for a one gets the positive weight")
    if not (first and second):
        where, other = ("in the middle", "the sides") if first else ("at the sides", "the middle")
        raise Wrong(f"it looks at the ink {where} alone, and is right on {share:.1%}; {ENOUGH:.0%} are wanted. Let {other} speak too")
    zeros, ones = int((above & ~is_one).sum()), int((~above & is_one).sum())
    way = "smaller" if zeros > ones else "larger"
    raise Wrong(f"it is right on {share:.1%}; {ENOUGH:.0%} are wanted. Zeros above 0: {zeros}, ones below 0: {ones}. A {way} bias moves the border the right way")


def judge_one_layer(answer: Any) -> str:
    """Whether a function makes one layer of two that have no bend between them."""
    ask = function(answer, "one_layer(W1, b1, W2, b2)", 4)
    random = np.random.default_rng(2)
    for inputs, between, outputs in ((3, 3, 3), (2, 4, 3)):  # square first, so that a wrong order can be told
        W1, W2 = random.normal(size=(between, inputs)), random.normal(size=(outputs, between))
        b1, b2 = random.normal(size=between), random.normal(size=outputs)
        said = ask(W1.copy(), b1.copy(), W2.copy(), b2.copy())
        if not isinstance(said, tuple | list) or len(said) != 2:
            raise Wrong("it should return two things, `return W, b`")
        W, b = numbers(said[0], (outputs, inputs), "W"), numbers(said[1], (outputs,), "b")
        if not W.any() and not b.any():
            raise Unanswered("W and b are still 0. Write `W2 @ (W1 @ x + b1) + b2` on paper, and multiply the bracket out")
        _table(W, W1, W2)
        _biases(b, b1, W2, b2)
    return "one layer does the same as the two, for every x. A third one could be taken in as well, and a tenth."


def judge_hill(answer: Any) -> str:
    """Whether three weights make a hill of relu(x), relu(x − 1) and relu(x − 2)."""
    first, second, third = numbers(answer, (3,), "the hill").tolist()
    if not (first or second or third):
        raise Unanswered("all three weights are 0: no hill yet. Begin with the first, which alone decides how high it is at x = 1")
    at_one, at_two, at_three = first, 2 * first + second, 3 * first + 2 * second + third
    if not same(at_one, 1):
        raise Wrong(f"at x = 1 it is {at_one:.3g} high, and 1 is wanted. Up to there only the first neuron answers")
    if same(at_two, 1):
        raise Wrong("it climbs to 1 and stays there until x = 2. Between 1 and 2 the slope is the first weight plus the second, and should be −1")
    if not same(at_two, 0):
        raise Wrong(f"at x = 2 it is {at_two:.3g}, and 0 is wanted. Between 1 and 2 the slope is the first weight plus the second")
    if not same(at_three, 0):
        raise Wrong(f"up to x = 2 it is right, and then it goes on to {at_three:.3g} at x = 3. From there on the slope is the sum of all three")
    return "up with the first, down with the second, level again with the third: three neurons make a hill."


def judge_forward(answer: Any) -> str:
    """Whether a function runs a batch forward through layers, with a ReLU after each but the last."""
    ask = function(answer, "forward(x, layers)", 2)
    for widths in WIDTHS:
        x, layers = _network(widths)
        before = x.copy()
        try:
            said = ask(x, [(W.copy(), b.copy()) for W, b in layers])
        except ValueError as error:
            raise Wrong(f"the tables do not fit together ({error}). Each row of x is one picture, each row of W one neuron: `x @ W.T`") from error
        if not same(x, before):
            raise Wrong("it changes the pictures that it was given. Make a new table instead of writing into `x`")
        if same(said if said is not None else 0, x):
            raise Unanswered("it returns `x` as it came. Send it through the first layer, and go on from there")
        if widths == WIDTHS[0]:
            _scores(numbers(said, (len(x), widths[-1]), f"what it returns for {len(x)} pictures"), x, layers)
        elif not same(said, forward(x, layers)):
            raise Wrong(f"two layers are right, and {len(layers)} {'is' if len(layers) == 1 else 'are'} not. Does it go through all of `layers`, however many there are?")
    return "networks of one, two and four layers give the same scores as ours. This is all that using a network is."


def forward(x: Floats, layers: Layers) -> Floats:
    """x: (B, n) through layers of (W, b), with a ReLU after each but the last."""
    for W, b in layers[:-1]:
        x = np.maximum(x @ W.T + b, 0)
    W, b = layers[-1]
    return x @ W.T + b


def one_layer(W1: Floats, b1: Floats, W2: Floats, b2: Floats) -> tuple[Floats, Floats]:
    """The layer that does the same as two without a bend between them."""
    return W2 @ W1, W2 @ b1 + b2


@cache
def ink() -> tuple[Floats, Floats, np.ndarray]:
    """Of every zero and one that is learned from: ink in the middle, ink at the sides (N,), and whether it is a one."""
    pictures, labels = digits(seed=0, augment=False).train.tensors  # type: ignore[attr-defined]
    either = labels < 2
    image = pictures[either, 0].numpy().astype(np.float64)
    sides = (image[:, 2:6, 1:3].mean(axis=(1, 2)) + image[:, 2:6, 5:7].mean(axis=(1, 2))) / 2
    return image[:, 2:6, 3:5].mean(axis=(1, 2)), sides, labels[either].numpy() == 1


def _table(W: Floats, W1: Floats, W2: Floats) -> None:
    """Raises: Wrong if W is not that of both layers in one."""
    if same(W, W2 @ W1):
        return
    if W1.shape == W2.shape and same(W, W1 @ W2):
        raise Wrong("W is `W1 @ W2`. The order is the other one: what stands nearest to x works on it first")
    if W1.shape == W2.shape and same(W, W1 * W2):
        raise Wrong("W is `W1 * W2`, place by place. Rows meet columns with `@`")
    if same(W, (W2 @ W1).T):
        raise Wrong("W is right but for its rows and columns, which are swapped")
    raise Wrong("with this W the two do not agree. What stands before x in `W2 @ (W1 @ x + b1) + b2`, once the bracket is multiplied out?")


def _biases(b: Floats, b1: Floats, W2: Floats, b2: Floats) -> None:
    """Raises: Wrong if b is not that of both layers in one."""
    if same(b, W2 @ b1 + b2):
        return
    if b1.shape == b2.shape and same(b, b1 + b2):
        raise Wrong("W is right. b is `b1 + b2`, but the first bias goes through the second layer too")
    if same(b, W2 @ b1):
        raise Wrong("W is right. In b the bias of the second layer is missing")
    if same(b, b2):
        raise Wrong("W is right. In b the bias of the first layer is missing")
    raise Wrong("W is right, b is not. What is left of `W2 @ (W1 @ x + b1) + b2` where x is 0?")


def _network(widths: tuple[int, ...]) -> tuple[Floats, Layers]:
    """Seven pictures and random layers; about half of what they add up is negative."""
    random = np.random.default_rng(len(widths))
    pairs = zip(widths, widths[1:], strict=False)
    layers = [(random.normal(size=(wide, narrow)), random.normal(size=wide)) for narrow, wide in pairs]
    return random.normal(size=(7, widths[0])), layers


def _scores(scores: Floats, x: Floats, layers: Layers) -> None:
    """Raises: Wrong, with what the function does instead of a forward pass, as far as that can be told."""
    right = forward(x, layers)
    if same(scores, right):
        return
    (W1, b1), (W2, b2) = layers
    powers = np.exp(right)
    instead = {
        "there is a ReLU after the last layer too. A score may be negative": np.maximum(right, 0),
        "there is no ReLU between the layers": (x @ W1.T + b1) @ W2.T + b2,
        "the biases are missing": np.maximum(x @ W1.T, 0) @ W2.T,
        "the ReLU comes too early: add the bias first, then bend": (np.maximum(x @ W1.T, 0) + b1) @ W2.T + b2,
        "softmax comes later: raw scores are wanted here": powers / powers.sum(axis=1, keepdims=True),
        "the bend is a sigmoid; a ReLU is wanted": 1 / (1 + np.exp(-x @ W1.T - b1)) @ W2.T + b2,
    }
    for words, wrong in instead.items():
        if same(scores, wrong):
            raise Wrong(words)
    raise Wrong("the shape is right, and the scores are not. For each layer: `x @ W.T + b`, and then, unless it is the last, the ReLU")


EXERCISES = {
    one.number: one
    for one in (
        Exercise(
            "02.1",
            "Ink in the middle speaks for a one, ink at the sides against it, about equally loudly.",
            judge_neuron,
            (
                "What speaks for a one gets a positive weight, what speaks against it a negative one.",
                "Let both speak equally loudly: weights of 1 and −1. Where does the border run then?",
                "With weights of 1 and −1 a bias a little above 0 moves the border past the last ones.",
            ),
            "weight_middle, weight_sides, bias = 1.0, -1.0, 0.1",
            lambda: (1.0, -1.0, 0.1),
        ),
        Exercise(
            "02.2",
            "Multiply the bracket out: W2 @ (W1 @ x + b1) + b2 = (W2 @ W1) @ x + (W2 @ b1 + b2).",
            judge_one_layer,
            (
                "Put the first layer into the second: `W2 @ (W1 @ x + b1) + b2`. Then multiply the bracket out, as in school.",
                "What stands before x is W. All the rest is b.",
                "`W = W2 @ W1`, in this order. For b set x to 0.",
            ),
            "W = W2 @ W1\nb = W2 @ b1 + b2",
            lambda: one_layer,
        ),
        Exercise(
            "02.3",
            "A slope of 1, then 1 − 2 = −1, then 1 − 2 + 1 = 0.",
            judge_hill,
            (
                "Up to x = 1 only the first neuron answers. From there on the second does too, and from x = 2 on the third.",
                "The slope between 1 and 2 is the first weight plus the second. It should be −1.",
                "From x = 2 on the slope is the sum of all three weights. It should be 0.",
            ),
            "hill = [1.0, -2.0, 1.0]",
            lambda: [1.0, -2.0, 1.0],
        ),
        Exercise(
            "02.4",
            "All layers but the last with a ReLU, the last one without.",
            judge_forward,
            (
                "What comes out of one layer goes into the next. A loop over `layers` can do that.",
                "For a batch a layer is `x @ W.T + b`. `np.maximum(…, 0)` is a ReLU.",
                "Loop over `layers[:-1]` with the ReLU, then take `layers[-1]` without it.",
            ),
            "for W, b in layers[:-1]:\n    x = relu(x @ W.T + b)\nW, b = layers[-1]\nx = x @ W.T + b",
            lambda: forward,
        ),
    )
}
