"""A chapter is put back over HTTP: the notebook, its progress, its exercises; and what goes wrong changes nothing."""

import asyncio
import json
import os
import subprocess

import nbformat
from asking import CHAPTERS, PATH, PROGRESS, RESET, post, refused
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlnb.course.progress import Progress

pytest_plugins = ("pytest_jupyter.jupyter_server",)


def change(file, text="mine") -> bytes:
    notebook = nbformat.read(file, 4)
    notebook.cells.append(new_code_cell(text))
    nbformat.write(notebook, file)
    return file.read_bytes()


async def test_a_reset_puts_the_original_back_and_keeps_the_learners_version(course, jp_fetch, jp_root_dir):
    file = jp_root_dir / PATH
    original = file.read_bytes()
    await jp_fetch(*CHAPTERS)  # as JupyterLab does when it is opened
    mine = change(file)
    await post(jp_fetch, PROGRESS, {"path": PATH, "cells": course})
    answer = json.loads((await post(jp_fetch, RESET, {"path": PATH})).body)
    assert (answer["state"], answer["run"], answer["last"]) == ("new", 0, None)
    assert file.read_bytes() == original
    assert answer["backup"].startswith("notebooks/10_a.backup-")
    assert (jp_root_dir / answer["backup"]).read_bytes() == mine
    assert len(json.loads((await jp_fetch(*CHAPTERS)).body)) == 2  # a backup is no chapter


async def test_the_original_is_kept_before_the_first_cell_is_recorded(course, jp_fetch, jp_root_dir):
    original = (jp_root_dir / PATH).read_bytes()
    await post(jp_fetch, PROGRESS, {"path": PATH, "cells": course[:1]})
    change(jp_root_dir / PATH)
    await post(jp_fetch, RESET, {"path": PATH})
    assert (jp_root_dir / PATH).read_bytes() == original


async def test_a_reset_forgets_the_exercises_of_the_chapter_and_no_others(learner, jp_fetch, jp_root_dir):
    cells = [new_markdown_cell("# 10 · A"), new_code_cell('dl.check("10.1", 1)')]
    (jp_root_dir / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=cells, metadata={"dlnb": {"chapter": "10"}}), jp_root_dir / PATH)
    for number in ("10.1", "11.1"):
        Progress().checked(number, right=True)
    answer = json.loads((await post(jp_fetch, RESET, {"path": PATH})).body)
    assert answer["exercises"][0]["state"] == "new"
    assert answer["backup"] is None  # the notebook was as it came
    assert list(Progress().exercises()) == ["11.1"]


async def test_a_broken_notebook_is_put_back(course, jp_fetch, jp_root_dir):
    (jp_root_dir / "notebooks" / "11_b.ipynb").write_bytes((jp_root_dir / PATH).read_bytes())
    await jp_fetch(*CHAPTERS)
    (jp_root_dir / PATH).write_text("{")
    answer = json.loads((await post(jp_fetch, RESET, {"path": PATH})).body)
    assert answer["error"] is None
    assert (jp_root_dir / answer["backup"]).read_text() == "{"


async def test_a_chapter_whose_original_is_not_known_stays_as_it_is(course, jp_fetch, jp_root_dir):
    Progress().record("10_a.ipynb", course)  # begun elsewhere, before this folder was opened here
    before = change(jp_root_dir / PATH)
    code, message = await refused(post(jp_fetch, RESET, {"path": PATH}))
    assert code == 409
    assert "not known how this chapter came" in message
    assert (jp_root_dir / PATH).read_bytes() == before
    assert Progress().runs() != {}


async def test_two_resets_at_once_lose_nothing(course, jp_fetch, jp_root_dir):
    await jp_fetch(*CHAPTERS)
    mine = change(jp_root_dir / PATH)
    answers = await asyncio.gather(*(post(jp_fetch, RESET, {"path": PATH}) for _ in range(5)))
    backups = [json.loads(answer.body)["backup"] for answer in answers]
    assert sorted(backup is None for backup in backups) == [False, True, True, True, True]
    [backup] = [backup for backup in backups if backup]
    assert (jp_root_dir / backup).read_bytes() == mine


async def test_what_cannot_be_written_changes_nothing_and_is_said(course, jp_fetch, jp_root_dir, monkeypatch):
    await jp_fetch(*CHAPTERS)
    await post(jp_fetch, PROGRESS, {"path": PATH, "cells": course})
    mine = change(jp_root_dir / PATH)
    names = sorted(os.listdir(jp_root_dir / "notebooks"))

    def full(number, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dlnb.course.originals._fill", full)
    code, message = await refused(post(jp_fetch, RESET, {"path": PATH}))
    assert code == 507
    assert "nothing was changed: No space left on device" in message
    assert (jp_root_dir / PATH).read_bytes() == mine
    assert sorted(os.listdir(jp_root_dir / "notebooks")) == names
    assert json.loads((await jp_fetch(*CHAPTERS)).body)[0]["run"] == 2


async def test_in_a_clone_the_original_is_what_git_has(course, jp_fetch, jp_root_dir):
    def git(*words):
        subprocess.run(
            ["git", "-C", str(jp_root_dir), "-c", "user.name=a", "-c", "user.email=a@b", *words],
            check=True,
            capture_output=True,
        )

    git("init")
    git("add", ".")
    git("commit", "-m", "the course")
    await jp_fetch(*CHAPTERS)
    change(jp_root_dir / PATH, "a newer edition")
    git("commit", "-am", "as after git pull")
    newer = (jp_root_dir / PATH).read_bytes()
    change(jp_root_dir / PATH)
    await post(jp_fetch, RESET, {"path": PATH})
    assert (jp_root_dir / PATH).read_bytes() == newer


async def test_a_chapter_that_is_reset_forgets_its_quiz_and_a_lab_that_is_reset_does_not(course, jp_fetch, learner):
    await jp_fetch(*CHAPTERS)
    progress = Progress(learner)
    progress.answered("10/shared-weights", ["a"], right=True)
    await post(jp_fetch, RESET, {"path": "notebooks/labs/10_b.ipynb"})
    assert set(progress.quizzes()) == {"10/shared-weights"}
    await post(jp_fetch, RESET, {"path": PATH})
    assert progress.quizzes() == {}
