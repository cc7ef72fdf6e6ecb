"""Cubes in memory that the tests of this room share."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from jupyter_mlkit.spec import TrainingSpec, load_spec


def small_cube(
    n_time: int = 6, n_lat: int = 30, n_lon: int = 40, *, seed: int = 0, gaps: float = 0.3
) -> xr.Dataset:
    """A cube in memory: ``a`` full, ``b`` with gaps, ``height`` static with a few gaps."""
    rng = np.random.default_rng(seed)
    shape = (n_time, n_lat, n_lon)
    lat = 60 - (np.arange(n_lat) + 0.5)
    lon = -20 + (np.arange(n_lon) + 0.5)
    time = np.datetime64("2001-01-01", "ns") + np.arange(n_time) * np.timedelta64(8, "D")
    a = rng.normal(280, 10, shape)
    b = np.where(rng.random(shape) < gaps, np.nan, 2 * a + rng.normal(0, 1, shape))
    height = np.where(rng.random(shape[1:]) < 0.05, np.nan, rng.uniform(0, 2000, shape[1:]))
    dims = ("time", "lat", "lon")
    return xr.Dataset(
        {
            "a": (dims, a.astype("float32"), {"units": "K"}),
            "b": (dims, b.astype("float32"), {"units": "K", "long_name": "target"}),
            "height": (dims[1:], height.astype("float32"), {"units": "m"}),
        },
        coords={
            "time": ("time", time, {"standard_name": "time"}),
            "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )


def small_spec(**changes: Any) -> TrainingSpec:
    fields: dict[str, Any] = {
        "sources": [{"uri": "memory"}],
        "target": "b",
        "features": ["a", "height"],
        "split": {
            "kind": "block",
            "sizes": {"lat": "3 deg", "lon": "3 deg"},
            "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
        },
    }
    return load_spec({**fields, **changes})


def globe(step: float, *, lon0: float = -180.0, n_time: int = 8, dtype: str = "f8") -> xr.Dataset:
    """A frame without data: cell centres of a global grid."""
    lat = 90 - (np.arange(round(180 / step)) + 0.5) * step
    lon = lon0 + (np.arange(round(360 / step)) + 0.5) * step
    time = np.datetime64("2002-05-21", "ns") + np.arange(n_time) * np.timedelta64(8, "D")
    return xr.Dataset(
        coords={
            "time": time,
            "lat": ("lat", lat.astype(dtype), {"units": "degrees_north"}),
            "lon": ("lon", lon.astype(dtype), {"units": "degrees_east"}),
        }
    )


def projected(units: str = "m") -> xr.Dataset:
    factor = 1000.0 if units == "km" else 1.0
    return xr.Dataset(
        coords={
            "y": ("y", (3_000_005 + 10.0 * np.arange(400)) / factor, {"units": units}),
            "x": ("x", (4_000_005 + 10.0 * np.arange(300)) / factor, {"units": units}),
        }
    )
