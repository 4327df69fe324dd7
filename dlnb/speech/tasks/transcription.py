"""Tasks that write down what is said."""

import functools
from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from numpy.random import RandomState
from torch import Tensor, nn

from ...task import Task, remembered
from ..alike import most_alike
from ..batches import AlignedBatches
from ..ctc import ctc_loss, greedy
from ..errors import WordErrors, sentences_right
from ..hearing import searched
from ..language import LetterLanguage
from ..letters import ENGLISH
from ..models import Listener
from ..previews import Heard, shown
from ..recorded import Recorded, recorded
from ..sentences import phrase, sentence
from ..variety import varied
from ..voices import PEOPLE, PHONEMES

EVALUATED_AT_ONCE = 100
SHOWN = 8
HELD_OUT = 200


@remembered
def transcription(sentences: int = 3600, phrases: int = 2000, seed: int = 0, batch_size: int = 24, search: bool = True) -> Task:
    """Short sentences in voices of espeak-ng, written down letter by letter; nothing to download.

    sentences: to learn from, and so many phrases of one to three words, which are learned first; 200 sentences more to
    validate and 200 to test, in which some words stand together that never do in what is learned. Each split has its own
    people. search: whether the metrics are of the texts that a beam search finds with a language of letters that is counted
    in the sentences to learn from; else of the likeliest letter of each moment.

    Raises: ValueError if there are too few.
    """
    if sentences < 20 or phrases < 0:
        raise ValueError(f"20 sentences or more are needed, and phrases must be 0 or more; got {sentences} and {phrases}")
    draw = RandomState(seed)
    texts = tuple(phrase(draw) for _ in range(phrases)) + tuple(sentence(draw, learned=True) for _ in range(sentences))
    held_out = max(20, min(HELD_OUT, sentences // 5))
    learned = recorded(texts, PEOPLE["train"], seed)
    valid, test = (
        recorded(tuple(sentence(draw, learned=False) for _ in range(held_out)), PEOPLE[part], seed + place)
        for place, part in enumerate(("valid", "test"), 1)
    )
    language = LetterLanguage(map(ENGLISH.encode, texts[phrases:]), len(ENGLISH), order=8)

    def predict(model: nn.Module, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> list[str]:
        rows = searched(output[0], language) if search else greedy(output[0])
        return [ENGLISH.decode(row) for row in rows]

    def nearest() -> dict[str, float]:
        found = most_alike(learned.pictures, learned.lengths, test.pictures, test.lengths)
        written, target = [texts[place] for place in found.tolist()], {"said": ENGLISH.rows(test.texts)}
        return {name: metric(written, target) for name, metric in metrics.items()}

    def errors(written: Sequence[str], target: dict[str, Tensor]) -> float:
        return WordErrors(ENGLISH)(written, target["said"])

    def said(model: nn.Module, pictures: Tensor) -> list[str]:
        return [ENGLISH.decode(row) for row in greedy(model(pictures)[0])]

    metrics: dict[str, Any] = {
        "word error rate": errors,
        "sentences right": lambda written, target: sentences_right(ENGLISH, written, target["said"]),
    }
    return Task(
        name="transcription",
        train=AlignedBatches(*_tensors(learned), size=batch_size, shuffle=True, shortest_first=True, vary=functools.partial(varied, throat=0.08, noise=(-17.0, -11.0), masks=0)),
        valid=AlignedBatches(*_tensors(valid), size=EVALUATED_AT_ONCE),
        test=AlignedBatches(*_tensors(test), size=EVALUATED_AT_ONCE),
        loss=heard_loss,
        metrics=metrics,
        predict=predict,
        baselines={"the text of the sound most like it": nearest},
        preview=Heard(valid.pictures[:SHOWN], valid.texts[:SHOWN], said),
        show=shown,
        credit="voices of espeak-ng",
        models={"Listener": lambda: Listener(len(ENGLISH), dropout=0.0, phonemes=len(PHONEMES))},
        tokenizer=ENGLISH,
    )


def heard_loss(output: tuple[Tensor, Tensor], target: Any) -> Tensor:
    """What CTC makes of the letters, and the cross-entropy of the phonemes. output: (B, T, letters) and (B, T, phonemes)."""
    letters, phonemes = output
    return ctc_loss(letters, target["said"]) + F.cross_entropy(phonemes.flatten(0, 1), target["phonemes"].flatten())


def _tensors(sounds: Recorded) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return sounds.pictures, sounds.lengths, ENGLISH.rows(sounds.texts), sounds.phonemes
