"""Rows of the zoo's table: models that read and write."""

import math
import statistics
import time

import torch
from torch import Tensor

import dlnb as dl
from dlnb.fast import Muon, fast_linear
from dlnb.text.models import GPT, ModernGPT, Translator
from dlnb.text.models.bert import BERT, BERTClassifier
from dlnb.text.sampling import generate

from .row import Measured, Row, learned, scaled, trained

CHARACTERS = 65  # that occur in tiny Shakespeare


def rows() -> list[Row]:
    """In the order of the table."""
    text = dl.text
    return [
        Row("tiny Shakespeare, context 64", "ModernGPT with 2 heads, Muon 0.05, momentum 0.9, others 0.015, 140 steps of 24 windows, linear to 0; beside nanoGPT's recipe on GPT", beside_nanogpt, {"times as fast": 6}, {"loss": 1.898}),
        Row("tiny Shakespeare, free choice", "ModernGPT with 2 heads, context 256, Muon 0.05, momentum 0.9, others 0.015, 740 steps of 8 windows, linear to 0", free_choice, most={"loss": 1.6}, seconds=180),
        Row("GPT, 6 layers, 256 wide, writes 496 tokens", "keys and values kept, beside all read again", generation, {"times as fast": 5}),
        learned("SST-2", lambda seed: text.sst2(batch_size=64), "naive Bayes and TextCNN", {"accuracy": 0.8}, 120, said="batches of 64", lr=2e-3, epochs=8),
        Row("reviews, 100 labels", "BERT, hidden words filled in before; beside BERT from scratch", pretrained_reviews, {"points gained": 10}, seconds=60),
        learned("English to French, grammar", lambda seed: text.translation(), "Translator", {"exactly right": 0.95}, 60, lr=2e-3, epochs=5, clip=1.0),
        Row("Multi30k, English to German", "Translator, 256 inside, no dropout, 2,000 pieces, Muon 0.02, others 0.006, 2 epochs of batches of 64, linear to 0, labels smoothed by 0.1; the likeliest word each time", translated, {"BLEU": 15}, seconds=180),
    ]  # fmt: skip


def beside_nanogpt(seed: int, threads: int) -> Measured:
    """The loss of nanoGPT's setting for a processor, reached in less time than its own recipe takes, one after the other here.

    Source of the recipe: the README of github.com/karpathy/nanoGPT, "I only have a macbook"; AdamW as in its train.py.
    """
    steps, warm = 2000, 100

    def scale(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))

    with dl.seeded(seed):
        model = GPT(CHARACTERS, context=64)
    decayed = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    task = dl.text.tiny_shakespeare(64, 12, held_out=0)
    theirs = trained(model, task, seed, threads, steps, optimizer=adamw, schedule=scaled(scale), epochs=2, clip=1.0)
    ours = muon(seed, threads, context=64, batch=24, steps=140)
    values = {"times as fast": theirs.seconds / ours.seconds, "loss": ours.values["loss"], "loss of nanoGPT's recipe": theirs.values["loss"]}
    return Measured(values, ours.seconds, ours.loader)


def free_choice(seed: int, threads: int) -> Measured:
    """The same text with a longer view back."""
    return muon(seed, threads, context=256, batch=8, steps=740)


def muon(seed: int, threads: int, context: int, batch: int, steps: int) -> Measured:
    """A `ModernGPT` on tiny Shakespeare, by Muon, its learning rates going to 0 along a line."""
    with dl.seeded(seed):
        model = ModernGPT(CHARACTERS, context, heads=2, linear=fast_linear())
    task = dl.text.tiny_shakespeare(context, batch, held_out=0)
    optimizer = Muon.of(model, lr=0.05, lr_others=0.015, momentum=0.9)
    schedule = scaled(lambda step: max(0.0, 1 - step / steps))
    return trained(model, task, seed, threads, steps, optimizer=optimizer, schedule=schedule, epochs=1 + steps // len(task.train))


def translated(seed: int, threads: int) -> Measured:
    """A small `Translator` by Muon; in two epochs it learns nothing by heart, so there is no dropout."""
    task, epochs = dl.text.multi30k(batch_size=64, pieces=2000), 2
    english, german = task.tokenizer
    with dl.seeded(seed):
        model = Translator(len(english), len(german), inner=256, dropout=0.0)
    steps = epochs * len(task.train)
    schedule = scaled(lambda step: max(0.0, 1 - step / steps))
    optimizer = Muon.of(model, lr=0.02, lr_others=6e-3)
    return trained(model, task, seed, threads, optimizer=optimizer, schedule=schedule, epochs=epochs)


def generation(seed: int, threads: int) -> Measured:
    """Tokens a second with the keys and values kept, over those without, in turns; the tokens must be the same."""
    torch.set_num_threads(threads)
    with dl.seeded(seed):
        model = GPT(CHARACTERS, context=512, width=256, layers=6, heads=8)
        prompt = torch.randint(CHARACTERS, (1, 16))
    times: dict[bool, list[float]] = {True: [], False: []}
    written: list[Tensor] = []
    for turn in range(6):
        for use_cache in (True, False) if turn % 2 else (False, True):
            begin = time.perf_counter()
            with torch.inference_mode():
                written.append(generate(model, prompt, 496, seed=seed, use_cache=use_cache))
            times[use_cache].append(time.perf_counter() - begin)
    if not all(torch.equal(one, written[0]) for one in written):
        raise SystemExit("with and without the cache other tokens were written")
    kept, again = statistics.median(times[True]), statistics.median(times[False])
    return Measured({"times as fast": again / kept, "tokens a second": 496 / kept}, kept, 0.0)


def pretrained_reviews(seed: int, threads: int) -> Measured:
    """A BERT that has filled in hidden words, beside one that has not, both fine-tuned on 100 labels."""
    masked, labelled = dl.text.masked_reviews(), dl.text.reviews(100, seed=seed)
    found, seconds = {}, 0.0
    for name in ("scratch", "pretrained"):
        with dl.seeded(seed):
            bert = masked.models["BERT"]()
            assert isinstance(bert, BERT)
        if name == "pretrained":
            seconds += trained(bert, masked, seed, threads, lr=3e-3, epochs=6, schedule="cosine", clip=1.0).seconds
        with dl.seeded(seed):
            classifier = BERTClassifier(bert, 2)
        one = trained(classifier, labelled, seed, threads, lr=1e-3, epochs=15, schedule="cosine")
        found[name], seconds = one.values["accuracy"], seconds + one.seconds
    return Measured({"points gained": 100 * (found["pretrained"] - found["scratch"]), **found}, seconds, 0.0)
