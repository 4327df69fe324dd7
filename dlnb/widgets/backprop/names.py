"""What the learner calls the tensors of a graph: names of variables where the call stands, and of weights in a model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from torch import Tensor, nn

from .graph import maker_of

ITEMS = 100  # of a list or dictionary that are looked at

Key = tuple[Any, int]  # a node of autograd and which of its outputs


@dataclass
class Names:
    """Names by identity. They are right as long as the tensors live."""

    tensors: dict[int, str] = field(default_factory=dict)  # leaves and plain data, by id
    results: dict[Key, str] = field(default_factory=dict)
    modules: dict[int, str] = field(default_factory=dict)  # a weight's layer, by the id of the weight

    def add_variables(self, variables: Mapping[str, Any]) -> None:
        """Tensors that are variables, or in a list or dictionary that is one."""
        for name, value in _own(variables):
            for said, tensor in _tensors(name, value):
                self._add(said, tensor)

    def add_models(self, variables: Mapping[str, Any]) -> None:
        """The weights of models that are variables."""
        for name, value in _own(variables):
            if isinstance(value, nn.Module):
                self.add_model(value, f"{name}.")

    def add_model(self, model: nn.Module, prefix: str = "") -> None:
        """The weights of a model, by the names that `named_parameters` gives."""
        for name, weight in model.named_parameters():
            self._add(prefix + name, weight)
            self.modules.setdefault(id(weight), (prefix + name).rpartition(".")[0])

    def _add(self, name: str, tensor: Tensor) -> None:
        if (maker := maker_of(tensor)) is None:
            self.tensors.setdefault(id(tensor), name)
        else:
            self.results.setdefault((maker, tensor.output_nr), name)


def names_around(frame: FrameType, model: nn.Module | None) -> Names:
    """Names as seen from a frame; those of the model given come first."""
    names = Names()
    if model is not None:
        names.add_model(model)
    scopes = [frame.f_locals, frame.f_globals] if frame.f_locals is not frame.f_globals else [frame.f_locals]
    for scope in scopes:
        names.add_variables(scope)
    for scope in scopes:
        names.add_models(scope)
    return names


def _own(variables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The learner's variables; the others are IPython's."""
    return [pair for pair in list(variables.items()) if not pair[0].startswith("_") and pair[0] not in ("In", "Out")]


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif type(value) in (list, tuple):
        yield from ((f"{name}[{place}]", item) for place, item in enumerate(value[:ITEMS]) if isinstance(item, Tensor))
    elif type(value) is dict:
        for key, item in list(value.items())[:ITEMS]:
            if isinstance(item, Tensor):
                yield f"{name}[{key!r:.40}]", item
