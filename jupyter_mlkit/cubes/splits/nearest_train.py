"""How far cells lie from the nearest train cell: at the same time, and at the same place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, is_time
from ..reading.slabs import Slab, SlabReader, stored_chunks
from .base import Split, frame_of
from .places import Places, in_space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Cells of a map that are looked at; larger maps are thinned.
_MAP_CELLS = 250_000
#: Dates whose maps, and columns whose series, are looked at.
_DATES, _CHUNKS, _COLUMNS, _PER_COLUMN = 16, 4, 16, 6
_QUERIES = 2_000
#: Values of all series together; of long ones fewer places are read.
_SERIES_VALUES = 2**24


@dataclass(frozen=True)
class Piece:
    """A part of a cube that was read: all places of some dates, or all dates of some places.

    Attributes
    ----------
    ds : xarray.Dataset
        The part, for its coordinates.
    dims : tuple of str
        Time first, then the horizontal dims.
    values : ndarray of float32, shape (n_names, ...)
        Target and features over `dims`.
    roles : ndarray of int8
    """

    ds: xr.Dataset
    dims: tuple[str, ...]
    values: NDArray[np.float32]
    roles: NDArray[np.int8]

    @property
    def known(self) -> Bools:
        """Where target and features are there."""
        found: Bools = np.logical_and.reduce(np.isfinite(self.values), axis=0)
        return found

    @property
    def explained(self) -> Bools:
        """Where the features are there, target or not."""
        found: Bools = np.logical_and.reduce(np.isfinite(self.values[1:]), axis=0)
        return found


#: Which cells of a piece shall be predicted.
Wanted = Callable[[Piece], Bools]
#: Positions by dim.
Picked = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Cells:
    """Cells at some dates.

    Attributes
    ----------
    y, x : ndarray of float64, shape (n_cells,)
        Degrees or metres.
    angle : bool
        Whether they are degrees.
    there : ndarray of bool, shape (n_dates, n_cells)
        Which of them are meant.
    """

    y: Floats
    x: Floats
    angle: bool
    there: Bools

    @classmethod
    def of(cls, ds: xr.Dataset, grid: Grid, there: Bools) -> Cells:
        """Return the cells of `ds`, time first in `there`."""
        places = Places.of(ds, grid, field="split.kind")
        y, x = (values.ravel() for values in places.every())
        return cls(y, x, places.angle, there.reshape(-1, y.size))


def map_piece(
    split: Split, ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator
) -> Piece:
    """Read the maps of some dates from few chunks, thinned where they are large."""
    return read_piece(split, ds, names, grid, thinned(ds, grid) | some_dates(ds, names, grid, rng))


def some_dates(ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator) -> Picked:
    """Draw dates from few chunks; nothing where the variables have no time."""
    if grid.time is not None and all(grid.time in ds[name].dims for name in names[:1]):
        total = int(ds.sizes[grid.time])
        step = stored_chunks(ds, names, [grid.time]).get(grid.time, 1)
        starts = np.arange(0, total, step)
        chunks = rng.permutation(starts)[: max(_CHUNKS, _DATES // step)]
        each = -(-_DATES // chunks.size)
        dates = [
            start + rng.permutation(min(step, total - start))[:each] for start in chunks.tolist()
        ]
        return {grid.time: np.sort(np.concatenate(dates)[:_DATES])}
    return {}


def thinned(ds: xr.Dataset, grid: Grid) -> Picked:
    """Return which rows and columns of a large map are looked at; nothing for all of them."""
    cells = int(np.prod([ds.sizes[dim] for dim in grid.horizontal]))
    if cells <= _MAP_CELLS:
        return {}
    thin = int(np.ceil((cells / _MAP_CELLS) ** (1 / len(grid.horizontal))))
    return {dim: np.arange(0, ds.sizes[dim], thin) for dim in grid.horizontal}


def series_pieces(
    split: Split, ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator
) -> list[Piece]:
    """Read all dates of a few places in each of some columns of chunks."""
    columns = some_columns(ds, names, grid, rng, int(ds.sizes[str(grid.time)]))
    return [read_piece(split, ds, names, grid, picked) for picked in columns]


def some_columns(
    ds: xr.Dataset, names: Sequence[str], grid: Grid, rng: np.random.Generator, dates: int
) -> list[Picked]:
    """Draw a few places in each of some columns of chunks, fewer where there are many `dates`.

    Their series hold `_SERIES_VALUES` values at most, or are of a single place.
    """
    chunks = stored_chunks(ds, names, grid.horizontal)
    places = max(1, _SERIES_VALUES // max(1, dates * len(names)))
    n_columns = min(_COLUMNS, places) if grid.horizontal else 1
    share = (places // n_columns) ** (1 / max(1, len(grid.horizontal)))
    per_column = min(_PER_COLUMN, int(share + 1e-9))
    columns = []
    for _ in range(n_columns):
        picked = {}
        for dim in grid.horizontal:
            size = int(ds.sizes[dim])
            step = min(chunks.get(dim, size), max(1, size // 4))
            start = int(rng.integers(0, -(-size // step))) * step
            picked[dim] = np.unique(rng.integers(start, min(size, start + step), per_column))
        columns.append(picked)
    return columns


def distances_in_space(train: Cells, asked: Cells, rng: np.random.Generator) -> Floats:
    """Return how far `asked` cells are from `train` cells of the same date, a row of each.

    Returns
    -------
    ndarray
        Degrees of arc or metres; infinite where none trains at that date.
    """
    from scipy.spatial import cKDTree

    each = max(1, _QUERIES // max(1, int(asked.there.any(axis=1).sum())))
    found = []
    for here, there in zip(train.there, asked.there, strict=True):
        cells = np.flatnonzero(there)
        if not cells.size:
            continue
        cells = rng.permutation(cells)[:each]
        if not here.any():
            found.append(np.full(cells.size, np.inf))
            continue
        tree = cKDTree(in_space(train.y[here], train.x[here], angle=train.angle))
        near, _ = tree.query(in_space(asked.y[cells], asked.x[cells], angle=asked.angle))
        if train.angle:
            near = np.degrees(2 * np.arcsin(np.clip(near / 2, 0, 1)))
        found.append(near)
    return np.concatenate(found) if found else np.empty(0)


def distances_in_time(train_days: Floats, train: Bools, asked_days: Floats, asked: Bools) -> Floats:
    """Return how many days `asked` cells are from `train` cells of the same place.

    Parameters
    ----------
    train_days, asked_days : ndarray of float64, shape (n_dates,)
        In any order; both may differ.
    train, asked : ndarray of bool, shape (n_dates, n_places)

    Returns
    -------
    ndarray
        Infinite where none trains at that place.
    """
    order = np.argsort(train_days, kind="stable")
    days, train = train_days[order], train[order]
    beyond = np.full((1, train.shape[1]), np.inf)
    # The day of the last train date up to each, and of the next one from each.
    last = np.maximum.accumulate(np.where(train, days[:, None], -np.inf), axis=0)
    after = np.minimum.accumulate(np.where(train, days[:, None], np.inf)[::-1], axis=0)[::-1]
    last, after = np.concatenate([-beyond, last]), np.concatenate([after, beyond])
    when = asked_days[:, None]
    since = when - last[np.searchsorted(days, asked_days, side="right")]
    until = after[np.searchsorted(days, asked_days, side="left")] - when
    return np.minimum(since, until)[asked]


def days_of(piece: Piece) -> Floats:
    """Return the dates of a piece as days, or their numbers where they are none."""
    time = piece.ds[piece.dims[0]]
    return days_since_1970(time) if is_time(time) else np.arange(time.size, dtype=np.float64)


def spread(frame: xr.Dataset, found: xr.DataArray, dims: tuple[str, ...]) -> NDArray[np.int8]:
    """Return roles over all of `dims`."""
    held = [dim for dim in dims if dim in found.dims]
    shape = [frame.sizes[dim] if dim in held else 1 for dim in dims]
    full = [frame.sizes[dim] for dim in dims]
    return np.broadcast_to(found.transpose(*held).values.reshape(shape), full)


def read_piece(
    split: Split,
    ds: xr.Dataset,
    names: list[str],
    grid: Grid,
    picked: Picked,
) -> Piece:
    """Read `names` and the roles at the cells that were picked."""
    part = ds.isel(picked)
    time = [grid.time] if grid.time is not None and grid.time in ds[names[0]].dims else []
    dims = (*time, *(dim for dim in grid.horizontal if dim in ds[names[0]].dims))
    frame, _ = frame_of(part)
    roles = spread(frame, split.assign(frame), dims)
    return Piece(part, dims, read_values(part, names, dims), roles)


def read_values(
    part: xr.Dataset, names: Sequence[str], dims: tuple[str, ...]
) -> NDArray[np.float32]:
    """Return variables over all of `dims`, shape (n_names, ...)."""
    values = np.full((len(names), *(part.sizes[dim] for dim in dims)), np.nan, np.float32)
    reader = SlabReader(part, names, dims)

    def put(slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> None:
        for i, name in enumerate(names):
            box: tuple[Any, ...] = (i, *(slab.slices[dim] for dim in dims))
            values[box] = arrays[name]

    for _ in reader.map(put):
        pass
    return values
