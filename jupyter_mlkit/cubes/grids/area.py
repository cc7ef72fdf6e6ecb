"""How much each cell weighs: its area, from the best that the cube says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reading.boxes import values_of
from .cf import RADIANS, is_latitude, is_rotated
from .grid import Grid, grid_of
from .positions import positions

_MEASURE = re.compile(r"\barea:\s*(\S+)")


@dataclass(frozen=True)
class AreaWeights:
    """Weights of cells by area.

    Attributes
    ----------
    values : xarray.DataArray
        float64 along y, over both horizontal dims, or over the cells; 0-d and one where areas
        are equal. Never negative; zero where a cell has no place.
    kind : str
        ``"area (cell measures)"``, ``"area (bounds)"``, ``"area (cos lat)"``,
        ``"area (spacing of centres)"`` or ``"equal"``.
    edges : ndarray of float64, shape (n, 2), or None
        South and north edge along y in degrees, where the weights come from 1-D bounds; else
        they follow from the coordinate.
    """

    values: xr.DataArray
    kind: str
    edges: NDArray[np.float64] | None = None


def cell_area_weights(ds: xr.Dataset, grid: Grid | None = None) -> AreaWeights:
    """Return the weight of each cell by its area.

    A variable of cell areas (``cell_measures``, ``standard_name: cell_area``) comes first. Else
    it is sin(north edge) - sin(south edge) on latitudes with bounds, and cos(latitude) on those
    without, also about a rotated pole; the spherical polygon of the corners on curvilinear and
    unstructured grids that give them; on other curvilinear grids the area that the distances
    to the neighbouring centres span, one-sided at the edge of the cube. Projected cells, HEALPix
    cells and cells along one dim of which nothing is known weigh one.

    Parameters
    ----------
    ds : xarray.Dataset
    grid : Grid, optional
        Recognised from `ds` where not given.
    """
    grid = grid or grid_of(ds)
    measured = _measured(ds, grid)
    if measured is not None:
        return AreaWeights(measured, "area (cell measures)")
    if grid.kind in ("curvilinear", "unstructured"):
        return _of_scattered(ds, grid)
    name = None if grid.y is None else grid.coordinate(grid.y)
    if grid.y is None or name is None or name not in ds.coords:
        return AreaWeights(xr.DataArray(1.0), "equal")
    if not (grid.geographic or is_rotated(ds[name]) or (grid.x is None and is_latitude(ds[name]))):
        return AreaWeights(xr.DataArray(1.0), "equal")
    return _along_latitude(ds, grid.y, name)


def _along_latitude(ds: xr.Dataset, dim: str, name: str) -> AreaWeights:
    bounds = _bounds_of(ds, name)
    if bounds is not None and bounds.shape == (ds.sizes[dim], 2):
        sines = np.sin(np.radians(bounds))
        values = np.abs(sines[:, 1] - sines[:, 0])
        weights = xr.DataArray(values, dims=[dim], name="weight")
        return AreaWeights(weights, "area (bounds)", np.sort(bounds, axis=1))
    lat = np.asarray(ds[name].values, dtype=np.float64)
    # A pole cell centred on 90 deg would get a tiny negative weight from rounding.
    values = np.clip(np.cos(np.radians(lat)), 0, None)
    return AreaWeights(xr.DataArray(values, dims=[dim], name="weight"), "area (cos lat)")


def _of_scattered(ds: xr.Dataset, grid: Grid) -> AreaWeights:
    if grid.lat is not None and grid.lon is not None:
        lat, lon = _bounds_of(ds, grid.lat), _bounds_of(ds, grid.lon)
        dims = tuple(map(str, ds[grid.lat].dims))
        if lat is not None and lon is not None and lat.ndim == lon.ndim == len(dims) + 1:
            return _weights(_polygons(lat, lon), dims, "area (bounds)")
    if grid.kind == "unstructured":
        return AreaWeights(xr.DataArray(1.0), "equal")
    places = positions(ds, grid)
    dims = tuple(map(str, places.y.dims))
    centres = _unit_vectors(places.y.values, places.x.values)
    if min(places.y.shape) < 2:
        cosines = np.clip(np.cos(np.radians(places.y.values)), 0, None)
        return _weights(cosines, dims, "area (cos lat)")
    along_y, along_x = np.gradient(centres, axis=(0, 1))
    spanned = np.linalg.norm(np.cross(along_y, along_x), axis=-1)
    return _weights(spanned, dims, "area (spacing of centres)")


def _weights(values: NDArray[np.float64], dims: tuple[str, ...], kind: str) -> AreaWeights:
    return AreaWeights(xr.DataArray(np.nan_to_num(values), dims=dims, name="weight"), kind)


def _polygons(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the solid angle of spherical polygons whose corners lie along the last axis.

    Sum over the triangles of a fan, each by A. van Oosterom and J. Strackee, IEEE Trans.
    Biomed. Eng. BME-30, 125 (1983); corners that repeat add nothing.
    """
    corner = _unit_vectors(lat, lon)
    a, b, c = corner[..., :1, :], corner[..., 1:-1, :], corner[..., 2:, :]
    volume = np.einsum("...i,...i->...", a, np.cross(b, c))
    ab, bc, ca = ((p * q).sum(axis=-1) for p, q in ((a, b), (b, c), (c, a)))
    return np.asarray(np.abs((2 * np.arctan2(volume, 1 + ab + bc + ca)).sum(axis=-1)))


def _unit_vectors(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    phi, theta = np.radians(lat), np.radians(lon)
    parts = (np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi))
    return np.stack(parts, axis=-1)


def _measured(ds: xr.Dataset, grid: Grid) -> xr.DataArray | None:
    """Return the area of each cell where a variable of `ds` holds it."""
    names = [
        str(name)
        for name, variable in ds.variables.items()
        if variable.attrs.get("standard_name") == "cell_area"
    ]
    for variable in ds.variables.values():
        # Decoding moves the attribute to the encoding.
        text = variable.attrs.get("cell_measures", variable.encoding.get("cell_measures", ""))
        names += _MEASURE.findall(str(text))
    for name in names:
        dims = ds[name].dims if name in ds.variables else ()
        if dims and set(dims) <= set(grid.horizontal):
            values = np.nan_to_num(np.asarray(ds[name].values, dtype=np.float64))
            return xr.DataArray(np.clip(values, 0, None), dims=dims, name="weight")
    return None


def _bounds_of(ds: xr.Dataset, name: str) -> NDArray[np.float64] | None:
    """Return the edges or corners in degrees of the coordinate `name`, where the cube has them."""
    coord = ds[name]
    # Decoding moves the attribute "bounds" to the encoding.
    declared = coord.attrs.get("bounds", coord.encoding.get("bounds"))
    for bounds in (declared, f"{name}_bnds", f"{name}_bounds", f"{name}_vertices"):
        if bounds in ds.variables and ds[bounds].shape[:-1] == coord.shape:
            values = np.asarray(values_of(ds[bounds]), dtype=np.float64)
            units = ds[bounds].attrs.get("units", coord.attrs.get("units", ""))
            return np.degrees(values) if str(units).lower() in RADIANS else values
    return None
