"""Search: what is found, in which order, and how fast."""

import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlnb.course.chapters import Shelf
from dlnb.course.search import search


@pytest.fixture
def books(tmp_path):
    cells = [
        new_markdown_cell("# 10 · Image classification\n\nYou build a network."),
        new_markdown_cell("## Forward: one *window*\n\nThe nine weights are a **kernel**.\n\n## Pooling\n\nKeep the largest, says Boğaziçi."),
        new_code_cell("kernel = torch.zeros(3, 3)"),
        new_markdown_cell("Still of pooling: the kernel again. `kernel_size=3`"),
        new_markdown_cell("```python\n# Not a heading\n```\nafter"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "10_a.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 20 · Text\n\nkernel methods")]), tmp_path / "20_b.ipynb")
    return Shelf(tmp_path, tmp_path / "none").books()


def found(books, query):
    return [(hit.chapter.number, hit.cell.at, hit.heading) for hit in search(books, query)[0]]


def test_each_hit_has_the_nearest_heading_above_the_first_word(books):
    assert found(books, "nine") == [("10", 1, "Forward: one window")]
    assert found(books, "largest") == [("10", 1, "Pooling")]
    assert found(books, "after") == [("10", 4, "Pooling")]


def test_all_words_must_be_there_in_any_case_and_inside_of_words(books):
    assert found(books, "KERN nine") == [("10", 1, "Forward: one window")]
    assert found(books, "kernel nowhere") == []


def test_the_heading_and_the_title_help_a_cell_that_has_one_of_the_words(books):
    assert ("10", 2, "Pooling") in found(books, "pooling zeros")
    assert ("20", 0, "20 · Text") in found(books, "text methods")
    assert found(books, "image torch") == [("10", 2, "Pooling")]


def test_accents_may_be_left_out(books):
    assert found(books, "bogazici") == [("10", 1, "Pooling")]


def test_headings_come_first_then_text_then_code(books):
    assert [at for _, at, _ in found(books, "kernel")] == [1, 3, 0, 2]
    assert found(books, "pooling")[0] == ("10", 1, "Pooling")


def test_a_snippet_is_one_line_of_text_and_its_marks_are_the_words(books):
    for hit in search(books, "kernel largest")[0] + search(books, "KERNEL")[0]:
        assert "\n" not in hit.snippet
        assert len(hit.snippet) < 120
        assert hit.marks
        assert all(hit.snippet[begin:end].lower() in ("kernel", "largest") for begin, end in hit.marks)
    assert "**" not in search(books, "nine")[0][0].snippet


@pytest.mark.parametrize("query", ["", "   ", "\0", "\ud800", "(", ".*", "a" * 5000, " ".join(map(str, range(500)))])
def test_odd_queries_find_nothing_or_something_and_never_fail(books, query):
    hits, count = search(books, query)
    assert count >= len(hits)


def test_an_empty_query_finds_nothing(books):
    assert search(books, "  ") == ([], 0)


def test_a_course_of_forty_chapters_is_searched_at_once(tmp_path):
    prose = "The nine weights are a kernel, moved over the picture; ünlike words make it slower. " * 20
    for number in range(40):
        cells = [new_markdown_cell(f"# {number:02d} · Title"), *(new_markdown_cell(f"## Part {i}\n\n{prose} word{i}") for i in range(45))]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{number:02d}_a.ipynb")
    shelf = Shelf(tmp_path, tmp_path / "none")
    search(shelf.books(), "first")  # reads the files
    begin = time.thread_time()
    hits, count = search(shelf.books(), "kernel word17")
    assert time.thread_time() - begin < 0.3
    assert (len(hits), count) == (40, 40)
