"""From pictures to noise and back: both paths, the one sampler against textbook formulas, guidance, and in-painting."""

import math

import pytest
import torch
from torch import Tensor, nn

import dlnb as dl
from dlnb.generate import Denoiser, Path, inpaint, make
from dlnb.generate.sampling import _ends, _step, walk

BOTH = pytest.mark.parametrize("name", ["round", "straight"])


class Knowing(nn.Module):
    """What a denoiser would be that has learned all: each class has one picture, and "no class" the mean of them."""

    def __init__(self, pictures: Tensor, path: str) -> None:
        super().__init__()
        self.pictures = nn.Parameter(torch.cat([2 * pictures - 1, (2 * pictures - 1).mean(0, keepdim=True)]))
        self.classes, self.shape, self.path = len(pictures), tuple(pictures.shape[1:]), Path(path)

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        picture = self.pictures[label]
        t = t.view(-1, 1, 1, 1)
        (a, b), (da, db) = self.path.place(t), self.path.direction(t)
        return da * picture + db * (x - a * picture) / b


@pytest.fixture
def pictures():
    return torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def fresh():
    with dl.seeded(0):
        model = Denoiser(width=32, blocks=1)
        nn.init.normal_(model.head.weight, std=0.1)
    return model.eval()


# Paths.


@BOTH
def test_a_path_begins_with_the_picture_and_ends_with_noise(name, pictures):
    noise = torch.randn_like(pictures)
    for t, end in ((0.0, pictures), (1.0, noise)):
        assert torch.allclose(Path(name).noised(pictures, noise, torch.full((3,), t))[0], end, atol=1e-6)


@BOTH
def test_place_and_velocity_tell_picture_and_noise(name, pictures):
    noise = torch.randn_like(pictures)
    for t in (0.0, 0.3, 0.7, 1.0):
        x, velocity = Path(name).noised(pictures, noise, torch.full((3,), t))
        picture, rest = Path(name).ends(x, velocity, torch.tensor(t))
        assert torch.allclose(picture, pictures, atol=1e-5) and torch.allclose(rest, noise, atol=1e-5)


@BOTH
def test_the_velocity_is_the_derivative_of_the_place(name):
    t = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)
    speed = math.pi / 2 if name == "round" else 1.0  # a full step is an angle of 1
    for before, after, change in zip(Path(name).place(t - 1e-5), Path(name).place(t + 1e-5), Path(name).direction(t), strict=True):
        assert torch.allclose((after - before) / 2e-5, speed * change, atol=1e-6)


def test_the_round_path_keeps_the_variance():
    a, b = Path("round").place(torch.linspace(0, 1, 11))
    assert torch.allclose(a**2 + b**2, torch.ones(11))


def test_there_are_two_paths_and_no_other():
    with pytest.raises(ValueError, match="'round', 'straight'"):
        Path("crooked")


# The sampler.


@BOTH
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_who_knows_the_picture_draws_it_in_any_number_of_steps(name, steps, eta, pictures):
    drawn = make(Knowing(pictures, name), [2, 0, 1, 1], steps=steps, eta=eta)
    assert torch.allclose(drawn, pictures[[2, 0, 1, 1]], atol=1e-4)


def test_on_the_straight_path_without_noise_it_is_eulers_method(fresh):
    fresh.path = Path("straight")
    nn.init.normal_(fresh.head.weight, std=1e-3)  # small, so that no picture leaves [-1, 1], where it would be cut off
    nn.init.constant_(fresh.head.bias, 0.0)
    x = 0.1 * torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    t, s = torch.tensor(0.8), torch.tensor(0.6)
    with torch.no_grad():
        velocity = fresh(x, t.expand(1), torch.tensor([3]))
    picture, rest = _ends(fresh.path, x, velocity, t)
    assert torch.allclose(_step(fresh.path, picture, rest, t, s, 0.0, lambda: x), x + (s - t) * velocity, atol=1e-5)


def test_on_the_round_path_its_noise_is_that_of_ddpm():
    path, t, s = Path("round"), torch.tensor(0.8), torch.tensor(0.6)
    (a, b), (a_s, b_s) = path.place(t), path.place(s)
    zero, one = torch.zeros(1), torch.ones(1)
    moved = _step(path, zero, zero, t, s, 1.0, lambda: one)  # nothing but the fresh noise
    beta = 1 - (a / a_s) ** 2
    assert moved.item() == pytest.approx(((b_s / b) ** 2 * beta).sqrt().item(), rel=1e-5)  # equation 7 of Ho et al. 2020
    x = 0.5 * a + 0.7 * b  # the mean of the same equation, of a picture 0.5 and noise 0.7
    mean = a_s * beta / b**2 * 0.5 + (a / a_s) * b_s**2 / b**2 * x
    assert _step(path, 0.5 * one, 0.7 * one, t, s, 1.0, lambda: zero).item() == pytest.approx(mean.item(), rel=1e-4)


def test_the_same_seed_draws_the_same_and_another_another(fresh):
    for eta in (0.0, 1.0):
        one = make(fresh, [1, 2], steps=4, eta=eta, seed=5)
        assert torch.equal(one, make(fresh, [1, 2], steps=4, eta=eta, seed=5))
        assert not torch.equal(one, make(fresh, [1, 2], steps=4, eta=eta, seed=6))


def test_drawing_leaves_the_random_numbers_of_others_alone(fresh):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    make(fresh, [1], steps=2, eta=1.0)
    assert torch.equal(torch.rand(3), expected)


def test_what_is_drawn_is_a_picture_in_range(fresh):
    for state in walk(fresh, torch.arange(10), steps=5, guidance=3.0):
        assert state.shape == (10, 1, 8, 8) and 0 <= state.min() <= state.max() <= 1


# Guidance.


def test_guidance_of_one_asks_for_the_class_of_none_for_no_class_and_more_goes_beyond(pictures):
    model = Knowing(0.3 + 0.4 * pictures, "round")
    drawn = {guidance: make(model, [0], steps=1, guidance=guidance) for guidance in (0.0, 1.0, 1.5)}
    means, of_class = 0.3 + 0.4 * pictures.mean(0), 0.3 + 0.4 * pictures[0]
    assert torch.allclose(drawn[0.0][0], means, atol=1e-4) and torch.allclose(drawn[1.0][0], of_class, atol=1e-4)
    assert torch.allclose(drawn[1.5][0], means + 1.5 * (of_class - means), atol=1e-4)


def test_strong_guidance_stays_finite_and_one_of_a_million_is_refused(fresh):
    for eta in (0.0, 1.0):
        drawn = make(fresh, [0, 5, 9], steps=10, guidance=1000.0, eta=eta)
        assert drawn.isfinite().all() and 0 <= drawn.min() <= drawn.max() <= 1
    for guidance in (1e6, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="guidance must be a number from 0 to 1000"):
            make(fresh, [0], guidance=guidance)


# In-painting.


@BOTH
def test_known_pixels_stay_to_the_bit_and_the_rest_is_drawn(name, pictures):
    known = torch.zeros(8, 8, dtype=torch.bool)
    known[:, :4] = True
    given = torch.where(known, pictures, torch.full_like(pictures, math.nan))  # what is not known may be anything
    drawn = inpaint(Knowing(pictures, name), given, known, [0, 1, 2], steps=6)
    assert torch.equal(drawn[..., :4], pictures[..., :4])
    assert torch.allclose(drawn[..., 4:], pictures[..., 4:], atol=1e-4)


def test_the_known_part_changes_what_is_drawn_beside_it(fresh):
    known = torch.zeros(8, 8, dtype=torch.bool)
    known[:4] = True
    dark, bright = (inpaint(fresh, torch.full((1, 1, 8, 8), grey), known, [3], steps=8) for grey in (0.0, 1.0))
    assert not torch.equal(dark[..., 4:, :], bright[..., 4:, :])


# Bad input.


@pytest.mark.parametrize("steps", [0, -3, 2.5, True, None])
def test_it_takes_a_whole_number_of_steps(fresh, steps):
    with pytest.raises(ValueError, match="steps must be a whole number, 1 or more"):
        make(fresh, [0], steps=steps)


@pytest.mark.parametrize("wrong", [10, -1])
def test_a_class_that_does_not_exist_is_named(fresh, wrong):
    with pytest.raises(ValueError, match=f"there is no class {wrong}: the model knows 10, numbered 0 to 9"):
        make(fresh, [0, wrong])


@pytest.mark.parametrize("classes", [[], [[1, 2]], [0.5]])
def test_classes_are_a_row_of_numbers(fresh, classes):
    with pytest.raises(ValueError, match="one number of a class for each picture"):
        make(fresh, classes)


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan])
def test_eta_is_a_share(fresh, eta):
    with pytest.raises(ValueError, match="eta must be a number from 0"):
        make(fresh, [0], eta=eta)


def test_a_spoiled_model_is_told_of(fresh):
    with torch.no_grad():
        fresh.head.bias[0] = math.nan
    with pytest.raises(FloatingPointError, match="Denoiser gives NaN"):
        make(fresh, [0])


def test_in_painting_says_which_shape_or_pixel_is_wrong(fresh):
    known = torch.ones(8, 8, dtype=torch.bool)
    for pictures, mask, words in (
        (torch.zeros(2, 1, 8, 8), known, "pictures have the shape"),
        (torch.zeros(1, 1, 9, 9), known, "pictures have the shape"),
        (torch.zeros(1, 1, 8, 8), known.float(), "known is torch.float32"),
        (torch.zeros(1, 1, 8, 8), known[:4], "known is torch.bool"),
        (torch.full((1, 1, 8, 8), math.nan), known, "some are NaN or outside"),
        (torch.full((1, 1, 8, 8), 255.0), known, "some are NaN or outside"),
    ):
        with pytest.raises(ValueError, match=words):
            inpaint(fresh, pictures, mask, [0])


def test_a_denoiser_refuses_pictures_of_another_shape_and_sizes_that_cannot_be(fresh):
    with pytest.raises(ValueError, match="takes pictures of shape"):
        fresh(torch.zeros(2, 1, 9, 9), torch.zeros(2), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ValueError, match="an even width"):
        Denoiser(width=33)
