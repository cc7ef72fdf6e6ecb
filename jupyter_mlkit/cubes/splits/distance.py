"""Distance of cells to boxes, on the sphere and in the plane: functions of coordinates alone.

A box is what lies between two parallels and two meridians (or lines of the grid). On the
sphere, the distance of a point to a box grows with its offset in longitude to the box, so for
each latitude and row of boxes there is one offset up to which a point is within reach; a grid
then needs no distance per cell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Mean radius of the Earth (IUGG), m.
EARTH_RADIUS = 6_371_008.8
#: Halvings of 180 deg until the offset is known to 1e-7 deg.
_HALVINGS = 32


class Geometry(ABC):
    """How far a box reaches, in degrees of arc or in the units of the plane."""

    @abstractmethod
    def within(
        self, y: Floats, offset: Floats, south: float, north: float, reach: float
    ) -> NDArray[np.bool_]:
        """Return whether points at `y`, `offset` beside a box, are at most `reach` from it."""

    @abstractmethod
    def offsets(self, y: Floats, south: float, north: float, reach: float) -> Floats:
        """Return the largest offset within `reach` of a box at each `y`, -1 where there is none."""


class Sphere(Geometry):
    """Great circles; latitudes, offsets in longitude and reach in degrees."""

    def within(
        self, y: Floats, offset: Floats, south: float, north: float, reach: float
    ) -> NDArray[np.bool_]:
        """Return whether the nearest point of the box is at most `reach` away."""
        return self._distance(y, offset, south, north) <= reach

    def offsets(self, y: Floats, south: float, north: float, reach: float) -> Floats:
        """Find the offset by bisection, as the distance grows with it."""
        low, high = np.zeros(y.shape), np.full(y.shape, 180.0)
        never = ~self.within(y, low, south, north, reach)
        always = self.within(y, high, south, north, reach)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            near = self.within(y, middle, south, north, reach)
            low, high = np.where(near, middle, low), np.where(near, high, middle)
        # Rounded, so that the last bit of a sine cannot move a cell.
        return np.where(never, -1.0, np.where(always, 180.0, np.round(low, 6)))

    @staticmethod
    def _distance(y: Floats, offset: Floats, south: float, north: float) -> Floats:
        """Return the distance to the arc of a meridian, `offset` degrees of longitude away.

        The cosine of the distance to its point at latitude q is ``r cos(q - p)`` with
        ``tan p = tan y / cos(offset)``: it is nearest at q = p, or else at an end.
        """
        phi = np.radians(y)
        along = np.cos(phi) * np.cos(np.radians(offset))
        r, p = np.hypot(np.sin(phi), along), np.arctan2(np.sin(phi), along)
        a, b = np.radians(south), np.radians(north)
        best = np.maximum(np.cos(a - p), np.cos(b - p))
        cosine = r * np.where((a <= p) & (p <= b), 1.0, best)
        # The arc cosine knows no angle below 1e-6 deg; points beside the box have none at all.
        straight = np.maximum(0.0, np.maximum(south - y, y - north))
        found: Floats = np.where(
            offset <= 0, straight, np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        )
        return found


class Plane(Geometry):
    """Euclidean distance in the units of the grid."""

    def within(
        self, y: Floats, offset: Floats, south: float, north: float, reach: float
    ) -> NDArray[np.bool_]:
        """Return whether the nearest point of the box is at most `reach` away."""
        return np.hypot(self._beside(y, south, north), offset) <= reach

    def offsets(self, y: Floats, south: float, north: float, reach: float) -> Floats:
        """Return ``sqrt(reach**2 - dy**2)``."""
        dy = self._beside(y, south, north)
        return np.where(dy <= reach, np.sqrt(np.maximum(0.0, reach**2 - dy**2)), -1.0)

    @staticmethod
    def _beside(y: Floats, south: float, north: float) -> Floats:
        return np.maximum(0.0, np.maximum(south - y, y - north))


@dataclass(frozen=True)
class BoxRow:
    """Boxes between the same two parallels.

    Attributes
    ----------
    south, north : float
    west, east : ndarray of float64, shape (n,)
        Sorted edges of the boxes; they may overlap, and east may exceed 360.
    circular : bool
        Whether x is longitude, taken modulo 360.
    """

    south: float
    north: float
    west: Floats
    east: Floats
    circular: bool

    def offset(self, x: Floats) -> Floats:
        """Return how far each `x` is from the nearest box along the row, 0 inside."""
        if self.west.size == 0:
            return np.full(x.shape, np.inf)
        turns = (-360.0, 0.0, 360.0) if self.circular else (0.0,)
        west = np.concatenate([[-np.inf], *(self.west + turn for turn in turns), [np.inf]])
        east = np.concatenate([[-np.inf], *(self.east + turn for turn in turns), [np.inf]])
        begun = np.searchsorted(np.sort(west), x, side="right")
        ended = np.searchsorted(np.sort(east), x, side="left")
        to_west = np.sort(west)[np.minimum(begun, west.size - 1)] - x
        from_east = x - np.sort(east)[ended - 1]
        return np.where(begun > ended, 0.0, np.minimum(to_west, from_east))


#: Lines of a grid near a row of boxes, with the offset in reach of each, by edges of the row.
Reached = dict[tuple[float, float], tuple[NDArray[np.intp], Floats]]


def near_on_grid(
    y: Floats,
    x: Floats,
    rows: Sequence[BoxRow],
    reach: float,
    geometry: Geometry,
    known: Reached | None = None,
) -> NDArray[np.bool_]:
    """Return which cells of a grid are within `reach` of any box, shape (len(y), len(x)).

    `known` keeps what depends on the parallels of a row alone, for other boxes on them.
    """
    near = np.zeros((y.size, x.size), dtype=bool)
    known = {} if known is None else known
    for row in rows:
        edges = (row.south, row.north)
        if not row.west.size:
            continue
        if edges not in known:
            lines = np.flatnonzero((y >= row.south - reach) & (y <= row.north + reach))
            known[edges] = lines, geometry.offsets(y[lines], *edges, reach)
        lines, most = known[edges]
        if lines.size:
            near[lines] |= row.offset(x)[None, :] <= most[:, None]
    return near


def near_at(
    y: Floats, x: Floats, rows: Sequence[BoxRow], reach: float, geometry: Geometry
) -> NDArray[np.bool_]:
    """Return which of the points (y, x), arrays of one shape, are within `reach` of any box."""
    near = np.zeros(y.shape, dtype=bool)
    for row in rows:
        mine = (y >= row.south - reach) & (y <= row.north + reach)
        if row.west.size and mine.any():
            offset = row.offset(x[mine])
            near[mine] |= geometry.within(y[mine], offset, row.south, row.north, reach)
    return near
