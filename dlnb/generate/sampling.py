"""Pictures out of noise: one sampler, which is DDIM, DDPM or Euler's method by its settings; with guidance, and in-painting.

DDIM (Song et al. 2021, arXiv:2010.02502) on the straight path is Euler's method; with fresh noise in each step (eta=1) it is
DDPM (Ho et al. 2020, arXiv:2006.11239).
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from .models.denoiser import Denoiser
from .paths import Path

STRONGEST = 1000.0  # guidance; 1 to 5 is usual


def make(
    model: Denoiser, classes: Sequence[int] | Tensor, *, steps: int = 20, guidance: float = 1.0, eta: float = 0.0, seed: int = 0
) -> Tensor:
    """Pictures of these classes: (N, C, H, W) float32 in [0, 1], the same for the same seed.

    classes: N numbers of classes. steps: how often the model is asked on the way from noise to picture.
    guidance: 1 is what the model learned; above it the class counts for more, at 0 for nothing (classifier-free guidance, Ho &
        Salimans 2022, arXiv:2207.12598). eta: from 0, no noise on the way (DDIM), to 1 (DDPM).

    Raises: ValueError if there are no classes or no steps, a class does not exist, or guidance or eta is out of its range;
    FloatingPointError if the model gives NaN.
    """
    *_, last = walk(model, classes, steps=steps, guidance=guidance, eta=eta, seed=seed)
    return last


def inpaint(
    model: Denoiser, pictures: Tensor, known: Tensor, classes: Sequence[int] | Tensor, *, steps: int = 50,
    guidance: float = 1.0, eta: float = 1.0, seed: int = 0,
) -> Tensor:  # fmt: skip
    """Pictures of which a part is known, completed: (N, C, H, W) float32 in [0, 1].

    pictures: (N, C, H, W) in [0, 1]; known: (H, W) or (N, 1, H, W) bool, True where a pixel stays as it is. At each step the
    known pixels are put back, with as much noise as belongs there (Song et al. 2021, arXiv:2011.13456; Lugmayr et al. 2022,
    arXiv:2201.09865).

    Raises: ValueError as `make` does, if a shape is wrong, or if a known pixel is no number or not in [0, 1].
    """
    shape = (len(classes), *model.shape)
    if tuple(pictures.shape) != shape:
        raise ValueError(f"pictures have the shape {tuple(pictures.shape)}; expected {shape}, one for each class asked for")
    if known.dtype != torch.bool or known.shape not in (pictures.shape[-2:], (len(pictures), 1, *pictures.shape[-2:])):
        raise ValueError(
            f"known is {known.dtype} {tuple(known.shape)}; expected bool {tuple(pictures.shape[-2:])} or "
            f"{(len(pictures), 1, *pictures.shape[-2:])}, True where a pixel is known"
        )
    mask = known.expand(pictures.shape)
    held = pictures[mask]
    if not bool(((held >= 0) & (held <= 1)).all()):  # which NaN is not either
        raise ValueError("known pixels must be numbers from 0 to 1; some are NaN or outside")
    filled = torch.where(mask, pictures, torch.zeros_like(pictures))
    *_, last = walk(
        model, classes, steps=steps, guidance=guidance, eta=eta, seed=seed,
        put_back=lambda x, t, noise: torch.where(mask, model.path.noised(2 * filled - 1, noise, t.expand(len(x)))[0], x),
    )  # fmt: skip
    return torch.where(mask, pictures, last)


def walk(
    model: Denoiser, classes: Sequence[int] | Tensor, *, steps: int, guidance: float = 1.0, eta: float = 0.0, seed: int = 0,
    put_back: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
) -> Iterator[Tensor]:  # fmt: skip
    """The way from noise to pictures: after each step what the model takes the pictures to be, (N, C, H, W) in [0, 1].

    put_back: given x, the time (a scalar tensor) and noise of x's shape, gives x with what is known put back.

    Raises: as `make` does.
    """
    wanted = _checked(model, classes, steps, guidance, eta)
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)

    def noise() -> Tensor:
        return torch.randn(len(wanted), *model.shape, generator=generator).to(device)  # (N, C, H, W)

    wanted = wanted.to(device)
    times = torch.linspace(1.0, 0.0, steps + 1, device=device)
    x = noise()
    for t, s in zip(times, times[1:], strict=False):  # from t down to s
        if put_back is not None:
            x = put_back(x, t, noise())
        with torch.no_grad():
            velocity = _guided(model, x, t, wanted, guidance)
        picture, rest = _ends(model.path, x, velocity, t)
        if not bool(picture.isfinite().all()):
            raise FloatingPointError(f"{type(model).__name__} gives NaN: were its weights spoiled while it learned?")
        yield (picture + 1) / 2
        x = _step(model.path, picture, rest, t, s, eta, noise)


def _checked(model: Denoiser, classes: Sequence[int] | Tensor, steps: int, guidance: float, eta: float) -> Tensor:
    """The classes as a tensor (N,) int64. Raises: ValueError in words if something that was asked for cannot be."""
    wanted = torch.as_tensor(classes)
    if wanted.ndim != 1 or not len(wanted) or wanted.is_floating_point():
        raise ValueError(f"classes must be one number of a class for each picture, such as [3, 3, 7]; got {classes!r}")
    if int(wanted.min()) < 0 or int(wanted.max()) >= model.classes:
        wrong = next(int(one) for one in wanted if not 0 <= one < model.classes)
        raise ValueError(f"there is no class {wrong}: the model knows {model.classes}, numbered 0 to {model.classes - 1}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number, 1 or more; got {steps!r}: without a step noise stays noise")
    if not 0 <= guidance <= STRONGEST:
        raise ValueError(f"guidance must be a number from 0 to {STRONGEST:g}, where 1 to 5 is usual; got {guidance!r}")
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be a number from 0 (no noise on the way) to 1 (as much as DDPM); got {eta!r}")
    return wanted.long()


def _guided(model: Denoiser, x: Tensor, t: Tensor, wanted: Tensor, guidance: float) -> Tensor:
    """The velocity, further in the direction in which the class moves it."""
    times = t.expand(len(x))
    nothing = torch.full_like(wanted, model.classes)  # the number of "no class in particular"
    if guidance == 1:
        return model(x, times, wanted)
    if guidance == 0:
        return model(x, times, nothing)
    both = model(torch.cat([x, x]), torch.cat([times, times]), torch.cat([wanted, nothing]))
    asked, free = both.chunk(2)
    return free + guidance * (asked - free)


def _ends(path: Path, x: Tensor, velocity: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Picture and noise; the picture within its range, however strong the guidance, and the noise that then is left."""
    picture, noise = path.ends(x, velocity, t)
    inside = picture.clamp(-1, 1)
    a, b = path.place(t)
    return inside, torch.where(inside == picture, noise, (x - a * inside) / b)


def _step(path: Path, picture: Tensor, rest: Tensor, t: Tensor, s: Tensor, eta: float, noise: Callable[[], Tensor]) -> Tensor:
    """Where one is at the earlier time s: a part eta of the noise that may be fresh there is."""
    (a, b), (a_s, b_s) = path.place(t), path.place(s)
    if eta == 0 or float(s) == 0:
        return a_s * picture + b_s * rest
    fresh = eta * (b_s / b) * (b**2 - (a / a_s) ** 2 * b_s**2).clamp(min=0).sqrt()
    kept = (b_s**2 - fresh**2).clamp(min=0).sqrt()
    return a_s * picture + kept * rest + fresh * noise()
