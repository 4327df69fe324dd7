"""What a busy cell does to a run: LeNet trains in a real kernel, which then computes in plain Python for 5 s.

    python benchmarks/busy.py [--rounds 5] [--seconds 5]

The run may become at most 3 times slower, and `run.busy`, which the dashboard shows, must say how much within a factor
of 1.5. The kernel's idle stretches and busy cells alternate.
"""

import argparse
import json
import statistics
import sys
import time

from jupyter_client.manager import start_new_kernel

START = """
import json, time
import dlnb as dl
with dl.seeded(0):
    model = dl.vision.LeNet(size=8)
run = dl.fit(model, dl.vision.digits(), epochs=100_000, threads=1)

def tell():
    print(json.dumps([time.perf_counter(), run.steps, run.busy]))
"""
BUSY = """
tell()
end = time.perf_counter() + {seconds}
while time.perf_counter() < end:
    for number in range(10_000):
        pass
tell()
"""


def main() -> None:
    """Measure, print, and leave with 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        execute(client, START)
        time.sleep(2)
        print(f"{'':8}{'steps/s alone':>15}{'steps/s busy':>15}{'slower':>9}{'run.busy says':>15}{'alone it says':>15}")
        slower, said = [], []
        for number in range(arguments.rounds):
            ((begin, first, _),) = execute(client, "tell()")
            time.sleep(arguments.seconds)
            ((end, last, quiet),) = execute(client, "tell()")
            alone = (last - first) / (end - begin)
            (begin, first, _), (end, last, busy) = execute(client, BUSY.format(seconds=arguments.seconds))
            beside = (last - first) / (end - begin)
            slower.append(alone / beside)
            said.append(busy)
            print(f"{number + 1:<8}{alone:15,.1f}{beside:15,.1f}{slower[-1]:9.2f}{busy:15.2f}{quiet:15.2f}", flush=True)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    times, word = statistics.median(slower), statistics.median(said)
    good = times <= 3 and 1 / 1.5 <= word / times <= 1.5
    print(f"median {times:.2f} times slower (limit 3), run.busy said {word:.2f} (within a factor of 1.5): {'ok' if good else 'NO'}")
    sys.exit(not good)


def execute(client, code: str) -> list[list[float]]:
    """Run code in the kernel; the lines of JSON that it printed."""
    text: list[str] = []

    def hear(message: dict) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            text.append(message["content"]["text"])

    reply = client.execute_interactive(code, store_history=False, output_hook=hear, timeout=300)
    if reply["content"]["status"] != "ok":
        sys.exit("\n".join(reply["content"]["traceback"]))
    return [json.loads(line) for line in "".join(text).splitlines()]


if __name__ == "__main__":
    main()
