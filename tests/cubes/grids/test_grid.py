"""Dims and grids are recognised by what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.grids.cf import is_latitude
from jupyter_mlkit.cubes.grids.grid import Grid, grid_of
from jupyter_mlkit.cubes.grids.tiles import horizontal_tiles

from ..made import small_cube
from .kinds import KINDS, healpix, icon, points, projected, rotated, swath


def frame(**coords: tuple[Any, dict[str, str]]) -> xr.Dataset:
    return xr.Dataset(
        coords={name: (name, values, attrs) for name, (values, attrs) in coords.items()}
    )


LATLON = Grid("time", "lat", "lon", True, lat="lat", lon="lon")
DATES = np.array(["2001-01-01", "2001-01-02"], "M8[ns]")


@pytest.mark.parametrize(
    ("ds", "grid"),
    [
        (small_cube(), LATLON),
        (small_cube().transpose("lon", "lat", "time"), LATLON),
        (small_cube().drop_attrs(), LATLON),
        (
            frame(
                when=(DATES, {}),
                up=([1.0, 2.0], {"units": "degrees_north"}),
                right=([1.0, 2.0], {"standard_name": "longitude", "units": "degrees_east"}),
            ),
            Grid("when", "up", "right", True, lat="up", lon="right"),
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
            Grid("c", "a", "b", False, vertical="level"),
        ),
        (
            frame(
                rlat=([1.0, 2.0], {"standard_name": "grid_latitude", "units": "degrees"}),
                rlon=([1.0, 2.0], {"standard_name": "grid_longitude", "units": "degrees"}),
            ),
            Grid(None, "rlat", "rlon", False),
        ),
        (xr.Dataset({"v": (("station",), [1.0])}), Grid(None, None, None, False, kind="none")),
    ],
)
def test_recognition(ds: xr.Dataset, grid: Grid) -> None:
    assert grid_of(ds) == grid


def test_cftime_is_time() -> None:
    time = xr.date_range("2000-01-01", periods=3, calendar="noleap", use_cftime=True)
    assert grid_of(xr.Dataset(coords={"day": ("day", time)})).time == "day"


@pytest.mark.parametrize(
    ("ds", "grid"),
    [
        (
            projected(),
            Grid("time", "northing", "easting", False, vertical="level", crs="EPSG:3035"),
        ),
        (
            rotated(),
            Grid(
                "time",
                "rlat",
                "rlon",
                False,
                lat="lat",
                lon="lon",
                crs="rotated_latitude_longitude",
            ),
        ),
        (
            swath(),
            Grid(None, "rows", "columns", True, "curvilinear", lat="latitude", lon="longitude"),
        ),
        (
            swath().assign_coords(rows=np.arange(15), columns=np.arange(11)),
            Grid(None, "rows", "columns", True, "curvilinear", lat="latitude", lon="longitude"),
        ),
        (
            icon(),
            Grid(
                *("time", None, None, True, "unstructured", "ncells", "clat", "clon"),
                member="member",
            ),
        ),
        (
            healpix(),
            Grid("time", None, None, True, "unstructured", "cell", crs="healpix"),
        ),
        (
            points(),
            Grid(
                *(None, None, None, True, "unstructured", "sample", "lat", "lon"),
                cell_time="time",
            ),
        ),
        (
            small_cube().rename_dims(lat="row", lon="column").drop_indexes(["lat", "lon"]),
            Grid("time", "row", "column", True, lat="lat", lon="lon"),
        ),
    ],
)
def test_every_kind_is_recognised(ds: xr.Dataset, grid: Grid) -> None:
    assert grid_of(ds) == grid


@pytest.mark.parametrize("kind", KINDS)
def test_a_crop_the_order_of_dims_and_the_coordinates_alone_have_the_same_grid(kind: str) -> None:
    """ "any dim names, any order"."""
    ds = KINDS[kind]()
    grid = grid_of(ds)
    assert grid_of(ds.transpose(*reversed(list(ds.dims)))).horizontal in (
        grid.horizontal,
        grid.horizontal[::-1],
    )
    for other in (
        ds.isel({dim: slice(1, None) for dim in grid.horizontal}),
        ds.coords.to_dataset(),
        ds.isel({dim: slice(None, None, -1) for dim in grid.horizontal}),
    ):
        assert grid_of(other) == grid


def test_edges_of_cells_place_no_cells() -> None:
    lat = ("cell", [10.0, 20.0], {"units": "degrees_north"})
    corners = (("cell", "nv"), [[9.0, 9, 11], [19.0, 19, 21]])
    ds = xr.Dataset(
        coords={
            "lat_bnds": corners,
            "lon_bnds": corners,
            "lat": lat,
            "lon": ("cell", [1.0, 2.0], {"units": "degrees_east"}),
        }
    )
    assert grid_of(ds).horizontal == ("cell",)


def test_a_code_in_wkt_is_that_of_the_whole_system() -> None:
    wkt = 'PROJCRS["x",BASEGEOGCRS["ETRS89",ID["EPSG",4258]],ID["EPSG",3035]]'
    ds = xr.Dataset(coords={"spatial_ref": ((), 0, {"crs_wkt": wkt})})
    assert grid_of(ds).crs == "EPSG:3035"
    own = xr.Dataset(coords={"spatial_ref": ((), 0, {"crs_wkt": wkt.replace(",3035", ",x")})})
    assert grid_of(own).crs is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("latitude", True), ("lat_rho", True), ("XLAT", True), ("nav_lat", True), ("latent", False)],
)
def test_latitudes_are_known_by_name_where_nothing_else_is_said(name: str, is_one: bool) -> None:
    coord = xr.DataArray([1.0], dims=["cell"], name=name)
    assert is_latitude(coord) is is_one


def test_tiles_go_by_the_coordinate_whatever_it_is_called() -> None:
    ds = small_cube()
    named = ds.rename_dims(lat="row", lon="column").drop_indexes(["lat", "lon"])
    wanted = horizontal_tiles(ds, grid_of(ds))
    assert list(horizontal_tiles(named, grid_of(named)).values()) == list(wanted.values())
    assert horizontal_tiles(swath(), grid_of(swath())) == {}
