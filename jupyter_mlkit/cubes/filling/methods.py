"""Ways to fill a piece of a field: the real ones and the trivial ones that they must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .lowrank import Matrix, Seen, choose_settings, fill_low_rank, held_out_gaps
from .regression import regress, season

Method = Literal["eof", "regression", "eof+regression", "mean", "nearest"]
METHODS: tuple[Method, ...] = ("eof", "regression", "eof+regression", "mean", "nearest")

#: Of the seen cells, hidden to choose rank and smoothing.
_HELD_OUT = 0.1
#: With fewer seen values there is nothing to choose from, or to find patterns in.
_ENOUGH = 100


@dataclass(frozen=True)
class Filler:
    """Fills the gaps of series of fields.

    Attributes
    ----------
    method : str
    days : ndarray of float64, shape (n_times,)
        Increasing.
    seasonal : bool
        Whether days count time, so that there is an annual cycle.
    rank : int or None
        Number of EOFs; found by cross-validation where None.
    seed : int
        Of the cells that are held out for it.
    """

    method: Method
    days: NDArray[np.float64]
    seasonal: bool = True
    rank: int | None = None
    seed: int = 0

    def __call__(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """Fill (n, 1 + n_covariates, n_times, *space); the target comes first.

        Returns
        -------
        (n, n_times, *space) float64 array
            NaN in cells that were never seen.
        """
        flat = x.reshape(*x.shape[:3], -1)
        return np.stack([self._fill(one[0], one[1:]) for one in flat]).reshape(
            x.shape[0], *x.shape[2:]
        )

    def _fill(self, target: NDArray[np.floating], covariates: NDArray[np.floating]) -> Matrix:
        result = np.full(target.shape, np.nan)
        seen = np.isfinite(target)
        some = seen.any(axis=0)
        if some.any():
            values = np.where(seen, target, 0.0).astype(np.float64)[:, some]
            result[:, some] = self._guess(values, seen[:, some], covariates[:, :, some])
        # What was seen is not changed.
        return np.where(seen, target, result)

    def _guess(self, values: Matrix, seen: Seen, covariates: NDArray[np.floating]) -> Matrix:
        if self.method == "mean":
            return np.broadcast_to(values.sum(axis=0) / seen.sum(axis=0), values.shape)
        if self.method == "nearest":
            return nearest_in_time(values, seen, self.days)
        used = covariates[:0] if self.method == "eof" else covariates
        cycle = season(self.days) if self.seasonal else np.empty((0, len(values)))
        base = regress(values, seen, used, cycle)
        if self.method == "regression" or seen.sum() < _ENOUGH or len(values) < 3:
            return base
        rest = np.where(seen, values - base, 0.0)
        hidden = held_out_gaps(seen, _HELD_OUT, np.random.default_rng(self.seed))
        settings = choose_settings(rest, seen, hidden, self.days, self.rank)
        return base + fill_low_rank(rest, seen, self.days, settings)


def nearest_in_time(values: Matrix, seen: Seen, days: NDArray[np.float64]) -> Matrix:
    """Return for each date the value of the nearest date when the cell was seen, the earlier first.

    Parameters
    ----------
    values, seen : (n_times, n_cells) arrays
    days : (n_times,) array
        Increasing.
    """
    n = len(values)
    rows = np.arange(n)[:, None]
    before = np.maximum.accumulate(np.where(seen, rows, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, rows, n)[::-1], axis=0)[::-1]
    back = np.where(before >= 0, days[:, None] - days[before], np.inf)
    ahead = np.where(after < n, days[np.minimum(after, n - 1)] - days[:, None], np.inf)
    nearest = np.where(back <= ahead, before, np.minimum(after, n - 1))
    return np.asarray(np.take_along_axis(values, np.maximum(nearest, 0), axis=0))
