"""IDX, the file format of MNIST: a few bytes that say type and shape, then the numbers.

Format: two zero bytes, one byte for the type, one for the number of dimensions, each dimension as a
big-endian 32-bit integer, then the numbers in C order (LeCun, Cortes & Burges, the MNIST database).
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path, ndim: int | None = None) -> np.ndarray:
    """The array in an IDX file, unpacked if it is gzipped.

    ndim: how many dimensions it must have, where the caller knows.

    Raises: ValueError in words if the file is not IDX, is cut short or goes on too long.
    """
    data = _unpacked(Path(path))
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES:
        raise ValueError(f"{path} is not an IDX file: it begins with {data[:4].hex(' ') or 'nothing'}")
    dtype, dimensions = np.dtype(_TYPES[data[2]]), data[3]
    if ndim is not None and dimensions != ndim:
        raise ValueError(
            f"{path} holds an array of {dimensions} dimensions, expected {ndim} "
            "(3 for pictures, 1 for labels: are the two files exchanged?)"
        )
    begin = 4 + 4 * dimensions
    if len(data) < begin:
        raise ValueError(f"{path} is cut short: its header needs {begin} bytes, it has {len(data)}")
    shape = tuple(int(length) for length in np.frombuffer(data, ">u4", dimensions, offset=4))
    expected = begin + prod(shape) * dtype.itemsize
    if len(data) != expected:
        word = "is cut short" if len(data) < expected else "goes on after its end"
        raise ValueError(f"{path} {word}: an array of shape {shape} needs {expected:,} bytes, it has {len(data):,}")
    array = np.frombuffer(data, dtype, offset=begin).reshape(shape)
    return array.astype(dtype.newbyteorder("="))  # a copy in the machine's own byte order, that may be written to


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged or cut short: it does not unpack ({error})") from error
