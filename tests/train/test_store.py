"""Which store and which folder for artifacts a process uses that nobody has prepared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest

from jupyter_mlkit import paths
from jupyter_mlkit.train.store import experiment_id, use_store


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory that has to stay empty, and no word of a store."""
    for name in ("MLFLOW_TRACKING_URI", paths.ENV_ARTIFACT_ROOT):
        # Set first, so that what the code sets is taken back at the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    mlflow.set_tracking_uri(None)
    yield folder
    mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("told", ["environment", "call"])
def test_artifacts_go_beside_the_store_and_not_into_the_current_folder(
    elsewhere: Path,
    new_store: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
    told: str,
) -> None:
    file = new_store()
    if told == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    else:
        mlflow.set_tracking_uri(f"sqlite:///{file}")
    assert use_store() == f"sqlite:///{file}"
    with mlflow.start_run(experiment_id=experiment_id("here")):
        mlflow.log_text("words", "a.txt")
    assert list((file.parent / "artifacts").rglob("a.txt"))
    assert list(elsewhere.iterdir()) == []


def test_the_default_store_is_in_the_data_directory(
    elsewhere: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert use_store() == f"sqlite:///{paths.data_dir() / 'mlflow.db'}"
    experiment = mlflow.MlflowClient().get_experiment(experiment_id("here"))
    assert Path(experiment.artifact_location).is_relative_to(paths.default_artifact_root())
    assert list(elsewhere.iterdir()) == []
