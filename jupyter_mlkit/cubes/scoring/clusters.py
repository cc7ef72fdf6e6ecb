"""Scores of a clustering: silhouette, Davies-Bouldin, adjusted Rand, share of the area."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..identity.digest import mix64
from .alignment import Weights
from .classes import MOST_CLASSES, class_names
from .cube_pass import CubePass, Piece
from .sums import Floats

#: Rows whose distances to all others are held at once.
_ROWS_AT_ONCE = 1024


def cluster_scores(
    features: xr.Dataset | Mapping[str, xr.DataArray],
    labels: xr.DataArray,
    reference: xr.DataArray | None = None,
    *,
    sample: int = 5_000,
    seed: int = 0,
    noise: float = -1,
    weights: Weights = None,
    **which: Any,
) -> xr.Dataset:
    """Score a clustering of cells, chunk by chunk.

    Parameters
    ----------
    features : xarray.Dataset or mapping of str to xarray.DataArray
        What was clustered, on the cells of `labels`, as scaled for the clustering: distances
        depend on it.
    labels : xarray.DataArray
        Number of the cluster of each cell; NaN and `noise` are in none.
    reference : xarray.DataArray, optional
        Known classes of the cells.
    sample : int
        Cells on which silhouette and Davies-Bouldin are computed, drawn by a hash of `seed` and
        the position of the cell: chunks do not enter.
    seed : int
    noise : number
    weights
        As in :func:`.score.score`.
    **which
        ``split`` and ``role``, as in :func:`.score.score`.

    Returns
    -------
    xarray.Dataset
        By ``cluster``: ``area_share`` (of the weight of all cells in clusters) and ``n``.
        ``silhouette`` in [-1, 1] (Rousseeuw 1987) and ``davies_bouldin`` (small is good; Davies
        and Bouldin 1979), NaN of fewer than two clusters; ``n_sample``; with a reference
        ``adjusted_rand`` over all cells that have one (Hubert and Arabie 1985).
    """
    names = [str(name) for name in features]
    arrays = {f"feature {name}": features[name] for name in names}
    if reference is not None:
        arrays["reference"] = reference
    cubes = CubePass(arrays, labels, weights=weights, **which)
    sizes = list(cubes.sizes.values())
    salt = mix64(np.array([seed], np.uint64))

    def look(piece: Piece) -> tuple[Floats, Floats, Floats]:
        label = piece.values["truth"]
        columns = [piece.values[f"feature {name}"] for name in names]
        there = np.isfinite(label) & (label != noise) & (piece.weight > 0)
        whole = there.copy()
        for column in columns:
            whole &= np.isfinite(column)
        cell = _cells(piece, sizes)[whole]
        key = mix64(cell.view(np.uint64) ^ salt)
        drawn = _smallest(key, sample)
        rows = np.column_stack([label[whole], *(column[whole] for column in columns)])[drawn]
        other = piece.values["reference"][there] if reference is not None else label[there]
        table = np.column_stack([label[there], other, piece.weight[there]])
        return rows, key[drawn].view(np.float64), _table(table)

    kept, keys = np.empty((0, 1 + len(names))), np.empty(0, np.uint64)
    table = np.empty((0, 4))
    for rows, bits, part in cubes.walk(look):
        kept, keys = np.concatenate([kept, rows]), np.concatenate([keys, bits.view(np.uint64)])
        best = _smallest(keys, sample)
        kept, keys = kept[best], keys[best]
        table = _joined(np.concatenate([table, part]))
    found = _shares(table, labels)
    silhouette, davies_bouldin = _compactness(kept)
    found = found.assign(silhouette=silhouette, davies_bouldin=davies_bouldin, n_sample=len(kept))
    if reference is not None:
        found["adjusted_rand"] = ((), _adjusted_rand(table[np.isfinite(table[:, 1])]))
    return found


def _cells(piece: Piece, sizes: list[int]) -> NDArray[np.int64]:
    """Return the flat number of each cell, C order of the whole."""
    places = [np.arange(part.start, part.stop) for part in piece.where.values()]
    mesh = np.meshgrid(*places, indexing="ij", sparse=True)
    number = np.zeros((1,) * len(sizes), np.int64)
    for size, place in zip(sizes, mesh, strict=True):
        number = number * size + place
    return np.broadcast_to(number, piece.weight.shape)


def _smallest(keys: NDArray[np.uint64], n: int) -> NDArray[np.intp]:
    """Return which keys are the `n` smallest, in their order."""
    return np.argsort(keys, kind="stable")[:n]


def _table(rows: Floats) -> Floats:
    """Return cluster, reference, cells and weight of each pair that occurs."""
    return _joined(np.column_stack([rows[:, :2], np.ones(len(rows)), rows[:, 2]]))


def _joined(rows: Floats) -> Floats:
    pairs, inverse = np.unique(rows[:, :2], axis=0, return_inverse=True, equal_nan=True)
    place = inverse.reshape(-1)
    sums = [np.bincount(place, column, len(pairs)) for column in rows[:, 2:].T]
    return np.column_stack([pairs, *sums])


def _shares(table: Floats, labels: xr.DataArray) -> xr.Dataset:
    numbers, place = np.unique(table[:, 0], return_inverse=True)
    n, weight = (np.bincount(place, column, numbers.size) for column in table[:, 2:].T)
    total = weight.sum()
    names, colors = class_names(numbers, labels)
    coords: dict[str, Any] = {"cluster": names, "number": ("cluster", numbers)}
    if colors is not None:
        coords["color"] = ("cluster", colors)
    share = weight / total if total > 0 else weight
    return xr.Dataset(
        {"area_share": ("cluster", share), "n": ("cluster", np.rint(n).astype(np.int64))}, coords
    )


def _compactness(rows: Floats) -> tuple[float, float]:
    """Return silhouette and Davies-Bouldin index of cluster numbers beside their features."""
    numbers, label = np.unique(rows[:, 0], return_inverse=True)
    if not 2 <= numbers.size < len(rows) or numbers.size > MOST_CLASSES:
        return math.nan, math.nan
    x = rows[:, 1:]
    member = np.eye(numbers.size)[label]
    return _silhouette(x, label, member), _davies_bouldin(x, label, member)


def _silhouette(x: Floats, label: NDArray[np.intp], member: Floats) -> float:
    from scipy.spatial.distance import cdist

    size = member.sum(axis=0)
    found = np.zeros(len(x))
    for start in range(0, len(x), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        sums = cdist(x[part], x) @ member
        row, own = np.arange(len(sums)), label[part]
        # A cell has no distance to itself; one that is alone in its cluster counts 0.
        alone = size[own] == 1
        within = sums[row, own] / np.maximum(size[own] - 1, 1)
        mean = sums / size
        mean[row, own] = np.inf
        nearest = mean.min(axis=1)
        most = np.maximum(within, nearest)
        ratio = (nearest - within) / np.where(most > 0, most, 1)
        found[part] = np.where(alone, 0, ratio)
    return float(found.mean())


def _davies_bouldin(x: Floats, label: NDArray[np.intp], member: Floats) -> float:
    from scipy.spatial.distance import cdist

    size = member.sum(axis=0)
    centres = (member.T @ x) / size[:, None]
    width = (member.T @ np.linalg.norm(x - centres[label], axis=1)) / size
    apart = cdist(centres, centres)
    # Clusters about one place are not told apart by it, and neither is one from itself.
    ratio = (width[:, None] + width) / np.where(apart > 0, apart, np.inf)
    return float(ratio.max(axis=1).mean())


def _adjusted_rand(table: Floats) -> float:
    """Return the adjusted Rand index of a table of pairs and their numbers of cells."""
    if not len(table):
        return math.nan

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1) / 2).sum())

    def margin(column: int) -> float:
        place = np.unique(table[:, column], return_inverse=True)[1]
        return pairs(np.bincount(place, table[:, 2]).astype(np.float64))

    both, first, second = pairs(table[:, 2]), margin(0), margin(1)
    everything = pairs(np.array([table[:, 2].sum()]))
    expected = first * second / everything if everything else 0.0
    most = (first + second) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)
