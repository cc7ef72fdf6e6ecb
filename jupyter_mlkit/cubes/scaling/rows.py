"""Scalers from rows of train cells, in the pass that reads them anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..reading.moments import Moments
from .scalers import CubeScaler, MinMaxScaler, NoScaler, StandardScaler
from .statistics import Statistics

ScaleKind = Literal["standardize", "normalize", "none"]
_KINDS: dict[ScaleKind, type[CubeScaler]] = {
    "standardize": StandardScaler,
    "normalize": MinMaxScaler,
    "none": NoScaler,
}


class RowStatistics:
    """Statistics of columns, merged piece by piece.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._moments = Moments.none((len(self._names),))

    def add(self, *columns: NDArray[np.floating[Any]]) -> None:
        """Merge finite rows.

        Parameters
        ----------
        columns : ndarray, shape (n,) or (n, k)
            Side by side they are the columns that the names name.
        """
        rows = np.column_stack(columns).astype(np.float64)
        if rows.shape[1] != len(self._names):
            raise InvalidInputError(f"{len(self._names)} names for {rows.shape[1]} columns.")
        if len(rows):
            mean = rows.mean(axis=0)
            self._moments += Moments(
                np.full(len(self._names), float(len(rows))),
                mean,
                ((rows - mean) ** 2).sum(axis=0),
                rows.min(axis=0),
                rows.max(axis=0),
            )

    def scaler(self, kind: ScaleKind) -> CubeScaler:
        """Return the scaler that these rows fit; a column that does not vary gets scale 1."""
        return _KINDS[kind]().of({name: self._known(i) for i, name in enumerate(self._names)})

    def _known(self, i: int) -> Statistics:
        found, std = self._moments, float(self._moments.std[i])
        n, mean, low, high = (
            xr.DataArray(float(numbers[i]))
            for numbers in (found.n, found.mean, found.low, found.high)
        )
        return Statistics(n, mean, xr.DataArray(std), low, high, std)
