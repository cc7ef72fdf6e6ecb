"""Even out the classes of a target by leaving out training samples of the frequent ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chance import uniform


@dataclass(frozen=True)
class Balance:
    """Which share of the training samples of each class is kept.

    Attributes
    ----------
    shares : mapping
        Share by class; classes that are not named are all kept.
    seed : int
    """

    shares: Mapping[float, float]
    seed: int

    @classmethod
    def even(cls, counts: Mapping[float, int], seed: int) -> Balance:
        """Keep as many of each class as the rarest one has."""
        least = min(counts.values(), default=0)
        return cls({label: least / n for label, n in counts.items() if n}, seed)

    def keeps(self, labels: NDArray[np.float32], cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which samples are kept; the draw follows from the number of their cell.

        Parameters
        ----------
        labels : ndarray, shape (n, window cells)
            Classes; a window is as rare as the rarest class in it.
        cells : ndarray of int64, shape (n,)
        """
        share = np.zeros(cells.size)
        known = ~np.isfinite(labels)
        for label, kept in self.shares.items():
            held = labels == np.float32(label)
            share[held.any(axis=1)] = np.maximum(share[held.any(axis=1)], kept)
            known |= held
        share[~known.all(axis=1)] = 1
        return uniform(cells, self.seed, 7) < share
