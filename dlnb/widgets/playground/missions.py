"""The missions of a playground: a task on given data, and conditions that are checked while one works on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .points import Recipe, made
from .spec import Layer, Plan, Spec

if TYPE_CHECKING:
    from .desk import Desk

MANY = 64  # seeds of the mission about luck


@dataclass(frozen=True)
class Condition:
    """What must hold at the end. words: as they stand in the list."""

    words: str
    holds: "Callable[[Desk], bool]"


@dataclass(frozen=True)
class Mission:
    """A task. recipe: its data, which stay as they are; spec, plan: how one begins. why: what it shows, told at the end."""

    name: str
    title: str
    task: str
    conditions: tuple[Condition, ...]
    why: str
    recipe: Recipe = Recipe()
    spec: Spec = Spec()
    plan: Plan = Plan()

    def held(self, desk: "Desk") -> list[bool]:
        """Which conditions hold now; none on other data than the mission's."""
        if desk.trainer.points.recipe != self.recipe:
            return [False] * len(self.conditions)
        return [condition.holds(desk) for condition in self.conditions]


def right(share: float) -> Condition:
    """So many of the test points are right."""
    return Condition(f"{share:.0%} of the test points are right", lambda desk: desk.last("test_accuracy") >= share)


def loss_below(most: float) -> Condition:
    """So small a loss on the test points."""
    return Condition(f"the test loss is below {most:g}", lambda desk: desk.last("test_loss") < most)


def neurons(most: int) -> Condition:
    """So few hidden neurons."""
    words = "no hidden layer" if most == 0 else f"at most {most} hidden neurons"
    return Condition(words, lambda desk: desk.trainer.spec.neurons <= most)


def epochs(least: int) -> Condition:
    """So long a training."""
    return Condition(f"at least {least} epochs", lambda desk: desk.trainer.epoch >= least)


PLAIN = Condition("no inputs but x and y", lambda desk: set(desk.trainer.spec.inputs) <= {"x", "y"})


def _by_heart(desk: "Desk") -> bool:
    return desk.last("accuracy") >= 0.95


def _wrong_elsewhere(desk: "Desk") -> bool:
    return desk.last("test_accuracy") <= 0.7


def _linear(desk: "Desk") -> bool:
    layers = desk.trainer.spec.layers
    return len(layers) >= 2 and all(layer.activation == "linear" for layer in layers)


def _most_seeds(desk: "Desk") -> bool:
    found = desk.measured_seeds()
    return found is not None and len(found) == MANY and int(np.sum(found >= 0.9)) >= 0.9 * MANY


_HEART = Recipe("gaussians", points=100, noise=0.3, flipped=0.2, share=0.3)
_ADAM = Plan("Adam", 0.01)
MISSIONS = (
    Mission(
        "line", "A straight line", "Tell two clouds apart with no hidden layer: press Play.",
        (right(0.99), neurons(0)),
        "One neuron draws one straight line. Where a line will do, nothing more is needed.",
        Recipe("gaussians"), Spec(layers=()),
    ),
    Mission(
        "hand", "By hand", "The same two clouds, without any training: drag the lines of the network until they are told apart.",
        (right(0.95), Condition("no step of training", lambda desk: desk.trainer.steps == 0)),
        "Training does nothing that a hand could not do. It only knows the direction.",
        Recipe("gaussians"), Spec(layers=()),
    ),
    Mission(
        "bend", "Around the corner", "Tell the disc from the ring around it. A line cannot: add a layer.",
        (right(0.95), PLAIN),
        "Each hidden neuron draws a line; the next layer joins them to a closed curve.",
        Recipe("circle"), Spec(layers=()),
    ),
    Mission(
        "inputs", "The right inputs", "The same disc and ring, with no hidden layer. Switch on the inputs that make it easy.",
        (right(0.95), neurons(0)),
        "With x² and y² as inputs the circle is a straight line. Good inputs can stand for a whole layer.",
        Recipe("circle"), Spec(layers=()),
    ),
    Mission(
        "linear", "Deep, but straight",
        "Train at least two hidden layers that are all linear on the disc and the ring, and see how far they come.",
        (Condition("two linear hidden layers or more, and no other", _linear), epochs(30), PLAIN,
         Condition("still fewer than 75% of the test points right", lambda desk: desk.last("test_accuracy") < 0.75)),
        "Linear layers one after the other are one linear layer. Without a bend between them, depth gives nothing.",
        Recipe("circle"), Spec(layers=(Layer(4, "tanh"), Layer(4, "linear"))), _ADAM,
    ),
    Mission(
        "xor", "Four neurons", "Learn the chess board with at most four hidden neurons.",
        (right(0.95), neurons(4), PLAIN),
        "Where two signs must agree, no single line helps. Four neurons are enough, if the start is a lucky one: try other seeds.",
        Recipe("xor"), Spec(layers=(Layer(2),)),
    ),
    Mission(
        "rate", "Break it and mend it", "Turn the learning rate up until the loss explodes. Then find one that learns the plane.",
        (Condition("the loss exploded once", lambda desk: desk.explosions > 0), loss_below(0.005)),
        "A step too long lands higher on the other side, the next one higher still. Below that, larger steps learn faster.",
        Recipe("plane"), Spec(layers=(Layer(4, "relu"),)), Plan("SGD", 0.0001),
    ),
    Mission(
        "heart", "Learned by heart", "30 points of the two clouds, some with a wrong label. Make a network so large that it learns even those.",
        (Condition("95% of the training points are right", _by_heart),
         Condition("at most 70% of the test points are right", _wrong_elsewhere)),
        "A network large enough can learn any points by heart. What it then says between them is worth little.",
        _HEART, Spec(layers=(Layer(3),)), _ADAM,
    ),
    Mission(
        "calm", "Do not believe everything",
        "The same 30 points. Train at least 200 epochs with at least eight hidden neurons, and still be right elsewhere. Test labels"
        " are wrong as often, so even the true line is right at 77% of them only.",
        (right(0.75), epochs(200), Condition("at least 8 hidden neurons", lambda desk: desk.trainer.spec.neurons >= 8)),
        "L2, L1 or dropout make it costly to bend around single points, so the wrong ones are not believed.",
        _HEART, Spec(layers=(Layer(8), Layer(8))), _ADAM,
    ),
    Mission(
        "three", "Three moons", "Three classes, each reaching into the next. Learn them with at most eight hidden neurons.",
        (right(0.95), neurons(8), PLAIN),
        "With three classes there is an output for each, and the largest wins. The hidden neurons are shared by all.",
        Recipe("moons", classes=3, noise=0.2), Spec(layers=(Layer(2),)),
    ),
    Mission(
        "hills", "Hills and hollows", "Learn a surface instead of classes.",
        (loss_below(0.01), PLAIN),
        "The same network, another loss: the output is now a height, and each neuron a slope that is joined to others.",
        Recipe("hills"), Spec(layers=(Layer(4), Layer(4))), _ADAM,
    ),
    Mission(
        "spiral", "The spiral", "The hardest of the data sets here, from x and y alone. Tanh is slow at it: try other activations and optimisers.",
        (right(0.95), PLAIN),
        "Three full layers, Adam and an activation that does not flatten out. The first layer draws lines, the later ones bend them.",
        Recipe("spiral"), Spec(layers=(Layer(4), Layer(4))),
    ),
    Mission(
        "luck", "Luck", f"Switch on many seeds and find a network for the chess board that learns it from nine of ten of {MANY} starts.",
        (Condition(f"58 of {MANY} seeds have 90% of the test points right", _most_seeds), PLAIN),
        "A small network needs a lucky start. A few neurons more than needed, and nearly every start is lucky.",
        Recipe("xor"), Spec(layers=(Layer(3),)), _ADAM,
    ),
)  # fmt: skip


def begin(mission: Mission, desk: "Desk") -> None:
    """Put the data, the network and the plan of a mission on the desk."""
    desk.trainer.begin(replace(mission.spec, seed=desk.trainer.spec.seed), mission.plan, made(mission.recipe))
