"""The tree of a model's modules, as the rows of an outline of which some are open.

Only what is open is walked, so a model of thousands of modules costs no more than the rows one sees.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from torch import nn
from torch.nn.parameter import UninitializedParameter

ROWS = 120  # rows that are listed at most
CHILDREN = 48  # children of one module that are listed until more are asked for
FIRST = 28  # rows that are opened by themselves
SETTINGS = 60  # characters of a module's own description


@dataclass(frozen=True)
class Row:
    """One module in the outline.

    path: as in `model.get_submodule(path)`, "" for the model itself.
    kind: name of its class; settings: its `extra_repr`, cut short.
    place, siblings: which of how many children of its parent, from 1.
    children: how many it has; 0 where the same module is listed above (`same_as`).
    parameters: weights in it and below, each counted once; frozen: "", "some" or "all" of them.
    more: where this row only stands for children that are not listed, how many there are; `path` is
        then the parent's, or "" if the outline itself is full.
    """

    path: str
    name: str
    kind: str
    settings: str
    depth: int
    place: int
    siblings: int
    children: int
    is_open: bool
    parameters: int
    frozen: str
    same_as: str | None = None
    more: int = 0


def outline(model: nn.Module, opened: Collection[str], listed: Mapping[str, int] | None = None) -> list[Row]:
    """The rows of a model, parents before children.

    opened: paths whose children are listed; listed: for a path, how many children (48 unless given).
    """
    rows: list[Row] = []
    first: dict[int, str] = {}
    waiting: list[tuple[str, str, nn.Module | None, int, int, int]] = [("", type(model).__name__, model, 0, 1, 1)]
    while waiting:
        path, name, module, depth, place, siblings = waiting.pop()
        if len(rows) >= ROWS:
            rows.append(_more("", 0, 1 + len(waiting)))
            break
        if module is None:
            rows.append(_more(path, depth, siblings))
            continue
        same_as = first.get(id(module))
        first.setdefault(id(module), path)
        children = [] if same_as is not None else list(_children(module))
        is_open = bool(children) and path in opened
        parameters, frozen = count_parameters(module)
        rows.append(
            Row(path, name, type(module).__name__, _settings(module), depth, place, siblings, len(children), is_open,
                parameters, frozen, same_as)
        )  # fmt: skip
        if is_open:
            count = (listed or {}).get(path, CHILDREN)
            if len(children) > count:
                waiting.append((path, "", None, depth + 1, 0, len(children) - count))
            for number, (key, child) in reversed(list(enumerate(children[:count], 1))):
                waiting.append((f"{path}.{key}" if path else key, key, child, depth + 1, number, len(children)))
    return rows


def open_first(model: nn.Module) -> set[str]:
    """What to open at the beginning: level after level, as long as the outline stays short."""
    opened, level, rows = {""}, [("", model)], 1
    seen = {id(model)}
    while level:
        below = []
        for path, module in level:
            for key, child in _children(module):
                if id(child) not in seen:
                    seen.add(id(child))
                    below.append((f"{path}.{key}" if path else key, child))
        rows += len(below)
        if rows > FIRST:
            break
        opened |= {path for path, _ in level}
        level = below
    return opened


def count_parameters(module: nn.Module) -> tuple[int, str]:
    """The weights of a module and of all below, and whether "", "some" or "all" of them are frozen."""
    trainable = fixed = 0
    for parameter in module.parameters():
        if isinstance(parameter, UninitializedParameter):
            continue
        if parameter.requires_grad:
            trainable += parameter.numel()
        else:
            fixed += parameter.numel()
    return trainable + fixed, "" if not fixed else "some" if trainable else "all"


def has_lazy_weights(model: nn.Module) -> bool:
    """Whether a layer still waits for its first input to know the shape of its weights."""
    return any(isinstance(parameter, UninitializedParameter) for parameter in model.parameters())


def _children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((key, child) for key, child in module._modules.items() if child is not None)


def _settings(module: nn.Module) -> str:
    try:
        text = module.extra_repr().replace("\n", ", ")
    except Exception:  # somebody's own description must not hide the model
        return ""
    return text if len(text) <= SETTINGS else text[: SETTINGS - 1] + "…"


def _more(path: str, depth: int, count: int) -> Row:
    return Row(path, "", "", "", depth, 0, 0, 0, False, 0, "", more=count)
