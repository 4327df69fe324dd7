"""`dl.quiz` from file to progress; only the wire to the browser is replaced."""

import html.parser
import json
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import comm
import pytest

import dlnb as dl
from dlnb.course.progress import Progress
from dlnb.course.quizzes import QuizError, quiz_of

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit"))
from test_widgets import Browser, Wire  # noqa: E402

SMALL = """
[[question]]
id = "one"
text = 'What is $1 + 1$?'
[[question.choice]]
text = '`2`'
right = true
why = 'So it is.'
[[question.choice]]
text = '`11`'
why = 'That would be texts: <b>"1" + "1"</b>.'
[[question.choice]]
text = '`1`'
why = 'That is $1 \\cdot 1$.'

[[question]]
id = "two"
text = 'Which are even?'
[[question.choice]]
text = 'two'
right = true
why = 'Twice 1.'
[[question.choice]]
text = 'three'
why = 'Odd.'
[[question.choice]]
text = 'four'
right = true
why = 'Twice 2.'
"""


@pytest.fixture(autouse=True)
def learner(monkeypatch, tmp_path):
    """A new learner, whose kernel runs in the folder of a course with a small quiz."""
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: Wire(*args, **kwargs))
    monkeypatch.setenv("DLNB_HOME", str(tmp_path / "home"))
    (tmp_path / "course" / "quizzes").mkdir(parents=True)
    (tmp_path / "course" / "quizzes" / "07.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "course")
    return tmp_path


def opened(widget=None) -> Browser:
    browser = Browser(widget or dl.quiz("07"))
    browser.send("hello")
    browser.until(lambda header: header["full"])
    return browser


def answer(browser: Browser, question: str, *chosen: int) -> dict:
    browser.send("answer", question=question, chosen=list(chosen))
    return browser.until(lambda header: header["answers"].get(question, {}).get("given"))


def kept(question: str, holds=lambda one: one is not None):
    """What the progress has of a question, once it is as wanted: it is written beside the quiz."""
    end = time.monotonic() + 10
    while not holds(found := Progress().quizzes().get(f"07/{question}")) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def test_the_page_gets_no_answer_before_it_gives_one():
    browser = opened()
    assert [question["id"] for question in browser.last["questions"]] == ["one", "two"]
    assert [question["several"] for question in browser.last["questions"]] == [False, True]
    assert "<math" in browser.last["questions"][0]["text"] and browser.last["questions"][0]["choices"][0] == "<code>2</code>"
    assert "right" not in json.dumps(browser.last["answers"]) and "So it is" not in json.dumps(browser.last)
    assert browser.last["score"] == {"questions": 2, "answered": 0, "right": 0, "first": 0}


def test_an_answer_brings_what_is_right_and_why_each_choice_is_or_is_not():
    browser = opened()
    header = answer(browser, "one", 1)
    assert header["answers"]["one"]["right"] == [0] and header["answers"]["one"]["chosen"] == [1]
    assert len(header["answers"]["one"]["whys"]) == 3 and "&lt;b&gt;" in header["answers"]["one"]["whys"][1]
    assert "two" not in header["answers"] and header["score"] == {"questions": 2, "answered": 1, "right": 0, "first": 0}
    assert not header["full"] and "questions" not in header


@pytest.mark.parametrize(("chosen", "right"), [((0, 2), True), ((0,), False), ((0, 1, 2), False), ((1,), False)])
def test_of_several_right_ones_all_and_no_other_must_be_chosen(chosen, right):
    assert answer(opened(), "two", *chosen)["score"]["right"] == int(right)


def test_trying_again_counts_for_now_and_not_for_the_first_try():
    browser = opened()
    answer(browser, "one", 2)
    browser.send("again", question="one")
    assert browser.until(lambda header: header["score"]["answered"] == 0)["answers"]["one"] == {"chosen": [], "given": False}
    assert answer(browser, "one", 0)["score"] == {"questions": 2, "answered": 1, "right": 1, "first": 0}
    answer(browser, "two", 0, 2)
    browser.send("restart")
    assert browser.until(lambda header: header["score"]["answered"] == 0)["score"]["first"] == 1


def test_a_page_that_is_loaded_again_has_everything_also_what_was_only_chosen():
    widget = dl.quiz("07")
    before = opened(widget)
    answer(before, "one", 0)
    before.send("choose", question="two", chosen=[2])
    after = Browser(widget, "after")
    after.send("hello")
    header = after.until(lambda header: header["full"])
    assert header["answers"]["one"]["given"] and header["answers"]["two"] == {"chosen": [2], "given": False}


def test_what_is_chosen_goes_to_other_views_and_not_back():
    widget = dl.quiz("07")
    here, there = opened(widget), Browser(widget, "there")
    there.send("hello")
    there.until(lambda header: header["full"])
    count = len(here.frames)
    here.send("choose", question="one", chosen=[1])
    there.until(lambda header: header["answers"].get("one", {}).get("chosen") == [1])
    time.sleep(0.3)
    assert len(here.frames) == count


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "answer"},
        {"kind": "answer", "question": "three", "chosen": [0]},
        {"kind": "answer", "question": ["one"], "chosen": [0]},
        {"kind": "answer", "question": "one", "chosen": []},
        {"kind": "answer", "question": "one", "chosen": [0, 1]},
        {"kind": "answer", "question": "one", "chosen": [3]},
        {"kind": "answer", "question": "one", "chosen": [-1]},
        {"kind": "answer", "question": "one", "chosen": [True]},
        {"kind": "answer", "question": "one", "chosen": ["0"]},
        {"kind": "answer", "question": "one", "chosen": "0"},
        {"kind": "choose", "question": "two", "chosen": [0] * 10**5 + [9]},
        {"kind": "again"},
    ],
)
def test_messages_that_make_no_sense_change_nothing(message):
    browser = opened()
    browser.say({"view": "first", **message})
    assert answer(browser, "two", 0, 2)["score"] == {"questions": 2, "answered": 1, "right": 1, "first": 1}
    assert kept("two") and kept("one", lambda one: True) is None


def test_answers_are_kept_with_the_first_try(learner):
    browser = opened()
    answer(browser, "two", 0, 1)
    first = kept("two")
    assert first.chosen == ("two", "three") and not first.right and not first.first
    browser.send("again", question="two")
    answer(browser, "two", 0, 2)
    after = kept("two", lambda one: one.right)
    assert after.chosen == ("two", "four") and not after.first and after.begun == first.begun


def test_answers_of_an_earlier_day_are_there_again():
    answer(opened(), "one", 0)
    kept("one")
    header = opened().last
    assert header["answers"]["one"]["given"] and header["answers"]["one"]["chosen"] == [0] and header["score"]["first"] == 1


def test_choices_that_were_moved_since_are_found_and_rewritten_ones_asked_anew(learner):
    answer(opened(), "two", 0, 2)
    answer(opened(), "one", 0)
    kept("one")
    kept("two")
    file = learner / "course" / "quizzes" / "07.toml"
    file.write_text(SMALL.replace("'two'", "'TEMP'").replace("'three'", "'two'").replace("'TEMP'", "'three'").replace("'`2`'", "'`2.0`'"), encoding="utf-8")
    header = opened().last
    assert header["answers"]["two"]["chosen"] == [1, 2]
    assert header["answers"]["one"] == {"chosen": [], "given": False} and header["score"]["first"] == 2


def test_a_locked_progress_delays_no_answer(learner):
    Progress().answered("07/x", ["x"], True)
    with sqlite3.connect(learner / "home" / "progress.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        browser = opened()
        begin = time.perf_counter()
        answer(browser, "one", 0)
        assert time.perf_counter() - begin < 1
        assert kept("one", lambda one: True) is None
        other.execute("COMMIT")
    assert kept("one").right
    other.close()


@pytest.mark.parametrize("harm", ["file", "folder"])
def test_a_progress_that_cannot_be_kept_is_said_and_nothing_more(learner, harm):
    if harm == "file":
        (learner / "home").write_text("not a folder")
    else:
        (learner / "home" / "progress.sqlite").mkdir(parents=True)
    browser = opened()
    assert "cannot be used" in browser.last["notice"]
    told = answer(browser, "one", 0)
    assert told["score"]["right"] == 1
    if "not kept" not in told["notice"]:  # it is kept beside the quiz, so that both may be said at once
        assert "not kept" in browser.until(lambda header: "not kept" in header["notice"])["notice"]


def test_a_saved_notebook_holds_the_questions_and_no_answer():
    data, _ = dl.quiz("07")._repr_mimebundle_()
    assert data["text/plain"] == "Quiz(chapter 07, 2 questions)" == repr(dl.quiz("07"))
    text = data["text/html"]
    assert "What is $1 + 1$?" in text and "<code>11</code>" in text and "Choose all" in text
    assert "So it is" not in text and "right = true" not in text and "checked" not in text
    stack = []

    class Strict(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            stack.append(tag)

        def handle_endtag(self, tag):
            assert stack.pop() == tag

    Strict().feed(text)
    assert stack == []


def test_it_looks_the_same_whatever_was_answered():
    before = dl.quiz("07")._repr_mimebundle_()[0]["text/html"]
    answer(opened(), "one", 0)
    kept("one")
    assert dl.quiz("07")._repr_mimebundle_()[0]["text/html"] == before


def test_a_quiz_that_is_not_there_says_which_are():
    with pytest.raises(ValueError, match=r"chapter 08 has no quiz; there is one for (\d\d, )*07(, \d\d)*\. A quiz is a file quizzes/08\.toml beside the notebook"):
        dl.quiz("08")
    with pytest.raises(ValueError, match="number of its chapter"):
        dl.quiz("../../etc/passwd")
    assert len(dl.quiz(7).asked) == 2


def test_a_file_with_a_mistake_names_it(learner):
    (learner / "course" / "quizzes" / "07.toml").write_text(SMALL.replace("right = true", "", 1), encoding="utf-8")
    with pytest.raises(QuizError, match=r"quizzes/07.toml, question 1 \(one\): no choice is right: write right = true"):
        dl.quiz("07")


def test_the_course_in_use_comes_before_the_one_that_dlnb_carries(learner, monkeypatch):
    shutil.copy(ROOT / "notebooks" / "quizzes" / "10.toml", learner / "course" / "quizzes" / "10.toml")
    changed = (learner / "course" / "quizzes" / "10.toml").read_text(encoding="utf-8").replace("larger-pictures", "my-own")
    (learner / "course" / "quizzes" / "10.toml").write_text(changed, encoding="utf-8")
    assert quiz_of("10").questions[0].id == "my-own"
    (learner / "course" / "labs").mkdir()
    monkeypatch.chdir(learner / "course" / "labs")
    assert quiz_of("10").questions[0].id == "my-own"
    monkeypatch.chdir(learner)
    assert quiz_of("10").questions[0].id == "larger-pictures"
