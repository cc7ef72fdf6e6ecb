"""Arrays that are scored together lie on one grid, exactly."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np
import xarray as xr

from ...errors import CubeError, InvalidInputError
from ..grids.area import cell_area_weights
from ..grids.grid import Grid, grid_of
from .arguments import require_array, require_weights

#: Given weights: an array over some dims of the truth, or a cube whose cells have an area.
Weights = xr.DataArray | xr.Dataset | None


def truth_grid(truth: xr.DataArray) -> Grid:
    """Return the grid that the truth lies on."""
    return grid_of(_dataset(truth))


def check_aligned(
    name: str, array: xr.DataArray, truth: xr.DataArray, extra: Collection[Hashable] = ()
) -> None:
    """Check that `array` has numbers on the very cells of `truth`.

    Parameters
    ----------
    name : str
        What it is, for the error.
    array : xarray.DataArray
        May lack dims of `truth`, and then holds for all cells along them.
    truth : xarray.DataArray
    extra : collection of str
        Dims that only `array` has.

    Raises
    ------
    CubeError
        ``different_grid``, naming the dim; ``not_numeric``.
    InvalidInputError
        ``not_an_array``.
    """
    check_numeric(name, array)
    for dim in array.dims:
        if dim in extra:
            continue
        if dim not in truth.dims:
            raise _different(f"The {name} has a dim '{dim}' that the truth lacks.")
        if array.sizes[dim] != truth.sizes[dim]:
            raise _different(
                f"Along '{dim}' the {name} has {array.sizes[dim]} cells and the truth "
                f"{truth.sizes[dim]}."
            )
        if dim in array.indexes and dim in truth.indexes:
            mine, theirs = array.indexes[dim], truth.indexes[dim]
            if not mine.equals(theirs):
                first = int(np.argmax(np.asarray(mine != theirs)))
                raise _different(
                    f"Along '{dim}' the {name} and the truth have other coordinates: "
                    f"{mine[first]} and {theirs[first]} at position {first}."
                )
    _check_places(name, array, truth)


def check_numeric(name: str, array: xr.DataArray) -> None:
    """Raise ``not_an_array`` or ``not_numeric`` where `array` holds no real numbers."""
    require_array(name, array)
    if array.dtype.kind not in "biuf":
        raise CubeError(
            f"The {name} holds {array.dtype}, no numbers.",
            hint="Score numbers; classes are scored by their codes.",
            code="not_numeric",
        )


def cell_weights(weights: Weights, truth: xr.DataArray) -> xr.DataArray:
    """Return the weight of each cell of `truth`, over those dims that it depends on.

    Parameters
    ----------
    weights : xarray.DataArray, Dataset or None
        An array over dims of the truth; a cube, whose cell areas (with its bounds and
        ``cell_measures``) are taken; or None for the area that the truth's own coordinates give.
    truth : xarray.DataArray

    Raises
    ------
    CubeError
        ``different_grid``.
    InvalidInputError
        ``not_an_array``.
    """
    require_weights(weights)
    if isinstance(weights, xr.DataArray):
        check_aligned("weights", weights, truth)
        return weights
    cube = _dataset(truth) if weights is None else weights
    area: xr.DataArray = cell_area_weights(cube, grid_of(cube)).values
    found: xr.DataArray = area.assign_coords(
        {dim: cube[dim] for dim in area.dims if dim in cube.coords}
    )
    if not set(found.dims) <= set(truth.dims):
        # The truth has one row or column only, or lies along a line of the cube.
        raise _different(f"The cells of the weights lie along {', '.join(map(str, found.dims))}.")
    check_aligned("weights", found, truth)
    return found


def check_weights(values: np.ndarray[Any, Any]) -> None:
    """Raise where a weight is negative or infinite; one that is NaN counts as zero."""
    if (values < 0).any() or np.isinf(values).any():
        raise InvalidInputError(
            "A weight is negative or infinite.",
            hint="Weights are areas, or 0 for cells that do not count.",
            code="invalid_weights",
            field="weights",
        )


def _check_places(name: str, array: xr.DataArray, truth: xr.DataArray) -> None:
    """Compare the 2-D latitudes and longitudes, and those along cells, of both."""
    for coord in set(array.coords) & set(truth.coords):
        mine, theirs = array.coords[coord], truth.coords[coord]
        auxiliary = mine.ndim and mine.dims != (coord,) and mine.dims == theirs.dims
        if auxiliary and mine.attrs.get("standard_name") in ("latitude", "longitude"):
            same = np.array_equal(mine.values, theirs.values, equal_nan=True)
            if not same:
                raise _different(f"The {name} and the truth have other values of '{coord}'.")


def _dataset(array: xr.DataArray) -> xr.Dataset:
    return array.to_dataset(name="_scored")


def _different(message: str) -> CubeError:
    return CubeError(
        message,
        hint="Scores compare cell by cell: select or regrid one of them to the other's cells.",
        code="different_grid",
    )
