"""The cells that two runs have in common, so that both can be scored on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models import Role
from ..view.data import CubeData
from .cell_names import CellNames


@dataclass(frozen=True)
class CommonCells:
    """Rows of two tables of samples that lie in the same cells.

    Attributes
    ----------
    first, second : ndarray of int64, shape (n,)
        Row numbers in ``a.samples(role)`` and ``b.samples(role)``, pair by pair.
    same_truth : bool
        Whether the truth is the same in all of them: else scores are not comparable even there.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same_truth: bool

    @property
    def n(self) -> int:
        """Number of cells."""
        return int(self.first.size)


def common_cells(a: CubeData, b: CubeData, role: Role) -> CommonCells:
    """Return the cells of `role` that both hold, whatever their crop, order or chunking.

    Parameters
    ----------
    a, b : CubeData
    role : {"train", "validation", "test"}
    """
    mine, theirs = a.samples(role), b.samples(role)
    _, first, second = np.intersect1d(
        CellNames(a).of(mine), CellNames(b).of(theirs), assume_unique=True, return_indices=True
    )
    order = np.argsort(first)
    first, second = first[order].astype(np.int64), second[order].astype(np.int64)
    return CommonCells(first, second, bool(np.array_equal(mine.y[first], theirs.y[second])))
