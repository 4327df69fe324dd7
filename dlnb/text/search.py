"""Writing a translation: the likeliest word each time, or several beginnings kept side by side."""

import torch
from torch import Tensor

from .models.translator import PADDING, Translator
from .tokenizers import END, START


@torch.no_grad()
def greedy(model: Translator, source: Tensor, longest: int | None = None) -> Tensor:
    """The translation that takes the likeliest word at each step.

    source: (B, S) int64 → (B, T) int64 without the start, up to the end token and filled up with padding.
    longest: words of a translation at the most; the model's context unless given.
    """
    return beam(model, source, width=1, longest=longest)


@torch.no_grad()
def beam(
    model: Translator, source: Tensor, width: int = 4, longest: int | None = None, length_penalty: float = 0.6
) -> Tensor:
    """The best of the translations found when the `width` best beginnings are kept at each step.

    source: (B, S) int64 → (B, T) int64 without the start, up to the end token and filled up with padding.
    length_penalty: how much of its length a translation's log-probability is divided by, as ((5 + length) / 6) to this
        power; 0 prefers short ones.

    Raises: ValueError if `width` or `longest` is below 1.
    Source: beam search with this penalty: Wu et al. 2016, arXiv:1609.08144, section 7.
    """
    longest = model.context - 1 if longest is None else min(longest, model.context - 1)
    if width < 1 or longest < 1:
        raise ValueError(f"width and longest must be 1 or more, got {width} and {longest}")
    was_training = model.training
    model.eval()
    try:
        return _beam(model, source, width, longest, length_penalty)
    finally:
        model.train(was_training)


def _beam(model: Translator, source: Tensor, width: int, longest: int, length_penalty: float) -> Tensor:
    sentences, device = len(source), source.device
    memory = model.read(source).repeat_interleave(width, dim=0)  # (B·width, S, C)
    sources = source.repeat_interleave(width, dim=0)
    cache = model.empty_cache()
    first = torch.arange(sentences, device=device)[:, None] * width  # the row of each sentence's first beginning
    written = torch.full((sentences * width, 1), START, device=device)
    scores = torch.full((sentences, width), -torch.inf, device=device)  # log-probability of each beginning
    scores[:, 0] = 0.0  # at first they are all the same one
    ended = torch.zeros(sentences, width, dtype=torch.bool, device=device)
    lengths = torch.zeros(sentences, width, device=device)
    for _ in range(longest):
        logits = model.write(written[:, -1:], memory, sources, cache)[:, -1].float()  # (B·width, vocabulary)
        steps = logits.log_softmax(-1).unflatten(0, (sentences, width))  # (B, width, vocabulary)
        # A translation that has ended goes on with padding, at no cost.
        steps[ended] = -torch.inf
        steps[..., PADDING] = torch.where(ended, 0.0, -torch.inf)
        vocabulary = steps.shape[-1]
        after = lengths + ~ended
        ranked = ((scores[..., None] + steps) / ((5 + after) / 6).pow(length_penalty)[..., None]).flatten(1)
        chosen = ranked.topk(width, dim=1).indices  # (B, width)
        origin, token = chosen // vocabulary, chosen % vocabulary
        scores = (scores[..., None] + steps).flatten(1).gather(1, chosen)
        lengths = after.gather(1, origin)
        rows = (first + origin).flatten()
        written = torch.cat([written[rows], token.flatten()[:, None]], dim=1)
        for layer in cache:
            layer.reorder(rows)
        ended = ended.gather(1, origin) | (token == END)
        if ended.all():
            break
    best = (scores / ((5 + lengths) / 6).pow(length_penalty)).argmax(dim=1)
    return written[(first[:, 0] + best)][:, 1:]
