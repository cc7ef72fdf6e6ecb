"""The logged model: the same answer in every form, and without this package."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from hashlib import sha256
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io
import xarray as xr
from sklearn.linear_model import LinearRegression

from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.train import RunResult, run
from jupyter_mlkit.train.vendored.mlkit_cube_model import (
    DESCRIPTION_FILE,
    CubeModel,
    Description,
    Variable,
    load,
    save,
)

from .conftest import FEATURE, TARGET, make_spec


@pytest.fixture(scope="module")
def result(store: str, small_cube: Path) -> RunResult:
    return run(make_spec(small_cube))


def _model() -> CubeModel:
    rng = np.random.default_rng(0)
    x = rng.random((50, 2)).astype(np.float32)
    estimator = LinearRegression().fit(x, x @ np.array([1.0, 2.0]))
    features = (Variable("a", "K", offset=270, scale=10), Variable("b", offset=1, scale=2))
    target = Variable("t", "K", "Target", offset=280, scale=5)
    return CubeModel(estimator, Description("regressor", features, target, ("y", "x"), {}))


def test_table_cube_and_array_agree() -> None:
    model = _model()
    rng = np.random.default_rng(1)
    cube = xr.Dataset(
        {"a": (("y", "x"), 270 + rng.random((3, 4))), "b": (("x",), rng.random(4))},
        {"y": [3.0, 2.0, 1.0], "x": [0, 1, 2, 3]},
    )
    cube["a"][1, 2] = np.nan
    predicted = model.predict(cube)
    assert predicted.dims == ("y", "x")
    assert predicted.attrs["units"] == "K"
    assert np.isnan(predicted[1, 2])
    assert int(np.isnan(predicted).sum()) == 1
    table = cube.to_dataframe().reset_index()
    series = model.predict(table)
    assert series.name == "t"
    np.testing.assert_allclose(series.to_numpy().reshape(3, 4), predicted.values, rtol=1e-6)
    array = model.predict(table[["a", "b"]].to_numpy())
    np.testing.assert_array_equal(array, series.to_numpy())


def test_dask_cubes_stay_lazy() -> None:
    import dask.array

    cube = xr.Dataset(
        {"a": (("y", "x"), np.full((4, 6), 275.0)), "b": (("y", "x"), np.ones((4, 6)))}
    )
    predicted = _model().predict(cube.chunk({"y": 2}))
    assert isinstance(predicted.data, dask.array.Array)
    np.testing.assert_allclose(predicted.values, _model().predict(cube).values)


def test_saved_model_is_the_same(tmp_path: Path) -> None:
    model = _model()
    save(model, tmp_path)
    rows = np.array([[271.0, 0.5], [280.0, 1.5]])
    np.testing.assert_array_equal(load(tmp_path).predict_array(rows), model.predict_array(rows))


def test_foreign_types_are_refused(tmp_path: Path) -> None:
    model = _model()
    save(model, tmp_path)
    # Weights that were replaced together with their digest: they name a class of nobody's.
    model.estimator.surprise = Path("x")
    weights = skops.io.dumps(model.estimator)
    (tmp_path / "estimator.skops").write_bytes(weights)
    path = tmp_path / DESCRIPTION_FILE
    with pytest.raises(ValueError, match="not the file that was saved"):
        load(tmp_path)
    described = json.loads(path.read_text()) | {"weights_sha256": sha256(weights).hexdigest()}
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match="not a class of scikit-learn"):
        load(tmp_path)
    with pytest.raises(ValueError, match="not a class of scikit-learn"):
        save(model, tmp_path)


def test_newer_formats_are_refused(tmp_path: Path) -> None:
    save(_model(), tmp_path)
    path = tmp_path / DESCRIPTION_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(ValueError, match="format 99"):
        load(tmp_path)


def test_signature_example_and_requirements(result: RunResult) -> None:
    info = mlflow.models.get_model_info(result.model_uri)
    assert info.signature.inputs.input_names() == [FEATURE]
    assert info.signature.outputs.input_names() == [TARGET]
    loaded = mlflow.pyfunc.load_model(result.model_uri)
    assert list(loaded.input_example.columns) == [FEATURE]
    assert len(loaded.predict(loaded.input_example)) == 5
    path = Path(mlflow.artifacts.download_artifacts(result.model_uri))
    names = {line.split("==")[0] for line in (path / "requirements.txt").read_text().split()}
    assert names == {"mlflow", "numpy", "pandas", "scikit-learn", "skops", "xarray"}


def test_float32_tables_are_taken(result: RunResult) -> None:
    loaded = mlflow.pyfunc.load_model(result.model_uri)
    table = pd.DataFrame({FEATURE: np.array([280.0, 290.0], np.float32)}, index=[7, 9])
    predicted = loaded.predict(table)
    assert predicted.index.tolist() == [7, 9]
    assert 250 < predicted.iloc[0] < predicted.iloc[1] < 330


_ELSEWHERE = """
    import importlib.util, sys
    assert importlib.util.find_spec("jupyter_mlkit") is None
    import mlflow, numpy as np, pandas as pd, xarray as xr
    model = mlflow.pyfunc.load_model(sys.argv[1])
    cube = xr.open_zarr(sys.argv[2], chunks=None).isel(time=[0]).load()
    table = pd.DataFrame({"air_temperature_2m": [260.0, 300.0]})
    np.savez(sys.argv[3], cube=model.predict(cube).values, table=model.predict(table).to_numpy())
    assert not [name for name in sys.modules if name.startswith("jupyter_mlkit")]
"""


def test_predicts_the_same_where_this_package_is_not_installed(
    result: RunResult, small_cube: Path, tmp_path: Path
) -> None:
    """A virtual environment that has every package of this one, ours excepted."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    ours = Path(mlflow.__file__).parent.parent
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    for entry in ours.iterdir():
        # An editable install is a .pth file and a folder of metadata.
        if "jupyter_mlkit" not in entry.name and entry.suffix != ".pth":
            (Path(site) / entry.name).symlink_to(entry)
    model = mlflow.artifacts.download_artifacts(result.model_uri)
    subprocess.run(
        [python, "-c", textwrap.dedent(_ELSEWHERE), model, small_cube, tmp_path / "out.npz"],
        check=True,
        cwd=tmp_path,
        timeout=120,
    )
    here = mlflow.pyfunc.load_model(result.model_uri)
    cube = open_cube(str(small_cube)).isel(time=[0]).load()
    table = pd.DataFrame({FEATURE: [260.0, 300.0]})
    there = np.load(tmp_path / "out.npz")
    np.testing.assert_array_equal(there["cube"], here.predict(cube).values)
    np.testing.assert_array_equal(there["table"], here.predict(table).to_numpy())
