"""Centres of cells that lie scattered on the sphere: which are near, and a plane about a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CubeError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Centres that tell the usual distance of neighbours as well as all of them.
_SAMPLE = 10_000


@dataclass(frozen=True)
class Centres:
    """Cells that have a place, and a tree of them.

    Attributes
    ----------
    number : ndarray of int64
        Flat position of each among all cells.
    vectors : ndarray of float64, shape (n, 3)
        On the unit sphere.
    tree : scipy.spatial.cKDTree
    """

    number: Ints
    vectors: Floats
    tree: Any

    @classmethod
    def of(cls, lat: Floats, lon: Floats) -> Centres:
        """Return the centres at `lat` and `lon`, any shape, in degrees.

        Raises
        ------
        CubeError
            ``unsupported_grid`` where no cell has a place.
        """
        from scipy.spatial import cKDTree

        number = np.flatnonzero(np.isfinite(lat.ravel()) & np.isfinite(lon.ravel()))
        if not number.size:
            raise CubeError("No cell of the cube has a place.", code="unsupported_grid")
        vectors = unit_vectors(lat.ravel()[number], lon.ravel()[number])
        return cls(number.astype(np.int64), vectors, cKDTree(vectors))

    def near(self, lat: Floats, lon: Floats, k: int = 1) -> tuple[Floats, Ints]:
        """Return the `k` nearest centres of each point, the nearest first.

        Returns
        -------
        chords : ndarray of float64, shape (n, k)
            Straight distance on the unit sphere, NaN where the point has no place.
        cells : ndarray of int64, shape (n, k)
            Flat positions.
        """
        k = min(k, self.number.size)
        known = np.isfinite(lat) & np.isfinite(lon)
        chords, found = np.full((lat.size, k), np.nan), np.zeros((lat.size, k), np.int64)
        chords[known], found[known] = self.tree.query(
            unit_vectors(lat[known], lon[known]), k=range(1, k + 1)
        )
        return chords, self.number[found]

    @property
    def usual(self) -> float:
        """Median distance of neighbours, as a chord; 0 of one cell."""
        if self.number.size < 2:
            return 0.0
        some = self.vectors[:: max(1, self.number.size // _SAMPLE)]
        return float(np.median(self.tree.query(some, k=2)[0][:, 1]))


def unit_vectors(lat: Floats, lon: Floats) -> Floats:
    """Return points on the unit sphere, with one axis of length 3 more."""
    phi, theta = np.radians(lat), np.radians(lon)
    parts = (np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi))
    return np.stack(parts, axis=-1)


def tangent_plane(vectors: Floats, lat: Floats, lon: Floats) -> Floats:
    """Project directions onto the plane that touches the sphere at points: the gnomonic view.

    Great circles become straight lines there, whatever the latitude, and the point itself lies
    at the origin.

    Parameters
    ----------
    vectors : ndarray of float64, shape (n, k, 3)
    lat, lon : ndarray of float64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n, k, 2)
        To the east and to the north, in radii; NaN for what lies on the other hemisphere.
    """
    phi, theta = np.radians(lat), np.radians(lon)
    zero = np.zeros_like(phi)
    east = np.stack([-np.sin(theta), np.cos(theta), zero], axis=-1)
    north = np.stack(
        [-np.sin(phi) * np.cos(theta), -np.sin(phi) * np.sin(theta), np.cos(phi)], axis=-1
    )
    up = np.einsum("nkc,nc->nk", vectors, unit_vectors(lat, lon))
    flat = np.einsum("nkc,anc->nka", vectors, np.stack([east, north]))
    found: Floats = flat / np.where(up > 0, up, np.nan)[..., None]
    return found
