"""The autocorrelation length, against fields whose length is known."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from numpy.typing import NDArray

from jupyter_mlkit.cubes.demo.cube import RANGE_DAYS, RANGE_DEG
from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.grids.sizes import parse_size
from jupyter_mlkit.cubes.reading.together import Together
from jupyter_mlkit.cubes.splits.autocorrelation import ENOUGH_PAIRS, autocorrelation_length
from jupyter_mlkit.cubes.splits.variogram import fit_range
from jupyter_mlkit.errors import CubeError, SpecError

TARGET, FEATURE = "land_surface_temperature", "air_temperature_2m"
DAYS = np.arange(0, 365 * 2, 8.0)


@lru_cache
def field(**ranges: float) -> xr.Dataset:
    """A smooth field with seasons, a trend, noise and gaps, over Europe for two years."""
    lat, lon = np.arange(40.0, 60.0, 0.5), np.arange(0.0, 40.0, 0.5)
    wanted = {"range_deg": RANGE_DEG, "range_days": RANGE_DAYS, **ranges}
    rng = np.random.default_rng(1)
    smooth = SmoothField([3], **wanted).at(DAYS, lat, lon)
    season = np.cos(2 * np.pi * DAYS / 365.25)[:, None, None] * np.sin(np.radians(lat))[:, None]
    values = 3 * smooth + 8 * season + 0.002 * DAYS[:, None, None]
    values = values + rng.standard_normal(values.shape)
    return cube(np.where(rng.random(values.shape) < 0.3, np.nan, values), lat, lon)


def cube(
    values: NDArray[np.float64], lat: NDArray[np.float64], lon: NDArray[np.float64]
) -> xr.Dataset:
    time = np.datetime64("2001-01-01", "ns") + (DAYS * 86_400e9).astype("timedelta64[ns]")
    return xr.Dataset(
        {"v": (("time", "lat", "lon"), values.astype("f4"))},
        coords={
            "time": time,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )


@pytest.mark.parametrize("of", ["target", "residual"])
def test_the_demo_fields_length_is_found_within_20_percent(demo_path: Path, of: str) -> None:
    """Oracle: the demo field's known length within 20 %; at least 1e5 valid pairs; with an
    interval. Recommended block >= 2 x range."""
    demo = xr.open_zarr(demo_path, chunks=None)
    found = autocorrelation_length(demo, TARGET, [FEATURE], of=of)  # type: ignore[arg-type]
    assert found.status == "reached"
    assert found.length == pytest.approx(RANGE_DEG, rel=0.2)
    assert found.pairs >= ENOUGH_PAIRS
    low, high = found.interval
    assert low is not None
    assert high is not None
    assert low <= found.length <= high
    assert found.nugget == pytest.approx(1.0, abs=0.3)
    assert parse_size(found.recommended_block or "").value >= 2 * found.length
    assert "5" in str(found) or "4" in str(found)


def test_the_demo_fields_length_in_time_is_found_within_20_percent() -> None:
    found = autocorrelation_length(field(), "v", axis="time")
    assert found.length == pytest.approx(RANGE_DAYS, rel=0.2)
    assert found.unit == "D"
    assert found.pairs >= ENOUGH_PAIRS


@pytest.mark.parametrize("length", [3.0, 10.0])
def test_the_length_follows_the_field(length: float) -> None:
    assert autocorrelation_length(field(range_deg=length), "v").length == pytest.approx(
        length, rel=0.2
    )


def test_white_noise_has_no_length_beyond_neighbours() -> None:
    empty = field()
    values = np.random.default_rng(0).standard_normal(empty.v.shape)
    noise = cube(values, empty.lat.values, empty.lon.values)
    assert (autocorrelation_length(noise, "v").length or 9) <= 0.5
    assert (autocorrelation_length(noise, "v", axis="time").length or 99) <= 8


def test_a_field_without_a_sill_is_not_reached() -> None:
    empty = field()
    walk = np.random.default_rng(0).standard_normal((DAYS.size, 1, 1)).cumsum(axis=0)
    slope = walk * (empty.lat.values[:, None] + empty.lon.values[None, :])[None]
    found = autocorrelation_length(cube(slope, empty.lat.values, empty.lon.values), "v")
    assert found.status == "not reached"
    assert found.length is None
    assert found.recommended_block is None
    assert "not reached" in str(found)


def test_few_pairs_are_said() -> None:
    few = field().isel(time=slice(0, 3), lat=slice(0, 5), lon=slice(0, 5))
    found = autocorrelation_length(few, "v", axis="time")
    assert found.status == "too few pairs"


def test_the_same_seed_gives_the_same_length_whatever_the_grid() -> None:
    rows = field()
    assert autocorrelation_length(rows, "v") == autocorrelation_length(rows, "v")
    flat = rows.stack(cell=("lat", "lon")).reset_index("cell")
    flat = flat.assign_coords(
        lat=flat.lat.assign_attrs(standard_name="latitude", units="degrees_north"),
        lon=flat.lon.assign_attrs(standard_name="longitude", units="degrees_east"),
    )
    assert autocorrelation_length(flat, "v").length == pytest.approx(RANGE_DEG, rel=0.2)


def test_a_robust_fit_finds_range_nugget_and_sill() -> None:
    lags = np.geomspace(0.1, 40, 25)
    gamma = 1 + 3 * (1 - np.exp(-3 * lags / 12))
    found = fit_range(lags, gamma, np.full(25, 1000.0))
    assert found.length == pytest.approx(12, rel=0.05)
    assert (found.nugget, found.sill) == (pytest.approx(1, abs=0.1), pytest.approx(4, abs=0.1))


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(SpecError, match="needs the features"):
        autocorrelation_length(field(), "v", of="residual")
    with pytest.raises(SpecError, match="no dates"):
        autocorrelation_length(field().isel(time=0, drop=True), "v", axis="time")
    with pytest.raises(CubeError):
        autocorrelation_length(field(), "w")


def test_a_series_of_one_place_has_a_length_in_time() -> None:
    days = np.arange(0, 60_000.0)
    values = np.zeros(days.size)
    noise = np.random.default_rng(0).normal(size=days.size)
    for i in range(1, days.size):
        values[i] = 0.9 * values[i - 1] + noise[i]
    time = np.datetime64("1850-01-01", "ns") + (days * 86_400e9).astype("timedelta64[ns]")
    found = autocorrelation_length(
        xr.Dataset({"v": ("time", values)}, {"time": time}), "v", axis="time"
    )
    # exp(-h / a) with a = -1 / log(0.9): the practical range is 3 a.
    assert found.length == pytest.approx(-3 / np.log(0.9), rel=0.25)


@pytest.mark.parametrize("axis", ["space", "time"])
def test_of_a_cube_of_any_size_a_draw_reads_little(
    axis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form waits for it: what is read does not grow with the cube."""
    root = zarr.open_group(str(tmp_path / "huge.zarr"), mode="w", zarr_format=2)
    root.create_array(
        "v", shape=(20_000, 2160, 4320), chunks=(50, 270, 270), dtype="f4", fill_value=np.nan,
        attributes={"_ARRAY_DIMENSIONS": ["time", "lat", "lon"]},
    )  # fmt: skip
    coords = {
        "time": np.datetime64("1970-01-01", "ns") + np.arange(20_000) * np.timedelta64(1, "D"),
        "lat": ("lat", 90 - (np.arange(2160) + 0.5) / 12, {"units": "degrees_north"}),
        "lon": ("lon", (np.arange(4320) + 0.5) / 12 - 180, {"units": "degrees_east"}),
    }
    ds = xr.open_zarr(tmp_path / "huge.zarr", chunks=None, consolidated=False).assign_coords(coords)
    read = 0
    fill = Together.fill

    def counted(self: Together, box: Any, outs: dict[str, Any], *rest: Any) -> None:
        nonlocal read
        read += sum(out.nbytes for out in outs.values())
        fill(self, box, outs, *rest)

    monkeypatch.setattr(Together, "fill", counted)
    found = autocorrelation_length(ds, "v", axis=axis)  # type: ignore[arg-type]
    assert found.status == "too few pairs"
    # A draw is repeated with more cells, where those of the first have too few pairs.
    assert 0 < read <= 5 * 2**29
