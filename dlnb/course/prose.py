"""Short texts of the course as HTML: Markdown with code, and maths between dollars as MathML, which browsers show and screen readers read."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from itertools import pairwise
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

Maths = Callable[[str, bool], str]  # a formula, and whether it stands on a line of its own → HTML

_SPACE = "{http://www.w3.org/1998/Math/MathML}"
_PARTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}  # of what has a fixed number
_TAGS = {*_PARTS, *"math mi mn mo mtext mspace mrow mstyle mpadded mphantom msqrt mtable mtr mtd mmultiscripts mprescripts none".split()}
_ATTRIBUTES = set(
    "accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form height largeop linethickness lspace mathcolor "
    "mathsize mathvariant maxsize minsize movablelimits rowlines rowspacing rspace scriptlevel separator stretchy symmetric voffset width".split()
)


class ProseError(ValueError):
    """A text cannot be shown as it is written; the message says why and what to do."""


def mathml(formula: str, block: bool = False) -> str:
    """A LaTeX formula as MathML. block: it stands on a line of its own.

    Raises: ProseError if it cannot be read.

    >>> mathml("x^2")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    """
    formula = formula.strip()
    try:
        _check_braces(formula)
        made = ElementTree.fromstring(convert(formula, display="block" if block else "inline"))
        for element in list(made.iter()):
            _check_element(element)
            if element.tag == f"{_SPACE}mrow":
                _set_names_apart(element)
    except ProseError:
        raise
    except ElementTree.ParseError:  # what the converter leaves as it is must not become markup
        raise ProseError(f"the formula ${formula}$ has a sign that cannot stand there: write \\lt for <, \\gt for > and no &") from None
    except Exception as error:  # the converter has a class of errors for each mistake, and fails in others
        what = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
        raise ProseError(f"the formula ${formula}$ cannot be read ({what}). Correct its LaTeX") from None
    ElementTree.register_namespace("", _SPACE[1:-1])
    return ElementTree.tostring(made, encoding="unicode")


def as_written(formula: str, block: bool = False) -> str:
    """A formula as LaTeX between dollars, for where the page sets maths itself or a reader reads the source."""
    dollars = "$$" if block else "$"
    return escape(f"{dollars}{formula.strip()}{dollars}")


def html(text: str, maths: Maths = mathml) -> str:
    """A text as HTML; tags in it are text. Raises: ProseError if a formula in it cannot be read."""
    return str(_renderer(maths).render(_without_controls(text))).strip()


def first_and_rest(text: str, maths: Maths = mathml) -> tuple[str, str]:
    """The first paragraph as HTML without its tag, as it may stand in a line, and what follows it as HTML.

    Raises: ProseError if the text does not begin with a paragraph, or if a formula in it cannot be read.
    """
    markdown = _renderer(maths)
    tokens: list[Token] = markdown.parse(_without_controls(text))
    if [token.type for token in tokens[:3]] != ["paragraph_open", "inline", "paragraph_close"]:
        raise ProseError("it must begin with a sentence; lists, code and formulas on their own lines come after it")
    first = markdown.renderer.render(tokens[1:2], markdown.options, {})
    return first.strip(), markdown.renderer.render(tokens[3:], markdown.options, {}).strip()


@cache
def _renderer(maths: Maths) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).use(dollarmath_plugin, double_inline=True)
    # A heading would break the order of those in the notebook; a picture has no place it could be fetched from.
    markdown.disable(["heading", "lheading", "image"])

    def formula(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
        block = tokens[at].type != "math_inline"
        made = maths(tokens[at].content, block)
        return f'<div class="dlnb-formula">{made}</div>\n' if tokens[at].type.startswith("math_block") else made

    def link(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        tokens[at].attrSet("target", "_blank")  # else it takes the place of the whole JupyterLab
        tokens[at].attrSet("rel", "noopener")
        return str(self.renderToken(tokens, at, options, env))

    for kind in ("math_inline", "math_inline_double", "math_block", "math_block_label"):
        markdown.add_render_rule(kind, formula)
    markdown.add_render_rule("link_open", link)
    return markdown


def _without_controls(text: str) -> str:
    r"""The text itself. Raises: ProseError where \f, \b or \t was meant to begin a command of LaTeX, as in "\frac"."""
    for control, letter in (("\f", "f"), ("\b", "b"), ("\t", "t"), ("\r", "r")):
        if control in text and (letter in "fb" or re.search(rf"\$[^$]*{control}[^$]*\$", text)):
            raise ProseError(f'between double quotes \\{letter} is a control character. Put a text with a backslash between single quotes: \'$\\{letter}…$\'')
    return text


def _check_braces(formula: str) -> None:
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", formula):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    if depth:
        raise ProseError(f"the formula ${formula}$ has a brace without its partner. Close or remove it")


def _check_element(element: ElementTree.Element) -> None:
    """Let only pass what MathML knows: the converter is lenient, and passes on what it does not know."""
    name, said = element.tag.removeprefix(_SPACE), element.text or ""
    if name not in _TAGS:
        raise ProseError(f"a formula makes <{name}>, which browsers do not show. Write it otherwise")
    if unknown := sorted(set(element.attrib) - _ATTRIBUTES):
        raise ProseError(f"a formula sets {unknown[0]!r}, which no formula here may. Write it without that command")
    if name in ("mi", "mo") and said.startswith("\\") and len(said) > 1:
        raise ProseError(f"a formula uses {said}, which is not known. Correct its name, or write it otherwise")
    if name in ("mi", "mo") and said == "\\":
        raise ProseError("a formula ends with a backslash. Remove it")
    if name in _PARTS and len(element) != _PARTS[name]:
        raise ProseError(f"a formula has a command that takes {_PARTS[name]} parts and gets {len(element)}. Give it all of them, each in braces")


def _set_names_apart(row: ElementTree.Element) -> None:
    """A thin space behind the name of a function, as in “ln 10”, unless brackets follow."""
    for name, after in reversed(list(pairwise(row))):
        core = name[0] if name.tag[len(_SPACE) :] in ("msub", "msup", "msubsup") else name
        if core.tag == f"{_SPACE}mi" and len(core.text or "") > 1 and (core.text or "").isalpha() and after.tag != f"{_SPACE}mo":
            row.insert(list(row).index(after), ElementTree.Element(f"{_SPACE}mspace", width="0.17em"))
