"""Arrays of each role: the valid cells, each once, in the same order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.reading import arrays as arrays_module
from jupyter_mlkit.cubes.reading.arrays import split_arrays
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.errors import CubeError

from ..made import small_cube

SPLIT = BlockSplit({"lat": "3 deg", "lon": "3 deg", "time": "16D"}, (0.6, 0.2, 0.2))


@pytest.fixture
def cube(tmp_path: Path) -> xr.Dataset:
    ds = small_cube(n_time=9)
    ds["b"][0, 0, :5] = np.inf
    ds["land"] = (ds.height > 700).astype("i1")
    for name in ds.data_vars:
        ds[name].encoding["chunks"] = (4, 8, 9)[-ds[name].ndim :]
    ds.to_zarr(tmp_path / "c.zarr", consolidated=False)
    return xr.open_dataset(tmp_path / "c.zarr", engine="zarr", chunks=None, consolidated=False)


def rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    table = np.column_stack([x, y])
    return table[np.lexsort(table.T)]


@pytest.mark.parametrize("mask", [None, "land"])
@pytest.mark.parametrize("numba", [True, False])
def test_every_valid_cell_is_once_in_its_role(
    cube: xr.Dataset, mask: str | None, numba: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample's role is that of its target cells."""
    monkeypatch.setattr(arrays_module, "compiled", lambda: numba)
    found = split_arrays(cube, ["a", "height"], "b", SPLIT, mask)
    ds = cube.load()
    roles = SPLIT.assign(ds).transpose(*ds.b.dims)
    values = np.stack([np.broadcast_to(ds[n].values, ds.b.shape) for n in ("a", "height", "b")])
    valid = np.isfinite(values).all(axis=0)
    if mask:
        valid &= ds.land.values == 1
    for code, role in enumerate(("train", "validation", "test")):
        x, y = found[role]
        assert (x.dtype, y.dtype, x.shape) == (np.float32, np.float32, (y.size, 2))
        assert x.flags.c_contiguous
        assert x.flags.owndata
        expected = values[:, valid & (roles.values == code)].T
        np.testing.assert_array_equal(rows(x, y), rows(expected[:, :2], expected[:, 2]))


def test_with_and_without_numba_and_again_the_rows_are_the_same(
    cube: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = split_arrays(cube, ["a"], "b", SPLIT)
    again = split_arrays(cube, ["a"], "b", SPLIT)
    monkeypatch.setattr(arrays_module, "compiled", lambda: False)
    plain = split_arrays(cube, ["a"], "b", SPLIT)
    for role, pair in first.items():
        for other in (again, plain):
            for mine, theirs in zip(pair, other[role], strict=True):
                np.testing.assert_array_equal(mine, theirs)


def test_what_does_not_fit_the_target_is_refused(cube: xr.Dataset) -> None:
    with pytest.raises(CubeError) as caught:
        split_arrays(cube, ["a"], "height", SPLIT)
    assert caught.value.code == "unsupported_grid"
    with pytest.raises(CubeError) as caught:
        split_arrays(cube, ["x"], "b", SPLIT)
    assert caught.value.code == "unknown_variable"
