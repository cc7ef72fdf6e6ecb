"""The share of valid cells comes with an error that holds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.description.problems_chunks import amplification
from jupyter_mlkit.cubes.description.statistics import draw

from ..made import small_cube


def clustered(seed: int) -> xr.Dataset:
    """Chunks that are mostly full or mostly empty, as clouds make them."""
    rng = np.random.default_rng(seed)
    share = np.repeat(rng.random(400), 64).reshape(400, 64)
    values = np.where(rng.random(share.shape) < share, 1.0, np.nan)
    ds = xr.Dataset({"v": (("t", "x"), values)})
    ds.v.encoding["preferred_chunks"] = {"t": 1, "x": 64}
    return ds


def test_the_error_covers_the_share_of_the_whole() -> None:
    inside = 0
    for seed in range(100):
        ds = clustered(seed)
        found = draw(ds, "v", budget=20 * 64 * 8)
        assert found.share is not None
        assert found.error is not None
        assert found.error > 0
        inside += abs(found.share - float(np.isfinite(ds.v).mean())) < 2 * found.error
    assert inside >= 85


def test_all_cells_read_leave_no_error() -> None:
    found = draw(small_cube(), "b", budget=2**30)
    assert found.error == 0
    assert found.share == pytest.approx(float(np.isfinite(small_cube().b).mean()))
    assert found.maximum == float(small_cube().b.max())


def test_one_of_many_chunks_has_no_error() -> None:
    assert draw(clustered(0), "v", budget=1).error is None


def test_a_variable_without_cells_says_nothing() -> None:
    assert draw(small_cube().isel(time=slice(0, 0)), "a", budget=1).share is None


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"time": 256}, 90 * 90),
        ({"lat": 720, "lon": 720}, 256),
        ({"lat": 64, "lon": 64}, 256 * (153 / 64) ** 2),
        ({"time": 512, "lat": 720, "lon": 720}, 1),
    ],
)
def test_amplification_is_what_chunks_touched_cost(window: dict[str, int], expected: float) -> None:
    sizes = {"time": 256 if "time" in window and len(window) == 1 else 512, "lat": 720, "lon": 720}
    chunks = {"time": 256, "lat": 90, "lon": 90}
    assert amplification(sizes, chunks, window) == pytest.approx(expected)


def test_amplification_is_that_of_windows_counted_one_by_one() -> None:
    size, chunk, window = 90 * 8, 90, 64
    starts = np.arange(0, size - window - (size - window) % chunk)
    touched = (starts + window - 1) // chunk - starts // chunk + 1
    counted = (touched * chunk / window).mean()
    assert amplification({"x": size}, {"x": chunk}, {"x": window}) == pytest.approx(
        counted, rel=0.01
    )
