"""Tasks that say a sentence in another language."""

import functools
import gzip
import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...data.store import path
from ...task import Task, remembered
from ..batches import PairBatches
from ..grammar import sentence
from ..models import Translator
from ..previews import Translated, until_end
from ..search import greedy
from ..tokenizers import END, PADDING, START, BytePairs, Words, padded

EVALUATED_AT_ONCE = 100
SHOWN = 8  # sentences in a preview
KEPT_APART = 8  # of so many combinations of words, one is kept for validation and the test
LANGUAGES = ("french", "german")

Pairs = tuple[tuple[str, str], ...]
Tokenizer = Words | BytePairs


@remembered
def translation(to: str = "french", sentences: int = 6_000, seed: int = 0, batch_size: int = 32) -> Task:
    """English to French or German, in sentences that a grammar makes (`dlnb.text.grammar`); nothing to download.

    to: "french" or "german". sentences: to learn from; 200 others are for validation and 500 for the test. In each of these
    some words stand together that never do in what is learned: "red" and "mouse" are known, but not the red mouse.

    Raises: ValueError for another language or number of sentences.
    """
    if to not in LANGUAGES:
        raise ValueError(f"to must be one of {', '.join(map(repr, LANGUAGES))}, got {to!r}")
    if not 100 <= sentences <= 50_000:
        raise ValueError(f"sentences must be from 100 to 50,000, got {sentences}")
    train, held_out = _sentences(to, sentences, 700, seed)
    english, other = _words(train)
    return _task(
        f"English to {to.capitalize()}", (train, held_out[:200], held_out[200:]), (english, other), batch_size, longest=32,
        metrics={"exactly right": exactly_right},
        models={"Translator": lambda: Translator(len(english), len(other), context=32, width=64, dropout=0.0)},
    )  # fmt: skip


@remembered
def multi30k(batch_size: int = 32, pieces: int = 4000, *, source: str = "multi30k") -> Task:
    """English to German: descriptions of photographs and their translations, fetched once through `dlnb.data.store` (1.3 MB).

    29,000 sentences to learn from, 1,014 to validate (the first 200 of them are, as translating takes time), and
    test_2016_flickr's 1,000 for the test.
    pieces: byte pairs of each language. Sentences of more than 62 pieces are cut off.

    Raises: DataError if the files cannot be had, ValueError if two of them do not fit together.
    """
    train, valid, test = (read_pairs(source, part) for part in ("train", "val", "test_2016_flickr"))
    english, german = _byte_pairs(train, pieces)
    return _task(
        source, (train, valid[:200], test), (english, german), batch_size, longest=64,
        metrics={"BLEU": functools.partial(bleu, german)},
        models={"Translator": lambda: Translator(len(english), len(german))},
        credit="Multi30k, D. Elliott et al. 2016, descriptions under CC BY-NC-SA",
        smoothing=0.1,
    )  # fmt: skip


def read_pairs(source: str, part: str) -> tuple[tuple[str, str], ...]:
    """English sentences and their German translations of a part of Multi30k.

    Raises: DataError if the files cannot be had; ValueError if they have not as many lines, or one is empty.
    """
    sides = [
        gzip.decompress(path(source, f"{part}.{language}.gz").read_bytes()).decode("utf-8").splitlines()
        for language in ("en", "de")
    ]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(f"the part {part!r} of {source!r} has {len(sides[0]):,} English and {len(sides[1]):,} German sentences")
    for number, pair in enumerate(zip(*sides, strict=True), 1):
        if not all(map(str.strip, pair)):
            raise ValueError(f"sentence {number} of the part {part!r} of {source!r} is empty in one of the languages")
    return tuple([(english.strip(), german.strip()) for english, german in zip(*sides, strict=True)])


def translate(model: Translator, task: Task, text: str) -> str:
    """A sentence in the other language. Raises: ValueError if it is empty, or too long for the model."""
    english, other = task.tokenizer
    tokens = english.encode(text)
    if not text.strip() or not tokens:
        raise ValueError("there is nothing to translate: the text is empty")
    device = next(model.parameters()).device
    return str(other.decode(until_end(greedy(model, torch.tensor([tokens], device=device))[0].tolist())))


def exactly_right(written: Tensor, target: Tensor) -> float:
    """The share of sentences that are translated to the letter. written, target: (N, T) and (N, T') int64."""
    width = max(written.shape[1], target.shape[1])
    written, target = (F.pad(tokens, (0, width - tokens.shape[1]), value=PADDING) for tokens in (written, target))
    return (written == target).all(1).double().mean().item()


def bleu(tokenizer: Tokenizer, written: Tensor, target: Tensor) -> float:
    """BLEU of all sentences together, from 0 to 100, by sacreBLEU. written, target: (N, T) and (N, T') int64.

    Source: Papineni et al. 2002; Post 2018, arXiv:1804.08771.
    """
    import sacrebleu

    said, true = ([tokenizer.decode(until_end(row)) for row in tokens.tolist()] for tokens in (written, target))
    return float(sacrebleu.corpus_bleu(said, [true]).score)


def _task(
    name: str, parts: tuple[Pairs, Pairs, Pairs], tokenizers: tuple[Tokenizer, Tokenizer], batch_size: int, longest: int,
    metrics: dict[str, Any], models: dict[str, Callable[[], nn.Module]], credit: str = "", smoothing: float = 0.0,
) -> Task:  # fmt: skip
    other = tokenizers[1]

    def predict(model: nn.Module, inputs: tuple[Tensor, Tensor], _: Tensor) -> Tensor:
        written = greedy(model, inputs[0], longest)  # type: ignore[arg-type]
        return F.pad(written, (0, longest - written.shape[1]), value=PADDING)

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PADDING, label_smoothing=smoothing)

    def measured(translate: Callable[[Pairs, Sequence[str]], list[str]]) -> dict[str, float]:
        said = translate(parts[0], [text for text, _ in parts[2]])
        written = padded([[*other.encode(text)[: longest - 1], END] for text in said])
        return {name: metric(written, test[1][:, 1:]) for name, metric in metrics.items()}

    train, valid, test = (_tensors(part, *tokenizers, longest) for part in parts)
    return Task(
        name=name,
        train=PairBatches(*train, size=batch_size, shuffle=True),
        valid=PairBatches(*valid, size=EVALUATED_AT_ONCE),
        test=PairBatches(*test, size=EVALUATED_AT_ONCE),
        loss=loss,
        metrics=metrics,
        predict=predict,
        baselines={
            "word by word": lambda: measured(word_by_word),
            "the most similar sentence": lambda: measured(most_similar),
        },
        preview=Translated(parts[1][:SHOWN], valid[0][:SHOWN], other),
        credit=credit,
        models=models,
        tokenizer=tokenizers,
    )


@functools.lru_cache(maxsize=6)
def _tensors(part: Pairs, english: Tokenizer, other: Tokenizer, longest: int) -> tuple[Tensor, Tensor]:
    source = padded([english.encode(text) for text, _ in part], longest - 2)
    return source, padded([[START, *other.encode(text)[: longest - 2], END] for _, text in part])


@functools.lru_cache(maxsize=2)
def _byte_pairs(part: Pairs, size: int) -> tuple[BytePairs, BytePairs]:
    return BytePairs((text for text, _ in part), size=size), BytePairs((text for _, text in part), size=size)


@functools.lru_cache(maxsize=4)
def _words(part: Pairs) -> tuple[Words, Words]:
    return Words(text for text, _ in part), Words(text for _, text in part)


def word_by_word(train: Pairs, texts: Sequence[str]) -> list[str]:
    """Each word becomes the one that it stands with most often, beyond what chance would do (Dice's coefficient)."""
    from sklearn.feature_extraction.text import CountVectorizer

    ours, theirs = (CountVectorizer(binary=True, token_pattern=r"\S+", lowercase=False) for _ in range(2))
    english, other = ours.fit_transform(text for text, _ in train), theirs.fit_transform(text for _, text in train)
    together = (english.T @ other).tocoo()  # in how many sentences two words stand together
    alone = [np.asarray(part.sum(0)).ravel() for part in (english, other)]
    together.data = 2 * together.data / (alone[0][together.row] + alone[1][together.col])
    best = np.asarray(together.tocsr().argmax(axis=1)).ravel()
    words = theirs.get_feature_names_out()[best]
    return [" ".join(words[ours.vocabulary_[word]] for word in text.split() if word in ours.vocabulary_) for text in texts]


def most_similar(train: Pairs, texts: Sequence[str]) -> list[str]:
    """The translation of the sentence that shares most words with the one asked for (TF-IDF)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    counter = TfidfVectorizer(token_pattern=r"\S+")
    known = NearestNeighbors(n_neighbors=1, metric="cosine").fit(counter.fit_transform(text for text, _ in train))
    nearest = known.kneighbors(counter.transform(texts), return_distance=False)[:, 0]
    return [train[place][1] for place in nearest]


@functools.lru_cache(maxsize=4)
def _sentences(to: str, count: int, held_out: int, seed: int) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """So many pairs without a combination that is kept apart, and so many with one; no two of all are alike."""
    train: dict[str, str] = {}
    others: dict[str, str] = {}
    for number in itertools.count():
        if len(train) == count and len(others) == held_out:
            break
        made = sentence(number, seed)
        apart = any(map(is_kept_apart, made.combinations))
        part, room = (others, held_out) if apart else (train, count)
        if len(part) < room:
            part[made.english] = getattr(made, to)
    return tuple(train.items()), tuple(others.items())


def is_kept_apart(combination: tuple[str, str]) -> bool:
    """Whether two words never stand together in what is learned: one of `KEPT_APART` such pairs, always the same ones."""
    return hashlib.sha256(" ".join(combination).encode()).digest()[0] % KEPT_APART == 0
