"""How far cells lie from the nearest train cell: at the same time, and at the same place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, is_time
from ..reading.slabs import SlabReader, stored_chunks
from .base import Split, frame_of
from .places import Places, in_space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Cells of a map that are looked at; larger maps are thinned.
_MAP_CELLS = 250_000
#: Dates whose maps, and columns whose series, are looked at.
_DATES, _CHUNKS, _COLUMNS, _PER_COLUMN = 16, 4, 16, 6
_QUERIES = 2_000


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


def map_piece(
    split: Split, ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator
) -> Piece:
    """Read the maps of some dates from few chunks, thinned where they are large."""
    picked: dict[str, NDArray[np.int64]] = {}
    if grid.time in ds[names[0]].dims and grid.time is not None:
        total = int(ds.sizes[grid.time])
        step = stored_chunks(ds, names, [grid.time]).get(grid.time, 1)
        starts = np.arange(0, total, step)
        chunks = rng.permutation(starts)[: max(_CHUNKS, _DATES // step)]
        each = -(-_DATES // chunks.size)
        dates = [
            start + rng.permutation(min(step, total - start))[:each] for start in chunks.tolist()
        ]
        picked[grid.time] = np.sort(np.concatenate(dates)[:_DATES])
    cells = int(np.prod([ds.sizes[dim] for dim in grid.horizontal]))
    if cells > _MAP_CELLS:
        thin = int(np.ceil((cells / _MAP_CELLS) ** (1 / len(grid.horizontal))))
        picked |= {dim: np.arange(0, ds.sizes[dim], thin) for dim in grid.horizontal}
    return _read(split, ds, names, grid, picked)


def series_pieces(
    split: Split, ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator
) -> list[Piece]:
    """Read all dates of a few places in each of some columns of chunks."""
    chunks = stored_chunks(ds, names, grid.horizontal)
    pieces = []
    for _ in range(_COLUMNS if grid.horizontal else 1):
        picked = {}
        for dim in grid.horizontal:
            size = int(ds.sizes[dim])
            step = min(chunks.get(dim, size), max(1, size // 4))
            start = int(rng.integers(0, -(-size // step))) * step
            picked[dim] = np.unique(rng.integers(start, min(size, start + step), _PER_COLUMN))
        pieces.append(_read(split, ds, names, grid, picked))
    return pieces


def distances_in_space(
    piece: Piece, grid: Grid, train: Bools, asked: Bools, rng: np.random.Generator
) -> Floats:
    """Return how far `asked` cells are from `train` cells of the same date.

    Returns
    -------
    ndarray
        Degrees of arc or metres; infinite where none trains at that date.
    """
    from scipy.spatial import cKDTree

    places = Places.of(piece.ds, grid, field="split.kind")
    y, x = (values.ravel() for values in places.every())
    train, asked = (cells.reshape(-1, y.size) for cells in (train, asked))
    each = max(1, _QUERIES // max(1, int(asked.any(axis=1).sum())))
    found = []
    for here, there in zip(train, asked, strict=True):
        cells = np.flatnonzero(there)
        if not cells.size:
            continue
        cells = rng.permutation(cells)[:each]
        if not here.any():
            found.append(np.full(cells.size, np.inf))
            continue
        tree = cKDTree(in_space(y[here], x[here], angle=places.angle))
        near, _ = tree.query(in_space(y[cells], x[cells], angle=places.angle))
        if places.angle:
            near = np.degrees(2 * np.arcsin(np.clip(near / 2, 0, 1)))
        found.append(near)
    return np.concatenate(found) if found else np.empty(0)


def distances_in_time(piece: Piece, train: Bools, asked: Bools) -> Floats:
    """Return how many days `asked` cells are from `train` cells of the same place."""
    time = piece.ds[piece.dims[0]]
    days = days_since_1970(time) if is_time(time) else np.arange(time.size, dtype=np.float64)
    order = np.argsort(days, kind="stable")
    days = days[order]
    train, asked = (cells.reshape(days.size, -1)[order] for cells in (train, asked))
    places = np.arange(train.shape[1])
    # Days of the last train date up to here, and of the next one from here.
    since = np.maximum.accumulate(np.where(train, days[:, None], -np.inf), axis=0)
    until = np.minimum.accumulate(np.where(train, days[:, None], np.inf)[::-1], axis=0)[::-1]
    near = np.minimum(days[:, None] - since, until - days[:, None])
    return near[:, places][asked]


def spread(frame: xr.Dataset, found: xr.DataArray, dims: tuple[str, ...]) -> NDArray[np.int8]:
    """Return roles over all of `dims`."""
    held = [dim for dim in dims if dim in found.dims]
    shape = [frame.sizes[dim] if dim in held else 1 for dim in dims]
    full = [frame.sizes[dim] for dim in dims]
    return np.broadcast_to(found.transpose(*held).values.reshape(shape), full)


def _read(
    split: Split,
    ds: xr.Dataset,
    names: list[str],
    grid: Grid,
    picked: dict[str, NDArray[np.int64]],
) -> Piece:
    part = ds.isel(picked)
    time = [grid.time] if grid.time is not None and grid.time in ds[names[0]].dims else []
    dims = (*time, *(dim for dim in grid.horizontal if dim in ds[names[0]].dims))
    shape = tuple(int(part.sizes[dim]) for dim in dims)
    values = np.full((len(names), *shape), np.nan, np.float32)
    reader = SlabReader(part, names, dims)
    for slab in reader:
        for i, name in enumerate(names):
            box: tuple[Any, ...] = (i, *(slab.slices[dim] for dim in dims))
            values[box] = reader.read(name, slab)
    frame, _ = frame_of(part)
    return Piece(part, dims, values, spread(frame, split.assign(frame), dims))
