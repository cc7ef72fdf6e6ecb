"""An old file store comes into a database whole or not at all, and is itself never touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml
from old_stores import old_file_store
from stores import Place, until
from torture.workers import forks, kill

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.tracking import alone, schema
from jupyter_mlkit.tracking import mlruns as mlruns_module
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.mlruns import (
    FileStore,
    find_file_store,
    is_unused,
    lost_artifacts,
    migrate,
    missing_runs,
    offer,
    open_runs,
    plan_migration,
)

#: What the run with a model has beside params and points.
BESIDE = {
    "datasets": 1,
    "inputs": 1,
    "input_tags": 1,
    "logged_models": 1,
    "logged_model_metrics": 3,
    "logged_model_params": 1,
    "logged_model_tags": 1,
    "registered_models": 1,
    "registered_model_tags": 1,
    "registered_model_aliases": 1,
    "model_versions": 2,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return old_file_store(tmp_path_factory.mktemp("old"))


@pytest.fixture
def mlruns(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "work" / "mlruns"))


@pytest.fixture
def found(mlruns: Path) -> FileStore:
    found = find_file_store(mlruns)
    assert found is not None
    return found


@pytest.fixture
def empty(new_store: Callable[[], Path]) -> Path:
    """A store that nobody has used: to make one takes a second."""
    return new_store()


def bring(found: FileStore, path: Path) -> int:
    return migrate(found, path, path.parent / "artifacts")


def failure(call: Callable[[], object]) -> BackendError:
    with pytest.raises(BackendError) as caught:
        call()
    assert caught.value.hint
    return caught.value


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_metric(mlruns: Path) -> Path:
    return next(mlruns.glob("*/*/metrics/a/loss"))


def test_it_is_found_by_what_lies_in_it(mlruns: Path, tmp_path: Path) -> None:
    for folder in (mlruns, mlruns.parent):
        found = find_file_store(folder)
        assert found is not None
        assert found.folder == mlruns
        assert found.words == "3 experiments and 4 runs"
    assert "0" in found.experiments
    (tmp_path / "else" / "mlruns" / "notes").mkdir(parents=True)
    (tmp_path / "else" / "mlruns" / "1").mkdir()
    for folder in (tmp_path / "else", tmp_path / "none", one_metric(mlruns)):
        assert find_file_store(folder) is None


def test_what_an_older_mlflow_has_written_itself_is_brought(tmp_path: Path) -> None:
    """By hand: the layout of 1.x, with numbers for states and no names of runs."""
    run = tmp_path / "mlruns" / "0" / ("a" * 32)
    for kind in ("metrics", "params", "tags", "artifacts"):
        (run / kind).mkdir(parents=True)
    experiment = {"artifact_location": "./mlruns/0", "experiment_id": "0", "name": "Default"}
    (run.parent / "meta.yaml").write_text(
        yaml.safe_dump(experiment | {"lifecycle_stage": "active"})
    )
    meta = {
        "artifact_uri": f"{run}/artifacts",
        "end_time": 1550000001000,
        "entry_point_name": "",
        "experiment_id": "0",
        "lifecycle_stage": "active",
        "name": "",
        "run_id": run.name,
        "run_uuid": run.name,
        "source_name": "train.py",
        "source_type": 4,
        "start_time": 1550000000000,
        "status": 3,
        "tags": [],
        "user_id": "anna",
    }
    (run / "meta.yaml").write_text(yaml.safe_dump(meta))
    (run / "metrics" / "rmse").write_text("1550000000 0.5\n1550000001 nan 1\n")
    (run / "params" / "alpha").write_text("0.3")
    found = find_file_store(tmp_path)
    assert found is not None
    path = tmp_path / "data" / "mlflow.db"
    assert bring(found, path) == 0
    backend = TrackingBackend(f"sqlite:///{path}", path.parent / "artifacts")
    one = backend.run(run.name)
    assert (one.status, one.params, one.start_time) == ("FINISHED", {"alpha": "0.3"}, 1550000000000)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT step, is_nan FROM metrics ORDER BY step").fetchall() == [
            (0, 0),
            (1, 1),
        ]


@pytest.mark.parametrize("target", ["absent", "empty", "unused"])
def test_everything_is_brought_and_the_folder_stays(
    found: FileStore, target: str, file_store: Place, tmp_path: Path
) -> None:
    path = file_store.path if target == "unused" else tmp_path / "50% of [it]" / "mlflow.db"
    assert path is not None
    if target == "empty":
        path.parent.mkdir()
        path.touch()
    before = snapshot(found.folder)
    assert missing_runs(found, path) == 4
    assert bring(found, path) == 0
    assert snapshot(found.folder) == before
    assert missing_runs(found, path) == 0
    backend = TrackingBackend(f"sqlite:///{path}", path.parent / "artifacts")
    runs = {run.run_id: run for run in backend.runs().items}
    assert found.runs > runs.keys()
    assert len(runs) == 3
    for run_id, run in runs.items():
        assert run.params == {"lr": "0.1", "epochs": "3"}
        assert run.tags["note"] == "grün"
        assert run.status == "FINISHED"
        series = {one.key: len(one.steps) for one in backend.histories([run_id]).items}
        assert series["a/loss"] == 10
    with closing(sqlite3.connect(path)) as connection:
        stages = dict(connection.execute("SELECT name, lifecycle_stage FROM experiments"))
        assert stages == {"Default": "active", "sea": "active", "gone": "deleted"}
        rows = alone.count_rows(connection)
    assert {kind: n for kind, n in rows.items() if kind in BESIDE} == BESIDE
    assert not [one for one in path.parent.glob(".*") if one.is_file()]


@pytest.mark.parametrize("target", ["absent", "unused"])
def test_on_a_network_folder_it_comes_without_a_write_ahead_log(
    found: FileStore,
    target: str,
    file_store: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MLflow fills its database with one, and there it would damage the store."""
    monkeypatch.setattr(schema, "on_network", lambda _: True)
    path = file_store.path if target == "unused" else tmp_path / "else" / "mlflow.db"
    assert path is not None
    if target == "unused":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    bring(found, path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert missing_runs(found, path) == 0


def test_artifacts_are_read_where_they_lie_and_told_of_where_they_do_not(tmp_path: Path) -> None:
    mlruns = old_file_store(tmp_path / "here", runs=1)
    run = one_metric(mlruns).parents[2]
    (run / "artifacts" / "note.txt").write_text("kept")
    found = find_file_store(mlruns)
    assert found is not None
    path = tmp_path / "mlflow.db"
    bring(found, path)
    backend = TrackingBackend(f"sqlite:///{path}", path.parent / "artifacts", [mlruns.parent])
    assert [one.path for one in backend.artifacts(run.name).items] == ["note.txt"]
    assert lost_artifacts(path) == []
    mlruns.rename(tmp_path / "moved")
    assert (run / "artifacts").as_uri() in lost_artifacts(path)


def test_a_store_with_runs_or_experiments_is_left_as_it_is(
    found: FileStore, file_store: Place
) -> None:
    assert file_store.path is not None
    assert is_unused(file_store.path)
    file_store.experiment()
    assert not is_unused(file_store.path)
    error = failure(lambda: bring(found, file_store.path))  # type: ignore[arg-type]
    assert error.code == "store_not_empty"
    assert "MLFLOW_TRACKING_URI" in (error.hint or "")
    assert missing_runs(found, file_store.path) == 4


def test_a_store_that_is_used_meanwhile_is_left_as_it_is(
    found: FileStore, file_store: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mlruns_module.prepare_file

    def meanwhile(path: Path, root: Path) -> None:
        real(path, root)
        file_store.experiment()

    monkeypatch.setattr(mlruns_module, "prepare_file", meanwhile)
    monkeypatch.setattr(mlruns_module, "alone", not_alone)
    assert failure(lambda: bring(found, file_store.path)).code == "store_not_empty"  # type: ignore[arg-type]


@contextmanager
def not_alone(path: Path) -> Iterator[sqlite3.Connection]:
    """Be there while this process has the store open, too."""
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_a_store_that_others_use_is_refused(
    found: FileStore, file_store: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    assert file_store.path is not None
    with closing(sqlite3.connect(file_store.path)) as other:
        other.execute("SELECT * FROM runs").fetchall()
        assert failure(lambda: bring(found, file_store.path)).code == "store_in_use"  # type: ignore[arg-type]
    assert is_unused(file_store.path)
    bring(found, file_store.path)


def test_doubled_points_are_one(found: FileStore, empty: Path) -> None:
    """A database of MLflow knows a point by step, time and value; MLflow itself fails here."""
    metric = one_metric(found.folder)
    points = ["5 nan 1", "5 nan 1", "6 inf 1", "6 1.7976931348623157e308 1", "7 0.0 0", "7 -0.0"]
    metric.write_text(metric.read_text() + "\n".join([*points, "7 0.0 3", "8 0.0 0"]))
    before = snapshot(found.folder)
    assert bring(found, empty) == 3
    assert snapshot(found.folder) == before
    with closing(sqlite3.connect(empty)) as connection:
        n = connection.execute(
            "SELECT count(*) FROM metrics WHERE key = 'a/loss' AND run_uuid = ?", [metric.parts[-4]]
        ).fetchone()[0]
    assert n == 15
    assert missing_runs(found, empty) == 0


def test_doubled_points_of_one_metric_take_no_other_away(found: FileStore, empty: Path) -> None:
    metric = one_metric(found.folder)
    metrics = metric.parents[1]
    (metrics / "b" / "c").mkdir(parents=True)
    for name in ("flat", "b/doubled", "b/c/deep"):
        (metrics / name).write_text("5 1.0 1\n6 1.0 1\n")
    for name in ("flat", "b/doubled"):
        (metrics / name).write_text("5 1.0 1\n5 1.0 1\n")
    assert bring(found, empty) == 2
    with closing(sqlite3.connect(empty)) as connection:
        points = connection.execute(
            "SELECT key, count(*) FROM metrics WHERE run_uuid = ? GROUP BY key", [metric.parts[-4]]
        ).fetchall()
    assert {one: n for one, n in points if one != "rmse/all"} == {
        "a/loss": 10,
        "flat": 1,
        "b/doubled": 1,
        "b/c/deep": 2,
    }


def test_doubled_points_of_a_model_are_one_where_they_are_equal(
    found: FileStore, empty: Path
) -> None:
    """A database of MLflow knows such a point by metric, step, time and run alone."""
    (metric,) = found.folder.glob("*/models/m-*/metrics/rmse/all")
    first = metric.read_text().splitlines()[0]
    metric.write_text(metric.read_text() + f"{first}\n")
    metric.write_text(metric.read_text() + first.replace(" 1.0 ", " 2.0 "))
    error = failure(lambda: bring(found, empty))
    assert (error.code, str(metric) in error.message) == ("migration_failed", True)
    metric.write_text(metric.read_text().replace(" 2.0 ", " 1.0 "))
    assert bring(found, empty) == 2
    with closing(sqlite3.connect(empty)) as connection:
        assert alone.count_rows(connection)["logged_model_metrics"] == 3


def reopen(run: Path, seconds_ago: float) -> None:
    meta = run / "meta.yaml"
    meta.write_text(meta.read_text().replace("status: 3", "status: 1"))
    when = time.time() - seconds_ago
    for file in run.rglob("*"):
        os.utime(file, (when, when))


def test_a_run_that_is_still_written_is_waited_for(found: FileStore, tmp_path: Path) -> None:
    """It would be copied in half, and the rest never be offered."""
    run = one_metric(found.folder).parents[2]
    path = tmp_path / "mlflow.db"
    assert open_runs(found) == []
    reopen(run, 60)
    error = failure(lambda: plan_migration(found, path))
    assert (error.code, run.name in error.message) == ("store_in_use", True)
    assert failure(lambda: bring(found, path)).code == "store_in_use"
    assert not path.exists()
    reopen(run, 3600)  # it was killed
    assert open_runs(found) == [run]
    bring(found, path)
    assert missing_runs(found, path) == 0


def test_what_is_written_while_it_is_read_is_found(
    found: FileStore, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, metric = mlruns_module._fill, one_metric(found.folder)

    def meanwhile(new: Path, found: FileStore) -> Counter[str]:
        left_out = real(new, found)
        with metric.open("a") as file:
            file.write("2000 0.5 99\n")
        return left_out

    monkeypatch.setattr(mlruns_module, "_fill", meanwhile)
    error = failure(lambda: bring(found, empty))
    assert (error.code, str(metric) in error.message) == ("store_in_use", True)
    assert is_unused(empty)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("models/net/meta.yaml", "{half of"),
        ("models/net/version-2/meta.yaml", "{half of"),
        ("models/net/version-2/meta.yaml", None),
        ("*/models/m-*/meta.yaml", "{half of"),
        ("*/models/m-*/metrics/rmse/all", "1000 0.5"),
        ("*/datasets/*/meta.yaml", None),
    ],
)
def test_what_mlflow_would_leave_out_silently_is_named(
    found: FileStore, place: str, text: str | None, empty: Path
) -> None:
    (file,) = found.folder.glob(place)
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    error = failure(lambda: bring(found, empty))
    assert error.code == "migration_failed"
    assert file.name in error.message
    assert is_unused(empty)


@pytest.mark.parametrize("table", ["params", "tags", "metrics", "model_versions", "datasets"])
def test_what_does_not_arrive_is_found(
    found: FileStore, table: str, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mlruns_module._fill

    def forget(new: Path, found: FileStore) -> Counter[str]:
        left_out = real(new, found)
        with closing(sqlite3.connect(new)) as connection, connection:
            connection.execute(f"DELETE FROM {table} WHERE rowid = 1")
        return left_out

    monkeypatch.setattr(mlruns_module, "_fill", forget)
    assert f"{table} in the folder" in failure(lambda: bring(found, empty)).message


@pytest.mark.parametrize("damage", ["line", "meta", "no id"])
def test_what_cannot_be_read_is_named_and_nothing_is_brought(
    found: FileStore, damage: str, empty: Path
) -> None:
    metric = one_metric(found.folder)
    run = metric.parents[2]
    if damage == "line":
        metric.write_text("1000 0.5 1\n1000")
    elif damage == "meta":
        (run / "meta.yaml").write_text("{half of")
    else:
        (run / "meta.yaml").write_text("name: x\n")
    error = failure(lambda: bring(found, empty))
    assert error.code == "migration_failed"
    assert (str(metric) if damage == "line" else run.name) in error.message
    assert is_unused(empty)
    assert not [*empty.parent.glob(".*")]


def test_no_space_is_said_before_anything_is_made(
    found: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(alone.shutil, "disk_usage", lambda _: usage._replace(free=64 * 1024**2))
    assert failure(lambda: bring(found, tmp_path / "deep" / "m.db")).code == "no_space"
    assert not (tmp_path / "deep").exists()


def test_it_is_offered_until_it_is_brought(found: FileStore, tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    offered = offer(found.folder.parent, path)
    assert offered is not None
    assert (offered.code, "4 runs" in offered.message) == ("store_file", True)
    assert f"jupyter mlkit upgrade {found.folder}" in (offered.hint or "")
    bring(found, path)
    assert offer(found.folder.parent, path) is None
    assert offer(tmp_path, path) is None


def test_beside_a_store_that_is_used_a_database_of_its_own_is_offered(
    found: FileStore, file_store: Place
) -> None:
    """Into the store itself the command would always refuse to bring it."""
    assert file_store.path is not None
    file_store.experiment()
    other = found.folder.parent / "mlflow.db"
    offered = offer(found.folder.parent, file_store.path)
    assert offered is not None
    assert f"MLFLOW_TRACKING_URI=sqlite:///{other} jupyter mlkit upgrade" in (offered.hint or "")
    bring(found, other)
    assert offer(found.folder.parent, file_store.path) is None


def test_a_folder_that_cannot_be_read_is_said_to_who_asks_for_it(
    found: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> None:  # root may read everywhere
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert failure(lambda: find_file_store(found.folder)).code == "store_unreadable"
    assert offer(found.folder, tmp_path / "mlflow.db") is None


@pytest.mark.parametrize("moment", ["the database is built", "the store is written"])
def test_killed_at_any_moment_nothing_or_all_is_brought(
    tmp_path: Path, empty_store: Path, moment: str
) -> None:
    mlruns = old_file_store(tmp_path, runs=300)
    before = snapshot(mlruns)
    path = Path(shutil.copy(empty_store, tmp_path / "mlflow.db"))

    def seen() -> bool:
        names = {}
        for entry in os.scandir(tmp_path):
            try:
                names[entry.name] = entry.stat().st_size
            except FileNotFoundError:
                continue
        if moment == "the store is written":
            return names.get("mlflow.db-wal", 0) > 100_000
        return any(name.endswith(".new-wal") and size > 50_000 for name, size in names.items())

    found = find_file_store(mlruns)
    assert found is not None
    process = forks().Process(target=migrate, args=(found, path, tmp_path / "artifacts"))
    process.start()
    until(lambda: seen() or not process.is_alive(), 60)
    assert kill(process), f"{moment} was never seen"
    missing = missing_runs(found, path)
    assert missing in (0, 301)
    assert is_unused(path) == bool(missing)
    assert snapshot(mlruns) == before
    if missing:
        bring(found, path)
    assert missing_runs(found, path) == 0
    assert not [*tmp_path.glob(".*")]
