"""Which cells are nearest to points, on every kind of grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.grid import Grid
from ..grids.positions import positions
from ..splits.distance import EARTH_RADIUS
from .centres import Centres, unit_vectors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Centres of the cells of a cube.

    Attributes
    ----------
    dims : tuple of str
        The horizontal dims.
    y, x : ndarray of float64
        Along each dim on a rectilinear grid, else of every cell over all of `dims`.
    geographic : bool
        Whether they are degrees.
    rectilinear : bool
    """

    dims: tuple[str, ...]
    y: Floats
    x: Floats
    geographic: bool
    rectilinear: bool

    @cached_property
    def centres(self) -> Centres:
        """Those that have a place, where the cells are not rectilinear.

        Raises
        ------
        CubeError
            ``unsupported_grid`` where no cell has one.
        """
        return Centres.of(self.y, self.x)

    @classmethod
    def of(cls, cube: xr.Dataset, grid: Grid) -> Cells:
        """Return the cells of `cube`; projected ones by latitude and longitude where given.

        Raises
        ------
        CubeError
            ``unsupported_grid`` where they have no place.
        """
        if grid.kind == "rectilinear" and not grid.geographic and grid.lat and grid.lon:
            lat, lon = cube[grid.lat], cube[grid.lon].transpose(*cube[grid.lat].dims)
            dims = tuple(map(str, lat.dims))
            y, x = (np.asarray(part.values, dtype=np.float64) for part in (lat, lon))
            return cls(dims, y, x, geographic=True, rectilinear=False)
        places = positions(cube, grid)
        return cls(
            grid.horizontal if grid.kind == "rectilinear" else tuple(map(str, places.y.dims)),
            places.y.values,
            places.x.values,
            geographic=grid.geographic,
            rectilinear=grid.kind == "rectilinear",
        )


@dataclass(frozen=True)
class Found:
    """Cells of points.

    Attributes
    ----------
    places : dict
        Positions along each dim: of every point, or of every corner and point.
    weights : ndarray of float64, shape (corners, points)
        How much each corner counts; one corner where only the nearest cell does.
    distance : ndarray of float64
        Metres to the centre of the nearest cell, NaN where the point has no place.
    inside : ndarray of bool
        Whether the point lies in a cell.
    """

    places: dict[str, NDArray[np.int64]]
    weights: Floats
    distance: Floats
    inside: NDArray[np.bool_]


def nearest(cells: Cells, y: Floats, x: Floats) -> Found:
    """Return the nearest cell of each point."""
    if not cells.rectilinear:
        return _nearest_scattered(cells, y, x)
    along_y, inside_y = _nearest_along(cells.y, y, circle=False)
    along_x, inside_x = _nearest_along(cells.x, x, circle=cells.geographic)
    return Found(
        {cells.dims[0]: along_y, cells.dims[1]: along_x},
        np.ones((1, y.size)),
        _distance(cells, y, x, cells.y[along_y], cells.x[along_x]),
        inside_y & inside_x,
    )


def _nearest_scattered(cells: Cells, y: Floats, x: Floats) -> Found:
    chords, place = cells.centres.near(y, x)
    at = np.unravel_index(place[:, 0], cells.y.shape)
    return Found(
        {dim: part.astype(np.int64) for dim, part in zip(cells.dims, at, strict=True)},
        np.ones((1, y.size)),
        2 * EARTH_RADIUS * np.arcsin(np.clip(chords[:, 0] / 2, 0, 1)),
        chords[:, 0] <= cells.centres.usual,
    )


def in_order(
    centres: Floats, values: Floats, *, circle: bool
) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return centres in order with their positions, and values on the same turn of the circle.

    On a circle the first centre comes again at the end and the last one at the beginning.
    """
    if circle:
        centres = np.mod(centres, 360.0)
    order = np.argsort(centres, kind="stable")
    ordered = centres[order]
    if not circle or not ordered.size:
        return ordered, order, values
    ordered = np.concatenate([ordered[-1:] - 360, ordered, ordered[:1] + 360])
    return ordered, np.concatenate([order[-1:], order, order[:1]]), np.mod(values, 360.0)


def _nearest_along(
    centres: Floats, values: Floats, *, circle: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the position of the nearest centre, and whether it is half a cell away at most."""
    ordered, order, wanted = in_order(centres, values, circle=circle)
    after = np.clip(np.searchsorted(ordered, wanted), 0, ordered.size - 1)
    before = np.maximum(after - 1, 0)
    closer = np.abs(wanted - ordered[before]) <= np.abs(ordered[after] - wanted)
    place = np.where(closer, before, after)
    steps = np.diff(np.unique(centres))
    # Coordinates went through float32, which half a cell may not hang on.
    half = (float(np.median(steps)) / 2 if steps.size else 0.5) * (1 + 1e-4)
    inside = np.isfinite(values) & (np.abs(ordered[place] - wanted) <= half)
    return order[place].astype(np.int64), inside


def _distance(cells: Cells, y: Floats, x: Floats, to_y: Floats, to_x: Floats) -> Floats:
    if not cells.geographic:
        return np.hypot(y - to_y, x - to_x)
    chords = np.linalg.norm(unit_vectors(y, x) - unit_vectors(to_y, to_x), axis=-1)
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.clip(chords / 2, 0, 1)))
