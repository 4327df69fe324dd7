"""`dl.backprop(loss)`: the real autograd graph, one node at a time. The drawing half is `widgets/src/backprop/`.

One real backward pass is made when it opens; no `.grad` changes, and `loss.backward()` works afterwards.
"""

import base64
import sys

from torch import Tensor, nn

from ..base import Message, View, Widget
from ..frames import pack
from .frames import is_fold, picture, place_of
from .graph import Node
from .look import Look, look_at
from .names import names_around
from .numbers import short
from .scene import scene_of

DEEP = 12  # folds that are open one in the other
NAMED = 12  # leaves whose gradients are told in words


def backprop(loss: Tensor, model: nn.Module | None = None) -> "Backprop":
    """Go through the graph that autograd has kept of a loss, forward and backward, with the real numbers.

        loss = F.cross_entropy(model(x), y)
        dl.backprop(loss)

    loss: one number that was computed from tensors with requires_grad=True. Call it before `loss.backward()`, which
        frees the graph. Hooks that you have put on tensors run once.
    model: whose weights are to be named; models and tensors that are variables where you call are found by themselves.

    Raises: TypeError if the loss is no tensor; ValueError that says what to do if it is not one number, has no
        history, its graph was freed or is too large, or a tensor was changed in place.
    """
    if model is not None and not isinstance(model, nn.Module):
        raise TypeError(f"the model must be an nn.Module, got {type(model).__name__}")
    names = names_around(sys._getframe(1), model)
    return Backprop(look_at(loss, names))


class Backprop(Widget):
    """The graph of one loss. `dl.backprop` opens one."""

    bundle = "backprop"

    def __init__(self, look: Look) -> None:
        self.look = look
        self.parts: list[tuple[str, list[Node]]] = [("", look.nodes)]  # the whole, then a part of it, and so on
        self.scene = scene_of(look, look.nodes)
        self._number = 0
        super().__init__()
        self.hears |= {
            "unfold": lambda message, _: self.unfold(_text(message)),
            "out": lambda *_: self.out(),
        }

    def unfold(self, place: str) -> None:
        """Show what a folded part holds; `place` is the name by which a frame calls it."""
        with self.lock:
            boxes = [box for box in self.scene.boxes if is_fold(box) and place_of(box) == place]
            if not boxes or len(self.parts) >= DEEP:
                raise ValueError(f"there is no folded part {place!r} in this picture")
            self.parts.append((boxes[0].label, boxes[0].nodes))
            self._show()

    def out(self) -> None:
        """Go back to the picture that holds this part."""
        with self.lock:
            if len(self.parts) > 1:
                self.parts.pop()
                self._show()

    def make_frame(self, view: View) -> tuple[Message, list[bytes]] | None:
        """See `Widget.make_frame`."""
        if view.cursors.get("number") == self._number:
            return None
        view.cursors["number"] = self._number
        said, columns = picture(self.look, self.scene, " › ".join(label for label, _ in self.parts[1:]))
        directory, buffer = pack(columns)
        return {"full": view.sent == 0, "columns": directory, **said}, [buffer]

    def still(self) -> str | None:
        """The graph with its values and gradients."""
        from .picture import drawn  # Matplotlib, half a second

        return base64.b64encode(drawn(self.look, self.scene)).decode()

    def alt(self) -> str:
        """The loss, and the gradients of the leaves that have a name."""
        look = self.look
        told = [f"The graph of {look.loss} = {short(look.values[look.end])}: {len(look.nodes):,} nodes."]
        for node in [node for node in look.nodes if node.is_leaf and (node, 0) in look.names][:NAMED]:
            if (arrived := look.passed.arrived[node][0]) is not None:
                told.append(f"Gradient of {look.names[node, 0]}: {short(arrived)}.")
        return " ".join(told)

    def _show(self) -> None:
        self.scene = scene_of(self.look, self.parts[-1][1])
        self._number += 1
        self.changed(urgent=True)

    def __repr__(self) -> str:
        return f"Backprop({len(self.look.nodes)} nodes)"


def _text(message: Message) -> str:
    place = message.get("place")
    if not isinstance(place, str) or len(place) > 100:
        raise ValueError(f"place must be a short text, got {place!r:.80}")
    return place
