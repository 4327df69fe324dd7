"""The first weights of a Transformer, as GPT-2 and BERT draw them."""

from torch import nn


def small_normal(module: nn.Module) -> None:
    """Weights from a normal distribution with the deviation 0.02, biases 0; for `model.apply`.

    Source: Radford et al. 2018, Improving language understanding by generative pre-training, section 4.1.
    """
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
