"""What is read is what xarray reads, to the bit, however it is stored and selected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, TransposeCodec, ZstdCodec

from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.reading.stored import stored

from .conftest import CHUNKS, DIMS, SHAPE, Writer, numbers, opened

DTYPES = ["f4", "f8", "f2", "i1", "u1", "i2", "u2", "i4", "i8", "bool", "c8"]


def read(ds: xr.Dataset, name: str = "a", **options: Any) -> np.ndarray:
    """Put the variable together from slabs; `map` and `read` have to agree."""
    dims = [str(dim) for dim in ds[name].dims]
    reader = SlabReader(ds, [name], dims, **options)
    whole = np.empty(ds[name].shape, ds[name].dtype)
    filled = np.zeros(ds[name].shape, int)
    boxes = list(reader.map(lambda slab, arrays: (slab, arrays[name].copy()), threads=2))
    assert [slab for slab, _ in boxes] == list(reader)
    for slab, values in boxes:
        assert values.flags.c_contiguous
        box = tuple(slab.slices[dim] for dim in dims)
        assert_equal_bits(values, reader.read(name, slab))
        whole[box] = values
        filled[box] += 1
    assert (filled == 1).all()
    return whole


def assert_equal_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if expected.dtype.hasobject:
        assert repr(found.tolist()) == repr(expected.tolist())  # NaN is NaN
    else:
        assert found.tobytes() == expected.tobytes()


def assert_same(ds: xr.Dataset, name: str = "a", **options: Any) -> None:
    assert_equal_bits(read(ds, name, **options), ds[name].values)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_every_dtype(written: Writer, dtype: str, zarr_format: int) -> None:
    ds = opened(written(numbers(dtype), zarr_format=zarr_format))
    assert stored(ds.a) is not None
    assert_same(ds)
    assert_same(ds, budget=1)


@pytest.mark.parametrize(
    "codecs",
    [
        None,
        ZstdCodec(level=3, checksum=True),
        BloscCodec(cname="lz4", shuffle="bitshuffle"),
        BloscCodec(cname="zstd"),
        GzipCodec(),
    ],
    ids=["none", "zstd", "blosc-lz4", "blosc-zstd", "gzip"],
)
def test_every_compressor_of_format_3(written: Writer, codecs: Any) -> None:
    assert_same(opened(written(numbers("f4"), compressors=codecs)))


@pytest.mark.parametrize(
    "compressor",
    [
        None,
        numcodecs.Zstd(),
        numcodecs.Blosc("lz4"),
        numcodecs.Zlib(),
        numcodecs.GZip(),
        numcodecs.LZ4(),
        numcodecs.BZ2(),
    ],
    ids=str,
)
def test_every_compressor_of_format_2(written: Writer, compressor: Any) -> None:
    assert_same(opened(written(numbers("f4"), zarr_format=2, compressors=compressor)))


def test_what_only_zarr_decodes(written: Writer, tmp_path: Path) -> None:
    values = numbers("f4")
    assert_same(opened(written(values, zarr_format=2, order="F", name="f-order")))
    shuffled = [numcodecs.Shuffle(4)]
    assert_same(opened(written(values, zarr_format=2, filters=shuffled, name="filtered")))
    big = BytesCodec(endian="big")
    assert_same(opened(written(values, serializer=big, name="big-endian")))
    assert_same(opened(written(values.astype(">f4"), zarr_format=2, name="big-endian-2")))
    turned = [TransposeCodec(order=(2, 0, 1))]
    assert_same(opened(written(values, filters=turned, name="transposed")))
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("inner", [None, ZstdCodec(), BloscCodec()], ids=["none", "zstd", "blosc"])
@pytest.mark.parametrize("place", ["start", "end"])
def test_shards(tmp_path: Path, inner: Any, place: Any) -> None:
    group = zarr.open_group(tmp_path / "s.zarr", mode="w")
    codec = zarr.codecs.ShardingCodec(
        chunk_shape=CHUNKS,
        codecs=[BytesCodec(), *([inner] if inner else [])],
        index_location=place,
    )
    array = group.create_array(
        "a",
        shape=SHAPE,
        chunks=(6, 8, 10),
        dtype="f4",
        serializer=codec,
        compressors=None,
        fill_value=np.nan,
        dimension_names=DIMS,
    )
    values = numbers("f4")
    values[3:6, 4:8, :5] = np.nan  # an inner chunk that is not stored
    values[6:] = np.nan  # shards that are not stored
    array[...] = values
    assert not (tmp_path / "s.zarr" / "a" / "c" / "1").exists()
    ds = opened(tmp_path / "s.zarr")
    assert_same(ds)
    assert_same(ds.isel(time=slice(1, 5), lon=slice(3, 12)))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    ("dtype", "coding"),
    [
        ("i2", {"scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -999}),
        ("i2", {"scale_factor": 0.5}),
        ("u1", {"_FillValue": 255}),
        ("i1", {"_Unsigned": "true", "_FillValue": -1}),
        ("f4", {"_FillValue": -999.0}),
        ("f4", {"_FillValue": 1e20, "scale_factor": 2.0}),
        ("i4", {"units": "days since 2000-01-01"}),
        ("i4", {"units": "days since 2000-01-01", "calendar": "360_day"}),
        ("i4", {"units": "hours"}),
        ("i1", {"dtype": "bool"}),
    ],
)
def test_packed_masked_and_coded(
    written: Writer, dtype: str, coding: dict[str, Any], zarr_format: int
) -> None:
    values = numbers(dtype)
    if "units" in coding:
        values = np.abs(values % 10_000)
    missing = coding.get("_FillValue", coding.get("missing_value"))
    if missing is not None:
        values[::2, 1::3] = missing
    if zarr_format == 3 and "_FillValue" in coding:
        kept = {key: value for key, value in coding.items() if key != "_FillValue"}
        path = written(values, attrs=kept, fill_value=coding["_FillValue"])
        ds = opened(path, use_zarr_fill_value_as_mask=True, decode_timedelta=True)
    else:
        path = written(values, attrs=coding, zarr_format=zarr_format)
        ds = opened(path, decode_timedelta=True)
    assert stored(ds.a) is not None
    assert_same(ds)
    assert_same(ds.isel(time=slice(2, None, 2), lat=[5, 1, 1]))


@pytest.mark.parametrize("fill", [0.0, np.nan, -7.0])
def test_a_chunk_that_is_not_stored_is_fill(written: Writer, fill: float) -> None:
    values = numbers("f4")
    values[3:6, 4:8, 5:10] = fill
    path = written(values, fill_value=fill)
    assert not (path / "a" / "c" / "1" / "1" / "1").exists()
    assert_same(opened(path))


def test_no_fill_value_in_format_2(written: Writer) -> None:
    path = written(numbers("f4"), zarr_format=2, fill_value=None)
    (path / "a" / "1.1.1").unlink()
    assert_same(opened(path))


_SIZES = dict(zip(DIMS, SHAPE, strict=True))


@st.composite
def selections(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for dim in draw(st.lists(st.sampled_from(DIMS), unique=True)):
        size = _SIZES[dim]
        place = st.integers(0, size - 1)
        found[dim] = draw(
            st.one_of(
                place,
                st.slices(size),
                st.lists(place, min_size=1, max_size=2 * size).map(np.array),
            )
        )
    return found


@given(
    picked=selections(),
    again=selections(),
    order=st.permutations(DIMS),
    budget=st.sampled_from([1, 300, 1 << 24]),
)
@settings(max_examples=80, deadline=None)
def test_any_selection_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    picked: dict[str, Any],
    again: dict[str, Any],
    order: list[str],
    budget: int,
) -> None:
    ds, loaded = (each.isel(picked) for each in _kept(tmp_path_factory))
    left = {dim: kept for dim, kept in again.items() if dim in ds.dims}
    valid = {dim: kept for dim, kept in left.items() if _fits(kept, ds.sizes[dim])}
    ds, loaded = ds.isel(valid), loaded.isel(valid)
    assert stored(ds.a) is not None
    assert_equal_bits(read(ds, budget=budget), loaded.a.values)
    dims = [dim for dim in order if dim in ds.dims]
    reader = SlabReader(ds, ["a"], dims, budget=budget)
    whole = loaded.a.transpose(*dims).values
    for slab in reader:
        np.testing.assert_array_equal(reader.read("a", slab), whole[tuple(slab.slices.values())])


def _fits(kept: Any, size: int) -> bool:
    return isinstance(kept, slice) or (size > 0 and int(np.max(kept)) < size)


_STORE: list[xr.Dataset] = []


def _kept(factory: pytest.TempPathFactory) -> list[xr.Dataset]:
    """Return one packed cube, lazy and loaded, for all examples."""
    if not _STORE:
        path = factory.mktemp("kept") / "cube.zarr"
        values = xr.DataArray(numbers("f4"), dims=DIMS, name="a").to_dataset()
        encoding = {"dtype": "i2", "scale_factor": 0.1, "_FillValue": -1, "chunks": CHUNKS}
        values.to_zarr(path, encoding={"a": encoding}, consolidated=False)
        _STORE.extend([opened(path), opened(path).load()])
    return _STORE


@pytest.mark.parametrize("order", [("lon", "time", "lat"), ("lat", "lon", "time")])
def test_lazily_transposed(written: Writer, order: tuple[str, ...]) -> None:
    ds = opened(written(numbers("f4"))).transpose(*order)
    assert stored(ds.a) is not None
    assert_same(ds, budget=1)
    assert_same(ds.isel(lat=slice(3, 4)).transpose(*DIMS))


def test_dask_in_memory_and_netcdf(written: Writer, tmp_path: Path) -> None:
    path = written(numbers("f4"))
    plain = xr.open_zarr(path, consolidated=False)
    assert stored(plain.a) is not None
    assert_same(plain)
    rechunked = plain.chunk({"time": 2, "lat": 10})
    assert stored(rechunked.a) is not None
    assert_same(rechunked)
    for computed in (plain.isel(lat=slice(1, 9)), plain + 1, plain.transpose(*DIMS[::-1])):
        assert stored(computed.a) is None
        assert_same(computed)
    loaded = opened(path).load()
    assert stored(loaded.a) is None
    assert_same(loaded)
    assert_same(loaded.transpose(*DIMS[::-1]))
    loaded.to_netcdf(tmp_path / "c.nc")
    with xr.open_dataset(tmp_path / "c.nc", cache=False) as ds:
        assert stored(ds.a) is None
        assert_same(ds)


def test_renamed_cached_and_remade_variables_are_still_seen(written: Writer) -> None:
    ds = xr.open_dataset(written(numbers("f4")), engine="zarr", chunks=None, consolidated=False)
    assert stored(ds.a) is not None
    renamed = ds.rename({"a": "b", "lat": "y"})
    assert stored(renamed.b) is not None
    assert_same(renamed, "b")
    ds.a.load()
    assert stored(ds.a) is None
    assert_same(ds)


def test_text_and_objects(tmp_path: Path) -> None:
    words = np.array(["sea", "land", "", "île"])
    ds = xr.Dataset({"a": ("x", words), "o": ("x", words.astype(object))})
    assert_same(ds)
    assert_same(ds, "o")
    ds.to_netcdf(tmp_path / "t.nc")
    with xr.open_dataset(tmp_path / "t.nc") as found:
        assert_same(found)


def test_static_variables_have_size_one_along_the_dims_they_lack(written: Writer) -> None:
    ds = opened(written(numbers("f4")))
    height = xr.DataArray(np.arange(10.0), dims="lat")
    level = xr.DataArray(5.0)
    reader = SlabReader(ds.assign(h=height, level=level), ["a", "h", "level"], DIMS, budget=1)
    for slab, arrays in reader.map(lambda slab, arrays: (slab, {**arrays}), threads=1):
        rows = slab.slices["lat"]
        assert arrays["h"].shape == (1, rows.stop - rows.start, 1)
        assert arrays["level"].shape == (1, 1, 1)
        np.testing.assert_array_equal(reader.read("h", slab)[0, :, 0], height[rows])
        assert reader.read("level", slab).item() == 5


def test_a_group_opened_by_its_file_address(written: Writer) -> None:
    path = written(numbers("f4"))
    assert_same(opened(f"file://{path}"))
    assert_same(xr.open_zarr(zarr.storage.MemoryStore(_copied(path)), consolidated=False))


def _copied(path: Path) -> dict[str, Any]:
    from zarr.core.buffer import default_buffer_prototype

    make = default_buffer_prototype().buffer.from_bytes
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): make(file.read_bytes()) for file in files}


def test_zero_sizes(written: Writer) -> None:
    ds = opened(written(numbers("f4"))).isel(lat=slice(0, 0))
    assert len(SlabReader(ds, ["a"], DIMS)) == 0
    assert_same(ds)
