"""Computed features are what their text says, wherever a part of them is read."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlkit.cubes.features import mlkit_features
from jupyter_mlkit.cubes.features.derive import derive, required_variables, with_lead
from jupyter_mlkit.cubes.grids.variables import check_variables
from jupyter_mlkit.errors import CubeError, SpecError

from ..made import small_cube, small_spec

CUBE = small_cube()
A, B, H = CUBE.a, CUBE.b, CUBE.height

#: Expression and the same in xarray's own words.
SAME = {
    "sqrt(a**2 + b**2)": np.sqrt(A**2 + B**2),
    "-a / (b - 3) // 2 % 5": -A / (B - 3) // 2 % 5,
    "where(a > 280, height, 0)": xr.where(A > 280, H, 0),
    "min(a, b, 275)": np.minimum(np.minimum(A, B), 275),
    "max(a, height)": np.maximum(A, H),
    "clip(a, 270, 290)": A.clip(270, 290),
    "fillna(b, a)": B.fillna(A),
    "isnan(b)": B.isnull(),
    "fillna(b > 560, 0)": B > 560,
    "270 < a <= 285 and not a > 280": (A > 270) & (A <= 285) & ~(A > 280),
    "(a > 280) + (a > 285)": (A > 280).astype(int) + (A > 285),
    "(a > 280) | (a < 270)": (A > 280) | (A < 270),
    "log(abs(a)) + exp(-height / 1000)": np.log(abs(A)) + np.exp(-H / 1000),
    "height * 2**3": H * 8,
    "arctan2(a, lat)": np.arctan2(A, CUBE.lat),
    "lag(b, '8D')": B.shift(time=1),
    "lag(b, 2)": B.shift(time=2),
    "lag(a - lag(a, 1), '8D')": (A - A.shift(time=1)).shift(time=1),
    "lag('a', '8D')": A.shift(time=1),
    "a - lag(a, '384h')": A - A.shift(time=2),
}


@pytest.mark.parametrize("text", SAME)
@pytest.mark.parametrize("dask", [False, True])
def test_an_expression_is_what_xarray_computes(text: str, dask: bool) -> None:
    ds = CUBE.chunk(time=2, lat=7) if dask else CUBE
    found = derive(ds, [text])[text]
    assert (found.chunks is not None) is dask
    assert found.dtype.kind == "f"
    wanted = SAME[text].transpose(*found.dims)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5)


@given(text=st.sampled_from(sorted(SAME)), data=st.data())
def test_a_part_is_the_part_of_the_whole(text: str, data: st.DataObject) -> None:
    found = derive(CUBE, [text])[text]
    key: dict[str, object] = {}
    for dim in map(str, found.dims):
        size = found.sizes[dim]
        place = st.integers(0, size - 1)
        key[dim] = data.draw(
            st.one_of(
                place,
                st.lists(place, max_size=5).map(lambda x: np.array(x, dtype=int)),
                st.slices(size),
            )
        )
    part, whole = found.isel(key), found.copy(data=found.values).isel(key)
    assert not part.variable._in_memory
    xr.testing.assert_identical(part.transpose(*reversed(part.dims)).transpose(*part.dims), whole)


def test_float32_stays_and_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    import zarr

    CUBE.to_zarr(tmp_path / "c.zarr", zarr_format=3, consolidated=False)
    ds = xr.open_dataset(tmp_path / "c.zarr", engine="zarr", chunks=None, consolidated=False)
    zarr.open_array(str(tmp_path / "c.zarr" / "b"), mode="r")
    for chunk in (tmp_path / "c.zarr" / "b" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"broken")
    found = derive(ds, ["a * b", "sqrt(2) * a", "lag(a, 1)"])
    assert found["sqrt(2) * a"].dtype == found["lag(a, 1)"].dtype == np.float32
    assert found["lag(a, 1)"].encoding["preferred_chunks"] == ds.a.encoding["preferred_chunks"]
    np.testing.assert_allclose(found["sqrt(2) * a"], np.float32(2**0.5) * CUBE.a)
    with pytest.raises(Exception, match=r".*"):
        found["a * b"].load()


@pytest.mark.parametrize("order", [slice(None, None, -1), [3, 0, 5, 1, 4, 2]])
def test_a_lag_goes_by_the_time_not_by_the_place(order: object) -> None:
    ds = CUBE.isel(time=order)
    for text in ("lag(b, '8D')", "lag(b, 1)"):
        xr.testing.assert_equal(
            derive(ds, [text])[text].sortby("time"), derive(CUBE, [text])[text].load()
        )


def test_a_step_that_is_not_there_is_missing() -> None:
    ds = CUBE.isel(time=[0, 1, 3, 4, 5])
    found = derive(ds, ["lag(a, '8D')"])["lag(a, '8D')"]
    assert np.isnan(found).all(["lat", "lon"]).values.tolist() == [True, False, True, False, False]
    xr.testing.assert_equal(found[3], CUBE.a[3].assign_coords(time=CUBE.time[4]))


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "standard"])
def test_lags_and_seasons_in_every_calendar(calendar: str) -> None:
    time = xr.date_range("2000-02-25", periods=6, freq="5D", calendar=calendar, use_cftime=True)
    ds = CUBE.assign_coords(time=time)
    found = derive(ds, ["lag(a, '10D')", "doy_sin", "doy_cos", "month", "year"])
    np.testing.assert_array_equal(found["lag(a, '10D')"][2:], CUBE.a[:-2])
    np.testing.assert_allclose(found.doy_sin**2 + found.doy_cos**2, 1, rtol=1e-6)
    assert found.month.values.tolist() == [t.month for t in time]
    assert found.doy_sin.dtype == np.float32


def test_coordinates_are_features_by_what_they_are() -> None:
    ds = CUBE.rename(lat="row", lon="column")
    found = derive(ds, ["lat", "lon * 2", "row"])
    np.testing.assert_array_equal(found.lat, CUBE.lat)
    np.testing.assert_array_equal(found["lon * 2"], CUBE.lon * 2)
    assert found.lat.dims == ("row",)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("sqrt(a**2 + b**2)", "K"),
        ("a - lag(b, 1)", "K"),
        ("a / b", "1"),
        ("height * height", "(m)^2"),
        ("a * 2", None),
        ("a - 273.15", None),
        ("a + height", None),
        ("max(a, 0)", "K"),
        ("where(height > 5, a, b)", "K"),
        ("a > b", "1"),
        ("radians(height)", "radian"),
        ("doy_cos", "1"),
    ],
)
def test_units_are_said_where_they_follow(text: str, units: str | None) -> None:
    assert derive(CUBE, [text])[text].attrs.get("units") == units


@pytest.mark.parametrize(
    "text",
    [
        "a.values",
        "a[0]",
        "__import__('os')",
        "(lambda: a)()",
        "[a for a in b]",
        "a if b else a",
        "'a'",
        "f(a)",
        "sqrt(a, b)",
        "where(a, b)",
        "max(a, b, key=a)",
        "sqrt(*a)",
        "a + ",
        "a; b",
        "a := b",
        "a + 1j",
        "a < b < a in b",
        "9.9**9.9**9.9 * a",
        "(-8) ** 0.5 + a",
        "1 / 0 + a",
        "3 + 4",
        "a" * 501,
        "+".join(["a"] * 150),
        "-" * 60 + "a",
        "lag(a, -1)",
        "lag(a, 'D')",
        "lag(a, '1 month')",
        "lag(a, True)",
        "lag(a, b)",
        "lag(height, '8D')",
        "lag(a, '5D')",
        "lag(a, 6)",
        "nothing_such + a",
        "when + a",
    ],
)
def test_what_is_no_feature_is_a_clear_error(text: str) -> None:
    ds = CUBE.assign_coords(when=("time", np.array(list("abcdef"), dtype=object)))
    with pytest.raises(SpecError) as caught:
        derive(ds, [text])
    assert caught.value.field == "features"
    assert caught.value.message.endswith(".")


def test_times_that_occur_twice_have_no_lag() -> None:
    with pytest.raises(SpecError, match="twice"):
        derive(CUBE.isel(time=[0, 0, 1]), ["lag(a, 1)"])
    with pytest.raises(SpecError, match="no coordinate with dates"):
        derive(CUBE.drop_vars("time"), ["doy_sin"])


def test_a_variable_is_a_variable_whatever_its_letters() -> None:
    ds = CUBE.rename(a="a-b", b="b")
    assert derive(ds, ["a-b"]) is ds
    assert required_variables(["a-b", "lag('a-b', 1)", "b * 2"], ["a-b", "b"]) == ["a-b", "b"]
    assert required_variables(["a-b", "month", "lag(c, '8D')"]) == ["a", "b", "c"]


def test_lead_lags_what_changes_and_is_not_known_ahead() -> None:
    ds = CUBE.rename(a="t-2m")
    features = ["t-2m", "height", "b * height", "doy_sin", "lat"]
    assert with_lead(ds, features, None) == features
    found = with_lead(ds, features, "8D")
    assert found == ["lag('t-2m', '8D')", "height", "lag(b * height, '8D')", "doy_sin", "lat"]
    derive(ds, found)
    with pytest.raises(SpecError) as caught:
        with_lead(ds, features, "soon")
    assert caught.value.field == "lead"


def test_specs_may_name_expressions() -> None:
    check_variables(CUBE, small_spec(features=["a", "sqrt(a) * height", "lag(b, 1)", "month"]))
    with pytest.raises(CubeError) as caught:
        check_variables(CUBE, small_spec(features=["a", "sqrt(hight)"]))
    assert (caught.value.code, caught.value.field) == ("unknown_variable", "features")
    assert "height" in str(caught.value.hint)
    with pytest.raises(CubeError) as caught:
        check_variables(CUBE, small_spec(target="height", features=["sqrt(a)"]))
    assert caught.value.code == "unsupported_grid"


def test_computed_features_travel_to_other_processes() -> None:
    found = derive(CUBE, ["sqrt(a**2 + b**2)"])
    again = pickle.loads(pickle.dumps(found))
    xr.testing.assert_identical(again.load(), found.load())


def test_the_evaluator_works_where_this_package_is_not_installed(tmp_path: Path) -> None:
    source = Path(str(importlib.util.find_spec(mlkit_features.__name__).origin))  # type: ignore[union-attr]
    (tmp_path / "mlkit_features.py").write_bytes(source.read_bytes())
    code = (
        "import sys, numpy as np, xarray as xr\n"
        "sys.modules['jupyter_mlkit'] = None\n"
        "from mlkit_features import derive\n"
        "ds = xr.Dataset({'a': ('time', np.arange(3.0))}, "
        "{'time': np.array(['2001-01-01', '2001-01-02', '2001-01-03'], 'M8[ns]')})\n"
        "print(derive(ds, ['a + lag(a, \"1D\")'])['a + lag(a, \"1D\")'].values.tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[nan, 1.0, 3.0]", done.stderr
