"""Samples of one role that were cut from one box of chunks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .memory import Lease
from .plain import ranked, taken
from .recipe import Recipe
from .shelf import Loan

Ints = NDArray[np.int64]
#: Inputs, marks and numbers of some samples.
Values = tuple[NDArray[np.float32], NDArray[np.float32], Ints]


@dataclass(frozen=True)
class Drawn:
    """In which order the places of a box are drawn; they lie in segments.

    Attributes
    ----------
    begins : ndarray of int64, shape (n_segments,)
        First place of each segment.
    ranks : ndarray of int64, shape (n_segments + 1,)
        How many samples are drawn before each segment, and in all.
    """

    begins: Ints
    ranks: Ints

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self.ranks[-1])

    def places(self) -> NDArray[np.int32]:
        """Return all places in the order in which they are drawn."""
        found = np.empty(len(self), np.int32)
        ranked(self.begins, self.ranks, 0, len(self), found)
        return found


@dataclass(frozen=True)
class Part:
    """Samples of one role from one box.

    Attributes
    ----------
    records : ndarray of float32, shape (rows of the arena, recipe.record)
        The values of X; the target of each cell, NaN where it does not count (without a target
        0 where it counts); the number of the cell as one or two uint32. Of large samples the
        target is not judged yet: the role of each cell that counts follows it as a bit in a
        byte.
    drawn : Drawn
    rows : ndarray of int32, optional
        Of large samples the record at each place; else place and row are the same.
    bit : int
        The role, as cells of large samples have it; else 0.
    lease : Lease or Loan, optional
        Holds the records.
    """

    records: NDArray[np.float32]
    drawn: Drawn
    rows: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    bit: int = 0
    lease: Lease | Loan | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.drawn)

    def places(self) -> NDArray[np.int32]:
        """Return the records of all samples in the order in which they are drawn."""
        places = self.drawn.places()
        return self.rows[places] if self.bit else places

    def drop(self, start: int, stop: int) -> None:
        """Let the memory of samples go that are drawn from rank `start` to `stop`, if it can."""
        if isinstance(self.lease, Loan):
            places = np.empty(stop - start, np.int32)
            ranked(self.drawn.begins, self.drawn.ranks, start, stop, places)
            self.lease.shelf.drawn(self.rows[places])

    def cells(self, rows: NDArray[np.int32], recipe: Recipe) -> Ints:
        """Return the numbers of the cells of some records."""
        return cells_of(self.records[rows], recipe)

    def values(self, rows: NDArray[np.int32], recipe: Recipe) -> Values:
        """Return what some records hold."""
        return taken(self.records[rows], recipe.inputs, recipe.window_cells, self.bit)


def counted(n: int) -> Part:
    """Return `n` samples without values."""
    return Part(np.empty((0, 0), np.float32), Drawn(np.zeros(1, np.int64), np.array([0, n])))


def cells_of(records: NDArray[np.float32], recipe: Recipe) -> Ints:
    """Return the numbers of the cells of records."""
    n = 1 if recipe.cells < 2**32 else 2
    ids = np.ascontiguousarray(records[:, -n:]).view(np.uint32).astype(np.int64)
    found: Ints = (ids << (32 * np.arange(n))).sum(axis=1)
    return found
