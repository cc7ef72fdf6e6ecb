"""The whole way on a real satellite cube, where it is at hand: other names, units and gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.cubes.prediction.predict import predict as predict_cube
from jupyter_mlkit.cubes.scaling.rows import RowStatistics
from jupyter_mlkit.cubes.scoring.samples import baselines, evaluation, least_squares, score_samples
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.cubes.view.samples import Samples
from jupyter_mlkit.spec import load_spec


def test_from_description_to_prediction(olci_path: Path, tmp_path: Path) -> None:
    found = describe(str(olci_path))
    assert found.format == "zarr v2"
    assert found.suggestion["target"] == "kd489"
    assert found.suggestion["features"] == ["conc_chl", "conc_tsm"]
    assert found.bbox == pytest.approx([0, 50, 5, 52.5])
    spec = load_spec(
        {
            "sources": [{"uri": str(olci_path)}],
            "target": found.suggestion["target"],
            "features": found.suggestion["features"],
            "split": found.suggestion["splits"]["places"],
        }
    )
    data = CubeData.from_spec(spec)
    assert data.units == "m^-1"
    assert data.area.kind == "area (bounds)"
    assert sum(count.cells for count in data.counts()) > 1_000_000
    train, test = data.samples("train"), data.samples("test")
    rows = RowStatistics([*data.features, "kd489"])
    rows.add(train.X, train.y)
    offset, scale = np.array([*rows.scaler("standardize").constants().values()]).T

    def scaled_features(x: np.ndarray) -> np.ndarray:
        return ((x - offset[:-1]) / scale[:-1]).astype(np.float32)

    y = ((train.y - offset[-1]) / scale[-1]).astype(np.float32)
    scaled = Samples(scaled_features(train.X), y, train.weight, train.cell, train.block)
    model = least_squares(scaled, 2)

    def predict(x: np.ndarray) -> np.ndarray:
        y = scaled_features(x).astype("f8") @ model.coefficients + model.intercept
        return y * scale[-1] + offset[-1]

    score = score_samples(predict(test.X), test)
    mean = baselines(data)["mean"].score(data, "test")
    assert score["rmse"] < 0.8 * mean["rmse"]
    # Scaling and back does not move the least-squares solution.
    reference = least_squares(data.batches("train"), 2).predict(test)
    assert np.abs(predict(test.X) - reference).max() < 1e-4
    assert evaluation(data, "test").n_cells == score["n"]

    predict_cube(
        predict, data.ds, features=data.features, name="kd489_predicted",
        attrs={"units": data.units, "mlkit_run_id": "r"}, path=tmp_path / "p.zarr",
    )  # fmt: skip
    cube = open_cube(str(tmp_path / "p.zarr"))
    predicted = cube.kd489_predicted
    assert predicted.dims == ("time", "lat", "lon")
    assert float(predicted.lat[0]) > float(predicted.lat[-1])
    np.testing.assert_allclose(
        predicted.values.ravel()[test.cell], predict(test.X).astype("f4"), rtol=1e-5
    )
    source = open_cube(str(olci_path))
    missing = source.conc_chl.isnull().values | source.conc_tsm.isnull().values
    assert (np.isnan(predicted.values) == missing).all()
