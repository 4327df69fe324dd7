"""The glossary of the course, and reading one that a teacher has edited."""

import re
from pathlib import Path

import pytest

from dlnb.course import glossary
from dlnb.course.chapters import Shelf

COURSE = Path(__file__).parents[3] / "notebooks"
TERMS = glossary.terms(COURSE)
BOOKS = Shelf(COURSE).books()


def test_the_terms_are_sorted_and_each_is_there_once():
    names = [term.name for term in TERMS]
    assert len(names) > 50
    assert names == sorted(names, key=str.casefold)
    assert len({name.casefold() for name in names}) == len(names)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_explained_in_a_few_words_and_taught_somewhere(term):
    assert 20 < len(term.words) < 400
    assert re.search(r"[.)]$", term.words)
    assert term.taught
    for taught in term.taught:
        assert taught.words
        assert taught.heading, f"{taught.path}: say under which heading"
        assert glossary.cell_of(taught, BOOKS), f"{taught.path} has no heading {taught.heading!r}"


def test_no_link_of_the_file_is_overlooked():
    text = (COURSE / glossary.NAME).read_text(encoding="utf-8")
    assert sum(len(term.taught) for term in TERMS) == text.count("](")


def test_every_chapter_and_lab_teaches_some_of_the_terms():
    taught = {place.path for term in TERMS for place in term.taught}
    assert {chapter.path for chapter, _ in BOOKS} == taught


FILE = """# Glossary

Words before the first term.

## Kernel *or* filter

The `weights` of a
small window.

A second paragraph.

Also: window, mask. Taught in [Forward](10_a.ipynb#Forward,-by-hand), [all of it](<./labs/10_b.ipynb>).

```
## not a term
```

## Empty

##  Last ##
Words at once.
"""


def test_a_term_has_its_words_other_names_and_places(tmp_path):
    (tmp_path / "glossary.md").write_text(FILE, encoding="utf-8")
    kernel, empty, last = glossary.terms(tmp_path)
    assert (kernel.name, kernel.also) == ("Kernel or filter", ("window", "mask"))
    assert kernel.words.startswith("The `weights` of a small window.\nA second paragraph.")
    assert [(place.words, place.path, place.heading) for place in kernel.taught] == [
        ("Forward", "10_a.ipynb", "Forward,-by-hand"),
        ("all of it", "labs/10_b.ipynb", ""),
    ]
    assert (empty.words, empty.taught) == ("", ())
    assert (last.name, last.words) == ("Last", "Words at once.")


@pytest.mark.parametrize("text", ["", "no heading", "## ", "# One", "## A\n" * 3])
def test_odd_files_give_the_terms_that_there_are(tmp_path, text):
    (tmp_path / "glossary.md").write_text(text)
    assert len(glossary.terms(tmp_path)) == text.count("## A")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(FileNotFoundError):
        glossary.terms(tmp_path)
    (tmp_path / "glossary.md").write_bytes(b"\xff\xfe## A")
    with pytest.raises(ValueError, match="decode"):
        glossary.terms(tmp_path)
    (tmp_path / "glossary.md").write_bytes(b"x" * 3_000_000)
    with pytest.raises(ValueError, match="larger"):
        glossary.terms(tmp_path)
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "glossary.md").symlink_to(tmp_path / "glossary.md")
    with pytest.raises(ValueError, match="out of the course"):
        glossary.terms(tmp_path / "course")
