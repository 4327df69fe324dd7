"""Writing on: from the logits of what may come next to a token, and from token to token to a text."""

import torch
from torch import Tensor

from .models.gpt import GPT


def next_probabilities(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """What each token's chance is to be the next one.

    logits: (B, vocabulary) → probabilities (B, vocabulary), each row with the sum 1.
    temperature: below 1 the likely ones become likelier, above 1 all become alike; 0 leaves the likeliest alone.
    top_k: only the k likeliest may come.
    top_p: only the likeliest may come that together have this probability (at least one); after `top_k`.

    Raises: ValueError if one of them is out of its range.
    Source: top-k: Fan, Lewis & Dauphin 2018, arXiv:1805.04833; top-p (nucleus): Holtzman et al. 2020, arXiv:1904.09751.
    """
    if not temperature >= 0:
        raise ValueError(f"temperature must be 0 or more, got {temperature!r}")
    if top_k is not None and not top_k >= 1:
        raise ValueError(f"top_k must be 1 or more, got {top_k!r}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be above 0 and not above 1, got {top_p!r}")
    if temperature == 0:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
    logits = logits / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        least = logits.topk(top_k).values[..., -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    probabilities = logits.softmax(-1)
    if top_p is not None and top_p < 1:
        ordered, order = probabilities.sort(descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered  # what the likelier ones have together
        ordered = ordered.masked_fill(before >= top_p, 0.0)
        probabilities = torch.zeros_like(probabilities).scatter_(-1, order, ordered)
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
    return probabilities


@torch.no_grad()
def generate(
    model: GPT,
    prompt: Tensor,
    count: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    use_cache: bool = True,
) -> Tensor:
    """Let a GPT write on.

    prompt: (B, T) int64, T from 1 to the model's context → (B, T + count), the prompt with what was written.
    seed: the same seed writes the same; without one, PyTorch's generator draws.
    use_cache: read each position once. Only when the text outgrows the context is all that is left of it read again at
        each token, as every position in it is then another one.

    Raises: ValueError if the prompt is empty or longer than the context.
    """
    if prompt.ndim != 2 or not prompt.shape[1]:
        raise ValueError(f"the prompt must have the shape (B, T) and at least one token, got {tuple(prompt.shape)}")
    if prompt.shape[1] > model.context:
        raise ValueError(f"the prompt has {prompt.shape[1]} tokens, but the model sees {model.context}: leave out the first ones")
    generator = None if seed is None else torch.Generator(prompt.device).manual_seed(seed)
    cache = model.empty_cache() if use_cache else None
    text = unread = prompt
    was_training = model.training
    model.eval()
    try:
        for _ in range(count):
            if cache is None or text.shape[1] > model.context:
                logits = model(text[:, -model.context :])[:, -1]  # (B, vocabulary)
            else:
                logits = model(unread, cache)[:, -1]
            unread = next_probabilities(logits, temperature, top_k, top_p).multinomial(1, generator=generator)  # (B, 1)
            text = torch.cat([text, unread], dim=1)
    finally:
        model.train(was_training)
    return text
