"""Cells as rows: where target and all features are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..identity.digest import mix64


@dataclass(frozen=True)
class Samples:
    """Rows for training or scoring, in the order of their cells.

    Attributes
    ----------
    X : ndarray of float32, shape (n, n_features)
        Features in their own units.
    y : ndarray of float32, shape (n,)
        Target in its own units.
    weight : ndarray of float64, shape (n,)
        Area of the cell (see ``cell_area_weights``), not normalised.
    cell : ndarray of int64, shape (n,)
        Flat index (C order) in the selected cube, dims in the order of the target.
    block : ndarray of int64, shape (n,)
        Block id of the split.
    """

    X: NDArray[np.float32]
    y: NDArray[np.float32]
    weight: NDArray[np.float64]
    cell: NDArray[np.int64]
    block: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.y.size)

    def take(self, rows: NDArray[np.generic]) -> Samples:
        """Return the rows that an index or boolean array names."""
        return Samples(
            self.X[rows], self.y[rows], self.weight[rows], self.cell[rows], self.block[rows]
        )

    @staticmethod
    def concat(parts: Sequence[Samples], n_features: int) -> Samples:
        """Join `parts`; of none, the empty table with `n_features` columns."""
        if not parts:
            return Samples(
                np.empty((0, n_features), np.float32),
                np.empty(0, np.float32),
                np.empty(0),
                np.empty(0, np.int64),
                np.empty(0, np.int64),
            )
        return Samples(
            np.concatenate([part.X for part in parts]),
            np.concatenate([part.y for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.cell for part in parts]),
            np.concatenate([part.block for part in parts]),
        )


def draw(samples: Samples, n: int, seed: int) -> Samples:
    """Keep the `n` cells with the smallest hash of (seed, cell): no order of reading enters."""
    if len(samples) <= n:
        return samples
    keys = mix64(samples.cell.view(np.uint64) ^ mix64(np.array([seed], np.uint64)))
    return samples.take(np.sort(np.argpartition(keys, n - 1)[:n]))


class Collector:
    """Samples of a role, drawn while they come so that memory stays bounded.

    Parameters
    ----------
    n_features : int
    most : int, optional
        Keep this many at most, by the smallest hash of (seed, cell).
    seed : int
    """

    def __init__(self, n_features: int, most: int | None = None, seed: int = 0) -> None:
        self._n_features, self._most, self._seed = n_features, most, seed
        self._parts: list[Samples] = []
        self._held = 0

    def add(self, batch: Samples) -> None:
        """Take in a piece."""
        if len(batch):
            self._parts.append(batch)
            self._held += len(batch)
        if self._most is not None and self._held > 2 * self._most:
            self._parts = [draw(self._joined(), self._most, self._seed)]
            self._held = len(self._parts[0])

    def samples(self) -> Samples:
        """Return what was kept, ordered by cell."""
        found = self._joined()
        if self._most is not None:
            found = draw(found, self._most, self._seed)
        ordered = bool(np.all(found.cell[1:] > found.cell[:-1]))
        return found if ordered else found.take(np.argsort(found.cell))

    def _joined(self) -> Samples:
        return Samples.concat(self._parts, self._n_features)
