"""Whose face is it? Batches of people, a loss that pulls people apart, and how well people never seen are told apart."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn


class PeopleBatches:
    """Batches that hold several pictures of each of several people: a pure function of (seed, epoch, position).

    pictures: (N, C, H, W); people: (N,) whose picture each is. A batch has `each` pictures of `together` people, drawn anew,
    person after person; an epoch has `length` batches. augment: applied to the pictures; it draws from PyTorch's default
    generator, which the engine seeds for each step.

    Raises: ValueError if there are fewer people, or of one of them fewer pictures.
    """

    def __init__(
        self, pictures: Tensor, people: Tensor, together: int, each: int, length: int,
        augment: Callable[[Tensor], Tensor] | None = None,
    ) -> None:  # fmt: skip
        if len(pictures) != len(people):
            raise ValueError(f"there are {len(pictures)} pictures, but it is said of {len(people)} whose they are")
        self.of = [torch.nonzero(people == person).flatten() for person in people.unique()]
        if not 2 <= together <= len(self.of):
            raise ValueError(f"a batch needs 2 to {len(self.of)} people, as many as there are; got together={together}")
        fewest = min(map(len, self.of))
        if not 2 <= each <= fewest:
            raise ValueError(f"a batch needs 2 to {fewest} pictures of each person, as many as there are; got each={each}")
        self.tensors = (pictures, people)
        self.together, self.each, self.length, self.augment = together, each, length, augment

    def __len__(self) -> int:
        return self.length

    def batch(self, seed: int, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        """See `Batches.batch`: pictures (together · each, C, H, W) and people (together · each,)."""
        draw = torch.Generator().manual_seed(((seed * 1_000_003 + epoch) * 1_000_003 + position) % 2**63)
        who = torch.randperm(len(self.of), generator=draw)[: self.together].tolist()
        chosen = [self.of[one][torch.randperm(len(self.of[one]), generator=draw)[: self.each]] for one in who]
        pictures, people = (tensor.index_select(0, torch.cat(chosen)) for tensor in self.tensors)
        return (pictures if self.augment is None else self.augment(pictures)), people


class CentreMarginLoss(nn.Module):
    """Each picture must be nearer to its own person's centre than to any other's, and that by a margin.

    The margin is that of CosFace: cross-entropy over scale · cosine, with the margin taken off the right one. In the place of
    learned weights for each person stands the centre of their pictures in the batch (without the picture that is asked about),
    so the loss can also be measured on people who were never learned.

    Source: CosFace, Wang et al. 2018, arXiv:1801.09414; centres of the batch: Wan et al. 2018, arXiv:1710.10467.
    """

    def __init__(self, scale: float = 16.0, margin: float = 0.2) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin

    def forward(self, embeddings: Tensor, people: Tensor) -> Tensor:
        """embeddings: (B, D) of length 1; people: (B,) → the mean over the pictures whose person has another in the batch.

        Raises: ValueError if nobody has two pictures.
        """
        found, place = people.unique(return_inverse=True)  # (P,), (B,)
        own = F.one_hot(place, len(found)).to(embeddings.dtype)  # (B, P)
        sums = own.T @ embeddings  # (P, D)
        compared = own.sum(0)[place] > 1  # (B,)
        if not compared.any():
            raise ValueError(
                "nobody has two pictures in this batch, so there is nothing to be near to: "
                "PeopleBatches makes batches with several pictures of each person"
            )
        others = F.normalize(sums[place] - embeddings, dim=1)  # (B, D), the own centre without the picture itself
        cosines = embeddings @ F.normalize(sums, dim=1).T  # (B, P)
        right = (embeddings * others).sum(1, keepdim=True) - self.margin  # (B, 1)
        logits = self.scale * torch.where(own.bool(), right, cosines)
        return F.cross_entropy(logits[compared], place[compared])


# How well it is done. Each takes embeddings (N, D) of length 1 and people (N,), and returns a number.


def pairs(embeddings: Tensor, people: Tensor) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """All pairs of pictures: their cosine similarity, and whether they show one person. Each (N (N - 1) / 2,).

    Raises: ValueError if the shapes do not fit, or there are no two pictures of one person, or all are of one.
    """
    if embeddings.ndim != 2 or people.shape != embeddings.shape[:1]:
        raise ValueError(f"expected embeddings (N, D) and people (N,), got {tuple(embeddings.shape)} and {tuple(people.shape)}")
    one, other = np.triu_indices(len(people), 1)
    vectors, names = embeddings.double().cpu().numpy(), people.cpu().numpy()
    same = names[one] == names[other]
    if same.all() or not same.any():
        raise ValueError("to tell people apart takes pictures of two people, and two pictures of one of them")
    return (vectors @ vectors.T)[one, other], same


def verification_area(embeddings: Tensor, people: Tensor) -> float:
    """The same person or not? The area under the ROC curve over all pairs: how often a right pair looks more alike."""
    from sklearn.metrics import roc_auc_score

    cosines, same = pairs(embeddings, people)
    return float(roc_auc_score(same, cosines))


def equal_error_rate(embeddings: Tensor, people: Tensor) -> float:
    """The share of errors where the threshold lets as many strangers in as it keeps people out; in [0, 1]."""
    from sklearn.metrics import roc_curve

    cosines, same = pairs(embeddings, people)
    false, true, _ = roc_curve(same, cosines)
    at = np.abs(false - (1 - true)).argmin()
    return float((false[at] + 1 - true[at]) / 2)


def threshold(embeddings: Tensor, people: Tensor) -> float:
    """The cosine at which the two kinds of error are equal."""
    from sklearn.metrics import roc_curve

    cosines, same = pairs(embeddings, people)
    false, true, at = roc_curve(same, cosines)
    return float(min(1.0, at[np.abs(false - (1 - true)).argmin()]))


def rank_one(embeddings: Tensor, people: Tensor) -> float:
    """Who is it? The gallery holds the first picture of each person; the share of the others whose nearest is the right one."""
    pairs(embeddings, people)  # for its errors
    names, first = np.unique(people.cpu().numpy(), return_index=True)
    asked = np.setdiff1d(np.arange(len(people)), first)
    nearest = (embeddings[asked] @ embeddings[first].T).argmax(1).cpu().numpy()
    return float((names[nearest] == people.cpu().numpy()[asked]).mean())


def grouping(embeddings: Tensor, people: Tensor) -> float:
    """A pile of faces sorted into people, told only how many people there are: the adjusted Rand index, 1 where all is right.

    Source: agglomerative clustering by mean cosine distance; Hubert & Arabie 1985, Comparing partitions.
    """
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import adjusted_rand_score

    pairs(embeddings, people)  # for its errors
    names = people.cpu().numpy()
    sort = AgglomerativeClustering(len(np.unique(names)), metric="cosine", linkage="average")
    return float(adjusted_rand_score(names, sort.fit_predict(embeddings.double().cpu().numpy())))


METRICS = {"area under ROC": verification_area, "equal error rate": equal_error_rate, "rank-1": rank_one, "Rand index": grouping}


ASIDE = 2  # pixels


def looked_at_again(model: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """The embeddings of a face where it is and two pixels aside, and of their mirror images, together: (B, D) of length 1.

    For `Task.predict`. What the network says by chance, because the eyes lie just so on its grid, is evened out.
    """
    height, width = inputs[0].shape[2:]
    wider = F.pad(inputs[0], (ASIDE,) * 4, mode="replicate")
    total = output + model(inputs[0].flip(3))
    for top, left in ((ASIDE, 0), (ASIDE, 2 * ASIDE), (0, ASIDE), (2 * ASIDE, ASIDE)):
        seen = wider[:, :, top : top + height, left : left + width]
        total = total + model(seen) + model(seen.flip(3))
    return F.normalize(total, dim=1)


def lit_and_mirrored(pictures: Tensor, gradient: float = 0.15) -> Tensor:
    """Half of the pictures mirrored, each under a light from another side.

    pictures: (B, C, H, W) in [0, 1] → the same, 0 or more. gradient: standard deviation of the logarithm of the brightness
    at the edges. Draws from PyTorch's default generator.
    """
    B, _, H, W = pictures.shape
    mirrored = torch.where((torch.rand(B) < 0.5).view(B, 1, 1, 1), pictures.flip(3), pictures)
    across, down = gradient * torch.randn(2, B, 1, 1, 1)
    light = across * torch.linspace(-1, 1, W) + down * torch.linspace(-1, 1, H)[:, None]  # (B, 1, H, W)
    return mirrored * light.exp()


def erased(pictures: Tensor, share: float = 0.5) -> Tensor:
    """A rectangle of each picture, or of this `share` of them, hidden: a person must be known by every part of the face.

    pictures: (B, C, H, W) → the same, with the mean of the picture where it is hidden. The sides of a rectangle are 15 % to
    45 % of the picture's. Draws from PyTorch's default generator.

    Source: Zhong et al. 2017, Random erasing, arXiv:1708.04896.
    """
    B, _, H, W = pictures.shape
    sides, middle = 0.15 + 0.3 * torch.rand(2, B, 1, 1, 1), torch.rand(2, B, 1, 1, 1)
    y, x = (torch.arange(H) + 0.5) / H, (torch.arange(W) + 0.5) / W
    hidden = ((y[:, None] - middle[0]).abs() < sides[0] / 2) & ((x - middle[1]).abs() < sides[1] / 2)  # (B, 1, H, W)
    hidden &= torch.rand(B, 1, 1, 1) < share
    return torch.where(hidden, pictures.mean((2, 3), keepdim=True), pictures)


def whitened_eigenfaces(train: Tensor, test: Tensor, people: Tensor, components: int = 80) -> dict[str, float]:
    """The classical way: principal components of the pixels, each scaled to variance 1. What METRICS say of `test`.

    train, test: (N, C, H, W). Source: Turk & Pentland 1991, Eigenfaces for recognition.
    """
    from sklearn.decomposition import PCA

    eigenfaces = PCA(min(components, len(train) - 1), whiten=True, random_state=0).fit(train.flatten(1).numpy())
    embeddings = F.normalize(torch.from_numpy(eigenfaces.transform(test.flatten(1).numpy())).double(), dim=1)
    return {name: metric(embeddings, people) for name, metric in METRICS.items()}
