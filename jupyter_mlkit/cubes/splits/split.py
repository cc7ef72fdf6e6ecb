"""Which role a cell has: pure functions of its coordinates, stable under whatever is done to it.

The block index along dim d is ``floor((c_d - origin_d) / size_d + 1e-6)`` with fixed origins
(0 deg, 1970-01-01 UTC, the origin of the CRS); the role is a threshold of
``blake2b(seed, k)``. Neither chunking, order, extent nor float width enters.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ... import spec as specs
from ...errors import SpecError
from ...models import Role
from ..grids.coordinates import (
    cell_coordinates,
    date_as_days,
    days_since_1970,
    kind_of,
    no_coordinate,
    parse_date,
)
from ..grids.grid import AXIS_NAMES, Grid, grid_of, is_time
from ..grids.sizes import Size, parse_size
from ..grids.tiles import horizontal_tiles, spacing

#: Roles by their code in a role array.
ROLES: tuple[Role, ...] = ("train", "validation", "test")

_ATTRS = {
    "long_name": "role of the cell in the training",
    "flag_values": np.arange(3, dtype=np.int8),
    "flag_meanings": " ".join(ROLES),
}
#: Round-off in coordinates must not push a cell on an edge into the block before.
_EDGE = 1e-6


class Split(ABC):
    """A rule that gives every cell of a cube a role and a block."""

    @abstractmethod
    def resolve(self, ds: xr.Dataset) -> Split:
        """Return this split with every size physical, as it is stored with a run."""

    @abstractmethod
    def assign(self, ds: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell.

        Returns
        -------
        xarray.DataArray
            int8 (0 train, 1 validation, 2 test) with flag attributes, over those dims of `ds`
            that the split depends on, in the order of `ds`; it broadcasts to the others.
        """

    @abstractmethod
    def block_ids(self, ds: xr.Dataset) -> xr.DataArray:
        """Return the block of each cell, int64: the same number in every crop of the cube."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON-ready builtins; ``split_from_spec`` reads what it was."""

    @property
    def hash(self) -> str:
        """Digest of the rule, 16 hex digits."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class SplitByBlocks(Split):
    """Whole blocks of space and time go to one role.

    Attributes
    ----------
    sizes : dict
        Size by dim; an int counts cells until :meth:`resolve` makes it physical.
    shares : tuple of float
        Shares of train, validation and test, in blocks.
    seed : int
    """

    sizes: dict[str, Size | int]
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2)
    seed: int = 42

    def resolve(self, ds: xr.Dataset) -> SplitByBlocks:
        """Return this split with sizes in cells made physical by the spacing of `ds`.

        Raises
        ------
        SpecError
            A dim is missing, or its unit does not fit (``field`` names it).
        """
        grid = grid_of(ds)
        return replace(
            self,
            sizes={name: self._size(ds, grid, name) for name in self.sizes},
        )

    def assign(self, ds: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell, see :meth:`Split.assign`."""
        ids = self.block_ids(ds)
        roles = roles_of_ids(ids.values, self.shares)
        return xr.DataArray(roles, coords=ids.coords, dims=ids.dims, name="role", attrs=_ATTRS)

    def block_ids(self, ds: xr.Dataset) -> xr.DataArray:
        """Return the block of each cell, see :meth:`Split.block_ids`."""
        grid = grid_of(ds)
        by_dim = {_dim_of(ds, grid, name): self._size(ds, grid, name) for name in self.sizes}
        dims = grid.canonical(list(by_dim))
        indices = [block_index(ds, grid, dim, by_dim[dim]) for dim in dims]
        return _ids(ds, dims, self.seed, indices)

    def to_dict(self) -> dict[str, Any]:
        """Return kind, sizes, origins, shares and seed."""
        return {
            "kind": "block",
            "sizes": {
                name: size if isinstance(size, int) else str(size)
                for name, size in sorted(self.sizes.items())
            },
            "origin": "0 deg, 1970-01-01 UTC, origin of the CRS",
            "shares": dict(zip(ROLES, self.shares, strict=True)),
            "seed": self.seed,
        }

    def _size(self, ds: xr.Dataset, grid: Grid, name: str) -> Size:
        dim, size = _dim_of(ds, grid, name), self.sizes[name]
        if dim not in ds.coords:
            raise no_coordinate(dim)
        kind = kind_of(ds, grid, dim)
        if isinstance(size, int):
            step = spacing(ds, grid, dim)
            if step is None:
                raise SpecError(
                    f"'{dim}' has no spacing, so {size} cells of it have no length.",
                    hint="Give the size with a unit.",
                    field=f"split.sizes.{name}",
                )
            # Five digits: what float32 coordinates can tell, and 27 cells of 5/6 deg are 22.5.
            return Size(float(f"{size * step:.5g}"), kind)
        if size.kind != kind and not (size.kind == "plain" and kind == "length"):
            wanted = {"angle": "deg", "length": "m or km", "time": "D or h", "plain": "no unit"}
            raise SpecError(
                f"The block size '{size}' does not fit '{dim}', which is measured in "
                f"{wanted[kind]}.",
                hint=f"Give the size of '{name}' in {wanted[kind]}.",
                field=f"split.sizes.{name}",
            )
        return size


@dataclass(frozen=True)
class SplitByTime(Split):
    """Train on the past, validate and test on later times.

    Attributes
    ----------
    validation_start, test_start : str
        ISO dates; train ends where validation starts.
    tiles : dict
        Horizontal size of the blocks that counts and intervals are based on; they follow from
        the extent (:meth:`resolve`) and take no part in the roles.
    """

    validation_start: str
    test_start: str
    tiles: dict[str, Size] | None = field(default=None, compare=False)

    def resolve(self, ds: xr.Dataset) -> SplitByTime:
        """Return this split with tiles that suit the extent of `ds`."""
        self._starts(ds)
        return replace(self, tiles=horizontal_tiles(ds, grid_of(ds)))

    def assign(self, ds: xr.Dataset) -> xr.DataArray:
        """Return the role of each time, see :meth:`Split.assign`."""
        time, starts = self._starts(ds)
        days = days_since_1970(ds[time])
        roles = np.searchsorted(np.array(starts), days, side="right").astype(np.int8)
        return xr.DataArray(roles, coords={time: ds[time]}, dims=[time], name="role", attrs=_ATTRS)

    def block_ids(self, ds: xr.Dataset) -> xr.DataArray:
        """Return horizontal tiles within each role; single times where nothing is horizontal."""
        grid = grid_of(ds)
        time, _ = self._starts(ds)
        tiles = horizontal_tiles(ds, grid) if self.tiles is None else self.tiles
        dims = grid.canonical([time, *tiles])
        roles = self.assign(ds).values.astype(np.int64)
        moments = roles if tiles else np.round(days_since_1970(ds[time]) * 86_400).astype(np.int64)
        indices = [
            moments if dim == time else block_index(ds, grid, dim, tiles[dim]) for dim in dims
        ]
        return _ids(ds, dims, 0, indices)

    def to_dict(self) -> dict[str, Any]:
        """Return kind and dates."""
        return {
            "kind": "time",
            "validation_start": self.validation_start,
            "test_start": self.test_start,
        }

    def _starts(self, ds: xr.Dataset) -> tuple[str, tuple[float, float]]:
        time = grid_of(ds).time
        if time is None or time not in ds.coords or not is_time(ds[time]):
            raise SpecError(
                "A split by time needs a time dim with dates, which this cube lacks.",
                hint="Use a block split.",
                field="split.kind",
            )
        first, second = (
            date_as_days(parse_date(getattr(self, name), field=f"split.{name}"), ds[time])
            for name in ("validation_start", "test_start")
        )
        return time, (first, second)


def split_from_spec(split: specs.BlockSplit | specs.TimeSplit) -> Split:
    """Make the rule that a spec describes.

    Raises
    ------
    SpecError
        A size cannot be read; ``field`` is ``split.sizes.<dim>``.
    """
    if isinstance(split, specs.TimeSplit):
        for name in ("validation_start", "test_start"):
            parse_date(getattr(split, name), field=f"split.{name}")
        return SplitByTime(split.validation_start, split.test_start)
    sizes: dict[str, Size | int] = {}
    for name, size in split.sizes.items():
        if isinstance(size, int) and size < 1:
            raise SpecError(f"A block of {size} cells is empty.", field=f"split.sizes.{name}")
        sizes[name] = (
            size if isinstance(size, int) else parse_size(size, field=f"split.sizes.{name}")
        )
    shares = split.shares
    return SplitByBlocks(sizes, (shares.train, shares.validation, shares.test), split.seed)


def block_index(ds: xr.Dataset, grid: Grid, dim: str, size: Size) -> NDArray[np.int64]:
    """Return ``floor((c - origin) / size + 1e-6)`` of each cell along `dim`.

    Longitudes are taken modulo 360 and the seam is closed: the block that ends at the
    meridian of Greenwich does not begin a new one there.
    """
    values = cell_coordinates(ds, grid, dim)
    if size.kind == "angle":
        # float32 leaves 1e-5 deg; ten metres finer than that no block edge is meant.
        values = np.round(values, 4)
    index = np.floor(values / size.value + _EDGE).astype(np.int64)
    if grid.geographic and dim == grid.x:
        index %= max(1, math.ceil(360 / size.value - _EDGE))
    return index


def block_hash(seed: int, index: tuple[int, ...]) -> int:
    """Return blake2b(seed, k) as a signed 64-bit number, the id of block `k`."""
    data = struct.pack(f"<{1 + len(index)}q", seed, *index)
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little", signed=True)


def roles_of_ids(ids: NDArray[np.int64], shares: tuple[float, float, float]) -> NDArray[np.int8]:
    """Return the role of each block id by the threshold of its hash."""
    drawn = (ids.view(np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    edges = np.cumsum(shares)[:2]
    return np.searchsorted(edges, drawn, side="right").astype(np.int8)


def _ids(
    ds: xr.Dataset, dims: list[str], seed: int, indices: list[NDArray[np.int64]]
) -> xr.DataArray:
    """Hash each block once and spread the ids over the cells."""
    uniques, inverses = [], []
    for index in indices:
        unique, inverse = np.unique(index, return_inverse=True)
        uniques.append(unique.tolist())
        inverses.append(inverse)
    shape = tuple(len(unique) for unique in uniques)
    hashes = (block_hash(seed, k) for k in itertools.product(*uniques))
    table = np.fromiter(hashes, dtype=np.int64, count=math.prod(shape)).reshape(shape)
    cells = xr.DataArray(
        table[np.ix_(*inverses)],
        dims=dims,
        coords={dim: ds[dim] for dim in dims if dim in ds.coords},
        name="block",
    )
    return cells.transpose(*(dim for dim in map(str, ds.dims) if dim in dims))


def _dim_of(ds: xr.Dataset, grid: Grid, name: str) -> str:
    """Return the dim that a spec means by `name`: itself, or the one with that role."""
    if name in ds.dims:
        return name
    for axis, names in AXIS_NAMES.items():
        dim: str | None = getattr(grid, axis)
        if dim is not None and name.lower() in names:
            return dim
    raise SpecError(
        f"The cube has no dim '{name}'.",
        hint=f"Its dims are {', '.join(map(str, ds.dims))}.",
        field=f"split.sizes.{name}",
    )
