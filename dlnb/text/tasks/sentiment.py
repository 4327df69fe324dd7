"""Tasks that say whether a text is for or against something."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ...data.store import path
from ...metrics import accuracy
from ...task import Task, remembered
from ..batches import TextBatches
from ..models import BERT, BERTClassifier, CountedCNN, RecurrentClassifier, TextCNN
from ..previews import Classified
from ..reviews import CLASSES, EVERY_WORD, different_reviews
from ..tokenizers import Words, padded

EVALUATED_AT_ONCE = 250
SHOWN = 12  # texts in a preview

Texts = Sequence[tuple[str, int]]


@remembered
def reviews(labels: int = 2000, seed: int = 0, batch_size: int = 32) -> Task:
    """Is a review for or against its film? The reviews are written by a grammar (`dlnb.text.reviews`); nothing to download.

    labels: reviews to learn from. 400 others are for validation and 1,000 for the test; no two of all are alike.
    seed: of the reviews to learn from; validated and tested is always on the same ones.

    Raises: ValueError for fewer than 2 or more than 20,000 labels.
    """
    if not 2 <= labels <= 20_000:
        raise ValueError(f"labels must be from 2 to 20,000, got {labels}")
    held_out = different_reviews(1400, -1)
    train = different_reviews(labels, seed, frozenset(text for text, _ in held_out))
    words = Words([EVERY_WORD])
    return _sentiment(
        "reviews", words, train, held_out[:400], held_out[400:], batch_size, credit="",
        models={
            "LSTM": lambda: RecurrentClassifier(len(words), cell="lstm"),
            "TextCNN": lambda: TextCNN(len(words)),
            "BERT": lambda: BERTClassifier(BERT(len(words), width=64, layers=2, heads=2), len(CLASSES)),
        },
    )  # fmt: skip


@remembered
def sst2(batch_size: int = 32, *, source: str = "sst2") -> Task:
    """Is a sentence of a film review for or against it? Real ones, fetched once through `dlnb.data.store` (1 MB).

    6,920 sentences to learn from, 872 to validate, 1,821 to test, as published. Words that occur once in the sentences to
    learn from are unknown words.

    Raises: DataError if the files cannot be had.
    """
    train, valid, test = (read_sentences(source, part) for part in ("train", "dev", "test"))
    words = Words((text for text, _ in train), least=2)
    return _sentiment(
        source, words, train, valid, test, batch_size,
        credit="Stanford Sentiment Treebank, R. Socher et al. 2013, for research",
        models={
            "TextCNN": lambda: TextCNN(len(words)),
            "naive Bayes and TextCNN": lambda: CountedCNN(*_tensors(words, train), len(words)),
            "GRU": lambda: RecurrentClassifier(len(words), cell="gru"),
        },
    )  # fmt: skip


def read_sentences(source: str, part: str) -> list[tuple[str, int]]:
    """The sentences of a part ("train", "dev", "test") with 1 for praise and 0 for blame.

    Raises: DataError if the file cannot be had, ValueError naming the line that is not `sentence<TAB>0 or 1`.
    """
    file = path(source, f"{part}.tsv")
    result = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        text, tab, label = line.rpartition("\t")
        if not tab or not text.strip() or label not in ("0", "1"):
            raise ValueError(f"line {number} of {file} is {line!r}; expected a sentence, a tab, and 0 or 1")
        result.append((text, int(label)))
    return result


def _sentiment(
    name: str, words: Words, train: Texts, valid: Texts, test: Texts, batch_size: int, credit: str,
    models: dict[str, Callable[[], nn.Module]],
) -> Task:  # fmt: skip
    shown, labels = _tensors(words, valid[:SHOWN])
    return Task(
        name=name,
        train=TextBatches(*_tensors(words, train), size=batch_size, shuffle=True),
        valid=TextBatches(*_tensors(words, valid), size=EVALUATED_AT_ONCE),
        test=TextBatches(*_tensors(words, test), size=EVALUATED_AT_ONCE),
        metrics={"accuracy": accuracy},
        classes=CLASSES,
        baselines={
            "the most frequent class": lambda: {"accuracy": _majority(train, test)},
            "naive Bayes, words": lambda: {"accuracy": _naive_bayes(train, test, 1)},
            "naive Bayes, words and pairs": lambda: {"accuracy": _naive_bayes(train, test, 2)},
        },
        preview=Classified([text for text, _ in valid[:SHOWN]], shown, labels, CLASSES),
        credit=credit,
        models=models,
        tokenizer=words,
    )


def _tensors(words: Words, part: Texts) -> tuple[Tensor, Tensor]:
    return padded([words.encode(text) for text, _ in part]), torch.tensor([label for _, label in part])


def _majority(train: Texts, test: Texts) -> float:
    ones = 2 * sum(label for _, label in train) >= len(train)
    return sum(label == ones for _, label in test) / len(test)


def _naive_bayes(train: Texts, test: Texts, longest: int) -> float:
    """Which words occur, however often; the strongest baseline that takes a second (Wang & Manning 2012)."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    counter = CountVectorizer(binary=True, ngram_range=(1, longest), token_pattern=r"\S+", lowercase=True)
    texts, labels = zip(*train, strict=True)
    classifier = make_pipeline(counter, MultinomialNB()).fit(texts, labels)
    return float(classifier.score(*zip(*test, strict=True)))
