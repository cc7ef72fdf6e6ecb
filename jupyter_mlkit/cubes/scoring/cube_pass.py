"""One pass over cubes that lie on one grid, reduced to sums by groups."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ...models import Role
from ..reading.slabs import Slab, SlabReader, stored_chunks
from ..splits.base import Split
from ..splits.roles import ROLES
from .alignment import (
    Weights,
    cell_weights,
    check_aligned,
    check_numeric,
    check_weights,
    truth_grid,
)
from .arguments import names_of, require_split
from .climatology import CalendarTable, calendar_dim
from .factors import factors_of, sum_by
from .groups import By, groupings
from .sums import Floats

#: Decoded bytes of a box, unless one chunk of each array is more.
_BOX_BYTES = 16 * 2**20
#: Cells that are worked on at once, so that intermediate results stay in the cache.
_PIECE_CELLS = 2**16

T = TypeVar("T")
#: float64 values by name, all of the shape of the piece but for leading dims that are read whole.
Values = dict[str, Floats]
#: Gets values, weights and a number near the truth; gives terms that add up.
Terms = Callable[[Values, Floats, float], Sequence[Floats]]


@dataclass(frozen=True)
class Part:
    """Sums over one box.

    Attributes
    ----------
    where : tuple of slice
        Its place in the result, along the dims that are kept.
    values : ndarray of float64, shape (n_terms, *kept, *groups)
    about : float
        What was given to the terms.
    """

    where: tuple[slice, ...]
    values: Floats
    about: float


@dataclass(frozen=True)
class Piece:
    """Some cells of a box: values and weights as float64, and their place along each dim."""

    values: Values
    weight: Floats
    where: dict[str, slice]


class CubePass:
    """Reads arrays chunk by chunk, in threads, and adds up terms of cells by groups.

    Parameters
    ----------
    arrays : mapping of str to xarray.DataArray
        What is read; each may lack dims of the truth. One with a dim ``month`` (or ``season``,
        ``dayofyear``) in place of time is a climatology: a cell gets the value of its date.
    truth : xarray.DataArray
        Its cells are those that count; it is read as ``"truth"``.
    dim : str, sequence of str, optional
        Dims that are reduced, all of them where not given.
    by, weights, split, role
        See :func:`.score.score`.
    whole : sequence of str
        Dims that only some of `arrays` have and that are read whole, such as members.
    """

    def __init__(
        self,
        arrays: Mapping[str, xr.DataArray],
        truth: xr.DataArray,
        *,
        dim: str | Sequence[str] | None = None,
        by: By | Sequence[By] = (),
        weights: Weights = None,
        split: Split | xr.DataArray | None = None,
        role: Role | None = None,
        whole: Sequence[str] = (),
    ) -> None:
        check_numeric("truth", truth)
        for name, array in arrays.items():
            check_numeric(name, array)
        require_split(split)
        self.truth = truth
        grid = truth_grid(truth)
        self.sizes = {str(dim): int(truth.sizes[dim]) for dim in truth.dims}
        self.kept = _kept(self.sizes, dim)
        self.groups = groupings(by, truth, grid)
        self._factors = factors_of(self.groups, self.sizes, self.kept)
        self._whole = tuple(whole)
        self._tables: dict[str, CalendarTable] = {}
        read = {"truth": truth, "weight": cell_weights(weights, truth)}
        for name, array in arrays.items():
            calendar = calendar_dim(array, grid)
            extra = self._whole if calendar is None else (*self._whole, calendar)
            check_aligned(name, array, truth, extra)
            if calendar is None:
                read[name] = array
            else:
                self._tables[name] = CalendarTable.of(array, calendar, truth, grid)
        self._split = split
        self._code = _role_code(split, role, truth)
        self._frame = xr.Dataset(coords=truth.coords)
        self._members = {name for name, a in read.items() if set(self._whole) & set(a.dims)}
        self._reader, self._labels = _reader(read, (*self._whole, *self.sizes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result: dims that are kept, then groups."""
        sizes = [self.sizes[dim] for dim in self.kept]
        return (*sizes, *(factor.size for factor in self._factors))

    def sums(self, terms: Terms) -> Iterator[Part]:
        """Yield the sums of each box; terms of one box are about the mean of its truth."""

        def add(slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> Part | None:
            about = _mean_of_finite(arrays[self._labels["truth"]])
            total: Floats | None = None
            for piece in self._pieces(slab, arrays):
                if not piece.weight.any():
                    continue
                found = terms(piece.values, piece.weight, about)
                dims = list(self.sizes)
                summed = sum_by(found, dims, self.kept, self._factors, piece.where)
                if total is None:
                    kept = [_length(slab.slices[dim]) for dim in self.kept]
                    total = np.zeros((len(summed), *kept, *self.shape[len(kept) :]))
                total[(slice(None), *(self._inside(piece, slab)))] += summed
            where = tuple(slab.slices[dim] for dim in self.kept)
            return None if total is None else Part(where, total, about)

        return (part for part in self._reader.map(add) if part is not None)

    def walk(self, work: Callable[[Piece], T]) -> Iterator[T]:
        """Call `work` on each piece in the reading threads; yield what it returns, in order."""

        def each(slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> list[T]:
            return [work(piece) for piece in self._pieces(slab, arrays)]

        return (found for results in self._reader.map(each) for found in results)

    def part_of(self, piece: Piece) -> tuple[tuple[slice, ...], tuple[int, ...]]:
        """Return which part of the result a piece counts in, and the shape of that part."""
        where = tuple(piece.where[dim] for dim in self.kept)
        return where, (*map(_length, where), *self.shape[len(self.kept) :])

    def group_of(self, piece: Piece) -> NDArray[np.int64]:
        """Return in which place of its part, in C order, each cell counts; -1 in none."""
        code = np.zeros([1] * len(self.sizes), np.int64)
        outside = np.zeros(code.shape, bool)
        dims = list(self.sizes)
        for dim in self.kept:
            count = _length(piece.where[dim])
            shape = [-1 if other == dim else 1 for other in dims]
            code = code * count + np.arange(count).reshape(shape)
        for factor in self._factors:
            own = factor.codes[tuple(piece.where[dim] for dim in factor.dims)]
            shape = [_length(piece.where[dim]) if dim in factor.dims else 1 for dim in dims]
            code = code * factor.size + own.reshape(shape)
            outside = outside | (own.reshape(shape) < 0)
        return np.broadcast_to(np.where(outside, -1, code), piece.weight.shape)

    def dataset(self, variables: Mapping[str, tuple[Sequence[str], NDArray[Any]]]) -> xr.Dataset:
        """Return results with the coordinates of cells and groups.

        Parameters
        ----------
        variables : mapping of str to (dims, ndarray)
            Each of shape ``(*shape, *sizes of its further dims)``.
        """
        parts = [part for factor in self._factors for part in factor.parts]
        names = [part.name for part in parts]
        sizes = [*(self.sizes[dim] for dim in self.kept), *(part.size for part in parts)]
        coords = {
            name: coord
            for name, coord in self.truth.coords.items()
            if coord.ndim and set(coord.dims) <= set(self.kept)
        }
        found = xr.Dataset(coords=coords)
        for name, (more, values) in variables.items():
            shape = [*sizes, *np.shape(values)[len(self.shape) :]]
            found[name] = ((*self.kept, *names, *more), np.reshape(values, shape))
        for part in parts:
            extra = {name: (part.name, values) for name, values in part.more.items()}
            found = found.assign_coords({part.name: (part.name, part.labels), **extra})
        # In the order that was asked for, where groups of shared dims were joined.
        order = [*self.kept, *(group.name for group in self.groups)]
        return found.transpose(*order, ...)

    def _pieces(self, slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Piece]:
        """Cut a box along its first dim; bring everything to float64 and one shape."""
        skip = len(self._whole)
        shape = slab.shape[skip:]
        if not math.prod(shape):
            return
        dims = list(self.sizes)
        first = slab.slices[dims[0]]
        step = max(1, _PIECE_CELLS // math.prod(shape[1:]))
        counts = self._counts(slab)
        for start in range(0, shape[0], step):
            stop = min(start + step, shape[0])
            where = {dim: slab.slices[dim] for dim in dims}
            where[dims[0]] = slice(first.start + start, first.start + stop)
            full = (stop - start, *shape[1:])
            values: Values = {}
            for name, label in self._labels.items():
                array = arrays[label]
                held = array if name in self._members else array.reshape(array.shape[skip:])
                axis = skip if name in self._members else 0
                rows = slice(None) if held.shape[axis] == 1 else slice(start, stop)
                cut = held[(slice(None),) * axis + (rows,)]
                lead = cut.shape[:axis]
                values[name] = np.broadcast_to(cut.astype(np.float64), (*lead, *full))
            for name, table in self._tables.items():
                values[name] = np.broadcast_to(table.at(where), full)
            weight = values.pop("weight")
            check_weights(weight)
            weight = np.nan_to_num(weight)
            if counts is not None:
                own = counts if counts.shape[0] == 1 else counts[start:stop]
                weight = np.where(own, weight, 0.0)
            yield Piece(values, weight, where)

    def _counts(self, slab: Slab) -> NDArray[np.bool_] | None:
        """Return which cells of a box have the role, with size 1 along dims it ignores."""
        if self._split is None:
            return None
        if isinstance(self._split, xr.DataArray):
            found = self._split.isel({dim: slab.slices[str(dim)] for dim in self._split.dims})
        else:
            places = {dim: slab.slices[dim] for dim in self.sizes if dim in self._frame.dims}
            found = self._split.assign(self._frame.isel(places))
        held = [dim for dim in self.sizes if dim in found.dims]
        shape = [_length(slab.slices[dim]) if dim in held else 1 for dim in self.sizes]
        return np.asarray(found.transpose(*held).values == self._code).reshape(shape)

    def _inside(self, piece: Piece, slab: Slab) -> list[slice]:
        starts = {dim: slab.slices[dim].start for dim in self.kept}
        return [
            slice(piece.where[dim].start - start, piece.where[dim].stop - start)
            for dim, start in starts.items()
        ]


def _reader(
    arrays: Mapping[str, xr.DataArray], dims: Sequence[str]
) -> tuple[SlabReader, dict[str, str]]:
    """Return a reader of `arrays` and what it calls each: errors tell the variables' own names."""
    own = {name: name if array.name is None else str(array.name) for name, array in arrays.items()}
    shared = {name for name, count in Counter(own.values()).items() if count > 1}
    labels = {name: f"{said} ({name})" if said in shared else said for name, said in own.items()}
    # Variables, not arrays: coordinates that only one of them has are no concern here.
    ds = xr.Dataset({labels[name]: array.variable for name, array in arrays.items()})
    names = list(labels.values())
    chunks = stored_chunks(ds, names, dims)
    whole = {dim: int(ds.sizes[dim]) for dim in dims if dim not in arrays["truth"].dims}
    reader = SlabReader(ds, names, dims, chunks={**chunks, **whole}, budget=_BOX_BYTES)
    return reader, labels


def _kept(sizes: Mapping[str, int], dim: str | Sequence[str] | None) -> tuple[str, ...]:
    if dim is None:
        return ()
    reduced = names_of(dim, "dim")
    unknown = [one for one in reduced if one not in sizes]
    if unknown:
        raise InvalidInputError(
            f"The truth has no dim '{unknown[0]}'.",
            hint=f"Its dims are {', '.join(sizes)}.",
            code="unknown_dim",
            field="dim",
        )
    return tuple(one for one in sizes if one not in reduced)


def _role_code(split: Split | xr.DataArray | None, role: Role | None, truth: xr.DataArray) -> int:
    if (split is None) != (role is None):
        raise InvalidInputError(
            "A split and the role to score belong together.",
            hint="Give both: split=..., role='validation'.",
            field="role",
        )
    if isinstance(split, xr.DataArray):
        check_aligned("mask of roles", split, truth)
    if role is None:
        return -1
    if role not in ROLES:
        raise InvalidInputError(f"'{role}' is no role: {', '.join(ROLES)}.", field="role")
    return ROLES.index(role)


def _mean_of_finite(values: NDArray[Any]) -> float:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return float(finite.mean(dtype=np.float64)) if finite.size else 0.0


def _length(piece: slice) -> int:
    return int(piece.stop) - int(piece.start)
