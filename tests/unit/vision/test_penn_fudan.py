"""Penn-Fudan's files: a small set of the same form, and each way in which a file may not fit its neighbours."""

import hashlib

import numpy as np
import pytest
from PIL import Image

import dlnb as dl
from dlnb.data import store
from dlnb.data.sets import PENN_FUDAN, DataSet, File
from dlnb.vision import penn_fudan
from dlnb.vision.images import PictureError


def annotation(*boxes) -> str:
    lines = [
        f'Bounding box for object {n} "PASpersonWalking" (Xmin, Ymin) - (Xmax, Ymax) : ({a}, {b}) - ({c}, {d})\n'
        for n, (a, b, c, d) in enumerate(boxes, 1)
    ]
    return "# Compatible with PASCAL Annotation Version 1.00\n" + "".join(lines)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for DLNB_DATA with 70 photographs of 80×60 pixels, one person on each."""
    home = tmp_path / "people"
    for part in ("PNGImages", "PedMasks", "Annotation"):
        (home / part).mkdir(parents=True)
    for number in range(1, 71):
        name, left = f"FudanPed{number:05}", number % 40
        pixels, mask = np.full((60, 80, 3), 100, np.uint8), np.zeros((60, 80), np.uint8)
        pixels[10:50, left : left + 20], mask[10:50, left : left + 20] = 200, 1
        Image.fromarray(pixels).save(home / "PNGImages" / f"{name}.png")
        Image.fromarray(mask).save(home / "PedMasks" / f"{name}_mask.png")
        (home / "Annotation" / f"{name}.txt").write_text(annotation((left + 1, 11, left + 20, 50)))
    monkeypatch.setenv("DLNB_DATA", str(tmp_path))
    monkeypatch.setattr(store, "_sets", dict(store._sets))
    return home


def publish(home) -> None:
    """Have the store take the files as they are now for the published ones."""
    files = {
        file.relative_to(home).as_posix(): File(("http://127.0.0.1:9/",), len(data), hashlib.sha256(data).hexdigest())
        for file in sorted(home.rglob("*.*"))
        for data in [file.read_bytes()]
    }
    store.add(DataSet("people", "", "", "", files))


def test_the_last_fifty_are_the_test_and_no_picture_is_in_two_parts(folder):
    publish(folder)
    train, valid, test = penn_fudan.read_penn_fudan(48, 48, "people")
    assert [len(train), len(valid), len(test)] == [18, 2, 50]
    lefts = [tuple(part.boxes[:, 0, 0].tolist()) for part in (train, valid, test)]
    scale, numbers = 48 / 80, range(1, 71)
    expected = [number % 40 * scale for number in numbers]
    assert lefts[2] == pytest.approx(expected[20:]) and lefts[1] == pytest.approx([expected[9], expected[19]])


def test_a_picture_keeps_its_proportions_and_its_box_lies_on_its_mask(folder):
    publish(folder)
    train, _, _ = penn_fudan.read_penn_fudan(48, 48, "people")
    assert (train.pictures[0, :, :6] == penn_fudan.GREY).all() and (train.pictures[0, :, 7] == 100).any()
    assert train.boxes[0, 0].tolist() == pytest.approx([0.6, 12, 12.6, 36])
    y, x = train.masks[0].nonzero(as_tuple=True)
    assert abs(int(y.min()) - 12) <= 1 and abs(int(x.max()) + 1 - 12.6) <= 1 and set(train.masks.unique().tolist()) == {0, 1}
    assert (train.labels == 0).all() and train.labels.shape == (18, 1)


def test_the_tasks_learn_from_it(folder):
    publish(folder)
    for make in (dl.vision.penn_fudan_detection, dl.vision.penn_fudan_segmentation):
        task = make(batch_size=4, height=48, width=48, source="people")
        (model,) = (make_model() for make_model in task.models.values())
        x, target = task.train.batch(0, 0, 0)
        loss = task.loss(model(x), target)
        loss.backward()
        assert x.shape == (4, 3, 48, 48) and loss.isfinite()


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda f: Image.new("L", (80, 59)).save(f / "PedMasks/FudanPed00007_mask.png"), PictureError, "00007_mask.png has 80×59"),
        (lambda f: Image.new("L", (80, 60)).save(f / "PedMasks/FudanPed00008_mask.png"), PictureError, "00008_mask.png holds the"),
        (lambda f: Image.new("RGB", (80, 60)).save(f / "PedMasks/FudanPed00009_mask.png"), PictureError, "is no mask"),
        (lambda f: (f / "Annotation/FudanPed00003.txt").write_text(annotation((5, 5, 81, 9))), ValueError, "00003.txt.*outside"),
        (lambda f: (f / "Annotation/FudanPed00004.txt").write_text(annotation((9, 5, 8, 9))), ValueError, "00004.txt.*no area"),
        (lambda f: (f / "Annotation/FudanPed00005.txt").write_text("nothing"), ValueError, "00005.txt names no bounding box"),
        (lambda f: (f / "PNGImages/FudanPed00006.png").write_bytes(b"\x89PNG"), PictureError, "FudanPed00006.png"),
    ],
)
def test_a_file_that_does_not_fit_is_named(folder, spoil, error, words):
    spoil(folder)
    publish(folder)
    with pytest.raises(error, match=words):
        penn_fudan.read_penn_fudan(48, 48, "people")


def test_an_altered_or_missing_file_is_named(folder, monkeypatch, tmp_path):
    publish(folder)
    (folder / "Annotation/FudanPed00005.txt").write_text(annotation((2, 11, 21, 50)) + " ")
    with pytest.raises(store.DataError, match="FudanPed00005.txt"):
        penn_fudan.read_penn_fudan(48, 48, "people")
    (folder / "Annotation/FudanPed00005.txt").unlink()
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "TRIES", 1)
    with pytest.raises(store.DataError, match="FudanPed00005.txt could not be fetched"):
        penn_fudan.read_penn_fudan(48, 48, "people")


def test_the_published_list_is_whole():
    assert len(PENN_FUDAN.files) == 510
    assert {name.split("/")[0] for name in PENN_FUDAN.files} == {"PNGImages", "PedMasks", "Annotation"}
    assert all(url.endswith("/PNGImages/FudanPed00001.png") for url in PENN_FUDAN.files["PNGImages/FudanPed00001.png"].urls)

