"""What is wrong with a cube is named, with figures, and what is right is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.models import ErrorBody

from ..made import small_cube


def found_in(ds: xr.Dataset) -> dict[str, ErrorBody]:
    return {problem.code: problem for problem in describe(ds).problems}


def stretched(name: str, values: Any) -> xr.Dataset:
    ds = small_cube()
    return ds.assign_coords({name: (name, np.asarray(values), ds[name].attrs)})


def test_a_sound_cube_has_no_problem() -> None:
    assert found_in(small_cube()) == {}


@pytest.mark.parametrize(
    ("ds", "code", "field", "figure"),
    [
        (stretched("lat", [*range(29), 0]), "duplicate_coordinates", "lat", "1 of 30"),
        (stretched("lat", [3, 1, 2, *range(4, 31)]), "unsorted_coordinates", "lat", "1 of 29"),
        (stretched("lon", [*range(200, 240)][::-1]), None, None, None),
        (stretched("lon", [*range(340, 360), *range(20)]), None, None, None),
        (stretched("lon", np.linspace(-20, 200, 40)), "mixed_longitudes", "lon", "200"),
        (stretched("lat", [np.nan, *range(29)]), "missing_coordinates", "lat", "1 of 30"),
        (stretched("lat", np.linspace(0, 120, 30)), "implausible_coordinates", "lat", "120"),
        (small_cube().isel(time=[0, 1, 2, 5]), "time_gaps", "time", "lacks 2 steps of 8D"),
        (small_cube().isel(time=slice(0, 0)), "empty_dimension", "time", "no cells"),
    ],
)
def test_coordinates(
    ds: xr.Dataset, code: str | None, field: str | None, figure: str | None
) -> None:
    problems = found_in(ds)
    if code is None:
        assert not problems
        return
    assert problems[code].field == field
    assert figure is not None
    assert figure in problems[code].message


def test_yearly_and_monthly_steps_are_no_gaps() -> None:
    ds = small_cube(n_time=24).isel(lat=slice(3), lon=slice(3))
    months = np.datetime64("2001-01", "M") + np.arange(24)
    # Of its nine cells no honest blocks can be made, which is another thing.
    found = found_in(ds.assign_coords(time=months.astype("datetime64[ns]")))
    assert set(found) == {"small_blocks"}


def test_times_without_a_step_are_said() -> None:
    days = np.array([0, 1, 11, 12, 40, 90], "timedelta64[D]")
    ds = small_cube().assign_coords(time=(np.datetime64("2001-01-01") + days).astype("M8[ns]"))
    assert set(found_in(ds)) == {"irregular_time"}


def with_values(name: str, values: Any, **attrs: Any) -> xr.Dataset:
    ds = small_cube()
    return ds.assign({name: (ds.a.dims, np.asarray(values, "f4"), attrs)})


def test_undeclared_fill_values() -> None:
    values = small_cube().a.values.copy()
    values[0, :5] = -9999
    problem = found_in(with_values("a", values, units="K"))["undeclared_fill"]
    assert problem.field == "a"
    assert "-9999" in problem.message
    assert "2.78%" in problem.message


def test_outliers_are_told_from_long_tails() -> None:
    rng = np.random.default_rng(0)
    shape = small_cube().a.shape
    assert not found_in(with_values("rain", rng.exponential(1, shape)))
    values = rng.normal(10, 1, shape)
    values[0, 0, :3] = 5000
    problem = found_in(with_values("wind", values))["outliers"]
    assert (problem.field, "farthest is 5000" in problem.message) == ("wind", True)


def test_classes_have_no_outliers() -> None:
    values = np.zeros(small_cube().a.shape)
    values[0, 0, :3] = 200
    assert not found_in(with_values("kind", values, flag_values=[0, 200], flag_meanings="a b"))


def test_objects_and_text_are_said() -> None:
    ds = small_cube().assign(
        odd=("time", np.array([1, "a", None, 2, 3, 4], dtype=object)),
        text=("time", np.array(list("abcdef"))),
    )
    problems = [(p.code, p.field) for p in describe(ds).problems]
    assert problems == [("not_numeric", "odd"), ("not_numeric", "text")]


def test_temperatures_in_several_units() -> None:
    celsius = small_cube().a.values - 273.15
    ds = with_values("tas", celsius, units="degC").assign(
        air_temperature_2m=small_cube().a.assign_attrs(units="K")
    )
    problem = found_in(ds)["mixed_units"]
    assert "'tas' in degC" in problem.message
    assert "'air_temperature_2m' in K" in problem.message


@pytest.mark.parametrize(
    ("values", "attrs", "looks"),
    [
        (12.0, {"standard_name": "air_temperature", "units": "K"}, "degC"),
        (285.0, {"standard_name": "air_temperature", "units": "degC"}, "K"),
        (60.0, {"standard_name": "cloud_area_fraction", "units": "1"}, "%"),
        (1000.0, {"standard_name": "surface_air_pressure", "units": "Pa"}, "hPa"),
        (285.0, {"standard_name": "air_temperature", "units": "K"}, None),
        (0.4, {"long_name": "temperature anomaly", "units": "K"}, None),
        (500.0, {"standard_name": "air_pressure", "units": "Pa"}, None),
    ],
)
def test_units_are_checked_against_values(
    values: float, attrs: dict[str, str], looks: str | None
) -> None:
    rng = np.random.default_rng(0)
    noisy = values + 0.01 * values * rng.normal(size=small_cube().a.shape)
    problems = found_in(with_values("v", noisy, **attrs))
    assert ("implausible_units" in problems) == (looks is not None)
    if looks is not None:
        assert problems["implausible_units"].message.endswith(f"looks like {looks}.")


def test_the_cost_of_single_samples_is_a_number(tmp_path: Path) -> None:
    ds = xr.Dataset(
        {"v": (("time", "lat", "lon"), np.zeros((256, 200, 200), "f4"))},
        coords={
            "time": np.datetime64("2001-01-01", "ns") + np.arange(256) * np.timedelta64(1, "D"),
            "lat": ("lat", np.linspace(50, -50, 200), {"units": "degrees_north"}),
            "lon": ("lon", np.linspace(0, 100, 200), {"units": "degrees_east"}),
        },
    )
    ds.to_zarr(
        tmp_path / "c.zarr", zarr_format=3, consolidated=False,
        encoding={"v": {"chunks": (256, 90, 90)}},
    )  # fmt: skip
    problems = {p.code: p for p in describe(str(tmp_path / "c.zarr")).problems}
    message = problems["costly_access"].message
    for figure in ("8,100x for the time series", "256x for one map", "1,463x for one patch"):
        assert figure in message


def test_an_unreadable_chunk_is_a_problem_of_the_description(tmp_path: Path) -> None:
    path = tmp_path / "c.zarr"
    small_cube().to_zarr(path, zarr_format=3, consolidated=False)
    chunk = next(file for file in (path / "a" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk.read_bytes()[:20])
    found = describe(str(path))
    assert [(p.code, p.field) for p in found.problems] == [("unreadable_chunk", "a")]
    assert "'a'" in found.problems[0].message
    assert [v.name for v in found.variables if v.valid_share is None] == ["a"]
