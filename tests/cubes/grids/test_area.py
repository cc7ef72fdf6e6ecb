"""Cells weigh what they cover, on every kind of grid."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.grids.area import cell_area_weights

from ..made import small_cube
from .kinds import healpix, icon, points, projected, rotated, swath


def latitudes(lat: object) -> xr.Dataset:
    return xr.Dataset(
        coords={"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", [0.0, 1.0])}
    )


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


@pytest.mark.parametrize("ds", [projected(), healpix(), icon(), points()])
def test_projected_cells_and_those_along_one_dim_are_equal(ds: xr.Dataset) -> None:
    weights = cell_area_weights(ds)
    assert (weights.kind, weights.values.ndim, float(weights.values)) == ("equal", 0, 1.0)


def test_poles_weigh_nothing_and_never_less() -> None:
    values = cell_area_weights(latitudes([90.0, 0.0, -90.0])).values.values
    assert (values >= 0).all()
    assert values[1] == 1


def test_whole_sphere_weighs_two() -> None:
    lat = 90 - (np.arange(180) + 0.5)
    bounds = np.stack([lat - 0.5, lat + 0.5], axis=1)
    ds = latitudes(lat).assign_coords(lat_bnds=(("lat", "bnds"), bounds))
    assert float(cell_area_weights(ds).values.sum()) == pytest.approx(2)


def test_a_rotated_pole_and_a_zonal_mean_weigh_by_cos() -> None:
    ds = rotated()
    weights = cell_area_weights(ds)
    assert weights.kind == "area (cos lat)"
    np.testing.assert_allclose(weights.values, np.cos(np.radians(ds.rlat)))
    zonal = small_cube().mean("lon", keep_attrs=True)
    assert cell_area_weights(zonal).values.dims == ("lat",)


def test_cell_measures_come_first() -> None:
    """ "`cell_measures` or `weights=` where given"."""
    ds = small_cube()
    area = np.random.default_rng(0).uniform(1, 2, (30, 40))
    by_attribute = ds.assign_coords(areacella=(("lat", "lon"), area))
    by_attribute["b"].attrs["cell_measures"] = "area: areacella"
    by_name = ds.assign_coords(area=(("lat", "lon"), area, {"standard_name": "cell_area"}))
    for given in (by_attribute, by_name):
        weights = cell_area_weights(given)
        assert weights.kind == "area (cell measures)"
        np.testing.assert_array_equal(weights.values, area)


def lattice(edges_lat: object, edges_lon: object) -> tuple[xr.Dataset, np.ndarray]:
    """A regular grid written as a swath, and its true areas in steradians."""
    south, west = np.asarray(edges_lat, "f8"), np.asarray(edges_lon, "f8")
    lat = np.broadcast_to((south[:-1] + south[1:])[:, None] / 2, (south.size - 1, west.size - 1))
    lon = np.broadcast_to((west[:-1] + west[1:])[None] / 2, lat.shape)
    ds = xr.Dataset(
        coords={
            "lat": (("j", "i"), lat, {"units": "degrees_north"}),
            "lon": (("j", "i"), lon, {"units": "degrees_east"}),
        }
    )
    area = np.diff(np.sin(np.radians(south)))[:, None] * np.diff(np.radians(west))[None]
    return ds, area


def test_swaths_without_corners_weigh_what_their_centres_span() -> None:
    ds, area = lattice(np.arange(40, 61), np.arange(-10, 11))
    found = cell_area_weights(ds)
    assert found.kind == "area (spacing of centres)"
    np.testing.assert_allclose(found.values, area, rtol=1e-3)
    hole = ds.assign_coords(lat=ds.lat.where((ds.lat < 59) | (ds.lon < 9)))
    values = cell_area_weights(hole).values.values
    assert np.isfinite(values).all()
    assert values[-1, -1] == 0
    assert cell_area_weights(swath().isel(rows=[3])).kind == "area (cos lat)"


def test_corners_give_the_area_of_the_polygon() -> None:
    ds, area = lattice(np.arange(40, 61, 0.5), np.arange(-10, 11, 0.5))
    south, west = np.arange(40, 61, 0.5), np.arange(-10, 11, 0.5)
    j, i = np.indices(area.shape)
    corners_lat = np.stack([south[j], south[j], south[j + 1], south[j + 1]], axis=-1)
    corners_lon = np.stack([west[i], west[i + 1], west[i + 1], west[i]], axis=-1)
    ds = ds.assign_coords(
        lat_bnds=(("j", "i", "nv"), corners_lat), lon_bnds=(("j", "i", "nv"), corners_lon)
    )
    found = cell_area_weights(ds)
    assert found.kind == "area (bounds)"
    # An edge along a parallel is no great circle: the difference is of second order.
    np.testing.assert_allclose(found.values, area, rtol=1e-4)
    cells = ds.stack(cell=("j", "i")).drop_vars(["cell", "j", "i"]).transpose("cell", "nv")
    np.testing.assert_allclose(cell_area_weights(cells).values, area.ravel(), rtol=1e-4)


def test_eight_triangles_weigh_the_whole_sphere() -> None:
    lon = np.radians(np.array([[0, 90, 0], [90, 180, 90], [180, 270, 180], [270, 360, 270]] * 2))
    lat = np.radians(np.array([[0.0, 0, 90]] * 4 + [[0.0, 0, -90]] * 4))
    radian = {"units": "radian"}
    ds = xr.Dataset(
        coords={
            "clat": ("cell", lat.mean(axis=1), {"standard_name": "latitude", **radian}),
            "clon": ("cell", lon.mean(axis=1), {"standard_name": "longitude", **radian}),
            "clat_bnds": (("cell", "nv"), lat),
            "clon_bnds": (("cell", "nv"), lon),
        }
    )
    np.testing.assert_allclose(cell_area_weights(ds).values, np.full(8, np.pi / 2))
