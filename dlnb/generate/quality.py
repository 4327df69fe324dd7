"""Is it any good? Made pictures against real ones: how far, how true, how various, copied or not, and told apart or not.

All functions compare rows of numbers: pixels, or the features of a network (`dlnb.generate.recogniser`). No single one of them
says it all: what copies the training data is nearest to it, and what draws one good picture again and again looks precise.
"""

import torch
from torch import Tensor


def frechet(real: Tensor, made: Tensor) -> float:
    """The Fréchet distance between two clouds of features, (N, D) and (M, D): 0 where mean and covariance are the same.

    It is what is called FID (Heusel et al. 2017, arXiv:1706.08500) only where the features are those of Inception; with the
    small network of this course the numbers say which of two models is nearer to the data, and compare with no paper.

    Raises: ValueError if there are fewer than two rows, other widths, or numbers that are none.
    """
    real, made = _rows(real, made, 2)
    root = _root(real.T.cov())
    crossed = torch.linalg.eigvalsh(root @ made.T.cov() @ root).clamp(min=0).sqrt().sum()
    apart = (real.mean(0) - made.mean(0)).square().sum()
    return max(0.0, float(apart + real.var(0).sum() + made.var(0).sum() - 2 * crossed))


def precision_recall(real: Tensor, made: Tensor, k: int = 3) -> tuple[float, float]:
    """How much of what is made lies among the real, and how much of the real lies among what is made; shares in [0, 1].

    A cloud is taken to reach around each of its rows as far as to the k-th nearest other row.

    Raises: ValueError as `frechet` does, or if there are not more than k rows of each.
    Source: Kynkäänniemi et al. 2019, Improved precision and recall metric for assessing generative models, arXiv:1904.06991.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, got {k}")
    real, made = _rows(real, made, k + 1)
    between = torch.cdist(made, real)  # (M, N)
    reach_real, reach_made = (torch.cdist(rows, rows).kthvalue(k + 1).values for rows in (real, made))  # the 1st is itself
    precision = (between <= reach_real).any(1).double().mean()
    recall = (between.T <= reach_made).any(1).double().mean()
    return precision.item(), recall.item()


def nearest(made: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """For each made example the training example that it is most like, and how far that is: (M,) int64, (M,) float64.

    made: (M, …), training: (N, …), compared number by number (Euclid's distance). A distance of 0 is a copy.

    Raises: ValueError as `frechet` does.
    """
    training, made = _rows(training.flatten(1), made.flatten(1), 1)
    distances, where = torch.cdist(made, training).min(1)
    return where, distances


def told_apart(real: Tensor, made: Tensor) -> float:
    """How often one tells real from made by the nearest other row; 0.5 where it cannot be told, 1 where it always can.

    Of as many real as made examples each is asked in turn, the others are known. Below 0.5 the made ones are copies of the real.

    real, made: (N, …) each. Raises: ValueError as `frechet` does, or if they are not as many.
    Source: the two-sample test by nearest neighbours of Lopez-Paz & Oquab 2017, arXiv:1610.06545.
    """
    if len(real) != len(made):
        raise ValueError(f"as many made as real examples are compared, got {len(real)} real and {len(made)} made: cut the longer")
    real, made = _rows(real.flatten(1), made.flatten(1), 2)
    both = torch.cat([real, made])
    distances = torch.cdist(both, both)
    distances.fill_diagonal_(torch.inf)
    is_made = torch.arange(len(both)) >= len(real)
    return (is_made[distances.argmin(1)] == is_made).double().mean().item()


def _rows(real: Tensor, made: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Both in float64. Raises: ValueError in words if they cannot be compared."""
    for name, rows in (("real", real), ("made", made)):
        if rows.ndim != 2 or len(rows) < least:
            raise ValueError(f"the {name} examples have the shape {tuple(rows.shape)}; expected (N, D) with N at least {least}")
        if not bool(rows.isfinite().all()):
            raise ValueError(f"some of the {name} examples are NaN or infinite: look at what made them")
    if real.shape[1] != made.shape[1]:
        raise ValueError(f"real examples have {real.shape[1]} numbers and made ones {made.shape[1]}: give both the same features")
    return real.detach().cpu().double(), made.detach().cpu().double()


def _root(covariance: Tensor) -> Tensor:
    """The square root of a symmetric matrix that has no negative eigenvalues but by rounding."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
