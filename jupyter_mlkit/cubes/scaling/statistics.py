"""Statistics of the train cells of a cube: one pass, in the reader threads, numerically stable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError, InvalidInputError
from ..grids.grid import grid_of
from ..grids.variables import require_variable
from ..reading.moments import Moments, cell_moments_of, moments_of
from ..reading.roles import SlabKeep
from ..reading.slabs import Arrays, Slab, SlabReader

if TYPE_CHECKING:
    from ..splits.base import Split

#: ``dim=`` of scalers: None for all dims, one dim, or several.
Dims = str | Sequence[str] | None
_Keep = Callable[[Slab], NDArray[np.bool_]]


@dataclass(frozen=True)
class Statistics:
    """Statistics of one variable over the cells that count.

    Attributes
    ----------
    n, mean, std, minimum, maximum : xarray.DataArray of float64
        Over the dims that were not reduced, first ``month`` where months are apart. ``std`` is
        that of the population. Where ``n`` is zero, all others are NaN.
    deviation : float
        Standard deviation about the means in ``mean``, of all cells together.
    """

    n: xr.DataArray
    mean: xr.DataArray
    std: xr.DataArray
    minimum: xr.DataArray
    maximum: xr.DataArray
    deviation: float


def statistics(
    ds: xr.Dataset,
    variables: Iterable[str] | None = None,
    *,
    split: Split | None = None,
    mask: str | None = None,
    dim: Dims = None,
    monthly: bool = False,
) -> dict[str, Statistics]:
    """Return statistics of each variable over its train cells.

    Parameters
    ----------
    ds : xarray.Dataset
        Lazy or in memory; every chunk is decoded once.
    variables : iterable of str, optional
        Real numbers; all such data variables where not given.
    split : Split, optional
        Cells of its train role count; all cells where not given. A variable that lacks a dim of
        the split counts where any cell along that dim is of the train role.
    mask : str, optional
        Variable of `ds`; cells count where it is neither zero nor missing.
    dim : str or sequence of str, optional
        Dims to reduce; all where not given.
    monthly : bool
        Keep the months of the time dim apart, which has to be reduced.

    Returns
    -------
    dict
        By variable. NaN and infinite values take no part.

    Raises
    ------
    CubeError
        ``unknown_variable``, ``not_numeric``, ``all_missing``, ``unreadable_chunk``.
    InvalidInputError
        There is no such dim, or no time for months.
    """
    names = _numeric(ds) if variables is None else list(dict.fromkeys(variables))
    for name in names:
        require_variable(ds, name)
    if mask is not None:
        require_variable(ds, mask, "mask")
    reduced = _reduced(ds, dim)
    rule = None if split is None else split.resolve(ds)
    found: dict[str, Statistics] = {}
    for dims in dict.fromkeys(ds[name].dims for name in names):
        together = [name for name in names if ds[name].dims == dims]
        plan = _Plan(ds, tuple(map(str, dims)), reduced, monthly)
        keep = _keep_on(ds, plan.order, rule, mask)
        for name, moments in plan.run(together, keep).items():
            if not moments.n.any():
                raise CubeError(
                    f"'{name}' has no value in any train cell.",
                    hint="Leave the variable out, or let more of the cube be train.",
                    code="all_missing",
                )
            if not np.isfinite(moments.squares[moments.n > 0]).all():
                raise CubeError(
                    f"The values of '{name}' are so large (up to "
                    f"{max(-moments.low.min(), moments.high.max()):.3g}) that float64 cannot hold "
                    "their variance.",
                    hint="Look for a fill value that is not declared, and mask it.",
                    code="out_of_range",
                )
            found[name] = plan.labelled(moments)
    return {name: found[name] for name in names}


class _Plan:
    """How the variables that share their dims are reduced."""

    def __init__(
        self, ds: xr.Dataset, dims: tuple[str, ...], reduced: set[str] | None, monthly: bool
    ) -> None:
        self._ds = ds
        self._away = [dim for dim in dims if reduced is None or dim in reduced]
        self._kept = [dim for dim in dims if dim not in self._away]
        self._time = grid_of(ds).time if monthly else None
        self._months = None
        if monthly:
            self._months = _months(ds, self._time)
            if self._time not in dims:
                self._months, self._time = None, None
        # Cells of the result lie side by side in memory; all in one need no other order.
        self.order = [*self._away, *self._kept] if self._apart else list(dims)
        self._sizes = tuple(int(ds.sizes[dim]) for dim in self._kept)

    @property
    def _apart(self) -> bool:
        return bool(self._kept) or self._months is not None

    def run(self, names: Sequence[str], keep: _Keep) -> dict[str, Moments]:
        """Read `names` once and return their moments, those of pieces merged in order."""
        reader = SlabReader(self._ds, names, self.order)

        def work(slab: Slab, arrays: Arrays) -> tuple[Slab, dict[str, Moments]]:
            flags = keep(slab)
            if not flags.any():
                return slab, {}
            if not self._apart:
                return slab, {name: moments_of(arrays[name], flags) for name in names}
            return slab, {name: self._cells(slab, arrays[name], flags) for name in names}

        groups = 1 if self._months is None else 12
        shape = (groups, *self._sizes) if self._apart else ()
        found = {name: Moments.none(shape) for name in names}
        for slab, parts in reader.map(work):
            for name, part in parts.items():
                if self._apart:
                    box = (slice(None), *(slab.slices[dim] for dim in self._kept))
                    found[name].add_at(box, part)
                else:
                    found[name] = found[name] + part
        return found

    def _cells(self, slab: Slab, values: NDArray[np.generic], flags: NDArray[np.bool_]) -> Moments:
        shape = slab.shape[len(self._away) :]
        rows = math.prod(slab.shape[: len(self._away)])
        if any(size != 1 for size in flags.shape[: len(self._away)]):
            flags = np.broadcast_to(flags, slab.shape)
            flags = flags.reshape(rows, -1)
        else:
            flags = np.broadcast_to(flags[(0,) * len(self._away)], shape).reshape(1, -1)
        group, groups = np.zeros(rows, np.int64), 1
        if self._months is not None and self._time is not None:
            along = self._months[slab.slices[self._time]]
            place = [-1 if dim == self._time else 1 for dim in self._away]
            group = np.broadcast_to(along.reshape(place), slab.shape[: len(self._away)]).reshape(-1)
            group, groups = np.ascontiguousarray(group), 12
        found = cell_moments_of(values.reshape(rows, -1), flags, group, groups)
        return Moments(
            *(
                part.reshape(groups, *shape)
                for part in (found.n, found.mean, found.squares, found.low, found.high)
            )
        )

    def labelled(self, moments: Moments) -> Statistics:
        """Put coordinates on moments."""
        dims: list[str] = list(self._kept)
        coords = {dim: self._ds[dim].variable for dim in dims if dim in self._ds.coords}
        if self._apart and self._months is None:
            moments = moments.over(0)
        elif self._apart:
            dims = ["month", *dims]
            coords["month"] = xr.Variable("month", np.arange(1, 13))
        some = moments.n > 0

        def array(values: NDArray[np.float64], missing: float = np.nan) -> xr.DataArray:
            return xr.DataArray(np.where(some, values, missing), coords, dims)

        return Statistics(
            array(moments.n, 0),
            array(moments.mean),
            array(moments.std),
            array(moments.low),
            array(moments.high),
            float(np.sqrt(moments.squares.sum() / moments.n.sum())),
        )


def _keep_on(ds: xr.Dataset, dims: Sequence[str], split: Split | None, mask: str | None) -> _Keep:
    """Return what tells which cells of boxes over `dims` count."""
    inside = None if mask is None else ds[mask]
    every = [*dims, *(str(dim) for dim in ds.dims if dim not in dims)]
    keep = SlabKeep(ds, every, split, mask=inside)
    surplus = [dim for dim in every if dim in keep.dims and dim not in dims]
    if not surplus:
        kept = len(dims)

        def cut(slab: Slab) -> NDArray[np.bool_]:
            flags = keep(slab)
            return flags.reshape(flags.shape[:kept])

        return cut
    # What a static variable shares with any train cell: walked once, roles alone are looked at.
    walk = [dim for dim in every if dim in keep.dims]
    here = [dim for dim in walk if dim not in surplus]
    known = SlabKeep(ds, walk, split, mask=inside)
    found = np.zeros([ds.sizes[dim] for dim in here], bool)
    for slab in SlabReader(ds, (), walk):
        flags = known(slab).any(axis=tuple(walk.index(dim) for dim in surplus))
        found[tuple(slab.slices[dim] for dim in here)] |= flags

    def looked_up(slab: Slab) -> NDArray[np.bool_]:
        box = found[tuple(slab.slices[dim] for dim in here)]
        sizes = iter(box.shape)
        return box.reshape([next(sizes) if dim in here else 1 for dim in dims])

    return looked_up


def _numeric(ds: xr.Dataset) -> list[str]:
    return [str(name) for name, data in ds.data_vars.items() if data.dtype.kind in "iuf"]


def _reduced(ds: xr.Dataset, dim: Dims) -> set[str] | None:
    if dim is None:
        return None
    dims = {dim} if isinstance(dim, str) else set(dim)
    for name in sorted(dims):
        if name not in ds.dims:
            raise InvalidInputError(
                f"The cube has no dim '{name}'.",
                hint=f"Its dims are {', '.join(map(str, ds.dims))}.",
                field="dim",
            )
    return dims


def _months(ds: xr.Dataset, time: str | None) -> NDArray[np.int64]:
    """Return the month of each step, 0 to 11, in any calendar."""
    if time is None or time not in ds.coords:
        raise InvalidInputError(
            "A monthly climatology needs a time dim with a coordinate.",
            hint="Name it 'time', or give it the attribute standard_name='time'.",
            field="dim",
        )
    return np.asarray(ds[time].dt.month.values, dtype=np.int64) - 1
