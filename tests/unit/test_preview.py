"""What can be shown checks its columns, and says in words which does not fit."""

import numpy as np
import pytest

from dlnb.preview import Boxes, Captioned, Forecasts, Images, Masks, Scene, Texts

PIXELS = np.zeros((2, 4, 5, 3), np.uint8)
BOXES, LABELS, SCORES = np.zeros((2, 3, 4), np.float32), np.array([[0, 1, -1], [-1, -1, -1]]), np.zeros((2, 3), np.float32)
CLASSES = ("cat", "dog")
MASK = np.ones((2, 4, 5), np.uint8)
SERIES, AHEAD = np.zeros((2, 6), np.float32), np.zeros((2, 3), np.float32)


def test_what_fits_is_taken():
    Images(PIXELS, CLASSES)
    Boxes(PIXELS, CLASSES)
    Boxes(PIXELS[..., 0], CLASSES, BOXES, LABELS, BOXES, LABELS, SCORES)
    Masks(PIXELS, CLASSES, MASK)
    Texts(())
    Captioned(PIXELS[..., 0])
    Captioned(PIXELS, ("a", "b"), ("a", ""), np.array([True, False]))
    Scene(PIXELS[0], ("x",), SERIES[:, :1], BOXES[0, :2])
    Forecasts(SERIES)
    Forecasts(SERIES, AHEAD, AHEAD, AHEAD, AHEAD, unit="MW", step="hour")
    Texts(("a", "b"), ("c", "d"), ("e", "f"), np.array([True, False]), np.array([0.5, 1.0]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Images(PIXELS.astype(float), CLASSES), "pixels are float64"),
        (lambda: Boxes(PIXELS[0], CLASSES, BOXES, LABELS), "there are|expected|boxes"),
        (lambda: Boxes(PIXELS, CLASSES, BOXES), "truth and true_labels belong together"),
        (lambda: Boxes(PIXELS, CLASSES, found=BOXES, found_labels=LABELS), "belong together: give all three or none"),
        (lambda: Boxes(PIXELS, CLASSES, BOXES[:1], LABELS), r"true boxes have shape \(1, 3, 4\); expected \(2, boxes, 4\)"),
        (lambda: Boxes(PIXELS, CLASSES, BOXES, LABELS[:, :2]), r"true_labels have shape \(2, 2\); expected \(2, 3\)"),
        (lambda: Boxes(PIXELS, ("cat",), BOXES, LABELS), "true_labels run from -1 to 1 but there are 1 classes"),
        (lambda: Boxes(PIXELS, CLASSES, BOXES, LABELS.astype(float)), "true_labels are float64; expected integers"),
        (lambda: Boxes(PIXELS, CLASSES, None, None, BOXES, LABELS, SCORES[:, :1]), r"scores have shape \(2, 1\)"),
        (lambda: Masks(PIXELS, CLASSES, MASK[:, :3]), r"truth is uint8 \(2, 3, 5\); expected uint8 \(2, 4, 5\)"),
        (lambda: Masks(PIXELS, CLASSES, said=MASK.astype(int)), "said is int64"),
        (lambda: Masks(PIXELS, CLASSES, MASK + 1), "truth run from 2 to 2 but there are 2 classes"),
        (lambda: Texts("ab"), "read must be a tuple of texts"),
        (lambda: Texts(("a",), (1,)), "truth must be a tuple of texts"),
        (lambda: Texts(("a", "b"), ("c",)), "truth has 1 texts but 2 were read"),
        (lambda: Texts(("a",), right=np.array([True])), "right is about what the model says"),
        (lambda: Texts(("a",), None, ("b",), np.array([1])), "right is int64; expected bool"),
        (lambda: Texts(("a",), None, ("b",), None, np.zeros(2)), r"scores has shape \(2,\) but 1 texts were read"),
        (lambda: Captioned(PIXELS.astype(float)), "pixels are float64"),
        (lambda: Captioned(PIXELS, "ab"), "truth must be a tuple of texts"),
        (lambda: Captioned(PIXELS, None, ("a",)), "said has 1 texts but 2 belong to the pictures"),
        (lambda: Captioned(PIXELS, ("a", "b"), right=np.array([True, True])), "right is about what the model says"),
        (lambda: Captioned(PIXELS, None, ("a", "b"), np.array([1, 1])), r"right is int64 \(2,\); expected bool \(2,\)"),
        (lambda: Forecasts(SERIES[0]), r"past has shape \(6,\); expected \(N, P\)"),
        (lambda: Forecasts(SERIES[:, :0]), "with P at least 1"),
        (lambda: Forecasts(SERIES, AHEAD, AHEAD[:, :2]), r"said has shape \(2, 2\); expected \(2, F\), the same F"),
        (lambda: Forecasts(SERIES, AHEAD[:1]), r"truth has shape \(1, 3\); expected \(2, F\)"),
        (lambda: Forecasts(SERIES, said=AHEAD, low=AHEAD), "low and high belong together"),
        (lambda: Forecasts(SERIES, low=AHEAD, high=AHEAD), "low and high are about what the model says"),
        (lambda: Scene(PIXELS[0, ..., 0], ("x",), SERIES[:, :1], BOXES[0, :2]), r"pixels have the shape \(4, 5\); expected \(H, W, 3\)"),
        (lambda: Scene(PIXELS[0], ("x", "y"), SERIES[:, :1], BOXES[0, :2]), r"the rows have the shape \(2, 1\), but there are 2 names"),
        (lambda: Scene(PIXELS[0], ("x",), SERIES[:, :1], BOXES[0]), r"the boxes have the shape \(3, 4\); expected \(2, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()
