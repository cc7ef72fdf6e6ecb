"""Latitudes and longitudes of cells that are no dims: 1-D along cells, or 2-D on swaths."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from .cf import is_latitude, is_longitude

_EDGES = ("_bnds", "_bounds", "_vertices", "_corners", "_edges")


@dataclass(frozen=True)
class Pair:
    """Coordinates that together place the cells along `dims`."""

    lat: str
    lon: str
    dims: tuple[str, ...]
    #: Whether each lies along a dim of its own, latitude along the first.
    separate: bool = False


def latlon_pairs(ds: xr.Dataset) -> list[Pair]:
    """Return the pairs among the coordinates of `ds`, those of most data variables first."""
    beside = {str(name): coord for name, coord in ds.coords.items() if _beside(coord)}
    lats = [name for name, coord in beside.items() if is_latitude(coord)]
    lons = [name for name, coord in beside.items() if is_longitude(coord)]
    found = []
    for lat in lats:
        for lon in lons:
            pair = _pair(ds, lat, lon)
            if pair is not None:
                found.append(pair)
                break
    return sorted(found, key=lambda pair: -_uses(ds, pair.dims))


def _beside(coord: xr.DataArray) -> bool:
    """Return whether `coord` may place cells and is neither a dim's own nor edges of cells."""
    name = str(coord.name)
    return coord.ndim in (1, 2) and name not in coord.dims and not name.endswith(_EDGES)


def _pair(ds: xr.Dataset, lat: str, lon: str) -> Pair | None:
    dims, others = tuple(map(str, ds[lat].dims)), tuple(map(str, ds[lon].dims))
    if set(dims) == set(others):
        return Pair(lat, lon, dims)
    if len(dims) == len(others) == 1:
        return Pair(lat, lon, (*dims, *others), separate=True)
    return None


def _uses(ds: xr.Dataset, dims: tuple[str, ...]) -> int:
    return sum(set(dims) <= set(variable.dims) for variable in ds.data_vars.values())
