"""What a model says of the same few rows and series each time: previews of the tasks of predicting."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..preview import Forecasts, Texts
from .tables import Scale

COLUMNS = 4  # of a row that are shown: those in which it differs most from the others


class Rows:
    """Rows of a table in words, and what a model says of them.

    rows: (N, F) of mean 0 and deviation 1; words: what is true of each, in words;
    say: of a model's output, the words of its answers, whether each will do, and how sure it is, or None.
    """

    def __init__(
        self, rows: Tensor, scale: Scale, names: Sequence[str], words: Sequence[str],
        say: Callable[[Tensor], tuple[tuple[str, ...], np.ndarray, np.ndarray | None]],
    ) -> None:  # fmt: skip
        self.rows, self.words, self.say = rows, tuple(words), say
        plain = scale.undo(rows)
        odd = rows.abs().argsort(dim=1, descending=True)[:, :COLUMNS]
        self.read = tuple(
            ", ".join(f"{names[column]} {plain[row, column].item():.3g}" for column in places)
            for row, places in enumerate(odd.tolist())
        )

    def __call__(self, model: nn.Module) -> Texts:
        """model: in eval mode, of rows (N, F)."""
        with torch.no_grad():
            output = model(self.rows.to(next(model.parameters()).device)).float().cpu()
        said, right, sure = self.say(output)
        return Texts(self.read, self.words, said, right, sure)


class Forecasted:
    """Series and how a model says that they go on.

    past: (N, P, C) and known: (N, A, D) as the model reads them; truth: (N, A); scale: of the series; shown: steps of the past.
    """

    def __init__(self, past: Tensor, known: Tensor, truth: Tensor, scale: Scale, shown: int, unit: str, step: str) -> None:
        self.inputs, self.scale, self.unit, self.step = (past, known), scale, unit, step
        self.past, self.truth = scale.undo(past[:, -shown:, 0]).numpy(), scale.undo(truth).numpy()

    def __call__(self, model: nn.Module) -> Forecasts:
        """model: in eval mode, of past and known."""
        device = next(model.parameters()).device
        with torch.no_grad():
            said = self.scale.undo(model(*(part.to(device) for part in self.inputs)).float().cpu())
        return Forecasts(self.past, self.truth, said.numpy(), unit=self.unit, step=self.step)
