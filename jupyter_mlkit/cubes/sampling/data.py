"""Cells of a cube as samples: one row per cell where target and all features are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ...models import ErrorBody, Role, RoleCount
from ...spec import TrainingSpec
from ..grids.grid import AreaWeights, Grid, cell_area_weights, grid_of
from ..grids.select import Indexers, indexers
from ..grids.variables import check_variables
from ..identity.digest import mix64
from ..reading.slabs import SLAB_BYTES, Slab, SlabReader
from ..sources.open import open_cube
from ..splits.base import Split
from ..splits.from_spec import split_from_spec
from ..splits.roles import ROLES

#: A role with fewer blocks than this cannot be scored; with fewer than FEW, not reliably.
TOO_FEW_BLOCKS = 5
FEW_BLOCKS = 20


@dataclass(frozen=True)
class Samples:
    """Rows for training or scoring, in the order of their cells.

    Attributes
    ----------
    X : ndarray of float32, shape (n, n_features)
        Features in their own units.
    y : ndarray of float32, shape (n,)
        Target in its own units.
    weight : ndarray of float64, shape (n,)
        Area of the cell (see ``cell_area_weights``), not normalised.
    cell : ndarray of int64, shape (n,)
        Flat index (C order) in the selected cube, dims in the order of the target.
    block : ndarray of int64, shape (n,)
        Block id of the split.
    """

    X: NDArray[np.float32]
    y: NDArray[np.float32]
    weight: NDArray[np.float64]
    cell: NDArray[np.int64]
    block: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.y.size)

    def take(self, rows: NDArray[np.generic]) -> Samples:
        """Return the rows that an index or boolean array names."""
        return Samples(
            self.X[rows], self.y[rows], self.weight[rows], self.cell[rows], self.block[rows]
        )

    @staticmethod
    def concat(parts: Sequence[Samples], n_features: int) -> Samples:
        """Join `parts`; of none, the empty table with `n_features` columns."""
        if not parts:
            return Samples(
                np.empty((0, n_features), np.float32),
                np.empty(0, np.float32),
                np.empty(0),
                np.empty(0, np.int64),
                np.empty(0, np.int64),
            )
        return Samples(
            np.concatenate([part.X for part in parts]),
            np.concatenate([part.y for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.cell for part in parts]),
            np.concatenate([part.block for part in parts]),
        )


@dataclass
class CubeData:
    """A cube seen through a spec: what is trained on and scored.

    Attributes
    ----------
    ds : xarray.Dataset
        The selected cube (region and period), lazy.
    spec : TrainingSpec
    split : Split
        Resolved: every size is physical.
    grid : Grid
    dims : tuple of str
        Dims of the target, in its order.
    indexers : dict
        Which positions of the stored cube were selected.
    warnings : list of ErrorBody
        What a person should know before trusting the scores.
    """

    ds: xr.Dataset
    spec: TrainingSpec
    split: Split
    grid: Grid
    dims: tuple[str, ...]
    indexers: Indexers
    area: AreaWeights
    warnings: list[ErrorBody] = field(default_factory=list)
    _counts: list[RoleCount] = field(default_factory=list)

    @classmethod
    def from_spec(cls, spec: TrainingSpec, *, ds: xr.Dataset | None = None) -> CubeData:
        """Open, select and check what `spec` names; one pass over the data counts the roles.

        Parameters
        ----------
        spec : TrainingSpec
        ds : xarray.Dataset, optional
            The cube where it is already open or in memory; else it is opened from the spec.

        Raises
        ------
        CubeError
            ``unknown_variable``, ``not_numeric``, ``unsupported_grid``, ``all_missing``,
            ``empty_split``, ``empty_selection``, and what :func:`open_cube` raises.
        SpecError
            The split does not fit the cube.
        """
        whole = open_cube(spec.sources[0]) if ds is None else ds
        check_variables(whole, spec)
        split = split_from_spec(spec.split).resolve(whole)
        kept = indexers(whole, spec.region, spec.period)
        chosen = whole.isel(kept)
        grid = grid_of(whole)
        data = cls(
            ds=chosen,
            spec=spec,
            split=split,
            grid=grid,
            dims=tuple(map(str, chosen[spec.target].dims)),
            indexers=kept,
            area=cell_area_weights(chosen, grid),
        )
        data._count()
        return data

    @property
    def features(self) -> list[str]:
        """Names of the columns of X."""
        return list(self.spec.features)

    @property
    def units(self) -> str:
        """Units of the target, empty where the cube does not say."""
        return str(self.ds[self.spec.target].attrs.get("units", ""))

    def counts(self) -> list[RoleCount]:
        """Return valid cells and blocks with valid cells of each role."""
        return list(self._counts)

    def samples(self, role: Role, max_samples: int | None = None, seed: int = 0) -> Samples:
        """Return the samples of `role`, ordered by cell.

        Parameters
        ----------
        role : {"train", "validation", "test"}
        max_samples : int, optional
            Draw this many at most, without replacement. The draw depends on `seed` and the
            cells alone, not on chunking.
        seed : int

        Raises
        ------
        CubeError
            ``unreadable_chunk``.
        """
        parts: list[Samples] = []
        held = 0
        for batch in self.batches(role):
            parts.append(batch)
            held += len(batch)
            if max_samples is not None and held > 2 * max_samples:
                parts = [_draw(Samples.concat(parts, len(self.features)), max_samples, seed)]
                held = len(parts[0])
        found = Samples.concat(parts, len(self.features))
        if max_samples is not None:
            found = _draw(found, max_samples, seed)
        ordered = bool(np.all(found.cell[1:] > found.cell[:-1]))
        return found if ordered else found.take(np.argsort(found.cell))

    def batches(self, role: Role, *, budget: int = SLAB_BYTES) -> Iterator[Samples]:
        """Yield the samples of `role` piece by piece, every chunk read once.

        Parameters
        ----------
        role : {"train", "validation", "test"}
        budget : int
            Decoded bytes that are held at once.
        """
        code = ROLES.index(role)
        reader = self._reader(budget)
        for slab in reader:
            roles = self._on_slab(self.split.assign, slab)
            mine = np.broadcast_to(roles == code, slab.shape)
            if not mine.any():
                continue
            columns, y, valid = self._read(reader, slab)
            keep = valid & mine
            rows = np.flatnonzero(keep)
            if rows.size:
                yield self._table(slab, columns, y, keep, rows)

    def frame(self, slab: Slab | None = None) -> xr.Dataset:
        """Return the 1-D coordinates of the selected cube, or of a box of it, without data."""
        found = xr.Dataset(coords={dim: self.ds[dim] for dim in self.dims if dim in self.ds.coords})
        if slab is None:
            return found
        return found.isel({dim: slab.slices[str(dim)] for dim in found.dims})

    def _reader(self, budget: int = SLAB_BYTES) -> SlabReader:
        mask = [self.spec.mask] if self.spec.mask else []
        starts = {dim: kept.start for dim, kept in self.indexers.items() if isinstance(kept, slice)}
        return SlabReader(
            self.ds,
            [self.spec.target, *self.features, *mask],
            self.dims,
            offsets=starts,
            budget=budget,
        )

    def _read(
        self, reader: SlabReader, slab: Slab
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.float32], NDArray[np.bool_]]:
        """Return features, target and where all are there, within `slab`."""
        y = _as_float32(reader.read(self.spec.target, slab))
        valid = np.isfinite(y)
        columns = []
        for name in self.features:
            column = _as_float32(reader.read(name, slab))
            valid &= np.isfinite(column)
            columns.append(column)
        if self.spec.mask:
            mask = _as_float32(reader.read(self.spec.mask, slab))
            valid &= np.isfinite(mask) & (mask != 0)
        return columns, y, valid

    def _table(
        self,
        slab: Slab,
        columns: list[NDArray[np.float32]],
        y: NDArray[np.float32],
        keep: NDArray[np.bool_],
        rows: NDArray[np.int64],
    ) -> Samples:
        x = np.empty((rows.size, len(columns)), np.float32)
        for i, column in enumerate(columns):
            x[:, i] = np.broadcast_to(column, slab.shape)[keep]
        places = np.unravel_index(rows, slab.shape)
        sizes = tuple(int(self.ds.sizes[dim]) for dim in self.dims)
        shifted = tuple(
            place + slab.slices[dim].start for dim, place in zip(self.dims, places, strict=True)
        )
        if self.area.values.ndim:
            along = self.dims.index(str(self.area.values.dims[0]))
            weight = np.asarray(self.area.values.values, dtype=np.float64)[shifted[along]]
        else:
            weight = np.ones(rows.size)
        block = self._on_slab(self.split.block_ids, slab)
        return Samples(
            X=x,
            y=y[keep],
            weight=weight,
            cell=np.ravel_multi_index(shifted, sizes).astype(np.int64),
            block=np.broadcast_to(block, slab.shape)[keep],
        )

    def _on_slab(self, rule: Callable[[xr.Dataset], xr.DataArray], slab: Slab) -> NDArray[np.int64]:
        """Evaluate a rule of the split within `slab`, with size 1 along dims it ignores."""
        found = rule(self.frame(slab))
        ordered = found.transpose(*(dim for dim in self.dims if dim in found.dims))
        shape = [
            size if dim in found.dims else 1
            for dim, size in zip(self.dims, slab.shape, strict=True)
        ]
        return np.asarray(ordered.values).reshape(shape)

    def _count(self) -> None:
        """Count valid cells and blocks of each role, and judge them."""
        cells = np.zeros(len(ROLES), np.int64)
        blocks: list[set[int]] = [set() for _ in ROLES]
        target_seen = False
        reader = self._reader()
        for slab in reader:
            _, y, valid = self._read(reader, slab)
            target_seen = target_seen or bool(np.isfinite(y).any())
            if not valid.any():
                continue
            ids = np.broadcast_to(self._on_slab(self.split.block_ids, slab), slab.shape)[valid]
            roles = np.broadcast_to(self._on_slab(self.split.assign, slab), slab.shape)[valid]
            cells += np.bincount(roles, minlength=len(ROLES))
            for code, seen in enumerate(blocks):
                seen.update(np.unique(ids[roles == code]).tolist())
        self._counts = [
            RoleCount(role=role, cells=int(n), blocks=len(seen))
            for role, n, seen in zip(ROLES, cells, blocks, strict=True)
        ]
        self._judge(target_seen)

    def _judge(self, target_seen: bool) -> None:
        if not any(count.cells for count in self._counts):
            raise self._nothing_valid(target_seen)
        for count in self._counts:
            if count.blocks < TOO_FEW_BLOCKS:
                raise CubeError(
                    f"Only {count.blocks} block(s) with valid '{self.spec.target}' fall to "
                    f"{count.role}; at least {TOO_FEW_BLOCKS} are needed.",
                    hint="Make the blocks smaller, the share of this role larger, or the region "
                    "and period wider; move the dates of a split by time.",
                    code="empty_split",
                    field="split",
                )
            if count.blocks < FEW_BLOCKS:
                self.warnings.append(
                    ErrorBody(
                        message=f"Only {count.blocks} blocks fall to {count.role}: its scores "
                        "are uncertain, and no interval is given.",
                        code="few_blocks",
                        hint=f"{FEW_BLOCKS} or more are advised: make the blocks smaller.",
                        field="split",
                    )
                )

    def _nothing_valid(self, target_seen: bool) -> CubeError:
        if not target_seen:
            return CubeError(
                f"'{self.spec.target}' is missing in every cell of the selection.",
                hint="Choose another target, or widen region and period.",
                code="all_missing",
                field="target",
            )
        return CubeError(
            f"No cell has '{self.spec.target}' and all features"
            + (" inside the mask." if self.spec.mask else "."),
            hint="Take out the feature that is missing where the target is there.",
            code="all_missing",
            field="features",
        )


def _as_float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    # A float64 that float32 cannot hold becomes infinite, and its cell is dropped as invalid.
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def _draw(samples: Samples, n: int, seed: int) -> Samples:
    """Keep the `n` cells with the smallest hash of (seed, cell)."""
    if len(samples) <= n:
        return samples
    keys = mix64(samples.cell.view(np.uint64) ^ mix64(np.array([seed], np.uint64)))
    return samples.take(np.sort(np.argpartition(keys, n - 1)[:n]))
