"""Cross-validation over blocks: every block is in the test of one fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.grid import grid_of
from ..grids.sizes import Size
from ..reading.slabs import SlabReader
from .base import Split, frame_of, rows_of
from .blocks import BlockSplit, cuts_of, ids_of, parse_sizes, roles_of_blocks, sizes_as_text
from .buffer import Buffer
from .near_blocks import remove_near_blocks
from .roles import drawn

_EXTENT_NOTE = "balanced over the cells of one extent: another extent gives other folds"


@dataclass(frozen=True)
class BlockFold(Split):
    """One fold: its blocks are test, those of the next fold validate, the rest trains.

    With two folds there is no validation.
    """

    folds: BlockKFold
    number: int

    def resolve(self, ds: xr.Dataset) -> BlockFold:
        """Return this fold with physical sizes."""
        return replace(self, folds=self.folds.resolve(ds))

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell, see :meth:`Split.assign`."""
        return self._assign(frame, validate=True)

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the block of each cell, see :meth:`Split.block_ids`."""
        return self.folds.block_ids(frame)

    def to_dict(self) -> dict[str, Any]:
        """Return kind, the folds and the number of this one."""
        return {"kind": "fold", "folds": self.folds.to_dict(), "number": self.number}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> BlockFold:
        """Read what :meth:`to_dict` returned."""
        return cls(BlockKFold.from_dict(rule["folds"]), rule["number"])

    def rows(
        self, ds: xr.Dataset | xr.DataArray, cells: NDArray[np.integer[Any]] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return train and test rows; what would validate trains."""
        frame, _ = frame_of(ds)
        roles = rows_of(self._assign(frame, validate=False), ds, cells)
        return np.flatnonzero(roles == 0), np.flatnonzero(roles == 2)

    def _assign(self, frame: xr.Dataset, *, validate: bool) -> xr.DataArray:
        grid = grid_of(frame)
        cuts = cuts_of(frame, grid, self.folds.sizes)

        def draw(ids: NDArray[np.int64]) -> NDArray[np.int8]:
            return self._roles(self.folds.fold_of(ids), validate=validate)

        rule = (self.folds.seed, draw)
        roles = roles_of_blocks(frame, rule, cuts)
        if self.folds.buffer is None:
            return roles
        return remove_near_blocks(frame, grid, cuts, roles, rule, self.folds.buffer)

    def _roles(self, folds: NDArray[np.int64], *, validate: bool) -> NDArray[np.int8]:
        n = self.folds.n_splits
        roles = np.zeros(folds.shape, np.int8)
        if validate and n > 2:
            roles[folds == (self.number + 1) % n] = 1
        roles[folds == self.number] = 2
        return roles


@dataclass(frozen=True)
class BlockKFold:
    """Blocks of space and time dealt into folds, each held out once.

    After the class of that name in verde (Uieda 2018), with blocks that do not depend on the
    extent.

    Parameters
    ----------
    sizes : mapping
        Size by dim, as in :class:`BlockSplit`.
    n_splits : int
        Number of folds, 2 or more.
    seed : int
    balance : bool
        Deal blocks so that folds hold about the same number of valid cells. The folds then
        depend on the extent (``depends_on_extent``): the same cell may fall to another fold
        in a crop of the cube. Without it, the fold is a function of the block alone, and folds
        are equal only on average.
    buffer : Buffer, optional
        What is kept free around held-out blocks.
    table : mapping, optional
        Fold by block id, made by :meth:`resolve` where `balance` is set.

    Raises
    ------
    SpecError
    """

    sizes: Mapping[str, Size | int | str]
    n_splits: int = 5
    seed: int = 42
    balance: bool = False
    buffer: Buffer | None = None
    table: Mapping[int, int] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", parse_sizes(self.sizes))
        if self.n_splits < 2:
            raise SpecError("Cross-validation needs two folds or more.", field="split.n_splits")

    @property
    def depends_on_extent(self) -> bool:
        """Whether another extent of the cube gives other folds."""
        return self.balance

    def resolve(self, ds: xr.Dataset, target: str | None = None) -> BlockKFold:
        """Return these folds with physical sizes and, where balanced, the fold of each block.

        Parameters
        ----------
        ds : xarray.Dataset
        target : str, optional
            Variable whose valid cells are balanced; all cells count where not given.
        """
        physical = replace(self, sizes=BlockSplit(self.sizes).resolve(ds).sizes)
        if not self.balance or self.table is not None:
            return physical
        return replace(physical, table=physical._deal(ds, target))

    def folds(self) -> list[BlockFold]:
        """Return one split per fold."""
        return [BlockFold(self, number) for number in range(self.n_splits)]

    def get_n_splits(self) -> int:
        """Return the number of folds."""
        return self.n_splits

    def split(
        self, ds: xr.Dataset | xr.DataArray, cells: NDArray[np.integer[Any]] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield (train, test) rows of each fold, see :meth:`Split.split`."""
        frame, _ = frame_of(ds)
        for fold in self.resolve(ds if isinstance(ds, xr.Dataset) else frame).folds():
            yield fold.rows(ds, cells)

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the block of each cell, see :meth:`Split.block_ids`."""
        return ids_of(frame, self.seed, cuts_of(frame, grid_of(frame), self.sizes))

    def fold_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fold of each block id."""
        by_hash = np.floor(drawn(ids) * self.n_splits).astype(np.int64)
        if self.balance and self.table is None:
            raise SpecError(
                "Balanced folds follow from a cube.",
                hint="Call resolve(cube) first.",
                code="unresolved",
                field="split",
            )
        if not self.table:
            return by_hash
        known = np.array(sorted(self.table), np.int64)
        folds = np.array([self.table[key] for key in known.tolist()], np.int64)
        place = np.minimum(np.searchsorted(known, ids), known.size - 1)
        return np.where(known[place] == ids, folds[place], by_hash)

    def to_dict(self) -> dict[str, Any]:
        """Return kind, sizes, number of folds, seed, buffer, and how folds are balanced."""
        rule: dict[str, Any] = {
            "kind": "folds",
            "sizes": sizes_as_text(self.sizes),
            "n_splits": self.n_splits,
            "seed": self.seed,
        }
        if self.buffer is not None:
            rule["buffer"] = self.buffer.to_dict()
        if self.balance:
            table = {str(key): fold for key, fold in sorted((self.table or {}).items())}
            rule |= {"balance": True, "note": _EXTENT_NOTE, "table": table}
        return rule

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> BlockKFold:
        """Read what :meth:`to_dict` returned."""
        return cls(
            rule["sizes"],
            rule["n_splits"],
            rule["seed"],
            rule.get("balance", False),
            Buffer.from_dict(rule.get("buffer")),
            {int(key): fold for key, fold in rule.get("table", {}).items()} or None,
        )

    def _deal(self, ds: xr.Dataset, target: str | None) -> dict[int, int]:
        """Give the largest block that is left to the fold with fewest cells, and so on."""
        counts = _count(self.block_ids(ds), ds, target)
        held = np.zeros(self.n_splits, np.int64)
        table = {}
        for key, cells in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            fold = int(np.argmin(held))
            table[key] = fold
            held[fold] += cells
        return table


def _count(ids: xr.DataArray, ds: xr.Dataset, target: str | None) -> dict[int, int]:
    """Return how many (valid) cells each block has."""
    keys, place = np.unique(ids.values, return_inverse=True)
    place = place.reshape(ids.shape)
    if target is None:
        return dict(zip(keys.tolist(), np.bincount(place.ravel()).tolist(), strict=True))
    counts = np.zeros(keys.size, np.int64)
    numbers = xr.DataArray(place, dims=ids.dims)
    reader = SlabReader(ds, [target], [str(dim) for dim in ds[target].dims])
    for slab in reader:
        valid = np.isfinite(np.asarray(reader.read(target, slab), dtype=np.float64))
        mine = numbers.isel({dim: slab.slices[dim] for dim in reader.dims if dim in ids.dims})
        held = [dim for dim in reader.dims if dim in ids.dims]
        shape = [
            size if dim in held else 1 for dim, size in zip(reader.dims, slab.shape, strict=True)
        ]
        every = np.broadcast_to(mine.transpose(*held).values.reshape(shape), slab.shape)
        counts += np.bincount(every[valid], minlength=keys.size)
    return dict(zip(keys.tolist(), counts.tolist(), strict=True))
