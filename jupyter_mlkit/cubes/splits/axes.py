"""The axes along which a split cuts: coordinates of cells in the form that identifies them."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.coordinates import cell_coordinates, days_since_1970, kind_of, no_coordinate
from ..grids.grid import AXIS_NAMES, Axis, Grid
from ..grids.sizes import Kind, Size
from .roles import BUFFER

Number = TypeVar("Number", np.int8, np.int64)

#: Round-off in coordinates must not push a cell on an edge into the block before.
_EDGE = 1e-6
_ORDER: dict[Axis | None, int] = {"time": 0, "y": 1, "x": 2, None: 3}


@dataclass(frozen=True)
class CutAxis:
    """One axis of a cube, with the place of each cell on it.

    Attributes
    ----------
    name : str
        Dim, or the coordinate of scattered cells.
    role : {"time", "y", "x"} or None
    dims : tuple of str
        Dims of `values`: one, or all horizontal dims where cells are scattered.
    kind : {"angle", "length", "time", "plain"}
    circular : bool
        Whether it is longitude, taken modulo 360.
    values : ndarray of float64
        Degrees, metres, days since 1970, or the coordinate's own unit.
    """

    name: str
    role: Axis | None
    dims: tuple[str, ...]
    kind: Kind
    circular: bool
    values: NDArray[np.float64]

    @property
    def rank(self) -> tuple[int, str]:
        """Place in canonical order: time, y, x, then the others by name."""
        return (_ORDER[self.role], self.name)

    def index(self, size: Size) -> NDArray[np.int64]:
        """Return ``floor((c - origin) / size + 1e-6)`` of each cell.

        Longitudes are taken modulo 360 and the seam is closed: the block that ends at the
        meridian of Greenwich does not begin a new one there.
        """
        found = np.floor(self.placed().values / size.value + _EDGE).astype(np.int64)
        return found % self.blocks_around(size) if self.circular else found

    def placed(self) -> CutAxis:
        """Return this axis with cells that lack a place put where another one is.

        They are in some block then, but have no role: see :func:`without_placeless`.
        """
        known = np.isfinite(self.values)
        if known.all():
            return self
        return replace(self, values=np.where(known, self.values, (*self.values[known], 0.0)[0]))

    @staticmethod
    def blocks_around(size: Size) -> int:
        """Return how many blocks of `size` a circle of longitude has."""
        return max(1, math.ceil(360 / size.value - _EDGE))


def axis_of(frame: xr.Dataset, grid: Grid, name: str, *, field: str) -> CutAxis:
    """Return the axis that a rule means by `name`: a dim, or the one with that role.

    Raises
    ------
    SpecError
        The cube has no such dim.
    CubeError
        ``unsupported_grid`` where it has no coordinate.
    """
    role = _role_among_scattered(grid, name)
    if role == "time":
        return _time_of_cells(frame, str(grid.cell_time))
    if role is not None:
        return _scattered(frame, grid, role)
    dim = _dim_of(frame, grid, name, field)
    if grid.coordinate(dim) not in frame.coords:
        raise no_coordinate(dim)
    values = cell_coordinates(frame, grid, dim)
    kind = kind_of(frame, grid, dim)
    if kind == "angle":
        # float32 leaves 1e-5 deg; ten metres finer than that no block edge is meant.
        values = np.round(values, 4)
    return CutAxis(
        name=dim,
        role=grid.axis(dim),
        dims=(dim,),
        kind=kind,
        circular=grid.geographic and dim == grid.x,
        values=values,
    )


def _role_among_scattered(grid: Grid, name: str) -> Axis | None:
    """Return y or x where `name` means that coordinate of cells that are not in rows."""
    names: dict[Axis, str | None] = {"y": grid.lat, "x": grid.lon}
    if grid.kind not in ("curvilinear", "unstructured"):
        return None
    if grid.cell_time is not None:
        names["time"] = grid.cell_time
    for role, coordinate in names.items():
        if name == coordinate or name.lower() in AXIS_NAMES[role]:
            return role
    return None


def _time_of_cells(frame: xr.Dataset, name: str) -> CutAxis:
    """Return the times of points that each have their own."""
    return CutAxis(
        name=name,
        role="time",
        dims=tuple(str(dim) for dim in frame[name].dims),
        kind="time",
        circular=False,
        values=days_since_1970(frame[name]),
    )


def _scattered(frame: xr.Dataset, grid: Grid, role: Axis) -> CutAxis:
    from ..grids.positions import positions

    places = positions(frame, grid)
    place = places.y if role == "y" else places.x
    values = np.asarray(place.values, dtype=np.float64)
    return CutAxis(
        name={"y": "lat", "x": "lon"}[role] if places.geographic else role,
        role=role,
        dims=tuple(str(dim) for dim in place.dims),
        kind="angle" if places.geographic else "length",
        circular=places.geographic and role == "x",
        values=np.round(values, 4) if places.geographic else values,
    )


def _dim_of(frame: xr.Dataset, grid: Grid, name: str, field: str) -> str:
    if name in frame.dims:
        return name
    for axis, names in AXIS_NAMES.items():
        dim: str | None = getattr(grid, axis)
        if dim is not None and (name.lower() in names or name == grid.coordinate(dim)):
            return dim
    raise SpecError(
        f"The cube has no dim '{name}'.",
        hint=f"Its dims are {', '.join(map(str, frame.dims))}.",
        field=field,
    )


def without_placeless(roles: xr.DataArray, axes: Iterable[CutAxis]) -> xr.DataArray:
    """Return `roles` without cells that lack a place or time: they are in no block or region."""
    for axis in axes:
        placed = np.isfinite(axis.values)
        if not placed.all():
            roles = roles.where(xr.DataArray(placed, dims=axis.dims), np.int8(BUFFER))
    return roles


def block_hash(seed: int, index: tuple[int, ...]) -> int:
    """Return blake2b(seed, k) as a signed 64-bit number, the id of block `k`."""
    data = struct.pack(f"<{1 + len(index)}q", seed, *index)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little", signed=True)


@dataclass(frozen=True)
class BlockTable:
    """The blocks that a frame meets, and which of them each cell is in.

    Attributes
    ----------
    ids : ndarray of int64
        Id of each block: one axis per group of axes that run along the same dims.
    inverses : list of ndarray
        Position of each cell along the axes of `ids`.
    dims : list of str
        Dims of the cells, in canonical order.
    """

    ids: NDArray[np.int64]
    inverses: list[NDArray[np.intp]]
    dims: list[str]

    @classmethod
    def of(cls, seed: int, cuts: list[tuple[CutAxis, NDArray[np.int64]]]) -> BlockTable:
        """Hash every block once; `cuts` are axes with the block index of their cells."""
        groups: dict[tuple[str, ...], list[NDArray[np.int64]]] = {}
        for axis, index in sorted(cuts, key=lambda cut: cut[0].rank):
            groups.setdefault(axis.dims, []).append(index)
        uniques: list[list[tuple[int, ...]]] = []
        inverses = []
        for indices in groups.values():
            rows, inverse = np.unique(
                np.stack([index.ravel() for index in indices], axis=1), axis=0, return_inverse=True
            )
            uniques.append([tuple(row) for row in rows.tolist()])
            inverses.append(inverse.reshape(indices[0].shape))
        shape = [len(unique) for unique in uniques]
        hashes = (block_hash(seed, sum(k, ())) for k in itertools.product(*uniques))
        ids = np.fromiter(hashes, dtype=np.int64, count=math.prod(shape)).reshape(shape)
        return cls(ids, inverses, [dim for group in groups for dim in group])

    def spread(self, values: NDArray[Number]) -> NDArray[Number]:
        """Return `values`, one per block, for every cell."""
        for axis in reversed(range(len(self.inverses))):
            values = np.take(values, self.inverses[axis], axis=axis)
        return values


def hash_blocks(
    frame: xr.Dataset, seed: int, cuts: list[tuple[CutAxis, NDArray[np.int64]]]
) -> xr.DataArray:
    """Return the id of each cell's block.

    Parameters
    ----------
    frame : xarray.Dataset
    seed : int
    cuts : list
        Axes with the block index of their cells, in any order; they enter canonically.

    Returns
    -------
    xarray.DataArray
        int64 ``block`` over the dims of the axes, in the order of `frame`.
    """
    table = BlockTable.of(seed, cuts)
    return in_order_of(frame, table.spread(table.ids), table.dims, "block")


def in_order_of(
    frame: xr.Dataset, values: NDArray[np.int64], dims: list[str], name: str
) -> xr.DataArray:
    """Return `values` with the coordinates and the order of dims of `frame`."""
    found = xr.DataArray(
        values,
        dims=dims,
        coords=along(frame, dims),
        name=name,
    )
    return found.transpose(*(dim for dim in map(str, frame.dims) if dim in dims))


def along(frame: xr.Dataset, dims: Sequence[str]) -> dict[str, xr.Variable]:
    """Return the coordinates of `frame` that have no other dims than `dims`."""
    return {
        str(name): frame[name].variable
        for name in frame.coords
        if set(map(str, frame[name].dims)) <= set(dims) and frame[name].ndim
    }
