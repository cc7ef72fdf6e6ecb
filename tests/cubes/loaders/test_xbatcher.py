"""``BatchGenerator`` gives what xbatcher's gives."""

from __future__ import annotations

from typing import Any

import pytest
import xarray as xr

from jupyter_mlkit.cubes.compat.xbatcher import BatchGenerator
from jupyter_mlkit.errors import SpecError

from ..made import small_cube

CASES: list[dict[str, Any]] = [
    {"input_dims": {"lat": 7, "lon": 11}},
    {"input_dims": {"lon": 11}},
    {"input_dims": {"lat": 7, "lon": 11}, "input_overlap": {"lat": 3}},
    {"input_dims": {"lat": 7}, "batch_dims": {"time": 2}},
    {"input_dims": {"lat": 7, "lon": 9}, "batch_dims": {"time": 2}, "concat_input_dims": True},
    {"input_dims": {"lat": 7, "lon": 9}, "concat_input_dims": True},
    {"input_dims": {"lat": 5, "lon": 8}, "batch_dims": {"lat": 10}, "concat_input_dims": True},
    {"input_dims": {"time": 2, "lat": 5}, "batch_dims": {"lat": 10}, "concat_input_dims": True},
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("kind", ["memory", "store", "array"])
def test_batches_are_those_of_xbatcher(case: Any, kind: str, tmp_path: Any) -> None:
    import xbatcher

    ds: Any = small_cube().drop_vars("height")
    if kind == "store":
        ds.chunk(time=2, lat=7, lon=9).to_zarr(tmp_path / "c.zarr", zarr_format=2)
        ds = xr.open_zarr(tmp_path / "c.zarr", chunks=None)
    elif kind == "array":
        ds = ds["a"]
    theirs, ours = xbatcher.BatchGenerator(ds, **case), BatchGenerator(ds, **case)
    assert len(ours) == len(theirs)
    if kind == "array" and case.get("concat_input_dims"):
        # xbatcher 0.4 spreads the inputs of an array over the union of their coordinates.
        theirs = [batch["a"] for batch in xbatcher.BatchGenerator(ds.to_dataset(), **case)]
    for mine, other in zip(ours, theirs, strict=True):
        xr.testing.assert_identical(mine, other)
    xr.testing.assert_identical(ours[-1], theirs[-1])
    with pytest.raises(IndexError):
        ours[len(ours)]


def test_each_chunk_is_decoded_once(tmp_path: Any, monkeypatch: Any) -> None:
    small_cube().drop_vars("height").chunk(time=2, lat=7, lon=9).to_zarr(
        tmp_path / "c.zarr", zarr_format=2
    )
    ds = xr.open_zarr(tmp_path / "c.zarr", chunks=None)
    batches = BatchGenerator(ds, {"lat": 4, "lon": 6})
    seen: list[Any] = []
    read = type(batches._chunks)._chunk
    monkeypatch.setattr(
        type(batches._chunks),
        "_chunk",
        lambda self, *key: (
            (seen.append(key) if key not in self._kept else None) or read(self, *key)
        ),
    )
    assert len(list(batches)) == len(batches)
    assert len(seen) == len(set(seen)) == 2 * 3 * 4 * 4


def test_edges_are_kept_where_asked_for() -> None:
    ds = small_cube()[["a"]]
    cells = 0
    for batch in BatchGenerator(ds, {"lat": 7, "lon": 11}, edges=True):
        cells += batch["a"].size
    assert cells == ds["a"].size


def test_lazy_batches_are_not_loaded() -> None:
    batch = BatchGenerator(small_cube().chunk(time=1), {"lat": 5}, preload_batch=False)[0]
    assert batch["a"].chunks is not None


def test_inputs_larger_than_the_cube_are_named() -> None:
    with pytest.raises(SpecError, match="'lat' is larger than the cube, which has 30"):
        BatchGenerator(small_cube(), {"lat": 31})
    with pytest.raises(SpecError, match="overlap of 7"):
        BatchGenerator(small_cube(), {"lat": 7}, {"lat": 7})
