"""Reading a course folder: what a chapter is, its order, and that nothing in it can break the list."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlnb.course.chapters import CourseNotFound, Shelf, find_course


def write(file: Path, heading="# 10 · Image classification", codes=("1", "2"), about=None) -> list[str]:
    """Write a notebook and return the ids of its code cells."""
    cells = [new_markdown_cell(heading), *(new_code_cell(code) for code in codes)]
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"dlnb": about or {}}), file)
    return [cell.id for cell in cells[1:]]


def shelf(folder: Path, carried: Path | None = None) -> Shelf:
    return Shelf(folder, carried or folder / "nothing-carried")


def test_a_chapter_has_number_title_minutes_and_the_ids_of_its_code_cells(tmp_path):
    ids = write(tmp_path / "10_image_classification.ipynb", about={"chapter": "10", "minutes": 45})
    [chapter] = shelf(tmp_path).chapters()
    assert (chapter.number, chapter.title, chapter.minutes, chapter.kind) == (
        "10",
        "Image classification",
        45,
        "chapter",
    )
    assert chapter.path == "10_image_classification.ipynb"
    assert chapter.cells == tuple(ids)
    assert chapter.error is None


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("# 10 · Image classification", "Image classification"),
        ("# 10 Image classification", "Image classification"),
        ("# Chapter 10: Image classification", "Image classification"),
        ("# Lab 10 – MNIST", "MNIST"),
        ("# Image classification", "Image classification"),
        ("# 10,000 digits", "10,000 digits"),
        ("# 11 ways to fail", "11 ways to fail"),
        ("# What `conv` *does* ##", "What conv does"),
        ("# <b>Bold</b>", "<b>Bold</b>"),
        ("```python\n# a comment\n```\n# The heading", "The heading"),
        ("## Not the title", "A"),
        ("", "A"),
    ],
)
def test_the_title_is_the_first_h1_without_the_number(tmp_path, heading, title):
    write(tmp_path / "10_a.ipynb", heading)
    assert shelf(tmp_path).chapters()[0].title == title


def test_a_lab_follows_the_chapter_of_its_number(tmp_path):
    for name in ("20_text.ipynb", "10_images.ipynb", "labs/10_mnist.ipynb", "labs/20_reviews.ipynb", "00_start.ipynb"):
        write(tmp_path / name, "# Title")
    assert [(c.number, c.kind) for c in shelf(tmp_path).chapters()] == [
        ("00", "chapter"),
        ("10", "chapter"),
        ("10", "lab"),
        ("20", "chapter"),
        ("20", "lab"),
    ]


BROKEN = {
    "text": b"hello",
    "nothing": b"",
    "cut": b'{"cells": [{"cell_type": "code", "sou',
    "list": b"[]",
    "null": b"null",
    "no cells": b"{}",
    "cells of numbers": b'{"cells": [1, 2]}',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "lone surrogate": b'{"cells": 3, "x": "\\ud800"}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_notebook_is_an_entry_with_an_error_and_the_others_stay(tmp_path, content):
    write(tmp_path / "10_fine.ipynb")
    (tmp_path / "11_broken_one.ipynb").write_bytes(content)
    fine, broken = shelf(tmp_path).chapters()
    assert fine.error is None
    assert (broken.number, broken.title, broken.cells) == ("11", "Broken one", ())
    assert "not a notebook" in broken.error


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        {"dlnb": 3},
        {"dlnb": {"chapter": 10, "minutes": "45"}},
        {"dlnb": {"minutes": -3}},
        {"dlnb": {"minutes": True}},
    ],
)
def test_odd_metadata_is_passed_over(tmp_path, metadata):
    cells = [{"cell_type": "markdown", "source": ["# Title"]}, {"cell_type": "code", "source": 3, "id": 4}, {}]
    (tmp_path / "10_a.ipynb").write_text(json.dumps({"cells": cells, "metadata": metadata}))
    [chapter] = shelf(tmp_path).chapters()
    assert (chapter.number, chapter.title, chapter.minutes, chapter.cells, chapter.error) == (
        "10",
        "Title",
        None,
        (),
        None,
    )


def test_a_changed_notebook_is_read_again_and_an_unchanged_one_is_not(tmp_path, monkeypatch):
    file = tmp_path / "10_a.ipynb"
    write(file, "# Before")
    course = shelf(tmp_path)
    assert course.chapters()[0].title == "Before"
    monkeypatch.setattr("dlnb.course.chapters.read_chapter", lambda *_: pytest.fail("read an unchanged file again"))
    assert course.chapters()[0].title == "Before"
    monkeypatch.undo()
    write(file, "# After")
    os.utime(file, (1, 1))
    assert course.chapters()[0].title == "After"


def test_other_files_are_no_chapters(tmp_path):
    write(tmp_path / "10_a.ipynb")
    write(tmp_path / "notes.ipynb")
    write(tmp_path / ".ipynb_checkpoints" / "10_a-checkpoint.ipynb")
    (tmp_path / "11_folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "12_pipe.ipynb")
    assert [chapter.path for chapter in shelf(tmp_path).chapters()] == ["10_a.ipynb"]


def test_a_link_out_of_the_course_is_not_read(tmp_path):
    write(tmp_path / "secret.ipynb", "# Secret")
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "10_a.ipynb").symlink_to(tmp_path / "secret.ipynb")
    [chapter] = shelf(tmp_path / "course").chapters()
    assert chapter.title == "A"
    assert "out of the course" in chapter.error


def test_code_that_the_learner_added_does_not_count(tmp_path):
    ids = write(tmp_path / "carried" / "10_a.ipynb")
    notebook = nbformat.read(tmp_path / "carried" / "10_a.ipynb", 4)
    notebook.cells.append(new_code_cell("my_own = 1"))
    (tmp_path / "mine").mkdir()
    nbformat.write(notebook, tmp_path / "mine" / "10_a.ipynb")
    [chapter] = shelf(tmp_path / "mine", tmp_path / "carried").chapters()
    assert chapter.cells == tuple(ids)


def test_an_empty_code_cell_does_not_count(tmp_path):
    ids = write(tmp_path / "10_a.ipynb", codes=("1", "  \n", "2"))
    assert shelf(tmp_path).chapters()[0].cells == (ids[0], ids[2])


@pytest.mark.parametrize("place", ["notebooks", ".", "dlnb-course"])
def test_the_course_is_found_below_the_root_of_the_server(tmp_path, place):
    write(tmp_path / place / "10_a.ipynb")
    assert find_course(tmp_path) == (tmp_path / place).resolve()


def test_a_missing_course_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(CourseNotFound, match="No chapters were found in .*notebooks.*dlnb lab"):
        find_course(tmp_path)


def test_numbered_notebooks_of_another_project_are_no_course(tmp_path):
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Sales")]), tmp_path / "01_sales.ipynb")
    with pytest.raises(CourseNotFound):
        find_course(tmp_path)
    assert find_course(tmp_path, ".") == tmp_path


def test_a_wished_course_must_exist_inside_the_root(tmp_path):
    write(tmp_path / "root" / "teaching" / "10_a.ipynb")
    write(tmp_path / "elsewhere" / "10_a.ipynb")
    root = tmp_path / "root"
    assert find_course(root, "teaching") == root / "teaching"
    assert find_course(root, str(root / "teaching")) == root / "teaching"
    with pytest.raises(CourseNotFound, match="does not exist"):
        find_course(root, "nowhere")
    for outside in (str(tmp_path / "elsewhere"), "../elsewhere"):
        with pytest.raises(CourseNotFound, match="outside"):
            find_course(root, outside)
