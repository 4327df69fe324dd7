"""Measures every notebook and writes the table of minutes, seconds and memory into the README.

Stops, and writes nothing, if a notebook does not pass its test or is over its budget.
"""

import argparse
import math
import sys
from pathlib import Path

import nbformat
from notebook_run import ROOT, Outcome, budget_of, course, run_as_test, title_of
from readme import README, write_table

HEAD = """\
| notebook | minutes to work through | seconds to run | memory at its peak |
|---|---:|---:|---:|
"""


def row(notebook: Path, outcome: Outcome) -> str:
    """A line of the table. Rounded up: seconds to 5, megabytes to 50, which is what two runs differ by."""
    minutes = nbformat.read(notebook, as_version=4).metadata["dlnb"]["minutes"]
    seconds, megabytes = 5 * math.ceil(outcome.seconds / 5), 50 * math.ceil(outcome.megabytes / 50)
    path = notebook.relative_to(ROOT).as_posix()
    return f"| [{title_of(notebook)}]({path}) | {minutes} | {seconds} | {megabytes} MB |\n"


def main() -> int:
    """Measure, then write; nothing is written unless every notebook passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="show the table, write nothing")
    only_print = parser.parse_args().print
    table = HEAD
    for notebook in course():
        budget = budget_of(notebook)
        outcome = run_as_test(notebook, budget)
        print(f"{notebook.name}: {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB", file=sys.stderr, flush=True)
        if not outcome.passed:
            print(outcome.report, file=sys.stderr)
        wrong = outcome.over(budget) + ([] if outcome.passed else ["does not reproduce its outputs"])
        if wrong:
            print(f"{notebook.name} {' and '.join(wrong)}. {README.name} is left as it was.", file=sys.stderr)
            return 1
        table += row(notebook, outcome)
    if only_print:
        print(table, end="")
    else:
        write_table("budgets", table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
