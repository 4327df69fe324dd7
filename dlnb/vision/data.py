"""Pictures: the sets, how they are split, how they are varied, and how a drawing becomes one of them."""

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..data import cifar
from ..data.idx import read_idx
from ..data.store import path

CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read_mnist(part: str, source: str = "mnist") -> tuple[Tensor, Tensor]:
    """One part of MNIST, or of a set in the same files: "train" (60,000 pictures) or "t10k" (10,000).

    source: the name of the set in `dlnb.data.store`.
    Returns: pictures (N, 1, 28, 28) float32 in [0, 1] and labels (N,).

    Raises: DataError if the files cannot be had; ValueError if the two do not fit together.
    """
    pictures = read_idx(path(source, f"{part}-images-idx3-ubyte.gz"), ndim=3)
    labels = read_idx(path(source, f"{part}-labels-idx1-ubyte.gz"), ndim=1)
    if len(pictures) != len(labels):
        raise ValueError(f"the {part} part of {source!r} has {len(pictures):,} pictures but {len(labels):,} labels")
    return torch.from_numpy(pictures).unsqueeze(1).float() / 255, torch.from_numpy(labels).long()


def read_cifar10(source: str = "cifar10") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """CIFAR-10, or a set in the same file: what is for learning and what is for the test.

    Returns: pictures (N, 3, 32, 32) uint8 and labels (N,) of each of the two. As uint8 all of it is 184 MB; as float32 it would
    be four times as much, so batches are made into numbers one by one, by `as_numbers`.

    Raises: DataError if the file cannot be had; ValueError if it is damaged.
    """
    archive = path(source, "cifar-10-binary.tar.gz")
    learn, test = cifar.read_cifar(archive, cifar.LEARN), cifar.read_cifar(archive, cifar.TEST)
    return (
        torch.from_numpy(learn[0]), torch.from_numpy(learn[1]).long(), torch.from_numpy(test[0]), torch.from_numpy(test[1]).long(),
    )  # fmt: skip


def as_numbers(pictures: Tensor) -> Tensor:
    """Pixels of 0 to 255 as float32 from 0 to 1; what is so already stays as it is."""
    return pictures if pictures.is_floating_point() else pictures.float() / 255


def as_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """What can be shown: (N, 1 or 3, H, W), in [0, 1] or uint8 → (N, H, W) or (N, H, W, 3) uint8."""
    if pictures.is_floating_point():
        pictures = (pictures.clamp(0, 1) * 255).round().to(torch.uint8)
    pixels = pictures.cpu().numpy()
    return pixels[:, 0] if pixels.shape[1] == 1 else np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


def split(labels: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Positions to learn from (70 %), to validate (10 %) and to test (20 %), each class in these shares.

    The pictures are shuffled and laid out class after class; of every ten neighbours, seven are for
    learning, one for validation and two for the test.
    """
    # RandomState, because NumPy promises that its numbers never change.
    order = np.random.RandomState(seed).permutation(len(labels))
    by_class = torch.from_numpy(order[np.argsort(labels.numpy()[order], kind="stable")])
    place = torch.arange(len(labels)) % 10
    valid, test = place == 2, (place == 0) | (place == 5)
    # Validation in the order of the file, not class after class: its first few, which a view shows, are of all classes.
    return by_class[~(valid | test)], by_class[valid].sort().values, by_class[test]


def jitter(
    pictures: Tensor,
    degrees: float = 8.0,
    shift: float = 0.06,
    zoom: float = 0.1,
    bend: float = 0.15,
    boldness: float = 0.5,
) -> Tensor:
    """Each picture turned, moved, zoomed, bent, and drawn bolder or fainter, a little and at random: the same digit still.

    pictures: (B, C, H, W) in [0, 1] → the same. Angles up to ±`degrees`; shifts up to ±`shift` of the side;
    sizes up to ±`zoom`; nine points of the picture pulled up to ±`bend` of half the side, those between them
    following (elastic deformation, as in Simard, Steinkraus & Platt 2003); grey levels raised to powers up to
    exp(±`boldness`). Draws from PyTorch's default generator.
    """
    B, _, H, W = pictures.shape
    amount = 2 * torch.rand(5, B, device=pictures.device) - 1  # (5, B) in [-1, 1)
    angle, size = amount[0] * math.radians(degrees), 1 + amount[1] * zoom
    cos, sin = size * angle.cos(), size * angle.sin()
    dx, dy = 2 * shift * amount[2], 2 * shift * amount[3]  # a picture's sides run from -1 to 1
    affine = torch.stack([cos, -sin, dx, sin, cos, dy], dim=1).view(B, 2, 3)
    where = _places(H, W, pictures.device).expand(B, -1, -1).bmm(affine.transpose(1, 2)).view(B, H, W, 2)

    pull = bend * (2 * torch.rand(B, 2, 3, 3, device=pictures.device) - 1)
    pull = F.interpolate(pull, (H, W), mode="bicubic", align_corners=True)  # (B, 2, H, W), smooth

    # In pictures of few pixels a linear mixture of neighbours would wash the strokes out; in larger ones it is as good.
    mode = "bicubic" if W < 16 else "bilinear"
    moved = F.grid_sample(pictures, where + pull.permute(0, 2, 3, 1), mode=mode, align_corners=False)
    return moved.clamp(0, 1) ** torch.exp(boldness * amount[4]).view(B, 1, 1, 1)


@functools.lru_cache(maxsize=8)
def _places(height: int, width: int, device: torch.device) -> Tensor:
    """x, y (from -1 to 1) and 1 for each pixel: (height · width, 3), which `F.affine_grid` makes anew each time."""
    middles = F.affine_grid(torch.eye(2, 3, device=device)[None], [1, 1, height, width], align_corners=False)
    return F.pad(middles, (0, 1), value=1.0).view(-1, 3)


def mirror_and_shift(pictures: Tensor, shift: float = 0.125) -> Tensor:
    """Half of the pictures mirrored, each moved a little: the same thing still, if left and right do not matter.

    pictures: (B, C, H, W) → the same. Moved by whole pixels, up to ±`shift` of the side; what comes in at the edge is what
    lies inside it, mirrored (He et al. 2016, arXiv:1512.03385, section 4.2, pad with zeros). Draws from PyTorch's default generator.
    """
    B, _, H, W = pictures.shape
    # Where each pixel of the result comes from.
    rows = _moved(H, torch.randint(-int(shift * H), int(shift * H) + 1, (B, 1)))  # (B, H)
    columns = _moved(W, torch.randint(-int(shift * W), int(shift * W) + 1, (B, 1)))  # (B, W)
    columns = torch.where(torch.rand(B, 1) < 0.5, columns.flip(1), columns)
    moved = pictures[torch.arange(B)[:, None, None], :, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
    return moved.permute(0, 3, 1, 2).contiguous()


def _moved(length: int, by: Tensor) -> Tensor:
    """Places 0 … length - 1 moved, those outside mirrored at the edge: (B, 1) → (B, length)."""
    places = (torch.arange(length) + by).abs()
    return (length - 1) - ((length - 1) - places).abs()
