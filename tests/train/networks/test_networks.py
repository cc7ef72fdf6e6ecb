"""Networks trained from a spec: that they learn what they should, and what a run keeps of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.scoring.baseline_fit import least_squares
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.errors import MLKitError, ModelError
from jupyter_mlkit.spec import load_spec
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.train import RunResult, load_model, run
from jupyter_mlkit.train.catalog import find_model, model_errors
from jupyter_mlkit.train.fitting import cell_sampler
from jupyter_mlkit.train.networks.architectures import Network
from jupyter_mlkit.train.report import FitPosition
from jupyter_mlkit.train.training import ERROR_TAG

from ..conftest import FEATURE, make_spec

FRAMEWORKS = ("torch", "keras")
#: Squared loss to its optimum, batch by batch.
TO_THE_OPTIMUM = {
    "optimizer": "sgd",
    "learning_rate": 0.02,
    "batch_size": 16384,
    "epochs": 120,
}


def path_of(framework: str) -> str:
    return f"jupyter_mlkit.train.networks.{framework}.mlp"


def network_spec(
    cube: Path, framework: str, params: dict[str, Any] | None = None, **fit: Any
) -> dict[str, Any]:
    model = {"class": path_of(framework), "params": params or {"hidden": [16]}}
    return make_spec(cube, model=model, fit={"epochs": 3, "batch_size": 2048, **fit})


class Positions:
    def __init__(self) -> None:
        self.seen: list[FitPosition] = []

    def phase(self, name: str, progress: float | None = None) -> None:
        pass

    def fitting(self, position: FitPosition) -> None:
        self.seen.append(position)

    def started(self, run_id: str, experiment_id: str) -> None:
        self.run_id = run_id


@pytest.fixture(scope="module", params=FRAMEWORKS)
def trained(
    request: pytest.FixtureRequest, store: str, small_cube: Path
) -> tuple[RunResult, Positions, dict[str, Any]]:
    spec = network_spec(small_cube, request.param, batch_size=512)
    positions = Positions()
    return run(spec, report=positions), positions, spec


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_a_hidden_layer_it_agrees_with_least_squares(
    store: str, demo_cube: Path, framework: str
) -> None:
    spec = network_spec(demo_cube, framework, {"hidden": []}, **TO_THE_OPTIMUM)
    model = load_model(run(spec).model_uri)
    data = CubeData.from_spec(load_spec(spec))
    reference = least_squares(data.samples("train"), 1, weighted=True)
    test = data.samples("test")
    difference = model.predict_array(test.X) - reference.predict(test)
    assert np.sqrt(np.mean(difference**2)) <= 1e-3
    assert np.abs(difference).max() <= 1e-2


def test_a_run_has_its_curves_and_how_it_was_fitted(
    trained: tuple[RunResult, Positions, dict[str, Any]],
) -> None:
    result, positions, spec = trained
    logged = mlflow.get_run(result.run_id)
    assert logged.info.status == "FINISHED"
    assert logged.data.params["model"] == spec["model"]["class"]
    assert logged.data.params["model.hidden"] == "[16]"
    assert logged.data.params["model.dropout"] == "0.0", "what was not said is told as well"
    assert logged.data.params["fit.epochs"] == "3"
    assert logged.data.params["fit.learning_rate"] == "0.01"
    assert "fit.patience" not in logged.data.params
    assert logged.data.tags[tags.DEVICE] in ("cpu", "gpu")
    client = mlflow.MlflowClient()
    losses = client.get_metric_history(result.run_id, "train_loss")
    assert [one.step for one in losses] == [1, 2, 3]
    assert losses[-1].value < losses[0].value
    for name in ("train_rmse", "val_rmse"):
        # The score of all cells follows the curve's last point.
        assert [one.step for one in client.get_metric_history(result.run_id, name)] == [1, 2, 3, 3]
    ended = [one for one in positions.seen if one.metrics]
    assert [(one.unit, one.done, one.total) for one in ended] == [
        ("epoch", n, 3) for n in (1, 2, 3)
    ]
    assert ended[-1].share == 1.0


def test_all_train_cells_are_fitted_and_scored(
    trained: tuple[RunResult, Positions, dict[str, Any]],
) -> None:
    result, _, spec = trained
    train = CubeData.from_spec(load_spec(spec)).samples("train")
    assert result.metrics[tags.N_TRAIN] == len(train)
    error = load_model(result.model_uri).predict_array(train.X) - train.y
    rmse = np.sqrt(np.average(error**2, weights=train.weight))
    assert result.metrics["train_rmse"] == pytest.approx(rmse, rel=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_of_more_cells_than_are_looked_at_all_are_scored(
    store: str, small_cube: Path, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = network_spec(small_cube, framework, epochs=1)
    whole = run(spec).metrics
    monkeypatch.setattr("jupyter_mlkit.train.training.WATCHED_CELLS", 100)
    few = run(spec).metrics
    for name in ("train_rmse", "train_mae", "train_bias", "train_r2", "n_train", "val_rmse"):
        assert few[name] == pytest.approx(whole[name], rel=1e-6), name


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_seed_gives_the_same_model_again(store: str, small_cube: Path, framework: str) -> None:
    import torch

    spec = network_spec(small_cube, framework, {"hidden": [8, 8], "dropout": 0.2})
    found = []
    for seed in (1, 1, 2):
        np.random.default_rng().random()
        torch.rand(1)  # the state of a notebook is another each time
        uri = run({**spec, "fit": {**spec["fit"], "seed": seed}}).model_uri
        found.append(load_model(uri).predict_array(np.array([[280.0], [300.0]])))
    first, again, other = found
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_the_generators_of_a_notebook_stay_as_they_are(store: str, small_cube: Path) -> None:
    import torch

    torch.manual_seed(7)
    np.random.seed(7)
    expected = torch.rand(1), np.random.rand()
    for framework in FRAMEWORKS:
        torch.manual_seed(7)
        np.random.seed(7)
        run(network_spec(small_cube, framework, {"hidden": [4], "dropout": 0.5}, epochs=1))
        assert (torch.rand(1), np.random.rand()) == expected, framework


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_patience_ends_it_and_the_best_epoch_is_kept(
    store: str, small_cube: Path, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlkit.train import fitting

    seen: list[np.ndarray[Any, Any]] = []
    scores = iter([3.0, 1.0, 2.0, 1.5, 0.0])
    kept = fitting.train

    def worse(model: Any, *args: Any, **named: Any) -> Any:
        def score(epoch: Any) -> float:
            named_score(epoch)
            seen.append(model.predict_array(np.array([[290.0]])))
            return next(scores)

        named_score = named.pop("score")
        return kept(model, *args, score=score, **named)

    monkeypatch.setattr(fitting, "train", worse)
    result = run(network_spec(small_cube, framework, epochs=50, patience=2))
    assert (result.metrics[tags.N_EPOCHS], result.metrics[tags.BEST_EPOCH]) == (4, 2)
    found = load_model(result.model_uri).predict_array(np.array([[290.0]]))
    np.testing.assert_allclose(found, seen[1], rtol=1e-6)
    assert abs(found - seen[3]) > 1e-3


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_loss_that_explodes_is_said(store: str, small_cube: Path, framework: str) -> None:
    positions = Positions()
    spec = network_spec(small_cube, framework, {"hidden": []}, optimizer="sgd", learning_rate=1000)
    with pytest.raises(ModelError, match="diverged: in epoch") as raised:
        run({**spec, "fit": {**spec["fit"], "epochs": 50}}, report=positions)
    assert (raised.value.code, raised.value.field) == ("diverged", "fit.learning_rate")
    ended = mlflow.get_run(positions.run_id)
    assert ended.info.status == "FAILED"
    assert ended.data.tags[ERROR_TAG].startswith("diverged")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_dropout_is_off_when_it_is_scored(store: str, small_cube: Path, framework: str) -> None:
    spec = network_spec(small_cube, framework, {"hidden": [64], "dropout": 0.9}, epochs=1)
    result = run(spec)
    curve = mlflow.MlflowClient().get_metric_history(result.run_id, "val_rmse")
    assert curve[0].value == pytest.approx(result.metrics["val_rmse"], rel=1e-6)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_batch_that_is_larger_than_the_cube_is_one_whole_step(
    store: str, small_cube: Path, framework: str
) -> None:
    """What a step is does not depend on how much larger the batch might be."""
    cells = len(CubeData.from_spec(load_spec(make_spec(small_cube))).samples("train"))
    named = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 5}
    exact, larger = (
        run(network_spec(small_cube, framework, {"hidden": []}, batch_size=size, **named)).metrics
        for size in (cells, 1000 * cells)
    )
    assert larger["val_rmse"] == pytest.approx(exact["val_rmse"], rel=1e-4)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("optimizer", "loss"), [("adamw", "mae"), ("adam", "huber")])
def test_every_optimizer_and_loss_learns(
    store: str, small_cube: Path, framework: str, optimizer: str, loss: str
) -> None:
    spec = network_spec(
        small_cube, framework, optimizer=optimizer, loss=loss, epochs=8, batch_size=256
    )
    assert run(spec).metrics["gain/val_rmse"] > -0.2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mask": "sea"},
        {"mask": "sea", "region": {"west": -30, "south": 20, "east": 60, "north": 70}},
        {"region": {"west": 150, "south": -60, "east": -120, "north": 10}},
        {"features": [FEATURE, f"lag({FEATURE}, 1)", "lat"]},
        {"lead": "8D"},
        {"period": {"start": "2002-05-25", "end": "2002-06-20"}},
    ],
    ids=["plain", "mask", "mask and region", "region", "computed", "lead", "period"],
)
@pytest.mark.parametrize("curved", [False, True], ids=["rows", "curved"])
def test_the_batches_hold_the_train_cells(
    small_cube: Path, changes: dict[str, Any], curved: bool
) -> None:
    ds = open_cube(str(small_cube)).load()
    ds["sea"] = (ds[FEATURE].isel(time=0, drop=True) > 270).astype("float32")
    if curved:
        lat, lon = xr.broadcast(ds.lat, ds.lon)
        ds = ds.drop_vars(["lat", "lon"]).rename(lat="y", lon="x")
        ds = ds.assign_coords(lat=(("y", "x"), lat.values), lon=(("y", "x"), lon.values))
        ds.lat.attrs, ds.lon.attrs = {"units": "degrees_north"}, {"units": "degrees_east"}
    split = {"kind": "random", "shares": {"train": 0.6, "validation": 0.2, "test": 0.2}}
    asked = make_spec(small_cube, split=split, fit={"batch_size": 100}, **changes)
    data = CubeData.from_spec(load_spec(asked), ds=ds)
    train = data.samples("train")
    batches = list(cell_sampler(data))
    cell = np.concatenate([batch.cell for batch in batches])
    order = np.argsort(cell)
    np.testing.assert_array_equal(cell[order], train.cell)
    x = np.concatenate([batch.X for batch in batches])[order]
    np.testing.assert_array_equal(x, train.X)
    weight = np.concatenate([batch.weight for batch in batches])[order]
    np.testing.assert_allclose(weight, train.weight, rtol=1e-6)
    assert len(batches) == -(-len(train) // 100)


def test_each_epoch_has_an_order_of_its_own(
    store: str, small_cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []
    kept = Sampler.set_epoch

    def seen(sampler: Sampler, epoch: int) -> None:
        epochs.append(epoch)
        kept(sampler, epoch)

    monkeypatch.setattr(Sampler, "set_epoch", seen)
    run(network_spec(small_cube, "torch"))
    assert epochs == [0, 1, 2]


def test_it_learns_whatever_the_notebook_has_set(store: str, small_cube: Path) -> None:
    import torch

    expected = run(network_spec(small_cube, "torch", epochs=1)).metrics["val_rmse"]
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            found = run(network_spec(small_cube, "torch", epochs=1)).metrics["val_rmse"]
    finally:
        torch.set_default_dtype(torch.float32)
    assert found == expected


def test_neighbouring_seeds_share_no_noise() -> None:
    import torch

    from jupyter_mlkit.spec import FitSpec
    from jupyter_mlkit.train.networks.torch import Stepper, mlp

    drawn = set()
    for seed in range(3):
        stepper = Stepper(mlp(1, seed=seed), FitSpec(seed=seed))
        for epoch in range(3):
            with stepper.epoch(epoch):
                drawn.add(float(torch.rand(1, dtype=torch.float64)))
    assert len(drawn) == 9


def test_a_keras_model_loads_where_no_backend_was_chosen(
    store: str, small_cube: Path, tmp_path: Path
) -> None:
    result = run(network_spec(small_cube, "keras", epochs=1))
    rows = np.array([[280.0], [300.0]])
    expected = load_model(result.model_uri).predict_array(rows)
    folder = mlflow.artifacts.download_artifacts(result.model_uri, dst_path=str(tmp_path))
    code = (
        "import mlflow, numpy, sys; model = mlflow.pyfunc.load_model(sys.argv[1]).get_raw_model();"
        "print(model.predict_array(numpy.array([[280.0], [300.0]])).tolist())"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS", "MLFLOW"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, folder],
        env={**environment, "KERAS_HOME": str(tmp_path / "keras")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(json.loads(done.stdout.splitlines()[-1]), expected)
    needed = Path(folder, "requirements.txt").read_text()
    assert keras_backend() in needed
    assert "+cpu" not in needed


def keras_backend() -> str:
    import keras

    return str(keras.backend.backend())


def test_keras_without_a_backend_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_model(path_of("keras"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr("jupyter_mlkit.train.networks.backend.find_spec", lambda name: None)
    (error,) = found.check({})
    assert error.code == "framework_missing"
    assert "pip install tensorflow" in (error.hint or "")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    (error,) = found.check({})
    assert "KERAS_BACKEND asks for jax" in error.message
    monkeypatch.setattr("jupyter_mlkit.train.networks.backend.metadata.version", lambda _: "2.15.0")
    (error,) = found.check({})
    assert error.code == "framework_too_old"


def test_the_form_shows_what_an_empty_field_means() -> None:
    found = find_model(path_of("torch"))
    assert isinstance(found, Network)
    properties = found.offer().params_schema["properties"]
    assert properties["hidden"]["default"] == [64, 64]
    assert properties["dropout"]["default"] == 0.0


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"params": {"hidden": [8, 0]}}, "model.params.hidden.1", ">= 1"),
        ({"params": {"hiden": [8]}}, "model.params.hiden", "no field 'hiden'"),
        ({"params": {"dropout": 1.0}}, "model.params.dropout", "< 1"),
        ({"params": {"activation": "swish"}}, "model.params.activation", "swish"),
        ({"class": path_of("torch")[:-1]}, "model.class", "no network"),
        ({"params": {"hidden": 64}}, "model.params.hidden", "a list"),
    ],
)
def test_what_is_wrong_with_a_network_is_said(
    tmp_path: Path, changes: dict[str, Any], field: str, words: str
) -> None:
    model = {"class": path_of("torch"), "params": {}, **changes}
    (error,) = model_errors(load_spec(make_spec(tmp_path, model=model)))
    assert error.field == field
    assert words in error.message
    assert error.hint


def test_a_draw_of_train_cells_is_not_for_networks(tmp_path: Path) -> None:
    spec = load_spec(network_spec(tmp_path, "torch", max_samples=100))
    (error,) = model_errors(spec)
    assert (error.code, error.field) == ("not_for_networks", "fit.max_samples")


def test_a_framework_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_model(path_of("torch"))
    assert isinstance(found, Network)
    assert found.offer().problem is None
    monkeypatch.setattr("jupyter_mlkit.train.estimators.find_spec", lambda name: None)
    with pytest.raises(MLKitError, match="torch is not installed") as raised:
        found.build({}, 1, 0)
    assert raised.value.hint is not None
    assert "pip install torch" in raised.value.hint
    problem = found.offer().problem
    assert problem is not None
    assert problem.hint == raised.value.hint
