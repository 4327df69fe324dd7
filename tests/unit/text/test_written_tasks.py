"""Tasks that need no download: what is held out is never learned, and the metrics and baselines are what they say."""

import gzip
import sys

import pytest
import torch

import dlnb as dl
from dlnb.text.batches import IGNORED, MaskedBatches, PairBatches, TextBatches
from dlnb.text.grammar import sentence
from dlnb.text.tasks.masked import masked_accuracy, masked_loss
from dlnb.text.tasks.sentiment import read_sentences
from dlnb.text.tasks.translation import bleu, exactly_right, is_kept_apart, read_pairs, translate
from dlnb.text.tokenizers import END, MASK, PADDING, START, UNKNOWN, Words, padded


def texts_of(task, split: str) -> list[str]:
    return [task.tokenizer.decode(row) for row in task.split(split).tensors[0].tolist()]


@pytest.fixture(scope="module")
def french():
    return dl.text.translation(sentences=300)


# Batches.


def test_a_batch_is_as_short_as_its_longest_text_and_holds_each_text_once():
    lengths = torch.randint(1, 30, (100,), generator=torch.Generator().manual_seed(0)).tolist()
    tokens = padded([[5 + number] * length for number, length in enumerate(lengths)])
    batches = TextBatches(tokens, torch.arange(100), size=8, shuffle=True)
    seen, area = [], 0
    for position in range(len(batches)):
        read, mask, target = batches.batch(1, 2, position)
        assert torch.equal(mask, read != PADDING) and mask.any(0).all()  # no column of padding alone
        assert torch.equal(read[:, 0] - 5, target)
        seen += target.tolist()
        area += read.numel()
    assert sorted(seen) == list(range(100)) and len(batches.batch(1, 2, 12)[0]) == 4
    assert area < 1.25 * sum(lengths)  # sorted by length among each other; in any order it would be 1.8 times as much
    again = batches.reader()
    assert all(torch.equal(a, b) for a, b in zip(again.batch(1, 2, 5), batches.batch(1, 2, 5), strict=True))
    assert not torch.equal(batches.batch(1, 3, 5)[2], batches.batch(1, 2, 5)[2])


def test_what_is_written_is_followed_by_what_is_asked():
    source, target = padded([[7, 8], [9]]), padded([[START, 5, 6, END], [START, 7, END]])
    read, written, following = PairBatches(source, target, size=2).batch(0, 0, 0)
    assert torch.equal(read, source)
    assert written.tolist() == [[START, 5, 6], [START, 7, END]] and following.tolist() == [[5, 6, END], [7, END, PADDING]]


def test_pairs_of_like_lengths_come_together_and_each_comes_once():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, 30, (400,), generator=generator)
    others = (lengths + torch.randint(-2, 3, (400,), generator=generator)).tolist()
    source = padded([[5 + number] * length for number, length in enumerate(lengths.tolist())])
    target = padded([[START, *[5] * length, END] for length in others])
    batches = PairBatches(source, target, size=8, shuffle=True)
    seen, padding = [], {"sorted": 0, "as drawn": 0}
    for position in range(len(batches)):
        read, written, following = batches.batch(1, 2, position)
        seen += read[:, 0].tolist()
        padding["sorted"] += int((read == PADDING).sum() + (following == PADDING).sum())
        drawn = [part[8 * position : 8 * position + 8] for part in (source, target[:, 1:])]
        padding["as drawn"] += sum(int((part[:, : (part != PADDING).sum(1).max()] == PADDING).sum()) for part in drawn)
        assert (following != PADDING).any(0).all() and written.shape == following.shape
    assert sorted(seen) == list(range(5, 405)) and padding["sorted"] < 0.5 * padding["as drawn"], padding
    again = batches.reader()
    assert all(torch.equal(a, b) for a, b in zip(again.batch(1, 2, 5), batches.batch(1, 2, 5), strict=True))


def test_in_every_text_some_words_are_hidden_and_those_alone_are_asked_for():
    tokens = padded([[10 + i % 7] * (1 + i % 20) for i in range(400)])
    batches = MaskedBatches(tokens, vocabulary=30, size=100, shuffle=True)
    asked = hidden = kept = text = 0
    for position in range(len(batches)):
        read, mask, target = batches.batch(0, 0, position)
        where = target != IGNORED
        assert where.any(1).all() and not (where & ~mask).any()
        assert (read[~where & mask] >= 10).all() and not (read[~where] == MASK).any()
        asked, hidden = asked + int(where.sum()), hidden + int((read == MASK).sum())
        kept, text = kept + int((read == target).sum()), text + int(mask.sum())
        again = batches.batch(0, 0, position)
        assert all(torch.equal(a, b) for a, b in zip((read, mask, target), again, strict=True))
    assert 0.14 < asked / text < 0.22 and 0.75 < hidden / asked < 0.85 and 0.05 < kept / asked < 0.16
    assert not torch.equal(batches.batch(0, 1, 0)[2], batches.batch(0, 0, 0)[2])
    with pytest.raises(ValueError, match="share of hidden tokens"):
        MaskedBatches(tokens, vocabulary=30, size=8, share=0)


# Reviews.


def test_no_review_is_in_two_parts_and_no_word_is_unknown():
    task, masked = dl.text.reviews(500), dl.text.masked_reviews(800)
    for one in (task, masked):
        parts = [set(texts_of(one, split)) for split in ("train", "valid", "test")]
        assert [len(part) for part in parts] == [len(one.split(split).tensors[0]) for split in ("train", "valid", "test")]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert not any((one.split(split).tensors[0] == UNKNOWN).any() for split in ("train", "valid", "test"))
    assert set(texts_of(task, "test")) == set(texts_of(masked, "test"))
    assert texts_of(dl.text.reviews(500, seed=1), "test") == texts_of(task, "test")
    assert set(texts_of(dl.text.reviews(500, seed=1), "train")) != set(texts_of(task, "train"))


def test_who_counts_words_knows_something_of_a_review_but_not_all():
    found = {name: values["accuracy"] for name, values in dl.text.reviews(2000).measure_baselines().items()}
    majority, words, pairs = found.values()
    assert majority < 0.55 and 0.6 < words < 0.9 and 0.6 < pairs < 0.9


def test_hidden_words_count_alone():
    target = torch.tensor([[IGNORED, 3, IGNORED], [1, IGNORED, 2]])
    logits = torch.zeros(2, 3, 5)
    assert masked_loss(logits, target).item() == pytest.approx(torch.tensor(5.0).log().item())
    logits[0, 0] = torch.tensor([9.0, -9, -9, -9, -9])  # at a place that nobody asks for
    assert masked_loss(logits, target).item() == pytest.approx(torch.tensor(5.0).log().item())
    assert masked_accuracy(torch.tensor([[0, 3, 0], [1, 4, 4]]), target) == pytest.approx(2 / 3)


# Translation.


def test_what_stands_together_in_the_test_never_does_in_what_is_learned(french):
    english, other = french.tokenizer
    made = {one.english: one for one in (sentence(number) for number in range(6000))}
    for split in ("train", "valid", "test"):
        for row in french.split(split).tensors[0].tolist():
            combinations = made[english.decode(row)].combinations
            assert any(map(is_kept_apart, combinations)) == (split != "train")
    learned = {word for row in french.train.tensors[0].tolist() for word in row}
    assert {word for row in french.test.tensors[0].tolist() for word in row} <= learned | {UNKNOWN}


def test_neither_words_nor_sentences_that_are_looked_up_are_right(french):
    assert all(values["exactly right"] < 0.1 for values in french.measure_baselines().values())


def test_a_translation_is_right_to_the_letter_or_wrong():
    target = torch.tensor([[5, 6, END], [7, END, PADDING]])
    assert exactly_right(torch.tensor([[5, 6, END, PADDING], [7, 8, END, PADDING]]), target) == 0.5
    assert exactly_right(target[:, :2], target) == 0.5  # what is cut off is not right


def test_bleu_is_sacrebleus():
    import sacrebleu

    words = Words(["the cat sat on the old mat today", "a dog ran"])
    true, said = ["the cat sat on the old mat today", "a dog ran"], ["the cat sat on the mat", "a dog ran"]
    rows = [padded([[*words.encode(text), END] for text in texts]) for texts in (said, true)]
    assert bleu(words, *rows) == pytest.approx(sacrebleu.corpus_bleu(said, [true]).score)
    assert bleu(words, rows[1], rows[1]) == pytest.approx(100)


def test_a_sentence_of_ones_own_is_translated_and_an_empty_one_refused(french):
    with dl.seeded(0):
        model = french.models["Translator"]().eval()
    assert isinstance(translate(model, french, "the red mouse sees a dog ."), str)
    for text in ("", "   "):
        with pytest.raises(ValueError, match="nothing to translate"):
            translate(model, french, text)
    with pytest.raises(ValueError, match="holds 32 tokens"):
        translate(model, french, "dog " * 40)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: dl.text.translation("dutch"), "french"),
        (lambda: dl.text.translation(sentences=1), "100 to 50,000"),
        (lambda: dl.text.reviews(1), "2 to 20,000"),
        (lambda: dl.text.masked_reviews(0), "2 to 50,000"),
    ],
)
def test_what_cannot_be_made_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# Previews.


@pytest.mark.parametrize(
    "make", [lambda: dl.text.reviews(100), lambda: dl.text.masked_reviews(100), lambda: dl.text.translation(sentences=300)]
)
def test_a_preview_says_what_a_model_makes_of_a_few_texts(make):
    task = make()
    for model in task.models.values():
        with dl.seeded(0):
            shown = task.preview(model().eval())
        assert len(shown.read) >= 8 and all(shown.read) and shown.said is not None and shown.right is not None
        said = [one == true for one, true in zip(shown.said, shown.truth, strict=True)]
        assert shown.right.tolist() == said


# Files.


@pytest.mark.parametrize(("line", "number"), [("no tab here", 2), ("a film\t2", 2), ("\t1", 2)])
def test_a_line_that_is_no_sentence_and_label_is_named(tmp_path, monkeypatch, line, number):
    file = tmp_path / "train.tsv"
    file.write_text(f"fine\t1\n{line}\n", encoding="utf-8")
    monkeypatch.setattr("dlnb.text.tasks.sentiment.path", lambda source, name: file)
    with pytest.raises(ValueError, match=f"line {number} of .*train.tsv"):
        read_sentences("sst2", "train")


def test_files_of_two_languages_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    for language, text in {"en": "one\ntwo\n", "de": "eins\n"}.items():
        (tmp_path / f"val.{language}.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr(sys.modules[read_pairs.__module__], "path", lambda source, name: tmp_path / name)
    with pytest.raises(ValueError, match="2 English and 1 German"):
        read_pairs("multi30k", "val")
    (tmp_path / "val.de.gz").write_bytes(gzip.compress(b"eins\n \n"))
    with pytest.raises(ValueError, match="sentence 2 .* is empty"):
        read_pairs("multi30k", "val")
