"""Writing music with a `Composer`: from a beginning on, or the lower voices to a given melody."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from .models.composer import Composer
from .music import REST, Score, as_melody, as_score, from_keys, to_keys

HIGHEST_MELODY, LOWEST_MELODY = 96, 48  # C7 and C3: what the first voice of a choir can be asked for
LONGEST = 2_000  # frames


def write(
    model: Composer, beginning: ArrayLike | None = None, frames: int = 32, temperature: float = 1.0, seed: int | None = None
) -> Score:
    """Let a Composer write on: (T + frames, voices) MIDI numbers, 0 for silence, the beginning included.

    beginning: (T, voices) MIDI numbers; without one it writes from nothing. temperature: below 1 likely notes become likelier;
    0 takes the likeliest. seed: the same seed writes the same; without one, PyTorch's generator draws.

    Raises: ValueError if the beginning is no score of as many voices, or frames or temperature is out of range.
    """
    _check(model, temperature)
    if not 1 <= frames <= LONGEST:
        raise ValueError(f"frames must be from 1 to {LONGEST:,}, got {frames!r}")
    device = next(model.parameters()).device
    notes = torch.zeros(1, 0, model.voices, dtype=torch.long) if beginning is None else checked(model, beginning)[None]
    notes, generator = notes.to(device), _generator(seed, device)
    with listening(model):
        for _ in range(frames):
            frame, _ = next_frame(model, notes, temperature, generator)
            notes = torch.cat([notes, frame[:, None]], 1)
    return from_keys(notes[0])


def harmonise(model: Composer, melody: ArrayLike, temperature: float = 1.0, seed: int | None = None, tries: int = 16) -> Score:
    """Let a Composer set a melody for all voices: (T, voices) MIDI numbers, the melody in the first.

    melody: (T,) MIDI numbers from 48 to 96, 0 for silence; in C major or C minor for a model that learned `jsb_chorales`.
    tries: settings that are written side by side. One whose chords make the next note of the melody unlikely dies out, and
    one that leads up to it is written on twice: so the voices fit what the melody does next, though each frame is drawn
    before the next is looked at. The more tries, the closer the draw is to the model's own probability given all the melody.

    Raises: ValueError if the melody is empty, silent or out of range, or temperature or tries is.
    Source: particle filters, Gordon, Salmond & Smith 1993; Doucet & Johansen 2009, A tutorial on particle filtering.
    """
    _check(model, temperature)
    if not 1 <= tries <= 1024:
        raise ValueError(f"tries must be from 1 to 1,024, got {tries!r}")
    keys = to_keys(as_melody(melody, LOWEST_MELODY, HIGHEST_MELODY))
    return from_keys(settings(model, keys[None], temperature, seed, tries)[0])


def settings(model: Composer, melodies: Tensor, temperature: float, seed: int | None, tries: int) -> Tensor:
    """melodies: (M, T) int64 keys of a piano → (M, T, voices), a setting of each; see `harmonise`."""
    device = next(model.parameters()).device
    count, length = melodies.shape
    generator = _generator(seed, device)
    given = melodies.to(device).repeat_interleave(tries, 0)  # (M · tries, T)
    notes = torch.zeros(len(given), 0, model.voices, dtype=torch.long, device=device)
    weights = torch.zeros(count, tries, device=device)  # logarithms
    first = torch.arange(count, device=device)[:, None] * tries  # of the settings of each melody
    with listening(model):
        for t in range(length):
            frame, likely = next_frame(model, notes, temperature, generator, given[:, t])
            notes = torch.cat([notes, frame[:, None]], 1)
            weights = weights + likely.view(count, tries)
            shares = weights.softmax(1)
            few = 1 / shares.square().sum(1) < tries / 2  # so few settings carry the weight
            drawn = shares.multinomial(tries, replacement=True, generator=generator)
            stay = torch.arange(tries, device=device).expand(count, tries)
            notes = notes[(first + torch.where(few[:, None], drawn, stay)).flatten()]
            weights = torch.where(few[:, None], 0.0, weights)
        chosen = weights.softmax(1).multinomial(1, generator=generator)
    return notes[(first + chosen).flatten()]


def next_frame(
    model: Composer, notes: Tensor, temperature: float, generator: torch.Generator | None, given: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """notes: (B, T, voices), all frames so far → the next, (B, voices), drawn voice after voice from the highest down.

    given: (B,) keys that the first voice has to sing. Returned too: the logarithm of the probability that it would have, (B,).
    """
    frame = torch.zeros_like(notes[:, :1]) if notes.shape[1] else notes.new_zeros(len(notes), 1, model.voices)
    heard = model.hear(torch.cat([notes, frame], 1))[:, -1:]  # (B, 1, C)
    before = notes[:, -1:] if notes.shape[1] else frame
    likely = torch.zeros(len(notes), device=notes.device)
    for voice in range(model.voices):
        logits = model.sing(heard, frame, before)[:, 0, voice]  # (B, 89)
        if voice == 0 and given is not None:
            drawn = given
            likely = F.log_softmax(logits, -1).gather(1, given[:, None])[:, 0]
        elif temperature == 0:
            drawn = logits.argmax(1)
        else:
            drawn = (logits / temperature).softmax(1).multinomial(1, generator=generator)[:, 0]
        frame[:, 0, voice] = drawn
    return frame[:, 0], likely


def nats_a_frame(model: Composer, score: ArrayLike) -> float:
    """How surprising a piece is to a model: the mean over all its frames, the first included, of −log p(frame | those before).

    score: (T, voices) MIDI numbers, 0 for silence; for a model whose voices do not cross, from high to low in each frame.

    Raises: ValueError if the score is none, or has another number of voices than the model.
    """
    keys = checked(model, score)[None].to(next(model.parameters()).device)
    with listening(model):
        likely = F.log_softmax(model(keys), -1).gather(-1, keys[..., None])
    return -likely.sum().item() / keys.shape[1]


def checked(model: Composer, score: ArrayLike) -> Tensor:
    """A score as keys for a model: (T, voices) int64.

    Raises: ValueError if it is none, has another number of voices, or is not from high to low where voices do not cross.
    """
    notes = as_score(score)
    if notes.shape[1] != model.voices:
        raise ValueError(f"this Composer has {model.voices} voices, but the score has {notes.shape[1]}: its shape is {notes.shape}")
    if not model.crossing:
        upper, lower = notes[:, :-1], notes[:, 1:]
        wrong = np.flatnonzero(((lower >= upper) & (lower != REST)).any(1))
        if len(wrong):
            raise ValueError(
                f"the voices of this Composer do not cross or meet, but in frame {wrong[0]} they are {notes[wrong[0]].tolist()}: "
                "give each frame from high to low, silent voices last, as dlnb.generate.music.from_sounding does"
            )
    return to_keys(notes)


@contextmanager
def listening(model: Composer) -> Iterator[None]:
    """A model in eval mode without gradients, and afterwards as it was."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _check(model: object, temperature: float) -> None:
    if not isinstance(model, Composer):
        raise TypeError(f"music is written with a Composer, got a {type(model).__name__}")
    if not (temperature >= 0 and math.isfinite(temperature)):
        raise ValueError(f"temperature must be a number, 0 or more; got {temperature!r}")


def _generator(seed: int | None, device: torch.device) -> torch.Generator | None:
    return None if seed is None else torch.Generator(device).manual_seed(seed)
