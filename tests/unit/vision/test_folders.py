"""Pictures of one's own, and the sets in CIFAR-10's format: read right, in one split only, and said in words what is wrong."""

import hashlib
import io
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from dlnb.data import cifar, store
from dlnb.data.sets import DataSet, File, ListedFiles
from dlnb.vision import cifar10, fashion_mnist, from_folder
from dlnb.vision.data import mirror_and_shift
from dlnb.vision.images import PictureError, read_picture


def picture(seed: int, size: tuple[int, int] = (20, 24)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8))


def fill(folder, classes=("cat", "dog"), count=10, start=0):
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            picture(start + 1000 * number + i, (20 + i, 24)).save(folder / name / f"{i}.png")
    return folder


def rows(task):
    """Each split's pictures, as they lie in memory."""
    return {name: [one.numpy().tobytes() for one in getattr(task, name).tensors[0]] for name in ("train", "valid", "test")}


def test_a_folder_becomes_a_task_whatever_the_sizes_of_its_pictures(tmp_path):
    (fill(tmp_path) / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    task = from_folder(str(tmp_path), size=16, batch_size=4)
    assert task.classes == ("cat", "dog")
    assert {name: len(part) for name, part in rows(task).items()} == {"train": 14, "valid": 2, "test": 4}
    x, y = task.train.batch(0, 0, 0)
    assert x.shape == (4, 3, 16, 16) and x.dtype == torch.float32 and 0 <= x.min() and x.max() <= 1 and y.dtype == torch.int64
    model = task.models["ResNet"]().eval()
    assert task.preview(model).pixels.shape == (2, 16, 16, 3) and task.show(x).pixels.dtype == np.uint8
    assert from_folder(str(tmp_path), size=16, grey=True).train.batch(0, 0, 0)[0].shape[1] == 1
    assert set(task.baselines) == {"the most frequent class", "3-nearest neighbours", "logistic regression"}


def test_of_a_wide_picture_the_middle_is_seen_and_nothing_is_squashed(tmp_path):
    fill(tmp_path)
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 16:44, 1] = 255
    for name, pixels in (("wide", wide), ("high", wide.transpose(1, 0, 2))):
        Image.fromarray(pixels).save(tmp_path / "cat" / f"{name}.png")
        seen = read_picture(tmp_path / "cat" / f"{name}.png", size=(16, 16), crop=True)
        assert (seen[1] == 255).all() and (seen[[0, 2]] == 0).all()
    with pytest.warns(UserWarning, match="1 pictures in .* more than once"):  # what is seen of both is the same
        task = from_folder(str(tmp_path), size=16)
    pictures = torch.cat([getattr(task, name).tensors[0] for name in ("train", "valid", "test")])
    assert (pictures[:, 1] == 255).all((1, 2)).sum() == 1


def test_the_split_follows_the_seed(tmp_path):
    fill(tmp_path)
    first, again, other = (rows(from_folder(str(tmp_path), seed=seed)) for seed in (1, 1, 2))
    assert first == again and first["test"] != other["test"]


def test_folders_for_each_split_are_heeded(tmp_path):
    for start, split in ((0, "train"), (100, "val"), (200, "test")):
        fill(tmp_path / split, count=6, start=start)
    task = from_folder(str(tmp_path))
    assert {name: len(part) for name, part in rows(task).items()} == {"train": 12, "valid": 12, "test": 12}
    (tmp_path / "val").rename(tmp_path / "other")
    with pytest.raises(ValueError, match="'train' but none called 'valid' or 'val' or 'validation'"):
        from_folder(str(tmp_path))


def test_the_same_picture_is_in_one_split_only_also_in_another_format(tmp_path):
    for start, split in ((0, "train"), (100, "valid"), (200, "test")):
        fill(tmp_path / split, count=6, start=start)
    picture(203, (23, 24)).save(tmp_path / "train" / "cat" / "again.bmp")
    picture(103, (23, 24)).save(tmp_path / "train" / "cat" / "and again.png")
    with pytest.warns(UserWarning, match="2 pictures in .* more than once"):
        parts = rows(from_folder(str(tmp_path)))
    assert [len(part) for part in parts.values()] == [12, 12, 12]
    assert len(set().union(*parts.values())) == 36


def test_one_picture_in_two_classes_is_refused(tmp_path):
    fill(tmp_path)
    picture(3, (23, 24)).save(tmp_path / "dog" / "a cat.png")
    with pytest.raises(ValueError, match="a cat.png and .*3.png are the same picture, but in two classes"):
        from_folder(str(tmp_path))


def test_a_broken_picture_is_named_or_left_out_with_a_warning(tmp_path):
    fill(tmp_path)
    file = tmp_path / "dog" / "broken.png"
    file.write_bytes((tmp_path / "dog" / "1.png").read_bytes()[:200])
    with pytest.raises(PictureError, match="broken.png is damaged or cut off"):
        from_folder(str(tmp_path))
    with pytest.warns(UserWarning, match="1 files were left out: .*broken.png"):
        task = from_folder(str(tmp_path), skip_broken=True)
    assert sum(len(part) for part in rows(task).values()) == 20


def test_what_is_no_folder_of_classes_is_said_in_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        from_folder(str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="is a file, and no folder"):
        from_folder(str(tmp_path / "file"))
    with pytest.raises(ValueError, match="no folders with pictures in them"):
        from_folder(str(tmp_path))
    fill(tmp_path, classes=("cat",))
    (tmp_path / "dog").mkdir()
    with pytest.raises(ValueError, match="one class only, 'cat'"):
        from_folder(str(tmp_path))
    fill(tmp_path, classes=("cat", "dog"), count=4)
    with pytest.raises(ValueError, match="the class 'dog' has 4 different pictures .* needs 5 or more"):
        from_folder(str(tmp_path))
    with pytest.raises(TypeError, match="must be a string"):
        from_folder(tmp_path)
    with pytest.raises(ValueError, match="size=4"):
        from_folder(str(tmp_path), size=4)


def test_mirrored_and_shifted_pictures_are_whole_and_follow_the_generator():
    pictures = torch.arange(2 * 3 * 8 * 8).view(2, 3, 8, 8).to(torch.uint8).repeat(8, 1, 1, 1)
    before = pictures.clone()
    torch.manual_seed(0)
    first, second = mirror_and_shift(pictures), mirror_and_shift(pictures)
    torch.manual_seed(0)
    assert torch.equal(mirror_and_shift(pictures), first) and not torch.equal(first, second)
    assert torch.equal(pictures, before) and first.shape == pictures.shape and first.dtype == torch.uint8
    still = mirror_and_shift(pictures, shift=0.0)
    assert all(torch.equal(a, b) or torch.equal(a, b.flip(2)) for a, b in zip(still, pictures, strict=True))
    row = mirror_and_shift(torch.arange(8.0).view(1, 1, 1, 8).expand(64, 1, 8, 8), shift=0.25)
    assert {tuple(line.int().tolist()) for line in row[:, 0, 0]} >= {(2, 1, 0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0, 1, 2)}


def records(count: int, seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).integers(0, 256, (count, cifar.RECORD), dtype=np.uint8)
    made[:, 0] = np.arange(count) % 10
    return made


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cifar.FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


PARTS = {name: records(20, number) for number, name in enumerate((*cifar.LEARN, *cifar.TEST))}


@pytest.fixture
def small_cifar(tmp_path, monkeypatch):
    """A set named "small_cifar" in CIFAR-10's file, with a few random pictures, in DLNB_DATA."""
    content = packed({name: part.tobytes() for name, part in PARTS.items()})
    (tmp_path / "small_cifar").mkdir()
    (tmp_path / "small_cifar" / "cifar-10-binary.tar.gz").write_bytes(content)
    file = File(("https://localhost/",), len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("DLNB_DATA", str(tmp_path))
    monkeypatch.setattr(store, "_sets", dict(store._sets))
    store.add(DataSet("small_cifar", "noise", "this test", "free", {"cifar-10-binary.tar.gz": file}))


def test_cifar_is_read_from_its_file_and_tested_on_its_own_test_part(small_cifar):
    task = cifar10(source="small_cifar", pictures=100, batch_size=8, augment=False)
    assert {name: len(part) for name, part in rows(task).items()} == {"train": 90, "valid": 10, "test": 20}
    x, y = task.test.batch(0, 0, 0)
    published = PARTS["test_batch.bin"]
    assert y.tolist() == published[:, 0].tolist() and task.classes[3] == "cat"
    assert torch.equal((x * 255).round().byte().flatten(1), torch.from_numpy(published[:, 1:]))
    assert x[0, 2, 1, 5] == published[0, 1 + 2 * 1024 + 1 * 32 + 5] / 255  # blue, second row, sixth column
    assert task.train.batch(0, 0, 0)[0].dtype == torch.float32
    learned = {row.tobytes() for name in cifar.LEARN for row in PARTS[name][:, 1:].reshape(-1, 3, 32, 32)}
    parts = rows(task)
    assert set(parts["train"]) | set(parts["valid"]) == learned and not set(parts["train"]) & set(parts["valid"])
    assert task.preview(task.models["ResNet"]().eval()).pixels.shape == (10, 32, 32, 3)


def test_fewer_pictures_of_cifar_can_be_taken_but_not_more_than_there_are(small_cifar):
    assert len(cifar10(source="small_cifar", pictures=40).train.tensors[0]) == 36
    for pictures in (9, 101):
        with pytest.raises(ValueError, match="pictures must be 10 to 100"):
            cifar10(source="small_cifar", pictures=pictures)


WRONG = records(2, 0)
WRONG[1, 0] = 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "is damaged or cut short"),
        (packed({"test_batch.bin": records(2, 0).tobytes()})[:-40], "is damaged or cut short"),
        (packed({"other.bin": b""}), "has no file cifar-10-batches-bin/test_batch.bin: is it the binary version"),
        (packed({"test_batch.bin": b"x" * 3074}), "holds 3,074 bytes, which are no whole records of 3,073"),
        (packed({"test_batch.bin": b""}), "holds 0 bytes"),
        (packed({"test_batch.bin": WRONG.tobytes()}), "has the label 10, but there are only the classes 0 to 9"),
    ],
)
def test_a_broken_cifar_file_is_said_in_words(tmp_path, content, said):
    (tmp_path / "cifar.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        cifar.read_cifar(tmp_path / "cifar.tar.gz", cifar.TEST)


def test_fashion_mnist_asks_for_one_of_its_two_sizes():
    with pytest.raises(ValueError, match="10_000 .* or 70_000"):
        fashion_mnist(pictures=60_000)


def test_the_list_of_a_large_set_is_read_when_it_is_first_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("dlnb.data.sets.SUMS", tmp_path)
    files = ListedFiles("many", ("https://one/", "https://two/"))
    DataSet("many", "a", "b", "c", files)  # no list yet, and none needed
    (tmp_path / "many.txt").write_text(f"{'0' * 64} 12 folder/a file.png\n")
    assert dict(files) == {"folder/a file.png": File(("https://one/folder/a file.png", "https://two/folder/a file.png"), 12, "0" * 64)}
    (tmp_path / "many.txt").write_text(f"{'0' * 64} 12 ../evil\n")
    with pytest.raises(ValueError, match="relative path"):
        len(ListedFiles("many", ("https://one/",)))
