"""A small real cube and a real store of its own for every module of tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.cubes.demo.cube import make_demo_cube
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.tracking.store import environment

TARGET, FEATURE = "land_surface_temperature", "air_temperature_2m"


@pytest.fixture(scope="session")
def demo_cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_cube(tmp_path_factory.mktemp("cube") / "demo.zarr")


@pytest.fixture(scope="session")
def small_cube(demo_cube: Path) -> Path:
    """Every third cell of the demo cube: 4 x 72 x 144."""
    ds = open_cube(str(demo_cube))
    path = demo_cube.parent / "small.zarr"
    thinned = ds.isel(time=slice(0, 4), lat=slice(None, None, 3), lon=slice(None, None, 3)).load()
    thinned = thinned.drop_encoding()
    thinned["kelvin_class"] = (
        (thinned[TARGET] > 275).astype("float32").where(thinned[TARGET].notnull())
    )
    thinned["nothing"] = thinned[TARGET] * float("nan")
    thinned.to_zarr(path, zarr_format=2)
    return path


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty store that MLflow in this process and its children writes to."""
    import mlflow

    folder = tmp_path_factory.mktemp("runs")
    shutil.copy(empty_store, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(uri, folder / "artifacts").items():
            patched.setenv(name, value)
        mlflow.set_tracking_uri(None)
        yield uri
        mlflow.set_tracking_uri(None)


def make_spec(cube: Path, **changes: Any) -> dict[str, Any]:
    """Return a spec on a demo cube, with top-level fields replaced."""
    return {
        "sources": [{"uri": str(cube)}],
        "target": TARGET,
        "features": [FEATURE],
        "split": {
            "kind": "block",
            "sizes": {"lat": "15 deg", "lon": "15 deg"},
            "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
        },
        "model": {"class": "sklearn.linear_model.LinearRegression"},
        "tracking": {"experiment": "tests"},
        **changes,
    }
