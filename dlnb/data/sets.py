"""The published data sets: what each is, where it lies, and what its files must be to the last bit."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

SUMS = Path(__file__).with_name("sums")  # for sets of many files: lists that scripts/sums.py writes


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
        _check_names([self.name])
        if isinstance(self.files, ListedFiles):
            return  # checks itself when it is first read
        _check_names(self.files)
        for name, file in self.files.items():
            if not file.urls:
                raise ValueError(f"the file {name!r} of {self.name!r} has no URL to fetch it from")

    def __str__(self) -> str:
        size = sum(file.size for file in self.files.values()) / 1e6
        return f"{self.name}: {self.about} ({size:.1f} MB)\n  source: {self.source}\n  licence: {self.licence}"


class ListedFiles(Mapping[str, File]):
    """The files of a set that has many: their lengths and sums stand in `sums/<name>.txt`, read when first asked for.

    mirrors: URLs of folders in which the files lie under their names.

    Raises: ValueError at the first use if the list names a file that would lie outside the set's folder.
    """

    def __init__(self, name: str, mirrors: tuple[str, ...]) -> None:
        self.list, self.mirrors = SUMS / f"{name}.txt", mirrors

    @cached_property
    def _files(self) -> dict[str, File]:
        rows = [line.split(maxsplit=2) for line in self.list.read_text(encoding="utf-8").splitlines()]
        _check_names(name for _, _, name in rows)
        return {name: File(tuple(mirror + name for mirror in self.mirrors), int(size), sha256) for sha256, size, name in rows}

    def __getitem__(self, name: str) -> File:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not name or name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or ":" in name:
            raise ValueError(f"{name!r} cannot name a data set or a file of one: use a relative path without '..'")


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

_FASHION_MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)

FASHION_MNIST = DataSet(
    name="fashion_mnist",
    about="70,000 articles of clothing in ten kinds, 28×28 grey pixels: 60,000 to learn from, 10,000 to test",
    source="Xiao, Rasul & Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747, from pictures of Zalando's",
    licence="MIT",
    files={
        name: File(tuple(mirror + name for mirror in _FASHION_MIRRORS), size, sha256)
        for name, size, sha256 in [
            ("train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            ("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            ("t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            ("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ]
    },
)

CIFAR10 = DataSet(
    name="cifar10",
    about="60,000 pictures of ten kinds of things, 32×32 pixels in colour: 50,000 to learn from, 10,000 to test",
    source="Krizhevsky 2009, Learning multiple layers of features from tiny images (the binary version, without pickles)",
    licence="none is stated; name the report above",
    files={
        "cifar-10-binary.tar.gz": File(
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
            ),
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        )
    },
)


def _github(repository: str) -> tuple[str, str]:
    """Where a folder of a repository at one commit can be had. repository: "owner/name/commit", or "owner/name/commit/folder"."""
    owner, name, commit, *folder = repository.split("/", 3)
    return (
        "/".join(["https://raw.githubusercontent.com", owner, name, commit, *folder, ""]),
        "/".join(["https://cdn.jsdelivr.net/gh", owner, f"{name}@{commit}", *folder, ""]),
    )


def _on_github(repository: str, files: list[tuple[str, int, str]]) -> dict[str, File]:
    """Files of such a folder: path in it, bytes, SHA-256."""
    mirrors = _github(repository)
    return {path: File(tuple(mirror + path for mirror in mirrors), size, sha256) for path, size, sha256 in files}


TINY_SHAKESPEARE = DataSet(
    name="tinyshakespeare",
    about="1.1 million characters of Shakespeare's plays in one file",
    source="A. Karpathy, char-rnn, 2015, from the complete works of William Shakespeare",
    licence="public domain",
    files=_on_github(
        "karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare",
        [("input.txt", 1_115_394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed")],
    ),
)

SST2 = DataSet(
    name="sst2",
    about="9,613 sentences of film reviews, for or against: 6,920 to learn from, 872 to validate, 1,821 to test",
    source="Socher et al. 2013, Recursive deep models for semantic compositionality over a sentiment treebank",
    licence="for research",
    files=_on_github(
        "clairett/pytorch-sentiment-classification/457ffd83de90a9d6d472d8ffc31bbffe40a8b236/data/SST2",
        [
            ("train.tsv", 720_259, "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920"),
            ("dev.tsv", 92_057, "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359"),
            ("test.tsv", 188_749, "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7"),
        ],
    ),
)

MULTI30K = DataSet(
    name="multi30k",
    about="descriptions of 31,014 pictures in English, and in German by translators",
    source="Elliott, Frank, Sima'an & Specia 2016, Multi30K: multilingual English-German image descriptions",
    licence="CC BY-NC-SA",
    files=_on_github(
        "multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw",
        [
            ("train.en.gz", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
            ("train.de.gz", 637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
            ("val.en.gz", 21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
            ("val.de.gz", 24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
            ("test_2016_flickr.en.gz", 21_077, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"),
            ("test_2016_flickr.de.gz", 22_890, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8"),
        ],
    ),
)

ORL_FACES = DataSet(
    name="orl_faces",
    about="400 pictures of 40 people, ten of each, 92×112 grey pixels",
    source="The Database of Faces, AT&T Laboratories Cambridge (the Olivetti Research Laboratory), 1992 to 1994",
    licence="free to use where the Olivetti Research Laboratory is credited",
    files=ListedFiles(
        "orl_faces", _github("JFonseca25/eigenfaces/9b7490c5cdf13fd4be0184b557b928a5a12101d1/resources/att_faces")
    ),
)

PENN_FUDAN = DataSet(
    name="penn_fudan",
    about="170 photographs of streets with 423 people walking, each with a box and a mask",
    source="Wang, Shi, Song & Shen 2007, Object detection combining recognition and segmentation; the Penn-Fudan Database",
    licence="for research",
    files=ListedFiles(
        "penn_fudan", _github("ell-hosse/TinyDETR-PennFudan/4fc447301dec3dfce57c9abf0ab7eb6bc2609e4e/data/PennFudanPed")
    ),
)

FREE_SPOKEN_DIGITS = DataSet(
    name="fsdd",
    about="3,000 recordings of the digits, each by six speakers fifty times, 8 kHz",
    source="Z. Jackson and others, Free Spoken Digit Dataset, version 1.0.10",
    licence="CC BY-SA 4.0",
    files=ListedFiles("fsdd", _github("Jakobovski/free-spoken-digit-dataset/26eb9aaf76e81b692f806f9140c2d2777410d7a1")),
)

JSB_CHORALES = DataSet(
    name="jsb_chorales",
    about="382 chorales by J. S. Bach, the notes that sound at each quarter and at each 16th: 229 to learn from, 76, 77 to test",
    source="Boulanger-Lewandowski, Bengio & Vincent 2012, arXiv:1206.6392, as put together by C.-Z. A. Huang",
    licence="public domain music",
    files=_on_github(
        "czhuang/JSB-Chorales-dataset/9a7f733ddb4ed91f48da64ac7f0f621c34aadd4d",
        [
            ("jsb-chorales-16th.json", 1_741_172, "8730aca7b64e7d29493733d1cf19fad4a5b351d8f1845e57dac27728104fd39f"),
            ("jsb-chorales-quarter.json", 407_200, "2db9329f1881a1d3f49703ec556bf1d6f84b4f6c1d702c156536e93cf31e1c91"),
        ],
    ),
)

PUBLISHED = (
    MNIST, FASHION_MNIST, CIFAR10, TINY_SHAKESPEARE, SST2, MULTI30K, ORL_FACES, PENN_FUDAN, FREE_SPOKEN_DIGITS, JSB_CHORALES,
)  # fmt: skip
