"""Making, checking and describing a store."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import Place

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL, default_artifact_root
from jupyter_mlkit.tracking import disk
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.client import redact_text
from jupyter_mlkit.tracking.store import (
    artifact_root_for,
    environment,
    is_local,
    local_path,
    prepare_store,
    redact,
)

PREPARE = """
import sys
from jupyter_mlkit.tracking.store import prepare_store
prepare_store(sys.argv[1])
import mlflow
print(mlflow.MlflowClient(sys.argv[1]).create_run("0").info.run_id)
"""


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(BackendError) as caught:
        call()
    assert caught.value.hint
    return caught.value.code


def test_two_processes_make_one_store(tmp_path: Path) -> None:
    """The first opens race; neither sees half of the tables, and all is private."""
    path = tmp_path / "deep" / "down" / "mlflow.db"
    uri = f"sqlite:///{path}"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, uri], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        )
        for _ in range(2)
    ]
    made = {process.communicate(timeout=120)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    backend = TrackingBackend(uri, path.parent / "artifacts")
    assert {run.run_id for run in backend.runs().items} == made
    experiment = backend.experiments().items[0]
    assert experiment.artifact_location == str(path.parent / "artifacts" / "0")
    assert not any(name.suffix == ".new" for name in path.parent.iterdir())
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_first_start_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.tracking._tracking_service.utils as service

    def die(*args: object) -> None:
        sqlite3.connect(str(args[0]).removeprefix("sqlite:///")).execute("CREATE TABLE runs (x)")
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "_get_sqlalchemy_store", die)
    with pytest.raises(KeyboardInterrupt):
        prepare_store(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert {p.name for p in tmp_path.iterdir()} == {"mlflow.db.lock"}


def test_sorting_by_a_metric_is_not_quadratic(file_store: Place) -> None:
    """The plan must look metrics up by run, from the first run on and without ANALYZE."""
    assert file_store.path is not None
    with sqlite3.connect(file_store.path) as connection:
        plan = connection.execute(
            """EXPLAIN QUERY PLAN SELECT DISTINCT runs.run_uuid, a.value FROM runs
            LEFT OUTER JOIN (SELECT key, value, run_uuid FROM latest_metrics
            WHERE key = 'm0') AS a ON a.run_uuid = runs.run_uuid
            WHERE runs.experiment_id IN (0) ORDER BY a.value DESC LIMIT 100"""
        ).fetchall()
    connection.close()
    # Each run looks its metric up: in MLflow's index or in one that SQLite makes for the query.
    assert any("run_uuid=?" in row[3] for row in plan), plan


def test_statistics_follow_a_store_that_has_grown(file_store: Place) -> None:
    from jupyter_mlkit.tracking.statistics import keep_statistics

    assert file_store.path is not None
    with sqlite3.connect(file_store.path) as connection:
        connection.executemany(
            "INSERT INTO runs(run_uuid, experiment_id) VALUES (?, 0)",
            ((f"{n}",) for n in range(45_000)),
        )
        keep_statistics(connection)
        rows = dict(connection.execute("SELECT tbl, stat FROM sqlite_stat1 ORDER BY idx"))
    connection.close()
    assert int(rows["runs"].split()[0]) >= 10_000
    assert "latest_metrics" in rows


def test_a_store_in_use_is_left_alone(file_store: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlkit.tracking.schema.BUSY_SECONDS", 0.05)
    path = file_store.path
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("DELETE FROM sqlite_stat1")
    connection.close()
    writer = sqlite3.connect(path)
    writer.execute("BEGIN IMMEDIATE")
    prepare_store(file_store.uri)  # readers may; statistics and the log wait for the next start
    writer.rollback()
    writer.execute("BEGIN EXCLUSIVE")
    assert code_of(lambda: prepare_store(file_store.uri)) == "store_locked"
    writer.rollback()
    writer.close()
    prepare_store(file_store.uri)


def test_what_is_no_store_is_refused(tmp_path: Path, file_store: Place) -> None:
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "text.db").write_text("not a database at all")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE x (y)")
    connection.close()
    for name in ("folder.db", "text.db", "other.db"):
        assert code_of(lambda n=name: prepare_store(f"sqlite:///{tmp_path / n}")) == "not_a_store"
    below_a_file = f"sqlite:///{tmp_path / 'text.db' / 'mlflow.db'}"
    assert code_of(lambda: prepare_store(below_a_file)) == "store_unwritable"
    assert code_of(lambda: prepare_store("sqlite://")) == "store_unsupported"
    assert code_of(lambda: prepare_store("ftp://x/y")) == "store_unsupported"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    assert code_of(lambda: prepare_store(f"sqlite:///{folder / 'm.db'}")) == "store_unwritable"


def test_old_file_stores_are_refused_with_the_way_out(tmp_path: Path) -> None:
    for uri in ("./mlruns", str(tmp_path), f"file://{tmp_path}", ""):
        with pytest.raises(BackendError) as caught:
            prepare_store(uri)
        assert caught.value.code == "store_file"
        assert "jupyter mlkit upgrade" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("revision", "words"),
    [("ffffffffffff", "pip install"), ("451aebb31d03", "jupyter mlkit upgrade")],
)
def test_the_schema_of_another_mlflow_is_named(
    file_store: Place, revision: str, words: str
) -> None:
    assert file_store.path is not None
    with sqlite3.connect(file_store.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()
    with pytest.raises(BackendError) as caught:
        prepare_store(file_store.uri)
    assert caught.value.code == "store_schema"
    assert revision in caught.value.message
    assert words in (caught.value.hint or "")
    assert code_of(lambda: file_store.backend.runs()) == "store_schema"


def test_a_store_that_vanishes_is_gone_and_not_made_anew(file_store: Place) -> None:
    backend = file_store.backend
    backend.runs()
    assert file_store.path is not None
    file_store.path.rename(file_store.path.with_name("moved.db"))
    for call in (backend.runs, backend.experiments, lambda: backend.histories(["a" * 32])):
        assert code_of(call) == "store_gone"
    assert not file_store.path.exists()


def test_nobody_at_the_address_is_said_at_once() -> None:
    backend = TrackingBackend("http://127.0.0.1:9")
    assert code_of(backend.experiments) == "store_unavailable"


def test_kernels_are_told_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert environment("sqlite:///m.db?timeout=3", tmp_path / "a") == {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'm.db'}?timeout=3",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        ENV_JOURNAL: "1",
        ENV_ARTIFACT_ROOT: str(tmp_path / "a"),
    }
    assert environment("sqlite:///m.db", None, durability="machine")[ENV_JOURNAL] == "machine"
    # A tracking server decides for itself where artifacts go.
    assert ENV_ARTIFACT_ROOT not in environment("https://mlflow.example.org", tmp_path)


def test_each_store_has_an_artifact_root_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENV_ARTIFACT_ROOT, raising=False)
    monkeypatch.chdir(tmp_path)
    assert artifact_root_for("sqlite:////a/x.db?timeout=3") == Path("/a/artifacts")
    assert artifact_root_for("sqlite:///x.db") == tmp_path / "artifacts"
    assert artifact_root_for("postgresql://db.example.org/m") == default_artifact_root()
    assert artifact_root_for("https://mlflow.example.org") is None
    monkeypatch.setenv(ENV_ARTIFACT_ROOT, "/elsewhere")
    assert artifact_root_for("sqlite:////a/x.db") == Path("/elsewhere")
    assert artifact_root_for("https://mlflow.example.org") is None


def test_paths_of_sqlite_uris() -> None:
    assert local_path("sqlite:////a/b c.db") == Path("/a/b c.db")
    assert local_path("sqlite+pysqlite:////a/b.db?x=1") == Path("/a/b.db")
    assert local_path("sqlite:///b.db") == Path.cwd() / "b.db"
    assert local_path("postgresql://h/db") is None
    assert is_local("SQLITE:///x") is True


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=3, max_size=12).map(
    lambda text: "".join(c for c in text if c not in "/?#@:[]%&=\\") or "word"
)


@given(user=words, password=words.map(lambda w: f"pw-{w}"), host=words, path=words)
def test_no_password_is_left_in_a_uri(user: str, password: str, host: str, path: str) -> None:
    uri = f"postgresql://{user}:{password}@{host}.org/{path}?password={password}&x=1"
    shown = redact(uri)
    assert password not in shown
    assert f"@{host}" not in shown
    assert shown.endswith(f"{host}.org/{path}?x=1")
    assert password not in redact_text(f"cannot connect to {uri}: {password} is wrong", uri)


@given(st.text())
def test_redacting_never_fails_and_is_done_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("kind", "network"),
    [("ext4", False), ("nfs4", True), ("fuse.sshfs", True), ("fuseblk", False), ("lustre", True)],
)
def test_network_folders_are_told_from_local_ones(
    kind: str, network: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = f"""21 1 8:1 / / rw - overlay overlay rw
22 21 0:5 / /home\\040of\\040all rw shared:3 - {kind} server:/home rw
23 21 0:6 / /home rw - xfs /dev/x rw"""
    monkeypatch.setattr(Path, "read_text", lambda self: mounts)
    assert disk.on_network(Path("/home of all/me/mlflow.db")) is network
    assert disk.on_network(Path("/home/me")) is False
    assert disk.on_network(Path("/elsewhere")) is False


@pytest.mark.parametrize("target", ["missing", "empty"])
def test_what_a_link_leads_to_is_made_and_the_link_stays(tmp_path: Path, target: str) -> None:
    real = tmp_path / "disk" / "mlflow.db"
    real.parent.mkdir()
    if target == "empty":
        real.touch()
    inode = real.stat().st_ino if target == "empty" else None
    link = tmp_path / "mlflow.db"
    link.symlink_to(real)
    prepare_store(f"sqlite:///{link}")
    assert link.is_symlink()
    assert real.stat().st_size > 0
    assert inode in (None, real.stat().st_ino), "somebody may have the empty file open"
    with sqlite3.connect(real) as connection:
        assert connection.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
    connection.close()


def test_whoever_may_write_the_store_may_lock_it(file_store: Place, tmp_path: Path) -> None:
    assert file_store.path is not None
    lock = file_store.path.with_name("mlflow.db.lock")
    prepare_store(file_store.uri)
    file_store.path.chmod(0o660)
    before = os.umask(0o077)
    try:
        prepare_store(file_store.uri)
    finally:
        os.umask(before)
    assert stat.S_IMODE(lock.stat().st_mode) == 0o660


def test_a_lock_that_cannot_be_opened_is_said(file_store: Place) -> None:
    assert file_store.path is not None
    file_store.path.with_name("mlflow.db.lock").mkdir()  # root may write files of others
    assert code_of(lambda: prepare_store(file_store.uri)) == "store_unwritable"
