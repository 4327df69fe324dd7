"""The quiz files: what is wrong with one is said with its place and what to do, and what is right with one is shown safely."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dlnb.course.prose import ProseError, as_written, first_and_rest, html, mathml
from dlnb.course.quizzes import QuizError, read_quiz

COURSE = Path(__file__).parents[2] / "notebooks"
GOOD = """
[[question]]
id = "one"
text = 'What is $1 + 1$?'
[[question.choice]]
text = '2'
right = true
why = 'So it is.'
[[question.choice]]
text = '11'
why = 'Those are texts.'
"""


@pytest.fixture
def wrong(tmp_path):
    """`wrong(text)` is what is said of a file with this text; text or bytes."""

    def said(text) -> str:
        file = tmp_path / "quizzes" / "10.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(QuizError) as error:
            read_quiz(file)
        return str(error.value)

    return said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no question: begin each with a line [[question]]"),
        ("[question]\nid = 'one'", "no question: begin each with a line [[question]]"),
        ("question = 5", "no question"),
        ("question = [5]", "question 1: it is not a question"),
        ("title = 'Quiz'\n" + GOOD, "'title' is not known"),
        (GOOD + GOOD, "2 questions have the id 'one'"),
        (GOOD.replace('id = "one"\n', ""), "question 1: it needs an id of small letters, digits and hyphens"),
        (GOOD.replace('"one"', '"One two"'), "question 1 (One two): it needs an id"),
        (GOOD.replace("'What is $1 + 1$?'", "' '"), "question 1 (one): it has no text"),
        (GOOD.replace("'What is $1 + 1$?'", "5"), "question 1 (one): it has no text"),
        (GOOD.replace("'What is $1 + 1$?'", "'- a list'"), "question 1 (one): it must begin with a sentence"),
        (GOOD.replace("1 + 1", r"\frac{1}{"), "has a brace without its partner"),
        (GOOD.replace("1 + 1", r"\fraq{1}{2}"), r"uses \fraq, which is not known"),
        (GOOD.replace("'What is $1 + 1$?'", r'"Is $\\frac{1}{2} < \frac12$?"'), r"\f is a control character. Put a text with a backslash between single quotes"),
        (GOOD.replace("'What is $1 + 1$?'", r'"Is $1 \times 1$ one?"'), r"\t is a control character"),
        (GOOD.replace("'What is $1 + 1$?'", r'"What is $1 \cdot 1$?"'), "line 4, column 22). Put a text with a backslash between single quotes"),
        (GOOD.replace("'What is $1 + 1$?'", "'What is"), "not valid TOML"),
        (GOOD.replace("right = true", ""), "question 1 (one): no choice is right: write right = true"),
        (GOOD.replace("right = true", "right = 'true'"), "choice 1: right is true or false, without quotes"),
        (GOOD.replace("right = true", "rigth = true"), "choice 1: 'rigth' is not known; there are right, text, why"),
        (GOOD.replace("why = 'Those are texts.'", "right = true\nwhy = 'So.'"), "every choice is right: add a wrong one"),
        (GOOD.replace("why = 'Those are texts.'", ""), "question 1 (one): choice 2: it has no explanation: say why it is right or wrong"),
        (GOOD.replace("'Those are texts.'", "''"), "choice 2: it has no explanation"),
        (GOOD.replace("'Those are texts.'", "'$x^$'"), "choice 2: the formula $x^$ cannot be read (missing super script or subscript)"),
        (GOOD.replace("'11'", "' 2  '"), "2 choices say the same, '2'"),
        (GOOD.replace("'11'", "''"), "choice 2: it has no text"),
        (GOOD.replace("'11'", "'''a\n\nb'''"), "choice 2: its text is more than one paragraph"),
        (GOOD.replace("'11'", f"'{'a' * 1001}'"), "choice 2: its text is longer than 1,000 characters"),
        (GOOD.split("[[question.choice]]\ntext = '11'")[0], "question 1 (one): it has fewer than two choices"),
        (GOOD.replace('id = "one"', 'id = "one"\nseveral = "yes"'), "several is true or false"),
        (GOOD.encode("utf-16"), "is not text in UTF-8. Save it in that encoding"),
        (b"#" * 1_000_001, "is larger than 1 MB"),
        ("a = " + "[" * 100_000, "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_do(wrong, text, words):
    said = wrong(text)
    assert words in said and all(line.startswith("quizzes/10.toml") for line in said.split("\n"))


def test_all_mistakes_are_named_at_once(wrong):
    said = wrong(GOOD.replace("right = true", "").replace("why = 'So it is.'", "").replace("1 + 1", "{"))
    assert len(said.split("\n")) == 3


def test_a_file_that_cannot_be_read_is_an_error_in_words(tmp_path):
    with pytest.raises(QuizError, match="cannot be read: Is a directory"):
        read_quiz(tmp_path)
    with pytest.raises(QuizError, match="cannot be read: No such file"):
        read_quiz(tmp_path / "10.toml")


def test_a_file_of_a_windows_editor_is_read(tmp_path):
    (tmp_path / "10.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [question.id for question in read_quiz(tmp_path / "10.toml").questions] == ["one"]


def test_one_right_choice_can_be_asked_with_check_boxes(tmp_path):
    (tmp_path / "10.toml").write_text(GOOD.replace('id = "one"', 'id = "one"\nseveral = true'))
    question = read_quiz(tmp_path / "10.toml").questions[0]
    assert question.several and question.right == (0,)


@pytest.mark.parametrize("file", sorted((COURSE / "quizzes").glob("*.toml")), ids=lambda file: file.stem)
def test_the_quizzes_of_the_course_are_sound(file):
    questions = read_quiz(file).questions
    assert 6 <= len(questions) <= 8 and list(COURSE.glob(f"{file.stem}_*.ipynb"))
    assert any(question.several for question in questions) and not all(question.several for question in questions)
    assert any("$" in question.text or any("$" in choice.text for choice in question.choices) for question in questions)
    places = [question.right for question in questions if not question.several]
    assert len(set(places)) > 2, "the right choice stands at the same place too often"


def test_the_reader_needs_no_pytorch():
    code = "import sys, dlnb.course.quizzes as q; q.quiz_of('10'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=COURSE).returncode == 0


@pytest.mark.parametrize(
    "formula",
    [r"\frac{1}{10}", r"\sum_{i=1}^{9} w_i x_i", r"\hat{y} = \operatorname{softmax}(z)", r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}", "a < b", r"\{x \mid x > 0\}", r"\sqrt[3]{x}", r"f^\prime(x)"],
)
def test_formulas_become_mathml(formula):
    made = mathml(formula)
    assert made.startswith("<math ") and made.endswith("</math>") and "\\" not in made


def test_the_name_of_a_function_is_set_apart_from_its_number():
    assert "<mi>ln</mi><mspace" in mathml(r"\ln 10") and "mspace" not in mathml(r"\ln(10)") and "mspace" not in mathml("a b")


@pytest.mark.parametrize(
    "formula", ["", "x_", "x^2^3", r"\frac{1}", r"\left( x", "{x", "x}", r"\foo", "x\\", r"\begin{foo}", r"\text{<b>}", r"\href{javascript:alert(1)}{x}", r"\style{color:red}{x}", r"\class{a}{b}"]
)
def test_formulas_that_cannot_be_read_or_could_do_harm_are_refused_in_words(formula):
    with pytest.raises(ProseError, match="formula"):
        mathml(formula)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![a](x.png)", "`<b>`", "```\n<b>\n```", "# Heading", "Heading\n==="])
def test_a_text_becomes_harmless_html_without_headings_and_pictures(text):
    made = html(text)
    assert not re.search(r"<(script|img|b|h\d)\b|href=.javascript", made) and made


def test_a_link_does_not_take_the_place_of_jupyterlab():
    assert html("[a](https://example.org)") == '<p><a href="https://example.org" target="_blank" rel="noopener">a</a></p>'


def test_the_first_paragraph_stands_in_a_line_and_the_rest_follows():
    first, rest = first_and_rest("What *does* `x` print?\n\n```python\nx = 1 < 2\n```\n\n$$x^2$$", as_written)
    assert first == "What <em>does</em> <code>x</code> print?"
    assert "x = 1 &lt; 2" in rest and "$$x^2$$" in rest
