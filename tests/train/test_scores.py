"""How many cells the scores of a run rest on."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_mlkit.cubes.view.samples import Samples
from jupyter_mlkit.train.scores import role_metrics, scored_cells


def test_cells_without_a_prediction_are_not_counted() -> None:
    zeros = np.zeros(4, np.int64)
    truth = np.array([1.0, 2.0, 3.0, 9.0], np.float32)
    samples = Samples(np.ones((4, 1), np.float32), truth, np.ones(4), zeros, zeros)
    prediction = np.array([2.0, 3.0, 4.0, np.nan])
    assert role_metrics("regressor", "validation", prediction, samples)["val_rmse"] == (
        pytest.approx(1.0)
    )
    assert scored_cells(prediction) == 3
