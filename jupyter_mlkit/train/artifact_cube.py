"""A cube among the artifacts, described and drawn for who looks at a run."""

from __future__ import annotations

import base64
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import xarray as xr

from ..cubes.description.describe import describe
from ..cubes.grids.grid import Grid, grid_of
from ..errors import CubeError, MLKitError
from ..models import CubePreview
from .artifact_store import open_artifact_cube, too_large
from .maps import draw_field, thin

#: Decoded bytes of the field that is drawn, and of one chunk.
_MOST_BYTES = 256 * 1024**2
#: What a preview may take beyond what the process holds.
_MEMORY = 2 * 1024**3


def preview_cube(root: str, parts: list[str]) -> CubePreview:
    """Describe the cube at `parts` beneath `root` and draw its first variable.

    Parameters
    ----------
    root : str
        A root that the server serves artifacts from.
    parts : list of str
        Names of folders beneath it and of the cube.

    Raises
    ------
    CubeError, NotFoundError
        As :func:`~.artifact_store.open_artifact_cube`.
    """
    with _little_memory():
        form, ds = open_artifact_cube(Path(root), tuple(parts))
        _refuse_large_chunks(ds)
        ds.encoding.pop("source", None)  # what xarray makes of an open file
        described = msgspec.structs.replace(describe(ds), uri=parts[-1], format=form)
        picture = _drawn(ds)
        ds.close()
    return CubePreview(
        description=described,
        map_png=None if picture is None else base64.b64encode(picture).decode(),
    )


def _drawn(ds: xr.Dataset) -> bytes | None:
    grid = grid_of(ds)
    if grid.y is None or grid.x is None:
        return None
    over = {grid.y, grid.x}
    for name, variable in ds.data_vars.items():
        if variable.dtype.kind in "biuf" and over <= set(map(str, variable.dims)):
            return _field_map(ds, str(name), grid)
    return None


def _field_map(ds: xr.Dataset, name: str, grid: Grid) -> bytes | None:
    field = ds[name]
    beside = [dim for dim in map(str, field.dims) if dim not in grid.horizontal]
    field = field.isel(dict.fromkeys(beside, 0))
    if field.size * max(field.dtype.itemsize, 8) > _MOST_BYTES:
        return None
    try:
        here = thin(field, grid).load().astype(np.float64)
    except MLKitError:
        return None  # the description says which chunk is unreadable
    where = [f"{dim} {_short(ds, dim)}" for dim in beside]
    return draw_field(
        here,
        grid,
        title=" · ".join([str(field.attrs.get("long_name") or name), *where]),
        units=str(field.attrs.get("units", "")),
    )


def _short(ds: xr.Dataset, dim: str) -> str:
    if dim not in ds.coords:
        return "0"
    return str(ds[dim].values[0])[:16].replace("T", " ").removesuffix(" 00:00")


def _refuse_large_chunks(ds: xr.Dataset) -> None:
    """Refuse what a file of a few bytes claims to hold."""
    for name, variable in ds.variables.items():
        chunks = variable.encoding.get("chunks") or variable.encoding.get("chunksizes")
        shape = chunks or variable.shape
        size = variable.dtype.itemsize
        for length in shape:
            size *= int(length)
        if size > _MOST_BYTES:
            raise too_large(f"a chunk of {str(name)!r} has {size:,} bytes when it is decoded")


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process take so much and no more while it reads what anybody may have written."""
    if not sys.platform.startswith("linux"):
        yield
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + _MEMORY
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    except MemoryError as error:
        raise CubeError(
            "This cube takes more memory than a preview may have.",
            hint="Open it in a notebook.",
            code="too_large",
            field="path",
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
