"""ml4xcube's names keep their meaning, and its splits become the same on every read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.compat import ml4xcube as m
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube


@pytest.fixture
def stored(tmp_path: Path) -> xr.Dataset:
    cube = small_cube()[["a", "b"]]
    chunks = {name: {"chunks": (3, 10, 10)} for name in cube}
    cube.to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding=chunks)
    return xr.open_zarr(tmp_path / "c.zarr", chunks=None)


@pytest.mark.parametrize(
    "sizes", [[("time", 2), ("lat", 5), ("lon", 5)], {"lat": 5, "lon": "5 deg"}]
)
def test_a_block_split_is_the_same_on_every_read_and_in_every_chunking(
    stored: xr.Dataset, sizes: object
) -> None:
    first = m.assign_block_split(stored, sizes, 0.7).split
    again = m.assign_block_split(stored.chunk({"lat": 7}), sizes, 0.7).split
    assert first.shape == (6, 30, 40)
    assert (first.values == again.values).all()
    assert set(np.unique(first)) == {0.0, 1.0}
    assert 0.5 < float(first.mean()) < 0.9


def test_blocks_are_chunks_where_no_size_is_given(stored: xr.Dataset) -> None:
    split = m.assign_block_split(stored).split
    assert m.get_chunk_sizes(stored) == [("time", 3), ("lat", 10), ("lon", 10)]
    assert split.std("time").max() > 0


def test_a_random_split_holds_its_share_and_its_seed(stored: xr.Dataset) -> None:
    split = m.assign_rand_split(stored, 0.8).split
    assert abs(float(split.mean()) - 0.8) < 0.03
    assert (split.values == m.assign_rand_split(stored, 0.8).split.values).all()
    assert (split.values != m.assign_rand_split(stored, 0.8, seed=1).split.values).any()


def test_chunks_are_counted_in_c_order_and_cover_the_cube(stored: xr.Dataset) -> None:
    assert m.calculate_total_chunks(stored) == 2 * 3 * 4
    blocks = list(m.iter_data_var_blocks(stored))
    assert np.array_equal(blocks[5]["a"], stored.a[:3, 10:20, 10:20].values)
    assert sum(block["a"].size for block in blocks) == stored.a.size
    block = m.get_chunk_by_index(stored, 0, [("time", 1), ("lat", None), ("lon", 40)])
    assert block["a"].shape == (1, 10, 40)
    with pytest.raises(InvalidInputError, match="no chunk 24"):
        m.get_chunk_by_index(stored, 24)


def test_chunks_are_cut_into_whole_samples() -> None:
    chunk = {"v": np.arange(2 * 6 * 7).reshape(2, 6, 7)}
    assert m.split_chunk(chunk)["v"].shape == (84,)
    plain = m.split_chunk(chunk, [("time", 1), ("lat", 3), ("lon", 3)])["v"]
    assert plain.shape == (2 * 2 * 2, 3, 3)
    assert np.array_equal(plain[1], chunk["v"][0, :3, 3:6])
    overlapping = m.split_chunk(chunk, {"time": 2, "lat": 4, "lon": 4}, {"lat": 0.5, "lon": 0.25})[
        "v"
    ]
    assert overlapping.shape == (1 * 2 * 2, 2, 4, 4)
    assert np.array_equal(overlapping[3], chunk["v"][:, 2:6, 3:7])
    with pytest.raises(InvalidInputError, match="do not fit"):
        m.split_chunk(chunk, [("time", 3), ("lat", 3), ("lon", 3)])


def test_gaps_are_dropped_by_mode() -> None:
    nan = np.nan
    samples = {
        "v": np.array([[1, 2], [nan, 2], [nan, nan], [1, nan]]),
        "filter_mask": np.array([[1, 1], [0, 1], [1, 1], [1, 1]], bool),
    }
    kept = {
        mode: len(m.drop_nan_values(samples, ["v"], mode)["v"])
        for mode in ("auto", "if_all_nan", "masked")
    }
    assert kept == {"auto": 1, "if_all_nan": 3, "masked": 2}
    with pytest.raises(InvalidInputError):
        m.drop_nan_values(samples, ["v"], "some")
    with pytest.raises(InvalidInputError):
        m.drop_nan_values({"v": samples["v"]}, ["v"], "masked")


def test_gaps_are_filled_by_method() -> None:
    nan = np.nan
    samples = {"v": np.array([[1.0, 3.0], [nan, 5.0], [nan, nan]])}
    assert m.fill_nan_values(samples, ["v"])["v"].tolist() == [[1, 3], [3, 5], [3, 3]]
    assert m.fill_nan_values(samples, ["v"], "sample_mean")["v"].tolist() == [
        [1, 3],
        [5, 5],
        [3, 3],
    ]
    assert m.fill_nan_values(samples, ["v"], "constant", 0)["v"][2].tolist() == [0, 0]
    noise = m.fill_nan_values(samples, ["v"], "noise")["v"]
    assert ((noise >= 1) & (noise <= 5)).all()
    assert (noise == m.fill_nan_values(samples, ["v"], "noise")["v"]).all()
    assert np.isnan(samples["v"]).sum() == 3
    with pytest.raises(InvalidInputError):
        m.fill_nan_values(samples, ["v"], "constant")


def test_split_arrays_hold_the_cells_of_their_role(stored: xr.Dataset) -> None:
    ds = m.assign_mask(m.assign_block_split(stored, {"lat": 5}), np.ones((30, 40), bool))
    cells = {name: values.values.ravel() for name, values in ds.data_vars.items()}
    x_train, x_test, y_train, y_test = m.create_split(cells, "b")
    known = np.isfinite(cells["b"])
    train = known & (cells["split"] == 1)
    assert np.array_equal(x_train, cells["a"][train][:, None])
    assert np.array_equal(y_test, cells["b"][known & (cells["split"] == 0)][:, None])
    assert len(x_train) + len(x_test) == known.sum() == len(y_train) + len(y_test)
    with pytest.raises(InvalidInputError, match="'c'"):
        m.create_split(cells, "c")
    with pytest.raises(InvalidInputError, match="mask"):
        m.assign_mask(stored, np.ones((3, 4), bool))
