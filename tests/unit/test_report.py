"""`dlnb progress` and `dlnb report`: from learners' exports to a teacher's table."""

import csv
import io
import json
import re

import pytest

from dlnb import cli
from dlnb.course.portable import exported
from dlnb.course.progress import Progress
from dlnb.course.report import as_csv, learners, table


@pytest.fixture
def school(tmp_path):
    """A folder with what two learners exported."""
    folder = tmp_path / "class"
    folder.mkdir()
    ada, bob = Progress(tmp_path / "ada"), Progress(tmp_path / "bob")
    ada.record("10_a.ipynb", ["x", "y", "z"])
    for right in (False, True):
        ada.checked("10.2", right)
    ada.hinted("10.2", 1)
    ada.checked("10.10", True)
    bob.checked("10.2", False)
    bob.shown("10.10")
    bob.checked("10.10", True)
    ada.answered("10/a", ["x"], True)
    ada.answered("10/b", ["y"], False)
    ada.answered("10/b", ["z"], True)
    (folder / "1.json").write_text(exported(ada, "Ada"), encoding="utf-8")
    (folder / "bob.json").write_text(exported(bob), encoding="utf-8")
    return folder


def test_a_class_is_one_table(school):
    people, refused = learners([school])
    heads, ada, bob = table(people)
    assert refused == [] and heads == ["learner", "cells run", "solved", "10.2", "10.10", "quiz 10", "last seen"]
    assert ada[:6] == ["Ada", "3", "2", "2 (1 hint)", "1", "1 of 2"]
    assert bob[:6] == ["bob", "0", "0", "1 try", "shown", ""]


def test_of_two_exports_of_a_learner_the_later_counts(school, tmp_path):
    again = Progress(tmp_path / "ada")
    again.checked("20.1", True)
    (school / "0 newer.json").write_text(exported(again, "Ada"), encoding="utf-8")
    people, _ = learners([school])
    assert [one.name for one in people] == ["Ada", "bob"] and "20.1" in people[0].exercises


def test_of_two_files_of_one_name_the_other_is_named(school, tmp_path, capsys):
    text = (school / "1.json").read_text(encoding="utf-8")
    (school / "ada (1).json").write_text(text, encoding="utf-8")
    (school / "old.json").write_text(re.sub(r'"at": [\d.]+', '"at": 5', text, count=1), encoding="utf-8")
    people, left_out = learners([school, school / "bob.json", school])
    assert [one.name for one in people] == ["Ada", "bob"]
    assert len(left_out) == 2 and "the same export of “Ada”" in left_out[0] and "a later export of “Ada”" in left_out[1]
    assert left_out[1].startswith(str(school / "old.json")) and "--name" in left_out[1]


def test_a_name_cannot_play_tricks_on_a_terminal(school):
    told = json.loads((school / "1.json").read_text(encoding="utf-8"))
    told["learner"] = "\x1b[2J Ada\r\n Bea\u202e" + 100 * "!"
    told["exercises"]["=1+1"] = told["exercises"]["\x1b[31m"] = told["exercises"]["10.2"]
    (school / "1.json").write_text(json.dumps(told), encoding="utf-8")
    heads, ada, _ = table(learners([school])[0])
    assert heads[3:-1] == ["10.2", "10.10", "quiz 10"] and ada[0].startswith("[2J Ada Bea !!") and len(ada[0]) == 60


def test_a_broken_file_is_named_and_the_others_are_there(school, capsys):
    (school / "broken.json").write_bytes(b"\xff\xfe{")
    (school / "other.json").write_text("{}")
    assert cli.main(["report", str(school), str(school / "nobody.json")]) == 0
    said = capsys.readouterr()
    assert "Ada" in said.out and "bob" in said.out
    assert "it is not text" in said.err and "codec" not in said.err
    assert all(name in said.err for name in ("broken.json", "other.json", "nobody.json"))


def test_without_any_progress_it_says_how_to_get_it(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "dlnb progress export" in capsys.readouterr().err


def test_a_name_is_no_formula_in_a_spreadsheet():
    rows = list(csv.reader(io.StringIO(as_csv([["learner"], ["=1+1"], ["Ada, “the first”"]]))))
    assert rows == [["learner"], ["'=1+1"], ["Ada, “the first”"]]


def test_a_table_goes_into_a_file(school, tmp_path, capsys):
    assert cli.main(["report", str(school), "--csv", str(tmp_path / "class.csv")]) == 0
    assert capsys.readouterr().out == ""
    assert [row[0] for row in csv.reader((tmp_path / "class.csv").open(encoding="utf-8-sig"))] == ["learner", "Ada", "bob"]


def test_progress_goes_out_and_in_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DLNB_HOME", str(tmp_path / "here"))
    Progress().checked("10.1", True)
    file = tmp_path / "mine.json"
    assert cli.main(["progress", "export", str(file), "--name", "Ada"]) == 0
    assert cli.main(["progress", "export", str(file)]) == 2  # never overwritten
    monkeypatch.setenv("DLNB_HOME", str(tmp_path / "there"))
    assert cli.main(["progress", "import", str(file)]) == 0
    assert set(Progress().exercises()) == {"10.1"}
    assert cli.main(["progress", "import", str(tmp_path / "none.json")]) == 2
    file.write_text("no JSON")
    assert cli.main(["progress", "import", str(file)]) == 2
    said = capsys.readouterr()
    assert "there already" in said.err and "No such file" in said.err and "not JSON" in said.err
