"""Scalers of cubes: of train alone, exact, lazy, stored and there and back again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.reading import moments as moments_module
from jupyter_mlkit.cubes.reading.moments import Moments, cell_moments_of, moments_of
from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.reading.stored import stored
from jupyter_mlkit.cubes.scaling.scalers import (
    ClimatologyScaler,
    CubeScaler,
    MinMaxScaler,
    StandardScaler,
)
from jupyter_mlkit.cubes.scaling.statistics import statistics
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.times import TimeSplit
from jupyter_mlkit.errors import CubeError, InvalidInputError

from ..made import small_cube

SPACE = BlockSplit({"lat": "3 deg", "lon": "3 deg"}, (0.6, 0.2, 0.2))
BOTH = BlockSplit({"lat": "3 deg", "lon": "3 deg", "time": "16D"}, (0.6, 0.2, 0.2))
SCALERS = [StandardScaler(), StandardScaler("time"), MinMaxScaler(), MinMaxScaler(["time", "lon"])]


@pytest.fixture(params=["memory", "zarr", "dask"])
def cube(request: pytest.FixtureRequest, tmp_path: Path) -> xr.Dataset:
    ds = small_cube(n_time=30)
    if request.param == "memory":
        return ds
    for name in ds.data_vars:
        ds[name].encoding["chunks"] = (7, 8, 9)[-ds[name].ndim :]
    ds.to_zarr(tmp_path / "cube.zarr", consolidated=False)
    lazy = {"engine": "zarr", "consolidated": False, "cache": False}
    chunks: Any = {} if request.param == "dask" else None
    return xr.open_dataset(tmp_path / "cube.zarr", chunks=chunks, **lazy)  # type: ignore[arg-type]


def train(ds: xr.Dataset, name: str, split: Any = SPACE) -> np.ndarray:
    roles = split.assign(ds)
    values = ds[name].load().astype("f8").where(roles == 0).values
    return values[np.isfinite(values)]


@pytest.mark.parametrize("split", [SPACE, BOTH])
def test_statistics_are_those_of_the_train_cells(cube: xr.Dataset, split: BlockSplit) -> None:
    """Statistics on the train role only (definitions: "statistics fitted outside train")."""
    found = statistics(cube, split=split)
    assert set(found) == {"a", "b", "height"}
    for name in ("a", "b"):
        values = train(cube, name, split)
        known = found[name]
        assert known.n == values.size
        np.testing.assert_allclose(known.mean, values.mean(), rtol=1e-13)
        np.testing.assert_allclose(known.std, values.std(), rtol=1e-11)
        assert (known.minimum, known.maximum) == (values.min(), values.max())


def test_a_static_variable_counts_where_any_time_is_train() -> None:
    ds = small_cube()
    ever = (BOTH.assign(ds) == 0).any("time")
    values = ds.height.where(ever).values.astype("f8")
    assert statistics(ds, ["height"], split=BOTH)["height"].n == np.isfinite(values).sum()
    np.testing.assert_allclose(
        statistics(ds, ["height"], split=BOTH)["height"].mean, np.nanmean(values), rtol=1e-13
    )
    later = TimeSplit("2001-01-20", "2001-02-01")
    every = statistics(ds, ["height"], split=later)["height"]
    assert every.n == np.isfinite(ds.height).sum()


def test_a_mask_counts(cube: xr.Dataset) -> None:
    inside = cube.assign(land=(cube.height > 900).load())
    known = statistics(inside, ["a"], split=SPACE, mask="land")["a"]
    values = train(cube.assign(a=cube.a.where(inside.land)), "a")
    assert known.n == values.size
    np.testing.assert_allclose(known.mean, values.mean(), rtol=1e-13)


@pytest.mark.parametrize("dim", ["time", ["lat", "lon"], ["time", "lon"], ["lon"]])
def test_statistics_along_any_dims(cube: xr.Dataset, dim: Any) -> None:
    found = statistics(cube, ["b"], split=BOTH, dim=dim)["b"]
    values = cube.b.load().astype("f8").where(BOTH.assign(cube) == 0)
    assert found.mean.dims == tuple(d for d in cube.b.dims if d not in dim)
    xr.testing.assert_allclose(found.mean, values.mean(dim))
    xr.testing.assert_allclose(found.std, values.std(dim))
    xr.testing.assert_equal(found.minimum, values.min(dim).drop_attrs())
    xr.testing.assert_equal(found.maximum, values.max(dim).drop_attrs())
    xr.testing.assert_equal(found.n, values.count(dim).astype("f8").drop_attrs())


def test_test_cells_change_nothing() -> None:
    """A scaler knows nothing of cells outside of train."""
    ds = small_cube()
    shifted = ds.where(SPACE.assign(ds) == 0, ds + 1000)
    for make in (StandardScaler, MinMaxScaler, ClimatologyScaler):
        assert make().fit(ds, SPACE).hash == make().fit(shifted, SPACE).hash
        assert make().fit(ds).hash != make().fit(shifted).hash


@pytest.mark.parametrize("scaler", SCALERS, ids=lambda s: f"{s.kind}-{s.dim}")
def test_there_and_back(cube: xr.Dataset, scaler: CubeScaler) -> None:
    scaler.fit(cube, SPACE)
    scaled = scaler.transform(cube)
    back = scaler.inverse_transform(scaled)
    for name in cube.data_vars:
        assert scaled[name].dtype == np.float32
        # float32 keeps what is lost of a value to its part of the range.
        room = 1e-6 * float(np.nanmax(cube[name]))
        np.testing.assert_allclose(back[name], cube[name], rtol=1e-6, atol=room)
        assert scaled[name].dims == cube[name].dims
        assert scaled[name].attrs == cube[name].attrs
        assert set(scaled[name].coords) == set(cube[name].coords)
    alone = scaler.inverse_transform(scaled["b"])
    np.testing.assert_array_equal(alone, back["b"])


def test_what_scaled_values_mean(cube: xr.Dataset) -> None:
    roles = SPACE.assign(cube)
    standard = StandardScaler().fit(cube, SPACE).transform(cube).b.load().where(roles == 0)
    assert abs(float(standard.mean())) < 1e-4
    assert abs(float(standard.std()) - 1) < 1e-4
    ranged = MinMaxScaler().fit(cube, SPACE).transform(cube).b.load().where(roles == 0)
    assert (float(ranged.min()), float(ranged.max())) == pytest.approx((0, 1), abs=1e-5)
    by_cell = StandardScaler("time").fit(cube, SPACE).transform(cube).b.load().where(roles == 0)
    np.testing.assert_allclose(by_cell.mean("time").values[roles.values == 0], 0, atol=1e-4)


def test_climatology_leaves_no_month_and_no_cell_behind(cube: xr.Dataset) -> None:
    scaler = ClimatologyScaler().fit(cube, SPACE)
    scaled = scaler.transform(cube)
    month = cube.time.dt.month
    train_only = scaled.b.load().where(SPACE.assign(cube) == 0)
    np.testing.assert_allclose(train_only.groupby(month).mean("time").fillna(0), 0, atol=1e-4)
    assert float(train_only.std()) == pytest.approx(1, abs=1e-4)
    # Test cells have no climatology of their own under a split in space; none is lost.
    assert int(scaled.b.count()) == int(cube.b.count())
    np.testing.assert_allclose(scaler.inverse_transform(scaled).b, cube.b, rtol=2e-6)
    expected = cube.a.load().astype("f8").where(SPACE.assign(cube) == 0).groupby(month)
    offset = scaler.fitted["a"].offset.sel(month=1)
    has = SPACE.assign(cube) == 0
    np.testing.assert_allclose(
        offset.values[has.values], expected.mean("time").sel(month=1).values[has.values]
    )
    assert scaler.fitted["height"].constant


def test_transforming_reads_nothing(tmp_path: Path) -> None:
    ds = small_cube(n_time=30)
    ds.to_zarr(tmp_path / "c.zarr", consolidated=False)
    lazy = xr.open_dataset(tmp_path / "c.zarr", engine="zarr", chunks=None, consolidated=False)
    dask = xr.open_zarr(tmp_path / "c.zarr", consolidated=False)
    for scaler in (*SCALERS, ClimatologyScaler()):
        scaler.fit(ds, SPACE)
        expected = scaler.transform(ds).b.values
        for opened in (lazy, dask):
            scaled = scaler.transform(opened)
            assert not scaled.b.variable._in_memory
            assert not opened.b.variable._in_memory
            cut = scaled.b.isel(time=slice(3, 20, 2), lat=5, lon=[1, 7])
            np.testing.assert_allclose(cut, expected[3:20:2, 5, [1, 7]], rtol=1e-6, atol=1e-6)
        assert (scaler.transform(dask).b.chunks is None) is False
    # One constant for all cells leaves the fast way to the chunks open.
    scaled = StandardScaler().fit(ds).transform(lazy)
    assert stored(scaled.b) is not None
    reader = SlabReader(scaled, ["b"], ["time", "lat", "lon"])
    np.testing.assert_array_equal(reader.read("b", reader.slab(0)), scaled.b.values)


@pytest.mark.parametrize("scaler", [*SCALERS, ClimatologyScaler()], ids=lambda s: s.kind)
def test_stored_and_read_again(scaler: CubeScaler) -> None:
    ds = small_cube()
    scaler.fit(ds, SPACE)
    again = CubeScaler.from_json(scaler.to_json())
    assert type(again) is type(scaler)
    assert again.hash == scaler.hash
    assert len(scaler.hash) == 16
    assert json.loads(scaler.to_json())["fitted_on"] == "train"
    xr.testing.assert_identical(again.transform(ds), scaler.transform(ds))
    assert type(scaler)().fit(ds + 1, SPACE).hash != scaler.hash


def test_nothing_is_divided_by_zero() -> None:
    ds = small_cube().isel(time=[0, 0])
    ds["b"][...] = 7
    for scaler in (StandardScaler(), StandardScaler("time"), MinMaxScaler(), MinMaxScaler("time")):
        scaled = scaler.fit(ds, SPACE).transform(ds)
        assert (scaled.b == 0).all()
        assert np.isfinite(scaled.a).all()
        assert (scaler.inverse_transform(scaled).b == 7).all()


def test_integers_and_constants_for_training() -> None:
    ds = small_cube()
    packed = ds.assign(n=(ds.a * 10).astype("i2"), deep=ds.a.astype("f8"))
    scaler = StandardScaler().fit(packed, SPACE)
    assert scaler.transform(packed).n.dtype == np.float32
    assert scaler.transform(packed).deep.dtype == np.float64
    constants = scaler.constants(["n", "deep"])
    assert constants["deep"] == pytest.approx(
        (train(packed, "deep").mean(), train(packed, "deep").std())
    )
    with pytest.raises(InvalidInputError, match="from cell to cell"):
        StandardScaler("time").fit(ds).constants(["a"])
    with pytest.raises(InvalidInputError, match="not fitted on 'x'"):
        scaler.constants(["x"])


def test_a_crop_finds_its_own_constants_and_other_cells_are_refused() -> None:
    ds = small_cube(n_time=30)
    for scaler in (StandardScaler("time"), ClimatologyScaler()):
        whole = scaler.fit(ds, SPACE).transform(ds)
        crop = {"time": slice(9, 12), "lat": slice(20, 3, -2), "lon": slice(5, 9)}
        xr.testing.assert_allclose(scaler.transform(ds.isel(crop)), whole.isel(crop))
        with pytest.raises(InvalidInputError, match="other cells along 'lat'"):
            scaler.transform(ds.assign_coords(lat=ds.lat + 0.5))


def test_errors_say_what_to_do() -> None:
    ds = small_cube()
    with pytest.raises(CubeError) as caught:
        StandardScaler().fit(ds.assign(b=ds.b.where(SPACE.assign(ds) != 0)), SPACE)
    assert caught.value.code == "all_missing"
    assert "'b'" in caught.value.message
    with pytest.raises(InvalidInputError, match="no dim 'depth'"):
        StandardScaler("depth").fit(ds)
    with pytest.raises(InvalidInputError, match="time dim"):
        ClimatologyScaler().fit(ds.isel(time=0, drop=True))
    with pytest.raises(InvalidInputError, match="not fitted"):
        StandardScaler().transform(ds)


@given(
    seed=st.integers(0, 10**6),
    size=st.integers(0, 9000),
    level=st.sampled_from([0.0, 280.0, 1e6]),
    dtype=st.sampled_from(["f4", "f8", "f2", "i2", "u1", "i8", "bool"]),
)
@settings(max_examples=60, deadline=None)
def test_moments_compiled_and_by_numpy_agree(
    seed: int, size: int, level: float, dtype: str
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(level, 3, (3, size))
    if np.dtype(dtype).kind == "f":
        values[rng.random(values.shape) < 0.3] = np.nan
        values[rng.random(values.shape) < 0.01] = np.inf
        values = values.clip(-6e4, 6e4)
    else:
        values = values.clip(0, 100)
    values = values.astype(dtype)
    keep = rng.random((rng.choice([1, 3]), size)) < 0.6
    numbers = values.astype("f8")
    taken = numbers[np.isfinite(numbers) & keep]
    group = rng.integers(0, 2, 3)
    results = [moments_of(values, keep)]
    by_cell = [cell_moments_of(values, keep, group, 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments_module, "compiled", lambda: False)
        results.append(moments_of(values, keep))
        by_cell.append(cell_moments_of(values, keep, group, 2))
    for found in (*results, by_cell[0].over(), by_cell[1].over()):
        assert found.n == taken.size
        if taken.size:
            np.testing.assert_allclose(found.mean, taken.mean(), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(
                found.squares, taken.var() * taken.size, rtol=1e-9, atol=1e-9
            )
            assert (found.low, found.high) == (taken.min(), taken.max())
    for name in ("n", "mean", "squares", "low", "high"):
        mine, theirs = (getattr(found, name) for found in by_cell)
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 500), max_size=5))
@settings(max_examples=30, deadline=None)
def test_pieces_merge_exactly(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(1e5, 0.01, 500)
    keep = np.ones(1, bool)
    merged = Moments.none()
    for piece in np.split(values, sorted(cuts)):
        merged = merged + moments_of(piece, keep)
    assert merged.n == 500
    np.testing.assert_allclose(merged.mean, values.mean(), rtol=1e-14)
    np.testing.assert_allclose(merged.std, values.std(), rtol=1e-7)
