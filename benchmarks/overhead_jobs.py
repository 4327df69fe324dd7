"""The loops that `overhead.py` compares; runs inside the kernel that it starts."""

import contextlib
import io
import json
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

import dlnb as dl
from dlnb.data.batches import TensorBatches
from dlnb.preview import Images

torch.set_num_threads(1)
Variant = Callable[[int], float]  # takes a number of steps, returns seconds


class Block(nn.Module):
    """One layer of a GPT, pre-norm: x (B, T, C) → (B, T, C)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv, self.to_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.shape
        qkv = self.to_qkv(self.before_attention(x)).view(B, T, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, C/heads) each
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.to_out(mixed.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.before_mlp(x))


class GPT(nn.Module):
    """A character GPT: tokens (B, T) int64 → logits (B, T, vocabulary)."""

    def __init__(self, vocabulary: int = 65, context: int = 64, width: int = 128, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.to_logits = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.to_logits(self.norm(self.blocks(x)))


def next_token_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of (B, T, vocabulary) against (B, T)."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Job:
    """A model, batches, and how a step is made."""

    def __init__(self, name: str) -> None:
        torch.manual_seed(0)
        self.preview = None
        if name == "lenet":
            self.what, self.size, self.lr = "LeNet (8 and 16 filters), 28×28 pictures, batch 64, AdamW", 64, 1e-3
            self.x, self.y = torch.randn(4096, 1, 28, 28), torch.randint(10, (4096,))
            self.make = lambda: dl.vision.LeNet(size=28, width=8)
            pixels = (self.x[:24, 0].clamp(0, 1) * 255).byte().numpy()
            self.preview = lambda model: Images(
                pixels, tuple("0123456789"), self.y[:24].numpy(), model(self.x[:24]).softmax(1).numpy()
            )
            self.loss, self.optimizer = F.cross_entropy, torch.optim.AdamW
        elif name == "gpt":
            self.what, self.size, self.lr = "GPT (4 layers, 128 wide), 64 characters, batch 12, AdamW", 12, 1e-3
            tokens = torch.randint(65, (1200, 65))
            self.x, self.y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
            self.make = GPT
            self.loss, self.optimizer = next_token_loss, torch.optim.AdamW
        elif name == "mlp":
            self.what, self.size, self.lr = "MLP 2-8-8-1, batch 32, SGD", 32, 1e-2
            self.x = torch.randn(4096, 2)
            self.y = (self.x[:, :1] * self.x[:, 1:] > 0).float()
            self.make = lambda: nn.Sequential(
                nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)
            )
            self.loss, self.optimizer = F.binary_cross_entropy_with_logits, torch.optim.SGD
        else:
            raise ValueError(f"there is no job {name!r}; there are lenet, gpt and mlp")

    def parts(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        model = self.make()
        return model, self.optimizer(model.parameters(), lr=self.lr)

    def batches(self, steps: int):
        """As one writes it by hand: a new order each epoch, indexed."""
        done = 0
        while True:
            order = torch.randperm(len(self.x))
            for start in range(0, len(self.x), self.size):
                if done == steps:
                    return
                index = order[start : start + self.size]
                yield self.x[index], self.y[index]
                done += 1


class Loader:
    """The job's batches, a given number of them, as other libraries want them."""

    def __init__(self, job: Job, steps: int) -> None:
        self.job, self.steps = job, steps

    def __iter__(self):
        return self.job.batches(self.steps)

    def __len__(self) -> int:
        return self.steps


def loop(job: Job, around: Callable = lambda batches, steps: batches, log: Callable | None = None) -> Variant:
    """The hand-written loop, with something around its batches or after its step."""
    model, optimizer = job.parts()
    done = 0

    def train(steps: int) -> float:
        nonlocal done
        model.train()
        begin = time.perf_counter()
        for x, y in around(job.batches(steps), steps):
            loss = job.loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if log is not None:
                done += 1
                log(done, loss)
        return time.perf_counter() - begin

    return train


def fit(job: Job) -> Variant:
    """`dl.fit` with its dashboard open."""
    model, optimizer = job.parts()
    data = TensorBatches(job.x, job.y, size=job.size, shuffle=True)
    task = dl.Task("benchmark", train=data, loss=job.loss, preview=job.preview)
    run = dl.fit(model, task, optimizer=optimizer, epochs=10**6, threads=1)
    run.pause()

    def train(steps: int) -> float:
        begin = time.perf_counter()
        run.step(steps)
        return time.perf_counter() - begin

    return watched(run, train)


def record(job: Job) -> Variant:
    """The hand-written loop in `dl.record`, with its dashboard open."""
    model, optimizer = job.parts()
    run = dl.record(model, optimizer)

    def train(steps: int) -> float:
        model.train()
        with run:
            begin = time.perf_counter()
            for x, y in run.loop(Loader(job, steps)):
                loss = job.loss(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
            return time.perf_counter() - begin

    return watched(run, train)


RUNS: dict[Variant, "dl.Run"] = {}  # the run behind a variant
WIDGETS: list[object] = []  # so that they stay open


def watched(run: "dl.Run", train: Variant) -> Variant:
    """The same with a complete dashboard open, which a browser paints; fails if no frame was sent meanwhile."""
    widget = dl.watch(run)
    WIDGETS.append(widget)
    deadline = time.monotonic() + 20
    while not widget.is_watched:
        if time.monotonic() > deadline:
            raise RuntimeError("the browser did not say hello")
        time.sleep(0.05)

    def watching(steps: int) -> float:
        sent = next(iter(widget.views.values())).sent
        seconds = train(steps)
        if seconds > 0.6 and next(iter(widget.views.values())).sent == sent:
            raise RuntimeError("no frame was sent: the view was not open")
        return seconds

    RUNS[watching] = run
    return watching


def seconds_of_log(job: Job, steps: int) -> dict[str, list[float]]:
    """What `run.log(loss=loss)` takes right after a step, and when several are logged one after the other."""
    model, optimizer = job.parts()
    first, further = [], []
    with dl.record(model, optimizer) as run:
        for x, y in run.loop(Loader(job, steps)):
            loss = job.loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            others = [{f"loss {number}": loss} for number in range(8)]
            begin = time.perf_counter()
            run.log(loss=loss)
            first.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            for values in others:
                run.log(**values)
            further.append((time.perf_counter() - begin) / len(others))
    return {"right after a step": sorted(first), "one after the other": sorted(further)}


def tensorboard(job: Job) -> Variant:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tempfile.mkdtemp())
    return loop(job, log=lambda step, loss: writer.add_scalar("loss", loss.item(), step))


def tqdm(job: Job) -> Variant:
    from tqdm import tqdm

    bars = []

    def around(batches, steps):
        bars.append(tqdm(batches, total=steps, file=io.StringIO()))
        return bars[-1]

    return loop(job, around, lambda step, loss: bars[-1].set_postfix(loss=loss.item()))


def livelossplot(job: Job) -> Variant:
    from livelossplot import PlotLosses

    plot = PlotLosses(outputs=["MatplotlibPlot"])

    def log(step, loss):
        if step % 100 == 0:
            with contextlib.redirect_stdout(io.StringIO()):
                plot.update({"loss": loss.item()})
                plot.send()

    return loop(job, log=log)


def lightning(job: Job) -> Variant:
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    model, optimizer = job.parts()

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch, _):
            x, y = batch
            loss = job.loss(self.model(x), y)
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return optimizer

        def on_train_start(self) -> None:
            self.begin = time.perf_counter()

        def on_train_end(self) -> None:
            self.seconds = time.perf_counter() - self.begin

    module = Module()

    def train(steps: int) -> float:
        quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
        trainer = lightning.Trainer(max_steps=steps, accelerator="cpu", **quiet)
        trainer.fit(module, Loader(job, steps))
        return module.seconds

    return train


def fastai(job: Job) -> Variant:
    """Its Learner with the callbacks that it has by default."""
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    def make(parameters, lr):
        return OptimWrapper(parameters, job.optimizer, lr=lr)

    model, _ = job.parts()

    def train(steps: int) -> float:
        learner.dls = DataLoaders(Loader(job, steps), [], device=torch.device("cpu"))
        begin = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            learner.fit(1)
        return time.perf_counter() - begin

    learner = Learner(
        DataLoaders(Loader(job, 1), [], device=torch.device("cpu")), model, loss_func=job.loss, opt_func=make, lr=job.lr
    )
    return train


def skorch(job: Job) -> Variant:
    """Its NeuralNet, told of by its own callbacks once an epoch."""
    from skorch import NeuralNet

    class Criterion(nn.Module):
        def forward(self, output, target):
            return job.loss(output, target)

    model, _ = job.parts()
    steps_now = 1
    net = NeuralNet(
        model, criterion=Criterion, optimizer=job.optimizer, lr=job.lr, max_epochs=1, train_split=None, warm_start=True,
        iterator_train=lambda dataset, **_: Loader(job, steps_now),
    )  # fmt: skip

    def train(steps: int) -> float:
        nonlocal steps_now
        steps_now = steps
        begin = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            net.partial_fit(job.x, job.y)
        return time.perf_counter() - begin

    return train


OTHERS = {
    "TensorBoard": tensorboard, "tqdm with the loss": tqdm, "livelossplot every 100 steps": livelossplot,
    "Lightning": lightning, "fastai": fastai, "skorch": skorch,
}  # fmt: skip


def measure(name: str, rounds: int, seconds: float, others: bool) -> None:
    """Print one line of JSON a round: the seconds that a step takes in each variant; at last what logging takes."""
    job = Job(name)
    variants: dict[str, Variant] = {
        "bare loop": loop(job), "dl.fit with a view open": fit(job), "dl.record with a view open": record(job),
    }  # fmt: skip
    missing = []
    variants["bare loop, loss.item() kept"] = loop(job, log=lambda step, loss, kept=[]: kept.append(loss.item()))  # noqa: B006
    for label, make in OTHERS.items() if others else ():
        try:
            variants[label] = make(job)
        except ImportError as error:
            missing.append(f"{label.split()[0]} ({error})")
    steps = max(20, int(seconds / (variants["bare loop"](200) / 200)))
    for train in variants.values():
        train(min(steps, 100))  # once, to warm up
    for _ in range(rounds):
        row = {label: train(steps) / steps for label, train in variants.items()}
        told = {label: RUNS[train].observing for label, train in variants.items() if train in RUNS}
        line = {"what": job.what, "missing": ", ".join(missing), "seconds_per_step": row, "observing": told}
        print(json.dumps(line))
        sys.stdout.flush()
    print(json.dumps({"log": seconds_of_log(job, 4000 if name == "mlp" else 200)}))
