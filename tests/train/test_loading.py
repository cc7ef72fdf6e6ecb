"""Models are loaded as the files that were logged, and code within them only where trusted."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

from jupyter_mlkit import train
from jupyter_mlkit.cli import main
from jupyter_mlkit.errors import ForbiddenError, InvalidInputError, MLKitError, NotFoundError
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.digests import digest_of
from jupyter_mlkit.train.estimators import find_estimator, list_estimators
from jupyter_mlkit.train.loading import trust_model
from jupyter_mlkit.train.model import log_model
from jupyter_mlkit.train.torch_archive import refuse_code
from jupyter_mlkit.train.trust import trust_book
from jupyter_mlkit.train.vendored.mlkit_cube_model import (
    WEIGHTS_FILES,
    CubeModel,
    Description,
    Framework,
    Variable,
    _torch_bytes,
    load,
    load_skops,
    save,
)

ROWS = np.array([[271.0, 0.5], [280.0, 1.5], [290.0, 2.5]])


class Touch:
    """A pickle of it makes a file where it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def cube_model(estimator: Any) -> CubeModel:
    features = (Variable("a", "K", offset=270, scale=10), Variable("b", offset=1, scale=2))
    target = Variable("t", "K", "Target", offset=280, scale=5)
    return CubeModel(estimator, Description("regressor", features, target, ("y", "x"), {}))


def fitted(framework: Framework) -> CubeModel:
    x = np.random.default_rng(0).random((50, 2)).astype(np.float32)
    if framework == "torch":
        layers = torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU()
        return cube_model(torch.nn.Sequential(*layers, torch.nn.Linear(4, 1)).eval())
    if framework == "keras":
        import keras

        model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
        return cube_model(model)
    return cube_model(LinearRegression().fit(x, x @ np.array([1.0, 2.0])))


@pytest.fixture(autouse=True)
def own_book() -> None:
    trust_book().unlink(missing_ok=True)


@pytest.fixture
def logged(store: str) -> tuple[str, str]:
    """Run and URI of a model of ours."""
    mlflow.set_experiment("loading")
    with mlflow.start_run() as run:
        uri = log_model(fitted("sklearn"), pd.DataFrame(ROWS, columns=["a", "b"]))
    return run.info.run_id, uri


def folder_of(uri: str) -> Path:
    model = MlflowClient().get_logged_model(uri.removeprefix("models:/"))
    return Path(model.artifact_location)


# ---------------------------------------------------------------------------- saved


@pytest.mark.parametrize("framework", ["sklearn", "torch", "keras"])
def test_weights_of_each_framework_come_back_without_a_pickle(
    framework: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # read when keras is first imported
    model = fitted(framework)
    described = save(model, tmp_path)
    assert described.framework == framework
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cube_model.json",
        WEIGHTS_FILES[framework],
    ]
    again = load(tmp_path)
    np.testing.assert_allclose(again.predict_array(ROWS), model.predict_array(ROWS), rtol=1e-6)
    assert again.predict_array(ROWS[:1]).shape == (1,)
    with (tmp_path / WEIGHTS_FILES[framework]).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match="not the file that was saved"):
        load(tmp_path)


def test_every_estimator_of_the_form_is_saved_without_a_pickle(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    offered = [one.class_ for one in list_estimators().items]
    assert len(offered) > 70
    for path in offered:
        found = find_estimator(path)
        features = 1 if path.endswith("IsotonicRegression") else 2  # it takes no more
        x = rng.random((40, features)).astype(np.float32)
        y = x.sum(axis=1) + 0.1
        target = y if found.kind == "regressor" else (y > np.median(y)).astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of solvers that have not converged
            few = {"n_estimators": 3} if "n_estimators" in found.cls().get_params() else {}
            model = cube_model(found.cls(**few).fit(x, target))
            save(model, tmp_path / path)
            again = load(tmp_path / path)
            np.testing.assert_array_equal(again.estimator.predict(x), model.estimator.predict(x))


def test_models_of_the_first_format_still_load(tmp_path: Path) -> None:
    save(fitted("sklearn"), tmp_path)
    path = tmp_path / "cube_model.json"
    plain = json.loads(path.read_text())
    del plain["framework"], plain["weights_sha256"]
    path.write_text(json.dumps({**plain, "format": 1}))
    assert load(tmp_path).predict_array(ROWS).shape == (3,)


def test_every_file_is_recorded_in_the_run(logged: tuple[str, str]) -> None:
    run_id, uri = logged
    recorded = mlflow.artifacts.load_dict(f"runs:/{run_id}/{tags.ARTIFACT_MODEL}")
    folder = folder_of(uri)
    assert recorded["model"] == uri
    assert set(recorded["files"]) == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    digest = digest_of(recorded["files"])
    run = MlflowClient().get_run(run_id)
    assert run.data.tags[tags.MODEL_DIGEST] == digest
    model = MlflowClient().get_logged_model(uri.removeprefix("models:/"))
    assert model.tags[tags.MODEL_DIGEST] == digest


# --------------------------------------------------------------------------- loaded


def test_a_model_is_loaded_by_each_of_its_names(logged: tuple[str, str]) -> None:
    run_id, uri = logged
    version = mlflow.register_model(uri, "loading").version
    MlflowClient().set_registered_model_alias("loading", "best", version)
    names = [
        run_id,
        uri,
        f"runs:/{run_id}/model",
        f"models:/loading/{version}",
        "models:/loading@best",
    ]
    expected = fitted("sklearn").predict_array(ROWS)
    for name in names:
        np.testing.assert_array_equal(train.load_model(name).predict_array(ROWS), expected)
    with pytest.raises(NotFoundError) as caught:
        train.load_model("models:/m-" + "0" * 32)
    assert caught.value.code == "model_not_found"


def test_code_within_our_models_is_not_run(logged: tuple[str, str], tmp_path: Path) -> None:
    """Even where nobody recorded a digest: the installed module reads the data."""
    _, uri = logged
    client = MlflowClient()
    client.delete_logged_model_tag(uri.removeprefix("models:/"), tags.MODEL_DIGEST)
    canary = tmp_path / "canary"
    for path in (folder_of(uri) / "code").glob("*.py"):
        path.write_text(f"open({str(canary)!r}, 'w')")
    assert train.load_model(uri).predict_array(ROWS).shape == (3,)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["MLmodel", "requirements.txt", "code/mlkit_features.py"])
def test_a_changed_file_is_noticed(logged: tuple[str, str], name: str) -> None:
    _, uri = logged
    with (folder_of(uri) / name).open("a") as file:
        file.write("\n# changed\n")
    with pytest.raises(InvalidInputError, match="not those that were logged") as caught:
        train.load_model(uri)
    assert caught.value.code == "model_changed"


def test_an_added_file_is_noticed(logged: tuple[str, str]) -> None:
    _, uri = logged
    (folder_of(uri) / "extra.py").write_text("")
    with pytest.raises(InvalidInputError, match="not those that were logged"):
        train.load_model(uri)


def test_what_is_swapped_while_it_is_loaded_is_never_loaded(
    logged: tuple[str, str], tmp_path: Path, nightly: int
) -> None:
    _, uri = logged
    (path,) = folder_of(uri).rglob(WEIGHTS_FILES["sklearn"])
    good, expected = path.read_bytes(), fitted("sklearn").predict_array(ROWS)
    other = fitted("sklearn")
    other.estimator.coef_ = other.estimator.coef_ * 2
    bad = skops.io.dumps(other.estimator)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for content in (bad, good):
                part = tmp_path / "part"
                part.write_bytes(content)
                part.replace(path)

    swapper = threading.Thread(target=swap)
    swapper.start()
    loaded = refused = 0
    try:
        while loaded + refused < 30 * nightly:
            try:
                model = train.load_model(uri)
            except MLKitError:
                refused += 1
            else:
                np.testing.assert_array_equal(model.predict_array(ROWS), expected)
                loaded += 1
    finally:
        stop.set()
        swapper.join()
    assert refused


# ---------------------------------------------------------------------------- trust


@pytest.fixture
def pickled(store: str, tmp_path: Path) -> tuple[str, Path]:
    """URI of a model that MLflow has pickled, and the file that its pickle makes when read."""
    canary = tmp_path / "canary"
    mlflow.set_experiment("loading")
    x = np.arange(6.0).reshape(3, 2)
    with mlflow.start_run(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        info = mlflow.sklearn.log_model(
            LinearRegression().fit(x, x[:, 0]),
            name="model",
            serialization_format="pickle",
            pip_requirements=[],
        )
    (path,) = folder_of(info.model_uri).rglob("*.pkl")
    estimator = pickle.loads(path.read_bytes())
    estimator.touch = Touch(canary)
    path.write_bytes(pickle.dumps(estimator))
    return info.model_uri, canary


def test_a_pickle_is_refused_with_the_fix(pickled: tuple[str, Path]) -> None:
    uri, canary = pickled
    with pytest.raises(ForbiddenError) as caught:
        train.load_model(uri)
    assert caught.value.code == "model_not_trusted"
    assert "model.pkl" in caught.value.message
    assert f"jupyter mlkit trust {uri}" in (caught.value.hint or "")
    with pytest.raises(ForbiddenError, match="for other files"):
        train.load_model(uri, trust="sha256:" + "0" * 64)
    assert not canary.exists()
    assert not trust_book().exists()


def test_trust_given_in_code_is_written_down(pickled: tuple[str, Path]) -> None:
    uri, canary = pickled
    with pytest.raises(ForbiddenError) as caught:
        train.load_model(uri)
    digest = str(caught.value.hint).partition("trust='")[2].partition("'")[0]
    model = train.load_model(uri, trust=digest)
    assert model.predict(np.ones((1, 2))).shape == (1,)
    assert canary.exists()
    lines = [json.loads(line) for line in trust_book().read_text().splitlines()]
    assert [line["action"] for line in lines] == ["trust", "load"]
    assert {line["sha256"] for line in lines} == {digest.removeprefix("sha256:")}
    assert all(line["user"] and line["time"] and line["model"] == uri for line in lines)
    assert stat.S_IMODE(trust_book().stat().st_mode) == 0o600


def test_trust_is_for_the_very_files(pickled: tuple[str, Path]) -> None:
    uri, canary = pickled
    trust_model(uri, "mine")
    assert not canary.exists(), "trusting reads no pickle"
    train.load_model(uri)
    assert canary.exists()
    canary.unlink()
    (path,) = folder_of(uri).rglob("*.pkl")
    path.write_bytes(pickle.dumps(Touch(canary)))
    with pytest.raises(ForbiddenError):
        train.load_model(uri)
    assert not canary.exists()


def test_trust_by_terminal_and_notebook(
    pickled: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core.error import UsageError
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlkit.magics import register

    uri, _ = pickled
    assert main(["trust", uri, "--reason", "from our own CI"]) == 0
    assert "sha256:" in capsys.readouterr().out
    train.load_model(uri)
    trust_book().unlink()
    with pytest.raises(ForbiddenError):
        train.load_model(uri)
    shell = InteractiveShell()
    register(shell)
    shell.run_line_magic("mlkit_trust", f"{uri} from our own CI")
    train.load_model(uri)
    with pytest.raises(UsageError):
        shell.run_line_magic("mlkit_trust", "")
    reasons = [json.loads(line)["reason"] for line in trust_book().read_text().splitlines()]
    assert reasons == ["from our own CI", ""]


def test_what_runs_no_code_needs_no_trust(logged: tuple[str, str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        trust_model(logged[1], "")
    assert caught.value.code == "nothing_to_trust"


def test_skops_of_mlflow_needs_no_trust(store: str) -> None:
    mlflow.set_experiment("loading")
    x = np.arange(6.0).reshape(3, 2)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            LinearRegression().fit(x, x[:, 0]),
            name="model",
            serialization_format="skops",
            pip_requirements=[],
        )
    np.testing.assert_allclose(train.load_model(info.model_uri).predict(x), x[:, 0], atol=1e-9)


@pytest.mark.parametrize(
    "mlmodel",
    [
        "!!python/object/apply:pathlib.Path.touch [{canary}]",
        "flavors: !!python/object/apply:os.system ['touch {canary}']",
        "flavors: [1]",
        "",
        "flavors: {python_function: {loader_module: mlkit_cube_model, data: ../../..}}",
        "flavors: {python_function: {loader_module: os, data: x}}",
        "flavors: {sklearn: {serialization_format: skops, pickled_model: /etc/passwd}}",
        "flavors: {sklearn: {serialization_format: skops, pickled_model: MLmodel}}",
    ],
)
def test_an_odd_mlmodel_runs_nothing(logged: tuple[str, str], mlmodel: str, tmp_path: Path) -> None:
    _, uri = logged
    MlflowClient().delete_logged_model_tag(uri.removeprefix("models:/"), tags.MODEL_DIGEST)
    canary = tmp_path / "canary"
    (folder_of(uri) / "MLmodel").write_text(mlmodel.replace("{canary}", str(canary)))
    with pytest.raises(MLKitError):
        train.load_model(uri)
    assert not canary.exists()


# -------------------------------------------------------------------- hostile weights


def test_functions_in_skops_are_refused() -> None:
    weights = skops.io.dumps(FunctionTransformer(np.save))
    with pytest.raises(ValueError, match=r"not a class of scikit-learn: numpy\.save"):
        load_skops(weights)
    with pytest.raises(ValueError, match="not a class"):
        load_skops(skops.io.dumps(FunctionTransformer(os.system)))


def exported() -> bytes:
    layers = torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    return _torch_bytes(torch.nn.Sequential(*layers), 2)


def rewritten(archive: bytes, change: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            for other, content in change(name, old.read(name)):
                new.writestr(other, content)
    return made.getvalue()


def poisons() -> dict[str, Any]:
    def pickled(name: str, content: bytes) -> Any:
        if name.endswith("model_weights_config.json"):
            return [(name, content.replace(b'"use_pickle": false', b'"use_pickle": true', 1))]
        return [(name, content)]

    def examples(name: str, content: bytes) -> Any:
        poison = pickle.dumps(Touch(Path("canary-of-the-examples")))
        return [(name, poison if "sample_inputs" in name else content)]

    def member(name: str, content: bytes) -> Any:
        extra = [("archive/data/constants/custom_obj_0", b"")] if name.endswith("byteorder") else []
        return [(name, content), *extra]

    def graph(old: bytes, new: bytes) -> Any:
        def change(name: str, content: bytes) -> Any:
            if name.endswith("models/model.json"):
                assert old in content, content[:2000]
                content = content.replace(old, new, 1)
            return [(name, content)]

        return change

    call = b"torch.ops.aten.relu.default"
    return {
        "pickled weights": pickled,
        "pickled examples": examples,
        "custom object": member,
        "os.system": graph(call, b"torch.os.system"),
        "torch.load": graph(call, b"torch.load"),
        "own operator": graph(call, b"torch.ops.mine.relu.default"),
        "shape": graph(b"Symbol(", b"exec("),
        "shape of chr": graph(b"Symbol(", b"chr(int("),
        "guards": graph(b'"guards_code": []', b'"guards_code": ["__import__"]'),
        "name": graph(b'"name": "relu"', b'"name": "relu = 1\\nimport os"'),
    }


@pytest.mark.parametrize("kind", sorted(poisons()))
def test_archives_of_torch_with_code_are_refused(kind: str, tmp_path: Path) -> None:
    good = exported()
    refuse_code(good)
    bad = rewritten(good, poisons()[kind])
    assert bad != good
    with pytest.raises((ValueError, pickle.UnpicklingError)):
        refuse_code(bad)
    assert not Path("canary-of-the-examples").exists()
