"""Models that see: shapes, sizes that do not fit, and every weight learns."""

import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.vision import Detector, LeNet, ResNet, UNet, VisionTransformer

MODELS = {
    "LeNet": (lambda: LeNet(10, 28), (1, 28, 28)),
    "ResNet": (lambda: ResNet(), (3, 32, 32)),
    "ResNet on grey pictures that are not square": (lambda: ResNet(7, channels=1, blocks=2), (1, 28, 40)),
    "VisionTransformer": (lambda: VisionTransformer(10, 28), (1, 28, 28)),
    "UNet": (lambda: UNet(6), (3, 48, 64)),
    "UNet of squares of pixels": (lambda: UNet(6, depth=2, patch=2), (3, 24, 40)),
    "Detector": (lambda: Detector(5), (3, 64, 96)),
}


@pytest.mark.parametrize(("make", "shape"), MODELS.values(), ids=MODELS.keys())
def test_every_weight_learns(make, shape):
    with dl.seeded(0):
        model, x = make(), torch.rand(4, *shape)
    output = model(x)
    parts = output if isinstance(output, tuple) else (output,)
    torch.stack([part.square().mean() for part in parts]).sum().backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A bias before a normalisation is taken out again.
    assert silent == []


@pytest.mark.parametrize(("make", "shape"), MODELS.values(), ids=MODELS.keys())
def test_what_one_picture_gives_does_not_depend_on_its_neighbours(make, shape):
    with dl.seeded(0):
        model, x = make().eval(), torch.rand(3, *shape)
    with torch.no_grad():
        alone, together = model(x[1:2]), model(x)
    for a, b in zip(*((part,) if isinstance(part, torch.Tensor) else part for part in (alone, together)), strict=True):
        assert torch.allclose(a[0], b[1], atol=1e-4)


def test_shapes():
    assert ResNet(7)(torch.rand(2, 3, 64, 64)).shape == (2, 7)
    assert VisionTransformer(7, 32, 3)(torch.rand(2, 3, 32, 32)).shape == (2, 7)
    assert UNet(7)(torch.rand(2, 3, 32, 64)).shape == (2, 7, 32, 64)
    assert UNet(7, patch=2)(torch.rand(2, 3, 32, 64)).shape == (2, 7, 32, 64)
    scores, boxes, centredness = Detector(7)(torch.rand(2, 3, 64, 32))
    assert scores.shape == (2, 168, 7) and boxes.shape == (2, 168, 4) and centredness.shape == (2, 168)
    assert (boxes[..., 2:] > boxes[..., :2]).all()


@pytest.mark.parametrize(
    ("model", "shape", "words"),
    [
        (ResNet(), (1, 1, 32, 32), r"shape \(B, 3, H, W\) with sides of 8 or more, got \(1, 1, 32, 32\)"),
        (ResNet(), (1, 3, 4, 4), "sides of 8 or more"),
        (VisionTransformer(), (1, 1, 32, 32), r"\(B, 1, 28, 28\), got"),
        (UNet(), (1, 3, 30, 32), "multiples of 8"),
        (UNet(patch=2), (1, 3, 24, 32), "multiples of 16"),
        (Detector(2), (1, 3, 40, 64), "multiples of 16"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value)[:20],
)
def test_a_picture_of_another_shape_is_refused(model, shape, words):
    with pytest.raises(ValueError, match=words):
        model(torch.rand(shape))


def test_sizes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="28×28 pixels cannot be cut into patches of 5×5"):
        VisionTransformer(patch=5)
    with pytest.raises(ValueError, match="5 heads cannot share a width of 64"):
        VisionTransformer(heads=5)
