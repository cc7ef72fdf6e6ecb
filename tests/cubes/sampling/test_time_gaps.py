"""No sample reaches across a gap in time, and a sampler says how many it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.features.derive import derive
from jupyter_mlkit.cubes.sampling.sampler import Position, Sampler
from jupyter_mlkit.errors import CubeError

from ..made import small_cube
from .naive import assert_same, by_cell, naive


def dates(ds: xr.Dataset, times: Any) -> xr.Dataset:
    return ds.assign_coords(time=("time", np.asarray(times), ds["time"].attrs))


def runs(kept: Sequence[int]) -> np.ndarray:
    """The run of each of the kept steps of a regular axis."""
    return np.concatenate([[0], np.cumsum(np.diff(kept) > 1)])


@given(
    lost=st.sets(st.integers(0, 15), min_size=1, max_size=4),
    order=st.permutations(["time", "lat", "lon"]),
    window=st.dictionaries(st.sampled_from(["time", "lat"]), st.integers(1, 4), max_size=2),
    stride=st.integers(1, 4),
    lags=st.lists(st.integers(0, 2), min_size=1, max_size=2, unique=True),
    lead=st.integers(0, 1),
    mask=st.booleans(),
    drop_nan=st.sampled_from(["auto", None]),
    strict=st.booleans(),
    chunk=st.integers(1, 7),
)
@settings(max_examples=25, deadline=None)
def test_samples_are_those_of_plain_loops_within_runs(
    lost: set[int], order: list[str], window: dict[str, int], stride: int, lags: list[int],
    lead: int, mask: bool, drop_nan: Any, strict: bool, chunk: int,
) -> None:  # fmt: skip
    kept = [step for step in range(16) if step not in lost]
    whole = small_cube(16, 5, 6, seed=2)
    ds = whole.assign(m=whole["a"] > 275).isel(time=kept).transpose(*order)
    number = runs(kept)
    given: dict[str, Any] = {
        "drop_nan": drop_nan, "strict": strict, "mask": "m" if mask else None,
    }  # fmt: skip
    step = {"time": stride} if "time" in window else {}
    columns = [("a", lag) for lag in lags]
    ahead = max(window.get("time", 1) - 1, 0)
    back = lead + max(lags)
    wanted = {
        cell: sample
        for cell, sample in naive(
            ds, columns, "b", dims=ds["b"].dims, window=window, step={**window, **step},
            role="train", lead=lead, **given,
        ).items()
        for start in [np.unravel_index(cell, ds["b"].shape)[ds["b"].dims.index("time")]]
        if number[max(0, start - back)] == number[min(start + ahead, len(kept) - 1)]
    }  # fmt: skip
    options = {"input_dims": window, "stride": step, "lags": lags, "lead": lead, **given}
    lazy = ds.chunk(time=chunk, lat=3)
    starts = np.arange(0, len(kept), step.get("time", window.get("time", 1)))
    inside = (starts >= back) & (starts + ahead < len(kept))
    if not (number[starts[inside] - back] == number[starts[inside] + ahead]).any():
        with pytest.raises(CubeError) as named:
            Sampler(lazy, ["a"], "b", **options)
        assert named.value.code in ("time_gaps", "window_too_large")
        return
    sampler = Sampler(lazy, ["a"], "b", batch_size=50, buffer_bytes=20_000, **options)
    if not wanted:
        with pytest.raises(CubeError) as caught:
            list(sampler)
        assert caught.value.code == "empty_role"
        return
    assert_same(sampler, "train", wanted)
    assert sampler.n_samples() == len(wanted)
    assert len(sampler) == len(list(sampler)) == -(-len(wanted) // 50)
    # From any position on, and in parts, it is the same epoch.
    assert len(list(sampler.resume(Position(0, 1)))) == len(sampler) - 1
    assert sum(sampler.shard(i, 3).n_samples() for i in range(3)) == len(wanted)


@pytest.mark.parametrize("where", [3, 7, 11])
def test_lags_are_those_of_a_cube_with_all_steps(where: int) -> None:
    whole = small_cube(12, 4, 5, gaps=0.2)
    lacking = whole.drop_isel(time=where)
    every = lacking.reindex(time=whole["time"])

    def told(ds: xr.Dataset) -> dict[Any, Any]:
        sampler = Sampler(ds, ["a"], "b", lags=[0, 1, 2], lead=1)
        return {
            (time, lat, lon): (x.tolist(), float(y))
            for batch in sampler
            for x, y, time, lat, lon in zip(
                batch.X, batch.y, *(batch.coords()[dim] for dim in ("time", "lat", "lon")),
                strict=True,
            )
        }  # fmt: skip

    assert told(lacking) == told(every)
    # The same as the features that are lagged by steps.
    feature = "lag(a, 1)"
    np.testing.assert_array_equal(
        derive(lacking, [feature])[feature],
        derive(every, [feature])[feature].sel(time=lacking["time"]),
    )


def composites(days: int) -> Any:
    """Times every few days that begin anew with each year."""
    years = [
        np.arange(f"{year}-01-01", f"{year + 1}-01-01", days, dtype="M8[D]")
        for year in (2003, 2004, 2005)
    ]
    return np.concatenate(years).astype("M8[ns]")


_DEKADS = [
    np.datetime64(f"2004-{month:02d}-{day:02d}", "ns")
    for month in range(1, 13)
    for day in (1, 11, 21)
]
_JITTER = np.random.default_rng(0).integers(-100, 100, 30) * np.timedelta64(60, "s")
AXES: dict[str, Any] = {
    "days": xr.date_range("2004-02-01", periods=40, freq="D"),
    "months": xr.date_range("2000-01-31", periods=40, freq="ME"),
    "quarters": xr.date_range("2000-01-01", periods=20, freq="QS"),
    "years": xr.date_range("1990-01-01", periods=20, freq="YS"),
    "hours": xr.date_range("2000-12-30", periods=60, freq="h"),
    "composites of 8 days": composites(8),
    "composites of 16 days": composites(16),
    "dekads": _DEKADS,
    "overpasses": np.arange("2017-01-01T10", "2017-01-31T10", 24, "M8[h]").astype("M8[ns]")
    + _JITTER,
    "noleap": xr.date_range("2000-02-20", periods=30, freq="D", calendar="noleap", use_cftime=True),
    "360_day months": xr.date_range(
        "2000-01-01", periods=30, freq="MS", calendar="360_day", use_cftime=True
    ),
    "julian years": xr.date_range(
        "1500-01-01", periods=20, freq="YS", calendar="julian", use_cftime=True
    ),
    "numbers": np.arange(20) * 0.5,
}  # fmt: skip


@pytest.mark.parametrize("axis", AXES)
def test_every_regular_axis_is_whole_and_each_step_that_lacks_is_a_gap(axis: str) -> None:
    times = AXES[axis]
    ds = dates(small_cube(len(times), 2, 3, gaps=0), times)
    assert Sampler(ds, ["a"], "b", lags=[0, 1]).gaps is None
    for where in range(1, len(times) - 1):
        sampler = Sampler(ds.drop_isel(time=where), ["a"], "b", lags=[0, 1])
        assert sampler.gaps is not None
        assert (sampler.gaps.gaps, sampler.gaps.skipped) == (1, 1)
        if axis != "numbers":
            found = derive(ds.drop_isel(time=where), ["lag(a, 1)"])["lag(a, 1)"]
            missing = found.isnull().all(("lat", "lon")).values
            assert np.flatnonzero(missing).tolist() == [0, where]


def test_a_sampler_says_what_it_leaves_out() -> None:
    ds = small_cube(20, 4, 5, gaps=0).drop_isel(time=[6, 13])
    sampler = Sampler(ds, ["a"], "b", input_dims={"time": 4}, stride={"time": 1})
    assert sampler.gaps is not None
    assert (sampler.gaps.gaps, sampler.gaps.places, sampler.gaps.skipped) == (2, 15, 6)
    assert sampler.gaps.longest == 6
    assert "6 of 15 places along 'time' are left out" in repr(sampler)
    assert "2001-02-10" in str(sampler.gaps)
    assert sampler.n_samples() == 9 * 20
    joined = Sampler(
        ds, ["a"], "b", input_dims={"time": 4}, stride={"time": 1}, time_gaps="join"
    )  # fmt: skip
    assert joined.gaps is None
    assert joined.n_samples() == 15 * 20
    assert "left out" not in repr(joined)
    # Windows without time hold no steps.
    assert Sampler(ds, ["a"], "b", input_dims={"lat": 2}).gaps is None
    assert Sampler(ds, ["a"], "b").gaps is None


@pytest.mark.parametrize("options", [{"input_dims": {"time": 3}}, {"lags": [0, 2]}, {"lead": 2}])
def test_where_no_sample_is_left_the_gaps_are_named(options: dict[str, Any]) -> None:
    # The dates at which a satellite passed.
    days = np.cumsum([0, 2, 3, 5, 2, 3, 5, 2, 3, 5])
    ds = dates(
        small_cube(10, 4, 5, gaps=0), np.datetime64("2020-01-01", "ns") + days * 86400000000000
    )
    with pytest.raises(
        CubeError, match=r"needs 3 regular steps of 'time'.*after 2020-01-01"
    ) as told:
        Sampler(ds, ["a"], "b", **options)
    assert told.value.code == "time_gaps"
    assert "time_gaps='join'" in str(told.value.hint)
    assert Sampler(ds, ["a"], "b", **options, time_gaps="join").n_samples() > 0


def test_a_role_that_only_gaps_emptied_says_so() -> None:
    ds = small_cube(9, 4, 5, gaps=0).drop_isel(time=4)
    ds["b"] = ds["b"].where(ds["time"] == ds["time"][4])
    with pytest.raises(CubeError, match="1 of 8 places along 'time' are left out") as caught:
        list(Sampler(ds, ["a"], "b", lags=[1]))
    assert caught.value.code == "empty_role"


def test_a_series_without_places_has_gaps_too() -> None:
    ds = small_cube(12, 1, 1, gaps=0).isel(lat=0, lon=0).drop_isel(time=5)
    sampler = Sampler(ds, ["a"], "b", lags=[0, 1])
    assert sorted(by_cell(list(sampler), "train")) == [1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_windows_may_run_backward_but_lags_may_not() -> None:
    ds = small_cube(12, 3, 4, gaps=0).drop_isel(time=5).isel(time=slice(None, None, -1))
    sampler = Sampler(ds, ["a"], "b", input_dims={"time": 3}, stride={"time": 1})
    assert sampler.gaps is not None
    assert sampler.gaps.skipped == 2
    with pytest.raises(CubeError, match="does not run forward") as caught:
        Sampler(ds, ["a"], "b", lags=[1])
    assert caught.value.code == "unsorted_coordinates"
    shuffled = ds.isel(time=[0, 2, 1, *range(3, 11)])
    with pytest.raises(CubeError, match="does not run forward"):
        Sampler(shuffled, ["a"], "b", input_dims={"time": 3})
