"""Gaps are filled better than by trivial means, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.filling import fill
from jupyter_mlkit.cubes.filling.fill import fill_gaps
from jupyter_mlkit.cubes.filling.lowrank import Settings, fill_low_rank, held_out_gaps
from jupyter_mlkit.cubes.filling.methods import METHODS, nearest_in_time
from jupyter_mlkit.cubes.filling.score import score_filling
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.errors import CubeError, InvalidInputError


def temperatures(n_time: int = 30, n_lat: int = 24, n_lon: int = 36, seed: int = 0) -> xr.Dataset:
    """Air and surface temperature with an annual cycle, clouds, a sea, and the truth beneath."""
    days = np.arange(n_time) * 12.0
    lat, lon = 54 - np.arange(n_lat) / 4, 6 + np.arange(n_lon) / 4

    def field(number: int, degrees: float, range_days: float) -> np.ndarray:
        made = SmoothField([seed, number], range_deg=degrees, range_days=range_days)
        return made.at(days, lat, lon)

    season = -10 * np.cos(2 * np.pi * days / 365.25)[:, None, None]
    air = 283 + season + 3 * field(1, 8, 40)
    surface = 1.2 * (air - 273) + 270 + 2 * field(2, 5, 60)
    noise = 0.3 * np.random.default_rng(seed).standard_normal(air.shape)
    cloud = field(3, 6, 15)
    sea = np.zeros(air.shape[1:], bool)
    sea[:5, :8] = True
    lst = np.where((cloud > np.quantile(cloud, 0.5)) | sea, np.nan, surface + noise)
    dims = ("time", "lat", "lon")
    time = np.datetime64("2008-01-01", "ns") + (days * 86_400e9).astype("timedelta64[ns]")
    return xr.Dataset(
        {
            "lst": (dims, lst.astype("f4"), {"units": "K"}),
            "air": (dims, air.astype("f4"), {"units": "K"}),
            "truth": (dims, surface),
        },
        coords={
            "time": time,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )


def rmse(found: xr.DataArray, ds: xr.Dataset) -> float:
    error = (found - ds.truth).where(ds.lst.isnull())
    return float(np.sqrt((error**2).mean()))


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return temperatures()


def test_patterns_and_covariates_beat_every_trivial_way(ds: xr.Dataset) -> None:
    errors = {
        method: rmse(fill_gaps(ds, "lst", method, ["air"] if "reg" in method else ()), ds)
        for method in METHODS
    }
    trivial = min(errors["mean"], errors["nearest"])
    assert errors["eof"] < 0.7 * trivial
    assert errors["regression"] < trivial
    assert errors["eof+regression"] < 0.7 * min(errors["regression"], errors["eof"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_only_gaps_are_filled_and_seen_cells_keep_their_bits(
    ds: xr.Dataset, method: Any, dtype: str
) -> None:
    cut = ds.isel(time=slice(0, 8), lat=slice(0, 12))
    cut = cut.assign(lst=(cut.lst.astype(dtype) + np.pi * 1e-9).assign_attrs(units="K"))
    found = fill_gaps(cut, "lst", method, ["air"] if "reg" in method else ())
    seen = cut.lst.notnull().values
    assert found.dtype == cut.lst.dtype
    assert found.dims == cut.lst.dims
    assert found.values[seen].tobytes() == cut.lst.values[seen].tobytes()
    # Whatever was seen once is filled, and the sea is not.
    np.testing.assert_array_equal(
        found.notnull(), cut.lst.notnull().any("time").broadcast_like(cut.lst)
    )
    assert found.attrs["units"] == "K"


def test_tiles_leave_no_seams(ds: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fill_gaps(ds, "lst", covariates=["air"])
    monkeypatch.setattr(fill, "_TILE_VALUES", 30 * 14**2)
    tiled = fill_gaps(ds, "lst", covariates=["air"])
    assert rmse(tiled, ds) < 1.3 * rmse(whole, ds)
    gaps = ds.lst.isnull()
    steps = abs((tiled - ds.truth).diff("lon")).where(gaps & gaps.shift(lon=1, fill_value=False))
    along = steps.mean(["time", "lat"])
    assert float(along.max()) < 2.5 * float(along.median())


def test_written_filled_cubes_equal_those_in_memory(
    ds: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "_TILE_VALUES", 30 * 14**2)
    coding = {name: {"chunks": (7, 10, 15)} for name in ("lst", "air")}
    turned = ds[["lst", "air"]].isel(lat=slice(None, None, -1))
    turned.to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding=coding)
    cube = open_cube(str(tmp_path / "c.zarr"))
    written = fill_gaps(cube, "lst", "eof", rank=2, path=tmp_path / "f.zarr")
    assert written.encoding["chunks"] == (7, 10, 15)
    assert float(written.lat[0]) < float(written.lat[-1])
    np.testing.assert_array_equal(written, fill_gaps(turned, "lst", "eof", rank=2))
    np.testing.assert_array_equal(written, fill_gaps(turned.chunk(lat=9), "lst", "eof", rank=2))


def test_dims_in_any_order_with_levels_on_any_grid(ds: xr.Dataset) -> None:
    cut = ds[["lst", "air"]].isel(lat=slice(0, 10), lon=slice(8, 20))
    wanted = fill_gaps(cut, "lst", "eof", rank=2)
    levels = xr.concat([cut, cut + 5], "level").transpose("lon", "level", "time", "lat")
    found = fill_gaps(levels, "lst", "eof", rank=2)
    assert found.dims == ("lon", "level", "time", "lat")
    np.testing.assert_allclose(found.isel(level=0).transpose(*wanted.dims), wanted, rtol=1e-4)
    cells = cut.stack(cell=("lat", "lon")).reset_index("cell").reset_coords(drop=True)
    np.testing.assert_allclose(
        fill_gaps(cells.assign_coords(time=cut.time), "lst", "eof", rank=2).values.ravel(),
        wanted.values.ravel(), rtol=1e-4,
    )  # fmt: skip


def test_a_field_of_few_patterns_is_found_again() -> None:
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 300)) + 7
    seen = rng.random(truth.shape) < 0.4
    guess = fill_low_rank(np.where(seen, truth, 0), seen, np.arange(40.0), Settings(2, 1e-3, 0))
    assert np.abs(guess - truth).max() < 0.05


def test_hidden_cells_are_seen_and_have_the_shape_of_gaps(ds: xr.Dataset) -> None:
    seen = ds.lst.notnull().values.reshape(30, -1)
    hidden = held_out_gaps(seen, 0.1, np.random.default_rng(0))
    assert (seen & hidden).sum() == hidden.sum() > 0.08 * seen.sum()
    assert (seen & ~hidden).any(axis=0)[seen.any(axis=0)].all()


def test_the_nearest_date_is_the_nearest() -> None:
    days = np.array([0.0, 1.0, 5.0, 6.0])
    values = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 7.0], [4.0, 0.0]])
    seen = values != 0
    found = nearest_in_time(values, seen, days)
    np.testing.assert_array_equal(found, [[1, 7], [1, 7], [4, 7], [4, 7]])


def test_the_table_ranks_methods_on_gaps_that_are_not_there(ds: xr.Dataset) -> None:
    table = score_filling(ds, "lst", ["air"])
    assert table.filling.values[0] == "eof+regression"
    assert set(table.filling.values[-2:]) == {"mean", "nearest"}
    assert table.rmse.attrs["units"] == "K"
    assert len(set(table.n.values.tolist())) == 1
    # What is hidden here is hidden from the one who fills.
    hidden = RandomSplit(shares=(0.8, 0.0, 0.2))
    other = score_filling(ds, "lst", methods=["mean"], held_out=hidden)
    roles = hidden.resolve(ds).assign(ds)
    train = ds.lst.where(roles != 2)
    error = (train.mean("time") - ds.lst).where((roles == 2) & train.notnull().any("time"))
    weight = np.cos(np.radians(ds.lat))
    np.testing.assert_allclose(
        float(other.rmse[0]), np.sqrt((error**2).weighted(weight).mean()), rtol=1e-4
    )


def test_what_cannot_be_filled_is_refused(ds: xr.Dataset) -> None:
    cases: list[tuple[Any, str]] = [
        (lambda: fill_gaps(ds.isel(time=0), "lst"), "target"),
        (lambda: fill_gaps(ds, "lst", "kriging"), "method"),  # type: ignore[arg-type]
        (lambda: fill_gaps(ds, "lst", "eof+regression"), "covariates"),
        (lambda: fill_gaps(ds, "lst", covariates=["ari"]), "covariates"),
        (lambda: fill_gaps(ds.isel(time=slice(None, None, -1)), "lst"), "target"),
        (lambda: score_filling(ds, "lst", held_out=xr.zeros_like(ds.lst, bool)), "held_out"),
    ]
    for call, field in cases:
        with pytest.raises((CubeError, InvalidInputError)) as caught:
            call()
        assert caught.value.field == field
