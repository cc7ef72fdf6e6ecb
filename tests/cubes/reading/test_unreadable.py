"""A damaged chunk is named with its variable and index, and never read as something else."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, ZstdCodec

from jupyter_mlkit.cubes.reading.codec import zstd_size
from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.errors import CubeError

from .conftest import CHUNKS, DIMS, SHAPE, Writer, numbers, opened

V3 = {"none": None, "zstd": ZstdCodec(), "blosc": BloscCodec(cname="lz4"), "gzip": GzipCodec()}
V2 = {"none": None, "zstd": numcodecs.Zstd(), "blosc": numcodecs.Blosc(), "zlib": numcodecs.Zlib()}
CASES = [(3, name) for name in V3] + [(2, name) for name in V2]


def damaged(path: Path, file: Path, data: bytes) -> CubeError:
    file.write_bytes(data)
    ds = opened(path)
    reader = SlabReader(ds, ["a"], DIMS, budget=1)
    with pytest.raises(CubeError) as caught:
        list(reader.map(lambda *_: None))
    with pytest.raises(CubeError) as again:
        list(map(partial(reader.read, "a"), reader))
    assert again.value.message == caught.value.message
    # The rest of the cube can still be read.
    elsewhere = SlabReader(ds.isel(time=slice(3)), ["a"], DIMS)
    assert len(list(elsewhere.map(lambda *_: None))) == len(elsewhere)
    return caught.value


@pytest.mark.parametrize(("zarr_format", "codec"), CASES)
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_truncated(written: Writer, zarr_format: int, codec: str, kept: float) -> None:
    compressor: Any = V3[codec] if zarr_format == 3 else V2[codec]
    path = written(numbers("f4"), zarr_format=zarr_format, compressors=compressor)
    file = path / "a" / ("c/1/2/0" if zarr_format == 3 else "1.2.0")
    data = file.read_bytes()
    error = damaged(path, file, data[: int(kept * len(data))])
    assert error.code == "unreadable_chunk"
    assert "Chunk (time 1, lat 2, lon 0) of 'a'" in error.message
    assert error.hint


@pytest.mark.parametrize(("zarr_format", "codec"), CASES)
def test_of_another_size(written: Writer, zarr_format: int, codec: str) -> None:
    """Bytes that decode well, to fewer numbers than a chunk has."""
    compressor: Any = V3[codec] if zarr_format == 3 else V2[codec]
    path = written(numbers("f4"), zarr_format=zarr_format, compressors=compressor)
    small = numbers("f4", shape=(3, 2, 5))
    other = written(
        small, zarr_format=zarr_format, compressors=compressor, chunks=(3, 2, 5), name="other"
    )
    name = "c/1/2/0" if zarr_format == 3 else "1.2.0"
    first = "c/0/0/0" if zarr_format == 3 else "0.0.0"
    error = damaged(path, path / "a" / name, (other / "a" / first).read_bytes())
    assert "Chunk (time 1, lat 2, lon 0) of 'a'" in error.message


@pytest.mark.parametrize("codec", ["zstd", "blosc", "gzip"])
def test_noise(written: Writer, codec: str) -> None:
    path = written(numbers("f4"), compressors=V3[codec])
    error = damaged(path, path / "a" / "c" / "2" / "1" / "1", os.urandom(300))
    assert "Chunk (time 2, lat 1, lon 1) of 'a'" in error.message


@pytest.mark.parametrize("cut", [1, 5, 400])
def test_cut_off_shard(tmp_path: Path, cut: int) -> None:
    group = zarr.open_group(tmp_path / "s.zarr", mode="w")
    codec = zarr.codecs.ShardingCodec(
        chunk_shape=CHUNKS, codecs=[BytesCodec(), ZstdCodec()], index_location="start"
    )
    array = group.create_array(
        "a",
        shape=SHAPE,
        chunks=(3, 8, 10),
        dtype="f4",
        serializer=codec,
        compressors=None,
        dimension_names=DIMS,
    )
    array[...] = numbers("f4")
    file = tmp_path / "s.zarr" / "a" / "c" / "1" / "0" / "0"
    error = damaged(tmp_path / "s.zarr", file, file.read_bytes()[:-cut])
    assert error.code == "unreadable_chunk"
    assert "Chunk (time 1, lat " in error.message


def test_not_allowed_to_read(written: Writer) -> None:
    path = written(numbers("f4"))
    folder = path / "a" / "c" / "1" / "0" / "0"
    folder.unlink()
    folder.symlink_to(folder.name)  # a loop, which nobody can read, not even root
    with pytest.raises(CubeError, match=r"Chunk \(time 1, lat 0, lon 0\) of 'a'"):
        list(SlabReader(opened(path), ["a"], DIMS).map(lambda *_: None))


def test_the_index_is_that_of_the_store_whatever_was_cut(written: Writer) -> None:
    path = written(numbers("f4"))
    (path / "a" / "c" / "1" / "2" / "2").write_bytes(b"noise")
    cut = opened(path).isel(time=4, lat=slice(9, 10), lon=slice(11, 13))
    with pytest.raises(CubeError, match=r"Chunk \(axis 0 1, lat 2, lon 2\) of 'a'"):
        list(SlabReader(cut, ["a"], ["lat", "lon"]).map(lambda *_: None))


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("size", [0, 5, 255, 256, 300, 65791, 65792, 200_000])
def test_a_zstd_frame_states_its_size(size: int, checksum: bool) -> None:
    frame = numcodecs.Zstd(checksum=checksum).encode(np.zeros(size, "u1"))
    assert zstd_size(memoryview(frame)) == size
    assert zstd_size(memoryview(b"noise and more")) is None
