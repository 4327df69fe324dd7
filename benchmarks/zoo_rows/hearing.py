"""Rows of the zoo's table: models that listen."""

import statistics
import time
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor, nn

import dlnb as dl
from dlnb.fast import Muon
from dlnb.speech.digits import SPEAKERS
from dlnb.speech.disturb import disturbed
from dlnb.speech.features import RATE
from dlnb.speech.house import command
from dlnb.speech.models import Commander
from dlnb.speech.tasks.waking import MISSED
from dlnb.speech.voices import PEOPLE, spoken
from dlnb.speech.waking import missed, rates, threshold_for

from .row import Measured, Row, trained

LATENCIES = 100  # commands of which the time to the answer is measured
PIECE = RATE // 50  # samples that arrive at once, 20 ms


def rows() -> list[Row]:
    """In the order of the table."""
    return [
        Row("voices never heard, written down", f"Listener, {TRANSCRIPTION}; beam of 24 with counted letters", transcription, most={"word error rate": 0.05}, seconds=60),
        Row("free spoken digits, official split", f"SoundCNN, {DIGITS}", digits, least={"accuracy": 0.985}, seconds=90),
        Row("free spoken digits, each speaker left out", f"SoundCNN, {DIGITS}, six times", speakers),
        Row("connected digits", f"Listener, {CONNECTED}", connected, most={"word error rate": 0.08}, seconds=180),
        Row("wake word in noise of 10 dB", f"Spotter, {WAKING}; the threshold is one without a false alarm in validation; told: by one from the test itself", waking, most={"missed": 0.05, "false alarms an hour": 1.0}, seconds=60, told=(MISSED,)),
        Row("commands of voices never heard", f"Commander, {COMMANDS}; told: in words never said together in what was learned", commands, least={"intents right": 0.97, "slots F1": 0.95}, most={"ms to the answer, p95": 300}, seconds=60, told=("intents right, new words", "slots F1, new words")),
    ]  # fmt: skip


def muon(task: dl.Task, model: str, seed: int, threads: int, matrices: float, others: float, epochs: int) -> tuple[nn.Module, Measured]:
    """A fresh model, trained by `Muon` along a cosine and validated at the end, and what was measured."""
    with dl.seeded(seed):
        made = task.models[model]()
    optimizer = Muon.of(made, lr=matrices, lr_others=others, momentum=0.9)
    return made, trained(made, task, seed, threads, optimizer=optimizer, schedule="cosine", epochs=epochs, validate_every=epochs * len(task.train))


TRANSCRIPTION = "Muon 0.02, others 0.004, momentum 0.9, 2 epochs of batches of 24, cosine"
DIGITS = "Muon 0.02, others 0.003, momentum 0.9, 16 epochs of batches of 32, cosine"
CONNECTED = "Muon 0.02, others 0.004, momentum 0.9, 8 epochs of batches of 32, cosine"
WAKING = "Muon 0.02, others 0.004, momentum 0.9, 5 epochs of batches of 24, cosine"
COMMANDS = "14,000 commands, Muon 0.02, others 0.004, momentum 0.9, 2 epochs of batches of 64, cosine"


def transcription(seed: int, threads: int) -> Measured:
    """Sentences that were never said, by people who were never heard."""
    return muon(dl.speech.transcription(seed=seed), "Listener", seed, threads, 0.02, 4e-3, 2)[1]


def digits(seed: int, threads: int, speaker: str | None = None) -> Measured:
    """One digit at a time."""
    return muon(dl.speech.free_spoken_digits(speaker), "SoundCNN", seed, threads, 0.02, 3e-3, 16)[1]


def speakers(seed: int, threads: int) -> Measured:
    """The accuracy on each speaker, of a model that never heard them."""
    found = {who: digits(seed, threads, who) for who in SPEAKERS}
    values = {who: one.values["accuracy"] for who, one in found.items()}
    each = list(found.values())
    return Measured({"accuracy": statistics.mean(values.values()), **values}, sum(one.seconds for one in each), statistics.mean(one.loader for one in each))


def connected(seed: int, threads: int) -> Measured:
    """Rows of digits."""
    return muon(dl.speech.connected_digits(seed=seed), "Listener", seed, threads, 0.02, 4e-3, 8)[1]


def waking(seed: int, threads: int) -> Measured:
    """The threshold is set on the hour of validation, and counted on that of the test."""
    task = dl.speech.wake_word(seed=seed)
    task.split("valid").batch(0, 0, 0)  # makes the hour, which is no part of the training
    model, found = muon(task, "Spotter", seed, threads, 0.02, 4e-3, 5)
    threshold = threshold_for(*_said(model, task.split("valid")), most=0.0)  # misses can be spared rather than alarms
    said = _said(model, task.split("test"))
    share, an_hour = rates(*said, threshold)
    values = {"missed": share, "false alarms an hour": an_hour, "threshold": threshold, MISSED: missed(*said)}
    return Measured(values, found.seconds, found.loader)


def commands(seed: int, threads: int) -> Measured:
    """What is wanted, in words as they were learned and in new ones, and how long after the end of speech that is known."""
    model, found = muon(dl.speech.commands(said=14_000, seed=seed), "Commander", seed, threads, 0.02, 4e-3, 2)
    assert isinstance(model, Commander)
    known = dl.fit(model, dl.speech.commands(said=14_000, seed=seed, new_words=False), threads=threads, start=False)
    values = known.evaluate("test") | {f"{name}, new words": value for name, value in found.values.items()}
    known.stop()
    return Measured({**values, "ms to the answer, p95": float(np.quantile(latencies(model, seed), 0.95))}, found.seconds, found.loader)


def latencies(model: Commander, seed: int) -> list[float]:
    """Milliseconds from the last loud sample of each command to the answer: what had to be heard, and the time that it took to think."""
    draw = RandomState(seed)
    texts = [command(draw, learned=False).text for _ in range(LATENCIES)]
    found = []
    for voice in spoken(texts, PEOPLE["test"], seed):
        loud = np.flatnonzero(np.abs(voice.samples) > 0.03 * np.abs(voice.samples).max())[-1]
        sound = disturbed(voice.samples[:loud], draw, before=0.1, after=1.0)
        assistant, end = dl.speech.Assistant(model), loud + int(0.1 * RATE)
        for heard in range(0, len(sound), PIECE):
            begin = time.perf_counter()
            answer = assistant.hear(sound[heard : heard + PIECE])
            thought = time.perf_counter() - begin
            if answer is not None and heard + PIECE > end:
                found.append(1000 * ((heard + PIECE - end) / RATE + thought))
                break
        else:
            found.append(1000.0)  # no answer within a second, or only before the end
    return found


def _said(model: nn.Module, split: Any) -> tuple[Tensor, Tensor]:
    """The logits of a whole split, and its targets."""
    model.eval()
    with torch.inference_mode():
        batches = [split.batch(0, 0, position) for position in range(len(split))]
        return torch.cat([model(pictures)[0] for pictures, _ in batches]), torch.cat([target["said"] for _, target in batches])
