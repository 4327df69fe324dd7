"""What a page and its kernel hold while a run goes on under its dashboard, measured again and again."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

MB = 2**20

TRAIN = """import dlnb as dl
with dl.seeded(0):
    model = dl.vision.LeNet()
run = dl.fit(model, dl.vision.digits(), epochs=10**6)
widget = dl.watch(run)
widget"""

TOLD = "(__import__('os').getpid(), run.state, run.steps, run.history.nbytes, run.timeline.nbytes)"
ASK = """async (expression) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const asked = { code: '', silent: true, store_history: false, user_expressions: { it: expression } };
    return (await kernel.requestExecute(asked).done).content.user_expressions.it.data['text/plain'];
}"""


@dataclass
class Sample:
    """One look, `seconds` after the first. Bytes; nodes and listeners are those of the whole page."""

    seconds: float
    state: str
    steps: int
    resident: int  # of the kernel
    history: int  # what of it the columns of the run hold
    snapshots: int  # what of it the timeline holds, under its own budget
    heap: int  # of JavaScript, after a garbage collection
    nodes: int
    listeners: int

    @property
    def unexplained(self) -> int:
        """Memory of the kernel beyond what the run keeps on purpose."""
        return self.resident - self.history - self.snapshots

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  step {self.steps:9,}  kernel {self.resident / MB:7.1f} MB (history {self.history / MB:5.1f}, "
            f"snapshots {self.snapshots / MB:6.1f})  page {self.heap / MB:6.1f} MB, {self.nodes:6,} nodes, {self.listeners:5,} listeners"
        )


class Soak:
    """The page on which a run trains under its dashboard, every panel open, the curves smoothed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.developer = page.context.new_cdp_session(page)
        self.developer.send("Performance.enable")
        self.began = 0.0
        page.click("[data-fold=layers]")
        page.locator(".dlnb-tools input[aria-label=Smoothing]").fill("5")

    def look(self) -> Sample:
        """Collect garbage on the page, and measure page and kernel."""
        pid, state, steps, history, snapshots = ast.literal_eval(self.page.evaluate(ASK, TOLD))
        for _ in range(2):  # what the first collection finalises, the second takes away
            self.developer.send("HeapProfiler.collectGarbage")
        told = {metric["name"]: metric["value"] for metric in self.developer.send("Performance.getMetrics")["metrics"]}
        self.began = self.began or told["Timestamp"]
        return Sample(
            told["Timestamp"] - self.began, state, steps, resident(pid), history, snapshots,
            int(told["JSHeapUsedSize"]), int(told["Nodes"]), int(told["JSEventListeners"]),
        )  # fmt: skip

    def watch(self, seconds: float, every: float) -> list[Sample]:
        """A look each `every` seconds."""
        samples = [self.look()]
        while samples[-1].seconds < samples[0].seconds + seconds:
            self.page.wait_for_timeout(1000 * every)
            samples.append(self.look())
        return samples


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; needs Linux."""
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def slope(samples: list[Sample], of: str) -> float:
    """How much a number grows in a minute, by least squares."""
    minutes = [sample.seconds / 60 for sample in samples]
    values = [getattr(sample, of) for sample in samples]
    middle, mean = sum(minutes) / len(minutes), sum(values) / len(values)
    spread = sum((minute - middle) ** 2 for minute in minutes)
    return sum((minute - middle) * (value - mean) for minute, value in zip(minutes, values, strict=True)) / spread
