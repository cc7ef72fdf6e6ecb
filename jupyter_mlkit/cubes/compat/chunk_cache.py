"""Boxes of a cube out of decoded chunks that are kept for a while."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reading.slabs import stored_chunks

#: Decoded bytes that are kept.
_BYTES = 256 * 2**20


class ChunkCache:
    """Reads boxes of variables, every chunk decoded once while it is in use.

    Parameters
    ----------
    ds : xarray.Dataset
    n_bytes : int
        Decoded bytes that are kept; the chunk that was used longest ago goes first.
    """

    def __init__(self, ds: xr.Dataset, n_bytes: int = _BYTES) -> None:
        self._ds = ds
        self._room = n_bytes
        self._kept: OrderedDict[tuple[Hashable, tuple[int, ...]], NDArray[Any]] = OrderedDict()
        self._chunks: dict[Hashable, tuple[int, ...]] = {}

    def box(self, selector: Mapping[Hashable, slice]) -> xr.Dataset:
        """Return ``ds.isel(selector)`` in memory."""
        found = self._ds.isel(selector)
        values = {}
        for name, variable in found.data_vars.items():
            if self._is_loaded(name):
                continue
            data = self._read(name, selector)
            values[name] = (variable.dims, data, variable.attrs, variable.encoding)
        return found.assign(values).load()

    def _is_loaded(self, name: Hashable) -> bool:
        return self._ds[name].ndim == 0 or self._ds[name].variable._in_memory

    def _read(self, name: Hashable, selector: Mapping[Hashable, slice]) -> NDArray[Any]:
        variable = self._ds[name]
        if name not in self._chunks:
            dims = [str(dim) for dim in variable.dims]
            known = stored_chunks(self._ds, [str(name)], dims)
            self._chunks[name] = tuple(known.get(dim, variable.sizes[dim]) for dim in dims)
        spans = [
            selector.get(dim, slice(None)).indices(size)[:2]
            for dim, size in zip(variable.dims, variable.shape, strict=True)
        ]
        chunk = self._chunks[name]
        out = np.empty([b - a for a, b in spans], variable.dtype)
        ranges = [range(a // c, -(-b // c)) for (a, b), c in zip(spans, chunk, strict=True)]
        for place in itertools.product(*ranges):
            held = [(k * c, (k + 1) * c) for k, c in zip(place, chunk, strict=True)]
            shared = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(spans, held, strict=True)]
            to = tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(shared, spans, strict=True))
            of = tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(shared, held, strict=True))
            out[to] = self._chunk(name, place)[of]
        return out

    def _chunk(self, name: Hashable, place: tuple[int, ...]) -> NDArray[Any]:
        key = (name, place)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        variable = self._ds[name]
        box = {
            dim: slice(k * c, (k + 1) * c)
            for dim, k, c in zip(variable.dims, place, self._chunks[name], strict=True)
        }
        self._kept[key] = found = np.asarray(variable.isel(box).values)
        held = sum(values.nbytes for values in self._kept.values())
        while held > self._room and len(self._kept) > 1:
            held -= self._kept.popitem(last=False)[1].nbytes
        return found
