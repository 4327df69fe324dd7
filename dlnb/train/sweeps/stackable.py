"""Which networks can be stacked: read in the order in which data meets their layers, compared, refused in words."""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

ELEMENTWISE = (
    nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.ELU, nn.SELU, nn.CELU, nn.LeakyReLU, nn.Softplus, nn.Softsign,
    nn.Mish, nn.Hardtanh, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.LogSigmoid, nn.Tanhshrink, nn.Softshrink,
    nn.Hardshrink,
)  # fmt: skip
CAN = "an nn.Sequential of Linear, activations, Dropout, BatchNorm1d, LayerNorm and Flatten"


class CannotStack(ValueError):
    """These settings cannot train as one; the words say why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Leave vectorize out, and the settings train one after another.")


def in_order(module: nn.Module, path: str) -> Iterator[nn.Module]:
    """The modules that compute, in the order in which data meets them. Raises: CannotStack for one of another kind."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward and len(module):
        for name, child in module._modules.items():  # named_children() leaves out what stands there twice
            assert child is not None
            yield from in_order(child, f"{path}[{name}]")
        return
    known = (nn.Linear, nn.Dropout, nn.BatchNorm1d, nn.LayerNorm, nn.Flatten, nn.Identity, *ELEMENTWISE)
    if type(module) not in known:
        raise CannotStack(f"what trains together must be {CAN}; {path} is a {type(module).__name__}.")
    if module._forward_hooks or module._forward_pre_hooks:
        raise CannotStack(f"{path} has forward hooks, which a stack would not call.")
    yield module


def parameters_of(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    """The parameters in the order in which the layers take them."""
    found = [parameter for module in modules for parameter in module.parameters(recurse=False)]
    if len({id(parameter) for parameter in found}) < len(found):
        raise CannotStack("a layer stands in the network twice and shares its weights.")
    for parameter in found:
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            raise CannotStack(f"weights must be float32 on the CPU; one is {parameter.dtype} on {parameter.device}.")
    return found


def check_same(first: list[nn.Module], other: list[nn.Module], setting: int) -> None:
    """Raises: CannotStack that names the first difference that a stack cannot have."""
    if [type(module) for module in first] != [type(module) for module in other]:
        names = [", ".join(type(module).__name__ for module in row) for row in (first, other)]
        raise CannotStack(f"setting 0 is made of {names[0]}, setting {setting} of {names[1]}.")
    if not any(isinstance(module, nn.Linear) for module in first):
        raise CannotStack("the network has no Linear layer.")
    for place, (one, two) in enumerate(zip(first, other, strict=True)):
        if not isinstance(one, nn.Dropout) and repr(one) != repr(two):
            raise CannotStack(f"layer {place} is {one!r} in setting 0 and {two!r} in setting {setting}.")
        if isinstance(one, nn.BatchNorm1d) and one.momentum is None:
            raise CannotStack("BatchNorm1d with momentum=None averages over all steps, which a stack does not.")
        if isinstance(one, nn.LayerNorm) and len(one.normalized_shape) > 1:
            raise CannotStack(f"layer {place} normalises over several dimensions.")
