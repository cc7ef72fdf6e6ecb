"""Dims are recognised by what they are; cells weigh what they cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.grids.grid import Grid, cell_area_weights, grid_of

from ..made import small_cube


def frame(**coords: tuple[Any, dict[str, str]]) -> xr.Dataset:
    return xr.Dataset(
        coords={name: (name, values, attrs) for name, (values, attrs) in coords.items()}
    )


DATES = np.array(["2001-01-01", "2001-01-02"], "M8[ns]")


@pytest.mark.parametrize(
    ("ds", "grid"),
    [
        (small_cube(), Grid("time", "lat", "lon", True)),
        (small_cube().transpose("lon", "lat", "time"), Grid("time", "lat", "lon", True)),
        (small_cube().drop_attrs(), Grid("time", "lat", "lon", True)),
        (
            frame(
                when=(DATES, {}),
                up=([1.0, 2.0], {"units": "degrees_north"}),
                right=([1.0, 2.0], {"standard_name": "longitude", "units": "degrees_east"}),
            ),
            Grid("when", "up", "right", True),
        ),
        (
            frame(
                x=([1.0, 2.0], {"standard_name": "projection_x_coordinate", "units": "m"}),
                y=([1.0, 2.0], {"standard_name": "projection_y_coordinate", "units": "m"}),
            ),
            Grid(None, "y", "x", False),
        ),
        (
            frame(
                a=([1.0, 2.0], {"axis": "Y"}),
                b=([1.0, 2.0], {"axis": "X"}),
                c=([1.0, 2.0], {"axis": "T"}),
                level=([1.0], {}),
            ),
            Grid("c", "a", "b", False),
        ),
        (
            frame(
                rlat=([1.0, 2.0], {"standard_name": "grid_latitude", "units": "degrees"}),
                rlon=([1.0, 2.0], {"standard_name": "grid_longitude", "units": "degrees"}),
            ),
            Grid(None, "rlat", "rlon", False),
        ),
        (xr.Dataset({"v": (("station",), [1.0])}), Grid(None, None, None, False)),
    ],
)
def test_recognition(ds: xr.Dataset, grid: Grid) -> None:
    assert grid_of(ds) == grid


def test_cftime_is_time() -> None:
    time = xr.date_range("2000-01-01", periods=3, calendar="noleap", use_cftime=True)
    assert grid_of(xr.Dataset(coords={"day": ("day", time)})).time == "day"


def test_weights_are_areas() -> None:
    ds = small_cube()
    weights = cell_area_weights(ds)
    assert weights.kind == "area (cos lat)"
    np.testing.assert_allclose(weights.values, np.cos(np.radians(ds.lat)))
    edges = np.stack([ds.lat + 0.5, ds.lat - 0.5], axis=1)
    with_bounds = ds.assign_coords(lat_bnds=(("lat", "bnds"), edges))
    for bounded in (with_bounds, with_bounds.assign_coords(lat=ds.lat.assign_attrs(bounds="x"))):
        found = cell_area_weights(bounded)
        assert found.kind == "area (bounds)"
        wanted = np.sin(np.radians(edges[:, 0])) - np.sin(np.radians(edges[:, 1]))
        np.testing.assert_allclose(found.values, wanted)
    projected = frame(x=([1.0, 2.0], {"units": "m"}), y=([1.0, 2.0], {"units": "m"}))
    assert cell_area_weights(projected).kind == "equal"


def test_poles_weigh_nothing_and_never_less() -> None:
    ds = frame(lat=([90.0, 0.0, -90.0], {"units": "degrees_north"}), lon=([0.0, 1.0], {}))
    values = cell_area_weights(ds).values.values
    assert (values >= 0).all()
    assert values[1] == 1


def test_whole_sphere_weighs_two() -> None:
    lat = 90 - (np.arange(180) + 0.5)
    bounds = np.stack([lat - 0.5, lat + 0.5], axis=1)
    ds = frame(lat=(lat, {"units": "degrees_north"}), lon=([0.0, 1.0], {}))
    ds = ds.assign_coords(lat_bnds=(("lat", "bnds"), bounds))
    assert float(cell_area_weights(ds).values.sum()) == pytest.approx(2)
