"""Samples are exactly the cells that a naive reading finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.splits.roles import ROLES
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.cubes.view.samples import Samples
from jupyter_mlkit.errors import CubeError, SpecError
from jupyter_mlkit.spec import TrainingSpec

from ..made import small_cube, small_spec


def naive(ds: xr.Dataset, data: CubeData, role: str) -> dict[str, np.ndarray]:
    """The same by broadcasting everything."""
    names = [data.spec.target, *data.features]
    full = {name: ds[name].broadcast_like(ds[data.spec.target]) for name in names}
    full["role"] = data.split.assign(ds).broadcast_like(ds[data.spec.target])
    full["block"] = data.split.block_ids(ds).broadcast_like(ds[data.spec.target])
    full["weight"] = np.cos(np.radians(ds.lat)).broadcast_like(ds[data.spec.target])
    flat = {
        name: values.transpose(*ds[data.spec.target].dims).values.ravel()
        for name, values in full.items()
    }
    keep = flat["role"] == ROLES.index(role)
    for name in names:
        keep &= np.isfinite(flat[name])
    if data.spec.mask:
        mask = ds[data.spec.mask].broadcast_like(ds[data.spec.target])
        keep &= mask.transpose(*ds[data.spec.target].dims).values.ravel() != 0
    found = {name: values[keep] for name, values in flat.items()}
    found["cell"] = np.flatnonzero(keep)
    return found


def assert_same(samples: Samples, wanted: dict[str, np.ndarray], data: CubeData) -> None:
    assert samples.X.dtype == samples.y.dtype == np.float32
    assert samples.weight.dtype == np.float64
    assert samples.cell.dtype == samples.block.dtype == np.int64
    np.testing.assert_array_equal(samples.cell, wanted["cell"])
    np.testing.assert_array_equal(samples.y, wanted[data.spec.target])
    np.testing.assert_array_equal(samples.block, wanted["block"])
    np.testing.assert_allclose(samples.weight, wanted["weight"], rtol=1e-12)
    for i, name in enumerate(data.features):
        np.testing.assert_array_equal(samples.X[:, i], wanted[name])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("order", [("time", "lat", "lon"), ("lon", "time", "lat")])
@pytest.mark.parametrize("chunks", [(6, 30, 40), (2, 7, 9), (1, 30, 3)])
def test_samples_of_a_store(
    tmp_path: Path, role: Any, order: tuple[str, ...], chunks: tuple[int, int, int]
) -> None:
    ds = small_cube().transpose(*order)
    size = dict(zip(("time", "lat", "lon"), chunks, strict=True))
    coding = {name: {"chunks": tuple(size[str(d)] for d in ds[name].dims)} for name in ds.data_vars}
    ds.to_zarr(tmp_path / "c.zarr", encoding=coding, zarr_format=2)
    data = CubeData.from_spec(small_spec(sources=[{"uri": str(tmp_path / "c.zarr")}]))
    assert_same(data.samples(role), naive(ds, data, role), data)


@pytest.mark.parametrize("budget", [1, 500, 20_000, 10**8])
def test_pieces_do_not_depend_on_the_budget(tmp_path: Path, budget: int) -> None:
    coding = {"a": {"chunks": (4, 7, 9)}, "b": {"chunks": (2, 11, 9)}}
    small_cube().to_zarr(tmp_path / "c.zarr", zarr_format=3, consolidated=False, encoding=coding)
    data = CubeData.from_spec(small_spec(sources=[{"uri": str(tmp_path / "c.zarr")}]))
    pieces = list(data.pieces(budget=budget))
    for role in ROLES:
        joined = Samples.concat([piece.tables[role] for piece in pieces], 2)
        joined = joined.take(np.argsort(joined.cell))
        assert_same(joined, naive(small_cube(), data, role), data)


def test_selection_reads_whole_chunks_of_the_store(tmp_path: Path) -> None:
    ds = small_cube()
    ds.to_zarr(tmp_path / "c.zarr", zarr_format=2,
               encoding={name: {"chunks": (2, 7, 9)} for name in ("a", "b")})  # fmt: skip
    spec = small_spec(
        sources=[{"uri": str(tmp_path / "c.zarr")}],
        region={"west": -15, "south": 35, "east": 15, "north": 58},
        period={"start": "2001-01-05", "end": "2001-02-05"},
        split={"kind": "block", "sizes": {"lat": 2, "lon": 2}},
    )
    data = CubeData.from_spec(spec)
    cut = ds.isel(lat=slice(2, 25), lon=slice(5, 35), time=slice(1, 5))
    assert data.ds.sizes == cut.sizes
    for role in ROLES:
        assert_same(data.samples(role), naive(cut, data, role), data)
    reader = SlabReader(data.ds, ["a"], data.dims, offsets={"lat": 2, "lon": 5}, budget=1)
    lat = {slab.slices["lat"].start for slab in reader}
    assert lat == {0, 5, 12, 19}  # 2, 7, 14, 21 of the store


def test_static_mask_and_coordinate_as_feature() -> None:
    ds = small_cube().assign(sea=(("lat", "lon"), np.arange(1200).reshape(30, 40) % 3))
    data = CubeData.from_spec(small_spec(mask="sea", features=["a", "lat"]), ds=ds)
    for role in ROLES:
        assert_same(data.samples(role), naive(ds, data, role), data)


def test_counts_and_blocks() -> None:
    data = CubeData.from_spec(small_spec(), ds=small_cube())
    for count in data.counts():
        samples = data.samples(count.role)
        assert count.cells == len(samples)
        assert count.blocks == len(np.unique(samples.block))


@given(n=st.integers(1, 3000), seed=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_draw_is_a_function_of_seed_and_cells(n: int, seed: int) -> None:
    ds = small_cube()
    data = CubeData.from_spec(small_spec(), ds=ds)
    chunked = CubeData.from_spec(small_spec(), ds=ds.chunk(lat=7, lon=9))
    whole = data.samples("train")
    drawn = data.samples("train", n, seed)
    assert len(drawn) == min(n, len(whole))
    assert np.isin(drawn.cell, whole.cell).all()
    assert (np.diff(drawn.cell) > 0).all()
    np.testing.assert_array_equal(chunked.samples("train", n, seed).cell, drawn.cell)
    # A smaller draw is part of a larger one: nothing is drawn anew.
    assert np.isin(data.samples("train", max(1, n // 2), seed).cell, drawn.cell).all()


def test_draws_differ_by_seed_and_are_fair() -> None:
    data = CubeData.from_spec(small_spec(), ds=small_cube())
    whole = data.samples("train")
    draws = [data.samples("train", 500, seed).cell for seed in range(40)]
    assert len({tuple(cells) for cells in draws}) == 40
    counts = np.bincount(np.searchsorted(whole.cell, np.concatenate(draws)), minlength=len(whole))
    share = 500 / len(whole)
    assert counts.mean() == pytest.approx(40 * share)
    assert counts.var() == pytest.approx(40 * share * (1 - share), rel=0.2)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"target": "bb"}, "unknown_variable", "target"),
        ({"features": ["a", "hieght"]}, "unknown_variable", "features"),
        ({"mask": "sea"}, "unknown_variable", "mask"),
        ({"features": ["time"]}, "not_numeric", "features"),
        ({"target": "height", "features": ["a"]}, "unsupported_grid", "features"),
        ({"target": "void"}, "all_missing", "target"),
        ({"features": ["opposite"]}, "all_missing", "features"),
        ({"split": {"kind": "block", "sizes": {"lat": "90 deg"}}}, "empty_split", "split"),
        ({"region": {"west": 50, "south": 0, "east": 60, "north": 9}}, "empty_selection", "region"),
    ],
)
def test_bad_input_is_named(changes: dict[str, Any], code: str, field: str) -> None:
    ds = small_cube()
    ds = ds.assign(void=ds.b * np.nan, opposite=ds.a.where(ds.b.isnull()))
    with pytest.raises(CubeError) as caught:
        CubeData.from_spec(small_spec(**changes), ds=ds).warnings()
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.hint


def test_closest_name_is_offered(demo_spec: Callable[..., TrainingSpec]) -> None:
    with pytest.raises(CubeError) as caught:
        CubeData.from_spec(demo_spec(target="land_surface_temprature"))
    assert caught.value.hint == "Did you mean 'land_surface_temperature'?"


def test_dims_of_the_split_are_checked() -> None:
    with pytest.raises(SpecError) as caught:
        CubeData.from_spec(
            small_spec(split={"kind": "block", "sizes": {"depth": "3"}}), ds=small_cube()
        )
    assert caught.value.field == "split.sizes.depth"


def test_few_blocks_warn() -> None:
    split = {"kind": "block", "sizes": {"lat": "5 deg", "lon": "5 deg"}, "seed": 3,
             "shares": {"train": 0.6, "validation": 0.2, "test": 0.2}}  # fmt: skip
    data = CubeData.from_spec(small_spec(split=split), ds=small_cube())
    few = [count for count in data.counts() if count.blocks < 20]
    assert few
    assert [warning.code for warning in data.warnings()] == ["few_blocks"] * len(few)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_unreadable_chunk_is_named(tmp_path: Path, zarr_format: Any) -> None:
    path = tmp_path / "c.zarr"
    small_cube().to_zarr(path, zarr_format=zarr_format, consolidated=False,
                         encoding={"a": {"chunks": (2, 10, 10)}})  # fmt: skip
    chunk = path / "a" / ("1.2.3" if zarr_format == 2 else "c/1/2/3")
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(CubeError) as caught:
        CubeData.from_spec(small_spec(sources=[{"uri": str(path)}])).counts()
    assert caught.value.code == "unreadable_chunk"
    assert "(time 1, lat 2, lon 3) of 'a'" in caught.value.message
    # Where the selection leaves it out, the rest is read.
    spec = small_spec(
        sources=[{"uri": str(path)}], period={"start": "2001-01-01", "end": "2001-01-10"}
    )
    assert CubeData.from_spec(spec).counts()[0].cells > 0


def test_a_missing_chunk_is_fill_value(tmp_path: Path) -> None:
    path = tmp_path / "c.zarr"
    small_cube(gaps=0).to_zarr(path, zarr_format=2, encoding={"b": {"chunks": (6, 10, 10)}})
    (path / "b" / "0.0.0").unlink()
    data = CubeData.from_spec(small_spec(sources=[{"uri": str(path)}], features=["a"]))
    assert sum(count.cells for count in data.counts()) == 6 * (1200 - 100)


def test_no_values_beyond_float32_become_infinite_samples() -> None:
    ds = small_cube()
    ds["a"] = ds.a.astype("f8").where(ds.lat < 50, 1e300)
    data = CubeData.from_spec(small_spec(), ds=ds)
    assert np.isfinite(data.samples("train").X).all()


def test_default_demo_is_quick_to_read(demo_spec: Callable[..., TrainingSpec]) -> None:
    data = CubeData.from_spec(demo_spec())
    ds = open_cube(demo_spec().sources[0])
    valid = int(ds.land_surface_temperature.notnull().sum())
    assert sum(count.cells for count in data.counts()) == valid
    assert not data.warnings()
    assert len(list(data.pieces())) == 1


def test_region_across_the_seam(demo_spec: Callable[..., TrainingSpec]) -> None:
    split = {"kind": "block", "sizes": {"lat": "3 deg", "lon": "3 deg"}}
    region = {"west": 120, "south": 45, "east": -60, "north": 75}
    data = CubeData.from_spec(demo_spec(region=region, split=split))
    ds = open_cube(demo_spec().sources[0]).load()
    cut = ds.isel(lat=(ds.lat > 45) & (ds.lat < 75), lon=(ds.lon > 120) | (ds.lon < -60))
    for role in ROLES:
        assert_same(data.samples(role), naive(cut, data, role), data)
