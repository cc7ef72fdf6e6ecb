"""A stored cube and a sampler of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.splits.blocks import BlockSplit

from ..made import small_cube


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loaders") / "cube.zarr"
    small_cube().chunk(time=2, lat=7, lon=9).to_zarr(path, zarr_format=3, consolidated=False)
    return path


@pytest.fixture
def make(store: Path) -> Callable[..., Sampler]:
    def sampler(**changes: Any) -> Sampler:
        ds = xr.open_zarr(store, chunks=None, consolidated=False)
        split = BlockSplit({"lat": "3 deg", "lon": "3 deg"}, seed=2)
        return Sampler(ds, ["a"], "b", **{"split": split, "batch_size": 64, **changes})

    return sampler
