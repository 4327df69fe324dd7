"""The desk: an answer is judged at once, hints come one after the other, and nothing is raised at a learner."""

import html.parser
import sqlite3

import pytest

import dlnb as dl
from dlnb.course.progress import Progress
from dlnb.exercises import desk
from dlnb.exercises.exercise import NOTHING, Exercise, Told, Verdict
from dlnb.exercises.html import block


def kept(number):
    return Progress().exercises().get(number)


def test_a_wrong_answer_gets_what_is_wrong_and_a_hint_and_a_right_one_praise():
    wrong, right = dl.check("10.3", list(range(5))), dl.check("10.3", list(range(1797)))
    assert not wrong and "Not yet: this has the shape (5,)" in repr(wrong) and "Hint: " in repr(wrong)
    assert right and repr(right).startswith("Right: ") and "Hint" not in repr(right)
    assert kept("10.3").tries == 2 and kept("10.3").alone


@pytest.mark.parametrize("answer", [NOTHING, None])
def test_no_answer_is_no_try(answer):
    assert "no answer yet" in dl.check("10.3", answer).words and kept("10.3") is None
    assert "dl.check('10.3', answer)" in dl.check("10.3").words


def test_hints_come_one_after_the_other_and_the_last_one_stays():
    told = [repr(dl.hint("10.3")) for _ in range(5)]
    assert told[0].startswith("Hint 1 of 3") and told[2].startswith("Hint 3 of 3") and told[2] == told[3] == told[4]
    assert len(set(told)) == 3 and kept("10.3").hints == 3
    assert dl.check("10.3", [1]).hint == desk.exercise("10.3").hints[-1]


def test_a_solution_that_was_looked_at_first_is_remembered():
    assert "torch.arange(1797)" in repr(dl.solution("10.3"))
    dl.check("10.3", list(range(1797)))
    assert not kept("10.3").alone


def test_what_is_given_is_ones_own_right_answer_or_else_a_right_one():
    assert dl.check("10.3", dl.given("10.3"))
    own = list(reversed(range(1797)))
    dl.check("10.3", [0])
    assert dl.check("10.3", own) and dl.given("10.3") is own


@pytest.mark.parametrize(("number", "words"), [("10.99", "chapter 10 has 10.1"), ("99.1", "exercises in chapters .*10"), ("", "no exercise ''"), (10, "no exercise 10")])
def test_a_number_that_is_not_there_is_an_error_that_names_some(number, words):
    for call in (dl.check, dl.hint, dl.solution, dl.given):
        with pytest.raises(ValueError, match=words):
            call(number)


def test_an_answer_that_fails_is_judged_and_nothing_is_raised():
    class Trap:
        @property
        def shape(self):
            raise ZeroDivisionError("surprise")

        def __torch_function__(self, *_):
            raise ZeroDivisionError("surprise")

    assert not dl.check("10.1", Trap())
    assert kept("10.1").tries == 1


def test_an_answer_that_was_right_and_is_changed_is_given_no_more():
    own = list(range(1797))
    dl.check("10.3", own)
    own[:2] = [5, 5]
    assert not dl.check("10.3", own) and dl.given("10.3") is not own


@pytest.mark.parametrize("answer", [None, [1]])
def test_where_nbgrader_asks_a_wrong_answer_raises_and_nothing_is_kept(monkeypatch, new_learner, answer):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(AssertionError, match="exercise 10.3: "):
        dl.check("10.3", answer)
    assert dl.check("10.3", range(1797)) and not new_learner.exists()


def test_a_verdict_is_shown_and_is_not_the_result_of_its_cell(monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    assert InteractiveShell().display_formatter.format(dl.check("10.3", range(1797))) == ({}, {})
    assert shown[0]["text/plain"].startswith("Right: ") and "✓" in shown[0]["text/html"]


def test_progress_that_cannot_be_kept_does_not_stand_in_the_way(new_learner, caplog):
    new_learner.write_text("a file where a folder should be")
    assert dl.check("10.3", list(range(1797))) and dl.given("10.3") is not None
    assert "cannot be used" in caplog.text
    assert dl.hint("10.3") and dl.solution("10.3")


def test_a_damaged_file_of_progress_does_not_either(new_learner):
    new_learner.mkdir()
    (new_learner / "progress.sqlite").write_bytes(b"this is no database" * 100)
    assert dl.check("10.3", list(range(1797))) and kept("10.3").tries == 1
    sqlite3.connect(new_learner / "progress.sqlite").close()


class Balanced(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.open += [tag] if tag != "br" else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "a ` b", "`<b>` & `x`", "two\nlines", ""])
def test_what_is_shown_is_text_and_well_formed(words):
    for kind in ("right", "wrong", "told"):
        parsed = Balanced()
        parsed.feed(block(kind, "Exercise 1", words, words, words))
        assert parsed.open == [] and parsed.text.count("<script>") == 3 * words.count("<script>")


def test_a_verdict_says_the_same_in_a_notebook_without_html():
    asked = desk.exercise("10.3")
    verdict = Verdict(asked, False, "it is `x`", "look")
    assert "Not yet.</b> It is" in verdict._repr_html_()
    assert repr(verdict) == "Not yet: it is `x`\nHint: look" and "<code>x</code>" in verdict._repr_html_() and "✗" in verdict._repr_html_()
    assert "torch.arange" in Told("A", "b", "torch.arange")._repr_html_()


def test_an_exercise_has_a_hint():
    with pytest.raises(ValueError, match="no hint"):
        Exercise("1.1", "", lambda answer: "", (), "", lambda: None)
