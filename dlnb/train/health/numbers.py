"""Rules about numbers that leave their range: NaN and infinity, and a loss that explodes."""

from typing import Any

import numpy as np

from ..culprit import Culprit, NotFiniteError
from .finding import Context, Finding, Remedy, evidence, rule

RECENT = 20  # losses that are called the present
WINDOW = 200  # losses that they are compared with
LEAST = 20  # losses before anything is said
FIRST = 5  # losses that say how it began
ROBUST = 1.4826  # the MAD of a normal distribution times this is its standard deviation


def not_finite(context: Context, error: Exception) -> Finding:
    """The finding for an error that a step raised because something was no number."""
    steps, losses = (column[-WINDOW:] for column in context.column("loss"))
    culprit: Culprit | None = error.culprit if isinstance(error, NotFiniteError) else None
    sentence = str(error)
    remedy = None
    if culprit is None or culprit.what in ("module", "loss", "unknown"):
        remedy = context.lr_remedy(0.1, "smaller steps, if the numbers grew before")
    elif culprit.what in ("input", "target"):
        remedy = Remedy("leave the examples with NaN or infinity out, or mend them where the data is read")
    elif culprit.what == "weight":
        remedy = Remedy("go back to a step before the weights were spoiled, and mend what made the gradient NaN")
    elif culprit.what == "gradient":
        remedy = Remedy("add a small number such as 1e-8 inside the root, logarithm or division")
    facts: dict[str, Any] = {} if culprit is None else {"kind": culprit.what, "where": culprit.name}
    return Finding(
        "nan",
        "stop",
        sentence[:1].upper() + sentence[1:],
        context.steps,
        culprit.name if culprit is not None and culprit.what in ("module", "gradient") else None,
        evidence("step", {"step": steps, "loss": losses}, **facts),
        remedy,
    )


@rule("explosion", "losses", grace=3)
def explosion(context: Context) -> Finding | None:
    """The loss is far above what it was, measured by how much it varied then."""
    steps, losses = context.column("loss")
    n = len(losses)
    if n < LEAST:
        return None
    calm = min(context.memory.get("explosion", 0), n)  # losses up to here were in order
    if calm < LEAST:
        calm = FIRST  # nothing is known yet but how it began
    before = losses[max(0, calm - WINDOW) : calm]
    now = float(np.median(losses[max(calm, n - RECENT) :])) if n > calm else float(np.median(losses[-RECENT:]))
    middle = float(np.median(before))
    spread = ROBUST * float(np.median(np.abs(before - middle)))
    scale = abs(context.beginning) if calm > FIRST else abs(middle)
    rise = now - middle
    z = rise / (spread + 0.01 * scale + 1e-12)
    bound = 3 if "explosion" in context.present else 6
    high = float(np.quantile(before, 0.95))
    if not (z > bound and rise > 0.2 * scale and now > high and (middle <= 0 or now > 2 * middle)):
        if "explosion" not in context.present:
            context.memory["explosion"] = n
        return None
    start = int(calm + np.argmax(losses[calm:] > high + spread)) if n > calm else n - 1
    since = int(steps[max(0, start - 1)])
    shown = slice(max(0, calm - WINDOW), n)
    return Finding(
        "explosion",
        "warn",
        f"The loss exploded: it was {middle:.3g} and is {now:.3g} now, since about step {since}. "
        "The steps are too big, so each one overshoots further.",
        context.steps,
        None,
        evidence("step", {"step": steps[shown], "loss": losses[shown]}, before=middle, now=now, z=z, since=since),
        context.lr_remedy(0.1, "smaller steps", since),
    )
