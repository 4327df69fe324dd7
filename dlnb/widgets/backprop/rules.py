"""What each operation does, and how a gradient goes back through it, in words; where it is one number a value, also it.

`G` is the gradient that arrives. The inputs are called a, b, c as they stand; y is the result.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .graph import Node
from .values import Values

Factor = Callable[[Node, Values], Tensor | float | None]


@dataclass(frozen=True)
class Rule:
    """An operation: what it is called, its formula, and for each input what happens to the gradient on that way.

    `factors` give the local derivative of each input, so that what leaves is what arrives times that.
    """

    title: str
    formula: str
    ways: tuple[str, ...]
    factors: tuple[Factor | None, ...] = ()

    def way(self, slot: int) -> str:
        """What happens to the gradient on the way to an input; the last way stands for all that follow."""
        return self.ways[min(slot, len(self.ways) - 1)]

    def factor(self, slot: int, node: Node, values: Values) -> Tensor | float | None:
        """The local derivative, or None where it is not one number for each value or not known."""
        make = self.factors[min(slot, len(self.factors) - 1)] if self.factors else None
        return None if make is None else make(node, values)


def rule_of(node: Node) -> Rule:
    """The rule of a node; for an operation that is not in the list a plain sentence."""
    return node.find(RULES) or Rule(
        node.kind,
        f"y = {node.kind}(…)",
        (f"PyTorch knows the derivative of {node.kind} and multiplies G by it (the chain rule).",),
    )


def letter(slot: int) -> str:
    """What an input is called in a formula."""
    return "abcdefghijklmnop"[slot] if slot < 16 else f"input {slot + 1}"


def _plain(known: Tensor) -> Tensor:
    """The tensor without its history; whole numbers, as the 3 of x / 3, in float64, for 1/b to be exact."""
    return known.detach() if known.is_floating_point() or known.is_complex() else known.double()


def _in(slot: int, function: Callable[[Tensor], Tensor]) -> Factor:
    """A factor that follows from one input."""

    def factor(node: Node, values: Values) -> Tensor | None:
        known = values.input(node, slot)
        return None if known is None else function(_plain(known))

    return factor


def _out(function: Callable[[Tensor], Tensor]) -> Factor:
    """A factor that follows from the result."""

    def factor(node: Node, values: Values) -> Tensor | None:
        known = values.result(node)
        return None if known is None else function(known)

    return factor


def _both(function: Callable[[Tensor, Tensor], Tensor]) -> Factor:
    """A factor that follows from both inputs."""

    def factor(node: Node, values: Values) -> Tensor | None:
        a, b = values.input(node, 0), values.input(node, 1)
        return None if a is None or b is None else function(_plain(a), _plain(b))

    return factor


def _alpha(sign: float) -> Factor:
    return lambda node, _: sign * float(node.saved("alpha"))


def _power(node: Node, values: Values) -> Tensor | None:
    x, exponent = values.input(node, 0), node.saved("exponent")
    return None if x is None or not exponent else exponent * x.detach() ** (exponent - 1)


def _share(node: Node, _: Values) -> float | None:
    """1/n of a mean over n numbers."""
    source = node.roads[0].source
    if source is None:
        return None
    size, left = (_count(shape) for shape in (source.shapes[node.roads[0].output], node.shapes[0]))
    return left / size if size else None


def _mean_or_sum(function: Callable[[Tensor, Tensor], Tensor]) -> Factor:
    """A factor of a loss over n examples: `function` of guess and target, divided by n where the loss is a mean."""

    def factor(node: Node, values: Values) -> Tensor | None:
        guess, target = values.input(node, 0), values.input(node, 1)
        if guess is None or target is None or node.saved("weight") is not None or node.saved("pos_weight") is not None:
            return None
        slope = function(guess.detach(), target.detach())
        return slope / guess.numel() if node.saved("reduction") == 1 else slope

    return factor


def _count(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


_ONE: Factor = lambda *_: 1.0  # noqa: E731
_COPY = "G passes on unchanged: the numbers only stand in another order or shape."
_PARTS = "Each part gets the piece of G that belongs to it, unchanged."
_PICKED = "G goes to the places that were picked; all others get 0."
_SLOPE = "G times the slope of the curve at a."
_NORM = "G times the derivative of the normalising, which also takes out what all numbers share."

RULES: dict[str, Rule] = {
    "AccumulateGrad": Rule("a leaf", "", ("Here the way ends: loss.backward() adds G to .grad.",)),
    "Add": Rule(
        "add", "y = a + b", ("G times 1: a sum passes it on unchanged.",) * 2, (_ONE, _alpha(1.0))
    ),
    "Sub": Rule(
        "subtract", "y = a − b", ("G times 1.", "G times −1: when b grows, y shrinks."), (_ONE, _alpha(-1.0))
    ),
    "Rsub0": Rule(
        "subtract from", "y = b − a", ("G times −1: when a grows, y shrinks.", "G times 1."), (_alpha(-1.0), _ONE)
    ),
    "Rsub1": Rule("subtract from", "y = b − a", ("G times −1: when a grows, y shrinks.",), (_alpha(-1.0),)),
    "Mul": Rule(
        "multiply",
        "y = a · b",
        ("G times b, the other factor.", "G times a, the other factor."),
        (_in(1, lambda b: b), _in(0, lambda a: a)),
    ),
    "Div0": Rule(
        "divide",
        "y = a / b",
        ("G times 1/b.", "G times −a/b²."),
        (_in(1, lambda b: 1 / b), _both(lambda a, b: -a / b**2)),
    ),
    "Neg": Rule("change the sign", "y = −a", ("G times −1.",), (lambda *_: -1.0,)),
    "Pow0": Rule("power", "y = a to the power n", ("G times n · a to the power n − 1.",), (_power,)),
    "Pow1": Rule(
        "power",
        "y = a to the power b",
        ("G times b · a to the power b − 1.", "G times y · ln(a)."),
        (_both(lambda a, b: b * a ** (b - 1)), _both(lambda a, b: a**b * a.log())),
    ),
    "Pow2": Rule("power", "y = n to the power a", ("G times y · ln(n).",)),
    "Exp": Rule("exp", "y = exp(a)", ("G times y: exp is its own derivative.",), (_out(lambda y: y),)),
    "Log": Rule("log", "y = ln(a)", ("G times 1/a.",), (_in(0, lambda a: 1 / a),)),
    "Sqrt": Rule("square root", "y = √a", ("G times 1/(2·y).",), (_out(lambda y: 1 / (2 * y)),)),
    "Rsqrt": Rule("1 / root", "y = 1/√a", ("G times −y³/2.",), (_out(lambda y: -(y**3) / 2),)),
    "Reciprocal": Rule("1 / a", "y = 1/a", ("G times −1/a², which is −y².",), (_out(lambda y: -(y**2)),)),
    "Sin": Rule("sine", "y = sin(a)", ("G times cos(a).",), (_in(0, torch.cos),)),
    "Cos": Rule("cosine", "y = cos(a)", ("G times −sin(a).",), (_in(0, lambda a: -a.sin()),)),
    "Abs": Rule("absolute value", "y = |a|", ("G times the sign of a: 1 or −1.",), (_in(0, torch.sgn),)),
    "Sigmoid": Rule(
        "sigmoid",
        "y = 1 / (1 + exp(−a))",
        ("G times y · (1 − y), at most 1/4: that is how gradients shrink.",),
        (_out(lambda y: y * (1 - y)),),
    ),
    "Tanh": Rule(
        "tanh", "y = tanh(a)", ("G times 1 − y², at most 1.",), (_out(lambda y: 1 - y**2),)
    ),
    "Relu": Rule(
        "ReLU",
        "y = a where a is above 0, else 0",
        ("G times 1 where a was above 0, times 0 elsewhere: a unit that is off gets no gradient.",),
        (_out(lambda y: (y > 0).to(y.dtype)),),
    ),
    "LeakyRelu": Rule("leaky ReLU", "y = a above 0, else a small share of a", ("G times 1 where a was above 0, else times the small share.",)),
    "Gelu": Rule("GELU", "y = a · Φ(a)", (_SLOPE,)),
    "Silu": Rule("SiLU", "y = a · sigmoid(a)", (_SLOPE,)),
    "Elu": Rule("ELU", "y = a above 0, else exp(a) − 1", (_SLOPE,)),
    "Softplus": Rule("softplus", "y = ln(1 + exp(a))", ("G times sigmoid(a).",)),
    "LogSigmoid": Rule("log of sigmoid", "y = ln(sigmoid(a))", ("G times 1 − sigmoid(a).",)),
    "Clamp": Rule("clamp", "y = a, held between two bounds", ("G where a lies between the bounds, 0 elsewhere.",)),
    "Maximum": Rule("larger of two", "y = the larger of a and b", ("G where this one was larger, 0 elsewhere.",)),
    "Minimum": Rule("smaller of two", "y = the smaller of a and b", ("G where this one was smaller, 0 elsewhere.",)),
    "Where": Rule("choose", "y = a where a condition holds, else b", ("G where this one was chosen, 0 elsewhere.",)),
    "MaskedFill": Rule("mask", "y = a, with a constant in some places", ("G where a was kept, 0 where it was masked.",)),
    "NativeDropout": Rule("dropout", "y = a, with some numbers switched off", ("G for what stayed on, 0 for what was off.",)),
    "Mm": Rule(
        "matrix product", "y = a @ b", ("G @ bᵀ: each number of a meets the row of b it was multiplied by.", "aᵀ @ G.")
    ),
    "Bmm": Rule("matrix products", "y = a @ b, one for each of the batch", ("G @ bᵀ.", "aᵀ @ G.")),
    "Addmm": Rule(
        "linear layer",
        "y = a + b @ c",
        ("a is the bias, added to every row: G, summed over the rows.", "G @ cᵀ, on to the layer before.", "bᵀ @ G: input times gradient, summed over the batch."),
    ),
    "Mv": Rule("matrix times vector", "y = a @ b", ("G times bᵀ: each row of a gets b times its own G.", "aᵀ @ G.")),
    "Dot": Rule(
        "dot product",
        "y = a₁·b₁ + a₂·b₂ + …",
        ("G times b.", "G times a."),
        (_in(1, lambda b: b), _in(0, lambda a: a)),
    ),
    "Convolution": Rule(
        "convolution",
        "y = a, with the filters b slid over it, + c",
        ("G, with the filters slid over it the other way.", "At each place input times G, summed over all places.", "G, summed over all places."),
    ),
    "Embedding": Rule("embedding", "y = the rows of a that the ids pick", ("Each row that was picked gets its G; the others get 0.",)),
    "T": Rule("transpose", "y = aᵀ", ("G, transposed back.",)),
    "Sum": Rule("sum", "y = all of a, added", ("G times 1 for each number that was added: G is copied.",), (_ONE,)),
    "Mean": Rule("mean", "y = the sum of a, divided by n", ("G times 1/n for each of the n numbers.",), (_share,)),
    "Max": Rule("largest", "y = the largest of a", ("G goes to the largest only; all others get 0.",)),
    "Min": Rule("smallest", "y = the smallest of a", ("G goes to the smallest only; all others get 0.",)),
    "Amax": Rule("largest", "y = the largest of a", ("G goes to the largest only; all others get 0.",)),
    "LinalgVectorNorm": Rule("length", "y = the length of the vector a", ("G times a/y: the direction of a.",)),
    "Prod": Rule("product", "y = all of a, multiplied", ("G times the product of all the others.",)),
    "Var": Rule("variance", "y = the variance of a", ("G times 2 · (a − mean) / (n − 1).",)),
    "Std": Rule("standard deviation", "y = the standard deviation of a", ("G times (a − mean) / (y · (n − 1)).",)),
    "Cumsum": Rule("running sum", "y = the running sum of a", ("G, summed from the end: each number is in all sums after it.",)),
    "Logsumexp": Rule("log-sum-exp", "y = ln(exp(a₁) + exp(a₂) + …)", ("G times softmax(a).",)),
    "Softmax": Rule("softmax", "y = exp(a), divided by its sum in the row", ("y · (G − the sum of y · G in the row): what one gains the others lose.",)),
    "LogSoftmax": Rule("log of softmax", "y = a − ln(sum of exp(a) in the row)", ("G − softmax(a) · (the sum of G in the row).",)),
    "NllLoss": Rule(
        "negative log-likelihood",
        "y = −(the log-probability of the right class), averaged",
        ("−G/n at the right class of each of the n examples, 0 elsewhere (if it is a mean).",),
    ),
    "MseLoss": Rule(
        "mean squared error",
        "y = (a − b)², averaged",
        ("G times 2 · (a − b) / n.", "G times −2 · (a − b) / n."),
        (_mean_or_sum(lambda a, b: 2 * (a - b)), _mean_or_sum(lambda a, b: -2 * (a - b))),
    ),
    "L1Loss": Rule("mean absolute error", "y = |a − b|, averaged", ("G times the sign of a − b, divided by n.",)),
    "SmoothL1Loss": Rule("smooth L1", "y = squared where small, absolute where large, averaged", ("G times a − b, held between −1 and 1, divided by n.",)),
    "HuberLoss": Rule("Huber loss", "y = squared where small, absolute where large, averaged", ("G times a − b, held between two bounds, divided by n.",)),
    "BinaryCrossEntropy": Rule("binary cross-entropy", "y = −ln(probability of the truth), averaged", ("G times (a − b) / (a · (1 − a) · n).",)),
    "BinaryCrossEntropyWithLogits": Rule(
        "binary cross-entropy of a score",
        "y = −ln(probability of the truth), averaged",
        ("G times (sigmoid(a) − b) / n: probability minus truth.",),
        (_mean_or_sum(lambda a, b: a.sigmoid() - b),),
    ),
    "View": Rule("reshape", "y = a in another shape", (_COPY,)),
    "UnsafeView": Rule("reshape", "y = a in another shape", (_COPY,)),
    "ReshapeAlias": Rule("reshape", "y = a in another shape", (_COPY,)),
    "Permute": Rule("reorder dimensions", "y = a, dimensions reordered", (_COPY,)),
    "Transpose": Rule("swap dimensions", "y = a, two dimensions swapped", (_COPY,)),
    "Unsqueeze": Rule("add a dimension", "y = a in another shape", (_COPY,)),
    "Squeeze": Rule("drop a dimension", "y = a in another shape", (_COPY,)),
    "Clone": Rule("copy", "y = a", ("G passes on unchanged.",), (_ONE,)),
    "ToCopy": Rule("change the type", "y = a in another number type", ("G passes on, in the type of a.",)),
    "Expand": Rule("stretch", "y = a, repeated", ("G, summed over the copies: each of them has used a.",)),
    "Repeat": Rule("repeat", "y = a, repeated", ("G, summed over the copies: each of them has used a.",)),
    "Select": Rule("pick one", "y = one slice of a", (_PICKED,)),
    "Slice": Rule("cut out", "y = a piece of a", (_PICKED,)),
    "Index": Rule("pick", "y = the picked places of a", (_PICKED,)),
    "Gather": Rule("pick", "y = the picked places of a", (_PICKED,)),
    "IndexSelect": Rule("pick", "y = the picked rows of a", (_PICKED,)),
    "Cat": Rule("join", "y = a and b, one after the other", (_PARTS,)),
    "Stack": Rule("stack", "y = a and b, one on the other", (_PARTS,)),
    "Split": Rule("cut", "y = the pieces of a", ("The G of all pieces, joined again.",)),
    "Unbind": Rule("take apart", "y = the slices of a", ("The G of all slices, stacked again.",)),
    "ConstantPadNd": Rule("pad", "y = a with a margin", ("G without the margin.",)),
    "CopySlices": Rule("write into", "y = a, with b written into a part", ("G where a was kept, 0 where b stands now.", "G of the part that was written.")),
    "NativeBatchNorm": Rule("batch norm", "y = (a − mean) / deviation · b + c", (_NORM,)),
    "NativeLayerNorm": Rule("layer norm", "y = (a − mean) / deviation · b + c", (_NORM,)),
    "NativeGroupNorm": Rule("group norm", "y = (a − mean) / deviation · b + c", (_NORM,)),
    "MaxPool2DWithIndices": Rule("max pooling", "y = the largest of each window", ("G goes to the largest of each window; the others get 0.",)),
    "AvgPool2D": Rule("mean pooling", "y = the mean of each window", ("G/n for each of the n numbers of a window.",)),
    "AdaptiveAvgPool2D": Rule("mean pooling", "y = the mean of each window", ("G/n for each of the n numbers of a window.",)),
    "ScaledDotProductFlashAttentionForCpu": Rule("attention", "y = softmax(a @ bᵀ / √d) @ c", ("Through the products and the softmax, all in one step.",)),
}  # fmt: skip
