"""Bilinear weights in the cell that four neighbouring centres of a curvilinear grid span."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .centres import Centres, tangent_plane, unit_vectors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Nearest centres whose four cells are searched: of sheared cells the nearest is no corner.
_NEAREST = 4
_ROUNDS = 12
#: What is this far outside a cell, as a share of it, is rounding.
_ROUNDING = 1e-9
#: Ends of an axis that lie at most this many usual steps apart are neighbours (tripolar grids).
_CLOSED = 1.5


@dataclass
class _Best:
    """The cell of each point that was found so far, and where in it the point lies.

    Attributes
    ----------
    outside : ndarray of float64, shape (n,)
        How far the point lies outside, as a share of the cell; infinite where there is none.
    corners : ndarray of int64, shape (4, n)
    u, v : ndarray of float64, shape (n,)
        From 0 to 1 along the second and the first dim.
    """

    outside: Floats
    corners: Ints
    u: Floats
    v: Floats


def around_in_quads(
    lat: Floats, lon: Floats, centres: Centres, y: Floats, x: Floats
) -> tuple[Ints, Floats]:
    """Return the four centres around each point and their bilinear weights.

    The point and the corners are seen in the plane that touches the sphere at the point, where
    the local coordinates u, v of the point solve ``sum w(u, v) corner = 0`` with
    ``w = (1 - u) (1 - v), u (1 - v), (1 - u) v, u v``. This is the bilinear remapping of SCRIP
    (P. W. Jones, A User's Guide for SCRIP, Los Alamos 1998, on bilinear remapping), which
    solves it by the same Newton iteration in longitude and latitude; the plane has no seam and
    no pole. Values that are linear in the plane, or in the index of the cells, are reproduced.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (rows, columns)
        Degrees, NaN for cells without a place.
    centres : Centres
        Of the same cells.
    y, x : ndarray of float64, shape (n,)

    Returns
    -------
    corners : ndarray of int64, shape (4, n)
        Flat positions.
    weights : ndarray of float64, shape (4, n)
        Beyond the outermost centres those of the nearest place on the edge; the nearest centre
        alone where no cell is near.
    """
    vectors = unit_vectors(lat, lon)
    closed = (_is_closed(vectors), _is_closed(vectors.swapaxes(0, 1)))
    _, near = centres.near(y, x, _NEAREST)
    n = y.size
    best = _Best(np.full(n, np.inf), np.tile(near[:, 0], (4, 1)), np.zeros(n), np.zeros(n))
    known = np.isfinite(y) & np.isfinite(x)
    for k, back_row, back_column in itertools.product(range(near.shape[1]), (0, 1), (0, 1)):
        left = np.flatnonzero(known & (best.outside > _ROUNDING))
        if not left.size:
            break
        row, column = np.unravel_index(near[left, k], lat.shape)
        rows, there = _pair(row - back_row, lat.shape[0], closed=closed[0])
        columns, also = _pair(column - back_column, lat.shape[1], closed=closed[1])
        left, rows, columns = (part[..., there & also] for part in (left, rows, columns))
        corners = (rows[:, None] * lat.shape[1] + columns[None]).reshape(4, -1)
        plane = tangent_plane(vectors.reshape(-1, 3)[corners.T], y[left], x[left])
        _keep_better(best, left, corners, *_local(plane))
    u, v = (_snapped(part) for part in (best.u, best.v))
    return best.corners, np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])


def _keep_better(best: _Best, which: NDArray[np.intp], corners: Ints, u: Floats, v: Floats) -> None:
    outside = np.maximum(np.abs(u - 0.5), np.abs(v - 0.5)) - 0.5
    better = outside < best.outside[which]
    mine = which[better]
    best.outside[mine] = outside[better]
    best.corners[:, mine] = corners[:, better]
    best.u[mine], best.v[mine] = u[better], v[better]


def _local(plane: Floats) -> tuple[Floats, Floats]:
    """Return where in the cell the origin lies; NaN where the iteration finds no place.

    Parameters
    ----------
    plane : ndarray of float64, shape (n, 4, 2)
        Corners in the order of the weights.
    """
    start = plane[:, 0]
    along, up = plane[:, 1] - start, plane[:, 2] - start
    twist = plane[:, 3] - plane[:, 2] - along
    u, v = np.full(len(plane), 0.5), np.full(len(plane), 0.5)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(_ROUNDS):
            left = start + along * u[:, None] + up * v[:, None] + twist * (u * v)[:, None]
            by_u, by_v = along + twist * v[:, None], up + twist * u[:, None]
            area = _cross(by_u, by_v)
            u, v = u - _cross(left, by_v) / area, v - _cross(by_u, left) / area
        left = start + along * u[:, None] + up * v[:, None] + twist * (u * v)[:, None]
        size = np.abs(along).max(axis=1) + np.abs(up).max(axis=1)
        found = np.abs(left).max(axis=1) <= _ROUNDING * size
    return np.where(found, u, np.nan), np.where(found, v, np.nan)


def _cross(first: Floats, second: Floats) -> Floats:
    found: Floats = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return found


def _pair(first: Ints, size: int, *, closed: bool) -> tuple[Ints, NDArray[np.bool_]]:
    """Return positions and their next ones, shape (2, n), and which of them there are."""
    pair = np.stack([first, first + 1])
    if closed:
        return pair % size, np.ones(first.shape, bool)
    there = (first >= 0) & (first + 1 < size)
    return np.where(there, pair, 0), there


def _is_closed(vectors: Floats) -> bool:
    """Return whether the last line of centres lies beside the first."""
    if len(vectors) < 3:
        return False
    steps = np.linalg.norm(np.diff(vectors, axis=0), axis=-1)
    across = np.linalg.norm(vectors[-1] - vectors[0], axis=-1)
    known = np.isfinite(across)
    if not known.any() or not np.isfinite(steps).any():
        return False
    return bool(np.median(across[known]) <= _CLOSED * np.nanmedian(steps))


def _snapped(share: Floats) -> Floats:
    """Return shares within 0 and 1, exact at the corners: a centre has no other neighbour."""
    share = np.clip(share, 0.0, 1.0)
    share = np.where(share < _ROUNDING, 0.0, share)
    return np.where(share > 1 - _ROUNDING, 1.0, share)
