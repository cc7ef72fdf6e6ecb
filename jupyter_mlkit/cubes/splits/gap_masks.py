"""Real gaps of a variable at some dates, packed to bits, found again by coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, grid_of, is_time
from ..identity.digest import mix64
from ..reading.slabs import SlabReader
from .axes import CutAxis, axis_of

#: Dates whose gaps are kept; more would cost memory and show no other shapes.
MOST_DATES = 64
_SECONDS = 86_400


@dataclass(frozen=True, eq=False)
class GapMasks:
    """Where a variable is missing at the donor dates.

    Attributes
    ----------
    seconds : ndarray of int64, shape (m,)
        The dates, since 1970.
    keys : list of ndarray
        What tells cells apart: per axis that is not time, sorted values; see :func:`cell_keys`.
    bits : ndarray of uint8, shape (m, ceil(cells / 8))
        1 where the variable is missing; cells in C order of `keys`.
    share : float
        Expected share of the valid cells that the gaps of another date would hide.
    """

    seconds: NDArray[np.int64]
    keys: list[NDArray[np.float64]]
    bits: NDArray[np.uint8]
    share: float

    def places(self, keys: list[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
        """Return where cells with these `keys` are along each axis, -1 where nowhere."""
        found = []
        for held, wanted in zip(self.keys, keys, strict=True):
            place = np.minimum(np.searchsorted(held, wanted), held.size - 1)
            found.append(np.where(held[place] == wanted, place, -1))
        return found

    def missing(self, date: int, places: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Return whether the variable is missing at donor `date`, over the axes of `places`.

        Cells that were not there when the gaps were read count as present.
        """
        shape = tuple(key.size for key in self.keys)
        row = np.unpackbits(self.bits[date], count=int(np.prod(shape))).reshape(shape)
        found = row[np.ix_(*places)].astype(bool)
        for axis, place in enumerate(places):
            found &= np.expand_dims(place >= 0, [i for i in range(found.ndim) if i != axis])
        return found


def cell_keys(
    frame: xr.Dataset, grid: Grid, dims: list[str]
) -> list[tuple[tuple[str, ...], NDArray[np.float64]]]:
    """Return what tells cells apart along `dims`, which hold all but time.

    Returns
    -------
    list
        Per axis its dims and the key of each cell, flat: horizontal dims of scattered cells
        together give one axis.
    """
    keys: list[tuple[tuple[str, ...], NDArray[np.float64]]] = []
    rest = list(dims)
    if grid.kind in ("curvilinear", "unstructured"):
        y, x = (axis_of(frame, grid, name, field="split.kind") for name in ("lat", "lon"))
        # Steps of 1e-4 deg; 2**23 of them are more than a circle, and float64 holds the sum.
        key = np.round(y.values * 1e4) * 2.0**23 + np.round(x.values * 1e4)
        keys.append((y.dims, key.ravel()))
        rest = [dim for dim in rest if dim not in y.dims]
    axes: list[CutAxis] = [axis_of(frame, grid, dim, field="split.kind") for dim in rest]
    return keys + [(axis.dims, axis.values) for axis in axes]


def donor_dates(seconds: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Draw up to 64 of the dates, by a hash of each."""
    known = np.unique(seconds)
    drawn = mix64(known.view(np.uint64) ^ mix64(np.array([seed], np.uint64)))
    return np.sort(known[np.argsort(drawn, kind="stable")[:MOST_DATES]])


def time_of(ds: xr.Dataset) -> str:
    """Return the time dim.

    Raises
    ------
    SpecError
        There is none with dates.
    """
    time = grid_of(ds).time
    if time is None or time not in ds.coords or not is_time(ds[time]):
        raise SpecError(
            "A split by gaps needs a time dim with dates: it holds out the gaps of other dates.",
            hint="Use a block split.",
            field="split.kind",
        )
    return time


def seconds_of(ds: xr.Dataset, time: str) -> NDArray[np.int64]:
    """Return times as whole seconds since 1970, which tell dates apart."""
    return np.round(days_since_1970(ds[time]) * _SECONDS).astype(np.int64)


def read_gaps(ds: xr.Dataset, target: str, seconds: NDArray[np.int64]) -> GapMasks:
    """Read where `target` is missing at the dates `seconds`; every chunk is read once.

    Raises
    ------
    SpecError
        A date is not in the cube, or there are no gaps or nothing but gaps.
    """
    grid, time = grid_of(ds), time_of(ds)
    times = seconds_of(ds, time)
    order = np.argsort(times, kind="stable")
    place = np.minimum(np.searchsorted(times[order], seconds), times.size - 1)
    if not np.array_equal(times[order][place], seconds):
        raise SpecError(
            "A date whose gaps are held out is no longer in the cube.",
            hint="Open the cube that the split was made on, or make the split anew.",
            code="other_cube",
            field="split",
        )
    wanted = order[place]
    keys = cell_keys(ds, grid, [str(dim) for dim in ds[target].dims if dim != time])
    dims = [time, *(dim for held, _ in keys for dim in held)]
    shape = [key.size for _, key in keys]
    missing = np.zeros((seconds.size, *(ds.sizes[dim] for dim in dims[1:])), dtype=bool)
    reader = SlabReader(ds, [target], dims)
    for slab in reader:
        part = slab.slices[time]
        mine = np.flatnonzero((wanted >= part.start) & (wanted < part.stop))
        if mine.size:
            values = np.asarray(reader.read(target, slab))[wanted[mine] - part.start]
            gaps = (
                ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
            )
            box: tuple[Any, ...] = (mine, *(slab.slices[dim] for dim in dims[1:]))
            missing[box] = gaps
    missing = missing.reshape(seconds.size, *shape)
    for axis, (_, key) in enumerate(keys, start=1):
        missing = np.take(missing, np.argsort(key, kind="stable"), axis=axis)
    return GapMasks(
        seconds,
        [np.sort(key) for _, key in keys],
        np.packbits(missing.reshape(seconds.size, -1), axis=1),
        _hidden_share(missing),
    )


def _hidden_share(missing: NDArray[np.bool_]) -> float:
    """Return the mean share of valid cells of one date that are missing at another."""
    m = missing.shape[0]
    valid = m - missing.sum(axis=0, dtype=np.int64)
    if m < 2 or not valid.any():
        return 0.0
    return float((valid * (m - valid)).sum() / (m - 1) / valid.sum())
