"""Which cells lie too near to blocks that are held out.

The distance is measured to the block, of which the cube may hold no cell: so it is a function
of the cell's coordinates, and the same in every crop.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.grid import Grid
from ..grids.sizes import Size
from .axes import CutAxis, along, axis_of, block_hash
from .buffer import Buffer
from .distance import BoxRow, Geometry, Plane, Reached, Sphere, near_at, near_on_grid
from .roles import BUFFER, role_array

#: Role codes of block ids.
Draw = Callable[[NDArray[np.int64]], NDArray[np.int8]]
Bools = NDArray[np.bool_]
_EDGE = 1e-6


def remove_near_blocks(
    frame: xr.Dataset,
    grid: Grid,
    cuts: list[tuple[CutAxis, Size]],
    roles: xr.DataArray,
    rule: tuple[int, Draw],
    buffer: Buffer,
) -> xr.DataArray:
    """Return `roles` with the cells removed that lie within `buffer` of a held-out block.

    Parameters
    ----------
    frame : xarray.Dataset
    grid : Grid
    cuts : list
        Axes with the size of their blocks, in canonical order.
    roles : xarray.DataArray
        Roles of the cells by block.
    rule : tuple
        Seed of the blocks, and what gives the role of their ids.
    buffer : Buffer
    """
    if not roles.size:
        return roles
    cuts = [(axis.placed(), size) for axis, size in cuts]
    places = _Places.of(frame, grid, cuts, buffer)
    times = next((cut for cut in cuts if cut[0].role == "time"), None)
    others = [cut for cut in cuts if cut[0].role is None]
    table = _BlockTable(places, *rule, dated=times is not None)
    # Points in situ have a time each: it runs along the same dim as their places.
    tied = times is not None and bool(places.dims) and times[0].dims == places.dims
    outer = [
        dim for axis, _ in ([times] if times and not tied else []) + others for dim in axis.dims
    ]
    full = roles.broadcast_like(places.template(frame)).transpose(*outer, *places.dims)
    shape = full.shape[: len(outer)]
    codes = full.values.reshape(shape[0] if times and not tied else 1, -1, *places.shape).copy()
    kinds = _groups([axis.index(size) for axis, size in others])
    for start, stop, mine in _windows(times, buffer.days):
        for others_index, columns in kinds:
            near = [table.near(k, others_index) for k in range(start, stop + 1)]
            held, test = (np.logical_or.reduce([pair[i] for pair in near]) for i in (0, 1))
            if tied:
                here = np.isin(np.arange(held.size), mine).reshape(held.shape)
                held, test = held & here, test & here
            box = np.ix_(np.zeros(1, np.intp) if tied else mine, columns)
            found = codes[box]
            found[((found == 0) & held) | ((found == 1) & test)] = BUFFER
            codes[box] = found
        table.forget(start)
    cleared = role_array(codes.reshape(full.shape), full.dims, full.coords)
    return cleared.transpose(*(dim for dim in frame.dims if dim in cleared.dims))


def _windows(
    times: tuple[CutAxis, Size] | None, days: float
) -> Iterable[tuple[int, int, NDArray[np.intp]]]:
    """Yield the first and last time block in reach, and the times that this holds for."""
    if times is None:
        yield 0, 0, np.array([0])
        return
    axis, size = times
    first, last = (
        np.floor((axis.values + sign * days) / size.value + _EDGE).astype(np.int64)
        for sign in (-1, 1)
    )
    pairs, group = np.unique(np.stack([first, last], axis=1), axis=0, return_inverse=True)
    for i, (start, stop) in enumerate(pairs.tolist()):
        yield start, stop, np.flatnonzero(group.ravel() == i)


def _groups(indices: list[NDArray[np.int64]]) -> list[tuple[tuple[int, ...], NDArray[np.intp]]]:
    """Return each combination of blocks along the other axes with its flat positions."""
    if not indices:
        return [((), np.array([0]))]
    flat = np.stack([index.ravel() for index in np.meshgrid(*indices, indexing="ij")], axis=1)
    rows, group = np.unique(flat, axis=0, return_inverse=True)
    return [(tuple(row), np.flatnonzero(group.ravel() == i)) for i, row in enumerate(rows.tolist())]


@dataclass(frozen=True)
class _Lines:
    """Blocks along one horizontal axis, as far as the buffer reaches.

    Attributes
    ----------
    numbers : list of int or None
        Block indices; None where this axis is not cut.
    low, high : ndarray of float64
        Edges.
    """

    numbers: list[int] | None
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(
        cls, cut: tuple[CutAxis, Size] | None, margin: float, whole: tuple[float, float]
    ) -> _Lines:
        if cut is None:
            return cls(None, np.array([whole[0]]), np.array([whole[1]]))
        axis, size = cut
        if axis.circular:
            numbers = np.arange(axis.blocks_around(size))
        elif axis.values.size == 0:
            numbers = np.arange(0)
        else:
            first = math.floor((axis.values.min() - margin) / size.value) - 1
            last = math.floor((axis.values.max() + margin) / size.value) + 1
            numbers = np.arange(first, last + 1)
        low = np.maximum(numbers * size.value, whole[0])
        high = np.minimum((numbers + 1) * size.value, whole[1])
        real = high > low
        return cls(numbers[real].tolist(), low[real], high[real])


@dataclass(frozen=True)
class _Places:
    """Where the cells are, and the blocks around them."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    own: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]
    rows: _Lines
    columns: _Lines
    circular: bool
    scattered: bool
    reach: float
    geometry: Geometry
    reached: Reached = field(default_factory=dict)

    @classmethod
    def of(
        cls, frame: xr.Dataset, grid: Grid, cuts: list[tuple[CutAxis, Size]], buffer: Buffer
    ) -> _Places:
        by_role = {axis.role: (axis, size) for axis, size in cuts}
        y_cut, x_cut = by_role.get("y"), by_role.get("x")
        y, x = (None if cut is None else cut[0] for cut in (y_cut, x_cut))
        one = y or x
        angle = one is not None and one.kind == "angle"
        reach = 0.0 if one is None else buffer.reach(one.kind)
        alone = grid.kind == "rectilinear" and grid.y is None
        if x is not None and y is None and angle and reach and not alone:
            # Meridians meet at the poles, so how far a block is depends on the latitude.
            y = axis_of(frame, grid, "lat", field="split.buffer").placed()
        scattered = (one is not None and len(one.dims) > 1) or (
            y is not None and x is not None and y.dims == x.dims
        )
        axes = [axis for axis in (y, x) if axis is not None]
        dims = axes[0].dims if scattered else tuple(dim for axis in axes for dim in axis.dims)
        nowhere = np.zeros(axes[0].values.shape if scattered else 1)
        whole = (-90.0, 90.0) if angle else (-np.inf, np.inf)
        around = (0.0, 360.0) if x_cut is None or x_cut[0].circular else (-np.inf, np.inf)
        return cls(
            dims=dims,
            shape=axes[0].values.shape if scattered else tuple(a.values.size for a in axes),
            y=nowhere if y is None else y.values,
            x=nowhere if x is None else x.values,
            own=(
                None if y_cut is None else y_cut[0].index(y_cut[1]),
                None if x_cut is None else x_cut[0].index(x_cut[1]),
            ),
            rows=_Lines.of(y_cut, reach, whole),
            columns=_Lines.of(x_cut, reach if not angle else 360.0, around),
            circular=x is None or x.circular,
            scattered=scattered,
            reach=reach,
            geometry=Sphere() if angle else Plane(),
        )

    def template(self, frame: xr.Dataset) -> xr.DataArray:
        """Return an empty array over the dims of the cells."""
        return xr.DataArray(
            np.zeros(self.shape, np.int8),
            dims=self.dims,
            coords=along(frame, self.dims),
        )

    def within(self, chosen: Bools) -> Bools:
        """Return the cells within reach of the `chosen` blocks, shape (rows, columns)."""
        if self.reach == 0:
            return self._inside(chosen)
        rows = [
            BoxRow(
                float(south), float(north), self.columns.low[k], self.columns.high[k], self.circular
            )
            for south, north, k in zip(self.rows.low, self.rows.high, chosen, strict=True)
        ]
        where = (self.y, self.x, rows, self.reach, self.geometry)
        found = near_at(*where) if self.scattered else near_on_grid(*where, self.reached)
        return found.reshape(self.shape)

    def _inside(self, chosen: Bools) -> Bools:
        """Return the cells of the `chosen` blocks themselves."""
        spots = []
        for own, lines in zip(self.own, (self.rows, self.columns), strict=True):
            if own is None or lines.numbers is None:
                spots.append(np.zeros(self.y.shape if self.scattered else 1, np.intp))
            else:
                spots.append(np.searchsorted(lines.numbers, own))
        box = tuple(spots) if self.scattered else np.ix_(*spots)
        return chosen[box].reshape(self.shape)


class _BlockTable:
    """The cells near the held-out blocks of each time block, worked out once."""

    def __init__(self, places: _Places, seed: int, draw: Draw, *, dated: bool) -> None:
        self._places = places
        self._seed = seed
        self._draw = draw
        self._dated = dated
        self._known: dict[tuple[int, tuple[int, ...]], tuple[Bools, Bools]] = {}

    def near(self, time: int, others: tuple[int, ...]) -> tuple[Bools, Bools]:
        """Return the cells near any held-out block, and those near a test block."""
        if (time, others) not in self._known:
            rows, columns = self._places.rows, self._places.columns
            moment = (time,) if self._dated else ()
            ids = [
                block_hash(self._seed, (*moment, *row, *column, *others))
                for row, column in itertools.product(_keys(rows), _keys(columns))
            ]
            roles = self._draw(np.array(ids, np.int64)).reshape(rows.low.size, columns.low.size)
            self._known[time, others] = (
                self._places.within((roles == 1) | (roles == 2)),
                self._places.within(roles == 2),
            )
        return self._known[time, others]

    def forget(self, before: int) -> None:
        """Drop what no later window needs."""
        for key in [key for key in self._known if key[0] < before]:
            del self._known[key]


def _keys(lines: _Lines) -> list[tuple[int, ...]]:
    return [()] if lines.numbers is None else [(number,) for number in lines.numbers]
