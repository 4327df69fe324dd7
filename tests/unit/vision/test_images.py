"""Picture files: what is read is what was written, and what is wrong with a file is said with its name."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from dlnb.vision.images import MOST_PIXELS, PictureError, read_mask, read_picture

PIXELS = np.random.RandomState(0).randint(0, 256, (6, 9, 3), np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.bmp", "a.ppm", "a.tif"])
def test_pixels_come_back_exactly(tmp_path, name):
    Image.fromarray(PIXELS).save(tmp_path / name)
    assert torch.equal(read_picture(tmp_path / name), torch.from_numpy(PIXELS).permute(2, 0, 1))


def test_grey_colours_with_transparency_and_another_size(tmp_path):
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / "a.pgm")
    assert torch.equal(read_picture(tmp_path / "a.pgm", grey=True)[0], torch.from_numpy(PIXELS[..., 0]))
    assert read_picture(tmp_path / "a.pgm").shape == (3, 6, 9)
    Image.fromarray(np.dstack([PIXELS, PIXELS[..., :1]]), "RGBA").save(tmp_path / "b.png")
    assert read_picture(tmp_path / "b.png").shape == (3, 6, 9)
    assert read_picture(tmp_path / "b.png", size=(12, 8)).shape == (3, 12, 8)


def test_a_photograph_is_turned_as_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    assert torch.equal(read_picture(tmp_path / "a.png"), torch.from_numpy(np.rot90(PIXELS, -1).copy()).permute(2, 0, 1))


@pytest.mark.parametrize("kept", [0.99, 0.5, 0.1])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.gif"])
def test_a_file_that_is_cut_off_is_refused(tmp_path, name, kept):
    file = tmp_path / name
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)).save(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(PictureError, match=f"{name} is (damaged or cut off|no picture)"):
        read_picture(file)


def test_a_file_that_is_empty_or_no_picture_is_refused(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(PictureError, match="empty.png is empty"):
        read_picture(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("not a picture " * 50)
    with pytest.raises(PictureError, match="text.png is no picture of a kind that is read here"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "nowhere.png")


def test_a_file_of_another_kind_than_its_name_says_is_refused(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", format="PNG")
    with pytest.raises(PictureError, match=r"a.jpg is called .jpg but holds a PNG: rename it to a.png"):
        read_picture(tmp_path / "a.jpg")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("side", [7_000, 60_000])
def test_a_small_file_that_unpacks_to_a_huge_picture_is_refused_before_it_is_unpacked(tmp_path, side):
    assert side * side > MOST_PIXELS
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(side + 1) * 10)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    with pytest.raises(PictureError, match="bomb.png unpacks to a picture"):
        read_picture(tmp_path / "bomb.png")


def test_masks_keep_their_numbers_and_must_fit_their_picture(tmp_path):
    numbers = np.random.RandomState(0).randint(0, 5, (6, 9), np.uint8)
    palette = Image.fromarray(numbers, "P")
    palette.putpalette([i % 256 for i in range(768)])
    palette.save(tmp_path / "a.png")
    assert torch.equal(read_mask(tmp_path / "a.png", size=(6, 9)), torch.from_numpy(numbers))
    with pytest.raises(PictureError, match="has 9×6 pixels, but its picture 6×9"):
        read_mask(tmp_path / "a.png", size=(9, 6))
    Image.fromarray(PIXELS).save(tmp_path / "b.png")
    with pytest.raises(PictureError, match="holds colours"):
        read_mask(tmp_path / "b.png")
