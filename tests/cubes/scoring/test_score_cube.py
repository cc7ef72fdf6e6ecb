"""Scores of cubes against brute force, whatever the chunks, dims, groups and weights."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import regionmask
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.scoring import cube_pass
from jupyter_mlkit.cubes.scoring.monthly import monthly_climatology
from jupyter_mlkit.cubes.scoring.score import score, skill_score
from jupyter_mlkit.cubes.splits.from_spec import split_from_spec
from jupyter_mlkit.errors import CubeError, InvalidInputError

from ..made import small_spec
from .made import area, by_hand, pair

NAMES = ("rmse", "mae", "bias", "r2", "n", "weight")


def agrees(found: xr.Dataset, wanted: dict[str, float]) -> None:
    for name in NAMES:
        assert float(found[name]) == pytest.approx(wanted[name], rel=1e-9, nan_ok=True), name


@given(seed=st.integers(0, 1000), gaps=st.floats(0, 0.95), offset=st.sampled_from([0, 300, 1e5]))
@settings(max_examples=25, deadline=None)
def test_rmse_of_a_group_is_the_root_of_the_weighted_mean_square(
    seed: int, gaps: float, offset: float
) -> None:
    """definitions.md, Scoring: "RMSE of a group = sqrt(sum w e^2 / sum w), never a mean of RMSEs;
    R2 about the weighted mean of the same group"; "n and the sum of weights are reported"."""
    p, y = pair(seed, n_time=12, gaps=gaps, offset=offset)
    agrees(score(p, y), by_hand(p.values, y.values, area(y)))
    found = score(p, y, by="time.month")
    for month in found.month.values:
        mine = (y.time.dt.month == month).values
        group = by_hand(p.values[mine], y.values[mine], area(y)[mine])
        agrees(found.sel(month=month), group)


@pytest.mark.parametrize("chunks", [{"time": 7, "lat": 3}, {"time": 1}, {"lon": 5, "lat": 4}])
@pytest.mark.parametrize("dims", [("time", "lat", "lon"), ("lon", "lat", "time")])
def test_chunks_and_order_of_dims_do_not_matter(
    tmp_path: Path, chunks: dict[str, int], dims: tuple[str, ...]
) -> None:
    p, y = pair()
    ordered = xr.Dataset({"p": p.transpose(*dims), "y": y})
    ordered.chunk(chunks).to_zarr(tmp_path / "cube.zarr")
    stored = xr.open_zarr(tmp_path / "cube.zarr", chunks=None)
    lazy = xr.open_zarr(tmp_path / "cube.zarr")
    for options in ({}, {"dim": "time"}, {"by": ("time.season", ("lat", [50, 55, 60]))}):
        wanted = score(p, y, **options)
        xr.testing.assert_allclose(score(stored.p, stored.y, **options), wanted, rtol=1e-10)
        xr.testing.assert_allclose(score(lazy.p, lazy.y, **options), wanted, rtol=1e-10)


def test_maps_and_series_are_scores_of_each_place_and_time() -> None:
    p, y = pair()
    maps = score(p, y, ["rmse", "r2", "mae", "bias"], dim="time")
    assert maps.rmse.dims == ("lat", "lon")
    w = area(y)
    place = {"lat": 3, "lon": 7}
    agrees(maps.isel(place), by_hand(p[:, 3, 7].values, y[:, 3, 7].values, w[:, 3, 7]))
    series = score(p, y, dim=("lat", "lon"))
    assert series.rmse.dims == ("time",)
    agrees(series.isel(time=11), by_hand(p[11].values, y[11].values, w[11]))
    xr.testing.assert_equal(series.time, y.time)


def test_groups_are_crossed_and_empty_ones_are_nan() -> None:
    p, y = pair()
    regions = ((y.lat > 55) * 1 + (y.lon > -14) * 2).rename("part")
    regions = regions.where(y.lon > -19)
    edges = [40, 53, 56, 60]
    found = score(p, y, by=("time.season", regions, ("lat", edges)), dim=None)
    assert found.rmse.dims == ("season", "part", "lat_band")
    w, season = area(y), y.time.dt.season.values
    part = regions.broadcast_like(y).transpose(*y.dims).values
    lat = y.lat.broadcast_like(y).transpose(*y.dims).values
    for name in found.season.values:
        for number in found.part.values:
            for i in range(3):
                mine = (season == name)[:, None, None] & (part == number)
                mine &= (lat >= edges[i]) & (lat < edges[i + 1])
                group = by_hand(p.values[mine], y.values[mine], w[mine])
                agrees(found.isel(lat_band=i).sel(season=name, part=number), group)
    empty = found.sel(part=0, lat_band="56 to 60")
    assert (empty.n == 0).all()
    assert empty.rmse.isnull().all()


def test_the_pole_belongs_to_the_last_band() -> None:
    p, y = pair()
    lat = np.linspace(-90, 90, y.sizes["lat"])
    p, y = (a.assign_coords(lat=("lat", lat, a.lat.attrs)) for a in (p, y))
    found = score(p, y, by=("lat", [-90, 0, 90]))
    assert int(found.n.sum()) == int(score(p, y).n)
    assert found.lat_upper.values.tolist() == [0, 90]


def test_regions_of_regionmask_by_their_names() -> None:
    p, y = pair()
    west = np.array([[-21, 45], [-14, 45], [-14, 61], [-21, 61]])
    east = west + np.array([7, 0])
    regions = regionmask.Regions([west, east], numbers=[4, 9], names=["west", "east"])
    found = score(p, y, by=regions)
    assert found.region.values.tolist() == ["west", "east"]
    mine = (y.lon < -14).broadcast_like(y).transpose(*y.dims).values
    agrees(found.sel(region="west"), by_hand(p.values[mine], y.values[mine], area(y)[mine]))


def test_regions_are_named_by_their_flags() -> None:
    p, y = pair()
    codes = xr.where(y.lat > 55, 7, 3).rename("land_cover")
    codes.attrs = {"flag_values": np.array([7, 3, 1]), "flag_meanings": "forest crop ice"}
    found = score(p, y, by=codes)
    assert found.land_cover.values.tolist() == ["forest", "crop", "ice"]
    only = score(p.where(codes == 7), y)
    assert float(found.rmse.sel(land_cover="forest")) == pytest.approx(float(only.rmse))
    assert int(found.n.sel(land_cover="ice")) == 0


@pytest.mark.parametrize("kind", ["array", "map", "bounds", "measures", "equal"])
def test_weights_are_those_that_are_given_or_the_area(kind: str) -> None:
    """definitions.md, Scoring: "Weights: cell area from bounds (sin of the north edge minus sin
    of the south edge), else cos lat; ... `cell_measures` or `weights=` where given"."""
    p, y = pair()
    rng = np.random.default_rng(3)
    of_map = xr.DataArray(rng.random((10, 12)), dims=("lat", "lon"))
    of_map[2, 3], of_map[4] = np.nan, 0
    of_lat = np.ones(10)
    weights: Any
    if kind == "array":
        weights = xr.DataArray(rng.random(10), dims="lat")
        of_lat = weights.values
    elif kind in ("map", "measures"):
        weights = of_map
    elif kind == "bounds":
        edges = np.linspace(60, 49, 11) + rng.uniform(-0.2, 0.2, 11)
        bounds = np.stack([edges[:-1], edges[1:]], axis=1)
        weights = y.to_dataset(name="y").assign(lat_bnds=(("lat", "bnds"), bounds))
        of_lat = np.abs(np.diff(np.sin(np.radians(bounds)), axis=1))[:, 0]
    else:
        weights = xr.DataArray(1.0)
    full = np.broadcast_to(of_lat[None, :, None], y.shape)
    if kind in ("map", "measures"):
        full = np.broadcast_to(np.nan_to_num(of_map.values), y.shape)
    if kind == "measures":
        attrs = {"cell_measures": "area: cell_area", **y.attrs}
        y = y.assign_coords(cell_area=of_map).assign_attrs(attrs)
        weights = None
    agrees(score(p, y, weights=weights), by_hand(p.values, y.values, full))


def test_projected_cells_weigh_one() -> None:
    p, y = pair()
    metres = {"lat": 3e6 + 1e4 * np.arange(10), "lon": 4e6 + 1e4 * np.arange(12)}
    p, y = (
        a.drop_vars(("lat", "lon")).rename(lat="y", lon="x").assign_coords(
            y=("y", metres["lat"], {"units": "m"}), x=("x", metres["lon"], {"units": "m"})
        )
        for a in (p, y)
    )  # fmt: skip
    agrees(score(p, y), by_hand(p.values, y.values, np.ones(y.shape)))


def test_only_cells_of_the_role_count() -> None:
    p, y = pair()
    split = split_from_spec(small_spec().split).resolve(y.to_dataset(name="b"))
    roles = split.assign(y.coords.to_dataset())
    mine = (roles == 2).broadcast_like(y).transpose(*y.dims).values
    wanted = by_hand(p.values[mine], y.values[mine], area(y)[mine])
    agrees(score(p, y, split=split, role="test"), wanted)
    agrees(score(p, y, split=roles, role="test"), wanted)
    with pytest.raises(InvalidInputError, match="belong together"):
        score(p, y, split=split)


def test_correlation_is_pearsons_weighted() -> None:
    p, y = pair(offset=300)
    found = float(score(p, y, "correlation").correlation)
    known = np.isfinite(p.values) & np.isfinite(y.values)
    cov = np.cov(p.values[known], y.values[known], aweights=area(y)[known])
    assert found == pytest.approx(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), rel=1e-6)


def test_skill_is_one_minus_the_ratio_of_errors_on_common_cells() -> None:
    p, y = pair()
    reference = p.where(p.lon > -15) + 1
    found = skill_score(p, y, reference)
    w = area(y)
    inside = p.where(p.lon > -15).values
    mine, other = by_hand(inside, y.values, w), by_hand(reference.values, y.values, w)
    assert int(found.n) == mine["n"] < int(score(p, y).n)
    assert float(found.skill) == pytest.approx(1 - mine["rmse"] ** 2 / other["rmse"] ** 2)
    perfect = skill_score(p, y, y)
    assert np.isnan(float(perfect.skill))


def test_climatology_is_of_train_cells_and_is_looked_up_by_date() -> None:
    y = pair()[1]
    roles = xr.where(y.time < y.time[25], 0, 2).astype("int8")
    climatology = monthly_climatology(y, split=roles)
    wanted = y.where(roles == 0).groupby("time.month").mean()
    ours = climatology.reindex(month=wanted.month).transpose(*wanted.dims)
    np.testing.assert_allclose(ours.values, wanted.values, rtol=1e-6)
    expanded = climatology.reindex(month=range(1, 13)).sel(month=y.time.dt.month)
    xr.testing.assert_allclose(score(climatology, y), score(expanded.drop_vars("month"), y))


def other_grid(a: xr.DataArray) -> xr.DataArray:
    return a.assign_coords(lat=a.lat + 0.5)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (lambda p, y: score(other_grid(p), y), "different_grid"),
        (lambda p, y: score(p[:, :-1], y), "different_grid"),
        (lambda p, y: score(p.expand_dims(band=2), y), "different_grid"),
        (lambda p, y: score(p, y, by=other_grid(y[0] > 0)), "different_grid"),
        (lambda p, y: score(p, y, weights=other_grid(y[0])), "different_grid"),
        (lambda p, y: score(p.astype(str), y), "not_numeric"),
        (lambda p, y: score(p, y, weights=xr.DataArray(-1.0)), "invalid_weights"),
        (lambda p, y: score(p, y, "rmsle"), "unknown_metric"),
        (lambda p, y: score(p, y, dim="band"), "unknown_dim"),
        (lambda p, y: score(p, y, by="time.fortnight"), "unknown_group"),
        (lambda p, y: score(p, y, by="basin"), "unknown_group"),
        (lambda p, y: score(p, y, by=("lat", [3, 2])), "unknown_group"),
        (lambda p, y: score(p, y, by="lat", dim="time"), "group_along_kept_dim"),
        (lambda p, y: score(p.where(p > 0, np.inf), y), "infinite_prediction"),
    ],
)
def test_what_cannot_be_scored_is_a_clear_error(broken: Any, code: str) -> None:
    p, y = pair()
    with pytest.raises((CubeError, InvalidInputError)) as caught:
        broken(p.fillna(-1.0), y)
    assert caught.value.code == code


def test_infinite_where_nothing_is_scored_is_no_error() -> None:
    p, y = pair()
    found = score(p.where(y.notnull(), np.inf), y)
    agrees(found, by_hand(p.values, y.values, area(y)))
    assert int(score(p, y.where(y.notnull(), np.inf)).n) == int(found.n)


def test_integers_and_constants() -> None:
    p, y = pair(gaps=0)
    whole = y.round().astype("int16")
    agrees(score(p, whole), by_hand(p.values, whole.values, area(y)))
    flat = xr.full_like(y, 290.1)
    found = score(p, flat)
    assert np.isnan(float(found.r2))
    assert np.isfinite(float(found.rmse))


def test_nothing_to_score_is_nan() -> None:
    p, y = pair()
    for found in (score(p * np.nan, y), score(p, y, weights=xr.DataArray(0.0))):
        assert int(found.n) == 0
        assert float(found.weight) == 0
        assert np.isnan(float(found.rmse))


def test_units_are_told() -> None:
    p, y = pair()
    y.attrs["units"] = "K"
    found = score(p, y, ["rmse", "mse", "r2"])
    assert [found[name].attrs["units"] for name in ("rmse", "mse", "r2")] == ["K", "(K)2", "1"]


def scattered(kind: str) -> tuple[xr.DataArray, xr.DataArray]:
    """The same cells as a swath or as a list of cells."""
    p, y = pair()
    lat, lon = (a.values for a in xr.broadcast(y.lat, y.lon))
    dims = ("row", "col")
    places = {
        "lat": (dims, lat, {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": (dims, lon, {"units": "degrees_east", "standard_name": "longitude"}),
    }
    p, y = (
        a.drop_vars(("lat", "lon")).rename(lat="row", lon="col").assign_coords(places)
        for a in (p, y)
    )
    if kind == "unstructured":
        p, y = (a.stack(cell=dims, create_index=False) for a in (p, y))
    return p, y


@pytest.mark.parametrize("kind", ["curvilinear", "unstructured"])
def test_swaths_and_cells_are_scored_by_place(kind: str) -> None:
    p, y = scattered(kind)
    found = score(p, y, by=("time.season", ("lat", [50, 55, 60])), weights=xr.DataArray(1.0))
    q, z = pair()
    wanted = score(q, z, by=("time.season", ("lat", [50, 55, 60])), weights=xr.DataArray(1.0))
    for name in NAMES:
        np.testing.assert_allclose(found[name].values, wanted[name].values, rtol=1e-9)
    place_dims = tuple(dim for dim in y.dims if dim != "time")
    assert score(p, y, dim="time").rmse.dims == place_dims
    assert np.isfinite(float(score(p, y).rmse))
    moved = p.assign_coords(lat=p.lat + 0.01)
    with pytest.raises(CubeError) as caught:
        score(moved, y)
    assert caught.value.code == "different_grid"


def test_other_calendars() -> None:
    p, y = pair()
    time = xr.date_range("2001-01-01", periods=40, freq="8D", calendar="360_day", use_cftime=True)
    p, y = (a.assign_coords(time=time) for a in (p, y))
    found = score(p, y, by="time.season")
    assert int(found.n.sum()) == int(score(p, y).n)
    with pytest.raises(CubeError):
        score(p.assign_coords(time=time.shift(1, "8D")), y)


def test_a_broken_chunk_is_named(tmp_path: Path) -> None:
    p, y = pair()
    xr.Dataset({"p": p, "y": y}).chunk(time=10).to_zarr(tmp_path / "cube.zarr", zarr_format=2)
    chunk = tmp_path / "cube.zarr" / "p" / "2.0.0"
    chunk.write_bytes(chunk.read_bytes()[:50])
    ds = xr.open_zarr(tmp_path / "cube.zarr", chunks=None)
    with pytest.raises(CubeError) as caught:
        score(ds.p, ds.y)
    assert caught.value.code == "unreadable_chunk"
    assert "time 2" in caught.value.message


def test_no_more_than_a_few_boxes_are_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """issue 3, Scores: "chunk-wise, never the whole cube in memory"."""
    monkeypatch.setattr(cube_pass, "_BOX_BYTES", 2**18)
    monkeypatch.setattr(cube_pass, "_PIECE_CELLS", 2**12)
    rng = np.random.default_rng(0)
    y = xr.DataArray(
        rng.normal(290, 5, (64, 256, 256)).astype("f4"),
        dims=("time", "lat", "lon"),
        coords={
            "lat": ("lat", np.linspace(60, 20, 256), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(256.0), {"units": "degrees_east"}),
        },
    )
    ds = xr.Dataset({"p": y + 1, "y": y}).chunk(time=8, lat=32, lon=64)
    ds.to_zarr(tmp_path / "cube.zarr", zarr_format=2)
    stored = xr.open_zarr(tmp_path / "cube.zarr", chunks=None)
    score(stored.p[:1], stored.y[:1])  # what is imported on the way is not the cube
    tracemalloc.start()
    found = score(stored.p, stored.y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert float(found.rmse) == pytest.approx(1, rel=1e-6)
    assert peak < 2 * y.nbytes / 3
