"""How far the values of a variable know each other, in space and in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.coordinates import days_since_1970
from ..grids.grid import Grid, grid_of, is_time
from ..grids.variables import require_variable
from .anomalies import anomalies, residuals
from .cell_pairs import N_COLUMNS, N_LAGS, cells_in_columns, pairs_in_space, read_cells
from .draws import DRAW_BYTES, column_bytes, columns_and_dates, dates_of_maps, part_of_map
from .places import Places, in_space
from .variogram import Range, fit_range, semivariance

Floats = NDArray[np.float64]

#: Valid pairs that a length is based on at least.
ENOUGH_PAIRS = 100_000
#: Dates of maps at most.
_MOST_DATES = 365
#: Values, or differences of them, that are held at once.
_HELD = 10**7
_ANCHORS, _MOST_ANCHORS, _PER_COLUMN = 2_000, 16_000, 150
_FEWEST_COLUMNS, _MOST_COLUMNS = 8, 384
_DRAWS = 200
#: Blocks are this many times as long as the autocorrelation reaches.
_BLOCKS = 2.0


@dataclass(frozen=True)
class Autocorrelation:
    """The length over which values know each other.

    Attributes
    ----------
    axis : {"space", "time"}
    of : {"target", "residual"}
        Of the target minus climatology and trend, or of what a linear model leaves.
    status : {"reached", "not reached", "too few pairs"}
        Whether the variogram levels off within the cube.
    length : float or None
        Practical range (95 % of the sill) in `unit`, where reached.
    interval : tuple of float or None
        95 % bootstrap over places; None for an end that draws did not reach.
    unit : {"deg", "m", "D"}
        Degrees of great circle, metres, or days.
    pairs : int
        Valid pairs.
    lags, semivariances : tuple of float
        The variogram.
    nugget, sill : float
        Of the fit, in squared units of the target.
    """

    axis: Literal["space", "time"]
    of: Literal["target", "residual"]
    status: Literal["reached", "not reached", "too few pairs"]
    length: float | None
    interval: tuple[float | None, float | None]
    unit: Literal["deg", "m", "D"]
    pairs: int
    lags: tuple[float, ...]
    semivariances: tuple[float, ...]
    nugget: float
    sill: float

    @property
    def recommended_block(self) -> str | None:
        """Size of blocks, twice the length and rounded up, as ``BlockSplit`` takes it."""
        if self.length is None:
            return None
        size = _BLOCKS * self.length
        step = 10.0 ** (math.floor(math.log10(size)) - 1)
        unit = {"deg": " deg", "m": " m", "D": "D"}[self.unit]
        return f"{math.ceil(size / step - 1e-9) * step:.10g}{unit}"

    def __str__(self) -> str:
        """Return it as a sentence."""
        where = f"in {self.axis}, {self.of}"
        if self.length is None:
            return f"Autocorrelation length {where}: {self.status} ({self.pairs} pairs)."
        low, high = ("?" if end is None else f"{end:.3g}" for end in self.interval)
        return f"Autocorrelation length {where}: {self.length:.3g} {self.unit} [{low}, {high}]."


def autocorrelation_length(
    ds: xr.Dataset,
    target: str,
    features: Sequence[str] | None = None,
    *,
    axis: Literal["space", "time"] = "space",
    of: Literal["target", "residual"] = "target",
    seed: int = 0,
) -> Autocorrelation:
    """Measure how far values know each other: the practical range of a robust variogram.

    The variogram is that of Cressie & Hawkins (1980) over at least 1e5 valid pairs, where the
    cube has them, of cells drawn by `seed`; only the chunks with these cells are read. Of cubes
    of any size a draw decodes half a GiB at most: some dates of a map, or of a part of it, and
    a part of long series.

    Parameters
    ----------
    ds : xarray.Dataset
    target : str
        Over time and the horizontal dims, or either; of levels and members the first is taken.
    features : sequence of str, optional
        Features of the linear model whose residuals are taken.
    axis : {"space", "time"}
        Pairs of the same time, or of the same place.
    of : {"target", "residual"}
        The target minus climatology and trend of its cells, or the residuals of a linear model.
    seed : int

    Returns
    -------
    Autocorrelation

    Raises
    ------
    SpecError
        The cube lacks the dims, or features are missing for a residual.
    CubeError
        ``unknown_variable``, ``unreadable_chunk``.
    """
    names = [target, *(features or ())] if of == "residual" else [target]
    if of == "residual" and not features:
        raise SpecError("A residual needs the features of its model.", field="features")
    for name in names:
        require_variable(ds, name, "target" if name == target else "features")
    grid = grid_of(ds)
    flat = ds.isel({dim: 0 for dim in ds[target].dims if dim not in (grid.time, *grid.horizontal)})
    if grid.time in flat[target].dims and is_time(flat[grid.time]):
        missing = ~np.isfinite(days_since_1970(flat[grid.time]))
        if missing.any():
            flat = flat.isel({grid.time: np.flatnonzero(~missing)})
    rng = np.random.default_rng(seed)
    table = (
        _in_time(flat, names, grid, rng) if axis == "time" else _in_space(flat, names, grid, rng)
    )
    return table.solve(axis, of, rng)


@dataclass(frozen=True)
class _Table:
    """Sums over pairs by group (an anchor, or a column of chunks) and lag."""

    roots: Floats
    counts: Floats
    distances: Floats
    unit: Literal["deg", "m", "D"]

    def solve(
        self,
        axis: Literal["space", "time"],
        of: Literal["target", "residual"],
        rng: np.random.Generator,
    ) -> Autocorrelation:
        counts = self.counts.sum(axis=0)
        with np.errstate(invalid="ignore"):
            lags = self.distances.sum(axis=0) / counts
        gamma = semivariance(self.roots.sum(axis=0), counts)
        pairs = int(counts.sum())
        fit = fit_range(lags, gamma, counts)
        enough = pairs >= ENOUGH_PAIRS
        reached = enough and math.isfinite(fit.length)
        there = counts > 0
        return Autocorrelation(
            axis=axis,
            of=of,
            status="reached" if reached else "not reached" if enough else "too few pairs",
            length=fit.length if reached else None,
            interval=self._interval(lags, rng) if reached else (None, None),
            unit=self.unit,
            pairs=pairs,
            lags=tuple(lags[there].tolist()),
            semivariances=tuple(gamma[there].tolist()),
            nugget=fit.nugget,
            sill=fit.sill,
        )

    def _interval(
        self, lags: Floats, rng: np.random.Generator
    ) -> tuple[float | None, float | None]:
        groups = len(self.counts)
        lengths = []
        for _ in range(_DRAWS):
            times = np.bincount(rng.integers(0, groups, groups), minlength=groups)
            counts = times @ self.counts
            fit: Range = fit_range(lags, semivariance(times @ self.roots, counts), counts)
            lengths.append(fit.length)
        low, high = np.quantile(lengths, [0.025, 0.975], method="closest_observation")
        return tuple(float(end) if math.isfinite(end) else None for end in (low, high))  # type: ignore[return-value]


def _in_space(ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator) -> _Table:
    time = grid.time if grid.time in ds[names[0]].dims else None
    ds = ds.isel(part_of_map(ds, names, grid, rng))
    places = Places.of(ds, grid, field="axis")
    if time is not None:
        ds = ds.isel({time: dates_of_maps(ds, names, time, _MOST_DATES, rng)})
    n_anchors = _ANCHORS
    while True:
        pairs = pairs_in_space(places, n_anchors, rng)
        if not pairs.anchor.size:
            none = np.zeros((1, N_LAGS))
            return _Table(none, none, none, "deg" if places.angle else "m")
        values = _values(ds, names, time, places, pairs.cells)
        values = rng.permutation(values)[: max(1, _HELD // max(1, pairs.anchor.size))]
        roots = np.sqrt(np.abs(values[:, pairs.anchor] - values[:, pairs.companion]))
        valid = np.isfinite(roots)
        # Where so few are valid that the largest draw cannot have enough, none is read for it.
        hopeless = valid.sum() * _MOST_ANCHORS < ENOUGH_PAIRS * n_anchors
        if valid.sum() >= ENOUGH_PAIRS or hopeless or n_anchors >= _MOST_ANCHORS:
            break
        n_anchors *= 2
    n = valid.sum(axis=0).astype(np.float64)
    edges = np.geomspace(pairs.distance.min(), pairs.distance.max() * (1 + 1e-9), N_LAGS + 1)
    lag = np.clip(np.searchsorted(edges, pairs.distance, side="right") - 1, 0, N_LAGS - 1)
    return _table(
        pairs.group, lag, np.where(valid, roots, 0.0).sum(axis=0), n, pairs.distance * n,
        n_anchors, "deg" if places.angle else "m",
    )  # fmt: skip


def _in_time(ds: xr.Dataset, names: list[str], grid: Grid, rng: np.random.Generator) -> _Table:
    time = grid.time
    if time is None or time not in ds[names[0]].dims or not is_time(ds[time]):
        raise SpecError("The target has no dates, so no length in time.", field="axis")
    dims = [dim for dim in grid.horizontal if dim in ds[names[0]].dims]
    most_read = DRAW_BYTES // column_bytes(ds, names, time)
    n_columns, dates = columns_and_dates(ds, names, time, (_FEWEST_COLUMNS, N_COLUMNS), rng)
    last = min(dates.stop, dates.start + _HELD // _FEWEST_COLUMNS)
    ds = ds.isel({time: slice(dates.start, last)}).sortby(time)
    days = days_since_1970(ds[time])
    most = max(_FEWEST_COLUMNS, _HELD // days.size)
    n_columns, per_column = min(n_columns, most), _PER_COLUMN
    while True:
        spots = (min(per_column, most // n_columns), n_columns)
        cells, column = cells_in_columns(ds, names[0], dims, spots, rng)
        if dims:
            values = _values(ds, names, time, Places.of(ds, grid, field="axis"), cells)
        else:
            values = _left(read_cells(ds, names, time, dims, cells), days, np.zeros((1, 2)))
        parts = _pairs_in_time(values, days, column)
        enough = sum(part[3].sum() for part in parts) >= ENOUGH_PAIRS
        if enough or n_columns >= min(_MOST_COLUMNS, most_read, most) or not dims:
            break
        n_columns, per_column = min(4 * n_columns, most), 2 * per_column
    group, lag, roots, counts, distances = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return _table(group, lag, roots, counts, distances, int(column.max()) + 1, "D")


def _pairs_in_time(
    values: Floats, days: Floats, column: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats, Floats]]:
    """Return group, lag, sum of roots, number and sum of distances, for each lag and cell."""
    steps = np.unique(np.geomspace(1, max(1, days.size // 2), N_LAGS).astype(int))
    parts = []
    for k, step in enumerate(steps.tolist()):
        roots = np.sqrt(np.abs(values[step:] - values[:-step]))
        valid = np.isfinite(roots)
        apart = (days[step:] - days[:-step])[:, None]
        sums = np.where(valid, roots, 0.0).sum(axis=0), valid.sum(axis=0).astype(np.float64)
        parts.append((column, np.full(column.size, k), *sums, (valid * apart).sum(axis=0)))
    return parts


def _table(
    group: NDArray[np.int64], lag: NDArray[np.int64], roots: Floats, counts: Floats,
    distances: Floats, groups: int, unit: Literal["deg", "m", "D"],
) -> _Table:  # fmt: skip
    key = group * N_LAGS + lag

    def sums(part: Floats) -> Floats:
        found = np.bincount(key, weights=part, minlength=groups * N_LAGS)
        return found.astype(np.float64).reshape(groups, N_LAGS)

    return _Table(sums(roots), sums(counts), sums(distances), unit)


def _values(
    ds: xr.Dataset, names: list[str], time: str | None, places: Places, cells: NDArray[np.int64]
) -> Floats:
    read = read_cells(ds, names, time, places.dims, cells)
    y, x = (values.ravel()[cells] for values in places.every())
    days = np.zeros(1) if time is None or not is_time(ds[time]) else days_since_1970(ds[time])
    if len(days) != len(read[0]):
        days = np.arange(len(read[0]), dtype=np.float64)
    points = in_space(y, x, angle=places.angle)
    nowhere = ~np.isfinite(points).all(axis=1)
    for values in read:
        values[:, nowhere] = np.nan
    points[nowhere] = 0.0
    return _left(read, days, points)


def _left(read: list[Floats], days: Floats, points: Floats) -> Floats:
    target, *features = read
    return residuals(target, features) if features else anomalies(target, days, points)
