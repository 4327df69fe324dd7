"""The rows of the zoo's table: which model learns which task by which recipe, and what it is to reach. One file an area."""

from . import driving, hearing, making, music, predicting, reading, seeing
from .row import Measured, Row

__all__ = ["Measured", "Row", "rows"]


def rows() -> list[Row]:
    """All rows, in the order of the table."""
    return [row for area in (seeing, reading, hearing, driving, making, music, predicting) for row in area.rows()]
