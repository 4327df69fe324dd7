"""The rows of the zoo's table: which model learns which task by which recipe, and what it is to reach."""

import copy
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

import dlnb as dl
from dlnb.fast import Muon, fast_linear
from dlnb.text.models import GPT, ModernGPT, Translator
from dlnb.text.models.bert import BERT, BERTClassifier
from dlnb.text.sampling import generate

ANSWERS = ("head", "what", "where")  # layers that give a model's answer, which Muon leaves to Adam
CHARACTERS = 65  # that occur in tiny Shakespeare


@dataclass(frozen=True)
class Measured:
    """One training: metrics on the test split, seconds of training, and the share of them in which batches were made."""

    values: dict[str, float]
    seconds: float
    loader: float


@dataclass(frozen=True)
class Row:
    """A line of the table.

    setting: model and recipe in words. measure: of a seed and a number of threads. least, most: what metrics are to reach.
    seconds: of training at the most. seeds: where more than usual are asked.
    """

    name: str
    setting: str
    measure: Callable[[int, int], Measured]
    least: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    seconds: float = math.inf
    seeds: int = 0


def rows() -> list[Row]:
    """All rows, in the order of the table."""
    vision, text = dl.vision, dl.text
    return [
        learned("digits, five splits", lambda seed: vision.digits(seed=seed, batch_size=128), "LeNet", {"accuracy": 0.985}, 10, seeds=5, said="batches of 128", lr=7e-3, epochs=30),
        learned("MNIST's 10,000", lambda seed: vision.mnist(), "LeNet", {"accuracy": 0.985}, 60, lr=3e-3, epochs=4),
        learned("scenes, detection", lambda seed: vision.scenes_detection(scenes=2100), "Detector", {"AP50": 0.9, "AP": 0.6}, 60, said="2,100 scenes", muon=0.05, others=3e-3, epochs=4),
        learned("scenes, segmentation", lambda seed: vision.scenes_segmentation(scenes=1350), "UNet", {"mean IoU": 0.85}, 60, said="1,350 scenes", muon=0.05, others=4e-3, epochs=3),
        learned("Penn-Fudan, detection", lambda seed: vision.penn_fudan_detection(), "Detector", {"AP50": 0.55}, 180, muon=0.05, others=3e-3, epochs=40),
        learned("Penn-Fudan, segmentation", lambda seed: vision.penn_fudan_segmentation(), "UNet", {"IoU person": 0.7}, 180, muon=0.05, others=4e-3, epochs=45),
        learned("ORL faces, ten people never seen, five splits", lambda seed: vision.orl_faces(seed=seed), "FaceNet", {"area under ROC": 0.98}, 60, seeds=5, lr=2e-3, epochs=32),
        Row("tiny Shakespeare, context 64", "ModernGPT with 2 heads, Muon 0.05, momentum 0.9, others 0.015, 140 steps of 24 windows, linear to 0; beside nanoGPT's recipe on GPT", beside_nanogpt, {"times as fast": 6}, {"loss": 1.898}),
        Row("tiny Shakespeare, free choice", "ModernGPT with 2 heads, context 256, Muon 0.05, momentum 0.9, others 0.015, 740 steps of 8 windows, linear to 0", free_choice, most={"loss": 1.6}, seconds=180),
        Row("GPT, 6 layers, 256 wide, writes 496 tokens", "keys and values kept, beside all read again", generation, {"times as fast": 5}),
        learned("SST-2", lambda seed: text.sst2(batch_size=64), "naive Bayes and TextCNN", {"accuracy": 0.8}, 120, said="batches of 64", lr=2e-3, epochs=8),
        Row("reviews, 100 labels", "BERT, hidden words filled in before; beside BERT from scratch", pretrained_reviews, {"points gained": 10}, seconds=60),
        learned("English to French, grammar", lambda seed: text.translation(), "Translator", {"exactly right": 0.95}, 60, lr=2e-3, epochs=5, clip=1.0),
        Row("Multi30k, English to German", "Translator, 256 inside, no dropout, 2,000 pieces, Muon 0.02, others 0.006, 2 epochs of batches of 64, linear to 0, labels smoothed by 0.1; the likeliest word each time", translated, {"BLEU": 15}, seconds=180),
    ]  # fmt: skip


def learned(
    name: str, make: Callable[[int], dl.Task], model: str, least: dict[str, float], seconds: float,
    seeds: int = 0, said: str = "", muon: float = 0.0, others: float = 0.0, **recipe: Any,
) -> Row:  # fmt: skip
    """A row of one training, by a cosine schedule unless another is given. make: the task of a seed; model: its name in the task.

    said: what is to be known of the task. muon, others: learning rates of `Muon`, for the matrices and for all else; without them `dl.fit` has its own optimiser.
    """
    recipe = {"schedule": "cosine", **recipe}

    def measure(seed: int, threads: int) -> Measured:
        task = make(seed)
        with dl.seeded(seed):
            made = task.models[model]()
        own = {"optimizer": Muon.of(made, ANSWERS, lr=muon, lr_others=others)} if muon else {}
        return trained(made, task, seed, threads, **own, **recipe)

    by = [f"Muon {muon:g}, others {others:g}"] if muon else []
    setting = ", ".join([model, *([said] if said else []), *by, *(f"{key} {value}" for key, value in recipe.items())])
    return Row(name, setting, measure, least, seconds=seconds, seeds=seeds)


def trained(model: nn.Module, task: dl.Task, seed: int, threads: int, steps: int = 0, **recipe: Any) -> Measured:
    """Train and measure. steps: how many; by default all of the recipe's epochs."""
    task = copy.copy(task)
    task.train = Timed(task.train)
    run = dl.fit(model, task, seed=seed, threads=threads, start=False, **recipe)
    begin = time.perf_counter()
    if steps:
        run.step(steps)
    else:
        run.start()
        run.wait()
    seconds = time.perf_counter() - begin
    found = Measured(run.evaluate("test"), seconds, task.train.seconds / seconds)
    run.stop()
    return found


class Timed:
    """Batches, and how long they took to make."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, seed: int, epoch: int, position: int) -> Any:
        """See `Batches.batch`."""
        begin = time.perf_counter()
        made = self._batches.batch(seed, epoch, position)
        self.seconds += time.perf_counter() - begin
        return made


# Rows that are more than one training.


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


def scaled(scale: Callable[[int], float]) -> Callable[[Any], Any]:
    """A schedule for `dl.fit`: every learning rate times what a function says of the step."""
    return lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, scale)


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
