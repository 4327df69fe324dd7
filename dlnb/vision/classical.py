"""What finds objects without a network, to be beaten: the usual places, and a forest that looks at pixels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .annotated import Annotated, DrawnScenes, boxes_of, masks_of
from .average_precision import ap50, average_precision
from .detection import Detections
from .segmentation import iou_metrics

Source = Annotated | DrawnScenes
Baselines = dict[str, Callable[[], dict[str, float]]]

LEARNED = 200  # pictures that a baseline learns from
PIXELS = 400  # pixels that the forest learns from in each of them
NEAR = (5, 15)  # sides of the squares, in pixels, whose mean colours it knows too
USUAL = 8  # boxes that are always said of each class
LEAST_PIXELS = 12  # of an island that is said to be an object


def detection_baselines(train: Source, test: Source, classes: tuple[str, ...]) -> Baselines:
    """Two baselines of a detection, measured by AP and AP50."""

    def measured(found: list[Detections]) -> dict[str, float]:
        target = boxes_of(_all(test))
        return {"AP": average_precision(found, target), "AP50": ap50(found, target)}

    return {
        "the usual places, whatever the picture": lambda: measured(len(test) * [_usual_boxes(_some(train), len(classes))]),
        "a random forest on pixels, each island of a class an object": lambda: measured(_islands(train, test)),
    }


def segmentation_baselines(train: Source, test: Source, classes: tuple[str, ...]) -> Baselines:
    """Three baselines of a segmentation, measured by intersection over union."""

    def measured(said: Tensor) -> dict[str, float]:
        true = masks_of(_all(test))
        return {name: metric(said.expand(true.shape), true) for name, metric in iou_metrics(classes).items()}

    return {
        "all background": lambda: measured(torch.zeros((), dtype=torch.long)),
        "the most frequent class at each place": lambda: measured(_some(train).masks.mode(dim=0).values),
        "a random forest on pixels": lambda: measured(torch.from_numpy(_forest(train, test).argmax(-1))),
    }


def _some(source: Source) -> Annotated:
    return source.rows(torch.arange(min(LEARNED, len(source))))


def _all(source: Source) -> Annotated:
    return source.rows(torch.arange(len(source)))


def _usual_boxes(rows: Annotated, classes: int) -> Detections:
    """For each class the middles of clusters of its boxes, the surer the more boxes are in the cluster."""
    from sklearn.cluster import KMeans

    boxes, labels, scores = [], [], []
    for label in range(classes):
        mine = rows.boxes[rows.labels == label].numpy()
        if not len(mine):
            continue
        clusters = KMeans(min(USUAL, len(mine)), n_init=3, random_state=0).fit(mine)
        shares = np.bincount(clusters.labels_) / len(rows.labels)
        boxes.append(clusters.cluster_centers_)
        scores.append(shares.clip(0, 1))
        labels += [label] * len(shares)
    return Detections(
        torch.from_numpy(np.concatenate(boxes)).float(), torch.from_numpy(np.concatenate(scores)).float(), torch.tensor(labels)
    )


def _forest(train: Source, test: Source) -> NDArray[np.float32]:
    """The probability of each class for each pixel of the test: (N, H, W, classes)."""
    from sklearn.ensemble import RandomForestClassifier

    rows = _some(train)
    draw = np.random.RandomState(0)
    features, labels = [], []
    for picture, mask in zip(rows.pictures.numpy(), rows.masks.numpy(), strict=True):
        some = draw.randint(mask.size, size=PIXELS)
        features.append(_features(picture)[some])
        labels.append(mask.ravel()[some])
    forest: Any = RandomForestClassifier(40, min_samples_leaf=3, random_state=0)
    forest.fit(np.concatenate(features), np.concatenate(labels))
    pictures = _all(test).pictures.numpy()
    shape = pictures.shape[2:]
    said = np.zeros((len(pictures), *shape, 1 + int(forest.classes_.max())), np.float32)
    for number, picture in enumerate(pictures):
        said[number][..., forest.classes_] = forest.predict_proba(_features(picture)).reshape(*shape, -1)
    return said


def _features(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the forest knows of each pixel: its colour, the mean colours around it, its place. (3, H, W) → (H·W, 11)."""
    from scipy.ndimage import uniform_filter

    colours = picture.astype(np.float32)
    around = [uniform_filter(colours, (0, side, side)) for side in NEAR]
    place = np.indices(picture.shape[1:], np.float32)
    return np.concatenate([colours, *around, place]).reshape(3 * (1 + len(NEAR)) + 2, -1).T


def _islands(train: Source, test: Source) -> list[Detections]:
    """Around each connected island of pixels that the forest gives one class, a box, as sure as it is on the average."""
    from scipy.ndimage import find_objects, label, mean

    result = []
    for probabilities in _forest(train, test):
        said = probabilities.argmax(-1)
        boxes, labels, scores = [], [], []
        for one in range(1, probabilities.shape[-1]):
            islands, count = label(said == one)
            sure = mean(probabilities[..., one], islands, np.arange(1, count + 1))
            size = np.bincount(islands.ravel(), minlength=count + 1)[1:]
            for number, (rows, columns) in enumerate(find_objects(islands)):
                if size[number] >= LEAST_PIXELS:
                    boxes.append([columns.start, rows.start, columns.stop, rows.stop])
                    labels.append(one - 1)
                    scores.append(sure[number])
        result.append(
            Detections(
                torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
                torch.tensor(scores, dtype=torch.float32),
                torch.tensor(labels, dtype=torch.long),
            )
        )
    return result


