"""What the shape of chunks costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import xarray as xr

from ...models import ErrorBody
from ..grids.grid import Grid

_SMALL_CHUNK, _LARGE_CHUNK = 16 * 2**10, 512 * 2**20
#: Reading one sample is called costly above both.
_COSTLY_FACTOR, _COSTLY_BYTES = 16, 2**20
_PATCH = 64


def amplification(
    sizes: Mapping[str, int], chunks: Mapping[str, int], window: Mapping[str, int]
) -> float:
    """Return how many cells are decoded, on average, for each one of a window that is wanted.

    Parameters
    ----------
    sizes, chunks : mapping
        Cells of the variable and of a chunk by dim.
    window : mapping
        Cells of the window by dim; 1 where not given. It may lie anywhere: along a dim it
        touches ``1 + (window - 1) / chunk`` chunks on average.
    """
    factor = 1.0
    for dim, size in sizes.items():
        chunk = min(chunks.get(dim, size), size)
        wanted = min(window.get(dim, 1), size)
        factor *= min(size, chunk + wanted - 1) / wanted
    return factor


def chunk_problems(ds: xr.Dataset, grid: Grid, names: list[str]) -> Iterator[ErrorBody]:
    """Yield what the chunks of variables cost: overhead, memory, and reading single samples."""
    said: set[tuple[tuple[str, int], ...]] = set()
    for name in sorted(names, key=lambda name: -int(ds[name].nbytes)):
        variable = ds[name]
        stored = variable.encoding.get("chunks") or variable.encoding.get("chunksizes")
        if not stored or len(stored) != variable.ndim or not variable.size:
            continue
        chunks = {str(dim): int(n) for dim, n in zip(variable.dims, stored, strict=True)}
        size = math.prod(chunks.values()) * variable.dtype.itemsize
        if size < _SMALL_CHUNK and variable.nbytes > 1000 * size:
            yield ErrorBody(
                message=f"'{name}' is stored in {math.ceil(variable.nbytes / size)} chunks of "
                f"only {size / 1024:.1f} KiB: reading is slow.",
                code="small_chunks",
                hint="Rechunk it to some MiB per chunk.",
                field=name,
            )
        elif size > _LARGE_CHUNK:
            yield ErrorBody(
                message=f"One chunk of '{name}' takes {size / 2**30:.1f} GiB of memory.",
                code="large_chunks",
                hint="Rechunk it to some 10 MiB per chunk.",
                field=name,
            )
        elif tuple(chunks.items()) not in said:
            said.add(tuple(chunks.items()))
            yield from _costly(variable, grid, chunks)


def _costly(variable: xr.DataArray, grid: Grid, chunks: Mapping[str, int]) -> Iterator[ErrorBody]:
    sizes = {str(dim): int(size) for dim, size in variable.sizes.items()}
    parts = []
    for what, window in _patterns(grid, sizes).items():
        factor = amplification(sizes, chunks, window)
        wanted = math.prod(min(window.get(dim, 1), size) for dim, size in sizes.items())
        decoded = factor * wanted * variable.dtype.itemsize
        if factor > _COSTLY_FACTOR and decoded > _COSTLY_BYTES:
            parts.append(f"{factor:,.0f}x for {what} ({decoded / 2**20:,.0f} MiB)")
    if parts:
        shape = ", ".join(f"{dim} {size}" for dim, size in chunks.items())
        yield ErrorBody(
            message=f"Single samples of '{variable.name}' cost much more than they use, because "
            f"whole chunks ({shape}) are decoded: {', '.join(parts)}.",
            code="costly_access",
            hint="Read it chunk by chunk, as the sampler does (each is decoded once an epoch), "
            "or rechunk it to the samples.",
            field=str(variable.name),
        )


def _patterns(grid: Grid, sizes: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return windows that people read, as far as the variable has their dims."""
    flat = [dim for dim in grid.horizontal if dim in sizes]
    found: dict[str, dict[str, int]] = {}
    if grid.time in sizes:
        found["the time series of one cell"] = {str(grid.time): sizes[str(grid.time)]}
    if flat:
        found["one map"] = {dim: sizes[dim] for dim in flat}
    if len(flat) == 2:
        found[f"one patch of {_PATCH}x{_PATCH}"] = dict.fromkeys(flat, _PATCH)
    return found
