"""A training end to end: what is logged, and that it is right."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from jupyter_mlkit.cubes.scoring.baseline_fit import least_squares
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.errors import MLKitError
from jupyter_mlkit.spec import load_spec
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.train import RunResult, predict, run
from jupyter_mlkit.train.report import FitPosition
from jupyter_mlkit.train.training import ERROR_TAG

from .conftest import FEATURE, TARGET, make_spec

OLCI = Path(__file__).parents[3] / "shared" / "data" / "olci-north-sea.zarr.zip"


class Phases:
    def __init__(self) -> None:
        self.seen: list[tuple[str, float | None]] = []
        self.run_id: str | None = None

    def phase(self, name: str, progress: float | None = None) -> None:
        self.seen.append((name, progress))

    def fitting(self, position: FitPosition) -> None:
        self.seen.append(("fitting", position.share))

    def started(self, run_id: str, experiment_id: str) -> None:
        self.run_id = run_id


@pytest.fixture(scope="module")
def linear(store: str, demo_cube: Path) -> tuple[RunResult, Phases]:
    phases = Phases()
    return run(make_spec(demo_cube), report=phases), phases


@pytest.fixture(scope="module")
def boosted(store: str, small_cube: Path) -> RunResult:
    model = {
        "class": "sklearn.ensemble.HistGradientBoostingRegressor",
        "params": {"max_iter": 12, "early_stopping": False},
    }
    return run(make_spec(small_cube, model=model))


def test_linear_regression_agrees_with_the_closed_form(
    linear: tuple[RunResult, Phases], demo_cube: Path
) -> None:
    data = CubeData.from_spec(load_spec(make_spec(demo_cube)))
    reference = least_squares(data.samples("train"), 1, weighted=True)
    test = data.samples("test")
    model = mlflow.pyfunc.load_model(linear[0].model_uri)
    difference = model.get_raw_model().predict_array(test.X) - reference.predict(test)
    assert np.sqrt(np.mean(difference**2)) <= 1e-3
    assert np.abs(difference).max() <= 1e-2


def test_run_carries_what_the_conventions_say(linear: tuple[RunResult, Phases]) -> None:
    result, phases = linear
    logged = mlflow.get_run(result.run_id)
    assert logged.info.status == "FINISHED"
    assert phases.run_id == result.run_id
    assert phases.seen[-1] == ("done", 1.0)
    params, found, metrics = logged.data.params, logged.data.tags, logged.data.metrics
    assert params["target"] == TARGET
    assert params["features"] == FEATURE
    assert params["split"].startswith("block lat=15 deg lon=15 deg")
    assert params["model"] == "sklearn.linear_model.LinearRegression"
    assert found[tags.UNITS] == "K"
    assert found[tags.PRIMARY_METRIC] == "val_rmse"
    assert found[tags.CUBE_FINGERPRINT].startswith("stored:")
    assert json.loads(found[tags.EVALUATION])["hash"] == found[tags.EVALUATION_HASH]
    tested = json.loads(found[tags.EVALUATION_TEST])
    assert (tested["role"], tested["hash"]) == ("test", found[tags.EVALUATION_TEST_HASH])
    assert tested["hash"] != found[tags.EVALUATION_HASH]
    assert found["mlflow.source.git.commit"]
    for role in ("train", "val", "test"):
        for score in ("rmse", "mae", "bias", "r2"):
            assert f"{role}_{score}" in metrics
    assert {"n_train", "n_val", "n_test", "fit_seconds", "gain/val_rmse"} <= set(metrics)
    assert metrics["baseline/linear/val_rmse"] < metrics["baseline/mean/val_rmse"]
    # In kelvin: the demo's line leaves 2.24 K.
    assert 2 < metrics["test_rmse"] < 2.6
    assert abs(metrics["gain/val_rmse"]) < 1e-4
    inputs = logged.inputs.dataset_inputs
    assert len(inputs) == 1
    assert inputs[0].dataset.digest == found[tags.CUBE_FINGERPRINT][:36]


def test_run_can_be_launched_again_from_its_spec(
    linear: tuple[RunResult, Phases], demo_cube: Path, tmp_path: Path
) -> None:
    folder = Path(mlflow.artifacts.download_artifacts(run_id=linear[0].run_id, dst_path=tmp_path))
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert {
        "mlkit/spec.yaml",
        "mlkit/split.json",
        "mlkit/scaling.json",
        "mlkit/cube.json",
        "mlkit/environment.txt",
        "maps/split.png",
        "maps/worst.png",
        "maps/median.png",
    } <= files
    assert load_spec((folder / "mlkit/spec.yaml").read_bytes()) == load_spec(make_spec(demo_cube))
    assert "scikit-learn==" in (folder / "mlkit/environment.txt").read_text()
    for name in ("split", "worst", "median"):
        assert (folder / f"maps/{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_ensemble_is_live_while_it_fits(boosted: RunResult) -> None:
    client = mlflow.MlflowClient()
    for key in ("train_rmse", "val_rmse"):
        history = client.get_metric_history(boosted.run_id, key)
        steps = [m.step for m in history]
        # Twelve stages, and the score of the finished model at the last of them.
        assert len(set(steps)) == 12
        assert steps.count(max(steps)) == 2
        assert min(steps) > 0
        assert history[0].value > history[-1].value
        # The latest value is the score on all cells.
        latest = client.get_run(boosted.run_id).data.metrics[key]
        assert latest == pytest.approx(boosted.metrics[key])


@pytest.mark.parametrize("how", ["run id", "runs", "alias"])
def test_predicts_to_a_stamped_cube(
    boosted: RunResult, small_cube: Path, tmp_path: Path, how: str
) -> None:
    names = {"run id": boosted.run_id, "runs": f"runs:/{boosted.run_id}/model"}
    if how == "alias":
        version = mlflow.register_model(boosted.model_uri, "lst")
        mlflow.MlflowClient().set_registered_model_alias("lst", "best", version.version)
        names["alias"] = "models:/lst@best"
    path = predict(names[how], str(small_cube), tmp_path / "filled.zarr")
    filled, cube = open_cube(str(path)), open_cube(str(small_cube))
    assert filled[TARGET].dims == cube[TARGET].dims
    xr.testing.assert_equal(filled.lat, cube.lat)
    assert filled.attrs["mlkit_run_id"] == boosted.run_id
    assert filled.attrs["mlkit_model_uri"].startswith("models:/lst/" if how == "alias" else "runs:")
    assert filled.attrs["mlkit_cube_fingerprint"].startswith("stored:")
    assert filled[TARGET].attrs["units"] == "K"
    direct = mlflow.pyfunc.load_model(boosted.model_uri).predict(cube.isel(time=[0]).load())
    np.testing.assert_allclose(filled[TARGET].isel(time=[0]).values, direct.values, rtol=1e-6)


def test_no_prediction_replaces_a_cube_by_accident(
    boosted: RunResult, small_cube: Path, tmp_path: Path
) -> None:
    (tmp_path / "there.zarr").mkdir()
    with pytest.raises(MLKitError) as caught:
        predict(boosted.run_id, str(small_cube), tmp_path / "there.zarr")
    assert caught.value.code == "already_exists"


def test_unknown_model_is_explained(store: str, small_cube: Path, tmp_path: Path) -> None:
    with pytest.raises(MLKitError) as caught:
        predict("models:/nobody@best", str(small_cube), tmp_path / "x.zarr")
    assert caught.value.status == 404
    assert not (tmp_path / "x.zarr").exists()


def test_classifier(store: str, small_cube: Path) -> None:
    model = {
        "class": "sklearn.ensemble.RandomForestClassifier",
        "params": {"n_estimators": 8, "max_depth": 4},
    }
    result = run(make_spec(small_cube, target="kelvin_class", model=model))
    assert result.metrics["val_balanced_accuracy"] > 0.8
    assert result.metrics["baseline/majority/val_balanced_accuracy"] == pytest.approx(0.5)
    assert result.metrics["gain/val_balanced_accuracy"] > 0.5
    logged = mlflow.get_run(result.run_id)
    assert logged.data.tags[tags.PRIMARY_METRIC] == "val_balanced_accuracy"
    loaded = mlflow.pyfunc.load_model(result.model_uri)
    values = loaded.predict(pd.DataFrame({FEATURE: [230.0, 305.0]}))
    assert values.tolist() == [0.0, 1.0]


def test_coordinates_are_features_too(store: str, small_cube: Path, tmp_path: Path) -> None:
    result = run(make_spec(small_cube, features=[FEATURE, "lat"]))
    path = predict(result.run_id, str(small_cube), tmp_path / "filled.zarr")
    cube = open_cube(str(small_cube))
    direct = mlflow.pyfunc.load_model(result.model_uri).predict(cube.load())
    assert direct.dims == cube[TARGET].dims
    np.testing.assert_allclose(open_cube(str(path))[TARGET].values, direct.values, rtol=1e-6)


def _wrong(**changes: Any) -> dict[str, Any]:
    return changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (_wrong(sources=[{"uri": "/no/such.zarr"}]), "cube_not_found"),
        (_wrong(target="temprature"), "unknown_variable"),
        (_wrong(target="nothing"), "all_missing"),
        (_wrong(features=["nothing"]), "all_missing"),
        (_wrong(split={"kind": "block", "sizes": {"lat": "90 deg"}}), "empty_split"),
        (_wrong(model={"class": "sklearn.linear_model.Rige"}), "unknown_estimator"),
        (_wrong(model={"class": "os.system"}), "unknown_estimator"),
        (
            _wrong(model={"class": "sklearn.linear_model.Ridge", "params": {"alpha": "x"}}),
            "wrong_parameter",
        ),
        (_wrong(model={"class": "sklearn.ensemble.RandomForestClassifier"}), "target_not_classes"),
    ],
)
def test_bad_input_leaves_no_run(
    store: str, small_cube: Path, changes: dict[str, Any], code: str
) -> None:
    before = len(mlflow.search_runs(search_all_experiments=True))
    with pytest.raises(MLKitError) as caught:
        run(make_spec(small_cube, **changes))
    assert caught.value.code == code
    assert len(mlflow.search_runs(search_all_experiments=True)) == before
    assert mlflow.active_run() is None


def test_error_while_fitting_leaves_a_failed_run(store: str, small_cube: Path) -> None:
    phases = Phases()
    # Gamma loss needs a positive target; scaled temperatures are not.
    model = {
        "class": "sklearn.ensemble.HistGradientBoostingRegressor",
        "params": {"loss": "gamma"},
    }
    with pytest.raises(ValueError, match="gamma"):
        run(make_spec(small_cube, model=model), report=phases)
    assert phases.run_id is not None
    logged = mlflow.get_run(phases.run_id)
    assert logged.info.status == "FAILED"
    assert logged.data.tags[tags.END_REASON] == "error"
    assert "gamma" in logged.data.tags[ERROR_TAG]


def test_interrupt_leaves_a_killed_run(store: str, small_cube: Path) -> None:
    class Interrupts(Phases):
        def phase(self, name: str, progress: float | None = None) -> None:
            if name == "scoring":
                raise KeyboardInterrupt

    phases = Interrupts()
    with pytest.raises(KeyboardInterrupt):
        run(make_spec(small_cube), report=phases)
    assert phases.run_id is not None
    logged = mlflow.get_run(phases.run_id)
    assert logged.info.status == "KILLED"
    assert logged.data.tags[tags.END_REASON] == "stopped"
    assert mlflow.active_run() is None


@pytest.mark.skipif(not OLCI.exists(), reason="the North Sea cube is not here")
def test_north_sea(store: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(OLCI) as archive:
        archive.extractall(tmp_path)
    cube = next(tmp_path.rglob("kd489")).parent
    result = run(
        make_spec(
            cube,
            target="kd489",
            features=["conc_chl", "conc_tsm"],
            split={
                "kind": "block",
                "sizes": {"lat": "0.25 deg", "lon": "0.25 deg"},
                "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
            },
            fit={"max_samples": 50_000},
            model={
                "class": "sklearn.ensemble.HistGradientBoostingRegressor",
                "params": {"max_iter": 20},
            },
        )
    )
    assert result.metrics["n_train"] == 50_000
    assert result.metrics["val_r2"] > 0.5
    assert mlflow.get_run(result.run_id).data.tags[tags.UNITS] == "m^-1"
