"""Stores of every kind that a reader may meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

SHAPE = (7, 10, 13)
CHUNKS = (3, 4, 5)
DIMS = ("time", "lat", "lon")

Writer = Callable[..., Path]


def numbers(dtype: str, *, seed: int = 0, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Numbers of `dtype`, with NaN where it has them."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) > 0.5
    if kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    values = rng.normal(280, 10, shape)
    values[rng.random(shape) < 0.2] = np.nan
    return values.astype(dtype)


@pytest.fixture
def written(tmp_path: Path) -> Writer:
    """Write variable ``a`` into a zarr group, as ``create_array`` is told."""

    def write(
        values: np.ndarray,
        *,
        zarr_format: int = 3,
        attrs: dict[str, Any] | None = None,
        name: str = "cube",
        **options: Any,
    ) -> Path:
        path = tmp_path / f"{name}.zarr"
        group = zarr.open_group(path, mode="a", zarr_format=zarr_format)  # type: ignore[arg-type]
        dims = list(DIMS[-values.ndim :])
        if zarr_format == 3:
            options["dimension_names"] = dims
        options.setdefault("chunks", CHUNKS[-values.ndim :])
        array = group.create_array("a", shape=values.shape, dtype=values.dtype, **options)
        array[...] = values
        array.attrs.update(attrs or {})
        if zarr_format == 2:
            array.attrs["_ARRAY_DIMENSIONS"] = dims
        return path

    return write


def opened(path: Path | str, **options: Any) -> xr.Dataset:
    return xr.open_dataset(
        path, engine="zarr", chunks=None, cache=False, consolidated=False, **options
    )
