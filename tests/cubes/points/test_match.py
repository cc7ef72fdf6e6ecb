"""Measurements get the values of the cell that they fall into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.positions import positions
from jupyter_mlkit.cubes.points.match import match_points
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.distance import EARTH_RADIUS
from jupyter_mlkit.errors import CubeError, InvalidInputError, SpecError

from ..grids.kinds import KINDS
from ..made import globe, small_cube

CUBE = small_cube(gaps=0.0)


def table(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "station": [f"s{i}" for i in range(n)],
            "Latitude": rng.uniform(30, 60, n),
            "Longitude": rng.uniform(-20, 20, n),
            "date": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.uniform(0, 43, n), unit="D"),
            "a": rng.normal(size=n),
        }
    )


def test_the_nearest_cell_is_the_one_xarray_finds() -> None:
    rows = table()
    found = match_points(CUBE, rows)
    at = {
        "lat": xr.DataArray(rows.Latitude, dims="sample"),
        "lon": xr.DataArray(rows.Longitude, dims="sample"),
        "time": xr.DataArray(rows.date.to_numpy(), dims="sample"),
    }
    wanted = CUBE.sel(at, method="nearest")
    assert found.matched.all()
    assert found.attrs["unmatched"] == 0
    np.testing.assert_array_equal(found.a, wanted.a)
    np.testing.assert_array_equal(found.height, wanted.height)
    assert found.a.attrs == CUBE.a.attrs
    np.testing.assert_array_equal(found.a_measured, rows.a)
    np.testing.assert_array_equal(found.station, rows.station)
    late = found.dt.values - (wanted.time.values - rows.date.to_numpy())
    assert abs(late).max() < np.timedelta64(2, "us")
    assert float(abs(found.dt).max() / np.timedelta64(1, "D")) <= 4
    assert float(found.distance.max()) < 80_000


def test_every_point_has_the_block_of_its_own_place() -> None:
    """ "points belong to the block of their coordinates"."""
    found = match_points(CUBE, table())
    split = BlockSplit({"lat": "0.75 deg", "lon": "0.75 deg"})
    grid = grid_of(found)
    assert (grid.kind, grid.cell, grid.cell_time) == ("unstructured", "sample", "time")
    blocks = split.block_ids(found)
    one = globe(0.75).isel(time=0)
    whole = split.block_ids(one)
    for i in range(20):
        row = found.isel(sample=i)
        y, x = (
            np.floor(row.lat / 0.75) * 0.75 + 0.375,
            np.floor((row.lon % 360) / 0.75) * 0.75 + 0.375,
        )
        near = whole.sel(lat=float(y), lon=float((x + 180) % 360 - 180), method="nearest")
        assert int(near) == int(blocks[i])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"points"}))
def test_a_point_at_a_centre_gets_that_cell_on_every_grid(kind: str) -> None:
    ds = KINDS[kind]()
    grid = grid_of(ds)
    if kind == "projected":
        import pyproj

        y, x = np.meshgrid(ds.northing * 1000, ds.easting * 1000, indexing="ij")
        back = pyproj.Transformer.from_crs("EPSG:3035", "EPSG:4326", always_xy=True)
        lon, lat = back.transform(x.ravel(), y.ravel())
    elif kind == "rotated":
        lat, lon = ds.lat.values.ravel(), ds.lon.values.ravel()
    else:
        places = positions(ds, grid)
        y, x = xr.broadcast(places.y, places.x)
        lat, lon = y.values.ravel(), x.values.ravel()
    rows = pd.DataFrame({"lat": lat, "lon": (lon + 180) % 360 - 180})
    if grid.time is not None:
        rows["time"] = ds.time.values[2]
    found = match_points(ds, rows, tolerance="1 m" if kind != "projected" else "10 m")
    assert found.matched.all()
    assert float(found.distance.max()) < 1
    name = "a"
    picked = ds[name] if grid.time is None else ds[name].isel({grid.time: 2})
    others = [dim for dim in picked.dims if dim not in grid.horizontal]
    wanted = picked.transpose(*grid.horizontal, *others).values
    np.testing.assert_array_equal(
        found[name].values, wanted.reshape(len(rows), *(ds.sizes[dim] for dim in others))
    )
    assert found[name].dims == ("sample", *others)


@given(lat=st.floats(-88, 88), lon=st.floats(-400, 400), shift=st.sampled_from([-180, 0, -20.0]))
def test_the_seam_is_no_edge(lat: float, lon: float, shift: float) -> None:
    frame = globe(4, lon0=shift).isel(time=0, drop=True)
    ds = frame.assign(v=np.cos(np.radians(frame.lat)) * np.cos(np.radians(frame.lon)))
    point = xr.Dataset(coords={"lat": ("p", [lat]), "lon": ("p", [lon])})
    true = float(np.cos(np.radians(lat)) * np.cos(np.radians(lon)))
    near = match_points(ds, point)
    assert bool(near.matched[0])
    assert abs(float(near.v[0]) - true) < 0.08
    between = match_points(ds, point, method="linear")
    if abs(lat) < 86:
        assert abs(float(between.v[0]) - true) < 0.002


def test_linear_is_what_xarray_interpolates() -> None:
    rows = table()
    inner = rows[(rows.Latitude > 31) & (rows.Latitude < 59) & (rows.Longitude.abs() < 19)]
    for ds in (CUBE, CUBE.isel(lat=slice(None, None, -1))):
        found = match_points(ds, inner, method="linear")
        at = {
            "lat": xr.DataArray(inner.Latitude, dims="sample"),
            "lon": xr.DataArray(inner.Longitude, dims="sample"),
        }
        when = xr.DataArray(inner.date.to_numpy(), dims="sample")
        wanted = CUBE.sortby("lat").interp(at).sel(time=when, method="nearest")
        np.testing.assert_allclose(found.a, wanted.a, rtol=1e-5)


def test_what_is_too_far_has_no_match_and_is_counted() -> None:
    rows = pd.DataFrame(
        {
            "lat": [45.5, 61.5, np.nan, 45.5, 45.5, 45.5],
            "lon": [0.5, 0.5, 0.5, 0.5, 0.5, 0.9],
            "time": pd.to_datetime(
                ["2001-01-01", "2001-01-01", "2001-01-01", "2002-01-01", None, "2001-01-01"]
            ),
        }
    )
    found = match_points(CUBE, rows)
    assert found.matched.values.tolist() == [True, False, False, False, False, True]
    assert found.attrs["unmatched"] == 4
    assert np.isnan(found.a.values).tolist() == [False, True, True, True, True, False]
    assert found.lat.size == 6
    near = match_points(CUBE, rows, tolerance="10 km").matched.values
    assert near.tolist() == [True, False, False, False, False, False]
    assert match_points(CUBE, rows, tolerance="0.4 deg").matched[5]
    assert match_points(CUBE, rows, tolerance=3e5, time_tolerance="400D").matched.sum() == 4
    assert float(match_points(CUBE, rows).distance[5]) == pytest.approx(
        np.radians(0.4) * np.cos(np.radians(45.5)) * EARTH_RADIUS, rel=1e-3
    )


def test_missing_cells_stay_missing() -> None:
    ds = CUBE.assign(a=CUBE.a.where(CUBE.lat > 45))
    rows = table()
    for method in ("nearest", "linear"):
        found = match_points(ds, rows, method=method)  # type: ignore[arg-type]
        assert np.isnan(found.a[found.lat < 44]).all()
        assert np.isfinite(found.a[(found.lat > 46.5)]).all()
        assert found.matched.all()


def test_only_chunks_with_points_are_read(tmp_path: Path) -> None:
    ds = small_cube(n_time=4, gaps=0.0)
    encoding = {name: {"chunks": (1, 10, 10)} for name in ("a", "b")}
    ds.to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding=encoding, consolidated=False)
    for chunk in (tmp_path / "c.zarr" / "a").glob("*.*.*"):
        if chunk.name != "1.0.1":
            chunk.write_bytes(b"broken")
    cube = open_cube(str(tmp_path / "c.zarr"))
    rows = pd.DataFrame({"lat": [55.4, 58.1], "lon": [-5.2, -1.2], "time": ds.time.values[1]})
    found = match_points(cube[["a"]], rows)
    at = {"lat": xr.DataArray(rows.lat), "lon": xr.DataArray(rows.lon)}
    np.testing.assert_array_equal(found.a, ds.a[1].sel(at, method="nearest"))


def test_zones_calendars_and_descriptions_of_time() -> None:
    rows = pd.DataFrame(
        {"lat": [45.5], "lon": [0.5], "time": pd.to_datetime(["2001-01-09T01:00+02:00"])}
    )
    assert match_points(CUBE, rows).time.values[0] == np.datetime64("2001-01-08T23:00")
    time = xr.date_range("2001-01-01", periods=6, freq="8D", calendar="noleap", use_cftime=True)
    found = match_points(CUBE.assign_coords(time=time), rows)
    assert found.matched.all()
    assert float(found.a[0]) == float(CUBE.a.sel(time="2001-01-09", lat=45.5, lon=0.5).item())


def test_tables_that_lack_something_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no time"):
        match_points(CUBE, pd.DataFrame({"lat": [1.0], "lon": [1.0]}))
    with pytest.raises(InvalidInputError, match="no longitude"):
        match_points(CUBE, pd.DataFrame({"lat": [1.0], "time": ["2001-01-01"]}))
    with pytest.raises(InvalidInputError, match="dims"):
        match_points(CUBE, CUBE)
    with pytest.raises(InvalidInputError, match="method"):
        match_points(CUBE, table(), method="cubic")  # type: ignore[arg-type]
    with pytest.raises(SpecError):
        match_points(CUBE, table(), tolerance="near")
    unsaid = KINDS["projected"]().drop_vars("crs")
    with pytest.raises(CubeError, match="does not say how"):
        match_points(unsaid, table().rename(columns={"date": "time"}))
