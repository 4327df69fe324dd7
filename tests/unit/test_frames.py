"""Frames: what is packed can be read where the directory says it lies."""

import numpy as np
import pytest

from dlnb.widgets.frames import pack


def unpack(directory, buffer):
    return {e["name"]: np.frombuffer(buffer, e["kind"], e["length"], e["offset"]).tolist() for e in directory}


def test_columns_come_back_as_they_were():
    columns = {
        "loss": np.array([2.5, -1.0, np.nan, np.inf]),
        "pixels": np.arange(7, dtype=np.uint8),
        "steps": np.array([1, 2**30, -3]),
        "empty": np.array([]),
        "half": np.array([0.5], np.float16),
    }
    read = unpack(*pack(columns))
    assert list(read) == list(columns)
    assert read["pixels"] == list(range(7)) and read["steps"] == [1, 2**30, -3] and read["empty"] == []
    np.testing.assert_equal(read["loss"], [2.5, -1.0, np.nan, np.inf])


def test_every_column_is_aligned_and_lies_inside_the_buffer():
    directory, buffer = pack({str(n): np.zeros(n, np.uint8) for n in range(9)} | {"last": np.ones(3)})
    size = {"float32": 4, "int32": 4, "uint8": 1}
    assert all(entry["offset"] % 4 == 0 for entry in directory)
    assert all(entry["offset"] + entry["length"] * size[entry["kind"]] <= len(buffer) for entry in directory)


def test_a_column_that_is_a_view_with_gaps_is_packed_as_seen():
    assert unpack(*pack({"odd": np.arange(10.0)[1::2]}))["odd"] == [1, 3, 5, 7, 9]


def test_unsigned_numbers_above_255_do_not_wrap():
    assert unpack(*pack({"labels": np.array([300, 65535], np.uint16)}))["labels"] == [300, 65535]


def test_what_is_no_number_is_refused_by_name():
    for column in (np.array(["a"]), np.array([True]), np.array([1j]), np.array([None])):
        with pytest.raises(TypeError, match="'names'.*must hold numbers"):
            pack({"names": column})
