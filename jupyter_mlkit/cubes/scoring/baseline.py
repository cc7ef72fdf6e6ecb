"""Baselines on the same cells in every experiment: mean, climatology, linear; train only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import Role
from ..grids.coordinates import months_of
from ..grids.grid import is_time
from ..sampling.data import CubeData, Samples


class Baseline(ABC):
    """A prediction that needs no model; a run is shown with its gain over the best one.

    Attributes
    ----------
    name : str
        ``"mean"``, ``"climatology"`` or ``"linear"``.
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


def baselines(data: CubeData) -> dict[str, Baseline]:
    """Fit every baseline on the train cells, in one pass.

    Parameters
    ----------
    data : CubeData

    Returns
    -------
    dict
        By name; ``climatology`` is left out where the cube has no dates.
    """
    dated = data.grid.time in data.dims and is_time(data.ds[data.grid.time])
    normal = NormalEquations(len(data.features))
    totals = np.zeros(2)
    table = _MonthlyMeans(data) if dated else None
    for batch in data.batches("train"):
        normal.add(batch.X, batch.y, batch.weight)
        totals += [(batch.weight * batch.y).sum(), batch.weight.sum()]
        if table is not None:
            table.add(batch)
    found: list[Baseline] = [MeanBaseline(float(totals[0] / totals[1]))]
    if table is not None:
        found.append(table.solve())
    found.append(normal.solve())
    return {baseline.name: baseline for baseline in found}


def least_squares(
    samples: Samples | Iterable[Samples], n_features: int, *, weighted: bool = False
) -> LinearBaseline:
    """Solve least squares with intercept in float64: the reference of the agreement test.

    Parameters
    ----------
    samples : Samples or iterable of Samples
        Train samples.
    n_features : int
    weighted : bool
        Weight rows by cell area; else all count the same.
    """
    normal = NormalEquations(n_features)
    for piece in [samples] if isinstance(samples, Samples) else samples:
        normal.add(piece.X, piece.y, piece.weight if weighted else np.ones(len(piece)))
    return normal.solve()


class NormalEquations:
    """Weighted normal equations, accumulated about the mean of the first piece.

    The shift and a scaling by the diagonal keep the condition number that of the features'
    correlation, so float64 loses no digit that matters (kelvin: 300 +- 20).
    """

    def __init__(self, n_features: int) -> None:
        self._gram = np.zeros((n_features + 2, n_features + 2))
        self._shift: NDArray[np.float64] | None = None

    def add(
        self,
        x: NDArray[np.floating[Any]],
        y: NDArray[np.floating[Any]],
        weight: NDArray[np.float64],
    ) -> None:
        """Add rows."""
        if len(y) == 0:
            return
        rows = np.column_stack([np.ones(len(y)), x, y]).astype(np.float64)
        if self._shift is None:
            self._shift = np.concatenate([[0.0], rows[:, 1:].mean(axis=0)])
        rows -= self._shift
        self._gram += rows.T @ (rows * weight[:, None])

    def solve(self) -> LinearBaseline:
        """Return the solution of least norm; features that do not vary get 0."""
        gram, right = self._gram[:-1, :-1], self._gram[:-1, -1]
        scale = np.sqrt(np.diag(gram))
        scale[scale == 0] = 1.0
        solution = np.linalg.lstsq(gram / np.outer(scale, scale), right / scale, rcond=1e-13)[0]
        beta = solution / scale
        shift = np.zeros(len(beta) + 1) if self._shift is None else self._shift
        intercept = beta[0] + shift[-1] - beta[1:] @ shift[1:-1]
        return LinearBaseline(beta[1:], float(intercept))


class _MonthlyMeans:
    """Sums and counts by month and place, kept for places that occur."""

    def __init__(self, data: CubeData) -> None:
        assert data.grid.time is not None
        self._shape = tuple(int(data.ds.sizes[dim]) for dim in data.dims)
        self._axis = data.dims.index(data.grid.time)
        self._months = months_of(data.ds[data.grid.time])
        self._keys = np.empty(0, np.int64)
        self._sums = np.empty((0, 2))

    def add(self, batch: Samples) -> None:
        keys = climatology_keys(batch.cell, self._shape, self._axis, self._months)
        joined = np.concatenate([self._keys, keys])
        unique, inverse = np.unique(joined, return_inverse=True)
        sums = np.concatenate([self._sums[:, 0], batch.y.astype(np.float64)])
        counts = np.concatenate([self._sums[:, 1], np.ones(len(batch))])
        self._keys = unique
        self._sums = np.column_stack(
            [
                np.bincount(inverse, sums, unique.size),
                np.bincount(inverse, counts, unique.size),
            ]
        )

    def solve(self) -> ClimatologyBaseline:
        return ClimatologyBaseline(
            self._keys,
            self._sums[:, 0] / self._sums[:, 1],
            self._shape,
            self._axis,
            self._months,
        )


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
