"""Baselines on the same cells in every experiment: predictions that need no model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models import Role
from ..view.data import CubeData
from ..view.samples import Samples


class Baseline(ABC):
    """A prediction that needs no model; a run is shown with its gain over the best one.

    Attributes
    ----------
    name : str
        ``"mean"``, ``"climatology"``, ``"persistence"`` or ``"linear"``.
    """

    name: str

    @abstractmethod
    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return one value per row in the target's units, NaN where there is none."""

    def score(self, data: CubeData, role: Role) -> dict[str, float]:
        """Score it on all cells of `role`; ``n`` says on how many it is defined."""
        from .samples import ScoreSums

        sums = ScoreSums()
        for batch in data.batches(role):
            sums.add(self.predict(batch), batch.y, batch.weight)
        return sums.score()


@dataclass(frozen=True)
class MeanBaseline(Baseline):
    """The area-weighted mean of the train cells."""

    value: float
    name = "mean"

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the mean for every row."""
        return np.full(len(samples), self.value)


@dataclass(frozen=True)
class ClimatologyBaseline(Baseline):
    """The mean of the train values of the same place and calendar month.

    Attributes
    ----------
    keys : ndarray of int64
        Month and place, sorted.
    values : ndarray of float64
        Their means.
    shape : tuple of int
        Of the selected cube.
    axis : int
        Which of its dims is time.
    months : ndarray of int64
        Calendar month of each time.
    """

    keys: NDArray[np.int64]
    values: NDArray[np.float64]
    shape: tuple[int, ...]
    axis: int
    months: NDArray[np.int64]
    name = "climatology"

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the climatology where train has seen this place in this month, else NaN."""
        if self.keys.size == 0:
            return np.full(len(samples), np.nan)
        wanted = climatology_keys(samples.cell, self.shape, self.axis, self.months)
        place = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
        return np.where(self.keys[place] == wanted, self.values[place], np.nan)


@dataclass(frozen=True)
class LinearBaseline(Baseline):
    """Least squares with intercept on the features.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (n_features,)
        Target units per feature unit.
    intercept : float
    """

    coefficients: NDArray[np.float64]
    intercept: float
    name = "linear"

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return intercept + X . coefficients."""
        fitted: NDArray[np.float64] = (
            samples.X.astype(np.float64) @ self.coefficients + self.intercept
        )
        return fitted


def climatology_keys(
    cell: NDArray[np.int64],
    shape: tuple[int, ...],
    axis: int,
    months: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return a number for calendar month and place of each cell."""
    after = int(np.prod(shape[axis + 1 :], dtype=np.int64))
    time = cell // after % shape[axis]
    place = cell // (after * shape[axis]) * after + cell % after
    keys: NDArray[np.int64] = place * 12 + (months[time] - 1)
    return keys
