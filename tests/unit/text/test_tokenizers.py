"""From a text to numbers and exactly back, in every script; what has no number is said."""

import random
import unicodedata

import pytest
import torch

from dlnb.text import BytePairs, Characters, Words
from dlnb.text.tokenizers import END, PADDING, START, UNKNOWN, padded

TEXTS = {
    "plain": "The cat sat on the mat. It didn't move, did it?",
    "white space": "  two  spaces\n\tand a tab \n",
    "right to left": "שלום עולם، مرحبا بالعالم",
    "combining": unicodedata.normalize("NFD", "café naïve Ångström") + " é",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 ok",
    "other scripts": "日本語のテキスト ไทย हिन्दी",
    "names of special tokens": "⟨start⟩ · <pad> [MASK] <|endoftext|> ⟨mask⟩",
    "control characters": "a\0b\x7f\u200bc\ufeff",
    "one character": "x",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize(
    "make", [lambda text: Characters(text), lambda text: Words([text]), lambda text: BytePairs([text], 400)], ids=["characters", "words", "pairs"]
)
def test_what_is_encoded_decodes_exactly(make, text):
    tokenizer = make(text)
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == text
    assert tokenizer.decode(torch.tensor(tokens)) == text
    assert all(0 <= token < len(tokenizer) for token in tokens)


def test_byte_pairs_decode_exactly_what_they_have_never_seen():
    tokenizer = BytePairs(["the theme of the thesis"], 300)
    draw = random.Random(0)
    for _ in range(300):
        text = "".join(chr(draw.choice([*range(0xD800), *range(0xE000, 0x11000)])) for _ in range(draw.randrange(12)))
        assert tokenizer.decode(tokenizer.encode(text)) == text
    for text in TEXTS.values():
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_frequent_pairs_become_one_token():
    tokenizer = BytePairs(["low lower lowest"] * 5, 300)
    assert len(tokenizer.encode("lower")) < len("lower")
    assert "low" in tokenizer.pieces and len(tokenizer) <= 300


def test_a_character_that_was_never_seen_is_named():
    with pytest.raises(ValueError, match="'z' .at place 2. has no token"):
        Characters("ab").encode("abz")


def test_a_word_that_was_left_out_is_unknown():
    tokenizer = Words(["the cat", "the dog"], size=6)
    assert tokenizer.pieces[5:] == [" the"]
    assert tokenizer.encode("the cat") == [5, UNKNOWN]
    assert tokenizer.decode([START, *tokenizer.encode("the cat"), END, PADDING]) == "the⟨unknown⟩"


def test_words_that_are_rare_can_be_left_out():
    assert Words(["a a b"], least=2).pieces[5:] == [" a"]


@pytest.mark.parametrize("tokenizer", [Characters("ab"), Words(["a b"]), BytePairs(["a b"], 300)], ids=["characters", "words", "pairs"])
@pytest.mark.parametrize("token", [-1, 10**6])
def test_a_token_outside_the_vocabulary_is_named(tokenizer, token):
    with pytest.raises(ValueError, match=f"there is no token {token}.*0 to {len(tokenizer) - 1}"):
        tokenizer.decode([0, token])


def test_no_text_gives_no_tokens_and_no_tokeniser():
    assert Characters("a").encode("") == [] and BytePairs(["a"], 270).encode("") == []
    with pytest.raises(ValueError, match="text is empty"):
        Characters("")
    with pytest.raises(ValueError, match="no words"):
        Words([])
    with pytest.raises(ValueError, match="261 or more"):
        BytePairs(["a"], 100)


def test_texts_are_filled_up_and_cut_off():
    assert padded([[5, 6, 7], [8]]).tolist() == [[5, 6, 7], [8, PADDING, PADDING]]
    assert padded([[5, 6, 7], [8]], longest=2).tolist() == [[5, 6], [8, PADDING]]
    with pytest.raises(ValueError, match="text number 1 is empty"):
        padded([[5], []])
    with pytest.raises(ValueError, match="no texts"):
        padded([])
