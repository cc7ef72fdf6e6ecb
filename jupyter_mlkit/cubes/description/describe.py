"""What a cube holds, quickly: metadata in full, values from a bounded sample of chunks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from ...errors import CubeError
from ...models import CubeDescription, ErrorBody, Variable
from ...spec import Source
from ..grids.grid import Grid, grid_of
from ..identity.fingerprint import Fingerprint, fingerprint
from ..sources.open import format_of, open_cube
from ..sources.uri import display_uri, local_path
from .bounds import bbox, dimensions, period
from .problems_chunks import chunk_problems
from .problems_coordinates import coordinate_problems
from .problems_units import unit_problems
from .problems_values import value_problems
from .statistics import NOTHING, Drawn, draw
from .suggest import suggest

#: Decoded bytes that are read of one variable to describe it.
_SAMPLE_BYTES = 16 * 2**20
_SAMPLE_BYTES_REMOTE = 2 * 2**20
#: Larger cubes are identified by their metadata until a run reads them anyway.
_HASH_BYTES = 512 * 2**20
_HASH_BYTES_REMOTE = 16 * 2**20
_MOST_FILES = 200_000
_MEMORY = "memory"


def describe(cube: xr.Dataset | Source | str) -> CubeDescription:
    """Describe a cube for a form or a person.

    Parameters
    ----------
    cube : xarray.Dataset, Source or str

    Returns
    -------
    CubeDescription
        Dims with chunks and spacing; variables with share of valid cells (and its standard
        error) and range, from a seeded draw of chunks; where and when the cells are; what in
        the cube will trouble a training; and parts of a spec that suit it.

    Raises
    ------
    CubeError
        What :func:`~jupyter_mlkit.cubes.sources.open.open_cube` raises. A chunk that cannot be
        read is a problem of the description and raises nothing.
    """
    if isinstance(cube, xr.Dataset):
        ds, uri, path = cube, str(cube.encoding.get("source") or _MEMORY), None
        form = "in memory" if uri == _MEMORY else "xarray"
    else:
        source = Source(uri=cube) if isinstance(cube, str) else cube
        ds, uri, path = open_cube(source), source.uri, local_path(source.uri)
        form = format_of(source)
    near = uri == _MEMORY or local_path(uri) is not None
    grid = grid_of(ds)
    names = [str(name) for name in ds.data_vars]
    drawn, unreadable = _drawn(ds, _SAMPLE_BYTES if near else _SAMPLE_BYTES_REMOTE)
    variables = [_variable(ds, name, drawn.get(name, NOTHING)) for name in names]
    suggestion, cautions = suggest(ds, grid, variables)
    identity = _identity(ds, list(drawn), _HASH_BYTES if near else _HASH_BYTES_REMOTE)
    return CubeDescription(
        uri=display_uri(uri),
        format=form,
        title=_text(ds.attrs.get("title") or None),
        grid=grid.kind,
        crs=grid.crs,
        coords=[str(name) for name in ds.coords],
        dims=dimensions(ds, grid),
        variables=variables,
        decoded_bytes=sum(int(ds[name].nbytes) for name in names),
        stored_bytes=_stored_bytes(path),
        bbox=bbox(ds, grid),
        period=period(ds, grid),
        fingerprint=identity.digest,
        fingerprint_kind=_known(identity),
        suggestion=suggestion,
        problems=[*unreadable, *_problems(ds, grid, drawn), *cautions],
    )


def _drawn(ds: xr.Dataset, budget: int) -> tuple[dict[str, Drawn], list[ErrorBody]]:
    """Return a draw of each numeric variable, and which of them cannot be read."""
    drawn: dict[str, Drawn] = {}
    unreadable = []
    for name in map(str, ds.data_vars):
        if not _is_numeric(ds[name]):
            continue
        try:
            drawn[name] = draw(ds, name, budget)
        except CubeError as error:
            drawn[name] = NOTHING
            unreadable.append(
                ErrorBody(message=error.message, code=error.code, hint=error.hint, field=name)
            )
    return drawn, unreadable


def _identity(ds: xr.Dataset, names: list[str], most: int) -> Fingerprint:
    try:
        return fingerprint(ds, names, max_bytes=most)
    except CubeError:
        # Its values cannot be read: what is wrong has been said by then.
        return fingerprint(ds, names, max_bytes=-1)


def _known(identity: Fingerprint) -> Literal["stored", "snapshot", "value", "metadata"]:
    assert identity.kind != "unknown"
    return identity.kind


def _variable(ds: xr.Dataset, name: str, drawn: Drawn) -> Variable:
    data = ds[name]
    return Variable(
        name=name,
        dims=[str(dim) for dim in data.dims],
        dtype=str(data.dtype),
        units=_text(data.attrs.get("units")),
        long_name=_text(data.attrs.get("long_name")),
        valid_share=drawn.share,
        valid_share_error=drawn.error,
        minimum=drawn.minimum,
        maximum=drawn.maximum,
        mean=drawn.mean,
    )


def _problems(ds: xr.Dataset, grid: Grid, drawn: Mapping[str, Drawn]) -> Iterator[ErrorBody]:
    yield from coordinate_problems(ds, grid)
    yield from value_problems(ds, drawn)
    yield from unit_problems(ds, drawn)
    yield from chunk_problems(ds, grid, list(drawn))


def _stored_bytes(path: Path | None) -> int | None:
    """Return the size on disk; None for remote cubes and for more files than are counted."""
    if path is None:
        return None
    if path.is_file():
        return path.stat().st_size
    total = seen = 0
    folders = [str(path)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                total += entry.stat().st_size
                seen += 1
                if seen > _MOST_FILES:
                    return None
    return total


def _is_numeric(variable: xr.DataArray) -> bool:
    return variable.dtype.kind in "biuf"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
