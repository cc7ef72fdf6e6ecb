"""Climatologies: a value per place and month (season, day of year) that stands for every year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.grid import Grid
from .sums import Floats

#: A climatology has one of these dims in place of time.
CALENDAR = ("month", "season", "dayofyear")


def calendar_dim(array: xr.DataArray, grid: Grid) -> str | None:
    """Return the dim that makes `array` a climatology, None where it is none."""
    if grid.time is None or grid.time in array.dims:
        return None
    return next((dim for dim in CALENDAR if dim in array.dims and dim in array.coords), None)


@dataclass(frozen=True)
class CalendarTable:
    """A climatology that is looked up by date and place.

    Attributes
    ----------
    values : ndarray of float64
        Dims of the truth in their order, the calendar in place of time, size 1 along dims that
        it ignores; the last row along the calendar is NaN.
    axis : int
        Which axis is the calendar.
    row : ndarray of int64
        Row of each time, the last one where the climatology lacks the month.
    dims : tuple of str
    """

    values: Floats
    axis: int
    row: NDArray[np.int64]
    dims: tuple[str, ...]

    @classmethod
    def of(cls, array: xr.DataArray, dim: str, truth: xr.DataArray, grid: Grid) -> CalendarTable:
        """Bring a climatology to the dims and times of `truth`."""
        dims = tuple(map(str, truth.dims))
        renamed = [dim if d == grid.time else d for d in dims]
        held = [d for d in renamed if d in array.dims]
        shape = [int(array.sizes[d]) if d in held else 1 for d in renamed]
        values = np.asarray(array.transpose(*held).values, dtype=np.float64).reshape(shape)
        axis = renamed.index(dim)
        missing = np.full([1 if i == axis else n for i, n in enumerate(shape)], np.nan)
        names = list(np.asarray(array[dim].values).tolist())
        wanted = np.asarray(getattr(truth[grid.time].dt, dim).values).tolist()
        row = [names.index(one) if one in names else len(names) for one in wanted]
        table = np.concatenate([values, missing], axis=axis)
        return cls(table, axis, np.asarray(row, np.int64), dims)

    def at(self, where: Mapping[str, slice]) -> Floats:
        """Return the values of the cells of a box."""
        places = tuple(
            slice(None) if axis == self.axis or self.values.shape[axis] == 1 else where[dim]
            for axis, dim in enumerate(self.dims)
        )
        rows = self.row[where[self.dims[self.axis]]]
        return np.take(self.values[places], rows, axis=self.axis)
