"""Progress goes along as JSON: nothing is lost on the way, doing it twice changes nothing, and damage is refused in words."""

import json
import subprocess
import sys
import time

import pytest

from dlnb.course.portable import NoProgress, exported, merged, read
from dlnb.course.progress import Answered, Attempted, Progress

CLASS = 50  # learners' kernels on one machine
WRITES = 8  # of each kind by each of them

# A kernel of a class: waits until all are there, then writes at the same time as the others.
LEARNER = """
import sys, time
from pathlib import Path
from dlnb.course.progress import Progress
folder, name, writes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
(folder / f"{name}.there").touch()
while not (folder / "begin").exists():
    time.sleep(0.005)
progress = Progress(folder / "shared")
for i in range(writes):
    progress.record("10_a.ipynb", [f"{name}-{i}"])
    progress.checked("10.1", right=False)
    progress.checked(f"{name}.{i}", right=True)
"""


@pytest.fixture
def progress(tmp_path):
    kept = Progress(tmp_path / "one")
    kept.record("10_a.ipynb", ["x", "y"])
    kept.checked("10.1", right=False)
    kept.hinted("10.1", 2)
    kept.checked("10.1", right=True)
    kept.shown("10.2")
    kept.answered("10/shared-weights", ["its maps are smaller", "ü $x$"], right=False)
    return kept


def test_how_it_went_with_an_exercise_is_kept(tmp_path, progress):
    kept = Progress(tmp_path / "one").exercises()
    one, two = kept["10.1"], kept["10.2"]
    assert (one.tries, one.hints, one.alone) == (2, 2, True) and one.solved <= one.at <= time.time()
    assert (two.tries, two.solved, two.alone) == (0, None, False) and two.shown is not None


def test_the_first_right_answer_and_the_first_look_count(progress):
    first = progress.exercises()["10.1"].solved
    progress.checked("10.1", right=True)
    progress.checked("10.1", right=False)
    progress.shown("10.1")
    after = progress.exercises()["10.1"]
    assert after.solved == first and after.tries == 4 and after.alone
    progress.checked("10.2", right=True)
    assert not progress.exercises()["10.2"].alone


def test_resetting_a_chapter_forgets_its_exercises(progress):
    progress.reset("10_a.ipynb", ["10.1"])
    assert progress.runs() == {} and set(progress.exercises()) == {"10.2"} and progress.quizzes()


def test_resetting_a_chapter_forgets_its_quiz_and_no_other(progress):
    progress.answered("1/shared-weights", ["a"], right=True)
    progress.reset("10_a.ipynb", quiz="1")
    assert set(progress.quizzes()) == {"10/shared-weights"}
    progress.reset("10_a.ipynb", quiz="10")
    assert progress.quizzes() == {}


def test_of_the_answers_to_a_question_the_first_and_the_latest_are_kept(progress):
    first = progress.quizzes()["10/shared-weights"]
    assert first == Answered(("its maps are smaller", "ü $x$"), False, False, first.begun, first.begun)
    progress.answered("10/shared-weights", ["right"], right=True)
    after = progress.quizzes()["10/shared-weights"]
    assert (after.chosen, after.right, after.first, after.begun) == (("right",), True, False, first.begun) and after.at > first.at


def test_an_answer_that_was_given_earlier_elsewhere_is_the_first(progress):
    here = progress.quizzes()["10/shared-weights"]
    progress.add_quizzes({"10/shared-weights": Answered(("elsewhere",), True, True, here.begun - 9, here.at - 9)})
    assert progress.quizzes()["10/shared-weights"] == Answered(here.chosen, False, True, here.begun - 9, here.at)


def test_all_of_it_arrives_and_twice_is_as_once(tmp_path, progress):
    text, other = exported(progress, "Ada Ω"), Progress(tmp_path / "other")
    assert merged(other, text) == (2, 2, 1) == merged(other, text)
    assert other.runs() == progress.runs() and other.exercises() == progress.exercises() and other.quizzes() == progress.quizzes()
    assert read(text)["learner"] == "Ada Ω"


def test_two_machines_are_put_together(tmp_path, progress):
    other = Progress(tmp_path / "other")
    other.record("20_b.ipynb", ["z"])
    other.checked("10.2", right=True)
    merged(other, exported(progress))
    merged(progress, exported(other))
    assert other.runs() == progress.runs() == {"10_a.ipynb": other.runs()["10_a.ipynb"], "20_b.ipynb": other.runs()["20_b.ipynb"]}
    assert other.exercises()["10.2"].tries == 1 and other.exercises()["10.2"].shown is not None


def whole(**more):
    return {"dlnb progress": 1, "learner": "", "at": 1.0, "runs": {}, "exercises": {}, **more}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ('{"dlnb progress": 1, "runs": {"10', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "no exported progress"),
        ('{"cells": []}', "no exported progress"),
        (json.dumps(whole(**{"dlnb progress": 2})), "newer dlnb"),
        (json.dumps(whole(runs=[1])), "where an object is expected"),
        (json.dumps(whole(runs={"a": {"b": "x"}})), "where a time is expected"),
        (json.dumps(whole(runs={"a": {"b": -1}})), "where a time is expected"),
        (json.dumps(whole(runs={"a": {"b": float("nan")}})), "where a time is expected"),
        (json.dumps(whole(runs={"": {"b": 1}})), "a name of 0 characters"),
        (json.dumps(whole(exercises={"10.1": {"tries": -1, "at": 1}})), "where a number of times is expected"),
        (json.dumps(whole(exercises={"10.1": {"tries": True, "at": 1}})), "where a number of times is expected"),
        (json.dumps(whole(exercises={"10.1": None})), "where an object is expected"),
        (json.dumps(whole(quizzes=[])), "where an object is expected"),
        (json.dumps(whole(quizzes={"10/a": {"chosen": "b", "begun": 1, "at": 1}})), "where chosen answers are expected"),
        (json.dumps(whole(quizzes={"10/a": {"chosen": [1], "begun": 1, "at": 1}})), "where chosen answers are expected"),
        (json.dumps(whole(quizzes={"10/a": {"chosen": ["b"], "begun": None, "at": 1}})), "where a time is expected"),
        (" " * 20_000_001, "larger than"),
    ],
)
def test_what_is_no_progress_is_refused_and_changes_nothing(progress, text, words):
    before = progress.runs(), progress.exercises(), progress.quizzes()
    with pytest.raises(NoProgress, match=words):
        merged(progress, text)
    assert (progress.runs(), progress.exercises(), progress.quizzes()) == before


def test_what_an_older_dlnb_exported_is_taken(tmp_path):
    progress = Progress(tmp_path)
    assert merged(progress, json.dumps(whole(exercises={"10.1": {"tries": 1, "hints": 0, "at": 1.0}}))) == (0, 1, 0)
    assert progress.quizzes() == {}


def test_a_file_of_an_older_dlnb_goes_on(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "progress.sqlite") as old:  # what version 0.1 began with
        old.execute("CREATE TABLE runs (chapter TEXT NOT NULL, cell TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (chapter, cell)) WITHOUT ROWID")
        old.execute("INSERT INTO runs VALUES ('10_a.ipynb', 'x', 5.0)")
    old.close()
    progress = Progress(tmp_path)
    progress.checked("10.1", right=True)
    assert progress.runs() == {"10_a.ipynb": {"x": 5.0}} and set(progress.exercises()) == {"10.1"} and progress.notice is None


def test_a_whole_class_may_write_at_once(tmp_path):
    names = [f"learner{number}" for number in range(CLASS)]
    learners = [
        subprocess.Popen([sys.executable, "-c", LEARNER, str(tmp_path), name, str(WRITES)], stderr=subprocess.PIPE, text=True)
        for name in names
    ]
    end = time.monotonic() + 120
    while len(list(tmp_path.glob("*.there"))) < CLASS and time.monotonic() < end:
        time.sleep(0.05)
    (tmp_path / "begin").touch()
    errors = [learner.communicate(timeout=240)[1] for learner in learners]
    assert [learner.returncode for learner in learners] == [0] * CLASS, "".join(errors)[-2000:]
    progress = Progress(tmp_path / "shared")
    assert set(progress.runs()["10_a.ipynb"]) == {f"{name}-{i}" for name in names for i in range(WRITES)}
    exercises = progress.exercises()
    assert exercises["10.1"].tries == CLASS * WRITES
    assert {name for name, one in exercises.items() if one.solved is not None} == {f"{name}.{i}" for name in names for i in range(WRITES)}
    assert isinstance(exercises["10.1"], Attempted) and progress.notice is None
