"""Samples of one role that were cut from one box of chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from . import plain
from .memory import Lease
from .recipe import Recipe

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Samples of one role from one box; their records lie in segments.

    Attributes
    ----------
    records : ndarray of float32, shape (rows of the arena, recipe.record)
        The values of X; the target of each cell, NaN where it does not count (without a target
        0 where it counts); the number of the cell as one or two uint32.
    begins : ndarray of int64, shape (n_segments,)
        First record of each segment, in the order in which they are drawn.
    ranks : ndarray of int64, shape (n_segments + 1,)
        How many samples are drawn before each segment, and in all.
    lease : Lease, optional
        Holds the records.
    """

    records: NDArray[np.float32]
    begins: Ints
    ranks: Ints
    lease: Lease | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self.ranks[-1])

    def rows(self, start: int, stop: int, kernels: ModuleType = plain) -> NDArray[np.int32]:
        """Return which records are drawn from rank `start` to `stop`."""
        found = np.empty(stop - start, np.int32)
        kernels.ranked(self.begins, self.ranks, start, stop, found)
        return found

    @property
    def drawn(self) -> NDArray[np.float32]:
        """The records in the order in which they are drawn; none that were only counted."""
        return self.records[self.rows(0, len(self))] if self.records.size else self.records


def counted(n: int) -> Part:
    """Return `n` samples without values."""
    return Part(np.empty((0, 0), np.float32), np.zeros(1, np.int64), np.array([0, n]))


def cells_of(records: NDArray[np.float32], recipe: Recipe) -> Ints:
    """Return the numbers of the cells of records."""
    first = recipe.inputs + recipe.window_cells
    ids = np.ascontiguousarray(records[:, first:]).view(np.uint32).astype(np.int64)
    found: Ints = (ids << (32 * np.arange(ids.shape[1]))).sum(axis=1)
    return found
