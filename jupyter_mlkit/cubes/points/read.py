"""Read the cells that points fall into, box by box."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..reading.slabs import SLAB_BYTES, Slab, SlabReader, stored_chunks
from ..sampling.order import edges_of
from .nearest import Found

#: Values with their dims and attributes.
Column = tuple[tuple[str, ...], NDArray[Any], dict[Any, Any]]


def read_cells(cube: xr.Dataset, found: Found, matched: NDArray[np.bool_]) -> dict[str, Column]:
    """Return each numeric variable at the cells of the points, the other dims behind."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, variable in cube.data_vars.items():
        dims = tuple(map(str, variable.dims))
        if variable.dtype.kind in "fiub" and set(dims) & set(found.places):
            groups.setdefault(dims, []).append(str(name))
    data = {}
    for dims, names in groups.items():
        kept = tuple(dim for dim in dims if dim not in found.places)
        shape = (matched.size, *(cube.sizes[dim] for dim in kept))
        sums = {name: np.where(_column(matched, shape), 0.0, np.nan) for name in names}
        for corner in range(found.weights.shape[0]):
            weight = found.weights[corner]
            rows = np.flatnonzero(matched & (weight > 0))
            places = {
                dim: (place[corner] if place.ndim == 2 else place)[rows]
                for dim, place in found.places.items()
                if dim in dims
            }
            _add(cube, names, dims, places, rows, weight, sums)
        for name in names:
            dtype = np.result_type(cube[name].dtype, np.float32)
            values = sums[name].astype(dtype if dtype.kind == "f" else np.float64)
            data[name] = (("sample", *kept), values, cube[name].attrs)
    return data


def _add(
    cube: xr.Dataset,
    names: list[str],
    dims: tuple[str, ...],
    places: dict[str, NDArray[np.int64]],
    rows: NDArray[np.int64],
    weight: NDArray[np.float64],
    sums: dict[str, NDArray[np.float64]],
) -> None:
    """Add the weighed values at `places` to the `rows` of `sums`, box by box."""
    if not rows.size:
        return
    # A chunk at a time, so that none is read in which no point lies.
    chunks = stored_chunks(cube, names, dims)
    cell = sum(cube[name].dtype.itemsize for name in names)
    budget = cell * math.prod(chunks.values()) if chunks else SLAB_BYTES
    reader = SlabReader(cube, names, dims, budget=budget)
    kept = [dim for dim in dims if dim not in places]
    mine = _rows_by_box(reader, places)
    moved = [dims.index(dim) for dim in places]

    def taken(slab: Slab, arrays: dict[str, NDArray[Any]]) -> tuple[Any, Any, dict[str, Any]]:
        which = mine[tuple(slab.slices[dim].start for dim in places)]
        inside = tuple(places[dim][which] - slab.slices[dim].start for dim in places)
        values = {
            name: np.moveaxis(array, moved, range(len(moved)))[inside]
            for name, array in arrays.items()
        }
        return which, tuple(slab.slices[dim] for dim in kept), values

    for which, others, values in reader.map(taken, order=_boxes_at(reader, places, mine)):
        at = rows[which]
        for name, part in values.items():
            scale = weight[at].reshape(-1, *(1 for _ in others))
            sums[name][(at, *others)] += scale * part


def _rows_by_box(
    reader: SlabReader, places: dict[str, NDArray[np.int64]]
) -> dict[tuple[int, ...], NDArray[np.int64]]:
    """Return which rows lie in the boxes that start at the same position along `places`."""
    edges = dict(zip(reader.dims, edges_of(reader), strict=True))
    starts = [
        edges[dim][np.searchsorted(edges[dim], place, side="right") - 1]
        for dim, place in places.items()
    ]
    corners, inverse = np.unique(np.stack(starts, axis=1), axis=0, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    cuts = np.cumsum(np.bincount(inverse.ravel(), minlength=len(corners)))[:-1]
    return {
        tuple(corner): part
        for corner, part in zip(corners.tolist(), np.split(order, cuts), strict=True)
    }


def _boxes_at(
    reader: SlabReader,
    places: dict[str, NDArray[np.int64]],
    corners: Iterable[tuple[int, ...]],
) -> list[int]:
    """Return the numbers of the boxes that start at `corners`, all along the other dims."""
    edges = dict(zip(reader.dims, edges_of(reader), strict=True))
    counts = [len(edges[dim]) - 1 for dim in reader.dims]
    numbers = []
    for corner in corners:
        start = dict(zip(places, corner, strict=True))
        along = [
            [int(np.searchsorted(edges[dim], start[dim]))] if dim in start else range(count)
            for dim, count in zip(reader.dims, counts, strict=True)
        ]
        numbers += [int(np.ravel_multi_index(at, counts)) for at in itertools.product(*along)]
    return sorted(numbers)


def _column(values: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.broadcast_to(values.reshape(-1, *(1 for _ in shape[1:])), shape)
