"""Regions and periods, whatever direction the axes run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.positions import positions
from jupyter_mlkit.cubes.grids.select import indexers, region_mask, select
from jupyter_mlkit.errors import CubeError
from jupyter_mlkit.spec import Period, Region

from ..made import globe, projected, small_cube
from .kinds import healpix, icon, points, swath


def test_region_in_any_direction() -> None:
    region = Region(west=-10, south=40, east=5, north=50)
    for step in (1, -1):
        ds = small_cube().isel(lat=slice(None, None, step), lon=slice(None, None, step))
        found = select(ds, region)
        assert (found.lat.min(), found.lat.max()) == (40.5, 49.5)
        assert (found.lon.min(), found.lon.max()) == (-9.5, 4.5)
        assert found.sizes == {"time": 6, "lat": 10, "lon": 15}


def test_region_across_the_seam() -> None:
    found = select(globe(10), Region(west=170, south=-90, east=-170, north=90))
    assert found.lon.values.tolist() == [-175.0, 175.0]
    also = select(globe(10, lon0=0), Region(west=-20, south=-90, east=20, north=90))
    assert also.lon.values.tolist() == [5.0, 15.0, 345.0, 355.0]
    whole = select(globe(10), Region(west=-180, south=-90, east=180, north=90))
    assert whole.sizes["lon"] == 36


def test_region_in_metres() -> None:
    ds = projected()
    found = select(ds, Region(west=4_000_100, south=3_000_000, east=4_000_200, north=3_000_050))
    assert dict(found.sizes) == {"y": 5, "x": 10}


def test_period_holds_both_ends() -> None:
    ds = small_cube()
    found = select(ds, period=Period("2001-01-09", "2001-01-25"))
    assert found.sizes["time"] == 3
    assert select(ds, period=Period("2001-01-09", "2001-01-24T23:00")).sizes["time"] == 2
    turned = select(ds.isel(time=slice(None, None, -1)), period=Period("2001-01-09", "2001-01-25"))
    assert turned.sizes["time"] == 3


def test_slices_where_they_can_be() -> None:
    kept = indexers(small_cube(), Region(-10, 40, 5, 50), Period("2001-01-09", "2001-01-25"))
    assert kept == {"lat": slice(10, 20), "lon": slice(10, 25), "time": slice(1, 4)}


@pytest.mark.parametrize(
    ("region", "period", "code", "field"),
    [
        (Region(100, 0, 120, 10), None, "empty_selection", "region"),
        (Region(-10, 50, 5, 40), None, "cube_error", "region.south"),
        (None, Period("1990-01-01", "1991-01-01"), "empty_selection", "period"),
    ],
)
def test_what_is_empty_is_said(
    region: Region | None, period: Period | None, code: str, field: str
) -> None:
    with pytest.raises(CubeError) as caught:
        select(small_cube(), region, period)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_cubes_without_such_dims() -> None:
    ds = small_cube().isel(time=0, drop=True)
    with pytest.raises(CubeError) as caught:
        select(ds, period=Period("2001-01-01", "2002-01-01"))
    assert caught.value.code == "unsupported_grid"
    with pytest.raises(CubeError):
        select(small_cube().drop_vars(["lat", "lon"]), Region(0, 0, 1, 1))
    assert np.isfinite(select(small_cube()).a).all()


def test_a_swath_keeps_its_bounding_rows_and_columns_and_masks_the_rest() -> None:
    ds = swath()
    region = Region(west=-1, south=53.5, east=0.5, north=54.5)
    kept, found = indexers(ds, region), select(ds, region)
    inside = (ds.latitude >= 53.5) & (ds.latitude <= 54.5)
    inside &= (ds.longitude >= -1) & (ds.longitude <= 0.5)
    assert all(isinstance(part, slice) for part in kept.values())
    mask = region_mask(ds, region)
    assert mask is not None
    np.testing.assert_array_equal(mask, inside)
    cropped = region_mask(ds.isel(kept), region)
    assert cropped is not None
    for dim in cropped.dims:
        assert cropped.any([other for other in cropped.dims if other != dim])[[0, -1]].all()
    assert not found.a.variable._in_memory
    np.testing.assert_array_equal(found.a, ds.a.where(inside).isel(kept))
    assert region_mask(small_cube(), region) is None


@pytest.mark.parametrize("make", [icon, healpix, points])
def test_cells_along_one_dim_are_kept_one_by_one(make: Callable[[], xr.Dataset]) -> None:
    ds = make()
    region = Region(west=-60, south=-10, east=90, north=70)
    found = select(ds, region)
    for part in (found, ds):
        places = positions(part, grid_of(part))
        east = (places.x.values + 180) % 360 - 180
        inside = (places.y.values >= -10) & (places.y.values <= 70) & (east >= -60) & (east <= 90)
        assert inside.sum() == found.sizes[places.y.dims[0]]


def test_points_are_chosen_by_place_and_time_at_once() -> None:
    ds = points()
    found = select(ds, Region(-10, 40, 10, 50), Period("2001-01-05", "2001-01-20"))
    assert 0 < found.sizes["sample"] < ds.sizes["sample"]
    assert found.time.min() >= np.datetime64("2001-01-05")
    assert found.lat.max() <= 50


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "julian"])
def test_periods_in_every_calendar(calendar: str) -> None:
    time = xr.date_range("2000-02-01", periods=90, calendar=calendar, use_cftime=True)
    ds = xr.Dataset({"v": ("time", np.arange(90.0))}, coords={"time": time})
    found = select(ds, period=Period("2000-02-29", "2000-03-31"))
    assert str(found.time.values[-1])[:10] == (
        "2000-03-30" if calendar == "360_day" else "2000-03-31"
    )
    assert str(found.time.values[0])[:10] == (
        "2000-02-28" if calendar == "noleap" else "2000-02-29"
    )


def test_unsorted_and_repeated_coordinates_are_chosen_cell_by_cell() -> None:
    ds = small_cube().isel(lat=[5, 20, 3, 20, 7])
    found = select(ds, Region(-10, 39, 5, 57))
    assert found.lat.values.tolist() == [54.5, 39.5, 56.5, 39.5, 52.5]
    assert select(ds, Region(-10, 39, 5, 55)).lat.values.tolist() == [54.5, 39.5, 39.5, 52.5]


def test_a_row_with_lat_and_lon_of_other_names() -> None:
    ds = small_cube().rename_dims(lat="row", lon="column").drop_indexes(["lat", "lon"])
    assert select(ds, Region(-10, 40, 5, 50)).sizes == {"time": 6, "row": 10, "column": 15}
