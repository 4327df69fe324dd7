"""The table of what the models learn: the README's is of what was measured, by recipes that are still the same."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def zoo():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("zoo")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def kept(zoo):
    return json.loads(zoo.KEPT.read_text())


def test_the_readme_holds_the_table_of_what_was_measured(zoo):
    assert importlib.import_module("readme").table_of("zoo") == zoo.table(kept(zoo)), "run `python benchmarks/zoo.py --write`"


def test_what_was_measured_is_of_the_recipes_that_are_there(zoo):
    settings = {row.name: row.setting for row in zoo.rows()}
    for name, one in kept(zoo).items():
        assert settings.get(name) == one["setting"], f"measure {name!r} again: `python benchmarks/zoo.py --only {name!r} --write`"


def test_a_line_shows_the_worst_and_the_median_and_tells_what_is_missed(zoo):
    row = zoo.Row("thing", "Model, lr 1", lambda seed, threads: None, {"accuracy": 0.9}, {"loss": 2.0}, 60)

    def reached(megabytes=100, **last):
        found = [{"values": {"accuracy": 0.95, "loss": 1.5}, "seconds": 50.0, "loader": 0.05} for _ in range(2)]
        found.append({"values": {"accuracy": 0.91, "loss": 1.9}, "seconds": 55.0, "loader": 0.02, **last})
        return zoo.line(row, {"megabytes": megabytes, "found": found})

    line = reached()
    assert "| accuracy ≥ 0.9; loss ≤ 2 | 0.91, 0.95; 1.9, 1.5 | 60 s | 55 s | 5.0% | 100 MB | yes |" in line
    for missed in (
        {"values": {"accuracy": 0.89, "loss": 1.9}},
        {"values": {"accuracy": 0.91, "loss": 2.1}},
        {"seconds": 61.0},
        {"loader": 0.11},
        {"megabytes": 1600},
    ):
        assert reached(**missed).endswith("| no |\n"), missed


def test_what_is_told_stands_beside_what_is_asked_and_changes_no_verdict(zoo):
    row = zoo.Row("thing", "Model, lr 1", lambda seed, threads: None, {"accuracy": 0.9}, told=("of others",))
    found = [{"values": {"accuracy": 0.95, "of others": other}, "seconds": 50.0, "loader": 0.05} for other in (0.3, 0.1, 0.2)]
    line = zoo.line(row, {"megabytes": 100, "found": found})
    assert "| 0.95, 0.95; of others 0.1 to 0.3 |" in line and line.endswith("| yes |\n")
