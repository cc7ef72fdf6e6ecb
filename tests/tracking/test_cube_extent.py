"""Where and when a cube is, as the record of a dataset tells it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cftime
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.tracking import cube_extent as module
from jupyter_mlkit.tracking.cube_extent import cube_extent
from jupyter_mlkit.tracking.dataset import from_xarray

NOTHING = {"grid": "none", "crs": None, "bbox": None, "period": None}


def _never() -> Any:
    raise RuntimeError("this was not to be read")


def _unread(*shape: int) -> da.Array:
    """Return an array that raises when it is computed."""
    from dask import delayed

    return da.from_delayed(delayed(_never)(), shape, np.float64)


def _on(lat: Any, lon: Any) -> xr.Dataset:
    return xr.Dataset(coords={"lat": lat, "lon": lon}).assign(
        lst=(("lat", "lon"), _unread(len(lat), len(lon)))
    )


def _at(times: Any) -> xr.Dataset:
    return xr.Dataset({"lst": ("time", _unread(len(times)))}, {"time": times})


def test_a_logged_cube_says_where_and_when_it_is() -> None:
    cube = _on([50.0, 49.5, 49.0], [10.0, 10.5]).expand_dims(
        time=np.array(["2010-01-01", "2012-06-30"], "M8[ns]")
    )
    cube["spatial_ref"] = ((), 0, {"epsg_code": "EPSG:4326"})
    schema = json.loads(from_xarray(cube, "a.zarr", digest="d").to_dict()["schema"])["cube"]
    assert {key: schema[key] for key in NOTHING} == {
        "grid": "rectilinear",
        "crs": "EPSG:4326",
        "bbox": [9.75, 48.75, 10.75, 50.25],
        "period": ["2010-01-01", "2012-06-30"],
    }


@pytest.mark.parametrize(
    ("lon", "west", "east"),
    [
        (np.arange(0.5, 360), 0.0, 360.0),
        (np.arange(-179.5, 180), -180.0, 180.0),
        ([178.5, 179.5, -179.5, -178.5], 178.0, -178.0),
        ([181.0, 182.0, 183.0], 180.5, 183.5),
        (np.append(np.arange(0.5, 180), np.arange(-179.5, 0)), -180.0, 180.0),
    ],
)
def test_longitudes_of_every_kind(lon: Any, west: float, east: float) -> None:
    assert cube_extent(_on([0.0, 1.0], lon))["bbox"] == [west, -0.5, east, 1.5]


@pytest.mark.parametrize(
    ("times", "period"),
    [
        (np.array(["NaT", "2011-01-01", "2010-01-01T06", "NaT"], "M8[ns]"),
         ["2010-01-01T06:00:00", "2011-01-01"]),
        (np.array(["NaT", "NaT"], "M8[ns]"), None),
        (np.array([], "M8[ns]"), None),
        ([cftime.Datetime360Day(850, 2, 30), cftime.Datetime360Day(1849, 12, 30)],
         ["0850-02-30T00:00:00", "1849-12-30T00:00:00"]),
        (np.array([cftime.DatetimeNoLeap(2000, 1, 1), None], object), None),
        (np.array([cftime.DatetimeNoLeap(2000, 1, 1), cftime.Datetime360Day(2000, 2, 30)], object),
         None),
        (np.array([None, "x", 3], object), None),
        ([0, 1, 2], None),
    ],
)  # fmt: skip
def test_times_of_every_kind(times: Any, period: list[str] | None) -> None:
    assert cube_extent(_at(times))["period"] == period


def test_a_swath_has_the_box_of_its_cells_across_the_date_line() -> None:
    lat, lon = np.meshgrid(np.linspace(-10, 10, 5), np.linspace(170, 190, 5), indexing="ij")
    swath = xr.Dataset(
        {"lst": (("y", "x"), _unread(5, 5))},
        {"lat": (("y", "x"), lat), "lon": (("y", "x"), lon)},
    )
    assert cube_extent(swath) == NOTHING | {
        "grid": "curvilinear", "bbox": [170.0, -10.0, -170.0, 10.0],
    }  # fmt: skip


def test_a_projected_cube_has_its_box_in_metres() -> None:
    metres = {"units": "m"}
    cube = xr.Dataset(
        {"lst": (("y", "x"), _unread(3, 2))},
        {
            "y": ("y", [3000.0, 2000.0, 1000.0], metres),
            "x": ("x", [0.0, 1000.0], metres),
            "lat": (("y", "x"), _unread(3, 2)),
            "lon": (("y", "x"), _unread(3, 2)),
            "spatial_ref": ((), 0, {"epsg_code": "EPSG:3035"}),
        },
    )
    assert cube_extent(cube) == NOTHING | {
        "grid": "rectilinear", "crs": "EPSG:3035", "bbox": [-500.0, 500.0, 1500.0, 3500.0],
    }  # fmt: skip


def test_numbers_of_rows_and_columns_are_no_place() -> None:
    pixels = xr.Dataset({"lst": (("y", "x"), _unread(3, 2))}, {"y": [0, 1, 2], "x": [0, 1]})
    assert cube_extent(pixels)["bbox"] is None
    assert cube_extent(xr.Dataset({"lst": ("cell", _unread(3))})) == NOTHING
    assert cube_extent(xr.Dataset()) == NOTHING


def test_large_coordinates_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 8)
    swath = xr.Dataset(
        {"lst": (("time", "y", "x"), _unread(20, 3, 3))},
        {
            "time": np.arange(20).astype("M8[D]").astype("M8[ns]"),
            "lat": (("y", "x"), _unread(3, 3)),
            "lon": (("y", "x"), _unread(3, 3)),
        },
    )
    assert cube_extent(swath) == NOTHING | {
        "grid": "curvilinear", "period": ["1970-01-01", "1970-01-20"],
    }  # fmt: skip


def test_coordinates_that_cannot_be_read_are_no_reason_to_fail() -> None:
    cube = xr.Dataset(
        {"lst": (("y", "x"), _unread(3, 3))},
        {"lat": (("y", "x"), _unread(3, 3)), "lon": (("y", "x"), _unread(3, 3))},
    )
    assert cube_extent(cube) == NOTHING | {"grid": "curvilinear"}
    assert from_xarray(cube, "a.zarr", digest="d").to_dict()["schema"]


def test_a_stored_cube_is_described_without_its_data(tmp_path: Path) -> None:
    path = tmp_path / "cube.zarr"
    made = xr.Dataset(
        {"lst": (("time", "lat", "lon"), np.zeros((2, 2, 2), "f4"))},
        {"time": np.array(["2010", "2011"], "M8[ns]"), "lat": [0.0, 1.0], "lon": [5.0, 6.0]},
    )
    made.to_zarr(path, zarr_format=2)
    for chunk in (path / "lst").glob("[0-9]*"):
        chunk.write_bytes(b"no chunk")
    told = cube_extent(xr.open_zarr(path))
    assert (told["bbox"], told["period"]) == ([4.5, -0.5, 6.5, 1.5], ["2010-01-01", "2011-01-01"])


def test_mlflow_data_imports_nothing_numerical_of_ours() -> None:
    code = """
import sys
import mlflow.data
assert "jupyter_mlkit.tracking.cube_extent" in sys.modules
heavy = {"xarray", "jupyter_mlkit.cubes.grids.grid"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
