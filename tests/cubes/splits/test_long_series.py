"""Cubes of very many dates: the report reads fewer places of them, and stays within its memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.leakage import leakage_report
from jupyter_mlkit.cubes.splits.nearest_train import some_columns

HOURS = 300_000
#: What the docstring of the report promises.
PROMISED = 600e6


@pytest.fixture
def long(tmp_path: Path) -> xr.Dataset:
    """34 years of hours; its chunks are not written, and read as their fill value."""
    group = zarr.open_group(tmp_path / "long.zarr", mode="w")
    for name in ("v", "f"):
        group.create_array(
            name, shape=(HOURS, 40, 40), chunks=(20_000, 4, 4), dtype="f4", fill_value=1.0,
            dimension_names=["time", "lat", "lon"],
        )  # fmt: skip
    coords = {
        "time": np.datetime64("1990-01-01", "ns") + np.arange(HOURS) * np.timedelta64(1, "h"),
        "lat": ("lat", 20 - np.arange(40.0), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(40.0), {"units": "degrees_east"}),
    }
    ds: xr.Dataset = xr.open_zarr(tmp_path / "long.zarr", chunks=None, consolidated=False)
    return ds.assign_coords(coords)


def test_the_report_of_a_long_cube_stays_within_its_memory(long: xr.Dataset) -> None:
    split = BlockSplit({"lat": "4 deg", "lon": "4 deg", "time": "3650D"})
    leakage_report(split, long.isel(time=slice(0, 20_000)), target="v", features=["f"])
    tracemalloc.start()
    try:
        report = leakage_report(split, long, target="v", features=["f"])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < PROMISED
    in_time = report.distances[-1]
    assert in_time.axis == "time"
    assert 0 < in_time.test[2] < 3650 * 2


@pytest.mark.parametrize("dates", [10, 5_000, 100_000, 10**6, 10**8])
def test_fewer_places_of_longer_series(long: xr.Dataset, dates: int) -> None:
    columns = some_columns(long, ["v", "f"], grid_of(long), np.random.default_rng(0), dates)
    places = sum(picked["lat"].size * picked["lon"].size for picked in columns)
    assert 1 <= places <= max(1, 2**24 // (2 * dates))
    assert len(columns) == 16 or dates >= 10**6
