"""Tasks of digits that people said: one at a time, and rows of them."""

import functools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ...data.batches import TensorBatches
from ...metrics import accuracy
from ...task import Task, remembered
from ..alike import most_alike
from ..ctc import ctc_loss, greedy
from ..digits import SPEAKERS, TAKES, Spoken, official, read_digits, without
from ..errors import WordErrors, sentences_right
from ..features import as_logarithms, as_numbers, picture
from ..joined import JoinedDigits
from ..letters import DIGITS
from ..models import Listener, SoundCNN
from ..previews import Heard, shown
from ..variety import varied

SHOWN = 12  # sounds in a preview
EVALUATED_AT_ONCE = 100
LENGTH = 80  # frames, 0.8 s, that are listened to of a digit
CREDIT = "Free Spoken Digit Dataset, Z. Jackson and others, CC BY-SA 4.0"


@remembered
def free_spoken_digits(speaker: str | None = None, batch_size: int = 32, takes: int = TAKES, source: str = "fsdd") -> Task:
    """Ten digits by six speakers, 3,000 recordings, fetched once through `dlnb.data.store`.

    The official split: takes 0 to 4 of each digit and speaker are the test; 5 to 9 validate, 10 to 49 are learned from.
    speaker: one of dlnb.speech.digits.SPEAKERS who is then heard in the test only, with all their takes, and never before.
    takes: only the first so many of each, 12 to 50.

    Raises: ValueError for another speaker or number of takes; DataError if the files cannot be had.
    """
    if speaker is not None and speaker not in SPEAKERS:
        raise ValueError(f"speaker must be one of {', '.join(map(repr, SPEAKERS))}, or None for the official split; got {speaker!r}")
    pictures, lengths, spoken = _recordings(source, _checked(takes))
    parts = official(spoken.take) if speaker is None else without(spoken.speaker, spoken.take, SPEAKERS.index(speaker))
    train, valid, test = ((pictures[part], spoken.digit[part]) for part in parts)
    few = torch.arange(0, len(valid[0]), max(1, len(valid[0]) // SHOWN))[:SHOWN]

    def said(model: nn.Module, inputs: Tensor) -> Sequence[str]:
        return [DIGITS.signs[digit] for digit in model(inputs).argmax(1).tolist()]

    return Task(
        name="free spoken digits" if speaker is None else f"free spoken digits, {speaker} never heard",
        train=TensorBatches(*train, size=batch_size, shuffle=True, augment=functools.partial(varied, throat=0.08, noise=(-18.0, -12.0), masks=1)),
        valid=TensorBatches(*valid, size=EVALUATED_AT_ONCE, augment=as_numbers),
        test=TensorBatches(*test, size=EVALUATED_AT_ONCE, augment=as_numbers),
        metrics={"accuracy": accuracy},
        classes=DIGITS.signs,
        baselines={
            "the most frequent digit": lambda: {"accuracy": (test[1] == train[1].mode().values).double().mean().item()},
            "logistic regression on average bands": lambda: {"accuracy": _logistic((train[0], lengths[parts[0]], train[1]), (test[0], lengths[parts[2]], test[1]))},
        },
        preview=Heard(valid[0][few], [DIGITS.signs[digit] for digit in valid[1][few].tolist()], said),
        show=shown,
        credit=CREDIT,
        models={"SoundCNN": lambda: SoundCNN(len(DIGITS.signs))},
    )


@remembered
def connected_digits(
    rows: int = 1600, batch_size: int = 32, digits: int = 6, seed: int = 0, takes: int = TAKES, source: str = "fsdd"
) -> Task:
    """Rows of three to `digits` digits, joined from the recordings of `free_spoken_digits`, to be written down.

    rows: to learn from in an epoch, other ones each; 100 to validate and 300 to test, which are joined from recordings that
    are nowhere else. seed: of these.

    Raises: ValueError for a number that does not fit; DataError if the files cannot be had.
    """
    if not 3 <= digits <= 12:
        raise ValueError(f"digits must be 3 to 12, got {digits}")
    if rows < 1:
        raise ValueError(f"rows must be 1 or more, got {rows}")
    spoken = read_digits(source, _checked(takes))
    learned, checked, tested = official(spoken.take)
    make = functools.partial(JoinedDigits, spoken, most=digits, seed=seed)
    train = make(learned, rows=rows, size=batch_size, anew=True, vary=functools.partial(varied, throat=0.08, noise=(-17.0, -11.0), masks=1))
    valid = make(checked, rows=100, size=EVALUATED_AT_ONCE)
    test = make(tested, rows=300, size=EVALUATED_AT_ONCE, seed=seed + 1)
    return Task(
        name="connected digits",
        train=train,
        valid=valid,
        test=test,
        loss=ctc_loss,
        metrics={"word error rate": WordErrors(DIGITS), "rows right": functools.partial(sentences_right, DIGITS)},
        predict=lambda model, inputs, logits: [DIGITS.decode(row) for row in greedy(logits)],
        baselines={"the row that is most like it": functools.partial(_most_alike, train, test)},
        preview=_rows_shown(valid),
        show=shown,
        credit=CREDIT,
        models={"Listener": lambda: Listener(len(DIGITS), 96)},
        tokenizer=DIGITS,
    )


def _most_alike(train: JoinedDigits, test: JoinedDigits) -> dict[str, float]:
    """What comes of writing the digits of the row to learn from that each is most like."""
    known, asked = ([rows.row(number) for number in range(rows.rows)] for rows in (train, test))
    (pictures, lengths), (other, others) = (_pictured([sound for sound, _ in rows]) for rows in (known, asked))
    found = most_alike(pictures, lengths, other, others).tolist()
    written, target = (
        pad_sequence([torch.from_numpy(digits + 1) for digits in rows], batch_first=True)
        for rows in ([known[place][1] for place in found], [digits for _, digits in asked])
    )
    texts = [DIGITS.decode(row) for row in written.tolist()]
    return {"word error rate": WordErrors(DIGITS)(texts, target), "rows right": sentences_right(DIGITS, texts, target)}


def _checked(takes: int) -> int:
    if not 12 <= takes <= TAKES:
        raise ValueError(f"takes must be 12 to {TAKES}, of which the first ten are not learned from; got {takes}")
    return takes


@functools.lru_cache(maxsize=2)
def _recordings(source: str, takes: int) -> tuple[Tensor, Tensor, Spoken]:
    """Pictures of all recordings, at most LENGTH frames of each (N, LENGTH, MELS), how many these are (N,), and what they are of."""
    spoken = read_digits(source, takes)
    pictures, lengths = _pictured([np.pad(sound, (400, max(400, 3_000 - len(sound)))) for sound in spoken.sounds])
    return pictures[:, :LENGTH], lengths.clamp(max=LENGTH), spoken


def _pictured(sounds: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Sounds as pictures (N, T, MELS) uint8, filled up with 0, and their frames (N,)."""
    pictures = [picture(torch.from_numpy(sound)) for sound in sounds]
    return pad_sequence(pictures, batch_first=True), torch.tensor([len(one) for one in pictures])


def _rows_shown(valid: JoinedDigits) -> Heard:
    from ..features import MIDDLE, QUIETEST, SPREAD

    numbers, target = valid.cut(0, 0, 0, 8)
    pictures = ((numbers * SPREAD + MIDDLE - QUIETEST) * (255 / -QUIETEST)).round().to(torch.uint8)
    said = lambda model, inputs: [DIGITS.decode(row) for row in greedy(model(inputs))]  # noqa: E731
    return Heard(pictures, [DIGITS.decode(row) for row in target.tolist()], said)


def _logistic(train: tuple[Tensor, Tensor, Tensor], test: tuple[Tensor, Tensor, Tensor]) -> float:
    """The accuracy of scikit-learn's logistic regression on the mean of each band in five fifths of a sound."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def averages(pictures: Tensor, lengths: Tensor) -> Tensor:
        rows = [as_logarithms(one[:length]).tensor_split(5) for one, length in zip(pictures, lengths.tolist(), strict=True)]
        return torch.stack([torch.cat([fifth.mean(0) for fifth in row]) for row in rows])

    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    classifier.fit(averages(*train[:2]).numpy(), train[2].numpy())
    return float(classifier.score(averages(*test[:2]).numpy(), test[2].numpy()))
