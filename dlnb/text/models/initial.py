"""The first weights of a Transformer, as GPT-2 and BERT draw them."""

import torch
from torch import Tensor, nn


def small_normal(module: nn.Module, deviation: float = 0.02) -> None:
    """Weights from a normal distribution with this deviation, biases 0; for `model.apply`.

    Source: Radford et al. 2018, Improving language understanding by generative pre-training, section 4.1.
    """
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=deviation)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def waves(context: int, width: int) -> Tensor:
    """Where a word stands, as waves of many lengths: (context, width). Source: Vaswani et al. 2017, section 3.5."""
    position = torch.arange(context)[:, None]
    lengths = 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([(position / lengths).sin(), (position / lengths).cos()], dim=2).flatten(1)[:, :width]
