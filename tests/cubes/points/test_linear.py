"""Values between cells, on swaths and along cells: what is linear is reproduced."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.points.centres import Centres, unit_vectors
from jupyter_mlkit.cubes.points.match import match_points
from jupyter_mlkit.cubes.points.nearest import Cells
from jupyter_mlkit.cubes.points.triangles import around_in_triangles

from ..grids.kinds import healpix, icon, rotated, swath
from ..made import globe

Floats = NDArray[np.float64]


def mesh(n: int, jitter: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Return latitudes and longitudes that are spread evenly, but for a share of a cell."""
    rng = np.random.default_rng(seed)
    i, h = np.arange(n) + 0.5, jitter * np.degrees(np.sqrt(4 * np.pi / n))
    lat, lon = np.degrees(np.arcsin(1 - 2 * i / n)), np.degrees(np.pi * (1 + 5**0.5) * i)
    return lat + rng.uniform(-h, h, n), (lon + rng.uniform(-h, h, n) + 180) % 360 - 180


def along_cells(n: int = 4_000) -> xr.Dataset:
    """Cells all over the sphere, along one dim."""
    lat, lon = mesh(n, 0.2)
    coords = {
        "lat": ("cell", lat.astype("f4"), {"units": "degrees_north"}),
        "lon": ("cell", lon.astype("f4"), {"units": "degrees_east"}),
    }
    return xr.Dataset({"a": ("cell", np.zeros(n))}, coords=coords)


def over_the_pole() -> xr.Dataset:
    """A swath whose cells lie on both sides of the north pole."""
    y, x = np.meshgrid(np.linspace(-4, 4.5, 18), np.linspace(-3, 3.5, 12), indexing="ij")
    lat, lon = 90 - np.hypot(y, x), np.degrees(np.arctan2(x, -y))
    coords = {
        "lat": (("row", "column"), lat.astype("f4"), {"units": "degrees_north"}),
        "lon": (("row", "column"), lon.astype("f4"), {"units": "degrees_east"}),
    }
    return xr.Dataset({"a": (("row", "column"), np.zeros(lat.shape))}, coords=coords)


GRIDS = {"swath": swath(), "pole": over_the_pole(), "cells": along_cells()}


def places(ds: xr.Dataset) -> tuple[Floats, Floats]:
    """Latitudes and longitudes as they are known after their way through float32."""
    cells = Cells.of(ds, grid_of(ds))
    return cells.y, cells.x


def linear_at(ds: xr.Dataset, lat: float, lon: float, slope: Floats) -> xr.Dataset:
    """Return `ds` with values that are linear in the plane that touches the sphere there."""
    vectors, point = unit_vectors(*places(ds)), unit_vectors(np.array(lat), np.array(lon))
    up = vectors @ point
    values = 280 + np.where(up > 0.1, vectors @ slope / np.where(up > 0.1, up, 1), 0)
    return ds.assign(a=(ds.a.dims, values))


def at(lat: Floats | list[float], lon: Floats | list[float]) -> pd.DataFrame:
    return pd.DataFrame({"lat": lat, "lon": lon})


@given(
    kind=st.sampled_from(sorted(GRIDS)),
    spot=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
    slope=st.tuples(*[st.floats(-20, 20)] * 3),
)
def test_a_linear_field_is_reproduced(
    kind: str, spot: tuple[float, float], slope: tuple[float, float, float]
) -> None:
    ds = GRIDS[kind]
    if kind == "cells":
        lat, lon = np.degrees(np.arcsin(2 * spot[0] - 1)), 360 * spot[1] - 180
    else:
        (y, x), (rows, columns) = places(ds), ds.a.shape
        cell = int(spot[0] * (rows - 1)), int(spot[1] * (columns - 1))
        corners = unit_vectors(y, x)[cell[0] : cell[0] + 2, cell[1] : cell[1] + 2].reshape(4, 3)
        share = np.array([spot[0], 1 - spot[0], spot[1], 1 - spot[1]])
        mixed = corners.T @ (share / share.sum())
        lat = np.degrees(np.arcsin(mixed[2] / np.linalg.norm(mixed)))
        lon = np.degrees(np.arctan2(mixed[1], mixed[0]))
    g = np.array(slope)
    found = match_points(linear_at(ds, lat, lon, g), at([lat], [lon]), "5000 km", "linear")
    wanted = 280 + float(unit_vectors(np.array(lat), np.array(lon)) @ g)
    assert float(found.a[0]) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("kind", ["swath", "pole", "cells", "icon", "healpix", "rotated"])
def test_a_centre_has_the_value_of_its_cell_whatever_lies_around(kind: str) -> None:
    made = {"icon": icon, "healpix": healpix, "rotated": rotated}
    ds = made[kind]() if kind in made else GRIDS[kind].copy()
    rng = np.random.default_rng(0)
    ds["a"] = ds.a.copy(data=rng.normal(size=ds.a.shape))
    if "time" in ds.dims:
        ds = ds.isel(time=0, drop=True)
    ds["a"] = ds.a.where(rng.random(ds.a.shape) < 0.6)
    lat, lon = places(ds)
    rows = at(lat.ravel(), lon.ravel())
    nearest = match_points(ds, rows)
    found = match_points(ds, rows, method="linear")
    assert bool(found.matched.all())
    np.testing.assert_array_equal(found.a.values, nearest.a.values)


def test_a_grid_given_by_planes_is_the_same_as_by_lines() -> None:
    frame = globe(2).isel(time=0, drop=True)
    ds = frame.assign(v=np.sin(np.radians(3 * frame.lat)) * np.cos(np.radians(2 * frame.lon)))
    plane = xr.Dataset(
        {"v": (("j", "i"), ds.v.values)},
        coords={
            # Sheared a little, so that the planes are no lines.
            "latitude": (("j", "i"), (ds.lat + 1e-4 * ds.lon).values, {"units": "degrees_north"}),
            "longitude": (
                ("j", "i"), (ds.lon + 1e-4 * ds.lat).transpose(*ds.v.dims).values,
                {"units": "degrees_east"},
            ),
        },
    )  # fmt: skip
    rng = np.random.default_rng(0)
    rows = at(rng.uniform(-88, 88, 500), rng.uniform(-180, 180, 500))
    by_lines, by_planes = (match_points(one, rows, "300 km", "linear").v for one in (ds, plane))
    # The seam is no edge, and near the poles the lines of a grid are no straight ones.
    assert float(abs(by_lines - by_planes).max()) < 0.02
    seam = at(np.linspace(-60, 60, 50), np.full(50, 179.99))
    by_lines, by_planes = (match_points(one, seam, "300 km", "linear").v for one in (ds, plane))
    assert float(abs(by_lines - by_planes).max()) < 2e-3


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 1.0), (0.3, 1.0), (None, 0.93)])
def test_the_triangle_is_that_of_delaunay(jitter: float | None, share: float) -> None:
    """On meshes as models have them always, on cells strewn at random nearly so."""
    rng = np.random.default_rng(4)
    n = 3_000
    if jitter is None:
        lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    else:
        lat, lon = mesh(n, jitter)
    y, x = np.degrees(np.arcsin(rng.uniform(-1, 1, 1_000))), rng.uniform(-180, 180, 1_000)
    corners, weights = around_in_triangles(lat, lon, Centres.of(lat, lon), y, x)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    hull = {tuple(sorted(facet)) for facet in ConvexHull(unit_vectors(lat, lon)).simplices.tolist()}
    inner = (weights > 1e-6).all(axis=0)
    assert inner.mean() > 0.98
    found = [tuple(sorted(triple)) for triple in corners.T[inner].tolist()]
    assert np.mean([triple in hull for triple in found]) >= share


@pytest.mark.parametrize("kind", ["swath", "cells"])
def test_a_missing_neighbour_makes_the_value_missing(kind: str) -> None:
    """As on a rectilinear grid: a point is missing where one of its corners is."""
    ds = GRIDS[kind].copy()
    lat, lon = (part.ravel() for part in places(ds))
    values = np.ones(lat.size)
    values[lat < np.median(lat)] = np.nan
    ds["a"] = (ds.a.dims, values.reshape(ds.a.shape))
    step = 0.1 if kind == "swath" else 1.5
    rows = at(lat + step, lon)
    found = match_points(ds, rows, method="linear").where(lambda one: one.matched, drop=True)
    assert np.isnan(found.a[found.lat < np.median(lat)]).any()
    # Never a mean of the corners that are left.
    np.testing.assert_allclose(found.a.values[np.isfinite(found.a.values)], 1, rtol=1e-12)
    far = float(np.median(lat)) + 15 * step
    assert np.isfinite(found.a[found.lat > far]).all()


@pytest.mark.parametrize("kind", ["swath", "cells"])
def test_points_outside_are_unmatched(kind: str) -> None:
    ds = GRIDS[kind]
    if kind == "cells":
        ds = ds.isel(cell=np.flatnonzero(ds.lat.values > 0))
    rows = at([-70.0, np.nan, 54.0], [0.5, 0.5, -0.5])
    found = match_points(ds.assign(a=ds.a + 1), rows, method="linear")
    assert found.matched.values.tolist() == [False, False, True]
    assert np.isnan(found.a.values).tolist() == [True, True, False]


def test_beyond_the_outermost_centres_the_edge_holds() -> None:
    ds = swath()
    ds["a"] = ds.a * 0 + ds.longitude
    i = 6
    edge = ds.isel(rows=slice(i, i + 2), columns=-1)
    lat, lon = float(edge.latitude.mean()), float(edge.longitude.mean())
    found = match_points(ds, at([lat], [lon + 0.1]), method="linear")
    assert bool(found.matched[0])
    assert float(found.a[0]) == pytest.approx(lon, abs=0.05)


def test_cells_without_a_place_are_no_corners() -> None:
    ds = swath()
    hole = ds.latitude.copy()
    hole[4:8, 3:6] = np.nan
    ds = ds.assign_coords(latitude=hole, longitude=ds.longitude.where(hole.notnull()))
    ds["a"] = ds.a * 0 + 1
    rows = at(hole.values.ravel(), ds.longitude.values.ravel())
    found = match_points(ds, rows, method="linear")
    assert found.matched.values.tolist() == hole.notnull().values.ravel().tolist()
    assert (found.a[found.matched] == 1).all()
    single = ds.isel(rows=slice(0, 1))
    found = match_points(single, at([float(single.latitude[0, 2])], [-0.4]), method="linear")
    assert float(found.a[0]) == 1
