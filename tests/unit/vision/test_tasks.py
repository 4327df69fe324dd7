"""Seeing: splits do not leak, variations follow the generator, wrong shapes are said, drawings become digits."""

import gzip
import hashlib
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from dlnb.data import store
from dlnb.data.batches import TensorBatches
from dlnb.data.digits import read_digits
from dlnb.data.idx import read_idx
from dlnb.data.sets import DataSet, File
from dlnb.vision import LeNet, digits, mnist
from dlnb.vision.data import jitter, split
from dlnb.vision.drawing import digit_from_drawing, mnist_from_drawing


def contents(task):
    return {name: torch.cat([b[0] for b in batches_of(getattr(task, name))]) for name in ("train", "valid", "test")}


def batches_of(part: TensorBatches):
    return [part.batch(0, 0, position) for position in range(len(part))]


def test_the_digits_are_scikit_learns_also_where_its_file_is_not_the_known_one(monkeypatch):
    bunch, (pictures, labels) = load_digits(), read_digits()
    assert pictures.shape == (1797, 1, 8, 8) and pictures.dtype == torch.float32 and labels.dtype == torch.int64
    assert (pictures[:, 0].numpy() * 16 == bunch.images).all() and (labels.numpy() == bunch.target).all()
    monkeypatch.setattr("dlnb.data.digits.SHA256", "another")
    again = read_digits()
    assert torch.equal(again[0], pictures) and torch.equal(again[1], labels)


def test_the_known_file_is_read_without_importing_scikit_learn():
    code = "import sys; from dlnb.data.digits import read_digits; read_digits(); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_the_splits_never_share_a_picture_and_cover_all(seed):
    _, labels = read_digits()
    parts = split(labels, seed)
    assert [len(part) for part in parts] == [1257, 180, 360]
    assert sorted(torch.cat(parts).tolist()) == list(range(1797))


def test_the_tasks_own_tensors_are_those_splits():
    pictures, _ = read_digits()
    parts = contents(digits(augment=False))
    together = torch.cat(list(parts.values())).flatten(1)
    assert sorted(together.tolist()) == sorted(pictures.flatten(1).tolist())


def test_each_class_has_its_share_in_each_split():
    _, labels = read_digits()
    for part, share in zip(split(labels, 3), (0.7, 0.1, 0.2), strict=True):
        found, expected = labels[part].bincount(minlength=10), labels.bincount() * share
        assert (found - expected).abs().max() <= 1


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    _, labels = read_digits()
    assert all(torch.equal(a, b) for a, b in zip(split(labels, 5), split(labels, 5), strict=True))
    assert not torch.equal(split(labels, 5)[2], split(labels, 6)[2])
    # The very split, so that a figure in a chapter is about the same pictures on every machine and in every year.
    assert hashlib.sha256(split(labels, 0)[2].numpy().astype("<i8").tobytes()).hexdigest()[:16] == SPLIT_0


SPLIT_0 = "2d1766bd1c32f0e5"


def test_jitter_is_a_function_of_the_generators_state():
    pictures = read_digits()[0][:64]
    torch.manual_seed(1)
    first, second = jitter(pictures), jitter(pictures)
    torch.manual_seed(1)
    assert torch.equal(jitter(pictures), first) and torch.equal(jitter(pictures), second)
    assert not torch.equal(first, second)


def test_jitter_keeps_shape_range_and_most_of_the_ink_and_leaves_its_input_alone():
    pictures = read_digits()[0][:64]
    before = pictures.clone()
    varied = jitter(pictures)
    assert torch.equal(pictures, before) and varied.shape == pictures.shape and varied.dtype == torch.float32
    assert varied.min() >= 0 and varied.max() <= 1
    assert 0.8 < varied.sum() / pictures.sum() < 1.2
    assert not torch.equal(varied[0], varied[1])


def test_jitter_of_nothing_changes_nothing():
    pictures = read_digits()[0][:8]
    assert torch.allclose(jitter(pictures, degrees=0, shift=0, zoom=0, bend=0, boldness=0), pictures, atol=1e-5)


def test_only_what_is_learned_from_is_varied():
    task = digits()
    torch.manual_seed(0)
    assert not torch.equal(task.train.batch(0, 0, 0)[0], task.train.batch(0, 0, 0)[0])
    assert torch.equal(task.test.batch(0, 0, 0)[0], digits(augment=False).test.batch(0, 0, 0)[0])


@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 10), (28, 1, 10), (32, 3, 5)])
def test_lenet_turns_pictures_into_one_score_a_class(size, channels, classes):
    model = LeNet(classes=classes, size=size, channels=channels)
    assert model(torch.zeros(3, channels, size, size)).shape == (3, classes)


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (1, 8, 8), (3, 3, 8, 8), (3, 64)])
def test_lenet_says_which_shape_it_reads(shape):
    with pytest.raises(ValueError, match=r"\(B, 1, 8, 8\), got \("):
        LeNet()(torch.zeros(shape))


def test_lenet_refuses_pictures_too_small_to_halve_twice():
    with pytest.raises(ValueError, match="size must be 4 or more"):
        LeNet(size=3)


def test_digits_is_complete():
    task = digits()
    assert (len(task.train), len(task.valid), len(task.test)) == (20, 1, 1)
    assert task.classes == tuple("0123456789") and "CC BY" in task.credit
    x, y = task.train.batch(0, 0, 0)
    assert x.shape == (64, 1, 8, 8) and x.dtype == torch.float32 and y.dtype == torch.int64
    assert 0 <= x.min() and x.max() <= 1


def test_the_preview_shows_the_same_pictures_each_time_with_probabilities():
    task, model = digits(), LeNet().eval()
    first, second = task.preview(model), task.preview(model)
    assert first.pixels is second.pixels and first.pixels.shape == (24, 8, 8)
    assert first.scores.shape == (24, 10) and np.allclose(first.scores.sum(1), 1, atol=1e-5)
    x, y = task.valid.batch(0, 0, 0)
    assert np.array_equal(first.truth, y[:24].numpy())
    assert np.array_equal(first.pixels, (x[:24, 0] * 255).round().byte().numpy())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_baselines_are_measured_on_the_same_test_pictures():
    task = digits()
    found = {name: value["accuracy"] for name, value in task.measure_baselines().items()}
    assert found["the most frequent class"] == pytest.approx(0.1, abs=0.01)
    assert 0.94 < found["logistic regression"] < found["3-nearest neighbours"] < 1
    (x, y), (train_x, train_y) = task.test.batch(0, 0, 0), digits(augment=False).train.tensors
    nearest = torch.cdist(x.flatten(1), train_x.flatten(1)).topk(3, largest=False).indices  # (360, 3)
    by_hand = (train_y[nearest].mode(dim=1).values == y).float().mean().item()
    assert by_hand == pytest.approx(found["3-nearest neighbours"], abs=0.006)  # ties may fall either way


def drawn(picture: np.ndarray, at: tuple[int, int] = (0, 0), side: int = 20, paper: int = 280) -> np.ndarray:
    """A small picture as if drawn large, at some place of the pad."""
    sheet = np.zeros((paper, paper), np.float32)
    large = np.kron(picture, np.ones((side, side), np.float32))
    sheet[at[0] : at[0] + large.shape[0], at[1] : at[1] + large.shape[1]] = large
    return sheet


@pytest.mark.parametrize(("convert", "shape"), [(digit_from_drawing, (1, 8, 8)), (mnist_from_drawing, (1, 28, 28))])
def test_an_empty_drawing_gives_zeros_and_a_dot_gives_a_picture(convert, shape):
    sheet = np.zeros((280, 280), np.float32)
    assert convert(sheet).shape == shape and convert(sheet).abs().sum() == 0
    sheet[100:103, 50:53] = 1
    dot = convert(sheet)
    assert dot.shape == shape and dot.dtype == torch.float32
    assert 0 <= dot.min() and dot.max() <= 1 and dot.sum() > 0
    sheet[:] = 1
    assert torch.isfinite(convert(sheet)).all()


@pytest.mark.parametrize("convert", [digit_from_drawing, mnist_from_drawing])
def test_where_and_how_large_one_draws_does_not_matter(convert):
    picture = read_digits()[0][0, 0].numpy()
    here, there = convert(drawn(picture, (0, 0))), convert(drawn(picture, (90, 110)))
    assert torch.allclose(here, there, atol=1e-4)
    assert (convert(drawn(picture, side=30)) - here).abs().mean() < 0.03


def test_a_drawing_for_the_digits_fills_the_height_and_has_as_much_ink_as_they():
    pictures, _ = read_digits()
    made = torch.stack([digit_from_drawing(drawn(picture[0].numpy())) for picture in pictures[:200]])
    assert (made.amax(dim=3) > 0).all(), "each of the 8 rows has ink"
    assert made.mean().item() == pytest.approx(pictures.mean().item(), abs=0.02)
    assert torch.equal(made * 16, (made * 16).round()), "blocks of 4×4 pixels are counted"


def test_an_upright_line_becomes_a_one():
    sheet = np.zeros((280, 280), np.float32)
    sheet[40:240, 130:150] = 1
    line = digit_from_drawing(sheet)[0]
    assert (line[:, 3:5] > 0.9).all() and line[:, :2].sum() == 0 and line[:, 6:].sum() == 0


def test_a_drawing_for_mnist_has_its_centre_of_mass_in_the_middle():
    sheet = np.zeros((280, 280), np.float32)
    sheet[20:120, 20:40] = 1
    sheet[100:120, 20:90] = 1
    ink = mnist_from_drawing(sheet)[0]
    at = torch.arange(28.0)
    assert ((ink.sum(1) * at).sum() / ink.sum()).item() == pytest.approx(13.5, abs=0.6)
    assert ((ink.sum(0) * at).sum() / ink.sum()).item() == pytest.approx(13.5, abs=0.6)
    rows = (ink.sum(1) > 0).sum().item()
    assert rows == 20


@pytest.mark.parametrize("convert", [digit_from_drawing, mnist_from_drawing])
def test_what_is_no_drawing_is_refused(convert):
    with pytest.raises(ValueError, match=r"got shape \(8, 8, 3\)"):
        convert(np.zeros((8, 8, 3)))
    assert torch.isfinite(convert(np.full((8, 8), np.nan))).all()


def idx(array: np.ndarray, code: int = 8) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def test_an_idx_file_is_read_plain_and_gzipped(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("plain", "packed.gz"):
        found = read_idx(tmp_path / name, ndim=3)
        assert found.dtype == np.uint8 and np.array_equal(found, array) and found.flags.writeable


def test_idx_numbers_of_several_bytes_are_big_endian(tmp_path):
    (tmp_path / "file").write_bytes(idx(np.array([1, -2, 70000], ">i4"), code=0x0C))
    assert read_idx(tmp_path / "file").tolist() == [1, -2, 70000]


GOOD = idx(np.zeros((2, 3, 3), np.uint8))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not an IDX file: it begins with nothing"),
        (b"\x89PNG....", "is not an IDX file: it begins with 89 50 4e 47"),
        (b"\0\0\x07\x03" + GOOD[4:], "is not an IDX file"),
        (GOOD[:9], "is cut short: its header needs 16 bytes, it has 9"),
        (GOOD[:-1], r"is cut short: an array of shape \(2, 3, 3\) needs 34 bytes, it has 33"),
        (GOOD + b"x", "goes on after its end"),
        (idx(np.zeros(3, np.uint8)), "holds an array of 1 dimensions, expected 3 .*exchanged"),
        (gzip.compress(GOOD, mtime=0)[:-12], "is damaged or cut short: it does not unpack"),
        (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "is damaged or cut short: it does not unpack"),
    ],
)
def test_a_broken_idx_file_is_said_in_words(tmp_path, data, said):
    (tmp_path / "broken.idx").write_bytes(data)
    with pytest.raises(ValueError, match="broken.idx " + said):
        read_idx(tmp_path / "broken.idx", ndim=3)


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A set named "small_mnist" in MNIST's four files, with a few random pictures, in DLNB_DATA."""
    rng, files = np.random.default_rng(0), {}
    folder = tmp_path / "small_mnist"
    folder.mkdir()
    for part, count in (("train", 60), ("t10k", 50)):
        pictures = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        for name, array in ((f"{part}-images-idx3-ubyte.gz", pictures), (f"{part}-labels-idx1-ubyte.gz", labels)):
            packed = gzip.compress(idx(array), mtime=0)
            (folder / name).write_bytes(packed)
            files[name] = File(("https://localhost/",), len(packed), hashlib.sha256(packed).hexdigest())
    monkeypatch.setenv("DLNB_DATA", str(tmp_path))
    monkeypatch.setattr(store, "_sets", dict(store._sets))
    store.add(DataSet("small_mnist", "noise", "this test", "free", files))
    return folder


def test_mnist_is_read_from_its_files(small_mnist):
    task = mnist(source="small_mnist", batch_size=8, augment=False)
    assert {name: len(part) for name, part in contents(task).items()} == {"train": 35, "valid": 5, "test": 10}
    x, y = task.train.batch(0, 0, 0)
    assert x.shape == (8, 1, 28, 28) and 0 <= x.min() and x.max() == 1 and y.dtype == torch.int64
    assert task.preview(LeNet(size=28).eval()).pixels.shape == (5, 28, 28)
    assert task.from_drawing(np.zeros((100, 100), np.float32)).shape == (1, 28, 28)


def test_all_of_mnist_is_tested_on_its_own_test_part(small_mnist):
    task = mnist(source="small_mnist", augment=False, pictures=70_000)
    parts = contents(task)
    assert {name: len(part) for name, part in parts.items()} == {"train": 54, "valid": 6, "test": 50}
    published = torch.from_numpy(read_idx(small_mnist / "t10k-images-idx3-ubyte.gz")).float() / 255
    assert torch.equal(parts["test"][:, 0], published)


def test_another_number_of_pictures_is_refused():
    with pytest.raises(ValueError, match="10_000 .* or 70_000 .*got 5"):
        mnist(pictures=5)


def test_labels_that_do_not_belong_to_the_pictures_are_refused(small_mnist):
    fewer = gzip.compress(idx(np.zeros(49, np.uint8)))
    name = "t10k-labels-idx1-ubyte.gz"
    (small_mnist / name).write_bytes(fewer)
    known = store.sets()["small_mnist"]
    known.files[name] = File(("https://localhost/",), len(fewer), hashlib.sha256(fewer).hexdigest())
    with pytest.raises(ValueError, match="50 pictures but 49 labels"):
        mnist(source="small_mnist")


def test_an_altered_mnist_file_is_refused_by_name(small_mnist):
    name = "t10k-images-idx3-ubyte.gz"
    (small_mnist / name).write_bytes((small_mnist / name).read_bytes()[:-1] + b"!")
    with pytest.raises(store.DataError, match=f"{name} was altered"):
        mnist(source="small_mnist")


@pytest.mark.skipif(not os.environ.get("DLNB_DATA"), reason="DLNB_DATA names no folder with the real MNIST files")
def test_the_real_mnist_files_are_read():
    task = mnist(augment=False)
    parts = contents(task)
    assert {name: len(part) for name, part in parts.items()} == {"train": 7000, "valid": 1000, "test": 2000}
    labels = torch.cat([getattr(task, name).tensors[1] for name in parts])
    assert labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
