"""The groups that scores are given by: seasons, months, regions, latitude bands, lead times."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError
from ..grids.grid import Grid
from .alignment import check_aligned

#: ``"time.season"``, the name of a coordinate, ``("lat", edges)``, an array of regions, or
#: regions of regionmask.
By = str | tuple[str, Sequence[float]] | xr.DataArray | Any
_SEASONS = ("DJF", "MAM", "JJA", "SON")


@dataclass(frozen=True)
class Grouping:
    """A number for every cell along some dims, and what the numbers are called.

    Attributes
    ----------
    name : str
        Of the dim that the scores get.
    dims : tuple of str
        Dims of `codes`.
    codes : ndarray of int64
        Group of each cell, -1 where it is in none.
    labels : ndarray
        The coordinate along the new dim.
    more : dict
        Further coordinates along it.
    """

    name: str
    dims: tuple[str, ...]
    codes: NDArray[np.int64]
    labels: NDArray[Any]
    more: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of groups."""
        return int(self.labels.size)


def groupings(by: By | Sequence[By], truth: xr.DataArray, grid: Grid) -> list[Grouping]:
    """Return the groups that `by` names.

    Parameters
    ----------
    by : str, tuple, DataArray, regionmask.Regions, or a sequence of them
        See :func:`.score.score`.
    truth : xarray.DataArray
    grid : Grid

    Raises
    ------
    InvalidInputError
        ``unknown_group``; ``different_grid`` for a mask of another grid.
    """
    found = [_grouping(one, truth, grid) for one in _each(by)]
    names = [grouping.name for grouping in found]
    if len(set(names)) < len(names):
        raise _unknown(f"Two groups are called the same: {', '.join(names)}.")
    return found


def _each(by: By | Sequence[By]) -> list[By]:
    single = not isinstance(by, (tuple, list)) or _is_bands(by)
    return [by] if single else list(by)


def _is_bands(by: Any) -> TypeGuard[tuple[str, Sequence[float]]]:
    """Tell ``("lat", edges)`` from two groups."""
    if not (isinstance(by, tuple) and len(by) == 2 and isinstance(by[0], str)):
        return False
    edges = by[1]
    if isinstance(edges, np.ndarray):
        return True
    return isinstance(edges, (list, tuple, range)) and all(np.isscalar(e) for e in edges)


def _grouping(by: By, truth: xr.DataArray, grid: Grid) -> Grouping:
    if isinstance(by, str):
        return _of_coordinate(by, truth)
    if _is_bands(by):
        return _of_bands(by[0], by[1], truth)
    if isinstance(by, xr.DataArray):
        return _of_array(by, truth)
    if hasattr(by, "mask") and hasattr(by, "numbers"):
        return _of_regions(by, truth, grid)
    raise _unknown(f"'{by}' names no groups.")


def _of_coordinate(text: str, truth: xr.DataArray) -> Grouping:
    name, _, part = text.partition(".")
    coord = _coordinate(name, truth)
    if part:
        try:
            coord = getattr(coord.dt, part)
        except (AttributeError, TypeError):
            raise _unknown(f"'{name}' has no '{part}'.") from None
    values = np.asarray(coord.values)
    if part == "season":
        labels = np.array([season for season in _SEASONS if (values == season).any()])
        codes = np.select([values == season for season in labels], range(labels.size), -1)
        return Grouping(part, _dims(coord), codes.astype(np.int64), labels)
    labels, codes = np.unique(values, return_inverse=True)
    known = labels == labels  # NaN and NaT come last and belong to no group
    codes = np.where(codes.reshape(values.shape) < known.sum(), codes.reshape(values.shape), -1)
    return Grouping(part or name, _dims(coord), codes, labels[known])


def _of_bands(name: str, edges: Sequence[float], truth: xr.DataArray) -> Grouping:
    coord = _coordinate(name, truth)
    bounds = np.asarray(edges, dtype=np.float64)
    if bounds.ndim != 1 or bounds.size < 2 or not (np.diff(bounds) > 0).all():
        raise _unknown(f"The edges of bands along '{name}' do not rise.")
    values = np.asarray(coord.values, dtype=np.float64)
    codes = np.searchsorted(bounds, values, side="right") - 1
    # The last band holds its upper edge: the pole belongs to a band.
    codes[values == bounds[-1]] = bounds.size - 2
    codes[(codes >= bounds.size - 1) | np.isnan(values)] = -1
    pairs = list(itertools.pairwise(bounds))
    labels = np.array([f"{low:g} to {high:g}" for low, high in pairs])
    more = {f"{name}_lower": bounds[:-1], f"{name}_upper": bounds[1:]}
    return Grouping(f"{name}_band", _dims(coord), codes.astype(np.int64), labels, more)


def _of_array(regions: xr.DataArray, truth: xr.DataArray) -> Grouping:
    check_aligned("mask of regions", regions, truth)
    values = np.asarray(regions.values)
    flags = regions.attrs.get("flag_values")
    names = str(regions.attrs.get("flag_meanings", "")).split()
    numbers = np.unique(values) if flags is None else np.atleast_1d(np.asarray(flags))
    numbers = numbers[np.isfinite(numbers)]
    order = np.argsort(numbers)
    place = np.searchsorted(numbers, values, sorter=order).clip(0, max(0, numbers.size - 1))
    codes = order[place] if numbers.size else np.zeros(values.shape, np.int64)
    codes = np.where(numbers[codes] == values, codes, -1) if numbers.size else codes - 1
    name = str(regions.name or "region")
    if flags is not None and len(names) == numbers.size:
        return Grouping(name, _dims(regions), codes, np.array(names), {"number": numbers})
    return Grouping(name, _dims(regions), codes, numbers)


def _of_regions(regions: Any, truth: xr.DataArray, grid: Grid) -> Grouping:
    """Return the groups of ``regionmask.Regions``."""
    if grid.lat is None or grid.lon is None:
        raise _unknown("Regions need cells with latitude and longitude.")
    try:
        mask = regions.mask(truth[grid.lon], truth[grid.lat])
    except ValueError as error:
        raise _unknown(f"The regions cannot be put on this grid: {error}") from error
    numbers = np.asarray(regions.numbers)
    values = np.asarray(mask.values)
    codes = np.full(values.shape, -1, np.int64)
    for code, number in enumerate(numbers):
        codes[values == number] = code
    labels = np.array([str(name) for name in regions.names])
    return Grouping("region", _dims(mask), codes, labels, {"number": numbers})


def _coordinate(name: str, truth: xr.DataArray) -> xr.DataArray:
    if name not in truth.coords and name not in truth.dims:
        raise _unknown(f"The truth has no coordinate '{name}'.")
    return truth[name]


def _dims(array: xr.DataArray) -> tuple[str, ...]:
    return tuple(map(str, array.dims))


def _unknown(message: str) -> InvalidInputError | CubeError:
    return InvalidInputError(
        message,
        hint="Groups are 'time.season', 'time.month', a coordinate's name, ('lat', edges), an "
        "array of regions on the cells of the truth, or regions of regionmask.",
        code="unknown_group",
        field="by",
    )
