"""What a run is scored on, as a digest: two runs are comparable iff it is equal."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from ...models import Evaluation, Role
from ..grids.sizes import parse_size
from ..identity.digest import SetDigest, lane_sums, mix64
from ..view.data import CubeData
from ..view.samples import Samples
from .cell_names import CellNames

#: How errors of cells become one number.
AGGREGATION = "all cells of the role pooled"
#: Kinds of weights that do not follow from a cell's own coordinates: a variable of the file
#: gives them, or its neighbours do, which a crop takes away.
_NOT_BY_PLACE = ("area (cell measures)", "area (bounds)", "area (spacing of centres)")


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
    names = CellNames(data)
    edges = _edge_hashes(data)
    lead = _lead(data)
    cells, truth, weights, n = SetDigest(), SetDigest(), SetDigest(), 0
    for batch in data.batches(role) if samples is None else [samples]:
        name = names.of(batch)
        _add(cells, mix64(name))
        # A truth of -0.0 and of 0.0 is the same.
        bits = (batch.y + np.float32(0)).view(np.uint32).astype(np.uint64)
        _add(truth, mix64(mix64(name) ^ mix64(bits)))
        of_weight = _weight_hashes(data, names, batch, edges)
        if of_weight is not None:
            _add(weights, mix64(mix64(name) ^ of_weight))
        n += len(batch)
    described = {
        "target": data.spec.target,
        "units": data.units,
        "truth_digest": truth.digest().hex(),
        "cells_digest": cells.digest().hex(),
        "lead_time": lead,
        "weights": data.area.kind,
        "weights_digest": weights.digest().hex(),
        "aggregation": AGGREGATION,
    }
    text = json.dumps(described, sort_keys=True)
    return Evaluation(
        hash=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        target=data.spec.target,
        units=data.units,
        role=role,
        n_cells=n,
        truth_digest=truth.digest().hex(),
        cells_digest=cells.digest().hex(),
        weights=data.area.kind,
        aggregation=AGGREGATION,
        lead_time=lead,
    )


def _add(digest: SetDigest, members: NDArray[np.uint64]) -> None:
    digest.add(members.size, lane_sums(members))


def _lead(data: CubeData) -> str | None:
    """Return the lead time in one spelling: 192 hours are 8 days."""
    lead = data.spec.lead
    return None if lead is None else str(parse_size(lead, field="lead"))


def _edge_hashes(data: CubeData) -> NDArray[np.uint64] | None:
    """Return a number for the edges of each cell along y, where the weights come from bounds."""
    if data.area.edges is None:
        return None
    # Through float32, as coordinates are: the float width of a file is no difference.
    edges = data.area.edges.astype(np.float32).astype(np.float64) + 0.0
    south, north = edges.view(np.uint64).T
    return mix64(mix64(south) ^ mix64(mix64(north)))


def _weight_hashes(
    data: CubeData, names: CellNames, batch: Samples, edges: NDArray[np.uint64] | None
) -> NDArray[np.uint64] | None:
    """Return a number for what makes the weight of each sample beside its coordinates.

    None where it follows from the coordinates, which name the cells.
    """
    if edges is not None and data.grid.y in data.dims:
        return edges[names.places(batch)[data.dims.index(data.grid.y)]]
    if data.area.kind in _NOT_BY_PLACE:
        return mix64(batch.weight.astype(np.float32).view(np.uint32).astype(np.uint64))
    return None
