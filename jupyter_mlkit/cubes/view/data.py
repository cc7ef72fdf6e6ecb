"""A cube seen through a spec: opened, prepared, cut out, split, and read piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...models import ErrorBody, Role, RoleCount
from ...spec import TrainingSpec
from ..features.derive import derive, required_variables, with_lead
from ..grids.area import AreaWeights, cell_area_weights
from ..grids.grid import Grid, grid_of
from ..grids.select import Indexers, indexers, region_mask
from ..grids.variables import check_variables
from ..identity.fingerprint import Fingerprint
from ..reading.slabs import SLAB_BYTES, Arrays, Slab, SlabReader
from ..sources.prepare import open_prepared
from ..splits.base import Split
from ..splits.from_spec import split_from_spec
from ..splits.roles import ROLES
from .identity import identity_of, value_builder
from .samples import Collector, Samples
from .tally import PieceTally, Tally


@dataclass(frozen=True)
class Piece:
    """What a box of the cube holds: samples by role, and its counts."""

    tables: dict[Role, Samples]
    tally: PieceTally


@dataclass
class CubeData:
    """A cube seen through a spec: what is trained on and scored.

    Attributes
    ----------
    ds : xarray.Dataset
        The selected cube (region and period) with its computed features, lazy.
    spec : TrainingSpec
    split : Split
        Resolved: every size is physical.
    grid : Grid
    dims : tuple of str
        Dims of the target, in its order.
    features : list of str
        Names of the columns of X. With a lead time they are lagged: a sample's cell is that of
        its target, ``lead`` after its features.
    computed : frozenset of str
        Those of them that are computed from variables of the cube.
    whole : xarray.Dataset
        The prepared cube before region and period were cut out.
    indexers : dict
        Which of its positions were selected.
    area : AreaWeights
    inside : xarray.DataArray or None
        Where the region is, over the horizontal dims, on grids whose rows and columns it does
        not follow.
    is_opened : bool
        Whether the cube was opened from the sources of the spec, not given.
    """

    ds: xr.Dataset
    spec: TrainingSpec
    split: Split
    grid: Grid
    dims: tuple[str, ...]
    features: list[str]
    computed: frozenset[str]
    whole: xr.Dataset
    indexers: Indexers
    area: AreaWeights
    inside: xr.DataArray | None = None
    is_opened: bool = True
    _tally: Tally | None = field(default=None, repr=False)
    _identity: Fingerprint | None = field(default=None, repr=False)

    @classmethod
    def from_spec(cls, spec: TrainingSpec, *, ds: xr.Dataset | None = None) -> CubeData:
        """Open, prepare, select and check what `spec` names; no data are read yet.

        Parameters
        ----------
        spec : TrainingSpec
        ds : xarray.Dataset, optional
            The prepared cube where it is already open or in memory; else it is opened from
            the spec.

        Raises
        ------
        CubeError
            ``unknown_variable``, ``not_numeric``, ``unsupported_grid``, ``empty_selection``,
            and what opening and preparing raise.
        SpecError
            The split does not fit the cube.
        """
        whole = open_prepared(spec.sources, spec.prepare) if ds is None else ds
        check_variables(whole, spec)
        features = with_lead(whole, spec.features, spec.lead)
        computed = frozenset(features) - set(map(str, whole.variables))
        whole = derive(whole, features)
        split = split_from_spec(spec.split, target=spec.target, lead=spec.lead).resolve(whole)
        kept = indexers(whole, spec.region, spec.period)
        chosen = whole.isel(kept)
        grid = grid_of(whole)
        return cls(
            ds=chosen,
            spec=spec,
            split=split,
            grid=grid,
            dims=tuple(map(str, chosen[spec.target].dims)),
            features=features,
            computed=computed,
            whole=whole,
            indexers=kept,
            area=cell_area_weights(chosen, grid),
            is_opened=ds is None,
            inside=None if spec.region is None else region_mask(chosen, spec.region),
        )

    @property
    def units(self) -> str:
        """Units of the target, empty where the cube does not say."""
        return str(self.ds[self.spec.target].attrs.get("units", ""))

    @property
    def variables(self) -> list[str]:
        """Names of all that is read: target, features and mask."""
        mask = [self.spec.mask] if self.spec.mask else []
        return list(dict.fromkeys([self.spec.target, *self.features, *mask]))

    @property
    def stored(self) -> list[str]:
        """Names of the variables of the cube that all that is read is made of."""
        known = set(map(str, self.whole.variables)) - self.computed
        needed = required_variables(self.variables, known)
        # Coordinates that serve as features enter with every variable that has them.
        return [name for name in needed if name in self.whole.data_vars]

    def fingerprint(self) -> Fingerprint:
        """Return the identity of the variables and the selection that are used.

        Of a prepared cube it is that of its sources and the code; else that of the cells.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, ``store_unreachable``.
        """
        if self._identity is None:
            self._identity = identity_of(self)
        return self._identity

    def counts(self) -> list[RoleCount]:
        """Return valid cells and blocks of each role; the data are read once for it.

        Raises
        ------
        CubeError
            ``unreadable_chunk``.
        """
        return self.tally().counts()

    def warnings(self) -> list[ErrorBody]:
        """Return what a person should know before trusting the scores.

        Raises
        ------
        CubeError
            ``all_missing``, ``empty_split``, ``unreadable_chunk``.
        """
        return self.tally().judge(self.spec)

    def tally(self) -> Tally:
        """Return the counts, from the pass that was made already where there was one."""
        if self._tally is None:
            for _ in self.pieces(()):
                pass
        assert self._tally is not None
        return self._tally

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
        kept = Collector(len(self.features), max_samples, seed)
        for batch in self.batches(role):
            kept.add(batch)
        return kept.samples()

    def batches(self, role: Role) -> Iterator[Samples]:
        """Yield the samples of `role` piece by piece, every chunk decoded once."""
        for piece in self.pieces((role,)):
            if len(piece.tables[role]):
                yield piece.tables[role]

    def pieces(
        self,
        roles: Sequence[Role] = ROLES,
        *,
        budget: int = SLAB_BYTES,
        identify: bool = False,
    ) -> Iterator[Piece]:
        """Yield the cube box by box, every chunk decoded once for all roles.

        Parameters
        ----------
        roles : sequence of {"train", "validation", "test"}
            Roles whose samples are wanted; counts come for all.
        budget : int
            Decoded bytes per box.
        identify : bool
            Whether :meth:`fingerprint` will be asked for: where it is that of the values, they
            are hashed while they are at hand.
        """
        tally = Tally()
        builder = value_builder(self) if identify and self._identity is None else None

        def work(slab: Slab, arrays: Arrays) -> Piece:
            if builder is not None:
                builder.add_values(slab, arrays)
            return self._piece(slab, arrays, roles)

        starts = {dim: kept.start for dim, kept in self.indexers.items() if isinstance(kept, slice)}
        reader = SlabReader(self.ds, self.variables, self.dims, offsets=starts, budget=budget)
        for piece in reader.map(work):
            tally.add(piece.tally)
            yield piece
        self._tally = tally
        if builder is not None:
            self._identity = builder.finish()

    def frame(self, slab: Slab | None = None) -> xr.Dataset:
        """Return the coordinates of the selected cube, or of a box of it, without data."""
        found = self.ds.coords.to_dataset()
        found = found.drop_vars([name for name in found.coords if not found[name].dims])
        if slab is None:
            return found
        return found.isel(slab.slices, missing_dims="ignore")

    def _piece(self, slab: Slab, arrays: Arrays, roles: Sequence[Role]) -> Piece:
        y = _as_float32(arrays[self.spec.target])
        valid = np.isfinite(y)
        columns = []
        for name in self.features:
            column = _as_float32(arrays[name])
            valid = valid & np.isfinite(column)
            columns.append(column)
        if self.spec.mask:
            mask = _as_float32(arrays[self.spec.mask])
            valid = valid & np.isfinite(mask) & (mask != 0)
        if self.inside is not None:
            valid = valid & self._spread(self.inside.isel(slab.slices, missing_dims="ignore"), slab)
        if not valid.any():
            none = np.empty(0, np.int64)
            seen = bool(np.isfinite(y).any())
            tally = PieceTally.of(none.astype(np.int8), none, target_seen=seen)
            return Piece(self._no_tables(roles), tally)
        rows = np.flatnonzero(valid)
        ids = self._of_rows(self.split.block_ids, slab, valid)
        codes = self._of_rows(self.split.assign, slab, valid)
        tables = {}
        for role in roles:
            mine = codes == ROLES.index(role)
            keep = np.zeros(valid.size, np.bool_)
            keep[rows[mine]] = True
            tables[role] = self._table(slab, columns, y, keep.reshape(valid.shape), ids[mine])
        return Piece(tables, PieceTally.of(codes, ids, target_seen=True))

    def _no_tables(self, roles: Sequence[Role]) -> dict[Role, Samples]:
        return {role: Samples.concat([], len(self.features)) for role in roles}

    def _table(
        self,
        slab: Slab,
        columns: list[NDArray[np.float32]],
        y: NDArray[np.float32],
        keep: NDArray[np.bool_],
        block: NDArray[np.int64],
    ) -> Samples:
        rows = np.flatnonzero(keep)
        x = np.empty((rows.size, len(columns)), np.float32)
        for i, column in enumerate(columns):
            x[:, i] = np.broadcast_to(column, slab.shape)[keep]
        places = np.unravel_index(rows, slab.shape)
        sizes = tuple(int(self.ds.sizes[dim]) for dim in self.dims)
        shifted = tuple(
            place + slab.slices[dim].start for dim, place in zip(self.dims, places, strict=True)
        )
        return Samples(
            X=x,
            y=y[keep],
            weight=self._weights(shifted, rows.size),
            cell=np.ravel_multi_index(shifted, sizes).astype(np.int64),
            block=block,
        )

    def _weights(self, places: tuple[NDArray[np.intp], ...], n: int) -> NDArray[np.float64]:
        area = self.area.values
        if not area.ndim:
            return np.ones(n)
        along = tuple(places[self.dims.index(str(dim))] for dim in area.dims)
        return np.asarray(area.values, dtype=np.float64)[along]

    def _of_rows(
        self, rule: Callable[[xr.Dataset], xr.DataArray], slab: Slab, valid: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Evaluate a rule of the split within `slab` and return it for the valid cells."""
        return self._spread(rule(self.frame(slab)), slab)[valid]

    def _spread(self, found: xr.DataArray, slab: Slab) -> NDArray[Any]:
        """Return values over some dims as an array over all dims of `slab`."""
        ordered = found.transpose(*(dim for dim in self.dims if dim in found.dims))
        shape = [
            size if dim in found.dims else 1
            for dim, size in zip(self.dims, slab.shape, strict=True)
        ]
        return np.broadcast_to(np.asarray(ordered.values).reshape(shape), slab.shape)


def _as_float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    # A float64 that float32 cannot hold becomes infinite, and its cell is dropped as invalid.
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)
