"""The published data sets: what each is, where it lies, and what its files must be to the last bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class File:
    """One published file: where it can be had, its length in bytes, and its checksum."""

    urls: tuple[str, ...]
    size: int
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """A published data set: its files by name, and what a user should know of it.

    Raises: ValueError if the name of a file would lie outside the set's folder, or a file has no URL.
    """

    name: str
    about: str
    source: str
    licence: str
    files: Mapping[str, File]

    def __post_init__(self) -> None:
        for name in (self.name, *self.files):
            if not name or name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or ":" in name:
                raise ValueError(f"{name!r} cannot name a data set or a file of one: use a relative path without '..'")
        for name, file in self.files.items():
            if not file.urls:
                raise ValueError(f"the file {name!r} of {self.name!r} has no URL to fetch it from")

    def __str__(self) -> str:
        size = sum(file.size for file in self.files.values()) / 1e6
        return f"{self.name}: {self.about} ({size:.1f} MB)\n  source: {self.source}\n  licence: {self.licence}"


def _mnist(name: str, size: int, sha256: str) -> File:
    mirrors = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
    return File(tuple(mirror + name for mirror in mirrors), size, sha256)


MNIST = DataSet(
    name="mnist",
    about="70,000 handwritten digits, 28×28 grey pixels: 60,000 to learn from, 10,000 to test",
    source="LeCun, Cortes & Burges, The MNIST database of handwritten digits, from NIST's Special Databases 1 and 3",
    licence="CC BY-SA 3.0",
    files={
        name: _mnist(name, size, sha256)
        for name, size, sha256 in [
            (
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ]
    },
)

PUBLISHED = (MNIST,)
