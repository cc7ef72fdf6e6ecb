"""Windows cover the cube, and are put together again as they were cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.prediction.tiling import Tiling
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube

_DIMS = ["time", "lat", "lon"]


def identity(x: np.ndarray) -> np.ndarray:
    return x[:, 0]


windows = st.fixed_dictionaries(
    {},
    optional={
        "time": st.tuples(st.integers(1, 6), st.integers(0, 5)),
        "lat": st.tuples(st.integers(1, 30), st.integers(0, 12)),
        "lon": st.tuples(st.integers(1, 40), st.integers(0, 12)),
    },
).filter(bool)


def _cut(window: dict[str, tuple[int, int]]) -> dict[str, Any]:
    return {
        "input_dims": {dim: size for dim, (size, _) in window.items()},
        "input_overlap": {dim: min(lap, size - 1) for dim, (size, lap) in window.items()},
    }


@given(
    order=st.permutations(_DIMS),
    chunks=st.tuples(st.integers(1, 6), st.integers(7, 30), st.integers(9, 40)),
    window=windows,
    blend=st.sampled_from([None, "linear", "cosine"]),
    ascending=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_windows_through_the_identity_give_the_cube_back(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[str],
    chunks: tuple[int, int, int],
    window: dict[str, tuple[int, int]],
    blend: Any,
    ascending: bool,
) -> None:
    """'Windows -> identity model -> cube: bit-equal without blending; with blending within 4 ulp.'

    Weights are whole numbers, so blending is bit-equal as well.
    """
    folder = tmp_path_factory.mktemp("windows")
    ds = small_cube()[["b"]].transpose(*order)
    if ascending:
        ds = ds.isel(lat=slice(None, None, -1))
    size = dict(zip(_DIMS, chunks, strict=True))
    coding = {"b": {"chunks": tuple(size[dim] for dim in order)}}
    ds.to_zarr(folder / "c.zarr", zarr_format=2, encoding=coding)
    source = open_cube(str(folder / "c.zarr"))
    found = predict(
        identity, source, path=folder / "p.zarr", name="p", nan="pass", blend=blend, **_cut(window)
    )
    assert found.dims == source.b.dims
    assert found.encoding["chunks"] == source.b.encoding["chunks"]
    assert found.values.tobytes() == source.b.values.tobytes()


@given(window=windows, blend=st.sampled_from([None, "linear"]), chunked=st.booleans())
@settings(max_examples=15, deadline=None)
def test_chunks_do_not_show_in_what_a_model_of_the_surroundings_gives(
    window: dict[str, tuple[int, int]], blend: Any, chunked: bool
) -> None:
    """Written whole, or in pieces with their surroundings: the same windows, the same values."""

    def surroundings(x: np.ndarray) -> np.ndarray:
        axes = tuple(range(2, x.ndim))
        return x[:, 0] + x[:, 0].mean(axis=tuple(axis - 1 for axis in axes), keepdims=True)

    ds = small_cube()[["a"]]
    whole = predict(surroundings, ds, blend=blend, **_cut(window)).load()
    pieces = ds.chunk({"time": 4, "lat": 11, "lon": 13}) if chunked else ds.copy()
    if not chunked:
        pieces["a"].encoding["preferred_chunks"] = {"time": 4, "lat": 11, "lon": 13}
    np.testing.assert_array_equal(predict(surroundings, pieces, blend=blend, **_cut(window)), whole)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_cell_has_a_window_and_no_window_leaves_the_cube(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 60))
    window = data.draw(st.integers(1, size))
    tiling = Tiling("x", size, window, data.draw(st.integers(0, window - 1)))
    kept = tiling.kept()
    assert kept[0, 0] == 0
    assert kept[-1, 1] == size
    assert (kept[1:, 0] == kept[:-1, 1]).all()
    assert (kept[:, 0] >= tiling.starts).all()
    assert (kept[:, 1] <= tiling.starts + window).all()
    assert tiling.starts[-1] + window == size
    for blend in ("linear", "cosine"):
        weights = tiling.weights(blend)  # type: ignore[arg-type]
        assert weights.min() >= 1
        np.testing.assert_array_equal(weights, weights[::-1])


def test_overlapping_windows_are_weighed() -> None:
    """The prediction is the sum of w x over the sum of w."""
    ds = xr.Dataset({"v": ("x", np.zeros(5, "float32"))})
    numbers = iter([1.0, 5.0])

    def model(x: np.ndarray) -> np.ndarray:
        return np.stack([np.full(3, next(numbers)) for _ in x])

    found = predict(
        model, ds, input_dims={"x": 3}, input_overlap={"x": 1}, blend="linear"
    )  # fmt: skip
    np.testing.assert_array_equal(found, [1, 1, 3, 5, 5])


def test_a_series_model_may_answer_for_its_last_step(tmp_path: Path) -> None:
    ds = small_cube()
    wanted = ds.a.rolling(time=3).mean()
    for how in ({}, {"path": tmp_path / "p.zarr"}):
        found = predict(
            lambda x: x[:, 0].astype("f8").mean(axis=1), ds, features=["a"], name="p",
            input_dims={"time": 3}, answers_at={"time": -1}, **how,
        )  # fmt: skip
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        assert found.isel(time=slice(0, 2)).isnull().all()


def test_a_forecast_lands_on_the_date_that_it_is_for() -> None:
    ds = small_cube()
    found = predict(
        lambda x: x[:, 0, -1], ds, features=["a"], input_dims={"time": 2}, answers_at={"time": 3}
    )
    np.testing.assert_array_equal(found, ds.a.shift(time=2).where(ds.time >= ds.time[3]))


def test_windows_with_gaps_are_not_computed_unless_asked() -> None:
    ds = small_cube(gaps=0.01)
    seen: list[bool] = []

    def model(x: np.ndarray) -> np.ndarray:
        seen.append(bool(np.isfinite(x).all()))
        return x[:, 0]

    cut: dict[str, Any] = {"features": ["b"], "input_dims": {"lat": 5, "lon": 8}}
    found = predict(model, ds, **cut).load()
    assert all(seen)
    whole = ds.b.coarsen(lat=5, lon=8).construct(lat=("i", "lat_"), lon=("j", "lon_"))
    complete = int(whole.notnull().all(["lat_", "lon_"]).sum())
    assert int(found.notnull().sum()) == complete * 40
    filled = predict(model, ds, nan=0.0, **cut)
    np.testing.assert_array_equal(filled.notnull(), ds.b.notnull())


def test_features_without_time_join_the_window() -> None:
    ds = small_cube()
    found = predict(
        lambda x: x[:, 0] + x[:, 1], ds, features=["a", "height"], nan="pass",
        input_dims={"lon": 7, "lat": 4}, input_overlap={"lat": 1},
    )  # fmt: skip
    np.testing.assert_array_equal(found, (ds.a + ds.height).transpose(*_DIMS))


def test_a_window_has_the_order_that_was_asked_for() -> None:
    shapes: set[tuple[int, ...]] = set()

    def model(x: np.ndarray) -> np.ndarray:
        shapes.add(x.shape[1:])
        return x[:, 0]

    predict(model, small_cube(), features=["a"], input_dims={"lon": 8, "time": 3}).load()
    assert shapes == {(1, 8, 3)}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"input_dims": {"lat": 31}}, "input_dims.lat"),
        ({"input_dims": {"lat": 0}}, "input_dims.lat"),
        ({"input_dims": {"level": 3}}, "input_dims.level"),
        ({"input_dims": {"lat": 3}, "input_overlap": {"lat": 3}}, "input_overlap.lat"),
        ({"input_dims": {"lat": 3}, "input_overlap": {"lon": 1}}, "input_overlap.lon"),
        ({"input_dims": {"lat": 3}, "answers_at": {"lon": 1}}, "answers_at.lon"),
    ],
)
def test_windows_that_do_not_fit_are_refused(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        predict(identity, small_cube(), features=["a"], **wrong)
    assert caught.value.field == field


def test_an_answer_of_another_size_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="2400 values") as caught:
        predict(lambda x: x[:, 0, -1], small_cube(), features=["a"], input_dims={"time": 3}).load()
    assert "answers_at" in str(caught.value.hint)


def _with_gap(n: int, missing: slice) -> xr.Dataset:
    days = np.datetime64("2020-01-01", "ns") + np.arange(n) * np.timedelta64(1, "D")
    ds = xr.Dataset({"a": (("time", "x"), np.arange(2.0 * n).reshape(n, 2))}, {"time": days})
    return ds.isel(time=np.delete(np.arange(n), missing))


@given(
    n=st.integers(8, 30),
    first=st.integers(1, 28),
    lost=st.integers(1, 5),
    window=st.integers(1, 6),
    lead=st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_no_window_lies_across_a_gap_in_time(
    n: int, first: int, lost: int, window: int, lead: int
) -> None:
    ds = _with_gap(n, slice(min(first, n - lost - 1), min(first, n - lost - 1) + lost))
    if ds.sizes["time"] < window:
        return

    def earliest(x: np.ndarray) -> np.ndarray:
        return x[:, 0, 0]

    at = window - 1 + lead
    found = predict(earliest, ds, input_dims={"time": window}, answers_at={"time": at})
    # What lies `at` days before, where all days between are there.
    every = ds.reindex(time=np.arange(ds.time.values[0], ds.time.values[-1] + 1, 86_400 * 10**9))
    wanted = (
        every["a"].shift(time=at).where(every["a"].notnull().rolling(time=at + 1).sum() == at + 1)
    )
    xr.testing.assert_allclose(
        found.drop_attrs(), wanted.sel(time=ds.time).astype("float32").rename(found.name)
    )


def test_steps_are_counted_over_a_gap_where_that_is_asked_for() -> None:
    ds = _with_gap(12, slice(5, 7))
    tiles = {"input_dims": {"time": 4}}
    assert predict(identity, ds, **tiles, time_gaps="join").notnull().all()
    found = predict(identity, ds, **tiles)
    # Five days before the gap and five after it: windows of four cover both.
    assert found.notnull().all()
    short = predict(identity, ds, input_dims={"time": 6}, nan="pass")
    assert not short.notnull().any()
    with pytest.raises(InvalidInputError) as caught:
        predict(identity, ds, **tiles, time_gaps="over")
    assert caught.value.field == "time_gaps"
