"""Which cells lie around points and how much each counts, on every kind of grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .nearest import Cells, Found, in_order, nearest
from .quads import around_in_quads
from .triangles import around_in_triangles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def linear(cells: Cells, y: Floats, x: Floats) -> Found:
    """Return the cells around each point and their weights, which are at least 0 and sum to 1.

    Two coordinates along dims: the four around the point, bilinear in them. Two dims with a
    place for every cell (swaths): the four around it, bilinear in the cell that their centres
    span. One dim (ICON, HEALPix): the three of the Delaunay triangle around it. Beyond the
    outermost centres a point has the value of the edge; along one dim, of the nearest cell.
    """
    closest = nearest(cells, y, x)
    if cells.rectilinear:
        return _bilinear(cells, y, x, closest)
    around = around_in_quads if len(cells.dims) == 2 else around_in_triangles
    corners, weights = around(cells.y, cells.x, cells.centres, y, x)
    places = np.unravel_index(corners, cells.y.shape)
    return Found(
        {dim: part.astype(np.int64) for dim, part in zip(cells.dims, places, strict=True)},
        weights,
        closest.distance,
        closest.inside,
    )


def _bilinear(cells: Cells, y: Floats, x: Floats, closest: Found) -> Found:
    south, north, up = _around(cells.y, y, circle=False)
    west, east, right = _around(cells.x, x, circle=cells.geographic)
    return Found(
        {
            cells.dims[0]: np.stack([south, south, north, north]),
            cells.dims[1]: np.stack([west, east, west, east]),
        },
        np.stack([(1 - up) * (1 - right), (1 - up) * right, up * (1 - right), up * right]),
        closest.distance,
        closest.inside,
    )


def _around(centres: Floats, values: Floats, *, circle: bool) -> tuple[Ints, Ints, Floats]:
    """Return the centres before and after each value, and how far it is on the way (0 to 1).

    Beyond the outermost centres, and across a hole wider than the cells on a circle, the nearest
    centre stands for both.
    """
    ordered, order, wanted = in_order(centres, values, circle=circle)
    after = np.clip(np.searchsorted(ordered, wanted), 1, max(ordered.size - 1, 1))
    before = after - 1
    after = np.minimum(after, ordered.size - 1)
    step = ordered[after] - ordered[before]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(np.where(step > 0, (wanted - ordered[before]) / step, 0.0), 0.0, 1.0)
    usual = np.median(np.diff(np.unique(centres))) if centres.size > 1 else 0.0
    share = np.where(step > 1.5 * usual, np.round(share), share) if circle else share
    return order[before].astype(np.int64), order[after].astype(np.int64), np.nan_to_num(share)
