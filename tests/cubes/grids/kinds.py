"""One small cube of every kind of grid, in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from jupyter_mlkit.cubes.grids.healpix import with_cell_numbers

from ..made import small_cube


def _times(n: int = 4) -> Any:
    return ("time", np.datetime64("2001-01-01", "ns") + np.arange(n) * np.timedelta64(8, "D"))


def _values(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def projected() -> xr.Dataset:
    """European LAEA in km with a grid mapping and levels."""
    crs = {"grid_mapping_name": "lambert_azimuthal_equal_area", "epsg_code": "EPSG:3035"}
    return xr.Dataset(
        {"a": (("time", "level", "northing", "easting"), _values(4, 2, 12, 10))},
        coords={
            "time": _times(),
            "level": ("level", [850.0, 500.0], {"positive": "down"}),
            "northing": (
                "northing",
                3000.0 - 10 * np.arange(12),
                {"standard_name": "projection_y_coordinate", "units": "km"},
            ),
            "easting": (
                "easting",
                4000.0 + 10 * np.arange(10),
                {"standard_name": "projection_x_coordinate", "units": "km"},
            ),
            "crs": ((), 0, crs),
        },
    )


def rotated() -> xr.Dataset:
    """EURO-CORDEX: degrees about a rotated pole, with 2-D latitudes and longitudes beside."""
    rlat, rlon = -3 + 0.5 * np.arange(13), -2 + 0.5 * np.arange(9)
    lat, lon = 50 + rlat[:, None] + 0 * rlon, 10 + 0 * rlat[:, None] + 1.5 * rlon
    return xr.Dataset(
        {"a": (("time", "rlat", "rlon"), _values(4, 13, 9))},
        coords={
            "time": _times(),
            "rlat": ("rlat", rlat, {"standard_name": "grid_latitude", "units": "degrees"}),
            "rlon": ("rlon", rlon, {"standard_name": "grid_longitude", "units": "degrees"}),
            "lat": (("rlat", "rlon"), lat, {"units": "degrees_north"}),
            "lon": (("rlat", "rlon"), lon, {"units": "degrees_east"}),
            "rotated_pole": ((), 0, {"grid_mapping_name": "rotated_latitude_longitude"}),
        },
    )


def swath(rows: int = 15, columns: int = 11) -> xr.Dataset:
    """A tilted swath across the meridian of Greenwich."""
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return xr.Dataset(
        {"a": (("rows", "columns"), _values(rows, columns))},
        coords={
            "latitude": (("rows", "columns"), 55 - 0.2 * i - 0.05 * j, {"units": "degrees_north"}),
            "longitude": (("rows", "columns"), -1 + 0.3 * j - 0.1 * i, {"units": "degrees_east"}),
        },
    )


def icon(n: int = 50) -> xr.Dataset:
    """Cells along one dim, in radians as ICON writes them, with members."""
    rng = np.random.default_rng(1)
    lat, lon = np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(-np.pi, np.pi, n)
    return xr.Dataset(
        {"a": (("member", "time", "ncells"), _values(2, 4, n))},
        coords={
            "member": ("member", [0, 1], {"standard_name": "realization"}),
            "time": _times(),
            "clat": ("ncells", lat, {"standard_name": "latitude", "units": "radian"}),
            "clon": ("ncells", lon, {"standard_name": "longitude", "units": "radian"}),
        },
    )


def healpix(order: str = "nested", nside: int = 4) -> xr.Dataset:
    """HEALPix cells placed by their grid mapping alone, numbered as an opened cube has them."""
    attrs = {"grid_mapping_name": "healpix", "healpix_nside": nside, "healpix_order": order}
    ds = xr.Dataset(
        {"a": (("time", "cell"), _values(4, 12 * nside**2))},
        coords={"time": _times(), "crs": ((), 0, attrs)},
    )
    return with_cell_numbers(ds)


def points(n: int = 40) -> xr.Dataset:
    """In-situ measurements: every sample has its own place and time."""
    rng = np.random.default_rng(2)
    time = np.datetime64("2001-01-01", "ns") + rng.integers(0, 40, n) * np.timedelta64(1, "D")
    return xr.Dataset(
        {"a": ("sample", _values(n))},
        coords={
            "time": ("sample", time),
            "lat": ("sample", rng.uniform(32, 58, n)),
            "lon": ("sample", rng.uniform(-18, 18, n)),
        },
    )


#: Every kind, by name.
KINDS = {
    "rectilinear": small_cube,
    "projected": projected,
    "rotated": rotated,
    "swath": swath,
    "icon": icon,
    "healpix": healpix,
    "points": points,
}
