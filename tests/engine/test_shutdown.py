"""Ending and interrupting a real kernel that trains: no abort at its end, and no step lost by an interrupt.

`DLNB_SHUTDOWNS=20` ends twenty kernels, by default three.
"""

import itertools
import os
import threading
import time
from pathlib import Path

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

SOON = 60  # seconds

FIT = """
import time
import dlnb as dl
with dl.seeded(0):
    model = dl.vision.LeNet()
run = dl.fit(model, dl.vision.digits(), epochs=100_000, threads=1)
while run.steps < 20:
    time.sleep(0.01)
print("training")
"""
RECORD = """
import torch
import dlnb as dl
model = torch.nn.Sequential(torch.nn.Linear(20, 50), torch.nn.ReLU(), torch.nn.Linear(50, 1))
optimizer = torch.optim.Adam(model.parameters())
batches = [torch.randn(32, 20) for _ in range(100)]
with dl.record(model, optimizer) as run:
    for x in run.loop(batches, epochs=100_000):
        optimizer.zero_grad()
        loss = (model(x) - x[:, :1]).square().mean()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        if run.steps == 20:
            print("training")
"""
SITUATIONS = {
    "a run in the background": FIT,
    "an open dashboard": FIT.replace("while", "widget = dl.watch(run)\nwhile"),
    "a loop of one's own": RECORD,
    "a cell that waits for the run": FIT + "run.wait()",
    "a busy cell beside the run": FIT + "while True: pass",
}
COUNT = int(os.environ.get("DLNB_SHUTDOWNS", 3))


class Kernel:
    """A kernel of its own process, what it prints, and what it leaves on its standard error."""

    def __init__(self, folder: Path) -> None:
        self.stderr = folder / "stderr"
        self.manager = KernelManager(kernel_name="python3", shutdown_wait_time=2 * SOON)
        with self.stderr.open("w") as file:
            self.manager.start_kernel(stderr=file, env={**os.environ, "DLNB_AUTOSAVE": "1", "XDG_STATE_HOME": str(folder)})
        self.process = self.manager.provisioner.process
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=2 * SOON)
        self.frames = 0

    def begin(self, code: str, until: str = "training") -> str:
        """Run a cell and return as soon as it has printed a word; its message id."""
        request = self.client.execute(code, store_history=False, stop_on_error=False)
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=SOON)
            content = message["content"]
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(content["traceback"]))
            if message["msg_type"] == "stream" and until in content["text"]:
                return request
            if message["msg_type"] == "comm_open":
                self.tell(content["comm_id"], "hello")
        raise AssertionError(f"the cell did not print {until!r}")

    def tell(self, comm: str, kind: str) -> None:
        """Say something as a view of a widget does."""
        data = {"method": "custom", "content": {"kind": kind, "view": "test"}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))

    def paint(self, frames: int) -> None:
        """Take some frames of the dashboard, as a browser does."""
        while self.frames < frames:
            message = self.client.get_iopub_msg(timeout=SOON)
            if message["msg_type"] == "comm_msg" and message["content"]["data"].get("content", {}).get("kind") == "frame":
                self.frames += 1
                self.tell(message["content"]["comm_id"], "ack")

    def reply(self, request: str) -> dict:
        """How a cell that was begun has ended."""
        while True:
            message = self.client.get_shell_msg(timeout=SOON)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]

    def run(self, code: str) -> str:
        """Run a cell to its end and return what it printed."""
        text: list[str] = []

        def hear(message: dict) -> None:
            if message["msg_type"] == "stream":
                text.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, store_history=False, output_hook=hear, timeout=2 * SOON)
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"].get("traceback", []))
        return "".join(text).strip()

    def interrupt(self) -> None:
        """As the button does."""
        self.manager.interrupt_kernel()

    def shut_down(self) -> int:
        """End it as Jupyter does; the return code of its process."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()
        return self.process.returncode

    def kill(self) -> None:
        """End it if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def kernel(tmp_path):
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.kill()


@pytest.mark.parametrize("number, situation", list(enumerate(itertools.islice(itertools.cycle(SITUATIONS), COUNT))))
def test_a_kernel_that_trains_ends_without_an_abort(kernel, number, situation):
    kernel.begin(SITUATIONS[situation])
    if "dashboard" in situation:
        kernel.paint(frames=5)
    time.sleep(0.05 * (number % 7))  # somewhere else in a step each time
    begin = time.monotonic()
    code = kernel.shut_down()
    stderr = kernel.stderr.read_text()
    assert code == 0, f"{code} after {time.monotonic() - begin:.1f} s: {stderr[-2000:]}"
    for sign in ("terminate called", "Fatal Python error", "Segmentation", "Aborted"):
        assert sign not in stderr, stderr[-2000:]


REFERENCE = """
import time
import dlnb as dl
import torch
task = dl.vision.digits()
batches = [torch.randn(32, 20, generator=torch.Generator().manual_seed(i)) for i in range(3000)]

def lenet():
    with dl.seeded(0):
        return dl.vision.LeNet()

def network():
    with dl.seeded(0):
        return torch.nn.Sequential(torch.nn.Linear(20, 50), torch.nn.ReLU(), torch.nn.Linear(50, 1))

def train(run, optimizer, rest, say=False):
    with run:
        for x in run.loop(rest):
            optimizer.zero_grad()
            loss = (run.model(x) - x[:, :1]).square().mean()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
            if say and run.steps == 50:
                print("training")

def same(run, other):
    weights = zip(run.model.state_dict().values(), other.model.state_dict().values())
    history = [run.history["loss"].tolist() == other.history["loss"].tolist(), run.steps == other.steps]
    print(history, all(torch.equal(a, b) for a, b in weights))

alone = dl.fit(lenet(), task, epochs=12, threads=1, block=True)
"""
GO = """
run = dl.fit(lenet(), task, epochs=12, threads=1)
while run.steps < 20:
    time.sleep(0.001)
print("training")
"""
SAME = "[True, True] True"


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """A kernel that has trained once without being disturbed."""
    kernel = Kernel(tmp_path_factory.mktemp("learner"))
    kernel.run(REFERENCE)
    yield kernel
    kernel.kill()


def test_an_interrupt_of_wait_pauses_the_run_and_loses_no_step(learner):
    request = learner.begin(GO + "run.wait()")
    learner.interrupt()
    reply = learner.reply(request)
    assert reply["ename"] == "KeyboardInterrupt" and "run.resume()" in reply["evalue"], reply
    assert learner.run("print(run.state, run.steps < run.total_steps)") == "paused True"
    assert learner.run("run.resume(); run.wait(); same(run, alone)") == SAME


def test_an_interrupt_of_a_busy_cell_does_not_touch_the_run(learner):
    request = learner.begin(GO + "while True: pass")
    learner.interrupt()
    assert learner.reply(request)["ename"] == "KeyboardInterrupt"
    assert learner.run("print(run.state in ('running', 'done')); run.wait(); same(run, alone)") == f"True\n{SAME}"


def test_an_interrupt_of_a_loop_of_ones_own_falls_between_two_steps(learner):
    learner.run(
        "model = network(); optimizer = torch.optim.Adam(model.parameters())\n"
        "whole = dl.record(model, optimizer); train(whole, optimizer, batches)\n"
        "model = network(); optimizer = torch.optim.Adam(model.parameters()); own = dl.record(model, optimizer)"
    )
    request = learner.begin("train(own, optimizer, batches, say=True)")
    learner.interrupt()
    assert learner.reply(request)["ename"] == "KeyboardInterrupt"
    made = "print(own.state, 50 <= own.steps < 3000, len(own.history['loss']) == own.steps)"
    assert learner.run(made) == "paused True True"
    assert learner.run("train(own, optimizer, batches[own.steps:]); same(own, whole)") == SAME


def test_many_interrupts_in_a_row_end_nothing_but_the_cell(learner):
    request = learner.begin(GO + "run.wait()")
    threads = [threading.Timer(0.03 * number, learner.interrupt) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert learner.reply(request)["ename"] == "KeyboardInterrupt"
    assert learner.run("run.resume(); run.wait(); same(run, alone)") == SAME
