"""Parts of a cube that an estimate reads: so few bytes that a form can wait for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from ..grids.grid import Grid
from ..reading.slabs import stored_chunks

#: Decoded bytes of one draw: about half a second.
DRAW_BYTES = 2**29


def part_of_map(
    ds: xr.Dataset, names: Sequence[str], grid: Grid, rng: np.random.Generator
) -> dict[str, slice]:
    """Return the part of the map of which one layer of chunks may be read; nothing for all."""
    dims = [dim for dim in grid.horizontal if dim in ds[names[0]].dims]
    chunks = stored_chunks(ds, names, list(map(str, ds[names[0]].dims)))
    layer = {
        dim: size if dim in dims else chunks.get(str(dim), 1) for dim, size in ds.sizes.items()
    }
    total = _bytes(ds, names, {str(dim): size for dim, size in layer.items()})
    if total <= DRAW_BYTES or not dims:
        return {}
    share = (DRAW_BYTES / total) ** (1 / len(dims))
    found = {}
    for dim in dims:
        size, chunk = int(ds.sizes[dim]), chunks.get(dim, 1)
        length = min(size, max(chunk, int(size * share) // chunk * chunk))
        start = int(rng.integers(0, (size - length) // chunk + 1)) * chunk
        found[dim] = slice(start, start + length)
    return found


def dates_of_maps(
    ds: xr.Dataset, names: Sequence[str], time: str, most: int, rng: np.random.Generator
) -> slice:
    """Return consecutive dates from whole chunks, `most` at most, whose maps may be read."""
    total = int(ds.sizes[time])
    each = _bytes(ds, names, {str(dim): size for dim, size in ds.sizes.items()}) // total
    return _consecutive(ds, names, time, min(most, DRAW_BYTES // max(1, each)), rng)


def columns_and_dates(
    ds: xr.Dataset, names: Sequence[str], time: str, columns: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[int, slice]:  # fmt: skip
    """Return how many columns of chunks may be read, and which dates of them.

    Parameters
    ----------
    ds : xarray.Dataset
    names : sequence of str
    time : str
    columns : tuple of int
        Fewest and most columns.
    rng : numpy.random.Generator

    Returns
    -------
    int, slice
        All dates where they fit, else consecutive ones.
    """
    fewest, most = columns
    each = column_bytes(ds, names, time)
    n = max(fewest, min(most, DRAW_BYTES // each))
    if n * each <= DRAW_BYTES:
        return n, slice(0, int(ds.sizes[time]))
    per_date = max(1, each // int(ds.sizes[time]))
    return n, _consecutive(ds, names, time, DRAW_BYTES // (n * per_date), rng)


def column_bytes(ds: xr.Dataset, names: Sequence[str], time: str) -> int:
    """Return what it takes to read all dates of one place."""
    chunks = stored_chunks(ds, names, list(map(str, ds[names[0]].dims)))
    sizes = {str(dim): chunks.get(str(dim), 1) for dim in ds.sizes}
    return max(1, _bytes(ds, names, {**sizes, time: int(ds.sizes[time])}))


def _consecutive(
    ds: xr.Dataset, names: Sequence[str], time: str, wanted: int, rng: np.random.Generator
) -> slice:
    total = int(ds.sizes[time])
    chunk = stored_chunks(ds, names, [time]).get(time, 1)
    wanted = max(2, min(total, wanted))
    count = min(total, wanted // chunk * chunk if wanted >= chunk else wanted)
    start = int(rng.integers(0, (total - count) // chunk + 1)) * chunk
    return slice(start, start + count)


def _bytes(ds: xr.Dataset, names: Sequence[str], sizes: Mapping[str, int]) -> int:
    return sum(
        ds[name].dtype.itemsize * math.prod(sizes[str(dim)] for dim in ds[name].dims)
        for name in names
    )
