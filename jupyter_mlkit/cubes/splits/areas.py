"""Areas that are held out: boxes, polygons, masks."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from .distance import BoxRow, Plane, Sphere, near_at, near_on_grid
from .places import Places, chord, in_space

Bools = NDArray[np.bool_]
#: Points on the outline of a polygon are at most this share of the buffer apart.
_OUTLINE_SHARE = 0.05


class Area(ABC):
    """A part of the map."""

    @abstractmethod
    def contains(self, places: Places) -> Bools:
        """Return the cells whose centre is inside, edges included; shape ``places.shape``."""

    @abstractmethod
    def near(self, places: Places, reach: float) -> Bools:
        """Return the cells within `reach` (degrees of arc, or metres) of it, itself included."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready builtins."""


@dataclass(frozen=True)
class Box(Area):
    """What lies between two meridians and two parallels (or lines of a projected grid).

    Attributes
    ----------
    west, south, east, north : float
        Edges, included. On longitudes west may be larger than east: the box then crosses the
        seam.
    """

    west: float
    south: float
    east: float
    north: float

    def contains(self, places: Places) -> Bools:
        """Return the cells inside."""
        return self._search(places, 0.0)

    def near(self, places: Places, reach: float) -> Bools:
        """Return the cells within `reach`."""
        return self._search(places, reach)

    def to_dict(self) -> dict[str, Any]:
        """Return the four edges."""
        return {"west": self.west, "south": self.south, "east": self.east, "north": self.north}

    def _search(self, places: Places, reach: float) -> Bools:
        width = self.east - self.west
        west = self.west
        if places.angle:
            width = 360.0 if width >= 360 else width % 360
            west %= 360
        edges = np.array([west]), np.array([west + width])
        row = BoxRow(self.south, self.north, *edges, circular=places.angle)
        search = near_at if places.scattered else near_on_grid
        geometry = Sphere() if places.angle else Plane()
        return search(places.y, places.x, [row], reach, geometry).reshape(places.shape)


@dataclass(frozen=True)
class Polygon(Area):
    """A region with a name, such as those of regionmask.

    Attributes
    ----------
    name : str
    wkt : str
        Its outline in longitude and latitude (or in the CRS of the grid).
    """

    name: str
    wkt: str

    def contains(self, places: Places) -> Bools:
        """Return the cells inside."""
        import shapely  # type: ignore[import-untyped, unused-ignore]

        y, x = places.every()
        inside = np.zeros(y.shape, dtype=bool)
        south, north = self._shape.bounds[1], self._shape.bounds[3]
        mine = (y >= south) & (y <= north)
        for turn in (-360.0, 0.0) if places.angle else (0.0,):
            inside[mine] |= shapely.intersects_xy(self._shape, x[mine] + turn, y[mine])
        return inside

    def near(self, places: Places, reach: float) -> Bools:
        """Return the cells inside, or within `reach` of the outline."""
        from scipy.spatial import cKDTree

        outline = np.concatenate(
            [np.asarray(part.coords)[:, :2] for part in self._outline(reach * _OUTLINE_SHARE)]
        )
        tree = cKDTree(in_space(outline[:, 1], outline[:, 0], angle=places.angle))
        return self.contains(places) | _within(tree, outline[:, 1], places, reach)

    def to_dict(self) -> dict[str, Any]:
        """Return name and outline."""
        return {"name": self.name, "wkt": self.wkt}

    def _outline(self, step: float) -> list[Any]:
        import shapely  # type: ignore[import-untyped, unused-ignore]

        edge = shapely.segmentize(self._shape.boundary, max(step, 1e-3))
        return list(shapely.get_parts(edge))

    @cached_property
    def _shape(self) -> Any:
        import shapely  # type: ignore[import-untyped, unused-ignore]

        shape = shapely.from_wkt(self.wkt)
        shapely.prepare(shape)
        return shape


@dataclass(frozen=True, eq=False)
class Mask(Area):
    """Cells of a mask, on the grid of the cube.

    Attributes
    ----------
    name : str
        What the mask is called.
    places : Places
        Where its cells are.
    cells : ndarray of bool
        Which are held out.
    """

    name: str
    places: Places
    cells: Bools

    def contains(self, places: Places) -> Bools:
        """Return the cells that the mask holds out.

        Raises
        ------
        SpecError
            ``other_grid``: a cell is not among those of the mask.
        """
        if places.scattered or self.places.scattered:
            return self._looked_up(places)
        rows, columns = (
            _positions(wanted, held, self.name)
            for wanted, held in ((places.y, self.places.y), (places.x, self.places.x))
        )
        return self.cells[np.ix_(rows, columns)]

    def near(self, places: Places, reach: float) -> Bools:
        """Return the cells within `reach` of a cell of the mask."""
        if not self.cells.any():
            return np.zeros(places.shape, dtype=bool)
        y, _ = self.places.every()
        return self.contains(places) | _within(self._tree, y[self.cells], places, reach)

    def to_dict(self) -> dict[str, Any]:
        """Return name, number of cells and the digest of their places."""
        y, x = (values[self.cells] for values in self.places.every())
        order = np.lexsort([x, y])
        digest = hashlib.blake2b(np.stack([y[order], x[order]]).tobytes(), digest_size=8)
        return {"mask": self.name, "cells": int(self.cells.sum()), "digest": digest.hexdigest()}

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        y, x = (values[self.cells] for values in self.places.every())
        return cKDTree(in_space(y, x, angle=self.places.angle))

    def _looked_up(self, places: Places) -> Bools:
        held = np.stack([values.ravel() for values in self.places.every()], axis=1)
        wanted = np.stack([values.ravel() for values in places.every()], axis=1)
        both, inverse = np.unique(np.concatenate([held, wanted]), axis=0, return_inverse=True)
        inverse = inverse.ravel()
        table = np.full(len(both), -1, np.int8)
        table[inverse[: len(held)]] = self.cells.ravel()
        found = table[inverse[len(held) :]]
        if (found < 0).any():
            raise _other_grid(self.name)
        held_out: Bools = (found == 1).reshape(places.shape)
        return held_out


def area_from_dict(rule: Mapping[str, Any]) -> Area:
    """Read what ``to_dict`` of a box or polygon returned.

    Raises
    ------
    SpecError
        ``mask_needed``: a mask is stored by its digest alone.
    """
    if "wkt" in rule:
        return Polygon(rule["name"], rule["wkt"])
    if "mask" in rule:
        raise SpecError(
            f"The mask '{rule['mask']}' is not stored with the split, only its digest.",
            hint="Make the split again from the mask, and compare the hash.",
            code="mask_needed",
            field="split",
        )
    return Box(rule["west"], rule["south"], rule["east"], rule["north"])


def _within(tree: Any, y: NDArray[np.float64], places: Places, reach: float) -> Bools:
    """Return the cells within `reach` of the points of `tree`, whose latitudes are `y`."""
    most = chord(reach) if places.angle else reach
    every_y, every_x = places.every()
    near: Bools = (every_y >= y.min() - reach) & (every_y <= y.max() + reach)
    points = in_space(every_y[near], every_x[near], angle=places.angle)
    distance, _ = tree.query(points, distance_upper_bound=most * (1 + 1e-9))
    near[near] = distance <= most
    return near


def _positions(
    wanted: NDArray[np.float64], held: NDArray[np.float64], name: str
) -> NDArray[np.intp]:
    order = np.argsort(held, kind="stable")
    place = np.minimum(np.searchsorted(held[order], wanted), held.size - 1)
    if not np.array_equal(held[order][place], wanted):
        raise _other_grid(name)
    return order[place]


def _other_grid(name: str) -> SpecError:
    return SpecError(
        f"The mask '{name}' is on another grid than the cube.",
        hint="Bring it to the cube's grid first: mask.interp_like(cube, method='nearest').",
        code="other_grid",
        field="split",
    )


def mask_of(mask: xr.DataArray, places: Places) -> Mask:
    """Return a mask on the grid that `places` describes; cells that are 0, False or NaN are out.

    Raises
    ------
    SpecError
        ``other_grid`` where it has other dims.
    """
    name = str(mask.name or "mask")
    if set(mask.dims) != set(places.dims):
        raise SpecError(
            f"The mask '{name}' is over {', '.join(map(str, mask.dims)) or 'nothing'}, the map of "
            f"the cube over {', '.join(places.dims)}.",
            hint="A mask of a split has the horizontal dims of the cube and no others.",
            code="other_grid",
            field="split",
        )
    values = np.asarray(mask.transpose(*places.dims).values)
    if values.dtype.kind not in "biuf":
        raise SpecError(f"The mask '{name}' holds {values.dtype}, not numbers.", field="split")
    if values.shape != places.shape:
        raise _other_grid(name)
    return Mask(name, places, np.nan_to_num(values.astype(np.float64)) != 0)
