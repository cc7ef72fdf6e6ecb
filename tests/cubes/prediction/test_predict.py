"""Predictions land on the grid that they came from, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.prediction.predict import predict_to_zarr
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import ConflictError, CubeError, InvalidInputError

from ..made import small_cube


def identity(x: np.ndarray) -> np.ndarray:
    return x[:, 0]


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
    path = predict_to_zarr(identity, source, folder / "p.zarr", features=["b"], name="b2")
    found = open_cube(str(path))
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

    path = predict_to_zarr(model, ds, tmp_path / "p.zarr", features=["height", "b"], name="p",
                           attrs={"units": "K", "mlkit.run_id": "r1"})  # fmt: skip
    found = open_cube(str(path))
    wanted = (ds.height + ds.b).transpose(*ds.b.dims)
    np.testing.assert_array_equal(found.p.values, wanted.values)
    assert found.p.dims == ds.b.dims
    assert all(seen)
    assert found.p.attrs["units"] == "K"
    assert found.p.attrs["mlkit.run_id"] == found.attrs["mlkit.run_id"] == "r1"


def test_a_static_feature_can_fill_a_given_grid(tmp_path: Path) -> None:
    ds = small_cube()
    path = predict_to_zarr(
        identity, ds, tmp_path / "p.zarr", features=["height"], name="p",
        dims=["time", "lat", "lon"],
    )  # fmt: skip
    found = open_cube(str(path)).p
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
    path = predict_to_zarr(identity, source, tmp_path / "p.zarr", features=["b"], name="p")
    found = open_cube(str(path))
    assert {"lat_bnds", "crs"} <= set(found.coords)
    assert found.p.encoding["grid_mapping"] == "crs"
    assert found.crs.attrs["grid_mapping_name"] == "latitude_longitude"
    np.testing.assert_array_equal(found.lat_bnds, edges)
    assert found.lat.encoding["bounds"] == "lat_bnds"
    assert list(found.data_vars) == ["p"]


def test_stock_zarr_and_xarray_read_it(tmp_path: Path) -> None:
    path = predict_to_zarr(identity, small_cube(), tmp_path / "p.zarr", features=["a"], name="p")
    with xr.open_zarr(path, consolidated=True) as found:
        np.testing.assert_array_equal(found.p.values, small_cube().a.values)


def test_progress_reaches_one(tmp_path: Path) -> None:
    told: list[float] = []
    predict_to_zarr(
        identity, small_cube(), tmp_path / "p.zarr", features=["a"], name="p", progress=told.append
    )
    assert told[-1] == 1
    assert told == sorted(told)


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    def broken(x: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_to_zarr(broken, small_cube(), tmp_path / "p.zarr", features=["a"], name="p")
    assert not list(tmp_path.iterdir())
    path = predict_to_zarr(identity, small_cube(), tmp_path / "p.zarr", features=["a"], name="p")
    with pytest.raises(InvalidInputError):
        predict_to_zarr(
            lambda x: x[:3, 0], small_cube(), path, features=["a"], name="p", overwrite=True
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zarr"]
    np.testing.assert_array_equal(open_cube(str(path)).p, small_cube().a)
    with pytest.raises(ConflictError) as caught:
        predict_to_zarr(identity, small_cube(), path, features=["a"], name="p")
    assert caught.value.code == "already_exists"


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(CubeError) as unknown:
        predict_to_zarr(identity, small_cube(), tmp_path / "p.zarr", features=["A"], name="p")
    assert (unknown.value.code, unknown.value.field) == ("unknown_variable", "features")
    with pytest.raises(CubeError):
        predict_to_zarr(
            identity, small_cube(), tmp_path / "p.zarr", features=["a"], name="p", dims=["lat"]
        )
    with pytest.raises(InvalidInputError):
        predict_to_zarr(identity, small_cube(), tmp_path / "p.zarr", features=[], name="p")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InvalidInputError) as caught:
        predict_to_zarr(identity, small_cube(), blocked / "p.zarr", features=["a"], name="p")
    assert caught.value.code == "not_writable"
