"""Handwritten digits of 8×8 pixels, which come with scikit-learn."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DIGITS = tuple("0123456789")
CREDIT = "Optical Recognition of Handwritten Digits, E. Alpaydin & C. Kaynak, UCI 1998, CC BY 4.0, from scikit-learn"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"


def read_digits() -> tuple[Tensor, Tensor]:
    """The 1,797 handwritten digits that scikit-learn carries.

    Returns: pictures (1797, 1, 8, 8) float32 in [0, 1] and labels (1797,).
    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0 (its test part).
    """
    rows = _rows_of_digits()
    return torch.tensor(rows[:, :64]).reshape(-1, 1, 8, 8) / 16, torch.tensor(rows[:, 64]).long()


def _rows_of_digits() -> NDArray[np.float32]:
    """(1797, 65): 64 grey levels in [0, 16] and the label.

    From scikit-learn's own file where it is the known one: to import scikit-learn itself takes two seconds.
    """
    package = find_spec("sklearn")
    if package is not None and package.origin is not None:
        file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == SHA256:
            return np.loadtxt(file, delimiter=",", dtype=np.float32)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.float32)
