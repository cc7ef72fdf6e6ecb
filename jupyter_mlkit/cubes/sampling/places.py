"""Roles and blocks of the cells of a cube, looked up without ever holding the whole cube."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..grids.grid import grid_of
from ..reading.boxes import loaded
from ..splits.base import Split, frame_of
from ..splits.blocks import BlockSplit, cuts_of

#: Cells of a table that is kept; a rule that needs more is evaluated box by box.
_TABLE = 1 << 22
#: Cells along each dim of the boxes within which blocks of scattered cells are looked up.
_BOX = 64
_KEPT_BOXES = 64
#: Role codes as bits: what is in a window is the bitwise or of its cells.
BITS = np.array([1, 2, 4, 8, 0], np.uint8)


@dataclass(frozen=True)
class _Table:
    """A rule over some dims of the cube, equal cells along a dim kept once.

    ``index`` has for each of `dims` the row of `values` by position.
    """

    dims: tuple[str, ...]
    index: tuple[NDArray[np.int64], ...]
    values: NDArray[Any]


class Places:
    """Roles and blocks of cells under a split; without one all cells train.

    Parameters
    ----------
    ds : xarray.Dataset
        The cube; only its coordinates are used.
    dims : tuple of str
    split : Split or None
        Resolved.
    """

    def __init__(self, ds: xr.Dataset, dims: tuple[str, ...], split: Split | None) -> None:
        frame, _ = frame_of(ds)
        held = [name for name in frame.coords if set(map(str, frame[name].dims)) <= set(dims)]
        self.dims = dims
        self.split = split
        self.frame = loaded(frame[held])
        self.sizes = tuple(int(ds.sizes[dim]) for dim in dims)
        self._roles = self._table(split.assign) if split is not None else None
        self._bits = self._roles and replace(self._roles, values=BITS[self._roles.values])
        self._blocks: _Table | None = None
        self._boxes: OrderedDict[tuple[int, ...], NDArray[np.int64]] = OrderedDict()

    @property
    def cheap(self) -> bool:
        """Whether roles are known for the whole cube without evaluating the split again."""
        return self.split is None or self._roles is not None

    def roles(self, slices: Mapping[str, slice]) -> NDArray[np.int8]:
        """Return the role codes within a box, with size 1 along dims that play no part."""
        if self.split is None:
            return np.zeros([1] * len(self.dims), np.int8)
        if self._roles is None:
            return self._evaluated(self.split.assign, slices).astype(np.int8, copy=False)
        return self._looked_up(self._roles, slices)

    def bits(self, slices: Mapping[str, slice]) -> NDArray[np.uint8]:
        """Return the roles within a box as `BITS`, with size 1 along dims that play no part."""
        if self._bits is None:
            return BITS[self.roles(slices)]
        return self._looked_up(self._bits, slices)

    def having(
        self, spans: Mapping[str, Sequence[slice]], roles: Sequence[int]
    ) -> NDArray[np.bool_]:
        """Return which boxes of a grid have a cell with one of these roles.

        Roles must be known without evaluating the split again, see `cheap`.

        Parameters
        ----------
        spans : mapping
            The range of each row of boxes by dim.
        roles : sequence of int
            Codes.
        """
        shape = [len(spans[dim]) for dim in self.dims]
        if self._roles is None:
            return np.full(shape, 0 in roles)
        # Along one dim after the other: there may be many boxes.
        some = np.isin(self._roles.values, roles)
        for axis, (dim, index) in enumerate(zip(self._roles.dims, self._roles.index, strict=True)):
            rows = [some.take(np.unique(index[span]), axis).any(axis) for span in spans[dim]]
            some = np.stack(rows, axis)
        found: NDArray[np.bool_] = np.broadcast_to(self._fitted(some, self._roles.dims), shape)
        return found

    def blocks(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the block of each cell.

        Parameters
        ----------
        cells : ndarray of int64, shape (n, n_dims)
            Positions.
        """
        if self.split is None:
            return np.zeros(cells.shape[0], np.int64)
        if self._roles is not None and self._blocks is None:
            self._blocks = self._table(self.split.block_ids)
        if self._blocks is None:
            return self._blocks_by_box(cells)
        rows = tuple(
            index[cells[:, self.dims.index(dim)]]
            for dim, index in zip(self._blocks.dims, self._blocks.index, strict=True)
        )
        found: NDArray[np.int64] = np.broadcast_to(self._blocks.values[rows], cells.shape[:1])
        return found

    def _table(self, rule: Callable[[xr.Dataset], xr.DataArray]) -> _Table | None:
        """Evaluate `rule` for the whole cube, on one cell of each block where that is enough."""
        assert self.split is not None
        if not all(self.sizes):
            return None
        index = {dim: np.arange(size) for dim, size in zip(self.dims, self.sizes, strict=True)}
        frame = self.frame
        if isinstance(self.split, BlockSplit) and self.split.buffer is None:
            for axis, size in cuts_of(frame, grid_of(frame), self.split.sizes):
                # Of a block with cells that lack a place no one cell speaks for the others.
                if len(axis.dims) == 1 and np.isfinite(axis.values).all():
                    block = axis.index(size)
                    new = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
                    index[axis.dims[0]] = np.searchsorted(new, np.arange(block.size), "right") - 1
                    frame = frame.isel({axis.dims[0]: new})
        one = rule(frame.isel({dim: slice(0, 1) for dim in frame.dims}))
        dims = tuple(dim for dim in self.dims if dim in one.dims)
        if math.prod(int(frame.sizes[dim]) for dim in dims) > _TABLE:
            return None
        values = rule(frame).transpose(*dims).values
        return _Table(dims, tuple(index[dim] for dim in dims), np.ascontiguousarray(values))

    def _looked_up(self, table: _Table, slices: Mapping[str, slice]) -> NDArray[Any]:
        values = table.values
        # The last axis first: the outer ones then copy long runs.
        for axis in reversed(range(len(table.dims))):
            values = np.take(values, table.index[axis][slices[table.dims[axis]]], axis=axis)
        return self._fitted(values, table.dims)

    def _evaluated(
        self, rule: Callable[[xr.Dataset], xr.DataArray], slices: Mapping[str, slice]
    ) -> NDArray[Any]:
        box = {dim: slices[dim] for dim in self.dims if dim in self.frame.dims}
        found = rule(self.frame.isel(box))
        dims = tuple(dim for dim in self.dims if dim in found.dims)
        return self._fitted(found.transpose(*dims).values, dims)

    def _fitted(self, values: NDArray[Any], dims: tuple[str, ...]) -> NDArray[Any]:
        sizes = dict(zip(dims, values.shape, strict=True))
        return values.reshape([sizes.get(dim, 1) for dim in self.dims])

    def _blocks_by_box(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.empty(cells.shape[0], np.int64)
        corners, inverse = np.unique(cells // _BOX, axis=0, return_inverse=True)
        for number, corner in enumerate(corners):
            mine = np.flatnonzero(inverse.ravel() == number)
            inside = cells[mine] - corner * _BOX
            box = self._box(tuple(int(place) for place in corner))
            kept = tuple(inside[:, axis] if size > 1 else 0 for axis, size in enumerate(box.shape))
            found[mine] = box[kept]
        return found

    def _box(self, corner: tuple[int, ...]) -> NDArray[np.int64]:
        assert self.split is not None
        if corner in self._boxes:
            self._boxes.move_to_end(corner)
            return self._boxes[corner]
        slices = {
            dim: slice(place * _BOX, (place + 1) * _BOX)
            for dim, place in zip(self.dims, corner, strict=True)
        }
        self._boxes[corner] = self._evaluated(self.split.block_ids, slices)
        if len(self._boxes) > _KEPT_BOXES:
            self._boxes.popitem(last=False)
        return self._boxes[corner]
