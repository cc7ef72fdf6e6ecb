"""Cubes that the tests of this room share."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.demo import make_demo_cube
from jupyter_mlkit.spec import TrainingSpec, load_spec

_SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def demo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_cube(tmp_path_factory.mktemp("demo") / "demo.zarr")


@pytest.fixture(scope="session")
def olci_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = _SHARED / "olci-north-sea.zarr.zip"
    if not archive.exists():
        pytest.skip("../shared/data/olci-north-sea.zarr.zip is not on this machine")
    path = tmp_path_factory.mktemp("olci") / "olci-north-sea.zarr"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(path)
    return path


@pytest.fixture
def demo_spec(demo_path: Path) -> Callable[..., TrainingSpec]:
    def make(**changes: Any) -> TrainingSpec:
        fields: dict[str, Any] = {
            "sources": [{"uri": str(demo_path)}],
            "target": "land_surface_temperature",
            "features": ["air_temperature_2m"],
            "split": {"kind": "block", "sizes": {"lat": "10 deg", "lon": "10 deg"}},
        }
        return load_spec({**fields, **changes})

    return make


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
