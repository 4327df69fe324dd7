"""What watching costs: steps per second of a bare loop against `dl.fit` with a view open, and against others.

    python benchmarks/overhead.py [--rounds 12] [--seconds 1.0] [--only lenet,gpt,mlp] [--ours]

All variants train the same model on the same batches with one thread, in one process, taking turns
(A B C … A B C …); the table gives medians over the rounds of the time a step takes relative to the
bare loop of the same round. The process is a real kernel: this script starts it, opens the complete
dashboard in it and plays the browser, which takes every frame and acknowledges it.

TensorBoard, tqdm, livelossplot, Lightning, fastai and skorch are measured where they are installed:
    pip install tensorboard tqdm livelossplot lightning fastai skorch
"""

import argparse
import json
import statistics
import sys
import threading
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel


def main() -> None:
    """Run the measurement in a kernel and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long each variant runs in a round")
    parser.add_argument("--only", default="lenet,gpt,mlp", help="which jobs: lenet, gpt, mlp")
    parser.add_argument("--ours", action="store_true", help="only the bare loop and dlnb")
    arguments = parser.parse_args()
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        with Browser(client) as browser:
            for job in arguments.only.split(","):
                code = (
                    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
                    f"import overhead_jobs; overhead_jobs.measure({job!r}, rounds={arguments.rounds}, "
                    f"seconds={arguments.seconds}, others={not arguments.ours})"
                )
                show(job, browser.execute(code), browser)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class Browser:
    """Plays the browser: says hello to each widget, and acknowledges each frame."""

    def __init__(self, client) -> None:
        self.client = client
        self.frames = 0
        self.bytes = 0
        self.text: list[str] = []
        self.idle: set[str] = set()
        self.error = ""
        self.open = True
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Browser":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False
        self.thread.join()

    def execute(self, code: str) -> list[dict]:
        """Run code in the kernel; returns the lines of JSON that it printed."""
        self.text.clear()
        request = self.client.execute(code, store_history=False)
        while request not in self.idle:
            time.sleep(0.1)
        if self.error:
            sys.exit(self.error)
        return [json.loads(line) for line in "".join(self.text).splitlines() if line.startswith("{")]

    def _listen(self) -> None:
        while self.open:
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except Exception:  # queue.Empty
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream" and content["name"] == "stdout":
                self.text.append(content["text"])
            elif kind == "error":
                self.error = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                self.idle.add(message["parent_header"].get("msg_id", ""))
            elif kind == "comm_open":
                self._send(content["comm_id"], {"kind": "hello", "view": "benchmark"})
            elif kind == "comm_msg" and content["data"].get("content", {}).get("kind") == "frame":
                self.frames += 1
                self.bytes += sum(len(buffer) for buffer in message["buffers"])
                self._send(content["comm_id"], {"kind": "ack", "view": "benchmark"})

    def _send(self, comm: str, content: dict) -> None:
        message = self.client.session.msg(
            "comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}}
        )
        # As JupyterLab does: widget messages go to a subshell, which answers while a cell computes.
        if self._subshell():
            message["header"]["subshell_id"] = self._subshell()
        self.client.shell_channel.send(message)

    def _subshell(self) -> str | None:
        if not hasattr(self, "_id"):
            self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
            reply = self.client.get_control_msg(timeout=10)
            self._id = reply["content"].get("subshell_id")
        return self._id


def show(job: str, lines: list[dict], browser: Browser) -> None:
    """Print the table of one job."""
    rounds = [line for line in lines if "seconds_per_step" in line]
    log = next(line["log"] for line in lines if "log" in line)
    names = list(rounds[0]["seconds_per_step"])
    bare = [row["seconds_per_step"]["bare loop"] for row in rounds]
    print(f"\n{rounds[0]['what']}: {len(rounds)} rounds, one thread, the bare loop takes {1e6 * statistics.median(bare):,.0f} µs a step")
    print(f"{'':34}{'µs a step':>12}{'ratio (median)':>16}{'quartiles':>16}{'says of itself':>16}")
    for name in names:
        ratios = [row["seconds_per_step"][name] / row["seconds_per_step"]["bare loop"] for row in rounds]
        times = [1e6 * row["seconds_per_step"][name] for row in rounds]
        low, _, high = statistics.quantiles(ratios, n=4)
        told = rounds[-1]["observing"].get(name)
        itself = "" if told is None else f"{told:15.2%}"
        print(f"{name:34}{statistics.median(times):12,.0f}{statistics.median(ratios):16.3f}{low:9.3f}–{high:.3f}{itself}")
    for when, times in log.items():
        p95 = times[int(0.95 * len(times))]
        print(f"run.log(loss=loss), {when}: median {1e6 * statistics.median(times):.2f} µs, p95 {1e6 * p95:.2f} µs")
    print(f"frames so far: {browser.frames}, {browser.bytes / max(1, browser.frames):,.0f} bytes each; not installed: {rounds[0]['missing'] or 'none'}")


if __name__ == "__main__":
    main()
