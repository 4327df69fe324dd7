"""Reading picture files, one's own too: what is no picture, or not the one it says it is, is refused in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

MOST_PIXELS = 40_000_000  # a photograph of 40 megapixels; a small file can unpack to far more (a decompression bomb)
FORMATS = {
    "PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "PPM": (".ppm", ".pgm", ".pbm", ".pnm"), "BMP": (".bmp",), "GIF": (".gif",),
    "WEBP": (".webp",), "TIFF": (".tif", ".tiff"),
}  # fmt: skip
DAMAGE = (OSError, SyntaxError, ValueError)  # what Pillow raises for damaged files, by their format
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)


class PictureError(ValueError):
    """A file that is no picture, is cut off, is another kind than its name says, or is too large."""


def read_picture(
    file: str | Path, *, grey: bool = False, size: tuple[int, int] | None = None, crop: bool = False
) -> Tensor:
    """A picture file as (3, H, W) uint8, or (1, H, W) where `grey`.

    size: height and width to scale it to. crop: keep its proportions, and cut off what is then too much at two sides.
    What the file says of how the camera was held is heeded.

    Raises: PictureError, naming the file and what is wrong with it; FileNotFoundError.
    """
    file = Path(file)
    with _opened(file) as picture:
        picture = picture.convert("L" if grey else "RGB")
        if size is not None:
            scale = ImageOps.fit if crop else Image.Image.resize
            picture = scale(picture, (size[1], size[0]), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture)
    return torch.from_numpy(pixels.copy()).reshape(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous()


def read_mask(file: str | Path, size: tuple[int, int] | None = None) -> Tensor:
    """A mask file, whose pixels are numbers and no colours, as (H, W) uint8.

    size: the height and width that it must have. Raises: PictureError, also if it has another size or holds colours.
    """
    file = Path(file)
    with _opened(file) as picture:
        if picture.mode not in ("L", "P", "1"):
            raise PictureError(f"{file} is no mask: it holds colours ({picture.mode}); expected one number a pixel")
        numbers = np.asarray(picture if picture.mode != "1" else picture.convert("L"))
    if size is not None and numbers.shape != tuple(size):
        raise PictureError(
            f"the mask {file} has {numbers.shape[1]}×{numbers.shape[0]} pixels, but its picture {size[1]}×{size[0]}"
        )
    return torch.from_numpy(numbers.copy())


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """The picture, read to its end and turned upright."""
    if not file.stat().st_size:
        raise PictureError(f"{file} is empty")
    try:
        opened = Image.open(file, formats=list(FORMATS))
    except UnidentifiedImageError:
        raise PictureError(f"{file} is no picture of a kind that is read here ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise _too_large(file) from None
    except DAMAGE as error:
        raise _damaged(file, error) from error
    with opened as picture:
        kind, suffix = picture.format or "", file.suffix.lower()
        if suffix in SUFFIXES and suffix not in FORMATS[kind]:
            name = file.with_suffix(FORMATS[kind][0]).name
            raise PictureError(f"{file} is called {suffix} but holds a {kind}: rename it to {name}")
        if picture.width * picture.height > MOST_PIXELS:
            raise _too_large(file, f" of {picture.width:,}×{picture.height:,} pixels")
        try:
            picture.load()
        except DAMAGE as error:
            raise _damaged(file, error) from error
        yield ImageOps.exif_transpose(picture)


def _damaged(file: Path, error: BaseException) -> PictureError:
    return PictureError(f"{file} is damaged or cut off: {error}")


def _too_large(file: Path, size: str = "") -> PictureError:
    return PictureError(f"{file} unpacks to a picture{size}, and {MOST_PIXELS:,} pixels are allowed: make it smaller first")
