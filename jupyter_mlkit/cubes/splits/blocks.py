"""Whole blocks of space and time go to one role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.coordinates import kind_of
from ..grids.grid import Grid, grid_of
from ..grids.sizes import Size, parse_size
from ..grids.tiles import spacing
from .axes import BlockTable, CutAxis, along, axis_of, hash_blocks, without_placeless
from .base import Split
from .buffer import Buffer
from .near_blocks import Draw, remove_near_blocks
from .roles import ROLES, Shares, check_shares, role_array, roles_of_hashes

#: Where blocks begin; fixed, so that no extent enters.
ORIGIN = "0 deg, 1970-01-01 UTC, origin of the CRS"
_UNIT = {"angle": "deg", "length": "m or km", "time": "D or h", "plain": "no unit"}


@dataclass(frozen=True)
class BlockSplit(Split):
    """Whole blocks of space and time go to one role; neighbours stay together.

    The block index along dim d is ``floor((c_d - origin_d) / size_d + 1e-6)`` with fixed
    origins (0 deg, 1970-01-01 UTC, the origin of the CRS); the role is a threshold of
    ``blake2b(seed, k)``. Neither chunking, order, extent nor float width enters.

    Parameters
    ----------
    sizes : mapping
        Size by dim: ``"10 deg"``, ``"20 km"``, ``"80D"``, or an int that counts cells, as in
        ``coarsen``, until :meth:`resolve` makes it physical.
    shares : sequence of float
        Shares of train, validation and test, in blocks.
    seed : int
    buffer : Buffer, optional
        What is kept free around held-out blocks.

    Examples
    --------
    >>> sizes = {"lat": "10 deg", "lon": "10 deg"}
    >>> split = BlockSplit(sizes, shares=(0.7, 0.1, 0.2), seed=42, buffer=Buffer("500 km"))
    """

    sizes: Mapping[str, Size | int | str]
    shares: Shares = (0.7, 0.1, 0.2)
    seed: int = 42
    buffer: Buffer | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", parse_sizes(self.sizes))
        object.__setattr__(self, "shares", check_shares(self.shares))

    def resolve(self, ds: xr.Dataset) -> BlockSplit:
        """Return this split with sizes in cells made physical by the spacing of `ds`."""
        grid = grid_of(ds)
        sizes = {name: str(_cut(ds, grid, name, size)[1]) for name, size in self.sizes.items()}
        return replace(self, sizes=sizes)

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell, see :meth:`Split.assign`."""
        grid = grid_of(frame)
        cuts = cuts_of(frame, grid, self.sizes)
        roles = roles_of_blocks(frame, (self.seed, self._draw), cuts)
        if self.buffer is None:
            return roles
        rule = (self.seed, self._draw)
        return remove_near_blocks(frame, grid, cuts, roles, rule, self.buffer)

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the block of each cell, see :meth:`Split.block_ids`."""
        return ids_of(frame, self.seed, cuts_of(frame, grid_of(frame), self.sizes))

    def to_dict(self) -> dict[str, Any]:
        """Return kind, sizes, origins, shares, seed and buffer."""
        rule = {
            "kind": "block",
            "sizes": sizes_as_text(self.sizes),
            "origin": ORIGIN,
            "shares": dict(zip(ROLES, self.shares, strict=True)),
            "seed": self.seed,
        }
        return rule if self.buffer is None else rule | {"buffer": self.buffer.to_dict()}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> BlockSplit:
        """Read what :meth:`to_dict` returned."""
        return cls(
            rule["sizes"],
            tuple(rule["shares"][role] for role in ROLES),
            rule["seed"],
            Buffer.from_dict(rule.get("buffer")),
        )

    def _draw(self, ids: NDArray[np.int64]) -> NDArray[np.int8]:
        return roles_of_hashes(ids, self.shares)


def parse_sizes(sizes: Mapping[str, Size | int | str]) -> dict[str, Size | int]:
    """Read the sizes of blocks.

    Raises
    ------
    SpecError
        There is none, or one cannot be read; ``field`` is ``split.sizes.<dim>``.
    """
    if not sizes:
        raise SpecError(
            "Blocks need the size of at least one dim.",
            hint="For example lat: 10 deg, lon: 10 deg.",
            field="split.sizes",
        )
    found: dict[str, Size | int] = {}
    for name, size in sizes.items():
        field = f"split.sizes.{name}"
        if isinstance(size, int) and size < 1:
            raise SpecError(f"A block of {size} cells is empty.", field=field)
        found[name] = parse_size(size, field=field) if isinstance(size, str) else size
    return found


def sizes_as_text(sizes: Mapping[str, Size | int | str]) -> dict[str, str | int]:
    """Return sizes as they are stored."""
    return {
        name: size if isinstance(size, int) else str(size) for name, size in sorted(sizes.items())
    }


def cuts_of(
    frame: xr.Dataset, grid: Grid, sizes: Mapping[str, Size | int | str]
) -> list[tuple[CutAxis, Size]]:
    """Return each axis that is cut with the size of its blocks, in canonical order."""
    cuts = [_cut(frame, grid, name, size) for name, size in sizes.items()]
    return sorted(cuts, key=lambda cut: cut[0].rank)


def roles_of_blocks(
    frame: xr.Dataset, rule: tuple[int, Draw], cuts: list[tuple[CutAxis, Size]]
) -> xr.DataArray:
    """Return the role of each cell by its block; `rule` is the seed and what draws roles."""
    seed, draw = rule
    table = BlockTable.of(seed, [(axis, axis.index(size)) for axis, size in cuts])
    # Drawn per block: ids of all cells would take eight times the memory, and the time.
    codes = table.spread(draw(table.ids))
    found = role_array(codes, table.dims, along(frame, table.dims))
    found = found.transpose(*(dim for dim in frame.dims if dim in found.dims))
    return without_placeless(found, [axis for axis, _ in cuts])


def ids_of(frame: xr.Dataset, seed: int, cuts: list[tuple[CutAxis, Size]]) -> xr.DataArray:
    """Return the block of each cell, see :func:`.axes.hash_blocks`."""
    return hash_blocks(frame, seed, [(axis, axis.index(size)) for axis, size in cuts])


def _cut(frame: xr.Dataset, grid: Grid, name: str, size: Size | int | str) -> tuple[CutAxis, Size]:
    field = f"split.sizes.{name}"
    axis = axis_of(frame, grid, name, field=field)
    if isinstance(size, str):
        size = parse_size(size, field=field)
    if isinstance(size, int):
        return axis, _physical(frame, grid, axis, size, field)
    if size.kind != axis.kind and not (size.kind == "plain" and axis.kind == "length"):
        raise SpecError(
            f"The block size '{size}' does not fit '{axis.name}', which is measured in "
            f"{_UNIT[axis.kind]}.",
            hint=f"Give the size of '{name}' in {_UNIT[axis.kind]}.",
            field=field,
        )
    return axis, size


def _physical(frame: xr.Dataset, grid: Grid, axis: CutAxis, cells: int, field: str) -> Size:
    if axis.name not in frame.dims:
        raise SpecError(
            f"The cells of this grid are not in rows, so {cells} cells have no length.",
            hint="Give the size with a unit, such as '10 deg'.",
            field=field,
        )
    step = spacing(frame, grid, axis.name)
    if step is None:
        raise SpecError(
            f"'{axis.name}' has no spacing, so {cells} cells of it have no length.",
            hint="Give the size with a unit.",
            field=field,
        )
    # Five digits: what float32 coordinates can tell, and 27 cells of 5/6 deg are 22.5.
    return Size(float(f"{cells * step:.5g}"), kind_of(frame, grid, axis.name))
