"""CIFAR-10's binary version: a packed folder of files, each a row of records of one label byte and 3,072 bytes of pixels.

Format: the red, then the green, then the blue plane of 32×32 pixels, row by row (Krizhevsky, the CIFAR-10 data set).
"""

import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = "cifar-10-batches-bin"
LEARN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)
CLASSES = 10
RECORD = 1 + 3 * 32 * 32  # bytes


def read_cifar(archive: str | Path, files: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pictures and labels of some files of the archive, read without unpacking it onto the disk.

    Returns: pictures (N, 3, 32, 32) uint8 and labels (N,) uint8, from 0 to 9.

    Raises: ValueError in words if the archive is damaged, lacks a file, or a file is not of the format.
    """
    records = []
    try:
        with tarfile.open(archive) as packed:
            for file in files:
                try:
                    member = packed.extractfile(f"{FOLDER}/{file}")
                except KeyError:
                    member = None
                if member is None:
                    raise ValueError(f"{archive} has no file {FOLDER}/{file}: is it the binary version?")
                records.append(_records(member.read(), f"{file} in {archive}"))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{archive} is damaged or cut short: it does not unpack ({error})") from error
    together = np.concatenate(records)  # (N, 3073)
    return together[:, 1:].reshape(-1, 3, 32, 32), together[:, 0]


def _records(data: bytes, name: str) -> NDArray[np.uint8]:
    """(N, 3073)"""
    if not data or len(data) % RECORD:
        raise ValueError(f"{name} holds {len(data):,} bytes, which are no whole records of {RECORD:,}")
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    if (most := int(records[:, 0].max())) >= CLASSES:
        raise ValueError(f"{name} has the label {most}, but there are only the classes 0 to {CLASSES - 1}")
    return records
