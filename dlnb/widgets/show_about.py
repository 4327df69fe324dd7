"""What is said of a thing that is shown: what it was taken for, its shape read aloud, its type, its range, and what is strange."""

from dataclasses import dataclass

import numpy as np

from ..preview import Boxes, Captioned, Forecasts, Images, Masks, Scene, Texts
from .show_facts import (
    Numbers,
    Strange,
    about_memory,
    counted,
    short,
    strange_columns,
    strange_numbers,
    strange_pictures,
    strange_sounds,
    strange_tokens,
    strange_twins,
)
from .show_kinds import Given, Nothing, Pictures, Sounds, Table, Tokens


@dataclass(frozen=True)
class About:
    """What is said above a picture.

    title: what it is taken for. facts: (name, words) each. numbers: all of them in one look, None where there are none.
    strange: what is not as usual.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    numbers: Numbers | None
    strange: tuple[Strange, ...]

    def line(self) -> str:
        """All in one line, the same on every run."""
        parts = [self.title, *(words for name, words in self.facts if name != "memory")]
        return "; ".join([*parts, *(one.what.rstrip(".") for one in self.strange)])


def about(given: Given) -> About:
    """What is said of what was given."""
    sight = given.sight
    if isinstance(sight, Pictures):
        return _pictures(given, sight)
    if isinstance(sight, Sounds):
        return _sounds(given, sight)
    if isinstance(sight, Tokens):
        return _tokens(given, sight)
    if isinstance(sight, Table):
        return _table(given, sight)
    if isinstance(sight, Scene):
        return _scene(sight)
    if isinstance(sight, Nothing):
        numbers = Numbers.of(np.zeros(0))
        return About("nothing", _facts(("shape", given.shape), ("type", given.dtype)), numbers, tuple(strange_numbers(numbers, 0, "")))
    return About(_of_preview(sight), (), None, ())


def _pictures(given: Given, sight: Pictures) -> About:
    assert given.array is not None
    array, (count, height, width, channels) = given.array, sight.values.shape
    numbers = Numbers.of(array)
    one = "matrix" if array.ndim == 2 else "picture"
    title = counted(count, one, "pictures") if sight.several else f"one {one}"
    sides = [counted(height, "row"), counted(width, "column")]
    if array.ndim > 2 and not (array.ndim == 3 and sight.several):
        sides.insert(2 if sight.last else 0, "1 channel" if channels == 1 else f"{channels} channels (red, green, blue)")
    if sight.several:
        sides.insert(0, counted(count, "picture"))
    shape = f"{given.shape}: {', '.join(sides)}" if not given.note else given.shape
    strange = strange_numbers(numbers, array.size, given.dtype)
    if array.ndim > 2 and not given.note:
        strange += strange_pictures(sight.values, numbers, sight.last, sight.truth)
    facts = _facts(("shape", shape), ("range", numbers.words()), ("memory", about_memory(array, given.dtype)), ("note", given.note))
    return About(title, facts, numbers, tuple(strange))


def _sounds(given: Given, sight: Sounds) -> About:
    assert given.array is not None
    count, samples = sight.values.shape
    numbers = Numbers.of(given.array)
    strange = strange_numbers(numbers, given.array.size, given.dtype)
    lasts = ""
    if sight.rate is None:
        title = "one number" if samples == 1 else f"a row of {samples:,} numbers"
    else:
        title = counted(count, "sound") if sight.several else "one sound"
        lasts = f"{short(samples / sight.rate)} s at {sight.rate:,.0f} samples a second"
        strange += strange_sounds(sight.values, numbers)
        strange += strange_twins(sight.values, "sound")
    sides = ([counted(count, "sound")] if sight.several else []) + [counted(samples, "sample" if sight.rate else "number")]
    facts = _facts(
        ("shape", f"{given.shape}: {', '.join(sides)}"), ("length", lasts), ("range", numbers.words()),
        ("memory", about_memory(given.array, given.dtype)), ("note", given.note),
    )  # fmt: skip
    return About(title, facts, numbers, tuple(strange))


def _tokens(given: Given, sight: Tokens) -> About:
    ids = np.concatenate(sight.ids)
    different = len(np.unique(ids))
    title = f"{counted(len(sight.ids), 'text')} in tokens" if len(sight.ids) > 1 else "one text in tokens"
    known = "" if sight.known is None else f" of {sight.known:,} that the tokeniser knows"
    counts = f"{counted(len(ids), 'token')}, {different:,} different ones{known}"
    way = "each character is a token, its id is its number in Unicode" if sight.known is None and sight.unknown is None else ""
    span = f"{short(float(ids.min()))} to {short(float(ids.max()))}; they name pieces and measure nothing" if len(ids) else ""
    facts = _facts(("shape", given.shape), ("type", f"{given.dtype}, whole numbers"), ("tokens", counts), ("ids", span), ("note", way))
    return About(title, facts, None, tuple(strange_tokens(ids, sight.unknown)))


def _table(given: Given, sight: Table) -> About:
    numeric = [(name, column) for name, column in zip(sight.names, sight.columns, strict=True) if isinstance(column, np.ndarray)]
    names, columns = tuple(name for name, _ in numeric), [column for _, column in numeric]
    strange = strange_columns(names, columns, sight.truth, sight.missing)
    texts = [name for name in sight.names if name not in names]
    if texts:
        listed = ", ".join(repr(name) for name in texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
        strange.insert(0, Strange(f"{listed} {'holds' if len(texts) == 1 else 'hold'} text.", "A network reads numbers: one column of 0 and 1 for each word, `pandas.get_dummies(table)`."))
    numbers = Numbers.of(np.concatenate(columns)) if columns else None
    if numbers is not None and numbers.endless:
        strange.insert(0, Strange(f"{counted(numbers.endless, 'number')} {'is' if numbers.endless == 1 else 'are'} infinite.", "Often a division by 0."))
    if len(sight) > 1 and columns:
        strange += strange_twins(np.stack(columns, 1), "row") if not texts else []
    facts = _facts(("shape", f"{given.shape}: {counted(len(sight), 'row')}, {counted(len(sight.names), 'column')}"), ("type", given.dtype), ("note", given.note))
    return About("a table", facts, numbers, tuple(strange))


def _scene(sight: Scene) -> About:
    numbers = Numbers.of(sight.rows)
    others = len(sight.rows) - 1
    shape = f"{tuple(sight.rows.shape)}: {counted(len(sight.rows), 'body', 'bodies')}, {counted(len(sight.names), 'number')} each"
    seen = f"the own car and {counted(others, 'other')} within reach, as the own car has them"
    strange = strange_numbers(numbers, sight.rows.size, str(sight.rows.dtype))
    return About("a road scene", _facts(("shape", shape), ("bodies", seen), ("memory", about_memory(sight.rows, str(sight.rows.dtype)))), numbers, tuple(strange))


def _of_preview(sight: object) -> str:
    if isinstance(sight, Texts):
        return counted(len(sight.read), "text")
    if isinstance(sight, Forecasts):
        return counted(len(sight.past), "series", "series")
    assert isinstance(sight, Images | Boxes | Masks | Captioned)
    extra = {Images: "", Boxes: " with boxes", Masks: " with masks", Captioned: " with texts"}[type(sight)]
    return counted(len(sight.pixels), "picture") + extra


def _facts(*facts: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Those of which something is known."""
    return tuple((name, words) for name, words in facts if words)
