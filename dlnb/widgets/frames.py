"""Frames: NumPy columns packed into one aligned binary buffer and a directory that says where each lies.

`widgets/src/core/frame.ts` is the other half.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

# JavaScript names of what a typed array may hold.
KINDS = {"f": "float32", "u": "int32", "i": "int32"}
ALIGNMENT = 4  # bytes


def pack(columns: Mapping[str, np.ndarray]) -> tuple[list[dict[str, Any]], bytes]:
    """Pack columns as float32, int32 or uint8.

    Returns the directory, `[{"name", "kind", "offset", "length"}, …]` with offsets in bytes and
    lengths in elements, and the buffer.

    Raises: TypeError for a column that is no number.

    >>> directory, buffer = pack({"loss": np.array([2.0, 1.5]), "seen": np.array([7], np.uint8)})
    >>> directory[1]
    {'name': 'seen', 'kind': 'uint8', 'offset': 8, 'length': 1}
    >>> len(buffer)
    12
    """
    directory, parts, offset = [], [], 0
    for name, column in columns.items():
        kind = "uint8" if column.dtype == np.uint8 else KINDS.get(column.dtype.kind)
        if kind is None:
            raise TypeError(f"column {name!r} of type {column.dtype} cannot be sent; it must hold numbers")
        data = np.ascontiguousarray(column, dtype=kind).tobytes()
        directory.append({"name": name, "kind": kind, "offset": offset, "length": int(column.size)})
        padding = -len(data) % ALIGNMENT
        parts += [data, b"\0" * padding]
        offset += len(data) + padding
    return directory, b"".join(parts)
