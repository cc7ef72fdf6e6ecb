"""Regions and periods, whatever direction the axes run."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_mlkit.cubes.grids.select import indexers, select
from jupyter_mlkit.errors import CubeError
from jupyter_mlkit.spec import Period, Region

from ..made import globe, projected, small_cube


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
