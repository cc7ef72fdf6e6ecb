"""What the variables of a cube are read from: the store, or others that they are computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..features.mlkit_features import Leaf, as_float, reads
from .boxes import Box, BoxReader, taken
from .fetch import Scratch
from .stored import Positions, Stored, computed, lazy_data

#: Variables that lack a dim are read once and kept, up to this size each.
_KEPT_BYTES = 32 * 2**20


@dataclass(frozen=True, eq=False)
class Input:
    """A variable that is stored, or in memory.

    Attributes
    ----------
    reader : BoxReader
    array : int
        Number of the zarr array behind it, the same for all parts of it.
    same : int
        Number of what it is a cut of along its dims.
    dims : tuple of str
    shape : tuple of int
    dtype : numpy.dtype
    static : bool
        Whether it lacks dims of the boxes and is small, so that it is kept.
    """

    reader: BoxReader
    array: int
    same: int
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    static: bool

    def along(self, dim: str) -> list[tuple[int, Positions]] | None:
        """Return as :meth:`.plan.Source.along`."""
        return self.reader.along(dim)

    def requests(self, box: Box) -> Iterator[tuple[Input, Box]]:
        """Yield what is read for `box`: itself."""
        yield self, {dim: box[dim] for dim in self.dims if dim in box}


@dataclass(frozen=True, eq=False)
class Expression:
    """A variable that is computed from others.

    Attributes
    ----------
    view : Stored
        What part of something computed the variable is.
    inputs : tuple
        What that is computed from, in the order of :func:`.mlkit_features.reads`; None for what
        is in memory.
    dims, shape, dtype, static
        As of an :class:`Input`.
    """

    view: Stored
    inputs: tuple[Input | Expression | None, ...]
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    static: bool

    def along(self, dim: str) -> list[tuple[int, Positions]] | None:
        """Return as :meth:`.plan.Source.along`; a lag does not move the chunks."""
        if dim not in self.dims:
            return []
        place = self.dims.index(dim)
        pick = _pick(self.view.positions[place])
        found: list[tuple[int, Positions]] = []
        for source in self.inputs:
            inner = self.view.array.dims[self.view.axes[place]]
            known = [] if source is None else source.along(inner)
            if known is None:
                return None
            found += [(chunk, taken(positions, pick)) for chunk, positions in known]
        return found

    def requests(self, box: Box) -> Iterator[tuple[Input, Box]]:
        """Yield what is read for `box`."""
        for source, _, part in self._reads(self._inner(box)):
            if source is not None:
                yield from source.requests(part)

    def values(self, box: Box, read: Callable[[Input, Box], xr.Variable]) -> NDArray[Any]:
        """Return the values within `box`, computed from the floats that `read` gives."""
        inner = self._inner(box)
        held: dict[Any, xr.Variable] = {}
        for source, key, part in self._reads(inner):
            if isinstance(source, Input):
                held[key] = read(source, part)
            elif source is not None:
                held[key] = as_float(xr.Variable(source.dims, source.values(part, read)))
        found: NDArray[Any] = self.view.array.values(inner, held)
        fixed = (0 if axis in self.view.fixed else slice(None) for axis in range(found.ndim))
        found = found[tuple(fixed)].transpose(np.argsort(np.argsort(self.view.axes)))
        for step in self.view.decode:
            found = step(found)
        return found

    def _reads(self, inner: dict[str, Any]) -> Iterator[tuple[Input | Expression | None, Any, Box]]:
        leaves = reads(self.view.array.node, inner)
        for (leaf, part), source in zip(leaves, self.inputs, strict=True):
            yield source, leaf.key(part), {dim: part[dim] for dim in leaf.dims}

    def _inner(self, box: Box) -> dict[str, Any]:
        """Return `box` in the dims of what is computed."""
        names = self.view.array.dims
        found: dict[str, Any] = {
            names[axis]: slice(place, place + 1) for axis, place in self.view.fixed.items()
        }
        for dim, axis, along in zip(self.dims, self.view.axes, self.view.positions, strict=True):
            found[names[axis]] = _pick(taken(along, box.get(dim, slice(None))))
        return found


class Sources:
    """Finds what variables are read from; what is the same is found once.

    Parameters
    ----------
    dims : sequence of str
        Of the boxes that are read.
    scratch : Scratch
    """

    def __init__(self, dims: Sequence[str], scratch: Scratch) -> None:
        self._dims = dims
        self._scratch = scratch
        self._inputs: dict[Any, Input] = {}
        self._numbers: dict[Any, int] = {}

    def of(self, variable: xr.DataArray) -> Input | Expression:
        """Return what `variable` is read from."""
        dims = tuple(map(str, variable.dims))
        static = any(dim not in dims for dim in self._dims) and variable.nbytes <= _KEPT_BYTES
        view = computed(variable)
        if view is None:
            return self._input(variable, dims, static=static)
        inputs = tuple(map(self._of_leaf, (leaf for leaf, _ in reads(view.array.node, {}))))
        return Expression(view, inputs, dims, variable.shape, variable.dtype, static)

    def _of_leaf(self, leaf: Leaf) -> Input | Expression | None:
        if lazy_data(leaf.variable) is None:
            return None
        name = leaf.name or "variable"
        return self.of(xr.Dataset({name: leaf.variable})[name])

    def _input(self, variable: xr.DataArray, dims: tuple[str, ...], *, static: bool) -> Input:
        data = lazy_data(variable.variable)
        known = (id(variable.variable if data is None else data), dims)
        if known not in self._inputs:
            reader = BoxReader(variable, self._scratch)
            held = reader.stored
            array = self._number(known if held is None else id(held.array))
            same: Any = known
            if held is not None:
                same = (array, held.axes, tuple(sorted(held.fixed.items())), held.decode)
            self._inputs[known] = Input(
                reader, array, self._number(same), dims, variable.shape, variable.dtype, static
            )
        return self._inputs[known]

    def _number(self, what: Any) -> int:
        return self._numbers.setdefault(what, len(self._numbers))


def _pick(along: Positions) -> slice | NDArray[np.int64]:
    """Return positions as what selects them, a slice where they ascend evenly."""
    if isinstance(along, range) and along.step > 0:
        return slice(along.start, along.stop, along.step)
    return np.asarray(along, dtype=np.int64)
