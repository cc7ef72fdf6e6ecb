"""Fill missing inputs, by the names that ml4xcube gave the ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chance import draws, uniform
from .recipe import FillNan

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Filler:
    """Puts numbers in place of missing inputs.

    Attributes
    ----------
    how : {"mean", "sample_mean", "noise", "constant"}
    constant : float
        Also for samples of which ``sample_mean`` finds nothing.
    mean, low, high : ndarray of float32, shape (n_columns,)
        Statistics over the train samples.
    seed : int
    """

    how: FillNan
    constant: float
    mean: Floats
    low: Floats
    high: Floats
    seed: int

    def fill(self, x: Floats, cells: NDArray[Any]) -> None:
        """Fill `x` in place.

        Parameters
        ----------
        x : ndarray of float32, shape (n, n_columns, window cells)
        cells : ndarray of whole numbers, shape (n,)
            Noise follows from the number of the cell, not from the order of the samples.
        """
        gaps = ~np.isfinite(x)
        if not gaps.any():
            return
        if self.how == "constant":
            x[gaps] = self.constant
        elif self.how == "mean":
            x[gaps] = np.broadcast_to(self.mean[:, None], x.shape)[gaps]
        elif self.how == "sample_mean":
            n = (~gaps).sum(axis=2)
            total = np.where(gaps, 0, x).sum(axis=2, dtype=np.float64)
            mean = np.where(n > 0, total / np.maximum(n, 1), self.constant)
            x[gaps] = np.broadcast_to(mean[:, :, None].astype(np.float32), x.shape)[gaps]
        else:
            sample, column, place = np.nonzero(gaps)
            keys = draws(x.shape[1] * x.shape[2], self.seed, 9).view(np.int64)
            chance = uniform(
                cells[sample].astype(np.int64) ^ keys[column * x.shape[2] + place], self.seed
            )
            span = (self.high - self.low)[column]
            x[gaps] = self.low[column] + (span * chance).astype(np.float32)
