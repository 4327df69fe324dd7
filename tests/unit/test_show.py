"""`dl.show`: what it takes things for, what it says of them, what it finds strange, and what it sends; the wire alone is replaced."""

import base64
import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import dlnb as dl
from dlnb.preview import Boxes, Captioned, Forecasts, Images, Masks, Scene, Texts
from dlnb.widgets.base import View
from dlnb.widgets.show import show
from dlnb.widgets.show_facts import BINS, Numbers, short
from dlnb.widgets.show_frames import EXAMPLES, ROWS, TOKENS, VALUES
from dlnb.widgets.show_kinds import Pictures
from dlnb.widgets.show_picture import _pictures
from dlnb.widgets.show_sound import spectrum


def draw(*shape):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def frame(shown):
    """What a browser gets: the header, which JSON can hold, and its columns."""
    header, (buffer,) = shown.make_frame(View("first"))
    json.dumps(header, allow_nan=False)
    columns = {one["name"]: np.frombuffer(buffer, one["kind"], one["length"], one["offset"]) for one in header["columns"]}
    return header, columns


def strange(shown):
    return " ".join(map(str, shown.strange))


# What a thing is taken for.

SHAPES = [
    ((), "sounds", "one number"),
    ((7,), "sounds", "a row of 7 numbers"),
    ((8, 9), "pictures", "one matrix"),
    ((1, 8, 9), "pictures", "one picture"),
    ((3, 8, 9), "pictures", "one picture"),
    ((8, 9, 3), "pictures", "one picture"),
    ((8, 9, 4), "pictures", "one picture"),
    ((8, 9, 1), "pictures", "one picture"),
    ((5, 8, 9), "pictures", "5 pictures"),
    ((5, 1, 8, 9), "pictures", "5 pictures"),
    ((5, 3, 8, 9), "pictures", "5 pictures"),
    ((1, 3, 8, 9), "pictures", "1 picture"),
    ((5, 8, 9, 3), "pictures", "5 pictures"),
    ((2, 7, 8, 9), "pictures", "7 pictures"),
    ((2, 4, 3, 8, 9), "pictures", "4 pictures"),
    ((0, 3), "nothing", "nothing"),
    ((3, 0, 0), "nothing", "nothing"),
]


@pytest.mark.parametrize(("shape", "sight", "title"), SHAPES)
@pytest.mark.parametrize("form", [np.asarray, torch.tensor])
def test_a_shape_says_what_numbers_are(shape, sight, title, form):
    shown = show(form(draw(*shape)))
    header, columns = frame(shown)
    assert (header["sight"], header["title"]) == (sight, title)
    assert str(shape) in shown.facts["shape"]
    if sight == "pictures":
        sides = header["pictures"]
        assert columns["values"].size == sides["count"] * sides["height"] * sides["width"] * sides["channels"]


def test_channels_come_out_last_wherever_they_stood():
    picture = draw(8, 9, 3)
    for given in (picture, picture.transpose(2, 0, 1)):
        assert np.array_equal(frame(show(given))[1]["values"].reshape(8, 9, 3), picture)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.int64, torch.bool])
def test_every_type_of_number_is_shown_and_named(dtype):
    shown = show((torch.arange(12).reshape(3, 4) % 2).to(dtype))
    assert str(dtype).removeprefix("torch.") in shown.facts["memory"]
    assert frame(shown)[1]["values"].tolist() == [0, 1] * 6


def test_a_tensor_that_learns_is_shown_and_left_as_it_is():
    weights = torch.zeros(3, 4, requires_grad=True)
    show(weights)
    assert weights.requires_grad and weights.grad is None


def test_a_rate_makes_a_sound_and_names_make_a_table_and_a_tokenizer_makes_tokens():
    words = dl.text.Words(["the cat sat", "the dog"])
    assert frame(show(draw(4000), rate=8000))[0]["sight"] == "sounds"
    assert frame(show(draw(4, 3), names=["a", "b", "c"]))[0]["sight"] == "table"
    assert frame(show(torch.tensor([[5, 6], [7, 0]]), tokenizer=words))[0]["tokens"]["pieces"] == [[" the", " cat"], [" dog", "·"]]
    assert frame(show(["the cat", "a dog"], tokenizer=words))[0]["tokens"]["pieces"] == [[" the", " cat"], ["⟨unknown⟩", " dog"]]


def test_a_text_without_a_tokenizer_is_cut_into_characters():
    header, columns = frame(show("né 🙂"))
    assert header["tokens"]["pieces"] == [["n", "é", " ", "🙂"]] and columns["ids"].tolist() == [110, 233, 32, 128578]


def test_half_a_character_does_not_break_the_wire():
    assert frame(show("a\ud800b"))[0]["tokens"]["pieces"] == [["a", "?", "b"]]


def test_a_batch_brings_its_labels():
    for batch in ((draw(4, 1, 8, 8), [0, 1, 1, 0]), [torch.zeros(4, 8, 8), torch.tensor([0, 1, 1, 0])]):
        assert frame(show(batch, classes=["cat", "dog"]))[0]["pictures"]["labels"] == ["cat", "dog", "dog", "cat"]
    assert frame(show(draw(4, 8, 8), ["a", "b", "c", "d"]))[0]["pictures"]["labels"] == ["a", "b", "c", "d"]
    assert frame(show(draw(4, 6), [0, 1, 0, 1]))[0]["sight"] == "table"  # as many labels as rows


def test_a_photo_of_pillow_is_shown():
    assert "(6, 5, 3)" in show(Image.new("RGB", (5, 6), (9, 8, 7))).facts["shape"]


def test_a_data_frame_is_shown_with_text_and_with_what_is_missing():
    shown = show(pd.DataFrame({"age": [31.0, None, 44.0], "town": ["Ulm", "Bonn", None], "ill": [True, False, True]}), [0, 1, 0])
    header, columns = frame(shown)
    age, town, ill = header["table"]["columns"]
    assert age["missing"] == 1 and np.isnan(columns["column/0"][1])
    assert town["texts"] == ["Ulm", "Bonn", ""] and town["missing"] == 1 and ill["missing"] == 0
    assert "'town' holds text" in strange(shown) and "missing value" in strange(shown)


def test_a_road_scene_is_shown_with_the_numbers_of_its_cars():
    header, columns = frame(show(dl.driving.World("highway").reset(seed=0)))
    rows = columns["rows"].reshape(header["scene"]["count"], -1)
    assert header["sight"] == "scene" and rows.shape[1] == len(header["scene"]["names"]) == 6
    assert np.array_equal(rows[0, :3], [0, 0, 0])  # the own car is where it is, and looks ahead
    far = np.hypot(rows[1:, 0], rows[1:, 1])
    assert (np.diff(far) >= 0).all() and len(far) > 0


PREVIEWS = {
    "images": Images(np.zeros((2, 8, 8), np.uint8), ("a", "b"), np.array([0, 1])),
    "boxes": Boxes(np.zeros((2, 8, 8, 3), np.uint8), ("a",), np.array([[[1, 1, 4, 4]]] * 2), np.zeros((2, 1), int)),
    "masks": Masks(np.zeros((2, 8, 8, 3), np.uint8), ("nothing", "a"), np.ones((2, 8, 8), np.uint8)),
    "texts": Texts(("good", "bad"), ("yes", "no")),
    "captioned": Captioned(np.zeros((2, 8, 20), np.uint8), ("one", "two")),
    "forecasts": Forecasts(np.zeros((2, 9), np.float32), np.ones((2, 3), np.float32)),
}


@pytest.mark.parametrize("kind", PREVIEWS)
def test_the_preview_of_a_task_is_shown(kind):
    header, _ = frame(show(PREVIEWS[kind]))
    assert header["sight"] == "preview" and header["gallery"]["kind"] == kind


# What is strange.


def test_a_good_batch_has_nothing_strange():
    assert not show(draw(8, 1, 8, 8), np.arange(8)).strange


STRANGE = {
    "1 of 64 numbers is NaN": lambda x: np.where(np.arange(64).reshape(8, 8) == 3, np.nan, x).astype(np.float32),
    "2 of 64 numbers are infinite": lambda x: np.where(np.arange(64).reshape(8, 8) < 2, np.inf, x).astype(np.float32),
    "All numbers are the same, 7": lambda x: np.full_like(x, 7),
    "float64": lambda x: x.astype(np.float64),
    "There is nothing in it": lambda x: x[:0],
    "`x / 255`": lambda x: (x[None] * 250).astype(np.uint8),
    "`x / 16`": lambda x: x[None] * 16,
    "channels come last": lambda x: np.stack([x] * 3, -1),
    "1 picture of 4 is of one colour only": lambda x: np.stack([x, x * 0, x / 2, x / 3]),
    "2 pictures of 4 are the same": lambda x: np.stack([x, x, x / 2, x / 2]),
}


@pytest.mark.parametrize("words", STRANGE)
def test_what_is_strange_about_numbers_is_said(words):
    assert words in strange(show(STRANGE[words](draw(8, 8))))


def test_labels_that_are_all_the_same_are_strange():
    assert "All labels are the same" in strange(show(draw(4, 8, 8), [3, 3, 3, 3]))


TIMES = np.arange(8000) / 8000
TONE = (0.5 * np.sin(2 * np.pi * 440 * TIMES)).astype(np.float32)
SOUNDS = {
    "": TONE,
    "`x / 32768`": (TONE * 30_000).astype(np.int16),
    "The tops are flat": np.clip(TONE, -0.3, 0.3),
    "Take it away: `x - x.mean()`": TONE + 0.4,
    "All numbers are the same, 0": TONE * 0,
}


@pytest.mark.parametrize("words", SOUNDS)
def test_what_is_strange_about_a_sound_is_said(words):
    assert strange(show(SOUNDS[words], rate=8000)) == "" if not words else words in strange(show(SOUNDS[words], rate=8000))


def test_unknown_words_are_strange():
    assert "1 token of 3 is unknown" in strange(show("the red cat", tokenizer=dl.text.Words(["the cat sat"])))


def table(**columns):
    return pd.DataFrame({"a": draw(40), "b": draw(40)[::-1], **columns})


COLUMNS = {
    "'c' never changes": (table(c=1.0), None),
    "'c' is spread": (table(c=draw(40) * 1e4), None),
    "'c' gives the answer away": (table(c=np.arange(40) % 2 * 3.0), np.arange(40) % 2),
    "'d' gives the answer away": (table(d=np.arange(40.0)), np.arange(40.0) * 3 + 1),
    "20 rows of 40 are the same": (pd.DataFrame(np.tile(draw(20, 3), (2, 1)), columns=list("abc")), None),
    "'c' holds text": (table(c=["x", "y"] * 20), None),
    "1 number is infinite": (table(c=np.r_[draw(39), np.inf]), None),
}


@pytest.mark.parametrize("words", COLUMNS)
def test_what_is_strange_about_a_table_is_said(words):
    data, truth = COLUMNS[words]
    assert words in strange(show(data, truth))


def test_a_column_that_only_helps_gives_nothing_away():
    truth = np.arange(40) % 2
    assert not show(table(c=truth + draw(40) * 1.2), truth).strange


# What is refused, in words.

REFUSED = [
    (lambda: show(object()), TypeError, "dl.show cannot show a object. It shows"),
    (lambda: show(None), TypeError, "cannot show a NoneType"),
    (lambda: show([[1, 2], [3]]), TypeError, "not of one size"),
    (lambda: show(np.zeros(3, complex)), TypeError, "x.abs()"),
    (lambda: show(draw(4, 8, 8), [1, 2]), ValueError, "give one label for each"),
    (lambda: show(draw(2, 8, 8), [0, 5], classes=["a", "b"]), ValueError, "there are 2 classes, 0 to 1"),
    (lambda: show(draw(4, 3), names=["a"]), ValueError, "there are 3 columns, but 1 names"),
    (lambda: show(draw(4, 3, 2), names=["a"]), ValueError, "a table has rows and columns"),
    (lambda: show(draw(100), rate=0), ValueError, "the rate is how many samples"),
    (lambda: show(draw(100, 2), rate=8000), ValueError, "channels come last"),
    (lambda: show(draw(2, 3, 4), rate=8000), ValueError, "a sound has the shape"),
    (lambda: show("hello", tokenizer=3), TypeError, "this int has none"),
    (lambda: show(torch.tensor([99]), tokenizer=dl.text.Words(["a b"])), ValueError, "is it another's text"),
    (lambda: show(torch.tensor([0.5]), tokenizer=dl.text.Words(["a b"])), ValueError, "ids are whole numbers"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_shown_is_refused_in_words(call, error, words):
    with pytest.raises(error) as raised:
        call()
    assert words in str(raised.value)


# What is sent.


def test_a_frame_comes_once_to_each_view():
    shown, view = show(draw(8, 8)), View("first")
    assert shown.make_frame(view)
    view.sent = 1
    assert shown.make_frame(view) is None and shown.make_frame(View("second"))


def test_a_huge_picture_is_sent_smaller_and_says_so():
    header, columns = frame(show(draw(3000, 2000)))
    assert columns["values"].size <= VALUES and "is the mean of 3 × 3 pixels" in header["pictures"]["note"]
    assert np.isclose(columns["values"].reshape(1000, 667)[0, 0], draw(3000, 2000)[:3, :3].mean())


def test_a_long_batch_a_long_text_and_a_long_table_are_cut_and_say_so():
    header, _ = frame(show(draw(100, 8, 8)))
    assert header["pictures"]["count"] == EXAMPLES and "first 64 of 100 pictures" in header["pictures"]["note"]
    header, columns = frame(show("ab" * 5000))
    assert len(columns["ids"]) == TOKENS and "2,000 of 10,000 tokens" in header["tokens"]["note"]
    header, columns = frame(show(draw(500, 120), names=[f"c{i}" for i in range(120)]))
    assert header["table"]["rows"] == ROWS and len(header["table"]["columns"]) == 100 and "200 of 500 rows" in header["table"]["note"]


def test_the_facts_are_those_of_all_the_numbers_and_not_of_those_sent():
    values = draw(100, 8, 8)
    values[99, 0, 0] = 9
    assert "to 9," in show(values).facts["range"]


def test_endless_and_missing_numbers_pass_the_wire():
    header, columns = frame(show(np.array([[np.nan, np.inf], [-np.inf, 1]], np.float32)))
    assert np.isnan(columns["values"][0]) and header["low"] == header["high"] == 1
    assert frame(show(np.full((2, 2), np.nan)))[0]["low"] is None


# The spectrogram, the numbers, the still picture.


@pytest.mark.parametrize("pitch", [200, 440, 1500])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_tone_is_loudest_at_its_pitch(pitch, rate):
    seen = spectrum(np.sin(2 * np.pi * pitch * np.arange(rate) / rate), rate)
    assert (abs(seen.loud[2:-2].argmax(1) * seen.step - pitch) <= seen.step).all() and seen.loud.max() == 255


def test_a_sound_that_is_too_short_or_silent_has_no_spectrogram():
    assert spectrum(np.ones(20), 8000) is None and spectrum(np.zeros(8000), 8000) is None
    assert frame(show(np.zeros(8000), rate=8000))[0]["sounds"]["spectra"] == [None]


def test_a_histogram_counts_every_finite_number():
    numbers = Numbers.of(np.array([0.0, 0.0, 0.5, 1.0, np.nan, np.inf]))
    assert numbers.counts.sum() == 4 and numbers.counts[0] == 2 and numbers.counts[-1] == 1 and len(numbers.counts) == BINS
    assert (numbers.missing, numbers.endless, numbers.low, numbers.high) == (1, 1, 0, 1)


@pytest.mark.parametrize(("value", "words"), [(None, "–"), (0.0, "0"), (-0.5, "−0.5"), (1234.5, "1,234"), (2e7, "2e+07"), (12345.0, "12,345"), (1 / 3, "0.333")])
def test_numbers_are_written_as_people_read_them(value, words):
    assert short(value) == words


STILLS = {
    "matrix": lambda: show(draw(8, 8)),
    "photo": lambda: show((draw(30, 40, 3) * 255).astype(np.uint8)),
    "batch": lambda: show(draw(20, 1, 8, 8) - 0.5, np.arange(20)),
    "sound": lambda: show(TONE, rate=8000),
    "row": lambda: show([1.0, 2.0, np.nan]),
    "text": lambda: show("Ein Satz, mit $Zeichen$ und_unter^strichen."),
    "table": lambda: show(table(c=["x$y", "z"] * 20)),
    "scene": lambda: show(Scene(np.zeros((20, 20, 3), np.uint8), ("x, m", "y, m"), np.zeros((2, 2), np.float32), np.array([[1, 1, 5, 5], [np.nan] * 4]))),
    "nothing": lambda: show(np.zeros((0, 3))),
    **{kind: lambda kind=kind: show(PREVIEWS[kind]) for kind in PREVIEWS},
}


@pytest.mark.parametrize("kind", STILLS)
def test_everything_leaves_a_still_picture_with_a_text_for_those_who_do_not_see_it(kind):
    shown = STILLS[kind]()
    data, about = shown._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert about["image/png"]["alt"] and about["image/png"]["alt"] in repr(shown)
    assert repr(shown) == repr(STILLS[kind]())


def test_the_still_picture_of_a_large_one_counts_the_rows_and_columns_that_there_are():
    (axis,) = _pictures(Pictures(draw(901, 1200)[None, :, :, None])).axes
    assert (axis.get_xlim(), axis.get_ylim()) == ((-0.5, 1199.5), (900.5, -0.5))
    (image,) = axis.images
    assert image.get_array().shape == (301, 400) and image.get_extent() == [-0.5, 1199.5, 902.5, -0.5]  # each of 3 × 3 pixels
