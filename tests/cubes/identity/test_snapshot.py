"""A versioned store is identified by what last wrote each chunk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr

from jupyter_mlkit.cubes.identity.fingerprint import Fingerprint, fingerprint
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.spec import Source, StorageOptions

from ..made import small_cube


class Store:
    def __init__(self, source: Source, storage: icechunk.Storage) -> None:
        self.source, self.path = source, source.uri
        self.repository = icechunk.Repository.create(storage)
        coding = {name: {"chunks": (2, 10, 10)} for name in "ab"}
        self.write(small_cube().drop_encoding(), zarr_format=3, encoding=coding)

    def write(self, ds: xr.Dataset, **more: Any) -> str:
        session = self.repository.writable_session("main")
        ds.to_zarr(session.store, consolidated=False, **more)
        return str(session.commit("write"))

    def of(self, **more: Any) -> Fingerprint:
        return fingerprint(self.source, ["a", "b"], **more)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    path = str(tmp_path / "repository")
    return Store(Source(uri=path), icechunk.local_filesystem_storage(path))


@pytest.fixture
def far(s3: str) -> Store:
    storage = icechunk.s3_storage(
        bucket="versions",
        prefix="repository",
        region="us-east-1",
        endpoint_url=s3,
        allow_http=True,
        force_path_style=True,
        from_env=True,
    )
    options = StorageOptions(endpoint_url=s3)
    return Store(Source(uri="icechunk+s3://versions/repository", options=options), storage)


def test_a_version_is_its_kind_and_is_not_read(store: Store) -> None:
    found = store.of(max_bytes=0)
    assert found.kind == "snapshot"
    assert len(str(found)) <= 36
    assert store.of() == found


def test_any_one_cell_change_flips_it_and_going_back_restores_it(store: Store) -> None:
    before = store.of()
    first = store.repository.lookup_branch("main")
    session = store.repository.writable_session("main")
    zarr.open_group(session.store)["a"][3, 4, 5] = 1.0
    session.commit("one cell")
    after = store.of()
    assert after.digest != before.digest
    assert after.variables["b"] == before.variables["b"]
    ds = open_cube(f"{store.path}#snapshot={first}")
    assert fingerprint(ds, ["a", "b"]) == before


def test_a_commit_elsewhere_changes_nothing(store: Store) -> None:
    whole, part = store.of(), store.of(selection={"time": slice(0, 4)})
    store.write(xr.Dataset({"new": ("q", [1, 2, 3])}), mode="a")
    assert store.of() == whole
    later = small_cube(seed=9).isel(time=slice(0, 2)).drop_vars("height").drop_attrs()
    later = later.assign_coords(time=later.time.values + np.timedelta64(999, "D"))
    store.write(later.drop_encoding(), append_dim="time")
    assert open_cube(str(store.path)).sizes["time"] == 8
    assert store.of(selection={"time": slice(0, 4)}) == part
    assert store.of(selection={"time": slice(0, 6)}) == whole
    assert store.of() != whole


def test_a_store_without_its_history_is_identified_by_its_bytes(store: Store) -> None:
    session = store.repository.readonly_session("main")
    ds = xr.open_zarr(session.store, consolidated=False, chunks=None)
    assert fingerprint(ds, ["a", "b"]).kind == "stored"
    loaded = fingerprint(ds.load(), ["a", "b"])
    assert loaded == fingerprint(small_cube(), ["a", "b"])


def test_in_a_bucket_it_is_identified_as_on_a_disk(far: Store) -> None:
    before = far.of(max_bytes=0)
    assert before.kind == "snapshot"
    far.write(xr.Dataset({"new": ("q", [1, 2, 3])}), mode="a")
    assert far.of() == before
    session = far.repository.writable_session("main")
    zarr.open_group(session.store)["a"][3, 4, 5] = 1.0
    session.commit("one cell")
    after = far.of()
    assert after.variables["a"] != before.variables["a"]
    assert after.variables["b"] == before.variables["b"]
    # From a dataset too, also a part of one that was sent to another process.
    ds = pickle.loads(pickle.dumps(open_cube(far.source).isel(time=slice(0, 4))))
    assert fingerprint(ds, ["a", "b"]) == far.of(selection={"time": slice(0, 4)})


def test_a_bucket_whose_history_cannot_be_reached_is_identified_by_its_bytes(far: Store) -> None:
    ds = open_cube(far.source)
    ds.encoding["icechunk_options"] = StorageOptions(profile="that nobody has")
    assert fingerprint(ds, ["a", "b"]).kind == "stored"
