"""Tasks that tell people apart by their faces, also people never seen before."""

from functools import lru_cache

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...data.sets import ORL_FACES
from ...data.store import fetch
from ...preview import Images
from ...task import Task, remembered
from ..data import as_pixels, jitter
from ..faces import (
    METRICS,
    CentreMarginLoss,
    PeopleBatches,
    erased,
    lit_and_mirrored,
    looked_at_again,
    threshold,
    whitened_eigenfaces,
)
from ..images import read_picture
from ..models import FaceNet
from ..people import face

PAIRS = 12  # of one person and as many of two, in a preview
EVALUATED_AT_ONCE = 500
ANSWERS = ("two people", "the same person")


@remembered
def faces(
    seed: int = 0, people: int = 48, pictures: int = 6, together: int = 16, each: int = 3, height: int = 48, width: int = 40
) -> Task:
    """Whose face is it? Drawn people in colour, each in another pose, mood and light each time; nothing to download.

    people: to learn from, with so many `pictures` each; 16 others to validate and 24 others to test, with 6 each.
    together, each: people in a batch, and pictures of each of them. seed: of all of them. height, width: in pixels.

    A model gives embeddings (B, D) of length 1; a target is (B,) int64, the number of the person.

    Raises: ValueError if the sides or the numbers are too small.

    >>> faces()
    Task(faces: train 6, valid 1, test 1 batches)
    """
    if people < 2 or pictures < 2:
        raise ValueError(f"to tell people apart takes 2 people and 2 pictures of each, got people={people}, pictures={pictures}")
    train = _drawn(seed, 0, people, pictures, height, width)
    valid = _drawn(seed, people, 16, 6, height, width)
    test = _drawn(seed, people + 16, 24, 6, height, width)
    length = max(1, people * pictures // (together * each))
    batches = PeopleBatches(*train, together, each, length, lambda pictures: jitter(pictures, boldness=0.0))
    return _faces("faces", batches, train, valid, test, credit="drawn by dlnb", width=16)


@remembered
def orl_faces(
    seed: int = 0, together: int = 30, each: int = 3, height: int = 56, width: int = 48, source: str = "orl_faces"
) -> Task:
    """The 40 people of the Olivetti Research Laboratory, ten grey pictures of each, fetched once through `dlnb.data.store` (4 MB).

    30 people to learn from, eight pictures of each; their other two validate; the test is ten people never seen, all by `seed`.
    Each picture is bent, lit from another side, mirrored or not, and four in five have a part of the face hidden.
    together, each: people in a batch, and pictures of each of them. height, width: to which pictures are scaled, in pixels.
    source: the name of a set in the store that comes in the same files.

    A model gives embeddings (B, D) of length 1; a target is (B,) int64, the number of the person from 0.

    Raises: DataError if the files cannot be had; PictureError if one is none.
    """
    pictures = _read(source, height, width)  # (40, 10, 1, H, W)
    draw = RandomState(seed)
    order = draw.permutation(len(pictures))
    known, never_seen = np.sort(order[:30]), np.sort(order[30:])
    shuffled = np.stack([draw.permutation(pictures.shape[1]) for _ in known])  # (30, 10)
    train, valid = (_part(pictures, known, shuffled[:, chosen]) for chosen in (slice(8), slice(8, None)))
    test = _part(pictures, never_seen, np.tile(np.arange(pictures.shape[1]), (len(never_seen), 1)))
    batches = PeopleBatches(*train, together, each, 10, lambda pictures: erased(lit_and_mirrored(jitter(pictures, bend=0.08)), share=0.8))
    return _faces("orl_faces", batches, train, valid, test, credit=f"{ORL_FACES.source}; {ORL_FACES.licence}")


Part = tuple[Tensor, Tensor]  # pictures (N, C, H, W) in [0, 1], and whose they are, (N,)


def _faces(name: str, batches: PeopleBatches, train: Part, valid: Part, test: Part, credit: str, width: int = 32) -> Task:
    """width: filters in the first layer of the network."""
    channels, height, wide = train[0].shape[1:]
    return Task(
        name=name,
        train=batches,
        valid=TensorBatches(*valid, size=EVALUATED_AT_ONCE),
        test=TensorBatches(*test, size=EVALUATED_AT_ONCE),
        loss=CentreMarginLoss(),
        metrics=METRICS,
        predict=looked_at_again,
        baselines={"whitened eigenfaces": lambda: whitened_eigenfaces(train[0], test[0], test[1])},
        preview=_Pairs(*valid),
        show=_pictures,
        credit=credit,
        models={"FaceNet": lambda: FaceNet((height, wide), channels, width)},
    )


@lru_cache(maxsize=16)
def _drawn(seed: int, first: int, people: int, pictures: int, height: int, width: int) -> Part:
    """So many people from the number `first` on."""
    made = [face(first + who, number, seed, height, width) for who in range(people) for number in range(pictures)]
    pixels = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float() / 255
    return pixels.contiguous(), torch.arange(first, first + people).repeat_interleave(pictures)


@lru_cache(maxsize=4)
def _scaled(files: tuple[tuple[str, ...], ...], height: int, width: int) -> Tensor:
    return torch.stack([torch.stack([read_picture(file, grey=True, size=(height, width)) for file in row]) for row in files])


def _read(source: str, height: int, width: int) -> Tensor:
    """Pictures of all people: (40, 10, 1, height, width) float32 in [0, 1]."""
    files = fetch(source)
    people = sorted({name.split("/")[0] for name in files}, key=lambda person: int(person[1:]))  # s1, s2, … s40
    rows = tuple(tuple(str(files[f"{person}/{number}.pgm"]) for number in range(1, 11)) for person in people)
    return _scaled(rows, height, width).float() / 255


def _part(pictures: Tensor, people: np.ndarray, chosen: np.ndarray) -> Part:
    """people: (P,); chosen: (P, K), which pictures of each → P · K pictures, person after person."""
    rows = pictures[torch.from_numpy(people)[:, None], torch.from_numpy(chosen)]  # (P, K, 1, H, W)
    return rows.flatten(0, 1), torch.from_numpy(people).repeat_interleave(chosen.shape[1])


def _pictures(pictures: Tensor) -> Images:
    """Faces (N, C, H, W) in [0, 1] as they can be shown."""
    return Images(as_pixels(pictures), ())


class _Pairs:
    """The preview: pairs of faces side by side, half of them of one person, and whether the model takes them for one."""

    def __init__(self, pictures: Tensor, people: Tensor) -> None:
        self.pictures, self.people = pictures, people
        one, other = np.triu_indices(len(people), 1)
        same = (people[one] == people[other]).numpy()
        draw = RandomState(0)
        chosen = np.concatenate([draw.permutation(np.flatnonzero(same == truth))[:PAIRS] for truth in (True, False)])
        chosen = draw.permutation(chosen)
        self.one, self.other = one[chosen], other[chosen]
        self.truth = same[chosen].astype(np.int64)
        pixels = as_pixels(pictures)
        self.pixels = np.concatenate([pixels[self.one], pixels[self.other]], axis=2)  # (N, H, 2 W)

    def __call__(self, model: nn.Module) -> Images:
        """model: in eval mode, gives embeddings (N, D).

        The probabilities are those of the loss, as if there were one other person, as near as the threshold of equal errors.
        """
        device = next(model.parameters()).device
        with torch.no_grad():
            inputs = self.pictures.to(device)
            embeddings = looked_at_again(model, (inputs,), model(inputs))
            cosines = (embeddings[self.one] * embeddings[self.other]).sum(1)
            surely = (CentreMarginLoss().scale * (cosines - threshold(embeddings, self.people))).sigmoid()
        scores = torch.stack([1 - surely, surely], dim=1).float().cpu().numpy()
        return Images(self.pixels, ANSWERS, truth=self.truth, scores=scores)
