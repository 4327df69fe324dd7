"""Tasks that say what a picture shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...data.digits import CREDIT, DIGITS, read_digits
from ...metrics import accuracy
from ...preview import Images
from ...task import Task, remembered
from .. import data
from ..drawing import digit_from_drawing, mnist_from_drawing
from ..folders import read_folder
from ..models import LeNet, ResNet, VisionTransformer

SHOWN = 24  # pictures in a preview
EVALUATED_AT_ONCE = 500
COMPARED = 5_000  # pictures that a baseline is fitted to, where there are many more

Models = dict[str, Callable[[], nn.Module]]
SMALL: Models = {  # for pictures of 8×8 pixels
    "ResNet": lambda: ResNet(channels=1, width=16),
    "VisionTransformer": lambda: VisionTransformer(size=8, patch=2, width=32, layers=2),
}


@remembered
def digits(seed: int = 0, batch_size: int = 64, augment: bool = True) -> Task:
    """1,797 real handwritten digits of 8×8 pixels; nothing to download.

    70 % to learn from, 10 % to validate, 20 % to test, split by `seed`. `augment`: each picture that is
    learned from is turned, moved and zoomed a little, another way each time.

    >>> digits()
    Task(digits: train 20, valid 1, test 1 batches)
    """
    pictures, labels = read_digits()
    return _classification(
        "digits",
        pictures,
        labels,
        DIGITS,
        data.split(labels, seed),
        batch_size,
        data.jitter if augment else None,
        logistic_c=5.0,
        from_drawing=digit_from_drawing,
        credit=CREDIT,
        models={"LeNet": lambda: LeNet(), **SMALL},
    )


@remembered
def mnist(
    seed: int = 0, batch_size: int = 64, augment: bool = True, *, pictures: int = 10_000, source: str = "mnist"
) -> Task:
    """MNIST's handwritten digits of 28×28 pixels, fetched once through `dlnb.data.store`.

    pictures: 10,000, MNIST's test part (1.7 MB), 8,000 of them to learn from and to validate and 2,000 to
        test, split by `seed`; or 70,000, all of them (11.6 MB), with MNIST's own test part as the test.
    source: the name of a set in the store that comes in the same files.

    Raises: ValueError for another number of pictures, DataError if the files cannot be had.
    """
    images, labels, parts = _mnist(pictures, source, seed)
    return _classification(
        source,
        images,
        labels,
        DIGITS,
        parts,
        batch_size,
        data.jitter if augment else None,
        logistic_c=0.1,
        from_drawing=mnist_from_drawing,
        credit="The MNIST database of handwritten digits, Y. LeCun, C. Cortes & C. Burges, CC BY-SA 3.0",
        models={"LeNet": lambda: LeNet(size=28)},
    )


@remembered
def fashion_mnist(
    seed: int = 0, batch_size: int = 64, augment: bool = True, *, pictures: int = 10_000, source: str = "fashion_mnist"
) -> Task:
    """Fashion-MNIST's articles of clothing of 28×28 pixels, fetched once through `dlnb.data.store`.

    pictures: 10,000, its test part (4.4 MB), split by `seed` as in `mnist`; or 70,000, all of them (30.9 MB), with its own
        test part as the test. augment: each picture that is learned from is mirrored or not, and moved a little.
    source: the name of a set in the store that comes in the same files.

    Raises: ValueError for another number of pictures, DataError if the files cannot be had.
    """
    images, labels, parts = _mnist(pictures, source, seed)
    return _classification(
        source,
        images,
        labels,
        data.CLOTHES,
        parts,
        batch_size,
        data.mirror_and_shift if augment else None,
        logistic_c=0.1,
        credit="Fashion-MNIST, H. Xiao, K. Rasul & R. Vollgraf, arXiv:1708.07747, MIT licence",
        models={"LeNet": lambda: LeNet(size=28), "ResNet": lambda: ResNet(channels=1)},
    )


@remembered
def cifar10(
    seed: int = 0, batch_size: int = 64, augment: bool = True, *, pictures: int = 50_000, source: str = "cifar10"
) -> Task:
    """CIFAR-10's pictures of ten kinds of things, 32×32 pixels in colour, fetched once through `dlnb.data.store` (170 MB).

    The test is CIFAR-10's own. pictures: how many of the others are taken, drawn by `seed`: nine in ten to learn from, one
        to validate. augment: each picture that is learned from is mirrored or not, and moved a little.
    source: the name of a set in the store that comes in the same file.

    Raises: ValueError if there are not so many pictures, or the file is damaged; DataError if it cannot be had.
    """
    learn, known, test, asked = data.read_cifar10(source)
    if not 10 <= pictures <= len(learn):
        raise ValueError(f"pictures must be 10 to {len(learn):,}, as many as there are to learn from; got {pictures!r}")
    taken = torch.from_numpy(np.random.RandomState(seed).permutation(len(learn))[:pictures])
    labels = torch.cat([known[taken], asked])
    return _classification(
        source,
        torch.cat([learn[taken], test]),
        labels,
        data.THINGS,
        _with_own_test(known[taken], len(asked), seed),
        batch_size,
        data.mirror_and_shift if augment else None,
        logistic_c=0.01,
        credit="CIFAR-10, A. Krizhevsky, Learning multiple layers of features from tiny images, 2009",
        models={"ResNet": lambda: ResNet(), "VisionTransformer": lambda: VisionTransformer(size=32, channels=3)},
    )


@remembered
def from_folder(
    path: str, size: int = 32, seed: int = 0, batch_size: int = 32, augment: bool = True, grey: bool = False, skip_broken: bool = False
) -> Task:
    """One's own pictures: a folder with a folder for each class, or with `train`, `valid` and `test` that hold such.

    size: of the square to which all pictures are scaled, in pixels; of wider or higher ones the middle is taken. Where the
        folder does not say which are for what, 70 % are to learn from, 10 % to validate and 20 % to test, by `seed`. A picture
        that is there twice is used once.
    augment: each picture that is learned from is mirrored or not, and moved a little. grey: without colours.
    skip_broken: leave out files that are no pictures, with a warning that names them.

    Raises: TypeError if the path is no string (a checkpoint keeps it); FileNotFoundError if there is no such folder;
    PictureError, naming the file, if one is broken; ValueError in words if the folder is empty, has one class only, too few
    pictures of one, or one picture in two classes.
    """
    if not isinstance(path, str):
        raise TypeError(f"the path must be a string, which a checkpoint can keep; got a {type(path).__name__}: from_folder(str(path))")
    found = read_folder(path, size, grey, skip_broken)
    channels = 1 if grey else 3
    return _classification(
        f"pictures in {Path(path).name}",
        found.pictures,
        found.labels,
        found.classes,
        found.parts or data.split(found.labels, seed),
        batch_size,
        data.mirror_and_shift if augment else None,
        logistic_c=0.01,
        credit=f"the pictures in {path}",
        models={"ResNet": lambda: ResNet(len(found.classes), channels)},
    )


Part = tuple[Tensor, Tensor]


def _mnist(pictures: int, source: str, seed: int) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Pictures and labels of a set in MNIST's files, and the places of the three splits."""
    if pictures not in (10_000, 70_000):
        raise ValueError(f"pictures must be 10_000 (the test part) or 70_000 (all of it), got {pictures!r}")
    images, labels = data.read_mnist("t10k", source)
    if pictures == 10_000:
        return images, labels, data.split(labels, seed)
    more_images, more_labels = data.read_mnist("train", source)
    parts = _with_own_test(more_labels, len(labels), seed)
    return torch.cat([more_images, images]), torch.cat([more_labels, labels]), parts


def _with_own_test(labels: Tensor, test: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The splits of a set with a test part of its own, which lies behind the rest and has `test` pictures."""
    learn, valid, also = data.split(labels, seed)  # what `split` keeps for a test is for learning here
    return torch.cat([learn, also]), valid, torch.arange(test) + len(labels)


def _classification(
    name: str,
    pictures: Tensor,
    labels: Tensor,
    classes: tuple[str, ...],
    parts: tuple[Tensor, Tensor, Tensor],
    batch_size: int,
    augment: Callable[[Tensor], Tensor] | None,
    logistic_c: float,
    credit: str,
    models: Models,
    from_drawing: Callable[[np.ndarray], Tensor] | None = None,
) -> Task:
    """A task on pictures (N, C, H, W), float32 in [0, 1] or uint8, and their classes, of which `parts` are three splits.

    logistic_c: scikit-learn's C for the logistic regression, as good as it gets on these pictures.
    """
    train, valid, test = ((pictures[part], labels[part]) for part in parts)
    numbers = None if pictures.is_floating_point() else data.as_numbers

    def varied(batch: Tensor) -> Tensor:
        return data.as_numbers(batch if augment is None else augment(batch))

    few = (train[0][:COMPARED], train[1][:COMPARED]) if pictures[0].numel() > 1000 else train
    of = f" on {COMPARED:,} pictures" if len(few[0]) < len(train[0]) else ""
    return Task(
        name=name,
        train=TensorBatches(*train, size=batch_size, shuffle=True, augment=varied if augment else numbers),
        valid=TensorBatches(*valid, size=EVALUATED_AT_ONCE, augment=numbers),
        test=TensorBatches(*test, size=EVALUATED_AT_ONCE, augment=numbers),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": accuracy},
        classes=classes,
        baselines={
            "the most frequent class": lambda: {"accuracy": _majority(train, test)},
            f"3-nearest neighbours{of}": lambda: {"accuracy": _nearest_neighbours(few, test)},
            f"logistic regression{of}": lambda: {"accuracy": _logistic_regression(few, test, logistic_c)},
        },
        preview=_Gallery(valid[0][:SHOWN], valid[1][:SHOWN], classes),
        show=lambda batch: _pictures(batch, classes),
        from_drawing=from_drawing,
        credit=credit,
        models=models,
    )


def _pictures(pictures: Tensor, classes: tuple[str, ...]) -> Images:
    """Pictures (N, 1 or 3, H, W), in [0, 1] or uint8, as they can be shown."""
    return Images(data.as_pixels(pictures), classes)


class _Gallery:
    """The preview of a classification: the same few pictures each time, with the model's probabilities."""

    def __init__(self, pictures: Tensor, labels: Tensor, classes: tuple[str, ...]) -> None:
        self.inputs = data.as_numbers(pictures)  # (N, C, H, W)
        self.pixels = _pictures(pictures, classes).pixels
        self.truth = labels.numpy()
        self.classes = classes

    def __call__(self, model: nn.Module) -> Images:
        """model: in eval mode, gives logits (N, C)."""
        device = next(model.parameters()).device
        with torch.no_grad():
            scores = model(self.inputs.to(device)).softmax(dim=1).float().cpu().numpy()
        return Images(self.pixels, self.classes, truth=self.truth, scores=scores)


def _majority(train: Part, test: Part) -> float:
    return (test[1] == train[1].mode().values).double().mean().item()


def _nearest_neighbours(train: Part, test: Part) -> float:
    from sklearn.neighbors import KNeighborsClassifier

    return _score(KNeighborsClassifier(3), train, test)


def _logistic_regression(train: Part, test: Part, c: float) -> float:
    from sklearn.linear_model import LogisticRegression

    return _score(LogisticRegression(C=c, max_iter=1000), train, test)


def _score(classifier: Any, train: Part, test: Part) -> float:
    """The accuracy of a scikit-learn classifier on pixels, fitted to the pictures that a network learns from."""
    (x, y), (test_x, test_y) = ((data.as_numbers(pictures).flatten(1).numpy(), labels.numpy()) for pictures, labels in (train, test))
    classifier.fit(x, y)
    return float(classifier.score(test_x, test_y))
