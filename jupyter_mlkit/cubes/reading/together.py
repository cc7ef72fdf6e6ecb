"""Read the variables of a box together: what several of them need of the store is read once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..features.mlkit_features import as_float
from .boxes import Asked, Box, BoxReader, picked, read_by_dask, read_together, taken
from .expressions import Expression, Input, Sources
from .fetch import Scratch

Values = NDArray[Any]


class Together:
    """Reads variables, computed ones too, so that each chunk that a box needs is decoded once.

    Parameters
    ----------
    ds : xarray.Dataset
    names : sequence of str
    dims : sequence of str
        Of the boxes; variables may lack some.

    Attributes
    ----------
    sources : dict
        What each variable is read from.
    remote : bool
        Whether it pays to :meth:`ask` for a box before it is read.
    """

    def __init__(self, ds: xr.Dataset, names: Sequence[str], dims: Sequence[str]) -> None:
        self._dims = tuple(dims)
        self._scratch = Scratch()
        found = Sources(self._dims, self._scratch)
        self.sources = {name: found.of(ds[name]) for name in names}
        self.remote = any(
            one.reader.remote for source in self.sources.values() for one, _ in source.requests({})
        )
        self._kept: dict[Input | Expression, Values] = {}

    def ask(self, box: Box) -> dict[int, Asked]:
        """Start to fetch the chunks of `box` that are remote, by the number of their array."""
        asked: dict[int, Asked] = {}
        for source in self.sources.values():
            for one, part in [] if source.static else source.requests(box):
                if not one.static:
                    one.reader.ask(part, asked.setdefault(one.array, {}))
        return asked

    def fill(self, box: Box, outs: Mapping[str, Values], asked: dict[int, Asked]) -> None:
        """Write variables within `box` into `outs`, whose axes are the dims of the boxes.

        Raises
        ------
        CubeError
            ``unreadable_chunk``, naming the variable and the index of the chunk.
        """
        parts = _Parts(self._scratch, self._whole)
        computed: list[tuple[Expression, Values]] = []
        for name, out in outs.items():
            source, target = self.sources[name], self._target(name, out)
            if source.static:
                target[...] = self._whole(source)[tuple(box[dim] for dim in source.dims)]
            elif isinstance(source, Input):
                parts.add(*next(source.requests(box)), target)
            else:
                computed.append((source, target))
        for source, _ in computed:
            parts.add_all(source.requests(box))
        parts.read(asked)
        for source, target in computed:
            target[...] = source.values(box, parts.floats)

    def _target(self, name: str, out: Values) -> Values:
        """Return the same memory with its axes as the variable has them."""
        have = self.sources[name].dims
        lacking = tuple(i for i, dim in enumerate(self._dims) if dim not in have)
        held = [dim for dim in self._dims if dim in have]
        return out.squeeze(lacking).transpose([held.index(dim) for dim in have])

    def _whole(self, source: Input | Expression) -> Values:
        """Return all of a variable; threads that ask at the same time each read it."""
        if source not in self._kept:
            whole = np.empty(source.shape, source.dtype)
            if isinstance(source, Input):
                source.reader.read({}, whole)
            else:
                parts = _Parts(Scratch(), self._whole)
                parts.add_all(source.requests({}))
                parts.read({})
                whole[...] = source.values({}, parts.floats)
            self._kept[source] = whole
        return self._kept[source]


class _Parts:
    """The parts of stored variables that a box needs, in memory of this thread."""

    def __init__(self, scratch: Scratch, whole: Callable[[Input], Values]) -> None:
        self._scratch = scratch
        self._whole = whole
        self._held: dict[Any, Values] = {}
        self._floats: dict[Any, xr.Variable] = {}
        self._wanted: dict[int, list[tuple[BoxReader, Box, Values]]] = {}

    def add(self, source: Input, box: Box, out: Values) -> None:
        """Read `box` of `source` into `out`."""
        if out.flags.c_contiguous:  # what is computed from it must see it as xarray reads it
            self._held.setdefault(_key(source, box), out)
        self._wanted.setdefault(source.array, []).append((source.reader, box, out))

    def add_all(self, requests: Iterable[tuple[Input, Box]]) -> None:
        """Read what is not read yet."""
        for source, box in requests:
            if source.static or _key(source, box) in self._held:
                continue
            shape = tuple(
                len(taken(range(size), box.get(dim, slice(None))))
                for dim, size in zip(source.dims, source.shape, strict=True)
            )
            size = math.prod(shape) * source.dtype.itemsize
            memory = self._scratch.take(f"input {len(self._held)}", size)
            self.add(source, box, np.frombuffer(memory, source.dtype).reshape(shape))

    def read(self, asked: dict[int, Asked]) -> None:
        """Read all, each chunk once."""
        by_dask = []
        for array, wanted in self._wanted.items():
            if wanted[0][0].stored is not None:
                read_together(wanted, asked.get(array, {}))
            elif wanted[0][0].by_dask:
                by_dask += wanted
            else:
                for reader, box, out in wanted:
                    reader.read(box, out)
        if by_dask:
            read_by_dask(by_dask)

    def floats(self, source: Input, box: Box) -> xr.Variable:
        """Return what features are computed from."""
        if source.static:
            along = [box.get(dim, slice(None)) for dim in source.dims]
            return as_float(xr.Variable(source.dims, picked(self._whole(source), along)))
        key = _key(source, box)
        if key not in self._floats:
            self._floats[key] = as_float(xr.Variable(source.dims, self._held[key]))
        return self._floats[key]


def _key(source: Input, box: Box) -> Any:
    return source.same, source.reader.part(box)
