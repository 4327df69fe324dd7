"""One's own pictures in folders, a folder for each class: read, scaled, and each of them in one split only."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .images import SUFFIXES, PictureError, read_picture

SPLITS = {"train": ("train",), "valid": ("valid", "val", "validation"), "test": ("test",)}
FEWEST = 5  # pictures of a class: of fewer, a split could go without


@dataclass(frozen=True)
class Folder:
    """What was found. pictures: (N, C, size, size) uint8; labels: (N,); parts: where the folder says so, the three splits."""

    pictures: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    parts: tuple[Tensor, Tensor, Tensor] | None


def read_folder(path: str | Path, size: int = 32, grey: bool = False, skip_broken: bool = False) -> Folder:
    """All pictures of a folder that holds a folder for each class, or such folders in `train`, `valid` and `test`.

    A picture that is there twice (the same pixels, once it is scaled) is used once: for the test rather than to validate,
    and to validate rather than to learn from. skip_broken: leave out files that are no pictures, with a warning.

    Raises: see `dlnb.vision.from_folder`.
    """
    root = Path(path)
    if size < 8:
        raise ValueError(f"pictures need sides of 8 pixels or more, got size={size}")
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {root}" if not root.exists() else f"{root} is a file, and no folder")
    splits = _splits(root)
    classes = tuple(sorted({folder.name for split in splits.values() for folder in _folders(split)}))
    if len(classes) < 2:
        what = f"one class only, {classes[0]!r}" if classes else "no folders with pictures in them"
        raise ValueError(f"{root} has {what}: put the pictures of each class into a folder of its name, two or more of them")
    reading = _Reading(root, size, grey, skip_broken)
    found = {name: reading.split(folder, classes) for name, folder in splits.items() if name != "train"}
    found["train"] = reading.split(splits["train"], classes)
    reading.say()
    return _joined(root, found, classes)


def _splits(root: Path) -> dict[str, Path]:
    """The folder of each split, the one for the test first; only "train", the whole, where there are none."""
    named = {name: root / folder for name, folders in SPLITS.items() for folder in folders if (root / folder).is_dir()}
    if "train" not in named:
        return {"train": root}
    for name in ("valid", "test"):
        if name not in named:
            raise ValueError(f"{root} has a folder {named['train'].name!r} but none called {' or '.join(map(repr, SPLITS[name]))}")
    return {name: named[name] for name in ("test", "valid", "train")}


def _folders(split: Path) -> list[Path]:
    """The folders of the classes: those that hold pictures."""
    return [folder for folder in sorted(split.iterdir()) if folder.is_dir() and folder.name[0] != "." and _files(folder)]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.name[0] != ".")


class _Reading:
    """Reads pictures, and remembers which it has seen and which could not be read."""

    def __init__(self, root: Path, size: int, grey: bool, skip_broken: bool) -> None:
        self.root, self.size, self.grey, self.skip_broken = root, size, grey, skip_broken
        self.seen: dict[bytes, tuple[int, Path]] = {}
        self.twice, self.broken = 0, list[str]()

    def split(self, folder: Path, classes: tuple[str, ...]) -> tuple[list[Tensor], list[int]]:
        """The pictures and labels of a folder, without those that were read before."""
        pictures, labels = [], []
        for label, name in enumerate(classes):
            for file in _files(folder / name):
                picture = self.read(file, label)
                if picture is not None:
                    pictures.append(picture)
                    labels.append(label)
        return pictures, labels

    def read(self, file: Path, label: int) -> Tensor | None:
        """(C, size, size) uint8; None if it is broken or was read before."""
        try:
            picture = read_picture(file, grey=self.grey, size=(self.size, self.size), crop=True)
        except (PictureError, OSError) as error:
            if not self.skip_broken:
                raise
            self.broken.append(str(error))
            return None
        key = hashlib.sha256(picture.numpy().tobytes()).digest()
        if key not in self.seen:
            self.seen[key] = (label, file)
            return picture
        before, other = self.seen[key]
        if before != label:
            raise ValueError(f"{file} and {other} are the same picture, but in two classes: take one of them away")
        self.twice += 1
        return None

    def say(self) -> None:
        """Warn of what was left out."""
        if self.broken:
            warnings.warn(f"{len(self.broken)} files were left out: {'; '.join(self.broken[:5])}", stacklevel=4)
        if self.twice:
            warnings.warn(f"{self.twice} pictures in {self.root} are there more than once, and are used once", stacklevel=4)


def _joined(root: Path, found: dict[str, tuple[list[Tensor], list[int]]], classes: tuple[str, ...]) -> Folder:
    for name, (_, known) in found.items():
        where = root if len(found) == 1 else f"the {name} folder of {root}"
        if not known:
            raise ValueError(f"{where} has no pictures that are not elsewhere in {root} too")
        counts = torch.tensor(known).bincount(minlength=len(classes)).tolist()
        fewest, needed = min(counts), FEWEST if len(found) == 1 else int(name == "train")
        if fewest < needed:
            which = classes[counts.index(fewest)]
            raise ValueError(f"the class {which!r} has {fewest} different pictures in {where}, and needs {needed} or more")
    names = ("train", "valid", "test") if len(found) == 3 else ("train",)
    pictures = torch.stack([picture for name in names for picture in found[name][0]])
    labels = torch.tensor([label for name in names for label in found[name][1]])
    parts = torch.arange(len(labels)).split([len(found[name][1]) for name in names])
    return Folder(pictures, labels, classes, (parts[0], parts[1], parts[2]) if len(parts) == 3 else None)
