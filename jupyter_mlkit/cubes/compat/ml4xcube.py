"""The names of ml4xcube 1.1, by which its notebooks run with another import.

Written anew after its documentation. What differs: splits are a function of coordinates and
seed, the same on every read; sizes may be given as pairs or as a dict; noise has a seed; samples
have any number of dims; inputs are not changed in place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..reading.slabs import stored_chunks
from ..splits.base import Split, frame_of
from ..splits.blocks import BlockSplit
from ..splits.random import RandomSplit

#: Sizes by dim, as pairs or as a dict; None keeps the size of the chunks.
Sizes = Mapping[str, Any] | Sequence[tuple[str, Any]]
Arrays = dict[str, NDArray[Any]]

_SPLIT = "split"
_SCALING = (
    "get_statistics",
    "get_range",
    "standardize",
    "normalize",
    "undo_standardizing",
    "undo_normalizing",
)


def __getattr__(name: str) -> Any:
    """Load the names of scaling from their module when they are first used."""
    if name in _SCALING:
        ml4xcube_scaling = import_module(".ml4xcube_scaling", __package__)

        return getattr(ml4xcube_scaling, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def assign_block_split(
    ds: xr.Dataset, block_size: Sizes | None = None, split: float = 0.8, *, seed: int = 42
) -> xr.Dataset:
    """Return `ds` with the variable ``split``: 1.0 in train blocks, 0.0 in test blocks.

    Parameters
    ----------
    ds : xarray.Dataset
    block_size : pairs or dict, optional
        Cells, or a physical size such as ``"10 deg"``, by dim; the chunks where not given.
    split : float
        Share of blocks that train.
    seed : int

    Raises
    ------
    SpecError
        A dim has no coordinate or spacing; the share is not in (0, 1].
    """
    sizes = _sizes(ds, block_size)
    return _with_split(ds, BlockSplit(sizes, (split, 0.0, 1.0 - split), seed))


def assign_rand_split(ds: xr.Dataset, split: float = 0.8, *, seed: int = 42) -> xr.Dataset:
    """Return `ds` with the variable ``split``: 1.0 in train cells, 0.0 in test cells.

    Neighbours fall to both: on autocorrelated data the scores flatter.
    """
    return _with_split(ds, RandomSplit((split, 0.0, 1.0 - split), seed))


def assign_mask(
    ds: xr.Dataset,
    mask: xr.DataArray | NDArray[Any],
    mask_name: str = "filter_mask",
    stack_dim: str = "time",
) -> xr.Dataset:
    """Return `ds` with the bool variable `mask_name`, repeated along `stack_dim`.

    Parameters
    ----------
    ds : xarray.Dataset
    mask : DataArray or ndarray
        Over the dims of `ds` but `stack_dim`, in their order where it is an array.
    mask_name, stack_dim : str

    Raises
    ------
    InvalidInputError
        The mask is on another grid.
    """
    _, dims = frame_of(ds)
    places = [dim for dim in dims if dim != stack_dim]
    if not isinstance(mask, xr.DataArray):
        mask = xr.DataArray(np.asarray(mask), dims=places if np.ndim(mask) < len(dims) else dims)
    wanted = {dim: ds.sizes[dim] for dim in map(str, mask.dims) if dim in ds.sizes}
    if dict(mask.sizes) != wanted:
        raise InvalidInputError(
            f"The mask has the shape {dict(mask.sizes)}, the cube {dict(ds.sizes)}.",
            hint="Bring the mask to the grid of the cube first.",
            code="other_grid",
            field="mask",
        )
    full = mask.astype(bool).expand_dims({dim: ds.sizes[dim] for dim in dims if dim not in wanted})
    return ds.assign({mask_name: (dims, full.transpose(*dims).values)})


def get_chunk_sizes(ds: xr.Dataset) -> list[tuple[str, int]]:
    """Return the largest chunk of any variable by dim; whole dims where nothing is chunked."""
    _, dims = frame_of(ds)
    known = stored_chunks(ds, [str(name) for name in ds.data_vars], dims)
    return [(dim, known.get(dim, int(ds.sizes[dim]))) for dim in dims]


def calculate_total_chunks(ds: xr.Dataset, block_size: Sizes | None = None) -> int:
    """Return how many chunks, or blocks of `block_size`, the cube has."""
    return math.prod(_counts(ds, _cells(ds, block_size)))


def get_chunk_by_index(ds: xr.Dataset, index: int, block_size: Sizes | None = None) -> Arrays:
    """Return the arrays of the block with number `index`, counted in C order.

    Raises
    ------
    InvalidInputError
        There is no such block.
    """
    cells = _cells(ds, block_size)
    counts = _counts(ds, cells)
    if not 0 <= index < math.prod(counts):
        raise InvalidInputError(
            f"There is no chunk {index}: the cube has {math.prod(counts)}.", field="index"
        )
    corner = np.unravel_index(index, counts)
    return _block(
        ds, {dim: slice(k * n, (k + 1) * n) for (dim, n), k in zip(cells, corner, strict=True)}
    )


def iter_data_var_blocks(ds: xr.Dataset, block_size: Sizes | None = None) -> Iterator[Arrays]:
    """Yield the arrays of every block, in C order."""
    for index in range(calculate_total_chunks(ds, block_size)):
        yield get_chunk_by_index(ds, index, block_size)


def split_chunk(
    chunk: Mapping[str, NDArray[Any]],
    sample_size: Sizes | None = None,
    overlap: Sizes | None = None,
) -> Arrays:
    """Cut the arrays of a chunk into samples.

    Parameters
    ----------
    chunk : dict of ndarray
        Arrays of one shape, dims in the order of `sample_size`.
    sample_size : pairs or dict, optional
        Cells by dim; single cells where not given. A first size of 1 is left out of the shape.
    overlap : pairs or dict, optional
        Share of a sample, by dim, that the next one repeats.

    Returns
    -------
    dict of ndarray, shape (n_samples, *sample_size)
        Whole samples only: what is left over at the end is not among them.

    Raises
    ------
    InvalidInputError
        A sample is larger than the chunk, or arrays have other dims.
    """
    if sample_size is None:
        return {name: np.asarray(values).ravel() for name, values in chunk.items()}
    sizes = [int(size) for _, size in _pairs(sample_size)]
    shares = dict(_pairs(overlap)) if overlap else {}
    steps = [
        max(1, size - int(size * float(shares.get(dim, 0.0))))
        for (dim, _), size in zip(_pairs(sample_size), sizes, strict=True)
    ]
    found = {}
    for name, array in chunk.items():
        values = np.asarray(array)
        if values.ndim != len(sizes) or any(
            n < size for n, size in zip(values.shape, sizes, strict=True)
        ):
            raise InvalidInputError(
                f"Samples of {sizes} do not fit into '{name}' of shape {values.shape}.",
                field="sample_size",
            )
        windows = np.lib.stride_tricks.sliding_window_view(values, sizes)
        picked = windows[tuple(slice(None, None, step) for step in steps)]
        shape = sizes[1:] if sizes[0] == 1 else sizes
        found[name] = picked.reshape(-1, *shape).copy()
    return found


def drop_nan_values(
    ds: Mapping[str, NDArray[Any]],
    vars: Sequence[str],  # noqa: A002
    mode: str = "auto",
    filter_var: str | None = "filter_mask",
) -> Arrays:
    """Return the samples (first axis) that are there in all of `vars`.

    Parameters
    ----------
    ds : dict of ndarray
        Single cells (1-D) or samples.
    vars : sequence of str
    mode : {"auto", "if_all_nan", "masked"}
        Drop a sample with any gap, with nothing but gaps, or with a gap inside the mask.
    filter_var : str, optional
        The mask.

    Raises
    ------
    InvalidInputError
        An unknown mode, or ``"masked"`` without a mask.
    """
    if mode not in ("auto", "if_all_nan", "masked"):
        raise InvalidInputError(
            f"'{mode}' is no mode.", hint="auto, if_all_nan or masked.", field="mode"
        )
    mask = None if filter_var is None or filter_var not in ds else np.asarray(ds[filter_var]) != 0
    if mode == "masked" and mask is None:
        raise InvalidInputError(f"There is no mask '{filter_var}'.", field="filter_var")
    names = [name for name in vars if name not in (_SPLIT, filter_var) and name in ds]
    keep = np.ones(len(next(iter(ds.values()))), dtype=bool)
    for name in names:
        there = ~np.isnan(np.asarray(ds[name], dtype=np.float64))
        axes = tuple(range(1, there.ndim))
        if mode == "if_all_nan":
            keep &= there.any(axis=axes)
        elif mode == "masked" and mask is not None:
            keep &= (there | ~mask).all(axis=axes) & (there & mask).any(axis=axes)
        else:
            keep &= there.all(axis=axes)
    return {name: np.asarray(values)[keep] for name, values in ds.items()}


def fill_nan_values(
    ds: Mapping[str, NDArray[Any]],
    vars: Sequence[str],  # noqa: A002
    method: str = "mean",
    const: float | None = None,
    *,
    seed: int = 42,
) -> Arrays:
    """Return the arrays with the gaps of `vars` filled.

    Parameters
    ----------
    ds : dict of ndarray
    vars : sequence of str
    method : {"mean", "sample_mean", "noise", "constant"}
        The mean of all values, of the sample's (all, where it has none), uniform noise between
        minimum and maximum, or `const`.
    const : float, optional
    seed : int
        Of the noise.

    Raises
    ------
    InvalidInputError
        An unknown method, or no constant.
    """
    if method not in ("mean", "sample_mean", "noise", "constant"):
        raise InvalidInputError(
            f"'{method}' is no method.",
            hint="mean, sample_mean, noise or constant.",
            field="method",
        )
    if method == "constant" and const is None:
        raise InvalidInputError("The constant is missing.", field="const")
    filled = {name: np.asarray(values) for name, values in ds.items()}
    rng = np.random.default_rng(seed)
    for name in vars:
        values = filled.get(name)
        if values is None or values.dtype.kind != "f" or not np.isnan(values).any():
            continue
        gaps = np.isnan(values)
        filled[name] = np.where(gaps, _filling(values, gaps, method, const, rng), values).astype(
            values.dtype
        )
    return filled


def create_split(
    data: xr.Dataset | Mapping[str, NDArray[Any]],
    to_pred: str | Sequence[str],
    exclude_vars: Sequence[str] = (),
    feature_vars: Sequence[str] | None = None,
    stack_axis: int = -1,
    filter_var: str = "filter_mask",
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return ``X_train, X_test, y_train, y_test`` by the variable ``split``.

    Cells of the other role are NaN; samples with nothing but NaN in any variable are left out.

    Raises
    ------
    InvalidInputError
        A variable is missing.
    """
    variables = data.data_vars if isinstance(data, xr.Dataset) else data
    arrays = {str(name): np.asarray(values) for name, values in variables.items()}
    targets = [to_pred] if isinstance(to_pred, str) else list(to_pred)
    for name in (*targets, _SPLIT, *exclude_vars, *(feature_vars or ())):
        if name not in arrays:
            raise InvalidInputError(
                f"There is no variable '{name}'.", code="unknown_variable", field=name
            )
    left_out = {*targets, _SPLIT, filter_var, *exclude_vars}
    names = [name for name in arrays if name not in left_out]
    features = names if feature_vars is None else list(feature_vars)
    parts = []
    for role in (1.0, 0.0):
        mine = arrays[_SPLIT] == role
        chosen = {name: np.where(mine, arrays[name], np.nan) for name in [*features, *targets]}
        parts.append(drop_nan_values(chosen, list(chosen), "if_all_nan", filter_var))
    x_train, x_test = (np.stack([part[n] for n in features], axis=stack_axis) for part in parts)
    y_train, y_test = (np.stack([part[n] for n in targets], axis=stack_axis) for part in parts)
    return x_train, x_test, y_train, y_test


def _with_split(ds: xr.Dataset, split: Split) -> xr.Dataset:
    frame, dims = frame_of(ds)
    roles = split.resolve(ds).assign(frame)
    held = [dim for dim in dims if dim in roles.dims]
    shape = [ds.sizes[dim] if dim in held else 1 for dim in dims]
    train = (roles.transpose(*held).values == 0).astype(np.float64).reshape(shape)
    full = np.broadcast_to(train, [ds.sizes[dim] for dim in dims])
    return ds.assign({_SPLIT: (dims, full)})


def _pairs(sizes: Sizes) -> list[tuple[str, Any]]:
    return list(sizes.items()) if isinstance(sizes, Mapping) else [(d, n) for d, n in sizes]


def _sizes(ds: xr.Dataset, given: Sizes | None) -> dict[str, Any]:
    """Return the size of blocks by dim; dims that are one chunk whole are not cut."""
    chunks = dict(get_chunk_sizes(ds))
    if given is None:
        return {dim: n for dim, n in chunks.items() if n < ds.sizes[dim]} or chunks
    return {dim: chunks[dim] if size is None else size for dim, size in _pairs(given)}


def _cells(ds: xr.Dataset, given: Sizes | None) -> list[tuple[str, int]]:
    cells = dict(get_chunk_sizes(ds))
    cells |= {dim: int(size) for dim, size in _pairs(given or {}) if size is not None}
    return list(cells.items())


def _counts(ds: xr.Dataset, cells: list[tuple[str, int]]) -> list[int]:
    return [math.ceil(ds.sizes[dim] / size) for dim, size in cells]


def _block(ds: xr.Dataset, slices: dict[str, slice]) -> Arrays:
    return {
        str(name): np.asarray(
            variable.isel({dim: part for dim, part in slices.items() if dim in variable.dims})
        )
        for name, variable in ds.data_vars.items()
    }


def _filling(
    values: NDArray[Any],
    gaps: NDArray[np.bool_],
    method: str,
    const: float | None,
    rng: np.random.Generator,
) -> NDArray[Any]:
    if method == "constant":
        return np.asarray(const)
    there = values[~gaps]
    mean = there.mean(dtype=np.float64) if there.size else np.nan
    if method == "mean" or (method == "sample_mean" and values.ndim == 1):
        return np.asarray(mean)
    if method == "noise":
        low, high = (there.min(), there.max()) if there.size else (np.nan, np.nan)
        return rng.uniform(low, high, values.shape) if there.size else np.asarray(np.nan)
    axes = tuple(range(1, values.ndim))
    counts = (~gaps).sum(axis=axes, keepdims=True)
    sums = np.where(gaps, 0.0, values).sum(axis=axes, keepdims=True, dtype=np.float64)
    return np.where(counts > 0, sums / np.maximum(counts, 1), mean)
