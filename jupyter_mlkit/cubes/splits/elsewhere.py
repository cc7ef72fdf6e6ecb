"""How far the cells of another cube, which shall be predicted, lie from the train cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, grid_of, is_time
from .base import Split
from .cell_pairs import spacings
from .nearest_train import (
    Bools,
    Cells,
    Floats,
    Picked,
    distances_in_space,
    distances_in_time,
    read_piece,
    read_values,
    some_columns,
    some_dates,
    thinned,
)
from .places import Places, chord, in_space

#: Measurements at points of which the distances are taken.
_POINTS = 2_000


@dataclass(frozen=True)
class Asked:
    """Cells to predict: some of them, at the same dates.

    Attributes
    ----------
    days : ndarray of float64, shape (n_dates,), or None
        Since 1970; None where the cube has no dates, so that every date is meant.
    cells : Cells
    """

    days: Floats | None
    cells: Cells


@dataclass(frozen=True)
class Trained:
    """The cube that holds the train cells, and what its target and features are called."""

    split: Split
    ds: xr.Dataset
    names: list[str]
    grid: Grid

    @property
    def days(self) -> Floats | None:
        """Its dates in days since 1970, None where it has none."""
        time = self.grid.time
        if time is None or time not in self.ds[self.names[0]].dims or not is_time(self.ds[time]):
            return None
        return days_since_1970(self.ds[time])

    def at(self, picked: Picked) -> tuple[xr.Dataset, Bools]:
        """Return the part of the cube at `picked`, and which cells of it train, by date."""
        piece = read_piece(self.split, self.ds, self.names, self.grid, picked)
        train = piece.known & (piece.roles == 0)
        dates = 1 if self.days is None else piece.ds.sizes[str(self.grid.time)]
        return piece.ds, train.reshape(dates, -1)


def distances_from(
    other: xr.Dataset, trained: Trained, axis: str, rng: np.random.Generator
) -> Floats:
    """Return how far cells of `other` are from train cells.

    Parameters
    ----------
    other : xarray.Dataset
        Its cells that have all features which it holds; every cell where it holds none.
    trained : Trained
    axis : {"space", "time"}
        To the nearest train cell of the same date (within half a step), or of the same place
        (within half a cell).
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64
        Degrees of arc, metres or days; infinite where none trains at that date, or place.

    Raises
    ------
    SpecError
        ``other_grid`` where both cubes do not measure places alike.
    """
    grid = grid_of(other)
    _check_alike(other, grid, trained)
    flat = _flat(other, grid)
    features = [name for name in trained.names[1:] if name in flat.variables]
    # The first one tells whether there are dates; static ones do not.
    features.sort(key=lambda name: -flat[name].ndim)
    if axis == "space":
        asked = list(_maps(flat, grid, features, rng))
        found = [_in_space(trained, one, rng) for one in asked]
    else:
        dates = max(0 if days is None else len(days) for days in (trained.days, _days(flat, grid)))
        series = _series(flat, grid, features, rng, dates)
        found = [_in_time(trained, one) for one in series]
    return np.concatenate(found) if found else np.empty(0)


def _in_space(trained: Trained, asked: Asked, rng: np.random.Generator) -> Floats:
    picked, cells, days = thinned(trained.ds, trained.grid), asked.cells, trained.days
    row = np.zeros(len(cells.there), np.int64)
    if days is not None and asked.days is None:
        picked |= some_dates(trained.ds, trained.names, trained.grid, rng)
        row = np.arange(picked[str(trained.grid.time)].size)
        cells = replace(cells, there=np.repeat(cells.there, row.size, axis=0))
    elif days is not None and asked.days is not None:
        position, row = _positions(days, asked.days)
        if not position.size:
            return np.full(int(cells.there.sum()), np.inf)
        picked |= {str(trained.grid.time): position}
    part, train = trained.at(picked)
    # The last row stands for dates at which nothing trains.
    train = np.concatenate([train, np.zeros((1, train.shape[1]), bool)])
    return distances_in_space(Cells.of(part, trained.grid, train[row]), cells, rng)


def _in_time(trained: Trained, asked: Asked) -> Floats:
    days = trained.days
    assert days is not None
    there = asked.cells.there
    when = days if asked.days is None else asked.days
    there = np.broadcast_to(there, (len(when), there.shape[1]))
    train = np.zeros((len(days), there.shape[1]), bool)
    if not trained.grid.horizontal:
        train[:] = trained.at({})[1]
    else:
        which, cell, shape, dims = _same_place(trained, asked.cells)
        if which.size:
            spots = np.unravel_index(cell, shape)
            picked = {dim: np.unique(spot) for dim, spot in zip(dims, spots, strict=True)}
            _, held = trained.at(picked)
            local = np.ravel_multi_index(
                tuple(np.searchsorted(picked[d], s) for d, s in zip(dims, spots, strict=True)),
                tuple(picked[dim].size for dim in dims),
            )
            train[:, which] = held[:, local]
    return distances_in_time(days, train, when, there)


def _same_place(
    trained: Trained, cells: Cells
) -> tuple[NDArray[np.intp], NDArray[np.int64], tuple[int, ...], tuple[str, ...]]:
    """Return which of `cells` lie in a cell of the train cube, and its flat position there."""
    from scipy.spatial import cKDTree

    places = Places.of(trained.ds, trained.grid, field="split.kind")
    y, x = (part.ravel() for part in places.every())
    # Half the diagonal of a cell: what is nearer to a centre lies in its cell.
    reach = float(np.hypot(*spacings(places)) / 2)
    if places.angle:
        reach = chord(reach)
    tree = cKDTree(in_space(y, x, angle=places.angle))
    far, near = tree.query(in_space(cells.y, cells.x, angle=cells.angle))
    which = np.flatnonzero(far <= reach)
    return which, near[which].astype(np.int64), places.shape, places.dims


def _positions(days: Floats, asked: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return positions of dates to read, and the row of each asked date among them.

    A date that is more than half a step from all has the row behind the last.
    """
    order = np.argsort(days, kind="stable")
    ordered = days[order]
    after = np.clip(np.searchsorted(ordered, asked), 0, days.size - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(asked - ordered[before]) <= np.abs(ordered[after] - asked)
    near = np.where(nearer, before, after)
    half = float(np.median(np.diff(ordered))) / 2 if days.size > 1 else 0.5
    same = np.abs(ordered[near] - asked) <= half
    position, row = np.unique(order[near[same]], return_inverse=True)
    rows = np.full(asked.size, position.size, np.int64)
    rows[same] = row
    return position.astype(np.int64), rows


def _maps(
    other: xr.Dataset, grid: Grid, features: list[str], rng: np.random.Generator
) -> Iterator[Asked]:
    if grid.cell_time is not None:
        yield _points(other, grid, features, rng)
        return
    yield _asked(
        other, grid, features, thinned(other, grid) | some_dates(other, features, grid, rng)
    )


def _series(
    other: xr.Dataset, grid: Grid, features: list[str], rng: np.random.Generator, dates: int
) -> Iterator[Asked]:
    if grid.cell_time is not None:
        yield _points(other, grid, features, rng)
        return
    for picked in some_columns(other, features, grid, rng, dates):
        yield _asked(other, grid, features, picked)


def _asked(other: xr.Dataset, grid: Grid, features: Sequence[str], picked: Picked) -> Asked:
    part = other.isel(picked)
    days = _days(part, grid)
    time = () if days is None else (str(grid.time),)
    there = _explained(part, features, (*time, *grid.horizontal))
    if not grid.horizontal:
        return Asked(days, Cells(np.zeros(1), np.zeros(1), False, there.reshape(-1, 1)))
    return Asked(days, Cells.of(part, grid, there))


def _days(other: xr.Dataset, grid: Grid) -> Floats | None:
    dated = grid.time is not None and grid.time in other.dims and is_time(other[grid.time])
    return days_since_1970(other[grid.time]) if dated else None


def _points(
    other: xr.Dataset, grid: Grid, features: Sequence[str], rng: np.random.Generator
) -> Asked:
    """Return measurements that have each their own place and date."""
    assert grid.cell is not None
    count = int(other.sizes[grid.cell])
    part = other.isel({grid.cell: np.sort(rng.permutation(count)[:_POINTS])})
    own = days_since_1970(part[grid.cell_time])
    days = np.unique(own[np.isfinite(own)])
    there = _explained(part, features, (grid.cell,)) & (own == days[:, None])
    return Asked(days, Cells.of(part, grid, there))


def _explained(part: xr.Dataset, features: Sequence[str], dims: tuple[str, ...]) -> Bools:
    values = read_values(part, features, dims)
    found: Bools = np.logical_and.reduce(np.isfinite(values), axis=0)
    return np.broadcast_to(found, tuple(part.sizes[dim] for dim in dims))


def _flat(other: xr.Dataset, grid: Grid) -> xr.Dataset:
    main = (grid.time, *grid.horizontal)
    return other.isel({dim: 0 for dim in other.dims if dim not in main})


def _check_alike(other: xr.Dataset, grid: Grid, trained: Trained) -> None:
    """Raise where places of both cubes cannot be compared."""
    mine, field = trained.grid, "predict_on"
    if not mine.horizontal:
        return
    theirs = Places.of(other, grid, field=field)
    own = Places.of(trained.ds, mine, field=field)
    if theirs.angle == own.angle and (own.angle or grid.crs is None or grid.crs == mine.crs):
        return
    raise SpecError(
        f"The cube to predict places its cells in {_said(grid, theirs)}, the cube of the train "
        f"cells in {_said(mine, own)}.",
        hint="Reproject one of them to the other's coordinates first.",
        code="other_grid",
        field=field,
    )


def _said(grid: Grid, places: Places) -> str:
    return "degrees" if places.angle else f"metres of {grid.crs or 'an unknown projection'}"
