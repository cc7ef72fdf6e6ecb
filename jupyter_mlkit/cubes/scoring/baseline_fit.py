"""Fit the baselines on train cells, piece by piece, in the pass that the training makes anyway."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..grids.coordinates import months_of
from ..grids.grid import is_time
from ..view.data import CubeData
from ..view.samples import Samples
from .baseline import (
    Baseline,
    ClimatologyBaseline,
    LinearBaseline,
    MeanBaseline,
    climatology_keys,
)
from .persistence import PersistenceBaseline

#: Pieces of the climatology's table that are held before they are joined.
_HELD_PIECES = 8


class BaselineFit:
    """Accumulates what every baseline needs from train samples.

    Parameters
    ----------
    data : CubeData
        The climatology needs its dates, the persistence its lead time; nothing is read from it.

    Examples
    --------
    >>> fit = BaselineFit(data)  # doctest: +SKIP
    >>> for batch in data.batches("train"):  # doctest: +SKIP
    ...     fit.add(batch)
    >>> found = fit.solve()  # doctest: +SKIP
    """

    def __init__(self, data: CubeData) -> None:
        time = data.grid.time
        dated = time is not None and time in data.dims and is_time(data.ds[time])
        self._normal = NormalEquations(len(data.features))
        self._table = _MonthlyMeans(data) if dated else None
        self._persistence: PersistenceBaseline | None = None
        lead = data.spec.lead
        if dated and time is not None and lead is not None:
            self._persistence = PersistenceBaseline.of(data.ds[data.spec.target], time, lead)
        self._totals = np.zeros(2)

    def add(self, samples: Samples) -> None:
        """Add train samples; each cell once."""
        self._normal.add(samples.X, samples.y, samples.weight)
        self._totals += [np.dot(samples.weight, samples.y), samples.weight.sum()]
        if self._table is not None:
            self._table.add(samples)

    def solve(self) -> dict[str, Baseline]:
        """Return the baselines by name.

        Returns
        -------
        dict
            ``climatology`` is left out where the cube has no dates, ``persistence`` where
            nothing is forecast; the mean of no samples is NaN.
        """
        total, weight = self._totals
        found: list[Baseline] = [MeanBaseline(float(total / weight) if weight > 0 else np.nan)]
        if self._table is not None:
            found.append(self._table.solve())
        if self._persistence is not None:
            found.append(self._persistence)
        found.append(self._normal.solve())
        return {baseline.name: baseline for baseline in found}


def baselines(data: CubeData) -> dict[str, Baseline]:
    """Fit every baseline on the train cells, in one pass.

    Parameters
    ----------
    data : CubeData

    Returns
    -------
    dict
        By name, see :meth:`BaselineFit.solve`.
    """
    fit = BaselineFit(data)
    for batch in data.batches("train"):
        fit.add(batch)
    return fit.solve()


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
        weight: NDArray[np.floating[Any]],
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
        self._pieces = [(np.empty(0, np.int64), np.empty((0, 2)))]

    def add(self, batch: Samples) -> None:
        keys = climatology_keys(batch.cell, self._shape, self._axis, self._months)
        y = batch.y.astype(np.float64)
        self._pieces.append(_summed(keys, np.column_stack([y, np.ones(y.size)])))
        # Joined a few at a time: a join costs as much as the table is long.
        if len(self._pieces) > _HELD_PIECES:
            self._join()

    def solve(self) -> ClimatologyBaseline:
        self._join()
        ((keys, sums),) = self._pieces
        return ClimatologyBaseline(
            keys, sums[:, 0] / sums[:, 1], self._shape, self._axis, self._months
        )

    def _join(self) -> None:
        keys = np.concatenate([piece[0] for piece in self._pieces])
        self._pieces = [_summed(keys, np.concatenate([piece[1] for piece in self._pieces]))]


def _summed(
    keys: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the keys that occur, sorted, and the sums of their rows."""
    unique, inverse = np.unique(keys, return_inverse=True)
    columns = [np.bincount(inverse, column, unique.size) for column in values.T]
    return unique, np.column_stack(columns)
