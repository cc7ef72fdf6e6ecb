"""The samples of a cube by plain loops over everything in memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from jupyter_mlkit.cubes.sampling.batch import Batch
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.splits.base import Split
from jupyter_mlkit.cubes.splits.roles import ROLES


def full(ds: xr.Dataset, name: str, dims: Sequence[str]) -> np.ndarray:
    shape = xr.DataArray(np.zeros([ds.sizes[d] for d in dims]), dims=dims)
    return ds[name].drop_vars(list(ds[name].coords)).broadcast_like(shape).transpose(*dims).values


def role_codes(ds: xr.Dataset, split: Split | None, dims: Sequence[str]) -> np.ndarray:
    shape = xr.DataArray(np.zeros([ds.sizes[d] for d in dims]), dims=dims)
    if split is None:
        return np.zeros(shape.shape, int)
    found = split.resolve(ds).assign(ds)
    return found.drop_vars(list(found.coords)).broadcast_like(shape).transpose(*dims).values


def at(values: np.ndarray, index: tuple[np.ndarray, ...], outside: float) -> np.ndarray:
    """Values at `index`; `outside` past the far end, NaN before the first cell."""
    grid = np.broadcast_arrays(*index)
    past = np.zeros(grid[0].shape, bool)
    before = np.zeros(grid[0].shape, bool)
    for place, size in zip(grid, values.shape, strict=True):
        past |= place >= size
        before |= place < 0
    inside = tuple(np.clip(p, 0, n - 1) for p, n in zip(grid, values.shape, strict=True))
    found = values[inside].astype(float)
    found[before] = np.nan
    found[past] = outside
    return found


def naive(
    ds: xr.Dataset,
    columns: Sequence[tuple[str, int]],
    target: str,
    *,
    dims: Sequence[str],
    window: Mapping[str, int],
    step: Mapping[str, int],
    role: str,
    split: Split | None = None,
    lead: int = 0,
    mask: str | None = None,
    straddle: str = "mask",
    strict: bool = False,
    drop_nan: str | None = "auto",
    min_valid: float = 0.0,
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return (X, y) by cell number."""
    code = ROLES.index(role)
    sizes = [ds.sizes[d] for d in dims]
    roles = role_codes(ds, split, dims)
    truth = full(ds, target, dims).astype(float)
    if mask is not None:
        truth = np.where(full(ds, mask, dims) != 0, truth, np.nan)
    data = {name: full(ds, name, dims).astype(float) for name, _ in columns}
    time = list(dims).index("time") if "time" in dims else None
    starts = [
        [k * step.get(d, 1) for k in range(-(-(n - window.get(d, 1)) // step.get(d, 1)) + 1)]
        for d, n in zip(dims, sizes, strict=True)
    ]
    found = {}
    for start in itertools.product(*starts):
        cells = np.ix_(
            *(np.arange(o, o + window.get(d, 1)) for o, d in zip(start, dims, strict=True))
        )
        shape = [window.get(d, 1) for d in dims]
        y = np.broadcast_to(at(truth, cells, np.nan), shape)
        of = np.broadcast_to(at(roles, cells, -1), shape)
        y = np.where(of == code, y, np.nan)
        xs, touched = [], [of]
        for name, lag in columns:
            moved = list(cells)
            if time is not None:
                moved[time] = moved[time] - lead - lag
            xs.append(np.broadcast_to(at(data[name], tuple(moved), 0), shape))
            touched.append(np.broadcast_to(at(roles, tuple(moved), -1), shape))
        x = np.stack(xs)
        valid = np.isfinite(y)
        gaps = ~np.isfinite(x)
        keep = valid.any()
        if window:
            keep &= not gaps.all()
            if role == "train":
                keep &= not (drop_nan == "auto" and gaps.any())
                keep &= valid.sum() >= min_valid * valid.size
        else:
            keep &= not (drop_nan == "auto" and gaps.any())
            keep &= not (drop_nan == "if_all_nan" and gaps.all())
        inside = of[of >= 0]
        if straddle == "drop" and window:
            keep &= len(np.unique(inside)) == 1
        if strict:
            seen = np.concatenate([t.ravel() for t in touched])
            seen = seen[np.isfinite(seen) & (seen >= 0)]
            keep &= bool((seen == code).all())
        if keep:
            order = [list(dims).index(d) for d in window]
            rest = [i for i in range(len(dims)) if i not in order]
            y = y.transpose(*order, *rest).reshape([window[d] for d in window])
            x = x.transpose(0, *(i + 1 for i in [*order, *rest]))
            x = x.reshape([len(columns), *(window[d] for d in window)])
            found[int(np.ravel_multi_index(start, sizes))] = (x, y)
    return found


def by_cell(batches: Sequence[Batch], role: str) -> dict[int, tuple[Any, Any]]:
    """Return (X, y) by cell number; fails where a sample comes twice."""
    found: dict[int, tuple[Any, Any]] = {}
    for batch in batches:
        if batch.role == role:
            for i, cell in enumerate(batch.cell.tolist()):
                assert cell not in found
                found[cell] = (batch.X[i], None if batch.y is None else batch.y[i])
    return found


def assert_same(sampler: Sampler, role: str, wanted: dict[int, Any]) -> None:
    found = by_cell(list(sampler), role)
    assert sorted(found) == sorted(wanted)
    for cell, (x, y) in wanted.items():
        np.testing.assert_array_equal(found[cell][0], x.astype(np.float32))
        np.testing.assert_array_equal(found[cell][1], y.astype(np.float32))
