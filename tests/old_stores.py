"""Stores as older versions of MLflow have made them."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from alembic import command
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelParameter,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
)
from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.model_registry.file_store import FileStore as Registry
from mlflow.store.tracking.dbmodels.initial_models import Base
from mlflow.store.tracking.file_store import FileStore
from sqlalchemy import URL, create_engine

#: With nothing but runs and models; with datasets; with logged models; with runs alone.
OLD_SCHEMAS = ("cc1f77228345", "7f2a7d5fae7d", "6953534de441", "89d4b8295536")


def old_database(path: Path, revision: str = OLD_SCHEMAS[1], *, runs: int = 3) -> Path:
    """Make a database by MLflow's own migrations up to `revision`, with `runs` runs in it.

    Each has two params and ten points of a metric.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    template = _template(revision, runs)
    shutil.copy(template, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)",
                [str(template.parent), str(path.parent)],
            )
    return path


@functools.cache
def _template(revision: str, runs: int) -> Path:
    """Make it once: the migrations take seconds."""
    folder = Path(tempfile.mkdtemp(prefix="old-store-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "mlflow.db"
    engine = create_engine(URL.create("sqlite", database=str(path)))
    Base.metadata.create_all(engine)
    config = _get_alembic_config(str(engine.url))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO experiments(experiment_id, name, artifact_location, lifecycle_stage)"
            " VALUES (?, ?, ?, 'active')",
            [
                (n, name, f"{path.parent}/artifacts/{n}")
                for n, name in enumerate(("Default", "sea"))
            ],
        )
        ids = [f"{n:032x}" for n in range(runs)]
        connection.executemany(
            "INSERT INTO runs(run_uuid, name, source_type, source_name, user_id, status,"
            " start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)"
            " VALUES (?, ?, 'LOCAL', 'a.py', 'anna', 'FINISHED', 1, 2, 'active', ?, 1)",
            [(one, f"run {one[-4:]}", f"{path.parent}/artifacts/1/{one}") for one in ids],
        )
        connection.executemany(
            "INSERT INTO params(run_uuid, key, value) VALUES (?, ?, ?)",
            [(one, key, "0.1") for one in ids for key in ("lr", "épo ques")],
        )
        points = [
            (one, "loss", 1 / (step + 1), 1000 + step, step) for one in ids for step in range(10)
        ]
        connection.executemany(
            "INSERT INTO metrics(run_uuid, key, value, timestamp, step, is_nan)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            points,
        )
        connection.executemany(
            "INSERT INTO latest_metrics(run_uuid, key, value, timestamp, step, is_nan)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            points[9::10],
        )
    return path


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return what a person has logged into a database, whatever its schema is."""
    columns = {
        "experiments": "experiment_id, name, artifact_location, lifecycle_stage",
        "runs": "run_uuid, name, status, start_time, end_time, artifact_uri, experiment_id",
        "params": "run_uuid, key, value",
        "metrics": "run_uuid, key, value, timestamp, step",
        "latest_metrics": "run_uuid, key, value, timestamp, step",
    }
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {
            table: sorted(connection.execute(f"SELECT {names} FROM {table}"))
            for table, names in columns.items()
        }


def revision_of(path: Path) -> str:
    """Return the schema that a database says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def old_file_store(folder: Path, *, runs: int = 3) -> Path:
    """Make an ``mlruns`` in `folder` by MLflow's own file store, with `runs` runs in it.

    Each has two params and ten points of a metric; another experiment and its run are deleted.
    The first has read a dataset and made a model, which is registered twice.
    """
    before = os.environ.get("MLFLOW_ALLOW_FILE_STORE")
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    try:
        store = FileStore(str(folder / "mlruns"))
        sea = store.create_experiment("sea")
        for number in range(runs):
            run = store.create_run(sea, "anna", 1, [RunTag("note", "grün")], f"run {number}").info
            points = [Metric("a/loss", 1 / (step + 1), 1000 + step, step) for step in range(10)]
            store.log_batch(run.run_id, points, [Param("lr", "0.1"), Param("epochs", "3")], [])
            if number == 0:
                _log_model(store, sea, run.run_id)
            store.update_run_info(run.run_id, RunStatus.FINISHED, 2, f"run {number}")
        gone = store.create_experiment("gone")
        last = store.create_run(gone, "anna", 1, [], "gone").info.run_id
        store.update_run_info(last, RunStatus.KILLED, 2, "gone")
        store.delete_experiment(gone)
    finally:
        os.environ.pop("MLFLOW_ALLOW_FILE_STORE")
        if before is not None:
            os.environ["MLFLOW_ALLOW_FILE_STORE"] = before
    return folder / "mlruns"


def _log_model(store: FileStore, experiment: str, run: str) -> None:
    sst = Dataset("sst", "abc", "local", "{}")
    store.log_inputs(run, [DatasetInput(sst, [InputTag("mlflow.data.context", "training")])])
    model = store.create_logged_model(
        experiment, "net", run, [LoggedModelTag("a/b", "x")], [LoggedModelParameter("depth", "3")]
    )
    points = [
        Metric("rmse/all", 1 / (step + 1), 1000 + step, step, model_id=model.model_id, run_id=run)
        for step in range(3)
    ]
    store.log_batch(run, points, [], [])
    registry = Registry(store.root_directory)
    registry.create_registered_model("net", [RegisteredModelTag("owner", "anna")])
    for _ in range(2):
        registry.create_model_version("net", model.artifact_location, run)
    registry.set_registered_model_alias("net", "best", "2")
