"""Real data sets by name: fetched once, checked each time, used where they lie.

`path("mnist", "t10k-images-idx3-ubyte.gz")` is the whole interface for a reader of data. A file comes
from the folder that DLNB_DATA names if it is there, else from the cache (DLNB_CACHE moves it), else
from the internet. No file is handed out that is not exactly the published one.
"""

import errno
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .sets import PUBLISHED, DataSet, File

TIMEOUT = 20.0  # seconds without a byte, after which a server is given up
TRIES = 5  # tries in a row that bring nothing new, after which a download is given up
MANY = 5  # files, for which one bar counts them
LARGE = 1 << 20  # bytes of a file that has a bar of its own

_sets = {dataset.name: dataset for dataset in PUBLISHED}


class DataError(RuntimeError):
    """A data set that cannot be had, or that is not what was published."""


def sets() -> dict[str, DataSet]:
    """Every data set that is known by name."""
    return dict(_sets)


def add(dataset: DataSet) -> None:
    """Make a data set known by its name: one of your own, or a known one on your school's server."""
    _sets[dataset.name] = dataset


def path(name: str, file: str) -> Path:
    """One file of a set, fetched if need be, and checked."""
    return fetch(name, [file])[file]


def fetch(name: str, files: Iterable[str] | None = None) -> dict[str, Path]:
    """The files of a set (all of them unless named), fetched if need be, each of them checked.

    A download that breaks off goes on where it stopped, also in another process and on another day.

    Raises: KeyError if there is no such set or file; DataError in words if a file cannot be had or
    is not the published one.
    """
    if name not in _sets:
        raise KeyError(f"there is no data set {name!r}; there are {', '.join(sorted(_sets))}")
    dataset = _sets[name]
    wanted = list(dataset.files if files is None else files)
    for file in wanted:
        if file not in dataset.files:
            raise KeyError(f"{name!r} has no file {file!r}; it has {', '.join(dataset.files)}")

    here = {file: found for file in wanted if (found := _find(name, file, dataset.files[file]))}
    missing = [file for file in wanted if file not in here]
    if missing:
        from tqdm.auto import tqdm

        print(dataset)
        for file in tqdm(missing, desc=name, unit="file", leave=False, disable=len(missing) < MANY):
            here[file] = _download(dataset.files[file], _cache() / name / file)
    return here


def files_here(name: str) -> list[str]:
    """The files of a set that lie here already, with their published lengths; they are checked when they are used.

    Raises: KeyError if there is no such set.
    """
    places = [Path(given) for given in (os.environ.get("DLNB_DATA"),) if given] + [_cache()]
    files = _sets[name].files.items()
    return [file for file, published in files if any(_length(place / name / file) == published.size for place in places)]


def _cache() -> Path:
    import platformdirs

    return Path(os.environ.get("DLNB_CACHE") or platformdirs.user_cache_dir("dlnb", appauthor=False))


def _find(name: str, file: str, published: File) -> Path | None:
    """The file where it lies already, checked; None if it must be fetched."""
    if given := os.environ.get("DLNB_DATA"):
        if not Path(given).is_dir():
            raise DataError(f"DLNB_DATA names {given}, which is not a folder. Mend the path, or unset DLNB_DATA.")
        mine = Path(given) / name / file
        if mine.exists():
            # It belongs to the user: used or refused, never replaced.
            if problem := _problem(mine, published):
                raise DataError(
                    f"{mine} {problem}. It is not the published file, so it is not used. "
                    "Put a fresh copy in its place, or unset DLNB_DATA to have it fetched."
                )
            return mine
    cached = _cache() / name / file
    if not cached.exists():
        return None
    if problem := _problem(cached, published):
        print(f"{cached} {problem}. It is not used; a fresh copy is fetched.")
        return None
    return cached


def _problem(where: Path, published: File) -> str:
    """What is wrong with a file, in words; empty if it is the published one."""
    import pooch

    try:
        size = where.stat().st_size
        if size != published.size:
            return f"{'is cut short' if size < published.size else 'is too long'}: {_lengths(size, published)}"
        found = pooch.file_hash(str(where))
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return "" if found == published.sha256 else f"was altered: SHA-256 {found}, expected {published.sha256}"


def _lengths(found: int, published: File) -> str:
    return f"{found:,} bytes, expected {published.size:,}"


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _download(published: File, target: Path) -> Path:
    """Fetch one file into the cache. One process at a time does; the others wait, and find it there."""
    import filelock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{target}.lock"):
            if not target.exists() or _problem(target, published):
                _from_mirrors(published, target)
    except OSError as error:
        elsewhere = "or name another folder with DLNB_CACHE, and call again."
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise DataError(
                f"the disk is full: {target.name} needs {published.size / 1e6:.1f} MB in {target.parent}. "
                f"Free some space, {elsewhere}"
            ) from error
        raise DataError(
            f"cannot write into {target.parent}: {error.strerror or error}. Mend its permissions, {elsewhere}"
        ) from error
    return target


def _from_mirrors(published: File, target: Path) -> None:
    """Try the mirrors in turn until the file is whole.

    An answer that brings new bytes is progress, however short; only tries in a row that bring
    nothing are counted. A mirror that refuses, or sends something else, is asked no more.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough
    part = target.with_name(target.name + ".part")
    had_part = _length(part) > 0
    mirrors = list(published.urls)
    said: dict[str, str] = {}
    fruitless = 0
    while mirrors and fruitless < TRIES:
        url = mirrors[fruitless % len(mirrors)]
        before = _length(part)
        try:
            # pooch checks the whole file once more, and moves it into place in one go.
            pooch.retrieve(
                url,
                known_hash=f"sha256:{published.sha256}",
                fname=target.name,
                path=target.parent,
                downloader=_resuming(part, published),
            )
            return
        except DataError as error:
            said[url] = str(error)
            if had_part:
                had_part = False  # what lay there may have been the fault: this mirror gets a second chance
            else:
                mirrors.remove(url)
        except requests.RequestException as error:
            said[url] = _in_words(error)
            if _is_refusal(error):
                mirrors.remove(url)
            else:
                fruitless = 0 if _length(part) > before else fruitless + 1
                time.sleep(min(4.0, 0.25 * 2**fruitless) if fruitless < TRIES else 0)
    reasons = "".join(f"\n  {url} {reason}" for url, reason in said.items())
    raise DataError(
        f"{target.name} could not be fetched:{reasons}\n"
        "If there is no network, or a proxy stands between, mend that and call again: a download that broke off "
        f"goes on where it stopped. Or put the file into a folder {target.parent.name}/ yourself, "
        "and name the folder above it with DLNB_DATA."
    )


def _resuming(part: Path, published: File) -> Callable[[str, str, Any], None]:
    """A downloader for pooch that appends to `part`, and hands it over when it is whole and right."""

    def download(url: str, output: str, _pooch: Any) -> None:
        if _length(part) < published.size:
            _append(url, part, published)
        if problem := _problem(part, published):
            part.unlink()
            raise DataError(f"sent a file that {problem}")
        os.replace(part, output)

    return download


def _append(url: str, part: Path, published: File) -> None:
    """Ask for the bytes that `part` does not have yet, and write them behind those it has."""
    import requests
    from tqdm.auto import tqdm

    start = _length(part)
    # "identity": the bytes as they lie on the server, whose length and checksum are known.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # the server's file ends before our part does
            part.unlink()
            raise DataError("has a shorter file than the published one")
        response.raise_for_status()
        content_range = response.headers.get("Content-Range", "")
        if not (response.status_code == 206 and content_range.startswith(f"bytes {start}-")):
            start = 0  # it sends the whole file, not the rest
        total = content_range.rpartition("/")[2] or response.headers.get("Content-Length", "")
        if total.isdecimal() and int(total) != published.size:
            raise DataError(f"has another file than the published one: {_lengths(int(total), published)}")
        with (
            part.open("ab" if start else "wb") as out,
            tqdm(total=published.size, initial=start, unit="B", unit_scale=True, desc=part.stem, leave=False, disable=published.size < LARGE) as bar,
        ):
            for chunk in response.iter_content(1 << 13):  # small: where a connection breaks, a started chunk is lost
                out.write(chunk)
                bar.update(len(chunk))
                start += len(chunk)
                if start > published.size:
                    break  # the check will refuse it: no need to read on
    if start < published.size:
        raise requests.ConnectionError(f"the connection was closed after {start:,} of {published.size:,} bytes")


def _is_refusal(error: Exception) -> bool:
    """Whether asking again is of no use: 404 and its like, but not "too many requests" and not the server's own trouble."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is not None and 400 <= status < 500 and status not in (408, 429)


def _in_words(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"answered {response.status_code} {response.reason}"
    text = str(error)
    if "timed out" in text:
        return f"did not answer for {TIMEOUT:g} s"
    if "resolve" in text or "Name or service" in text or "refused" in text or "unreachable" in text:
        return "could not be reached"
    return f"broke off ({text})"
