"""Object stores: many chunks on their way, bounded, and the same values and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, WrapperStore

from jupyter_mlkit.cubes.reading.fetch import IN_FLIGHT
from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.errors import CubeError

from .conftest import DIMS, Writer, numbers, opened
from .test_map import first_sum, in_child


class Far(WrapperStore[LocalStore]):
    """A store whose answers take a while; counts how many are awaited at the same time."""

    def __init__(self, store: LocalStore) -> None:
        super().__init__(store)
        self.now = 0
        self.most = 0
        self.got: list[str] = []

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        self.got.append(key)
        try:
            await asyncio.sleep(0.005)  # the latency of the network, which is what is tested
            return await self._store.get(key, *args, **kwargs)
        finally:
            self.now -= 1


def far(path: Path) -> tuple[Far, xr.Dataset]:
    store = Far(LocalStore(path, read_only=True))
    ds = xr.open_zarr(store, chunks=None, consolidated=False)
    store.most, store.got = 0, []
    return store, ds


def test_many_chunks_are_on_their_way_and_each_is_fetched_once(written: Writer) -> None:
    path = written(numbers("f4"))
    store, ds = far(path)
    reader = SlabReader(ds, ["a"], DIMS, budget=1)
    here = SlabReader(opened(path), ["a"], DIMS, budget=1)
    assert list(reader.map(first_sum, threads=2)) == list(here.map(first_sum))
    assert IN_FLIGHT // 2 <= store.most <= IN_FLIGHT
    assert len(store.got) == len(set(store.got)) == len(reader) == 27


def test_one_box_of_many_chunks_is_fetched_at_once(written: Writer) -> None:
    store, ds = far(written(numbers("f4")))
    reader = SlabReader(ds, ["a"], DIMS)
    assert len(reader) == 1
    expected = ds.a.values
    store.most = 0
    np.testing.assert_array_equal(reader.read("a", reader.slab(0)), expected)
    assert 1 < store.most <= IN_FLIGHT
    store.most = 0
    (whole,) = reader.map(lambda _, arrays: arrays["a"].copy())
    np.testing.assert_array_equal(whole, expected)
    assert 1 < store.most <= IN_FLIGHT


def test_who_stops_early_fetches_no_more(written: Writer) -> None:
    store, ds = far(written(numbers("f4", shape=(30, 10, 13))))
    results = SlabReader(ds, ["a"], DIMS, budget=1).map(first_sum, threads=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(store.got) <= IN_FLIGHT + 6


@pytest.mark.parametrize("filtered", [False, True])
def test_remote_chunks_missing_filtered_or_damaged(written: Writer, filtered: bool) -> None:
    filters = [zarr.codecs.TransposeCodec(order=(2, 1, 0))] if filtered else []
    path = written(numbers("f4"), filters=filters)
    (path / "a" / "c" / "0" / "0" / "0").unlink()
    _, ds = far(path)
    found = list(SlabReader(ds, ["a"], DIMS, budget=1).map(first_sum))
    assert found == list(SlabReader(opened(path), ["a"], DIMS, budget=1).map(first_sum))
    (path / "a" / "c" / "1" / "2" / "0").write_bytes(b"noise")
    with pytest.raises(CubeError, match=r"Chunk \(time 1, lat 2, lon 0\) of 'a'"):
        list(SlabReader(ds, ["a"], DIMS, budget=1).map(first_sum))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_s3_and_a_forked_child_of_who_read_it(written: Writer, bucket: str) -> None:
    import s3fs

    path = written(numbers("f4"))
    fs = s3fs.S3FileSystem(endpoint_url=bucket)
    fs.mkdir("reading")
    fs.put(str(path), "reading/c.zarr", recursive=True)
    options = {"storage_options": {"endpoint_url": bucket}}
    ds = opened("s3://reading/c.zarr", backend_kwargs=options)
    reader = SlabReader(ds, ["a"], DIMS, budget=1)
    expected = list(SlabReader(opened(path), ["a"], DIMS, budget=1).map(first_sum))
    assert list(reader.map(first_sum)) == expected
    assert in_child(lambda: list(reader.map(first_sum)) == expected)
    fs.pipe_file("reading/c.zarr/a/c/0/0/1", b"noise")
    with pytest.raises(CubeError, match=r"Chunk \(time 0, lat 0, lon 1\) of 'a'"):
        list(reader.map(first_sum))
