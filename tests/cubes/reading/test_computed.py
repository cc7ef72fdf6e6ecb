"""Computed variables: what they share is read once for a box, and the values stay the same."""

from __future__ import annotations

import itertools
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.features.derive import derive
from jupyter_mlkit.cubes.features.inside import where_inside
from jupyter_mlkit.cubes.reading.chunks import Chunks
from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.scaling.scalers import StandardScaler
from jupyter_mlkit.errors import CubeError

from .conftest import CHUNKS, DIMS, SHAPE, numbers
from .test_remote import far

FEATURES = [
    "t",
    "t - 273.15",
    "t / p",
    "sqrt(t**2 + p**2)",
    "lag(t, '8D')",
    "lag(t, 2) + lag(p, '8D')",
    "t * height",
    "height / 2",
    "packed + t",
    "doy_sin * p",
    "where(t > 280, p, lat)",
    "fillna(t, 0) + isnan(p)",
]


@pytest.fixture(scope="module")
def stored_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("computed") / "cube.zarr"
    packed = numbers("f4", seed=3)
    cube = xr.Dataset(
        {
            "t": (DIMS, numbers("f4", seed=1)),
            "p": (DIMS, numbers("f8", seed=2)),
            "packed": (DIMS, packed),
            "height": (DIMS[1:], numbers("f4", seed=4, shape=SHAPE[1:])),
        },
        coords={
            "time": np.datetime64("2020-01-01", "ns") + 8 * np.arange(7) * np.timedelta64(1, "D"),
            "lat": np.linspace(50, 41, 10),
            "lon": np.linspace(0, 12, 13),
        },
    )
    cube.to_zarr(
        path,
        consolidated=False,
        encoding={
            **{name: {"chunks": CHUNKS} for name in ("t", "p")},
            "packed": {"chunks": CHUNKS, "dtype": "i2", "scale_factor": 0.01, "_FillValue": -1},
            "height": {"chunks": CHUNKS[1:]},
        },
    )
    return path


def cube_at(path: Path, **options: Any) -> xr.Dataset:
    return xr.open_dataset(path, engine="zarr", chunks=None, consolidated=False, **options)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, tuple[int, ...]]]]:
    """Every chunk that is decoded: the name of its array and its index."""
    found: list[tuple[str, tuple[int, ...]]] = []
    read = Chunks.read

    def counted(self: Chunks, index: tuple[int, ...], *rest: Any) -> None:
        found.append((self._array.name.lstrip("/"), index))
        read(self, index, *rest)

    get = zarr.Array.__getitem__

    def refuse(self: zarr.Array, key: Any) -> Any:
        values = get(self, key)
        assert self.ndim == 1 or values.size == 0, "read through zarr, where nobody counts"
        return values

    with monkeypatch.context() as patch:
        patch.setattr(Chunks, "read", counted)
        patch.setattr(zarr.Array, "__getitem__", refuse)
        yield found


def assert_same(ds: xr.Dataset, names: list[str], budget: int = 1) -> None:
    """Compare all boxes with what xarray computes for each variable by itself."""
    reader = SlabReader(ds, names, DIMS, budget=budget)
    boxes = reader.map(
        lambda slab, arrays: (slab, {name: arrays[name].copy() for name in names}), threads=2
    )
    for slab, arrays in boxes:
        for name in names:
            part = ds[name].isel(slab.slices, missing_dims="ignore")
            expected = part.transpose(*(dim for dim in DIMS if dim in part.dims)).values
            found = arrays[name].reshape(expected.shape)
            assert found.dtype == expected.dtype
            assert found.tobytes() == expected.tobytes(), name
            assert reader.read(name, slab).tobytes() == expected.tobytes(), name


def cut(data: st.DataObject, size: int) -> slice:
    ends = data.draw(st.tuples(st.integers(0, size), st.integers(0, size)))
    step = data.draw(st.sampled_from([1, 1, 2, -1]))
    low, high = min(ends), max(ends) + 1
    return slice(low, high, step) if step > 0 else slice(high - 1, low - 1 if low else None, step)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_values_are_those_that_xarray_computes(stored_at: Path, data: st.DataObject) -> None:
    ds = cube_at(stored_at, cache=data.draw(st.booleans()))
    if data.draw(st.booleans()):
        ds = ds.isel(lat=cut(data, 9), lon=cut(data, 12))
    names = data.draw(st.lists(st.sampled_from(FEATURES), min_size=1, max_size=5, unique=True))
    found = derive(ds, names)
    found = found.isel(time=cut(data, 6), lon=cut(data, found.sizes["lon"] - 1))
    if data.draw(st.booleans()):
        found = found.transpose("lon", "time", "lat")
    assert_same(found, names, data.draw(st.sampled_from([1, 1000, 10**6])))


def test_each_chunk_of_shared_inputs_is_decoded_once(
    stored_at: Path, decoded: list[tuple[str, tuple[int, ...]]]
) -> None:
    names = ["t", "t - 273.15", "t / p", "where(t > p, t, p)", "t * height"]
    reader = SlabReader(derive(cube_at(stored_at), names), names, DIMS, budget=1)
    assert len(list(reader.map(lambda slab, _: slab, threads=1))) == 27
    times = Counter(decoded)
    assert {name: {k for n, k in times if n == name} for name in ("t", "p")} == {
        name: set(np.ndindex(3, 3, 3)) for name in ("t", "p")
    }
    assert set(times.values()) == {1}
    # A static variable is read as a whole, once.
    assert sum(name == "height" for name, _ in decoded) == 9


def test_a_lag_decodes_only_the_chunks_of_earlier_times_besides(
    stored_at: Path, decoded: list[tuple[str, tuple[int, ...]]]
) -> None:
    """Boxes are chunks of three dates: one and two dates before lies the chunk before."""
    names = ["t", "lag(t, '8D')", "lag(t, 2)", "t - lag(t, '8D')"]
    reader = SlabReader(derive(cube_at(stored_at), names), names, DIMS, budget=1)
    for slab in reader:
        decoded.clear()
        list(reader.map(lambda *_: None, threads=1, order=[list(reader).index(slab)]))
        first = slab.slices["time"].start // 3
        rest = (slab.slices["lat"].start // 4, slab.slices["lon"].start // 5)
        needed = [("t", (k, *rest)) for k in range(max(0, first - 1), first + 1)]
        assert sorted(decoded) == needed


@pytest.mark.parametrize("names", [["t / p"], ["t", "t - 273.15"], ["lag(t, '8D')", "t"]])
def test_each_chunk_of_a_remote_store_is_fetched_once_a_box(
    stored_at: Path, names: list[str]
) -> None:
    store, ds = far(stored_at)
    reader = SlabReader(derive(ds, names), names, DIMS)
    assert len(reader) == 1
    store.got = []
    list(reader.map(lambda *_: None))
    assert len(store.got) == len(set(store.got)) == 27 * len({"t", *"".join(names)} & {"t", "p"})
    assert store.most > 1


def test_dask_fetches_what_expressions_share_once_a_box(stored_at: Path) -> None:
    store, ds = far(stored_at)
    names = ["t - 273.15", "t / p", "p * 2"]
    found = derive(ds.chunk(dict(zip(DIMS, CHUNKS, strict=True))), names)
    reader = SlabReader(found, names, DIMS, budget=1)
    assert len(reader) == 27
    store.got = []
    list(reader.map(lambda *_: None, threads=1))
    assert len(store.got) == len(set(store.got)) == 2 * 27


def test_regions_and_scalers_share_their_inputs_too(
    stored_at: Path, decoded: list[tuple[str, tuple[int, ...]]]
) -> None:
    ds = derive(cube_at(stored_at).drop_vars("packed"), ["t + p"])
    inside = xr.Variable(("lat", "lon"), np.arange(130).reshape(10, 13) % 3 > 0)
    masked = ds.assign({name: where_inside(ds[name], inside) for name in ("t", "p", "t + p")})
    masked = derive(masked, ["t - 273.15"])
    scaler = StandardScaler().fit(masked[["t", "t + p"]])
    scaled = masked.assign(scaler.transform(masked[["t", "t + p"]]).data_vars)
    decoded.clear()
    names = ["t", "p", "t + p", "t - 273.15"]
    reader = SlabReader(scaled, names, DIMS, budget=1)
    list(reader.map(lambda *_: None, threads=1))
    assert len(decoded) == len(set(decoded)) == 2 * 27


def test_boxes_meet_the_chunks_of_what_is_computed_from(stored_at: Path) -> None:
    crop = cube_at(stored_at).isel(time=slice(1, 7), lat=slice(2, 9))
    for ds in (derive(crop, ["t + p"]), derive(crop, ["t + p"]).isel(lat=slice(1, None))):
        reader = SlabReader(ds, ["t + p", "lat"], DIMS, budget=1)
        starts = {dim: sorted({slab.slices[dim].start for slab in reader}) for dim in DIMS}
        first = 4 - int(crop.sizes["lat"] - ds.sizes["lat"]) - 2
        assert starts == {"time": [0, 2, 5], "lat": [0, first, first + 4], "lon": [0, 5, 10]}


def test_dask_and_netcdf_cubes_give_the_same(stored_at: Path, tmp_path: Path) -> None:
    names = ["t", "t - 273.15", "lag(t, '8D') / p", "t * height"]
    expected = derive(cube_at(stored_at).load(), names)
    cube_at(stored_at).load().drop_encoding().to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    for ds in (
        xr.open_zarr(stored_at, consolidated=False),
        xr.open_dataset(tmp_path / "cube.nc", engine="h5netcdf", cache=False),
    ):
        found = derive(ds, names)
        assert_same(found, names, budget=4000)
        xr.testing.assert_equal(found[names].compute(), expected[names])


def test_memory_of_a_box_is_side_by_side(stored_at: Path) -> None:
    names = ["t", "t - 273.15", "lag(t, '8D')"]
    reader = SlabReader(derive(cube_at(stored_at), names), names, DIMS, budget=1)

    def gaps(_: Any, arrays: dict[str, np.ndarray]) -> list[int]:
        starts = [arrays[name].ctypes.data for name in names]
        return [b - a - arrays[names[0]].nbytes for a, b in itertools.pairwise(starts)]

    assert all(0 <= gap < 64 for found in reader.map(gaps) for gap in found)


def test_a_reader_of_computed_variables_can_be_pickled(stored_at: Path) -> None:
    names = ["t / p", "t * height", "lag(t, '8D')"]
    reader = SlabReader(derive(cube_at(stored_at), names), names, DIMS, budget=1)
    again = pickle.loads(pickle.dumps(reader))
    for slab in reader:
        for name in names:
            assert again.read(name, slab).tobytes() == reader.read(name, slab).tobytes()


def test_a_broken_chunk_is_named_by_what_is_stored(stored_at: Path, tmp_path: Path) -> None:
    cube_at(stored_at)[["t"]].to_zarr(tmp_path / "broken.zarr", consolidated=False)
    (tmp_path / "broken.zarr" / "t" / "c" / "1" / "0" / "2").write_bytes(b"\x00" * 7)
    names = ["t - 273.15"]
    reader = SlabReader(derive(cube_at(tmp_path / "broken.zarr"), names), names, DIMS)
    with pytest.raises(CubeError, match=r"Chunk \(time 1, lat 0, lon 2\) of 't'") as caught:
        list(reader.map(lambda *_: None))
    assert caught.value.code == "unreadable_chunk"
