"""Pairs of cells at chosen distances, and the values at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reading.slabs import Slab, SlabReader, stored_chunks
from .places import Places, in_space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Distances at which pairs are sought, log-spaced, and bearings at each.
N_LAGS = 30
_BEARINGS = 2
#: Columns of chunks that series are taken from.
N_COLUMNS = 24


@dataclass(frozen=True)
class CellPairs:
    """Anchors and their companions.

    Attributes
    ----------
    cells : ndarray of int64, shape (n,)
        Flat positions on the map, each once.
    anchor, companion : ndarray of int64, shape (n_pairs,)
        Positions in `cells`.
    group : ndarray of int64, shape (n_pairs,)
        Number of the anchor, for the bootstrap.
    distance : ndarray of float64, shape (n_pairs,)
        Degrees of arc, or metres.
    """

    cells: Ints
    anchor: Ints
    companion: Ints
    group: Ints
    distance: Floats


def pairs_in_space(places: Places, n_anchors: int, rng: np.random.Generator) -> CellPairs:
    """Draw anchors, and companions at log-spaced distances in random directions."""
    total = int(np.prod(places.shape))
    anchors = rng.integers(0, total, n_anchors)
    y, x = _at(places, anchors)
    some = in_space(y[:300], x[:300], angle=places.angle)
    apart = _between(some[:, None], some[None], angle=places.angle)
    most = float(np.max(apart, initial=0.0, where=np.isfinite(apart))) / 2
    wanted = np.geomspace(max(spacings(places)[0], most * 1e-4), max(most, 1e-9), N_LAGS)
    distance = np.tile(np.repeat(wanted, _BEARINGS), (n_anchors, 1))
    bearing = rng.uniform(0, 2 * np.pi, distance.shape)
    other_y, other_x = _destination(places, y[:, None], x[:, None], distance, bearing)
    companion = _nearest(places, other_y.ravel(), other_x.ravel())
    group = np.repeat(np.arange(n_anchors), distance.shape[1])
    anchor = anchors[group]
    there = (companion >= 0) & (companion != anchor)
    anchor, companion, group = anchor[there], companion[there], group[there]
    cells, numbers = np.unique(np.concatenate([anchor, companion]), return_inverse=True)
    first, second = numbers[: anchor.size], numbers[anchor.size :]
    at = in_space(*_at(places, cells), angle=places.angle)
    apart = _between(at[first], at[second], angle=places.angle)
    # Doubled coordinates put two cells at one place, missing ones a cell at none.
    two = apart > 0
    return CellPairs(cells, first[two], second[two], group[two], apart[two])


def cells_in_columns(
    ds: xr.Dataset,
    target: str,
    dims: Sequence[str],
    spots: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Draw cells from few random columns of chunks, so that few chunks are read for all times.

    Parameters
    ----------
    ds : xarray.Dataset
    target : str
    dims : sequence of str
        The horizontal dims; without any there is one cell.
    spots : tuple of int
        Cells per column, and number of columns.
    rng : numpy.random.Generator

    Returns
    -------
    cells, column : ndarray of int64
        Flat positions on the map `dims`, and which column each is in.
    """
    if not dims:
        return np.zeros(1, np.int64), np.zeros(1, np.int64)
    per_column, n_columns = spots
    shape = tuple(int(ds.sizes[dim]) for dim in dims)
    chunks = stored_chunks(ds, [target], dims)
    # Whole maps as chunks cannot be read in part anyway: smaller columns spread the sample.
    steps = [
        min(chunks.get(dim, size), max(1, size // 8)) for dim, size in zip(dims, shape, strict=True)
    ]
    cells, columns = [], []
    for column in range(n_columns):
        corner = [
            int(rng.integers(0, max(1, -(-n // step)))) * step
            for n, step in zip(shape, steps, strict=True)
        ]
        drawn = [
            rng.integers(start, min(n, start + step), per_column)
            for start, step, n in zip(corner, steps, shape, strict=True)
        ]
        cells.append(np.ravel_multi_index(tuple(drawn), shape))
        columns.append(np.full(per_column, column))
    unique, first = np.unique(np.concatenate(cells), return_index=True)
    return unique.astype(np.int64), np.concatenate(columns)[first]


def read_cells(
    ds: xr.Dataset, names: Sequence[str], time: str | None, dims: Sequence[str], cells: Ints
) -> list[Floats]:
    """Read variables at flat positions `cells` of the map `dims`; other chunks are not read.

    Returns
    -------
    list of ndarray, shape (n_time, len(cells))
        One per name; a single time where there is no time dim.
    """
    shape = tuple(int(ds.sizes[dim]) for dim in dims)
    spots = np.unravel_index(cells, shape) if dims else ()
    every = [*([time] if time else []), *dims]
    found = [np.full((ds.sizes[time] if time else 1, cells.size), np.nan) for _ in names]
    reader = SlabReader(ds, names, every)
    held: dict[tuple[int, ...], tuple[Ints, tuple[Ints, ...]]] = {}
    order = []
    for number, slab in enumerate(reader):
        mine = np.ones(cells.size, dtype=bool)
        for dim, spot in zip(dims, spots, strict=True):
            mine &= (spot >= slab.slices[dim].start) & (spot < slab.slices[dim].stop)
        here = np.flatnonzero(mine)
        if here.size:
            starts = (slab.slices[dim].start for dim in dims)
            local = tuple(spot[here] - start for spot, start in zip(spots, starts, strict=True))
            held[_start(slab)] = here, local
            order.append(number)

    def put(slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> None:
        here, local = held[_start(slab)]
        times = slab.slices[time] if time else slice(0, 1)
        for name, into in zip(names, found, strict=True):
            values = np.broadcast_to(arrays[name], slab.shape)
            at: tuple[Any, ...] = (slice(None), *local) if time else local
            into[times, here] = values[at].reshape(-1, here.size)

    for _ in reader.map(put, order=order):
        pass
    return found


def _start(slab: Slab) -> tuple[int, ...]:
    return tuple(piece.start for piece in slab.slices.values())


def _at(places: Places, cells: Ints) -> tuple[Floats, Floats]:
    if places.scattered:
        return places.y.ravel()[cells], places.x.ravel()[cells]
    rows, columns = np.unravel_index(cells, places.shape)
    return places.y[rows], places.x[columns]


def _between(first: Floats, second: Floats, *, angle: bool) -> Floats:
    chords = np.linalg.norm(first - second, axis=-1)
    found: Floats = np.degrees(2 * np.arcsin(np.clip(chords / 2, 0, 1))) if angle else chords
    return found


def spacings(places: Places) -> tuple[float, float]:
    """Return the distances of neighbouring cells along y and x, on scattered cells of any."""
    if not places.scattered:
        steps = [np.abs(np.diff(line)) for line in (places.y, places.x)]
        steps = [step[np.isfinite(step)] for step in steps]
        along_y, along_x = (float(np.median(step)) if step.size else 0.0 for step in steps)
        return along_y, along_x
    from scipy.spatial import cKDTree

    points = in_space(places.y, places.x, angle=places.angle)
    points = points[np.isfinite(points).all(axis=1)]
    some = points[:: max(1, len(points) // 500)]
    chords = cKDTree(points).query(some, k=2)[0][:, -1]
    near = float(np.median(chords[np.isfinite(chords)])) if len(points) > 1 else 0.0
    near = float(np.degrees(near)) if places.angle else near
    return near, near


def _destination(
    places: Places, y: Floats, x: Floats, distance: Floats, bearing: Floats
) -> tuple[Floats, Floats]:
    """Return the place that lies `distance` away in the direction `bearing`."""
    if not places.angle:
        return y + distance * np.cos(bearing), x + distance * np.sin(bearing)
    phi, delta = np.radians(y), np.radians(distance)
    sine = np.sin(phi) * np.cos(delta) + np.cos(phi) * np.sin(delta) * np.cos(bearing)
    turn = np.arctan2(
        np.sin(bearing) * np.sin(delta) * np.cos(phi), np.cos(delta) - np.sin(phi) * sine
    )
    return np.degrees(np.arcsin(np.clip(sine, -1, 1))), np.mod(x + np.degrees(turn), 360.0)


def _nearest(places: Places, y: Floats, x: Floats) -> Ints:
    """Return the flat position of the cell nearest to each place, -1 beyond the edges."""
    if places.scattered:
        from scipy.spatial import cKDTree

        points = in_space(places.y, places.x, angle=places.angle)
        placed = np.flatnonzero(np.isfinite(points).all(axis=1))
        wanted = in_space(y, x, angle=places.angle)
        known = np.isfinite(wanted).all(axis=1)
        found = np.full(len(wanted), -1, np.int64)
        if placed.size:
            found[known] = placed[cKDTree(points[placed]).query(wanted[known])[1]]
        return found
    rows = _nearest_along(places.y, y, circular=False)
    columns = _nearest_along(places.x, x, circular=places.angle)
    outside = (rows < 0) | (columns < 0)
    return np.where(outside, -1, rows * places.shape[1] + columns)


def _nearest_along(held: Floats, wanted: Floats, *, circular: bool) -> Ints:
    order = np.argsort(held, kind="stable")
    line = held[order]
    numbers = order
    if circular:
        line = np.concatenate([line - 360, line, line + 360])
        numbers = np.tile(order, 3)
    right = np.clip(np.searchsorted(line, wanted), 1, max(1, line.size - 1))
    if line.size == 1:
        return np.zeros(wanted.shape, np.int64)
    left = right - 1
    nearest = np.where(wanted - line[left] <= line[right] - wanted, left, right)
    step = float(np.median(np.diff(line))) if line.size > 1 else 0.0
    beyond = np.abs(line[nearest] - wanted) > step
    return np.where(beyond, -1, numbers[nearest])
