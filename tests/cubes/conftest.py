"""Cubes that the tests of this room share."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.cubes.demo.cube import make_demo_cube
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
