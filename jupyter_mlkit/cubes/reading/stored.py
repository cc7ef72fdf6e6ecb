"""Find the zarr array behind a lazily opened variable, and which part of it the variable is.

The one file that knows xarray's private lazy arrays. Whatever it does not know makes
:func:`stored` return None, and the variable is read through xarray.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..features.mlkit_features import Computed

#: Positions along one axis of the stored array.
Positions = range | NDArray[np.int64]
#: Turns stored numbers into values, one by one.
Decode = Callable[[NDArray[Any]], NDArray[Any]]

_READ = re.compile(r"(original-)?open_dataset-.+-[0-9a-f]{32}")
#: Layers of dask that move values from chunk to chunk and change none.
_RECHUNKS = re.compile(r"rechunk-(merge|split)-[0-9a-f]{32}")


@dataclass(frozen=True)
class Stored:
    """The part of a zarr array, or of what is computed, that a variable is.

    Attributes
    ----------
    array : zarr.Array or Computed
    chunks : tuple of int
        Shape of a chunk, of the inner one where there are shards; all of what is computed.
    axes : tuple of int
        Axis of the stored array behind each dim of the variable.
    positions : tuple
        Positions along the stored axis, for each dim of the variable.
    fixed : dict
        Position along the stored axes that the variable lacks.
    decode : tuple of callable
        Elementwise steps from stored numbers to values, in order; xarray's own.
    """

    array: Any
    chunks: tuple[int, ...]
    axes: tuple[int, ...]
    positions: tuple[Positions, ...]
    fixed: dict[int, int]
    decode: tuple[Decode, ...]


def stored(variable: xr.DataArray | xr.Variable) -> Stored | None:
    """Return what zarr array `variable` is read from.

    Parameters
    ----------
    variable : xarray.DataArray or Variable
        As ``open_dataset`` or ``open_zarr`` gave it, at most cut by position and transposed;
        with dask at most rechunked.

    Returns
    -------
    Stored or None
        None where it is in memory, computed, no zarr array or its numbers are no numbers.
    """
    from xarray.backends.zarr import ZarrArrayWrapper

    held = variable.variable if isinstance(variable, xr.DataArray) else variable
    data = held._data if held.chunks is None else _behind_dask(held._data)
    found = _walk(data, ZarrArrayWrapper)
    if found is None or found.array.ndim == 0 or tuple(map(len, found.positions)) != held.shape:
        return None
    return found if found.array.dtype.kind in "biufc" else None


def computed(variable: xr.DataArray | xr.Variable) -> Stored | None:
    """Return what part of a :class:`.mlkit_features.Computed` a lazy `variable` is, or None."""
    held = variable.variable if isinstance(variable, xr.DataArray) else variable
    return None if held.chunks is not None else _walk(held._data, Computed)


def lazy_data(variable: xr.Variable) -> Any:
    """Return the lazy array of `variable`, the same object for copies of it; None in memory."""
    from xarray.core import indexing

    if variable._in_memory:
        return None
    data = variable._data
    while isinstance(data, indexing.MemoryCachedArray):  # copies have one of their own
        data = data.array
    return data


def _behind_dask(data: Any) -> Any:
    """Return what a dask array was opened from, where nothing else was done to it."""
    layers = {str(name): layer for name, layer in data.dask.layers.items()}
    reads = [name for name in layers if not _RECHUNKS.fullmatch(name)]
    sources = [name for name in reads if name.startswith("original-")]
    if len(reads) != 2 or len(sources) != 1 or not all(map(_READ.fullmatch, reads)):
        return None
    if f"original-{min(reads, key=len)}" != sources[0]:
        return None
    source = layers[sources[0]].get(sources[0])
    return getattr(source, "value", source)


def _walk(data: Any, source: type[Any]) -> Stored | None:
    """Follow the lazy wrappers inwards to a `source`, then apply their keys outwards."""
    from xarray.coding.common import _ElementwiseFunctionArray
    from xarray.coding.variables import BoolTypeArray, NativeEndiannessArray
    from xarray.core import indexing

    through = (
        indexing.MemoryCachedArray,
        indexing.CopyOnWriteArray,
        indexing.ImplicitToExplicitIndexingAdapter,
    )
    keyed = (indexing.LazilyIndexedArray, indexing.LazilyVectorizedIndexedArray)
    keys: list[Any] = []
    decode: list[Decode] = []
    while not isinstance(data, source):
        if isinstance(data, keyed):
            keys.append(data.key)
        elif isinstance(data, _ElementwiseFunctionArray):
            decode.append(data.func)
        elif isinstance(data, NativeEndiannessArray | BoolTypeArray):
            decode.append(_Cast(data.dtype))
        elif not isinstance(data, through):
            return None
        data = data.array
    array: Any = data if source is Computed else data.get_array()
    chunks = array.shape if source is Computed else _chunk_shape(array)
    if chunks is None:
        return None
    found = Stored(
        array,
        chunks,
        tuple(range(len(array.shape))),
        tuple(range(size) for size in array.shape),
        {},
        tuple(reversed(decode)),
    )
    for key in reversed(keys):
        cut = _cut(found, key, indexing)
        if cut is None:
            return None
        found = cut
    return found


@dataclass(frozen=True)
class _Cast:
    """What xarray does to foreign byte order and to booleans kept as integers."""

    dtype: np.dtype[Any]

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(values, dtype=self.dtype)


def _chunk_shape(array: Any) -> tuple[int, ...] | None:
    try:
        return tuple(map(int, array.chunks))
    except (NotImplementedError, TypeError):  # chunks of several sizes
        return None


def _cut(found: Stored, key: Any, indexing: Any) -> Stored | None:
    """Return `found` seen through one more key."""
    if isinstance(key, indexing.BasicIndexer | indexing.OuterIndexer):
        return _cut_orthogonally(found, key.tuple)
    if isinstance(key, indexing.VectorizedIndexer):
        return _transposed(found, key.tuple)
    return None


def _cut_orthogonally(found: Stored, key: Sequence[Any]) -> Stored:
    axes, positions, fixed = [], [], dict(found.fixed)
    for axis, along, kept in zip(found.axes, found.positions, key, strict=True):
        if isinstance(kept, int | np.integer):
            fixed[axis] = int(along[int(kept)])
        else:
            axes.append(axis)
            positions.append(along[kept] if isinstance(kept, slice) else _array(along)[kept])
    return Stored(found.array, found.chunks, tuple(axes), tuple(positions), fixed, found.decode)


def _transposed(found: Stored, key: Sequence[Any]) -> Stored | None:
    """Read a pointwise key as the orthogonal one that a lazy transpose makes of it."""
    if any(not isinstance(kept, np.ndarray) or kept.ndim != len(key) for kept in key):
        return None
    long = [[i for i, n in enumerate(kept.shape) if n != 1] for kept in key]
    if any(len(places) > 1 for places in long):
        return None
    taken = [places[0] for places in long if places]
    if len(set(taken)) != len(taken):
        return None
    # A key of one position fits any of the places that are left: all have size one.
    left = iter(place for place in range(len(key)) if place not in taken)
    places = [found_at[0] if found_at else next(left) for found_at in long]
    order = np.argsort(places)
    return Stored(
        found.array,
        found.chunks,
        tuple(found.axes[i] for i in order),
        tuple(_as_range(_array(found.positions[i])[key[i].reshape(-1)]) for i in order),
        found.fixed,
        found.decode,
    )


def _array(along: Positions) -> NDArray[np.int64]:
    return np.asarray(along, dtype=np.int64)


def _as_range(along: NDArray[np.int64]) -> Positions:
    """Return evenly spaced positions as a range, which is cheaper to cut."""
    if along.size == 0:
        return range(0)
    step = int(along[1] - along[0]) if along.size > 1 else 1
    even = step != 0 and bool(np.all(np.diff(along) == step))
    return range(int(along[0]), int(along[-1]) + step, step) if even else along


def then(variable: xr.Variable, step: Decode, dtype: np.dtype[Any]) -> xr.Variable | None:
    """Return a lazy variable whose values go through one more elementwise `step` when read.

    None where `variable` is not lazy in xarray's own way: in memory, or of dask.
    """
    from xarray.coding.common import _ElementwiseFunctionArray

    if variable.chunks is not None or variable._in_memory:
        return None
    data: Any = _ElementwiseFunctionArray(variable._data, step, dtype)
    return xr.Variable(variable.dims, data, variable.attrs)
