"""Tasks that say what a picture shows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...data.batches import TensorBatches
from ...metrics import accuracy
from ...preview import Images
from ...task import Task, remembered
from .. import data
from ..drawing import digit_from_drawing, mnist_from_drawing
from ..models import LeNet

SHOWN = 24  # pictures in a preview
EVALUATED_AT_ONCE = 500


@remembered
def digits(seed: int = 0, batch_size: int = 64, augment: bool = True) -> Task:
    """1,797 real handwritten digits of 8×8 pixels; nothing to download.

    70 % to learn from, 10 % to validate, 20 % to test, split by `seed`. `augment`: each picture that is
    learned from is turned, moved and zoomed a little, another way each time.

    >>> digits()
    Task(digits: train 20, valid 1, test 1 batches)
    """
    pictures, labels = data.read_digits()
    return _classification(
        "digits",
        pictures,
        labels,
        data.split(labels, seed),
        batch_size,
        data.jitter if augment else None,
        digit_from_drawing,
        logistic_c=5.0,
        credit="Optical Recognition of Handwritten Digits, E. Alpaydin & C. Kaynak, UCI 1998, CC BY 4.0, from scikit-learn",
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
    if pictures not in (10_000, 70_000):
        raise ValueError(f"pictures must be 10_000 (the test part) or 70_000 (all of MNIST), got {pictures!r}")
    images, labels = data.read_mnist("t10k", source)
    train, valid, test = data.split(labels, seed)
    if pictures == 70_000:
        more_images, more_labels = data.read_mnist("train", source)
        learn, valid, also = data.split(more_labels, seed)
        # MNIST has a test part of its own: what `split` keeps for a test is for learning here.
        train, test = torch.cat([learn, also]), torch.arange(len(labels)) + len(more_labels)
        images, labels = torch.cat([more_images, images]), torch.cat([more_labels, labels])
    return _classification(
        source,
        images,
        labels,
        (train, valid, test),
        batch_size,
        data.jitter if augment else None,
        mnist_from_drawing,
        logistic_c=0.1,
        credit="The MNIST database of handwritten digits, Y. LeCun, C. Cortes & C. Burges, CC BY-SA 3.0",
    )


def _classification(
    name: str,
    pictures: Tensor,
    labels: Tensor,
    parts: tuple[Tensor, Tensor, Tensor],
    batch_size: int,
    augment: Callable[[Tensor], Tensor] | None,
    from_drawing: Callable[[np.ndarray], Tensor],
    logistic_c: float,
    credit: str,
) -> Task:
    """A task on pictures (N, 1, H, W) in [0, 1] and their classes, of which `parts` are three splits.

    logistic_c: scikit-learn's C for the logistic regression, as good as it gets on these pictures.
    """
    train, valid, test = ((pictures[part], labels[part]) for part in parts)
    return Task(
        name=name,
        train=TensorBatches(*train, size=batch_size, shuffle=True, augment=augment),
        valid=TensorBatches(*valid, size=EVALUATED_AT_ONCE),
        test=TensorBatches(*test, size=EVALUATED_AT_ONCE),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": accuracy},
        classes=data.DIGITS,
        baselines={
            "the most frequent class": lambda: {"accuracy": _majority(train, test)},
            "3-nearest neighbours": lambda: {"accuracy": _nearest_neighbours(train, test)},
            "logistic regression": lambda: {"accuracy": _logistic_regression(train, test, logistic_c)},
        },
        preview=_Gallery(valid[0][:SHOWN], valid[1][:SHOWN], data.DIGITS),
        show=_pictures,
        from_drawing=from_drawing,
        credit=credit,
        models={"LeNet": lambda: LeNet(classes=len(data.DIGITS), size=pictures.shape[-1])},
    )


def _pictures(pictures: Tensor) -> Images:
    """Pictures (N, 1, H, W) in [0, 1] as they can be shown."""
    return Images((pictures[:, 0] * 255).round().to(torch.uint8).cpu().numpy(), data.DIGITS)


class _Gallery:
    """The preview of a classification: the same few pictures each time, with the model's probabilities."""

    def __init__(self, pictures: Tensor, labels: Tensor, classes: tuple[str, ...]) -> None:
        self.inputs = pictures  # (N, 1, H, W)
        self.pixels = _pictures(pictures).pixels
        self.truth = labels.numpy()
        self.classes = classes

    def __call__(self, model: nn.Module) -> Images:
        """model: in eval mode, gives logits (N, C)."""
        device = next(model.parameters()).device
        with torch.no_grad():
            scores = model(self.inputs.to(device)).softmax(dim=1).float().cpu().numpy()
        return Images(self.pixels, self.classes, truth=self.truth, scores=scores)


Part = tuple[Tensor, Tensor]


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
    classifier.fit(train[0].flatten(1).numpy(), train[1].numpy())
    return float(classifier.score(test[0].flatten(1).numpy(), test[1].numpy()))
