"""A batch as a framework trains on it: inputs, target, and how much each target counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SpecError
from ..sampling.batch import Batch

Floats = NDArray[np.float32]


def training_arrays(batch: Batch) -> tuple[Floats, Floats, Floats]:
    """Return X, y and weight of a batch.

    Target cells that do not count have weight 0 and y 0, so that a weighted loss over all of
    them counts each role's own cells only.

    Returns
    -------
    X : ndarray of float32, shape (n, n_features) or (n, n_features, *window)
    y, weight : ndarray of float32, shape (n,) or (n, *window)

    Raises
    ------
    SpecError
        ``no_target``.
    """
    if batch.y is None:
        raise SpecError("This sampler has no target to train on.", code="no_target", field="target")
    y = batch.y if batch.valid.all() else np.where(batch.valid, batch.y, np.float32(0))
    return batch.X, y, batch.weight
