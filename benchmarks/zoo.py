"""What the zoo's models learn from random weights, and how long it takes: the table in the README.

    python benchmarks/zoo.py [--only digits,mnist] [--seeds 3] [--threads 2] [--write]

Each row is one recipe for all seeds; a seed draws the first weights and the order of the data (for the digits and the faces
also the split). Time is that of training alone, by the clock, validation included. "Loader" is the share of that time in which
batches were made; memory is the peak of a process that does nothing else. With --write what was measured goes into zoo.json,
and the table of all that is there into the README. DLNB_DATA is the folder with the real sets; without it they are fetched.
"""

import argparse
import dataclasses
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from zoo_rows import Measured, Row, rows

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))
from readme import write_table  # noqa: E402  a module of scripts/, which is no package

KEPT = HERE / "zoo.json"
MOST_SHARE, MOST_MEGABYTES = 0.10, 1536  # of the training time that making batches may take; of memory
HEAD = """\
| task | model and recipe | asked | measured: worst, median | time asked | longest | loader | memory | reached |
|---|---|---|---|---:|---:|---:|---:|---|
"""


def measure(name: str, seeds: int, threads: int) -> dict[str, Any]:
    """Measure one row in this process."""
    torch.set_num_threads(threads)
    row = next(row for row in rows() if row.name == name)
    found = []
    for seed in range((row.seeds or seeds) if seeds > 1 else 1):
        found.append(row.measure(seed, threads))
        one = found[-1]
        values = {key: round(value, 4) for key, value in one.values.items()}
        print(f"  {row.name}, seed {seed}: {values}, {one.seconds:.1f} s, loader {one.loader:.1%}", file=sys.stderr, flush=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"setting": row.setting, "threads": threads, "megabytes": round(megabytes), "found": [dataclasses.asdict(one) for one in found]}


def line(row: Row, kept: dict[str, Any]) -> str:
    """A line of the table: of each metric the worst and the median over the seeds."""
    found = [Measured(**one) for one in kept["found"]]
    asked, measured, reached = [], [], []
    for limits, sign, worst in ((row.least, "≥", min), (row.most, "≤", max)):
        for name, limit in limits.items():
            values = [one.values[name] for one in found]
            asked.append(f"{name} {sign} {limit:g}")
            measured.append(f"{worst(values):.3g}, {statistics.median(values):.3g}" if limit < 1 else f"{worst(values):.4g}, {statistics.median(values):.4g}")
            reached.append(worst(values) >= limit if worst is min else worst(values) <= limit)
    if not asked:  # a row that only tells
        names = list(found[0].values)
        measured = [f"{name} {min(one.values[name] for one in found):.3g}, {statistics.median(one.values[name] for one in found):.3g}" for name in names]
    for name in row.told:
        values = sorted(one.values[name] for one in found)
        measured.append(f"{name} {values[0]:.3g} to {values[-1]:.3g}")
    seconds, loader = max(one.seconds for one in found), max(one.loader for one in found)
    reached += [seconds <= row.seconds, loader <= MOST_SHARE, kept["megabytes"] <= MOST_MEGABYTES]
    allowed = f"{row.seconds:g} s" if row.seconds < float("inf") else ""
    return (
        f"| {row.name} | {row.setting} | {'; '.join(asked)} | {'; '.join(measured)} | {allowed} | {seconds:.0f} s | "
        f"{loader:.1%} | {kept['megabytes']} MB | {('yes' if all(reached) else 'no') if asked else 'told'} |\n"
    )


def table(kept: dict[str, Any]) -> str:
    """The table of all rows that were measured by the recipe that they have now."""
    return HEAD + "".join(line(row, kept[row.name]) for row in rows() if row.name in kept and kept[row.name]["setting"] == row.setting)


def main() -> None:
    """Each row in a process of its own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of the names of rows, with commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep what was measured, and put the table into the README")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        print(json.dumps(measure(arguments.row, arguments.seeds, arguments.threads)))
        return
    if arguments.write and arguments.seeds < 3:
        parser.error("the README speaks of three seeds or more: leave out --write, or give --seeds 3")
    parts = [part.strip().lower() for part in arguments.only.split(",") if part.strip()]
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    print(HEAD, end="", flush=True)
    for row in rows():
        if parts and not any(part in row.name.lower() for part in parts):
            continue
        command = [sys.executable, __file__, "--row", row.name, "--seeds", str(arguments.seeds), "--threads", str(arguments.threads)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        kept[row.name] = json.loads(done.stdout.splitlines()[-1])
        print(line(row, kept[row.name]), end="", flush=True)
        if arguments.write:
            KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            write_table("zoo", table(kept))


if __name__ == "__main__":
    main()
