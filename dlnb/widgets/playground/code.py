"""What "show as PyTorch" shows: the code of a cell that needs nothing but torch and gives the numbers of the playground."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from .checks import PlaygroundError
from .points import Points, class_sizes
from .shapes import CLASSIFIED, SURFACES
from .spec import Plan, Spec, optimizer_arguments
from .training import Trainer

FORMULAS = {"x": "x", "y": "y", "x²": "x * x", "y²": "y * y", "xy": "x * y", "sin x": "x.sin()", "sin y": "y.sin()"}
WIDTH = 110  # letters of a line of numbers


def as_pytorch(trainer: Trainer, epochs: int | None = None) -> str:
    """The code of a cell.

    A network that only learned begins where it began and prints the losses that the playground drew; one that was edited
    begins as it is now, with what its optimiser knows. `losses` holds the loss of the training points after every epoch.

    epochs: that it trains; as many as have been made, or 20, unless given.

    Raises: PlaygroundError in the middle of an epoch of an edited network with dropout.
    """
    from_start = trainer.edits == 0
    if not from_start and trainer.place and trainer.network.random:
        raise PlaygroundError(
            "In the middle of an epoch, what dropout draws next cannot be written down. Go to the end of the epoch first."
        )
    epochs = epochs or (trainer.epoch if from_start and trainer.epoch else 20)
    first = 0 if from_start else trainer.epoch
    parts = [_imports(trainer.points), _data(trainer.points), _inputs(trainer.spec), _network(trainer, from_start)]
    parts.append(_optimizer(trainer, from_start))
    parts.append(_loop(trainer, first, first + epochs))
    return "\n\n".join(parts) + "\n"


def _imports(points: Points) -> str:
    maths = "import math\n\n" if points.recipe is not None and points.recipe.shape in CLASSIFIED else ""
    return f"{maths}import torch\nimport torch.nn.functional as F\nfrom torch import nn"


def _data(points: Points) -> str:
    if points.recipe is None:
        label = "torch.int64" if points.classes > 2 else "torch.float32"
        lines = [
            "# The points that you drew or read, what they are, and which of them train.",
            f"points = {_tensor(points.x)}",
            f"target = torch.tensor({_list(points.y.tolist())}, dtype={label})",
            f"trains = torch.tensor({_list(points.trains.int().tolist())}, dtype=torch.bool)",
        ]
        return "\n".join(lines + ([] if points.classes > 2 else ["target = target[:, None]"]))
    recipe = points.recipe
    shape = (CLASSIFIED.get(recipe.shape) or SURFACES[recipe.shape]).__name__
    source = inspect.getsource(CLASSIFIED.get(recipe.shape) or SURFACES[recipe.shape]).replace(
        "generator: Generator", "generator"
    )
    source = source.replace(": Tensor", "").replace(" -> Tensor", "").rstrip()
    lines = [source, "", "", f"generator = torch.Generator().manual_seed({recipe.seed})"]
    if points.classes:
        sizes = class_sizes(recipe.points, recipe.classes, recipe.imbalance)
        drawn = f"torch.cat([{shape}(n, k, {recipe.classes}, generator) for k, n in enumerate(sizes)])"
        lines += [
            f"sizes = {sizes}  # of the classes",
            f"points = {drawn}  # (N, 2)",
            f"target = torch.arange({recipe.classes}).repeat_interleave(torch.tensor(sizes))",
        ]
        other = f"(target + torch.randint(1, {recipe.classes}, (len(points),), generator=generator)) % {recipe.classes}"
    else:
        lines += [
            f"points = 10 * torch.rand({recipe.points}, 2, generator=generator) - 5  # (N, 2)",
            f"target = {shape}(points)",
        ]
        other = "2 * torch.rand(len(points), generator=generator) - 1"
    lines += [
        f"points = points + {recipe.noise!r} * torch.randn(len(points), 2, generator=generator)",
        f"wrong = torch.rand(len(points), generator=generator) < {recipe.flipped!r}",
        f"target = torch.where(wrong, {other}, target)",
        f"order = torch.randperm(len(points), generator=torch.Generator().manual_seed({recipe.seed}))",
        "trains = torch.zeros(len(points), dtype=torch.bool)",
        f"trains[order[: {int(points.trains.sum())}]] = True  # the others test",
    ]
    return "\n".join(lines + ([] if points.classes > 2 else ["target = target.float()[:, None]"]))


def _inputs(spec: Spec) -> str:
    names = ", ".join(FORMULAS[name] for name in spec.inputs)
    return f"x, y = points.unbind(1)\ninputs = torch.stack([{names}], 1)  # (N, {len(spec.inputs)})"


def _network(trainer: Trainer, from_start: bool) -> str:
    network = trainer.network
    lines = [f"torch.manual_seed({trainer.spec.seed})", "model = nn.Sequential("]
    lines += [f"    {_module(module)}," for module in network] + [")"]
    if not from_start:
        lines += ["with torch.no_grad():  # its weights as they are now"]
        lines += [f"    model.get_parameter({name!r}).copy_({_tensor(p)})" for name, p in network.named_parameters()]
        lines += [f"    model.get_buffer({name!r}).copy_({_tensor(b)})" for name, b in network.named_buffers()]
    return "\n".join(lines)


def _module(module: nn.Module) -> str:
    if isinstance(module, nn.Linear):
        return f"nn.Linear({module.in_features}, {module.out_features})"
    if isinstance(module, nn.BatchNorm1d):
        return f"nn.BatchNorm1d({module.num_features})"
    if isinstance(module, nn.LayerNorm):
        return f"nn.LayerNorm({module.normalized_shape[0]})"
    return f"nn.Dropout({module.p!r})" if isinstance(module, nn.Dropout) else f"nn.{type(module).__name__}()"


def _optimizer(trainer: Trainer, from_start: bool) -> str:
    plan = trainer.plan
    arguments = ", ".join(f"{name}={value!r}" for name, value in optimizer_arguments(plan).items())
    lines = [f"optimizer = torch.optim.{plan.optimizer}(model.parameters(), {arguments})"]
    known = {} if from_start else {k: trainer.optimizer.state.get(p, {}) for k, p in enumerate(trainer.parameters)}
    if any(known.values()):
        lines.append("for parameter, known in zip(model.parameters(), [  # what it remembers of the steps so far")
        for state in known.values():
            shown = ", ".join(f"{name!r}: {_value(value)}" for name, value in state.items())
            lines.append(f"    {{{shown}}},")
        lines += ["]):", "    optimizer.state[parameter] = known"]
    return "\n".join(lines)


def _loop(trainer: Trainer, first: int, last: int) -> str:
    plan, points = trainer.plan, trainer.points
    loss = (
        "mse_loss"
        if points.classes == 0
        else "cross_entropy"
        if points.classes > 2
        else "binary_cross_entropy_with_logits"
    )
    step = [f"loss = F.{loss}(model(train_x[batch]), train_y[batch])", *_penalty(plan), "optimizer.zero_grad()"]
    step += ["loss.backward()"]
    if plan.optimizer == "LBFGS":
        step = ["def closure():", *(f"    {line}" for line in step), "    return loss", "", "optimizer.step(closure)"]
    else:
        step += ["optimizer.step()"]
    done = trainer.place if trainer.edits else 0  # points of the first epoch that are seen already
    skipped = f"[{done} if epoch == {first} else 0 :]" if done else ""
    inner = "\n".join(f"        {line}" if line else "" for line in step)
    return f"""\
train_x, train_y = inputs[trains], target[trains]
test_x, test_y = inputs[~trains], target[~trains]
losses = []
for epoch in range({first}, {last}):
    seed = {trainer.spec.seed * 1_000_003} + epoch
    order = torch.randperm(len(train_x), generator=torch.Generator().manual_seed(seed)){skipped}
    torch.manual_seed(seed)
    model.train()
    for batch in order.split({plan.batch}):
{inner}
    model.eval()
    with torch.no_grad():
        losses.append(F.{loss}(model(train_x), train_y).item())
        test = F.{loss}(model(test_x), test_y).item()
    print(f"epoch {{epoch + 1}}: loss {{losses[-1]:.4f}}, test loss {{test:.4f}}")"""


def _penalty(plan: Plan) -> list[str]:
    if not (plan.l1 or plan.l2):
        return []
    return [
        "weights = torch.cat([module.weight.flatten() for module in model if isinstance(module, nn.Linear)])",
        f"loss = loss + {plan.l1!r} * weights.abs().sum() + {plan.l2!r} / 2 * weights.square().sum()",
    ]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _tensor(value) if isinstance(value, Tensor) else repr(value)


def _tensor(tensor: Tensor) -> str:
    kind = "" if tensor.dtype in (torch.float32, torch.int64) else f", dtype={tensor.dtype}"
    return f"torch.tensor({_list(tensor.detach().tolist())}{kind})"


def _list(values: Any) -> str:
    """As Python writes it, in lines that are not too long. Numbers are written so that they are read the same to the bit."""
    text = repr(_short(values))
    if len(text) <= WIDTH:
        return text
    lines, line = [], ""
    for part in text.split(", "):
        if len(line) + len(part) > WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += f"{part}, "
    return "\n    ".join([*lines, line.rstrip(", ")])


def _short(values: Any) -> Any:
    """Nine digits hold a float32."""
    if isinstance(values, list):
        return [_short(value) for value in values]
    return float(f"{values:.9g}") if isinstance(values, float) else values
