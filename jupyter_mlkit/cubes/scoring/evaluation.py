"""What a run is scored on, as a digest: two runs are comparable iff it is equal."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from ...models import Evaluation, Role
from ..grids.coordinates import cell_coordinates
from ..identity.digest import SetDigest, mix64
from ..sampling.data import CubeData, Samples

#: How errors of cells become one number.
AGGREGATION = "all cells of the role pooled"


def evaluation(data: CubeData, role: Role, samples: Samples | None = None) -> Evaluation:
    """Return the identity of scoring `data` on the cells of `role`.

    Cells count by their coordinates, not by their position, and in no order: a crop, another
    chunking or another order of dims that scores the same cells has the same digests.

    Parameters
    ----------
    data : CubeData
    role : {"train", "validation", "test"}
    samples : Samples, optional
        All samples of `role` where they are at hand: the data are not read again.

    Returns
    -------
    Evaluation
        ``hash`` covers target name, units, truth, cells, lead time, weights and aggregation.
    """
    hashes = _coordinate_hashes(data)
    shape = tuple(int(data.ds.sizes[dim]) for dim in data.dims)
    edges = _edge_hashes(data)
    cells, truth, weights, n = SetDigest(), SetDigest(), SetDigest(), 0
    for batch in data.batches(role) if samples is None else [samples]:
        name = np.zeros(len(batch), np.uint64)
        places = np.unravel_index(batch.cell, shape)
        for along, index in zip(hashes, places, strict=True):
            name += along[index]
        cells.add(mix64(name))
        # A truth of -0.0 and of 0.0 is the same.
        bits = (batch.y + np.float32(0)).view(np.uint32).astype(np.uint64)
        truth.add(mix64(mix64(name) ^ mix64(bits)))
        if edges is not None and data.grid.y in data.dims:
            of_cell = edges[places[data.dims.index(data.grid.y)]]
            weights.add(mix64(mix64(name) ^ of_cell))
        n += len(batch)
    described = {
        "target": data.spec.target,
        "units": data.units,
        "truth_digest": truth.hexdigest(),
        "cells_digest": cells.hexdigest(),
        "lead_time": None,
        "weights": data.area.kind,
        "weights_digest": weights.hexdigest(),
        "aggregation": AGGREGATION,
    }
    text = json.dumps(described, sort_keys=True)
    return Evaluation(
        hash=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        target=data.spec.target,
        units=data.units,
        role=role,
        n_cells=n,
        truth_digest=truth.hexdigest(),
        cells_digest=cells.hexdigest(),
        weights=data.area.kind,
        aggregation=AGGREGATION,
        lead_time=None,
    )


def _edge_hashes(data: CubeData) -> NDArray[np.uint64] | None:
    """Return a number for the edges of each cell along y, where the weights come from bounds.

    Other weights follow from the coordinates, which name the cells.
    """
    if data.area.edges is None:
        return None
    # Through float32, as coordinates are: the float width of a file is no difference.
    edges = data.area.edges.astype(np.float32).astype(np.float64) + 0.0
    south, north = edges.view(np.uint64).T
    return mix64(mix64(south) ^ mix64(mix64(north)))


def _coordinate_hashes(data: CubeData) -> list[NDArray[np.uint64]]:
    """Return a number for each coordinate along each dim; their sum names a cell."""
    hashes = []
    for dim in data.dims:
        values = cell_coordinates(data.ds, data.grid, dim)
        salt = hashlib.blake2b((data.grid.axis(dim) or dim).encode(), digest_size=8).digest()
        salted = (values + 0.0).view(np.uint64) ^ np.frombuffer(salt, np.uint64)
        hashes.append(mix64(mix64(salted)))
    return hashes
