"""Digest of decoded values: neither chunking, nor compression, nor the order of reading enters."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import CubeError
from ..reading.slabs import Slab, SlabReader
from .compiled import pays
from .digest import SetDigest, lane_sums, mix64

#: Cells that are mixed at once without a compiler: their temporaries fit the cache.
_PIECE = 2**14
#: Below this many cells, to load what was compiled costs more than it saves.
_FEW, _FEW_ALONE = 2**23, 2**26


class ValueDigest:
    """Takes the values of one variable box by box, in any order, from any thread.

    Parameters
    ----------
    sizes : mapping
        Cells by dim, in the order of the variable's dims.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = dict(sizes)
        dims = list(sizes)
        self._strides = {
            dim: math.prod(sizes[after] for after in dims[place + 1 :])
            for place, dim in enumerate(dims)
        }
        self._compiled = pays(math.prod(sizes.values()), loaded=_FEW, alone=_FEW_ALONE)
        self._set = SetDigest()
        self._lock = threading.Lock()

    def add(self, values: NDArray[Any], slices: Mapping[str, slice]) -> None:
        """Add the values of a box; axes are in the order of `slices`."""
        strides = [self._strides[dim] for dim in slices]
        starts = [slices[dim].start for dim in slices]
        sums = _sums(values, starts, strides, compiled=self._compiled)
        with self._lock:
            self._set.add(values.size, sums)

    def digest(self, name: str) -> bytes:
        """Return 16 bytes.

        Raises
        ------
        CubeError
            ``incomplete`` where cells were left out or came twice.
        """
        whole = math.prod(self._sizes.values())
        if self._set.count != whole:
            raise CubeError(
                f"{self._set.count} of {whole} cells of '{name}' were read: "
                "they cannot be identified.",
                code="incomplete",
            )
        return self._set.digest()


def digest_values(ds: xr.Dataset, name: str) -> bytes:
    """Digest the values of one variable in one pass over it."""
    dims = [str(dim) for dim in ds[name].dims]
    reader = SlabReader(ds, [name], dims)
    found = ValueDigest(reader.sizes)

    def work(slab: Slab, arrays: Mapping[str, NDArray[Any]]) -> None:
        found.add(arrays[name], slab.slices)

    for _ in reader.map(work):
        pass
    return found.digest(name)


def _sums(
    values: NDArray[Any], starts: list[int], strides: list[int], *, compiled: bool
) -> NDArray[np.uint64]:
    shape = values.shape or (1,)
    flat = np.ascontiguousarray(values).reshape(math.prod(shape[:-1]), shape[-1])
    places = np.zeros(shape[:-1], np.uint64)
    for axis, (start, stride) in enumerate(zip(starts, strides, strict=True)):
        if axis == len(shape) - 1:
            places += np.uint64(start * stride)
        else:
            along = np.arange(start, start + shape[axis], dtype=np.uint64) * np.uint64(stride)
            places += along.reshape([-1 if i == axis else 1 for i in range(len(shape) - 1)])
    step = np.uint64(strides[-1] if strides else 1)
    kernel = _kernel() if compiled else None
    if kernel is None:
        return _sums_numpy(flat, places.reshape(-1), step)
    return np.array(_sums_compiled(kernel, flat, places.reshape(-1), step), np.uint64)


def _sums_compiled(
    kernel: Callable[..., tuple[int, int]],
    values: NDArray[Any],
    places: NDArray[np.uint64],
    step: np.uint64,
) -> tuple[int, int]:
    bits = values.view(f"u{values.dtype.itemsize}")
    if not np.issubdtype(values.dtype, np.floating):
        return kernel(bits, places, step, False, *(np.uint64(0),) * 3)
    kind = bits.dtype.type
    infinite, nan = (values.dtype.type(x).view(kind) for x in (np.inf, np.nan))
    magnitude = np.iinfo(kind).max >> 1
    # Without the sign: the NaN that numpy writes may have one.
    return kernel(bits, places, step, True, *map(np.uint64, (magnitude, infinite, nan)))


def _sums_numpy(
    values: NDArray[Any], places: NDArray[np.uint64], step: np.uint64
) -> NDArray[np.uint64]:
    """Do what the kernel does, in pieces that fit the cache."""
    sums = np.zeros(2, np.uint64)
    rows, columns = values.shape
    wide = min(columns, _PIECE)
    high = max(1, _PIECE // max(1, wide))
    along = np.arange(columns, dtype=np.uint64) * step
    for row in range(0, rows, high):
        for column in range(0, columns, max(1, wide)):
            piece = values[row : row + high, column : column + wide]
            bits = _bits(piece)
            place = places[row : row + high, None] + along[column : column + wide]
            sums += lane_sums(mix64(mix64(place) ^ bits))
    return sums


def _bits(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the bits of values, with one zero and one NaN for all."""
    if np.issubdtype(values.dtype, np.floating):
        values = values + values.dtype.type(0)  # -0.0 is 0.0
        values[np.isnan(values)] = np.nan
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}").astype(np.uint64)


@lru_cache(maxsize=1)
def _kernel() -> Callable[..., tuple[int, int]] | None:
    try:
        from .kernels import row_sums
    except (ImportError, RuntimeError):  # numba is not there, or finds no folder for its cache
        return None
    kernel: Callable[..., tuple[int, int]] = row_sums
    return kernel
