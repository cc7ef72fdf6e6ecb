"""Barycentric weights in the Delaunay triangle of centres that lie anyhow on the sphere."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from .centres import Centres, tangent_plane, unit_vectors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Nearest centres among which the corners are sought, 220 triples: on meshes of models they hold
#: the Delaunay triangle always, among centres strewn at random in 19 of 20 cases.
_NEAREST = 12
#: Points at a time, so that what is held of their triples stays at some megabytes.
_AT_ONCE = 2_048
_ROUNDING = 1e-9


def around_in_triangles(
    lat: Floats, lon: Floats, centres: Centres, y: Floats, x: Floats
) -> tuple[Ints, Floats]:
    """Return the three centres around each point and their barycentric weights.

    Seen in the plane that touches the sphere at the point, the weights are ratios of areas
    (T. Langer, A. Belyaev and H.-P. Seidel, Spherical Barycentric Coordinates, Symposium on
    Geometry Processing 2006). Of all triangles around the point, the Delaunay one has the
    smallest weighted sum of the heights of its corners over that plane (V. T. Rajan, Optimality
    of the Delaunay triangulation in R^d, Discrete Comput. Geom. 12, 189, 1994; on the sphere the
    triangulation is the convex hull: K. Q. Brown, Inf. Process. Lett. 9, 223, 1979), so that no
    triangulation of the whole sphere is needed. Values linear in the plane are reproduced.

    Parameters
    ----------
    lat, lon : ndarray of float64
        Degrees, of every cell.
    centres : Centres
        Of the same cells.
    y, x : ndarray of float64, shape (n,)

    Returns
    -------
    corners : ndarray of int64, shape (3, n)
        Flat positions.
    weights : ndarray of float64, shape (3, n)
        The nearest centre alone where the point lies in no triangle of the nearest ones.
    """
    vectors = unit_vectors(lat.ravel(), lon.ravel())
    _, near = centres.near(y, x, _NEAREST)
    corners = np.tile(near[:, 0], (3, 1))
    weights = np.zeros((3, y.size))
    weights[0] = 1.0
    if near.shape[1] < 3:
        return corners, weights
    triples = np.array(list(itertools.combinations(range(near.shape[1]), 3)))
    known = np.flatnonzero(np.isfinite(y) & np.isfinite(x))
    for start in range(0, known.size, _AT_ONCE):
        rows = known[start : start + _AT_ONCE]
        plane = tangent_plane(vectors[near[rows]], y[rows], x[rows])
        best, shares, there = _delaunay(plane, triples)
        mine = rows[there]
        corners[:, mine] = np.take_along_axis(near[mine], triples[best[there]], axis=1).T
        weights[:, mine] = shares[there].T
    return corners, weights


def _delaunay(
    plane: Floats, triples: NDArray[np.int64]
) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Return which triple holds the origin, its weights, and where there is one.

    Parameters
    ----------
    plane : ndarray of float64, shape (n, k, 2)
    triples : ndarray of int64, shape (m, 3)
    """
    east, north = plane[..., 0], plane[..., 1]
    cross = east[:, :, None] * north[:, None, :] - north[:, :, None] * east[:, None, :]
    a, b, c = triples.T
    parts = np.stack([cross[:, b, c], cross[:, c, a], cross[:, a, b]])
    area = parts.sum(axis=0)
    square = (plane**2).sum(axis=-1)
    # 1 / cos(angle) - 1 of each corner, without its rounding where the angle is small.
    height = square / (1 + np.sqrt(1 + square))
    widest = np.where(np.isnan(square), 0.0, square).max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = parts / np.where(np.abs(area) > _ROUNDING * widest[:, None], area, np.nan)
        holds = (shares >= -_ROUNDING).all(axis=0)
        total = shares[0] * height[:, a] + shares[1] * height[:, b] + shares[2] * height[:, c]
    total = np.where(holds, total, np.inf)
    best = total.argmin(axis=1)
    rows = np.arange(len(plane))
    mine = shares[:, rows, best].T
    mine = np.where(mine < _ROUNDING, 0.0, mine)
    there = np.isfinite(total[rows, best])
    with np.errstate(invalid="ignore"):
        return best, mine / mine.sum(axis=1, keepdims=True), there
