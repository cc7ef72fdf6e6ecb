"""Predictions land on the grid that they came from, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import ConflictError, CubeError, InvalidInputError

from ..made import small_cube


def identity(x: np.ndarray) -> np.ndarray:
    return x[:, 0]


def short(x: np.ndarray) -> np.ndarray:
    return x[:3, 0]


@given(
    order=st.permutations(["time", "lat", "lon"]),
    chunks=st.tuples(st.integers(1, 6), st.integers(7, 30), st.integers(9, 40)),
    zarr_format=st.sampled_from([2, 3]),
    ascending=st.booleans(),
)
@settings(max_examples=10, deadline=None)
def test_identity_round_trip_is_bit_equal(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[str],
    chunks: tuple[int, int, int],
    zarr_format: Any,
    ascending: bool,
) -> None:
    folder = tmp_path_factory.mktemp("round")
    ds = small_cube().transpose(*order)
    if ascending:
        ds = ds.isel(lat=slice(None, None, -1))
    size = dict(zip(("time", "lat", "lon"), chunks, strict=True))
    coding = {"b": {"chunks": tuple(size[dim] for dim in order)}}
    ds.to_zarr(folder / "c.zarr", zarr_format=zarr_format, consolidated=False, encoding=coding)
    source = open_cube(str(folder / "c.zarr"))
    predict(identity, source, path=folder / "p.zarr", features=["b"], name="b2")
    found = open_cube(str(folder / "p.zarr"))
    assert found.b2.dims == source.b.dims
    assert found.b2.encoding["chunks"] == source.b.encoding["chunks"]
    assert found.b2.values.tobytes() == source.b.values.tobytes()
    for dim in order:
        xr.testing.assert_identical(found[dim].drop_vars(found[dim].coords),
                                    source[dim].drop_vars(source[dim].coords))  # fmt: skip


def test_gaps_of_any_feature_stay_gaps(tmp_path: Path) -> None:
    ds = small_cube()
    seen: list[bool] = []

    def model(x: np.ndarray) -> np.ndarray:
        seen.append(bool(np.isfinite(x).all()) and x.dtype == np.float32)
        return x.sum(axis=1)

    predict(model, ds, path=tmp_path / "p.zarr", features=["height", "b"], name="p",
                           attrs={"units": "K", "mlkit.run_id": "r1"})  # fmt: skip
    found = open_cube(str(tmp_path / "p.zarr"))
    wanted = (ds.height + ds.b).transpose(*ds.b.dims)
    np.testing.assert_array_equal(found.p.values, wanted.values)
    assert found.p.dims == ds.b.dims
    assert all(seen)
    assert found.p.attrs["units"] == "K"
    assert found.p.attrs["mlkit.run_id"] == found.attrs["mlkit.run_id"] == "r1"


def test_a_static_feature_can_fill_a_given_grid(tmp_path: Path) -> None:
    ds = small_cube()
    predict(identity, ds, path=tmp_path / "p.zarr", features=["height"], name="p",
        dims=["time", "lat", "lon"],
    )  # fmt: skip
    found = open_cube(str(tmp_path / "p.zarr")).p
    assert found.shape == found.encoding["chunks"] == (6, 30, 40)
    np.testing.assert_array_equal(found.isel(time=3), ds.height)


def test_bounds_and_grid_mapping_go_along(tmp_path: Path) -> None:
    ds = small_cube()
    edges = np.stack([ds.lat + 0.5, ds.lat - 0.5], axis=1)
    ds = ds.assign_coords(lat_bnds=(("lat", "bnds"), edges), crs=0)
    ds["crs"].attrs["grid_mapping_name"] = "latitude_longitude"
    ds["b"].attrs["grid_mapping"] = "crs"
    ds["lat"].attrs["bounds"] = "lat_bnds"
    ds.to_zarr(tmp_path / "c.zarr", zarr_format=2)
    source = open_cube(str(tmp_path / "c.zarr"))
    predict(identity, source, path=tmp_path / "p.zarr", features=["b"], name="p")
    found = open_cube(str(tmp_path / "p.zarr"))
    assert {"lat_bnds", "crs"} <= set(found.coords)
    assert found.p.encoding["grid_mapping"] == "crs"
    assert found.crs.attrs["grid_mapping_name"] == "latitude_longitude"
    np.testing.assert_array_equal(found.lat_bnds, edges)
    assert found.lat.encoding["bounds"] == "lat_bnds"
    assert list(found.data_vars) == ["p"]


def test_stock_zarr_and_xarray_read_it(tmp_path: Path) -> None:
    predict(identity, small_cube(), path=tmp_path / "p.zarr", features=["a"], name="p")
    with xr.open_zarr(tmp_path / "p.zarr", consolidated=True) as found:
        np.testing.assert_array_equal(found.p.values, small_cube().a.values)


def test_progress_reaches_one(tmp_path: Path) -> None:
    told: list[float] = []
    predict(
        identity,
        small_cube(),
        path=tmp_path / "p.zarr",
        features=["a"],
        name="p",
        progress=told.append,
    )
    assert told[-1] == 1
    assert told == sorted(told)


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    def broken(x: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    path = tmp_path / "p.zarr"
    with pytest.raises(KeyboardInterrupt):
        predict(broken, small_cube(), path=path, features=["a"], name="p")
    assert not list(tmp_path.iterdir())
    predict(identity, small_cube(), path=path, features=["a"], name="p")
    with pytest.raises(InvalidInputError):
        predict(short, small_cube(), path=path, features=["a"], name="p", overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zarr"]
    np.testing.assert_array_equal(open_cube(str(path)).p, small_cube().a)
    with pytest.raises(ConflictError) as caught:
        predict(identity, small_cube(), path=path, features=["a"], name="p")
    assert caught.value.code == "already_exists"
    # A wrong model leaves nothing, though another try with it would find its stage.
    named = {"mlkit_model_uri": "models:/short/1"}
    with pytest.raises(InvalidInputError):
        predict(short, small_cube(), path=tmp_path / "q.zarr", features=["a"], attrs=named)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zarr"]


def test_replacing_a_cube_leaves_only_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "p.zarr"
    predict(identity, small_cube(), path=path, features=["a"], name="p")
    found = predict(identity, small_cube(), path=path, features=["b"], name="p", overwrite=True)
    np.testing.assert_array_equal(found, small_cube().b)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zarr"]


@pytest.mark.parametrize("size", [0, 1])
def test_a_dim_may_have_few_cells_or_none(tmp_path: Path, size: int) -> None:
    ds = small_cube().isel(time=slice(0, size))
    found = predict(identity, ds, path=tmp_path / "p.zarr", features=["a"], name="p")
    np.testing.assert_array_equal(found, ds.a)
    np.testing.assert_array_equal(predict(identity, ds, features=["a"]), ds.a)


def test_a_cube_without_coordinates_and_with_odd_dims(tmp_path: Path) -> None:
    ds = xr.Dataset({"v": (("member", "cell"), np.arange(12, dtype="float64").reshape(3, 4))})
    found = predict(lambda x: x[:, 0] + 1, ds, path=tmp_path / "p.zarr", name="p")
    np.testing.assert_array_equal(found, ds.v + 1)
    assert not found.coords


def test_packed_integers_are_decoded_before_the_model(tmp_path: Path) -> None:
    ds = small_cube()[["b"]]
    packing = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768}
    ds.to_zarr(tmp_path / "c.zarr", encoding={"b": packing}, zarr_format=2)
    source = open_cube(str(tmp_path / "c.zarr"))
    found = predict(identity, source, path=tmp_path / "p.zarr", name="p")
    np.testing.assert_array_equal(found, source.b.astype("float32"))
    assert found.dtype == np.float32
    assert "scale_factor" not in found.encoding


def test_two_dimensional_coordinates_and_a_plain_crs_go_along(tmp_path: Path) -> None:
    rows, cols = np.meshgrid(np.arange(5.0), np.arange(7.0), indexing="ij")
    ds = xr.Dataset(
        {"v": (("y", "x"), rows + cols, {"grid_mapping": "crs"}), "crs": ((), 0, {"epsg": 3035})},
        coords={"lat": (("y", "x"), 50 + rows), "lon": (("y", "x"), 8 + cols)},
    )
    predict(identity, ds, path=tmp_path / "p.zarr", features=["v"], name="p")
    found = open_cube(str(tmp_path / "p.zarr"))
    np.testing.assert_array_equal(found.p.lat, ds.lat)
    assert found.crs.attrs["epsg"] == 3035
    assert found.p.encoding["grid_mapping"] == "crs"
    with xr.open_zarr(tmp_path / "p.zarr", decode_cf=False) as raw:
        assert raw.p.attrs["coordinates"] == "lat lon"


def _slices(size: int) -> st.SearchStrategy[slice]:
    # xarray itself fails on an empty slice that runs backwards.
    return st.slices(size).filter(lambda one: len(range(size)[one]) > 0)


@given(
    order=st.permutations(["time", "lat", "lon"]),
    key=st.tuples(
        _slices(6), st.one_of(st.integers(-30, 29), _slices(30)), st.lists(st.integers(0, 39))
    ),
    chunked=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_what_is_computed_when_read_is_what_would_be_written(
    order: list[str], key: tuple[Any, ...], chunked: bool
) -> None:
    ds = small_cube()[["b", "height"]]
    wanted = (ds.b + ds.height).transpose(*order)
    ds = ds.transpose(*order)
    if chunked:
        ds = ds.chunk({"time": 4, "lat": 7, "lon": 40})
    found = predict(lambda x: x.sum(axis=1), ds, features=["b", "height"])
    assert (found.chunks is not None) == chunked
    assert found.dims == wanted.dims
    pick = dict(zip(["time", "lat", "lon"], key, strict=True))
    np.testing.assert_array_equal(found.isel(pick).values, wanted.isel(pick).values)


def test_nothing_is_computed_before_it_is_read() -> None:
    calls: list[int] = []

    def counted(x: np.ndarray) -> np.ndarray:
        calls.append(len(x))
        return x[:, 0]

    for ds in (small_cube(), small_cube().chunk({"lat": 10})):
        found = predict(counted, ds, features=["a"], name="p", attrs={"units": "K"})
        assert not calls
        assert found.attrs == {"units": "K"}
        assert found.name == "p"
        np.testing.assert_array_equal(found.isel(time=2), ds.a.isel(time=2))
        assert sum(calls) <= ds.a.size
        calls.clear()


def test_what_is_lazy_can_be_stored_by_xarray(tmp_path: Path) -> None:
    ds = small_cube().chunk({"time": 3, "lat": 10})
    predict(identity, ds, features=["b"], name="p").to_dataset().to_zarr(tmp_path / "p.zarr")
    with xr.open_zarr(tmp_path / "p.zarr") as found:
        np.testing.assert_array_equal(found.p, ds.b)


def test_gaps_are_passed_on_or_filled_where_asked() -> None:
    ds = small_cube()
    some = ds.b.notnull() | ds.height.notnull()
    summed = predict(lambda x: np.nansum(x, axis=1), ds, features=["b", "height"], nan="pass")
    wanted = (ds.b.fillna(0) + ds.height.fillna(0)).where(some)
    np.testing.assert_allclose(summed, wanted.transpose(*ds.b.dims), rtol=1e-6)
    filled = predict(lambda x: x[:, 0], ds, features=["b", "height"], nan=-5.0)
    np.testing.assert_array_equal(filled, ds.b.fillna(-5).where(some).transpose(*ds.b.dims))


def test_a_scaler_is_applied_before_and_undone_after() -> None:
    class Constants:
        def constants(self) -> dict[str, tuple[float, float]]:
            return {"a": (280.0, 10.0), "b": (5.0, 2.0)}

    seen: list[float] = []

    def model(x: np.ndarray) -> np.ndarray:
        seen.append(float(np.abs(x).max()))
        return x[:, 0]

    ds = small_cube()
    found = predict(model, ds, features=["a"], name="b", scaler=Constants()).load()
    assert max(seen) < 10
    np.testing.assert_allclose(found, (ds.a - 280) / 10 * 2 + 5, rtol=1e-5)
    with pytest.raises(InvalidInputError) as caught:
        predict(model, ds, features=["height"], scaler=Constants())
    assert caught.value.field == "scaler"


def test_features_may_be_computed(tmp_path: Path) -> None:
    small_cube().to_zarr(tmp_path / "c.zarr", zarr_format=2)
    ds = open_cube(str(tmp_path / "c.zarr"))
    named = {"mlkit_model_uri": "models:/m/1"}
    for cube in (ds, ds.chunk(lat=10)):
        found = predict(
            lambda x: x.sum(axis=1), cube, features=["a", "a - height"], name="p", attrs=named,
            path=tmp_path / "p.zarr", overwrite=True,
        )  # fmt: skip
        np.testing.assert_allclose(found, 2 * ds.a - ds.height, rtol=1e-5)
        lazy = predict(lambda x: x.sum(axis=1), cube, features=["a", "a - height"])
        np.testing.assert_array_equal(lazy, found)


def test_an_unreadable_chunk_is_named(tmp_path: Path) -> None:
    coding = {"a": {"chunks": (3, 30, 40)}}
    small_cube()[["a"]].to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding=coding)
    (tmp_path / "c.zarr" / "a" / "1.0.0").write_bytes(b"broken")
    source = open_cube(str(tmp_path / "c.zarr"))
    with pytest.raises(CubeError, match=r"time 1.*'a'") as caught:
        predict(identity, source, path=tmp_path / "p.zarr", name="p")
    assert caught.value.code == "unreadable_chunk"
    assert not (tmp_path / "p.zarr").exists()


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(CubeError) as unknown:
        predict(identity, small_cube(), path=tmp_path / "p.zarr", features=["A"], name="p")
    assert (unknown.value.code, unknown.value.field) == ("unknown_variable", "features")
    with pytest.raises(CubeError):
        predict(
            identity, small_cube(), path=tmp_path / "p.zarr", features=["a"], name="p", dims=["lat"]
        )
    with pytest.raises(InvalidInputError):
        predict(identity, small_cube(), path=tmp_path / "p.zarr", features=[], name="p")
    for wrong in ({"dtype": "int16"}, {"nan": "drop"}, {"blend": "mean"}, {"part": (2, 2)}):
        with pytest.raises(InvalidInputError) as caught:
            predict(identity, small_cube(), path=tmp_path / "p.zarr", features=["a"], **wrong)  # type: ignore[call-overload]
        assert caught.value.field == next(iter(wrong))
    with pytest.raises(InvalidInputError) as caught:
        predict(3, small_cube(), features=["a"])
    assert caught.value.code == "not_a_model"
    with pytest.raises(InvalidInputError, match="numbers"):
        predict(lambda x: np.full(len(x), "a"), small_cube(), features=["a"]).load()
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InvalidInputError) as caught:
        predict(identity, small_cube(), path=blocked / "p.zarr", features=["a"], name="p")
    assert caught.value.code == "not_writable"
