"""What a cube holds, quickly: metadata in full, values from a bounded sample of chunks."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...models import CubeDescription, Dimension, ErrorBody, Variable
from ...spec import Source
from ..grids.coordinates import kind_of
from ..grids.grid import Grid, grid_of, is_time
from ..grids.sizes import Size
from ..grids.tiles import spacing
from ..identity.fingerprint import fingerprint
from ..reading.slabs import SlabReader
from ..sources.open import format_of, open_cube
from ..sources.uri import display_uri, local_path
from .suggest import suggest

#: Decoded bytes that are read of one variable to describe it.
_SAMPLE_BYTES = 16 * 2**20
_SAMPLE_BYTES_REMOTE = 2 * 2**20
#: Larger cubes are identified by their metadata until a run reads them anyway.
_HASH_BYTES = 512 * 2**20
_HASH_BYTES_REMOTE = 16 * 2**20
_MOST_FILES = 200_000
_SMALL_CHUNK, _LARGE_CHUNK = 16 * 2**10, 512 * 2**20


def describe(source: Source | str) -> CubeDescription:
    """Describe a cube for a form or a person.

    Parameters
    ----------
    source : Source or str

    Returns
    -------
    CubeDescription
        Dims with chunks and spacing; variables with share of valid cells and range, sampled;
        what in the cube will trouble a training; and parts of a spec that suit it.

    Raises
    ------
    CubeError
        What :func:`~jupyter_mlkit.cubes.sources.open.open_cube` raises, and ``unreadable_chunk``.
    """
    source = Source(uri=source) if isinstance(source, str) else source
    ds = open_cube(source)
    grid = grid_of(ds)
    path = local_path(source.uri)
    names = [str(name) for name in ds.data_vars]
    sample_bytes = _SAMPLE_BYTES if path is not None else _SAMPLE_BYTES_REMOTE
    variables = [_variable(ds, name, sample_bytes) for name in names]
    numeric = [name for name in names if _is_numeric(ds[name])]
    identity = fingerprint(
        ds,
        numeric,
        max_bytes=_HASH_BYTES if path is not None else _HASH_BYTES_REMOTE,
    )
    return CubeDescription(
        uri=display_uri(source.uri),
        format=format_of(source),
        title=str(ds.attrs["title"]) if ds.attrs.get("title") else None,
        grid="rectilinear" if grid.horizontal else "none",
        crs=None,
        coords=[str(name) for name in ds.coords],
        dims=_dimensions(ds, grid),
        variables=variables,
        decoded_bytes=sum(int(ds[name].nbytes) for name in names),
        stored_bytes=_stored_bytes(path),
        bbox=_bbox(ds, grid),
        period=_period(ds, grid),
        fingerprint=identity.digest,
        fingerprint_kind=identity.kind,
        suggestion=suggest(ds, grid, variables),
        problems=list(_problems(ds, grid, variables)),
    )


def _variable(ds: xr.Dataset, name: str, budget: int) -> Variable:
    data = ds[name]
    statistics: tuple[float | None, ...] = (None, None, None, None)
    if _is_numeric(data) and data.size:
        statistics = _statistics(ds, name, budget)
    share, low, high, mean = statistics
    return Variable(
        name=name,
        dims=[str(dim) for dim in data.dims],
        dtype=str(data.dtype),
        units=_text(data.attrs.get("units")),
        long_name=_text(data.attrs.get("long_name")),
        valid_share=share,
        valid_share_error=None,
        minimum=low,
        maximum=high,
        mean=mean,
    )


def _statistics(
    ds: xr.Dataset, name: str, budget: int
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return share of finite cells, minimum, maximum and mean of a draw of chunks."""
    dims = [str(dim) for dim in ds[name].dims]
    reader = SlabReader(ds, [name], dims, budget=max(1, budget // 16))
    slabs = list(reader)
    size = ds[name].dtype.itemsize * max(1, math.prod(slabs[0].shape))
    wanted = min(len(slabs), max(1, budget // size))
    # The same draw for all variables with the same chunks, so that their shares compare.
    drawn = np.sort(np.random.default_rng(0).choice(len(slabs), wanted, replace=False))
    n, cells, total = 0, 0, 0.0
    low, high = math.inf, -math.inf
    for i in drawn:
        values: NDArray[Any] = reader.read(name, slabs[i])
        valid = values[np.isfinite(values)].astype(np.float64)
        cells += values.size
        if valid.size:
            n += valid.size
            total += float(valid.sum())
            low, high = min(low, float(valid.min())), max(high, float(valid.max()))
    if n == 0:
        return 0.0, None, None, None
    return n / cells, low, high, total / n


def _dimensions(ds: xr.Dataset, grid: Grid) -> list[Dimension]:
    used: list[str] = []
    for variable in ds.data_vars.values():
        used += [str(dim) for dim in variable.dims if dim not in used]
    return [_dimension(ds, grid, dim) for dim in used]


def _dimension(ds: xr.Dataset, grid: Grid, dim: str) -> Dimension:
    chunks = [
        variable.encoding.get("preferred_chunks", {}).get(dim)
        for variable in ds.data_vars.values()
        if dim in variable.dims
    ]
    known = [int(chunk) for chunk in chunks if chunk]
    first = last = step = None
    if dim in ds.coords and ds[dim].ndim == 1 and ds.sizes[dim]:
        first, last = (_point(ds[dim], i) for i in (0, -1))
        if is_time(ds[dim]) or np.issubdtype(ds[dim].dtype, np.number):
            distance = spacing(ds, grid, dim)
            kind = kind_of(ds, grid, dim)
            step = str(Size(float(f"{distance:.5g}"), kind)) if distance else None
    return Dimension(
        name=dim,
        size=int(ds.sizes[dim]),
        chunk=max(known) if known else None,
        role=grid.axis(dim) or "other",
        first=first,
        last=last,
        step=step,
        units=_text(ds[dim].attrs.get("units")) if dim in ds.coords else None,
    )


def _point(coord: xr.DataArray, i: int) -> str:
    value = coord.values[i]
    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value, unit="s")).removesuffix("T00:00:00")
    if isinstance(value, np.floating):
        return f"{float(value):.10g}"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _bbox(ds: xr.Dataset, grid: Grid) -> list[float] | None:
    """Return west, south, east, north of the outer edges of the cells."""
    edges: list[float] = []
    for dim in (grid.x, grid.y):
        if dim is None or dim not in ds.coords or ds[dim].ndim != 1 or not ds.sizes[dim]:
            return None
        values = np.asarray(ds[dim].values, dtype=np.float64)
        half = float(np.median(np.abs(np.diff(values)))) / 2 if values.size > 1 else 0.0
        edges += [float(values.min()) - half, float(values.max()) + half]
    west, east, south, north = (round(edge, 6) for edge in edges)
    if grid.geographic:
        south, north = max(-90.0, south), min(90.0, north)
    return [west, south, east, north]


def _period(ds: xr.Dataset, grid: Grid) -> list[str] | None:
    time = grid.time
    if time is None or time not in ds.coords or not is_time(ds[time]):
        return None
    ordered = ds[time].sortby(time)
    return [_point(ordered, 0), _point(ordered, -1)]


def _stored_bytes(path: Path | None) -> int | None:
    """Return the size on disk; None for remote cubes and for more files than are counted."""
    if path is None:
        return None
    if path.is_file():
        return path.stat().st_size
    total = seen = 0
    for folder, _, files in os.walk(path):
        seen += len(files)
        if seen > _MOST_FILES:
            return None
        total += sum((Path(folder) / file).stat().st_size for file in files)
    return total


def _problems(ds: xr.Dataset, grid: Grid, variables: list[Variable]) -> Iterator[ErrorBody]:
    if not grid.horizontal:
        yield ErrorBody(
            message="No horizontal dims were recognised: there are no maps and no split by place.",
            code="unsupported_grid",
            hint="Name the dims lat and lon (or y and x), or give them standard_name.",
            field=None,
        )
    for dim in grid.horizontal:
        if dim not in ds.coords or ds[dim].ndim != 1:
            yield ErrorBody(
                message=f"'{dim}' has no 1-D coordinate, so cells have no place.",
                code="unsupported_grid",
                hint="Swaths with 2-D coordinates have to be put on a regular grid first.",
                field=None,
            )
    for variable in variables:
        yield from _variable_problems(ds, variable)


def _variable_problems(ds: xr.Dataset, variable: Variable) -> Iterator[ErrorBody]:
    name = variable.name
    if variable.valid_share == 0:
        yield ErrorBody(
            message=f"'{name}' is missing in every cell that was sampled.",
            code="all_missing",
            hint="It is of no use as target or feature unless other chunks hold values.",
            field=name,
        )
    elif variable.minimum is not None and variable.minimum == variable.maximum:
        yield ErrorBody(
            message=f"'{name}' is {variable.minimum:g} in every cell that was sampled.",
            code="constant",
            hint="A model learns nothing from a constant.",
            field=name,
        )
    chunks = ds[name].encoding.get("chunks")
    if not chunks or not _is_numeric(ds[name]):
        return
    size = math.prod(chunks) * ds[name].dtype.itemsize
    if size < _SMALL_CHUNK and ds[name].nbytes > 1000 * size:
        yield ErrorBody(
            message=f"'{name}' is stored in {math.ceil(ds[name].nbytes / size)} chunks of only "
            f"{size / 1024:.1f} KiB: reading is slow.",
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


def _is_numeric(variable: xr.DataArray) -> bool:
    dtype = variable.dtype
    return bool(np.issubdtype(dtype, np.number) or np.issubdtype(dtype, np.bool_))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
