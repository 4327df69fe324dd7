"""Python's own documentation as a text to learn from."""

import re
from pydoc_data.topics import topics

from dlnb.text.tasks.language import documentation, python_docs


def test_every_paragraph_of_the_topics_is_there_once():
    parts = documentation().split("\n\n")
    assert len(parts) == len(set(parts)) and len(documentation()) > 100_000
    everything = {part.strip("\n") for text in topics.values() for part in re.split(r"\n\s*\n", text)}
    assert set(parts) == {part for part in everything if part.strip()}


def test_what_is_tested_lies_behind_all_that_is_learned():
    task = python_docs(context=32)
    text = "".join(task.tokenizer.decode(part.tokens.tolist()) for part in (task.train, task.valid, task.test))
    assert text == documentation()
    assert len(task.test.tokens) > 0.09 * len(text) and len(task.valid.tokens) > 0.04 * len(text)


def test_no_long_passage_of_the_test_was_learned():
    task = python_docs()
    learned = task.tokenizer.decode(task.train.tokens.tolist())
    tested = task.tokenizer.decode(task.test.tokens.tolist())
    pieces = [tested[start : start + 100] for start in range(0, len(tested) - 100, 100)]
    assert sum(piece in learned for piece in pieces) < 0.02 * len(pieces)


def test_counting_is_a_baseline_that_can_be_beaten():
    one, five = (value["bits per character"] for value in python_docs().measure_baselines().values())
    assert 4 < one < 5.5 and 2 < five < one - 1
