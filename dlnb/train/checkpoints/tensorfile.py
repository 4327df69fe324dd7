"""One file of named tensors and a text, in the safetensors format: written so that no crash leaves half of it.

The old file stays whole until the new one is on the disk. Reading trusts nothing that a file says of itself.
Source: https://github.com/huggingface/safetensors#format
"""

import errno
import itertools
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

LONGEST = 16 << 20  # bytes of a header: more is no checkpoint, but an attempt to fill the memory

CODES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "complex64": "C64", "bool": "BOOL", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
}  # fmt: skip

Content = TypeVar("Content")

_numbers = itertools.count()


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, or is of something else than what it is to be loaded into."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor | np.ndarray], metadata: Mapping[str, str]) -> int:
    """Write a file, or leave the one that is there as it was. Returns the bytes written.

    Raises: OSError if the disk does not take it, CheckpointError if a tensor or the text is of a kind that does not fit.
    """
    # The largest kinds first, so that every tensor lies at a multiple of its own size.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    kinds = []
    for name in order:
        tensor = tensors[name]
        code = CODES.get(str(tensor.dtype).removeprefix("torch."))
        if code is None:
            raise CheckpointError(f"{name} is of type {tensor.dtype}, which safetensors does not hold")
        kinds.append((name, code, list(tensor.shape), math.prod(tensor.shape) * tensor.dtype.itemsize))
    header = header_of(kinds, metadata)
    if len(header) > LONGEST:
        raise CheckpointError(f"what a checkpoint says of itself takes {len(header):,} bytes; {LONGEST:,} are allowed")
    partial = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}.part")
    try:
        with open(partial, "xb", buffering=0) as file:
            write_all(file, header)
            for name in order:
                write_all(file, _bytes(tensors[name]))
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(path.parent)
    return len(header) + sum(nbytes for *_, nbytes in kinds)


def header_of(kinds: Iterable[tuple[str, str, list[int], int]], metadata: Mapping[str, str] | None = None) -> bytes:
    """The beginning of a file. kinds: name, code, shape and bytes of each tensor, in the order in which they follow."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    offset = 0
    for name, code, shape, nbytes in kinds:
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [offset, offset + nbytes]}
        offset += nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write_all(file: Any, data: Any) -> None:
    """Write all of it to an unbuffered file. Raises: OSError if the disk does not take it."""
    view = memoryview(data).cast("B")
    while len(view):
        written = file.write(view)  # fewer bytes than asked for where the disk is nearly full
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The text and the tensors of a file, in memory of their own. A file that is replaced meanwhile is read again.

    Raises: CheckpointError in words if it is no such file, or damaged; OSError if it cannot be read.
    """
    return _read(path, lambda file: (file.metadata() or {}, {name: file.get_tensor(name).clone() for name in file.keys()}))


def read_metadata(path: Path) -> dict[str, str]:
    """The text alone. Raises: as `read_tensors`."""
    return _read(path, lambda file: file.metadata() or {})


def _read(path: Path, take: Callable[[Any], Content]) -> Content:
    """What `take` finds in one file, though another may take its name at any moment: it is the old one or the new one whole."""
    while True:
        with open(path, "rb") as held:  # while it is held, no other file gets its number
            try:
                _check(path, held)
                # The library opens it by name, once for what it says of itself and once more for its tensors.
                with safe_open(path, framework="pt") as file:
                    content = take(file)
            except CheckpointError:
                if _is_still(path, held):
                    raise
            except (SafetensorError, ValueError, RuntimeError, TypeError, KeyError, AttributeError) as error:
                if _is_still(path, held):
                    raise CheckpointError(f"{path} is damaged or cut off: {error}") from error
            else:
                if _is_still(path, held):
                    return content


def _check(path: Path, file: BinaryIO) -> None:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    begin = file.read(1)
    if size < 10 or begin != b"{":
        raise CheckpointError(f"{path} is no safetensors file, so it is no checkpoint")
    if length > size - 8:
        raise CheckpointError(f"{path} is cut off, or no checkpoint: its header claims {length:,} bytes, but the file has {size:,}")
    if length > LONGEST:
        raise CheckpointError(f"{path} is no checkpoint: its header claims {length:,} bytes; {LONGEST:,} are allowed")


def _is_still(path: Path, file: BinaryIO) -> bool:
    return os.path.samestat(os.fstat(file.fileno()), os.stat(path))


def _bytes(tensor: Tensor | np.ndarray) -> Any:
    if not math.prod(tensor.shape):
        return b""
    if isinstance(tensor, np.ndarray):
        return np.ascontiguousarray(tensor).reshape(-1)
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def _sync_folder(folder: Path) -> None:
    """Bring the new name of a file to the disk as well, where folders can be synchronised."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)
