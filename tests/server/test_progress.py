"""What the list says of exercises, where to go on, and that it costs nothing while nothing changes."""

import json
import time

import nbformat
import pytest
from asking import CHAPTERS, PATH, PROGRESS, post
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlnb.course.progress import Progress

pytest_plugins = ("pytest_jupyter.jupyter_server",)


@pytest.fixture
def asking(learner, jp_root_dir):
    """A chapter of five code cells with three exercises; gives the ids of the cells."""
    text = "# 10 · Images\n\n## Exercises\n\n**10.1 · Move it.** Find the kernel.\n\n### Exercise 10.2: How small?\n\nThink."
    checks = [
        'dl.check("10.2", 3)',
        "x = 1\ncheck('10.1', x)",
        '# dl.check("10.9", 3)\ny = 2',
        'dl.check("10.10")',
        'dl.check("10.1", 7)',
    ]
    cells = [new_markdown_cell(text), *(new_code_cell(code) for code in checks)]
    file = jp_root_dir / "notebooks" / "10_a.ipynb"
    file.parent.mkdir()
    nbformat.write(new_notebook(cells=cells, metadata={"dlnb": {"chapter": "10"}}), file)
    return [cell.id for cell in cells[1:]]


async def listed(jp_fetch):
    return json.loads((await jp_fetch(*CHAPTERS)).body)[0]


async def test_the_exercises_of_a_chapter_are_those_that_its_cells_check(asking, jp_fetch):
    found = [(one["number"], one["title"], one["cell"]) for one in (await listed(jp_fetch))["exercises"]]
    assert found == [("10.1", "Move it", asking[1]), ("10.2", "How small?", asking[0]), ("10.10", "", asking[3])]


async def test_the_list_says_how_it_went_with_each_exercise(asking, jp_fetch):
    progress = Progress()
    progress.checked("10.1", right=False)
    progress.hinted("10.1", 2)
    progress.checked("10.1", right=True)
    progress.shown("10.2")
    progress.checked("10.2", right=True)
    progress.checked("10.10", right=False)
    told = {one["number"]: (one["state"], one["tries"], one["hints"]) for one in (await listed(jp_fetch))["exercises"]}
    assert told == {"10.1": ("solved", 2, 2), "10.2": ("helped", 1, 0), "10.10": ("tried", 1, 0)}


async def test_a_look_at_the_solution_alone_is_said(asking, jp_fetch):
    Progress().shown("10.2")
    assert (await listed(jp_fetch))["exercises"][1]["state"] == "shown"


async def test_an_exercise_counts_for_where_the_learner_left_off(asking, jp_fetch):
    before = time.time()
    Progress().checked("10.2", right=False)
    chapter = await listed(jp_fetch)
    assert before <= chapter["last"] <= time.time()
    assert chapter["state"] == "new"


@pytest.mark.parametrize(
    ("ran", "goes_on"),
    [
        ([], 0),
        ([[0]], 1),
        ([[0, 1]], 2),
        ([[3]], 4),
        ([[3], [0]], 1),
        ([[0], [4]], 1),
        ([[4], [1]], 2),
        ([[0, 1, 2, 3, 4]], None),
    ],
)
async def test_going_on_is_at_the_cell_after_the_one_that_ran_last(asking, jp_fetch, ran, goes_on):
    for cells in ran:
        await post(jp_fetch, PROGRESS, {"path": PATH, "cells": [asking[at] for at in cells]})
        time.sleep(0.002)
    assert (await listed(jp_fetch))["next"] == (None if goes_on is None else asking[goes_on])


async def test_the_list_is_sent_again_only_when_something_changed(asking, jp_fetch, jp_root_dir):
    async def known(tag):
        answer = await jp_fetch(*CHAPTERS, headers={"If-None-Match": tag}, raise_error=False)
        return answer.code, answer.headers.get("Etag")

    await jp_fetch(*CHAPTERS)  # which makes the progress file
    code, tag = await known('"nothing"')
    assert code == 200
    assert await known(tag) == (304, tag)
    Progress().checked("10.1", right=True)  # as a kernel does
    code, second = await known(tag)
    assert (code, second != tag) == (200, True)
    assert await known(second) == (304, second)
    (jp_root_dir / "notebooks" / "11_b.ipynb").write_text("{")
    code, third = await known(second)
    assert (code, third != second) == (200, True)


async def test_a_panel_that_looks_again_and_again_does_not_keep_the_server_alive(asking, jp_fetch, jp_serverapp):
    before = jp_serverapp.web_app.settings.get("api_last_activity")
    await jp_fetch(*CHAPTERS)
    await jp_fetch("dlnb", "live")
    assert jp_serverapp.web_app.settings.get("api_last_activity") == before
    await post(jp_fetch, PROGRESS, {"path": PATH, "cells": asking[:1]})
    assert jp_serverapp.web_app.settings.get("api_last_activity") != before
