"""The demo cube is what its attributes say."""

from __future__ import annotations

import hashlib
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.demo import cube as demo
from jupyter_mlkit.cubes.demo.cube import AIR, LAND, DemoTruth, demo_truth, make_demo_cube
from jupyter_mlkit.cubes.demo.land import land_mask
from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import ConflictError, InvalidInputError


def digest(path: Path) -> str:
    files = sorted(file for file in path.rglob("*") if file.is_file())
    parts = [f"{file.relative_to(path)}:{hashlib.sha256(file.read_bytes()).hexdigest()}"
             for file in files]  # fmt: skip
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@pytest.fixture(scope="module")
def ds(demo_path: Path) -> xr.Dataset:
    return open_cube(str(demo_path)).load()


@pytest.fixture(scope="module")
def truth(ds: xr.Dataset) -> DemoTruth:
    found = demo_truth(ds)
    assert found is not None
    return found


def test_structure_is_that_of_the_reference_cube(ds: xr.Dataset) -> None:
    assert list(ds.data_vars) == [AIR, LAND]
    assert dict(ds.sizes) == {"time": 10, "lat": 216, "lon": 432}
    for name in (AIR, LAND):
        assert ds[name].dims == ("time", "lat", "lon")
        assert ds[name].dtype == np.float32
        assert ds[name].encoding["chunks"] == (10, 27, 27)
        assert {"units": "K", "time_period": "8D"}.items() <= ds[name].attrs.items()
        assert {"long_name", "standard_name"} <= set(ds[name].attrs)
    assert all(ds[dim].attrs["long_name"] for dim in ds.dims)
    assert ds.lat[0] == pytest.approx(90 - 5 / 12)
    assert (np.diff(ds.lat) < 0).all()
    assert ds.lon[0] == pytest.approx(-180 + 5 / 12)
    assert str(ds.time.values[0])[:10] == "2002-05-21"
    assert (np.diff(ds.time) == np.timedelta64(8, "D")).all()


def test_values_are_plausible(ds: xr.Dataset) -> None:
    assert ds[AIR].notnull().all()
    for name in (AIR, LAND):
        assert ds[name].min() > 200
        assert ds[name].max() < 340
    assert ds[AIR].sel(lat=0, method="nearest").mean() > ds[AIR].isel(lat=-1).mean() + 30


def test_gaps_are_sea_and_clouds(ds: xr.Dataset, truth: DemoTruth) -> None:
    missing = ds[LAND].isnull()
    assert float(missing.mean()) == pytest.approx(truth.missing_share)
    assert truth.missing_share == pytest.approx(0.79, abs=0.02)
    land = xr.DataArray(land_mask(ds.lat.values, ds.lon.values), dims=("lat", "lon"))
    assert bool(missing.where(~land, True).all())
    cloudy = missing.where(land)
    assert cloudy.sel(lat=slice(80, 55)).mean() > cloudy.sel(lat=slice(25, -25)).mean() + 0.1
    # Clouds are blobs: a cloudy cell has cloudy neighbours far more often than chance.
    tropics = cloudy.sel(lat=slice(30, -30))
    both = (tropics + tropics.shift(lon=1)) == 2
    pairs = (tropics + tropics.shift(lon=1)).notnull()
    share = float(tropics.mean())
    assert float(both.sum() / pairs.sum()) > share**2 * 1.5


def test_land_is_where_land_is() -> None:
    # Berlin, the Congo basin and Antarctica; the Pacific, the Arctic Ocean
    lat, lon = np.array([52.5, 0.0, -80.0, 85.0]), np.array([13.4, 20.0, -140.0])
    assert land_mask(lat, lon).tolist() == [
        [True, True, False],
        [True, True, False],
        [True, True, True],
        [False, False, False],
    ]


def test_recorded_optimum_is_the_least_squares_of_the_stored_cells(
    ds: xr.Dataset, truth: DemoTruth
) -> None:
    y = ds[LAND].values.astype("f8")
    valid = np.isfinite(y)
    x = ds[AIR].values.astype("f8")[valid] - 273.15
    design = np.column_stack([np.ones(x.size), x])
    (intercept, slope), *_ = np.linalg.lstsq(design, y[valid], rcond=None)
    assert truth.n_valid == x.size
    assert truth.slope == pytest.approx(slope, abs=1e-9)
    assert truth.intercept == pytest.approx(intercept, abs=1e-8)
    rmse = math.sqrt(np.mean((y[valid] - design @ [intercept, slope]) ** 2))
    assert truth.linear_rmse == pytest.approx(rmse, abs=1e-8)
    # The realised optimum is near the generator's values, and no nearer than chance puts it.
    assert truth.slope == pytest.approx(truth.population_slope, abs=0.02)
    assert truth.intercept == pytest.approx(truth.population_intercept, abs=0.5)
    assert truth.linear_rmse == pytest.approx(math.hypot(demo.LOCAL_STD, demo.NOISE_STD), rel=0.1)


def test_noise_floor_is_the_white_part(ds: xr.Dataset, truth: DemoTruth) -> None:
    residual = ds[LAND] - truth.population_intercept
    residual = residual - truth.population_slope * (ds[AIR] - 273.15)
    # Second differences along lon remove the smooth field; white noise gives sqrt(6) sigma.
    along = residual.sel(lat=slice(20, -20))
    second = along.shift(lon=1) - 2 * along + along.shift(lon=-1)
    assert float(second.std()) / math.sqrt(6) == pytest.approx(truth.noise_floor, rel=0.05)


def test_autocorrelation_reaches_as_far_as_recorded(truth: DemoTruth) -> None:
    """Variogram over many seeds: 95 % of the sill at the recorded range, in space and time."""
    space = truth.autocorrelation_length_deg
    days = np.array([0.0, truth.autocorrelation_length_days])
    lat, lon = np.array([40.0, 40.0 + space]), np.arange(0.0, 360.0, 20.0)
    squares = []
    for seed in range(60):
        field = SmoothField([seed], range_deg=space, range_days=days[1]).at(days, lat, lon)
        squares.append(
            [np.mean((field[0, 0] - field[0, 1]) ** 2), np.mean((field[0] - field[1]) ** 2)]
        )
    assert np.mean(squares, axis=0) / 2 == pytest.approx([0.95, 0.95], abs=0.08)


def test_fields_can_be_evaluated_in_any_piece() -> None:
    field = SmoothField([1, 2], range_deg=5, range_days=24)
    days, lat, lon = np.arange(3.0), np.linspace(-90, 90, 7), np.linspace(-180, 180, 9)
    whole = field.at(days, lat, lon)
    piece = field.at(days[1:], lat[2:5], lon[3:4])
    np.testing.assert_allclose(whole[1:, 2:5, 3:4], piece, atol=1e-12)
    wanted = np.random.default_rng(0).random((7, 9)) < 0.3
    some = field.at(days, lat, lon, wanted)
    np.testing.assert_allclose(some, np.where(wanted, whole, 0), atol=1e-12)
    np.testing.assert_allclose(whole[..., 0], whole[..., -1], atol=1e-9)  # no seam


def test_the_largest_chunk_needs_little_memory() -> None:
    field = SmoothField([1], range_deg=5, range_days=24)
    days, lat, lon = np.arange(10.0), np.linspace(0, 20, 270), np.linspace(0, 20, 270)
    tracemalloc.start()
    result = field.at(days, lat, lon)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * result.nbytes + 20e6


def test_same_seed_same_bytes_other_seed_other_cube(demo_path: Path, tmp_path: Path) -> None:
    again = make_demo_cube(tmp_path / "again.zarr")
    assert digest(again) == digest(demo_path)
    other = make_demo_cube(tmp_path / "other.zarr", seed=1)
    assert digest(other) != digest(demo_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.zarr", "other.zarr"]


def test_larger_cubes_keep_the_chunk_layout(tmp_path: Path) -> None:
    path = make_demo_cube(tmp_path / "large.zarr", size="40 MB")
    ds = open_cube(str(path))
    rows, columns = (ds.sizes[dim] / ds[LAND].encoding["preferred_chunks"][dim]
                     for dim in ("lat", "lon"))  # fmt: skip
    assert (rows, columns) == (8, 16)
    assert ds.sizes["time"] % 10 == 0
    size = sum(ds[name].nbytes for name in ds.data_vars)
    assert 0.5 * 40e6 < size < 1.5 * 40e6
    found = demo_truth(ds)
    assert found is not None
    assert found.missing_share == pytest.approx(0.79, abs=0.03)


@pytest.mark.parametrize(
    ("text", "shape"), [("10 MB", (1, 1)), ("50MB", (2, 1)), ("1 GB", (10, 1)), ("50 GB", (10, 50))]
)
def test_sizes(text: str, shape: tuple[int, int]) -> None:
    layout = demo._Layout.of_size(text)
    assert (layout.refine, layout.spans) == shape
    assert math.prod(layout.shape) == 10 * 216 * 432 * shape[0] ** 2 * shape[1]


@pytest.mark.parametrize("text", ["", "ten", "10", "0 MB", "9000 TB", "10 PB"])
def test_unreadable_sizes_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make_demo_cube(tmp_path / "x.zarr", size=text)
    assert caught.value.field == "size"
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = make_demo_cube(tmp_path / "x.zarr")
    before = digest(path)
    with pytest.raises(ConflictError) as caught:
        make_demo_cube(path, seed=2)
    assert caught.value.code == "already_exists"
    assert digest(path) == before
    make_demo_cube(path, seed=2, overwrite=True)
    assert digest(path) != before
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(ConflictError):
        make_demo_cube(precious, overwrite=True)
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_other_cubes_declare_no_truth(ds: xr.Dataset) -> None:
    assert demo_truth(ds.drop_attrs()) is None
