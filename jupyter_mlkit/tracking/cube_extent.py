"""Where and when a cube is, for the record of a dataset: from its coordinates, never its data.

As `cube_dataset`, loaded by whatever imports ``mlflow.data``: nothing numerical is imported here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from jupyter_mlkit.cubes.grids.grid import Grid

_log = logging.getLogger("jupyter_mlkit.tracking")

#: Coordinates with more values (a swath of 2,000 x 2,000 cells) are not read for a log entry.
MOST_VALUES = 2**22


def cube_extent(ds: xr.Dataset) -> dict[str, Any]:
    """Return kind of grid, CRS, bounding box and period of `ds` as JSON values.

    Parameters
    ----------
    ds : xr.Dataset
        The cube, lazy; no data variable is read.

    Returns
    -------
    dict
        ``grid``, ``crs``, ``bbox`` (west, south, east, north, in degrees or metres as the
        coordinates are) and ``period`` (first and last time), as
        :class:`jupyter_mlkit.models.CubeDescription` has them; each is None where the cube does
        not tell it, or cannot be read. Never raises: a log entry is no reason to end a training.
    """
    from jupyter_mlkit.cubes.grids.grid import grid_of

    frame = _told("coordinates", lambda: _readable(ds))
    grid = None if frame is None else _told("grid", lambda: grid_of(frame))
    if frame is None or grid is None:
        return {"grid": None, "crs": None, "bbox": None, "period": None}
    return {
        "grid": grid.kind,
        "crs": grid.crs,
        "bbox": _told("bounding box", lambda: _bbox(frame, grid)),
        "period": _told("period", lambda: _period(frame, grid)),
    }


def _period(frame: xr.Dataset, grid: Grid) -> list[str] | None:
    from jupyter_mlkit.cubes.description.bounds import period

    times = frame.coords.get(grid.time if grid.time is not None else grid.cell_time)
    if times is None or (times.name not in frame.xindexes and times.size > MOST_VALUES):
        return None
    return period(frame, grid)


def _bbox(frame: xr.Dataset, grid: Grid) -> list[float] | None:
    from jupyter_mlkit.cubes.description.bounds import bbox

    cells = 1
    for dim in grid.horizontal:
        cells *= frame.sizes[dim]
    if grid.kind == "rectilinear":
        # Numbers of rows and columns are no place.
        return bbox(frame, grid) if grid.geographic or _is_placed(frame, grid) else None
    return bbox(frame, grid) if cells <= MOST_VALUES else None


def _is_placed(frame: xr.Dataset, grid: Grid) -> bool:
    from jupyter_mlkit.cubes.grids.cf import is_projected, is_rotated

    dims = [dim for dim in grid.horizontal if dim in frame.coords]
    return len(dims) == 2 and (
        grid.crs is not None
        or all(is_projected(frame[dim]) or is_rotated(frame[dim]) for dim in dims)
    )


def _readable(ds: xr.Dataset) -> xr.Dataset:
    """Return another Dataset, as what is worked out of one is remembered for as long as it is.

    Without large coordinates of objects: whether these are times is seen from a value only.
    """
    large = [
        name
        for name, coord in ds.coords.items()
        if coord.dtype == object and name not in ds.xindexes and coord.size > MOST_VALUES
    ]
    return ds.drop_vars(large)


def _told(what: str, tell: Callable[[], Any]) -> Any:
    """Return what `tell` does; None where it fails."""
    try:
        return tell()
    except Exception as error:  # noqa: BLE001 - any library that holds coordinates may raise
        _log.info("The %s of the cube cannot be told: %s", what, error)
        return None
