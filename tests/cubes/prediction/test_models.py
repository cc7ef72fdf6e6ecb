"""Models of every framework are called as they should be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlkit.cubes.prediction.models import as_model
from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.errors import InvalidInputError

from ..made import small_cube


def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of the cells that have both, their places, and a target."""
    ds = small_cube()
    height = np.broadcast_to(ds.height, ds.b.shape).ravel()
    x = np.stack([ds.b.values.ravel(), height], axis=1)
    places = np.flatnonzero(np.isfinite(x).all(axis=1))
    return x[places], places, x[places] @ np.array([2.0, -0.01]) + 5


def on_cube(model: Any, **how: Any) -> np.ndarray:
    found = predict(model, small_cube(), **{"features": ["b", "height"], **how})
    values = found.values.ravel()
    places = rows()[1]
    assert np.isfinite(values).sum() == len(places)
    return np.asarray(values[places])


@pytest.mark.parametrize("model", [LinearRegression(), Ridge(), SGDRegressor(eta0=1e-9)])
def test_a_linear_model_predicts_as_its_own_predict_does(model: Any) -> None:
    x, _, y = rows()
    model.fit(x, y)
    assert as_model(model).linear() is not None
    wanted = model.predict(x.astype("f8"))
    np.testing.assert_allclose(on_cube(model), wanted, rtol=1e-6)


def test_a_model_that_only_has_coefficients_is_called(tmp_path: Path) -> None:
    class Doubled(LinearRegression):  # type: ignore[misc]
        def predict(self, x: np.ndarray) -> Any:
            return 2 * super().predict(x)

    x, _, y = rows()
    model = Doubled().fit(x, y)
    assert as_model(model).linear() is None
    np.testing.assert_allclose(on_cube(model), model.predict(x), rtol=1e-6)


def test_infinite_features_are_missing_for_linear_models_too() -> None:
    ds = small_cube()
    ds["a"][0, 0, :2] = np.inf
    x = ds.a.values[1:].reshape(-1, 1)
    found = predict(LinearRegression().fit(x, x[:, 0]), ds, features=["a"])
    assert found.isnull().sum() == 2


def test_a_forest_and_a_pipeline_that_chooses_columns_by_name() -> None:
    x, _, y = rows()
    forest = HistGradientBoostingRegressor(max_iter=5).fit(x, y)
    np.testing.assert_array_equal(on_cube(forest), forest.predict(x).astype("f4"))
    table = pd.DataFrame(x, columns=["b", "height"])
    chosen = make_pipeline(
        make_column_transformer((StandardScaler(), ["height"]), remainder="passthrough"),
        HistGradientBoostingRegressor(max_iter=5),
    ).fit(table, y)
    # It knows its features by itself.
    np.testing.assert_array_equal(
        on_cube(chosen, features=None), chosen.predict(table).astype("f4")
    )
    with pytest.raises(InvalidInputError, match="fitted on b, height"):
        on_cube(chosen, features=["height", "b"])


def test_a_torch_module_is_called_in_evaluation_mode_without_gradients() -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
    )
    module[2].eval()
    x, _, _ = rows()
    found = on_cube(module)
    assert (module.training, module[1].training, module[2].training) == (True, True, False)
    assert all(weight.grad is None for weight in module.parameters())
    module.eval()
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()[:, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_torch_patch_model_sees_channels_first() -> None:
    conv = torch.nn.Conv2d(2, 1, 3, padding="same", padding_mode="replicate")
    ds = small_cube()
    found = predict(
        conv, ds, features=["a", "height"], nan=0.0,
        input_dims={"lat": 10, "lon": 10}, input_overlap={"lat": 2, "lon": 2},
    )  # fmt: skip
    x = np.stack([ds.a.values, np.broadcast_to(ds.height, ds.a.shape)], axis=1)
    with torch.no_grad():
        wanted = conv(torch.from_numpy(np.nan_to_num(x))).numpy()[:, 0]
    # Each cell comes from inside a window, where the kernel sees what it sees in the whole.
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


def test_the_identity_of_a_model_follows_its_weights() -> None:
    x, _, y = rows()
    fitted = [LinearRegression().fit(x, y + shift) for shift in (0, 0, 1)]
    names = [as_model(model).identity() for model in fitted]
    assert names[0] == names[1] != names[2]
    module = torch.nn.Linear(2, 1)
    before = as_model(module).identity()
    with torch.no_grad():
        module.weight += 1
    assert as_model(module).identity() != before
    assert as_model(lambda x: x).identity() is None


def test_a_keras_model_of_any_backend() -> None:
    """In a process of its own, as the backend is chosen when keras is imported."""
    code = """
import keras, numpy as np, xarray as xr
from jupyter_mlkit.cubes.prediction.predict import predict
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
values = np.random.default_rng(0).normal(size=(5, 8)).astype("f4")
values[0, :3] = np.nan
ds = xr.Dataset({"u": (("t", "x"), values), "v": ("x", np.arange(8, dtype="f4"))})
found = predict(model, ds, features=["u", "v"]).values
x = np.stack([values.ravel(), np.tile(np.arange(8), 5)], axis=1)
known = np.isfinite(values).ravel()
wanted = model.predict(x[known], verbose=0)[:, 0]
np.testing.assert_allclose(found.ravel()[known], wanted, rtol=1e-5)
assert np.isnan(found.ravel()[~known]).all()
"""
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "KERAS_BACKEND": "torch"}
    )


def test_no_framework_is_imported_for_a_function() -> None:
    code = """
import sys, numpy as np, xarray as xr
from jupyter_mlkit.cubes.prediction.predict import predict
predict(lambda x: x[:, 0], xr.Dataset({"u": ("x", np.arange(3.0))})).load()
loaded = {"torch", "keras", "tensorflow", "sklearn", "mlflow", "tornado"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)
