"""The quiz in a real browser: answered by keyboard alone, reloaded, in other themes, and with its kernel gone."""

import contextlib
import itertools
import re
import sqlite3

import pytest
from real_lab import (
    eventually,
    expect,
    open_in_notebook_7,
    open_page,
    outputs,
    run_cell,
    wait_for_kernel,
    write_notebook,
)

NUMBERS = itertools.count(900)  # of chapters, one a test: what is answered is kept
QUIZ = r"""
[[question]]
id = "sum"
text = 'What is $\frac{1}{2} + \frac{1}{2}$?'
[[question.choice]]
text = '`0.5`'
why = 'That is *one* of them.'
[[question.choice]]
text = '`1.0`'
right = true
why = 'Two halves: $2 \cdot \frac{1}{2} = 1$.'
[[question.choice]]
text = '<img src=x onerror="window.hacked = 1">'
why = 'No number: <script>window.hacked = 1</script>'

[[question]]
id = "even"
text = '''
Which are even?

```python
two, three, four = 2, 3, 4
```
'''
[[question.choice]]
text = 'two'
right = true
why = 'Twice 1.'
[[question.choice]]
text = 'three'
why = 'Twice 1.5.'
[[question.choice]]
text = 'four'
right = true
why = 'Twice 2.'
"""


@pytest.fixture
def quiz(lab, notebook):
    """`quiz()` opens a notebook with a quiz of two questions; returns the page and the number of its chapter."""

    def opened(*more: str):
        number = write_quiz(lab)
        page = notebook(f"import dlnb as dl\ndl.quiz('{number}')", *more)
        run_cell(page, 0)
        expect(questions(page)).to_have_count(2)
        return page, number

    return opened


def write_quiz(lab) -> int:
    number = next(NUMBERS)
    (lab.root / "quizzes").mkdir(exist_ok=True)
    (lab.root / "quizzes" / f"{number}.toml").write_text(QUIZ, encoding="utf-8")
    return number


def questions(page):
    return page.locator(".dlnb-quiz .dlnb-asked")


def question(page, name: str):
    return page.locator(f".dlnb-quiz [data-question={name}]")


def score(page):
    return page.locator(".dlnb-quiz .dlnb-score")


def focused(page) -> str:
    """What has the focus, in words: its kind, and what it is called."""
    return page.evaluate(
        """() => { const it = document.activeElement;
                   return `${it.type ?? it.tagName} ${(it.closest('label') ?? it).innerText ?? ''}`.trim(); }"""
    )


def tab_to(page, wanted: str, most: int = 60) -> None:
    """Press Tab until what is focused begins with these words."""
    for _ in range(most):
        if focused(page).startswith(wanted):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} times Tab, and “{wanted}” was not reached; at last: {focused(page)}")


def kept(lab, number: int) -> dict[str, tuple[int, int]]:
    """What the learner's progress holds of a quiz: question → right now, right at the first try."""
    with contextlib.closing(sqlite3.connect(lab.learner / "progress.sqlite")) as file:
        rows = file.execute("SELECT question, is_right, first_right FROM quizzes").fetchall()
    return {name.split("/")[1]: (now, first) for name, now, first in rows if name.startswith(f"{number}/")}


def test_the_whole_quiz_is_answered_by_keyboard_alone(quiz, lab):
    page, number = quiz()
    page.keyboard.press("Escape")
    tab_to(page, "radio 0.5")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")  # as in every group of radio buttons: goes on and chooses
    assert focused(page) == "radio 1.0"
    page.keyboard.press("ArrowUp")
    expect(question(page, "sum").get_by_role("radio", name="0.5")).to_be_checked()
    page.keyboard.press("Tab")
    assert focused(page) == "submit Check"
    page.keyboard.press("Enter")
    status = question(page, "sum").get_by_role("status")
    expect(status).to_contain_text("✗ Not right.")
    assert focused(page) == "submit Try again"
    page.keyboard.press("Enter")
    expect(status).to_be_empty()
    page.keyboard.press("Shift+Tab")  # to the last one, as none is chosen
    page.keyboard.press("ArrowUp")
    assert focused(page) == "radio 1.0"
    page.keyboard.press("Enter")  # within the form, as in every form
    expect(status).to_contain_text("✓ Right.")

    tab_to(page, "checkbox two")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "checkbox four"
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(question(page, "even").get_by_role("status")).to_contain_text("✓ Right.")
    expect(score(page)).to_contain_text("All 2 answered, 2 right. At the first try: 1.")
    assert eventually(page, lambda: kept(lab, number), lambda now: len(now) == 2) == {"sum": (1, 0), "even": (1, 1)}

    page.keyboard.press("Tab")
    assert focused(page) == "button Begin again"
    page.keyboard.press("Enter")
    expect(page.locator(".dlnb-why")).to_have_count(0)
    expect(score(page)).to_contain_text("1 of 2 were right at the first try.")


def test_letters_and_arrows_in_the_quiz_do_nothing_to_the_notebook(quiz):
    page, _ = quiz("1", "2")
    question(page, "sum").get_by_role("radio").first.focus()
    for key in ("d", "d", "a", "b", "m", "x", "ArrowDown", "ArrowDown", "j", "k"):
        page.keyboard.press(key)
    assert page.locator(".jp-NotebookPanel:visible .jp-CodeCell").count() == 3
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == 0
    expect(question(page, "sum").get_by_role("radio").nth(2)).to_be_checked()


def test_every_choice_is_explained_once_it_is_answered_and_none_before(quiz):
    page, _ = quiz()
    for word in ("Twice 1.5", "one of them"):
        assert word not in page.content()
    even = question(page, "even")
    even.get_by_role("button").click()
    expect(even.get_by_role("status")).to_have_text("Choose at least one.")
    even.get_by_label("two").check()
    even.get_by_label("three").check()
    even.get_by_role("button").click()
    expect(even.get_by_role("status")).to_contain_text("You found 1 of 2 right answers, and chose 1 that is not right.")
    for name, words in {"two": "Right", "three": "Chosen, but not right", "four": "Right, but not chosen"}.items():
        box = even.get_by_role("checkbox", name=name)
        expect(box).to_be_disabled()
        expect(box).to_have_accessible_description(re.compile(rf"{words}\s*Twice \d"))
    expect(question(page, "sum").locator(".dlnb-why")).to_have_count(0)


def test_maths_is_drawn_and_html_is_text(quiz):
    page, _ = quiz()
    asked = question(page, "sum")
    expect(asked.locator("legend math mfrac")).to_have_count(2)
    over, under = (asked.locator("legend mfrac > *").nth(k).bounding_box() for k in (0, 1))
    assert over["y"] + over["height"] <= under["y"] + 1, "the numerator stands above the denominator"
    asked.get_by_role("radio").nth(2).check()
    asked.get_by_role("button").click()
    expect(asked.locator("label").nth(2)).to_have_text('<img src=x onerror="window.hacked = 1">')
    expect(asked).to_contain_text("<script>window.hacked = 1</script>")
    assert page.evaluate("() => window.hacked") is None


def test_answers_survive_a_page_reload_and_a_new_kernel(quiz, lab):
    page, number = quiz()
    question(page, "sum").get_by_label("1.0").check()
    question(page, "sum").get_by_role("button").click()
    expect(question(page, "sum").get_by_role("status")).to_contain_text("Right.")
    question(page, "even").get_by_label("four").check()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(500)
    page.reload()
    expect(question(page, "sum").get_by_role("status")).to_contain_text("Right.")
    expect(question(page, "even").get_by_label("four")).to_be_checked()
    expect(question(page, "even").get_by_label("two")).not_to_be_checked()
    expect(question(page, "even").get_by_role("button")).to_have_text("Check")

    eventually(page, lambda: kept(lab, number), lambda now: "sum" in now)
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    wait_for_kernel(page)
    run_cell(page, 0)
    expect(score(page)).to_contain_text("1 of 2 answered, 1 right. At the first try: 1.")
    expect(question(page, "sum").get_by_label("1.0")).to_be_checked()


def test_an_answer_comes_while_another_cell_computes(quiz):
    page, _ = quiz("import time\nfor _ in range(3000):\n    time.sleep(0.1)")
    run_cell(page, 1)
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[*]:")
    question(page, "sum").get_by_label("1.0").check()
    question(page, "sum").get_by_role("button").click()
    expect(question(page, "sum").get_by_role("status")).to_contain_text("Right.")
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[*]:")


def test_a_killed_kernel_is_said_and_the_questions_stay(quiz):
    page, _ = quiz("import os; os._exit(1)")
    run_cell(page, 1)
    page.get_by_role("button", name="Ok", exact=True).click()  # JupyterLab says that the kernel died
    question(page, "sum").get_by_label("1.0").check()
    question(page, "sum").get_by_role("button").click()
    expect(page.locator(".dlnb-quiz .dlnb-notice")).to_contain_text("run this cell again")
    expect(questions(page)).to_have_count(2)


def test_a_mistake_in_the_file_is_said_in_the_cell(notebook, lab):
    number = write_quiz(lab)
    file = lab.root / "quizzes" / f"{number}.toml"
    file.write_text(QUIZ.replace("right = true", "", 1), encoding="utf-8")
    page = notebook(f"import dlnb as dl\ndl.quiz('{number}')")
    run_cell(page, 0)
    expect(outputs(page, 0)).to_contain_text("question 1 (sum): no choice is right: write right = true under one of them")


def test_nothing_leaves_the_machine(quiz):
    hosts = set()
    page, _ = quiz()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2].split(":")[0]))
    page.reload()
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-Cell")
    wait_for_kernel(page)
    run_cell(page, 0)
    expect(questions(page)).to_have_count(2)
    assert {host for host in hosts if host} <= {"127.0.0.1"}


def test_a_saved_notebook_shows_the_questions_without_what_is_right(quiz, lab, page):
    """As the course is committed: without the state of the widgets, for whoever has not run the cell yet."""
    quiz_page, number = quiz()
    file = write_notebook(lab.root / "saved.ipynb", "1")
    quiz_page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    import nbformat

    own = next(path for path in sorted(lab.root.glob("*.ipynb")) if f"'{number}'" in path.read_text())
    eventually(quiz_page, lambda: nbformat.read(own, 4).cells[0].outputs, bool)
    saved = nbformat.read(own, 4)
    saved.cells[0].outputs[0].data.pop("application/vnd.jupyter.widget-view+json")
    nbformat.write(saved, file)
    open_page(page, lab.url(f"lab/tree/{file.name}", "&reset"))
    shown = outputs(page, 0)
    expect(shown).to_contain_text("Run this cell to answer it.")
    expect(shown.locator("ol > li")).to_have_count(2)
    expect(shown.locator("ol > li > ul > li")).to_have_count(6)
    expect(shown.locator("mjx-container")).to_have_count(1)  # JupyterLab sets the maths
    assert "Twice" not in shown.inner_text()


def test_the_quiz_of_chapter_10_works_in_notebook_7(lab, page, tmp_path):
    of_a_newcomer = f"import os\nos.environ['DLNB_HOME'] = {str(tmp_path)!r}"  # other tests have answered this quiz
    file = write_notebook(lab.root / "seven-quiz.ipynb", f"{of_a_newcomer}\nimport dlnb as dl\ndl.quiz('10')")
    open_in_notebook_7(page, lab, file.name)
    run_cell(page, 0)
    asked = question(page, "all-ink")
    asked.get_by_label("0.0").check()
    asked.get_by_role("button").click()
    expect(asked.get_by_role("status")).to_contain_text("✓ Right.")
