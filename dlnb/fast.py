"""To learn in less time on a processor: matrices multiplied in bfloat16, and an optimiser that keeps them in balance."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

POLYNOMIAL = (3.4445, -4.7750, 2.0315)
STEPS = 5
SMALL = 48


class BFloat16Linear(nn.Linear):
    """A linear layer that multiplies in bfloat16 and learns in float32. x: (…, inputs) → (…, outputs) float32."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (…, inputs) → (…, outputs)."""
        bias = None if self.bias is None else self.bias.bfloat16()
        return F.linear(x.bfloat16(), self.weight.bfloat16(), bias).to(x.dtype)


def fast_linear() -> type[nn.Linear]:
    """`BFloat16Linear` where this processor has matrix units for it (Intel's AMX: 6 to 11 times as fast as float32), else `nn.Linear`.

    It asks the processor and not a clock, so that each process of a machine rounds alike, and a run that is loaded goes on to
    the bit. Without matrix units bfloat16 gains a factor of 1 to 2, which is not worth its coarse steps.
    """
    return BFloat16Linear if torch.cpu.get_capabilities().get("amx_bf16") else nn.Linear


class Muon(Optimizer):
    """Steps of which every direction is equally long, for the matrices; Adam for all other parameters.

    matrices, others: parameters. lr: of the matrices, lr_others: of the others. A matrix is moved by its momentum, with the
    singular values all brought near 1 (Newton and Schulz's iteration), times the square root of its height over its width
    where it is higher than wide. The filters of a convolution (outputs, inputs, height, width) are a matrix with a row for
    each output.

    Raises: ValueError if a matrix has fewer than two dimensions.
    Source: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks; Adam: Kingma & Ba 2015, arXiv:1412.6980.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], lr: float = 0.04, lr_others: float = 4e-3,
        momentum: float = 0.95, betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8,
    ) -> None:  # fmt: skip
        matrices = list(matrices)
        for matrix in matrices:
            if matrix.ndim < 2:
                raise ValueError(f"Muon moves matrices, got a parameter of shape {tuple(matrix.shape)}: put it among the others")
        groups = [
            {"params": matrices, "lr": lr, "momentum": momentum, "muon": True},
            {"params": list(others), "lr": lr_others, "beta1": betas[0], "beta2": betas[1], "eps": eps, "muon": False},
        ]
        super().__init__([group for group in groups if group["params"]], {})

    @classmethod
    def of(cls, model: nn.Module, but: Collection[str] = ("head",), **settings: Any) -> "Muon":
        """For a model: its linear layers and convolutions by Muon; embeddings, norms and all else by Adam.

        but: names of layers that go by Adam too, such as those that give the answer; the last part of a name counts.
        """
        inside = [
            part.weight
            for name, part in model.named_modules()
            if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d) and name.rpartition(".")[2] not in but
        ]
        embedded = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
        known = {id(weight) for weight in inside} - embedded
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        matrices = [parameter for parameter in trained if id(parameter) in known]
        return cls(matrices, [parameter for parameter in trained if id(parameter) not in known], **settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            (self._move_matrices if group["muon"] else self._move_others)(group)
        return loss

    def _move_matrices(self, group: dict[str, Any]) -> None:
        alike: dict[tuple[int, int], list[nn.Parameter]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                alike.setdefault((len(parameter), parameter[0].numel()), []).append(parameter)
        for (height, width), parameters in alike.items():  # all of one shape at once
            ahead = []
            for parameter in parameters:
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                slope, momentum = parameter.grad, state["momentum"]
                assert slope is not None
                momentum.lerp_(slope, 1 - group["momentum"])
                ahead.append(slope.lerp(momentum, group["momentum"]).reshape(height, width))  # Nesterov's
            moves = orthogonal(torch.stack(ahead))
            scale = max(1.0, height / width) ** 0.5
            for parameter, move in zip(parameters, moves, strict=True):
                parameter.add_(move.view(parameter.shape), alpha=-group["lr"] * scale)

    def _move_others(self, group: dict[str, Any]) -> None:
        one, two = group["beta1"], group["beta2"]
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["step"] = 0
                state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            state["step"] += 1
            state["mean"].lerp_(parameter.grad, 1 - one)
            state["square"].lerp_(parameter.grad.square(), 1 - two)
            size = (state["square"] / (1 - two ** state["step"])).sqrt_().add_(group["eps"])
            parameter.addcdiv_(state["mean"], size, value=-group["lr"] / (1 - one ** state["step"]))


def orthogonal(matrices: Tensor, steps: int = STEPS) -> Tensor:
    """Matrices (N, H, W) with the same directions, whose singular values all lie between about 0.7 and 1.2.

    Source: the iteration of fifth order as Jordan et al. 2024 tuned it.
    """
    halves = fast_linear() is BFloat16Linear
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.bfloat16() if halves else matrices
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    # bfloat16 is too coarse to multiply the factors up, and with small matrices the number of operations counts.
    wide = x.shape[2] >= 2 * x.shape[1] and x.shape[1] >= SMALL
    x = _all_at_once(x, steps) if wide and not halves else _one_by_one(x, steps)
    return (x.mT if tall else x).to(matrices.dtype)


def _one_by_one(x: Tensor, steps: int) -> Tensor:
    """X ← (a + b·S + c·S²)·x with S = x·xᵀ, in each step."""
    a, b, c = POLYNOMIAL
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x


def _all_at_once(x: Tensor, steps: int) -> Tensor:
    """The same where matrices are much wider than high: the factors are functions of the first S, and small as it is."""
    a, b, c = POLYNOMIAL
    square = x @ x.mT  # (N, H, H)
    product = None
    for step in range(steps):
        factor = torch.baddbmm(square, square, square, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        product = factor if product is None else factor @ product
        if step < steps - 1:
            square = factor @ square @ factor
    return x if product is None else product @ x
