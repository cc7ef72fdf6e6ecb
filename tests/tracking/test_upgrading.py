"""A store of an older MLflow is upgraded whole or not at all, and never without a backup."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from old_stores import OLD_SCHEMAS, content, old_database, revision_of
from stores import until
from torture.workers import forks, kill

from jupyter_mlkit.cli import main
from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.tracking import alone, schema, upgrading
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.schema import head_revision
from jupyter_mlkit.tracking.store import prepare_store
from jupyter_mlkit.tracking.upgrading import plan_upgrade, upgrade_store

UPGRADE = """
import sys
from jupyter_mlkit.cli import main
sys.exit(main(["upgrade", sys.argv[1], "--yes"]))
"""
OPEN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM runs").fetchall()
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return old_database(tmp_path_factory.mktemp("old") / "mlflow.db")


@pytest.fixture
def path(old: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(old, tmp_path / "mlflow.db"))


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("mlflow-backup-*.db"))


def failure(call: Callable[[], object]) -> BackendError:
    with pytest.raises(BackendError) as caught:
        call()
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("revision", OLD_SCHEMAS)
def test_everything_is_there_afterwards_and_in_the_backup(tmp_path: Path, revision: str) -> None:
    path = old_database(tmp_path / "50% of [it]?" / "mlflow.db", revision)
    before = content(path)
    told: list[Path] = []
    done = upgrade_store(path, told.append)
    assert done is not None
    assert (done.found, done.needed) == (revision, head_revision())
    assert (done.rows["runs"], done.rows["metrics"]) == (3, 30)
    assert revision_of(path) == head_revision()
    assert content(path) == before
    (backup,) = told
    assert backups(path) == [backup]
    assert revision_of(backup) == revision
    assert content(backup) == before
    assert {one.name for one in path.parent.iterdir()} == {
        *("mlflow.db", "mlflow.db.lock"),
        backup.name,
    }
    assert plan_upgrade(path) is None
    assert upgrade_store(path) is None
    assert len(backups(path)) == 1


def test_the_upgraded_store_is_used_like_any_other(path: Path) -> None:
    uri = f"sqlite:///{path}"
    assert failure(lambda: prepare_store(uri)).code == "store_schema"
    upgrade_store(path)
    backend = TrackingBackend(uri, path.parent / "artifacts")
    assert len(backend.runs().items) == 3
    assert backend.run(f"{1:032x}").run_name == "run 0001"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_link_to_a_store_stays_one(path: Path, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    link = tmp_path / "else" / "mlflow.db"
    link.symlink_to(path)
    upgrade_store(link)
    assert link.is_symlink()
    assert revision_of(path) == head_revision()
    assert len(backups(path)) == 1
    assert [*link.parent.iterdir()] == [link]


def test_backups_never_take_the_place_of_another(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(upgrading.datetime):
        @classmethod
        def now(cls, tz: object = None) -> Stopped:
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(upgrading, "datetime", Stopped)
    first = path.with_name("mlflow-backup-2026-01-02-030405.db")
    first.write_text("of somebody else")
    upgrade_store(path)
    assert first.read_text() == "of somebody else"
    assert backups(path) == [path.with_name("mlflow-backup-2026-01-02-030405-2.db"), first]


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_what_is_not_in_the_file_yet_is_upgraded_too(path: Path, journal: str) -> None:
    """A process died and has left its write-ahead log, or half of a transaction."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    code = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO params SELECT 'late', 'x', run_uuid FROM runs")
connection.commit()
connection.execute("PRAGMA cache_size = 1")
connection.execute("UPDATE params SET value = 'never'")
connection.execute("UPDATE metrics SET value = 7")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_name("mlflow.db-wal" if journal == "wal" else "mlflow.db-journal").exists()
    done = upgrade_store(path)
    assert done is not None
    assert done.rows["params"] == 9
    found = content(path)
    assert found == content(backups(path)[0])
    assert {value for _, _, value in found["params"]} == {"0.1", "x"}
    assert not any(value == 7 for _, _, value, *_ in found["metrics"])


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_store_that_others_use_is_refused(
    path: Path, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert failure(lambda: upgrade_store(path)).code == "store_in_use"
    before = content(path)
    other = subprocess.Popen(
        [sys.executable, "-c", OPEN, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    idle = failure(lambda: upgrade_store(path))
    assert idle.code == "store_in_use"
    # Of who does nothing at this moment SQLite itself knows only with a write-ahead log.
    assert journal == "wal" or str(other.pid) in idle.message
    other.communicate("\n", timeout=20)
    assert (content(path), revision_of(path), backups(path)) == (before, OLD_SCHEMAS[1], [])
    assert upgrade_store(path) is not None


def test_it_waits_for_whoever_prepares_the_store(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "exclusive", partial(schema.exclusive, timeout=0.05))
    with schema.preparing(path):
        assert failure(lambda: upgrade_store(path)).code == "store_locked"


def test_no_space_is_said_before_anything_is_done(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(path)
    monkeypatch.setattr(alone.shutil, "disk_usage", lambda _: usage._replace(free=64 * 1024**2))
    before = path.read_bytes()
    for call in (plan_upgrade, upgrade_store):
        assert failure(lambda call=call: call(path)).code == "no_space"
    assert path.read_bytes() == before
    assert backups(path) == []


def test_a_disk_that_is_full_in_the_middle_changes_nothing(path: Path) -> None:
    """The backup fits; the upgraded store has more tables and does not."""
    before, size = content(path), path.stat().st_size
    ended = subprocess.run(
        [sys.executable, "-c", UPGRADE, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"upgrade_failed: {path} could not be upgraded, and is as it ")
    assert "Backup: " in ended.stdout
    assert "The backup was removed." in ended.stderr
    assert backups(path) == []
    assert content(path) == before
    assert revision_of(path) == OLD_SCHEMAS[1]
    assert not [*path.parent.glob(".*")]


def test_a_migration_that_fails_or_loses_runs_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = content(path), upgrading._migrate

    def forget(new: Path) -> None:
        real(new)
        with closing(sqlite3.connect(new)) as connection, connection:
            connection.execute("DELETE FROM metrics WHERE step = 3")

    monkeypatch.setattr(upgrading, "_migrate", forget)
    error = failure(lambda: upgrade_store(path))
    assert error.code == "upgrade_failed"
    assert "27 metrics, not 30" in error.message
    assert backups(path) == []
    assert (content(path), revision_of(path)) == (before, OLD_SCHEMAS[1])
    assert not [*path.parent.glob(".*")]


def test_a_backup_stays_where_the_store_was_touched(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(store: sqlite3.Connection, new: Path) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(upgrading, "replace_content", fail)
    error = failure(lambda: upgrade_store(path))
    assert (error.code, "disk I/O error" in error.message) == ("upgrade_failed", True)
    (backup,) = backups(path)
    assert str(backup) in (error.hint or "")
    assert content(backup) == content(path)


@pytest.mark.parametrize("table", ["tags", "datasets"])
def test_a_migration_that_loses_what_is_beside_the_points_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    real = upgrading._migrate
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO tags SELECT 'note', 'x', run_uuid FROM runs")
        connection.execute(
            "INSERT INTO datasets(dataset_uuid, experiment_id, name, digest, dataset_source_type,"
            " dataset_source) VALUES ('d', 1, 'sst', 'abc', 'local', '{}')"
        )

    def forget(new: Path) -> None:
        real(new)
        with closing(sqlite3.connect(new)) as connection, connection:
            connection.execute(f"DELETE FROM {table}")

    monkeypatch.setattr(upgrading, "_migrate", forget)
    assert f"0 {table}, not " in failure(lambda: upgrade_store(path)).message


def test_a_backup_that_cannot_be_made_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr("jupyter_mlkit.tracking.drafts.tempfile.mkstemp", refuse)
    error = failure(lambda: upgrade_store(path))
    assert (error.code, "quota" in error.message) == ("store_unwritable", True)
    assert revision_of(path) == OLD_SCHEMAS[1]


def test_an_empty_file_is_no_store_of_an_older_mlflow(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    assert plan_upgrade(tmp_path / "mlflow.db") is None


def test_a_damaged_store_is_said_and_left(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'index_params_run_uuid'"
        ).fetchone()[0]
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 + 8 : page * 4096] = bytes(4088)
    path.write_bytes(data)
    error = failure(lambda: upgrade_store(path))
    assert error.code == "not_a_store"
    assert "damaged" in error.message
    assert path.read_bytes() == bytes(data)
    assert backups(path) == []


# ------------------------------------------------------------------------------ killed

#: A moment of the upgrade, by the files that are there and their sizes.
MOMENTS: dict[str, Callable[[dict[str, int]], bool]] = {
    "the backup is written": lambda files: drafts(files) > 0 and not named(files),
    "the backup is there": lambda files: named(files),
    "the copy is written": lambda files: named(files) and drafts(files) > 0,
    "the copy is upgraded": lambda files: named(files) and drafts(files) > files["mlflow.db"],
    "the store is written": lambda files: (
        files.get("mlflow.db-journal", 0) + files.get("mlflow.db-wal", 0) > 100_000
    ),
}


def drafts(files: dict[str, int]) -> int:
    return sum(size for name, size in files.items() if name.endswith(".new"))


def named(files: dict[str, int]) -> bool:
    return any("-backup-" in name for name in files)


def files_in(folder: Path) -> dict[str, int]:
    found = {}
    for entry in os.scandir(folder):
        try:
            found[entry.name] = entry.stat().st_size
        except FileNotFoundError:
            continue
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So large that each step takes long enough to be hit: some 12 MiB."""
    return old_database(tmp_path_factory.mktemp("large") / "mlflow.db", runs=4000)


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_the_store_is_the_old_or_the_new_one(
    large: Path, tmp_path: Path, moment: str, journal: str, nightly: int
) -> None:
    before = content(large)
    for number in range(nightly):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = Path(shutil.copy(large, folder / "mlflow.db"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA journal_mode = {journal}")
        process = forks().Process(target=main, args=(["upgrade", str(path), "--yes"],))
        process.start()
        until(lambda: MOMENTS[moment](files_in(folder)) or not process.is_alive(), 60)  # noqa: B023
        assert kill(process), f"{moment} was never seen"
        assert revision_of(path) in (OLD_SCHEMAS[1], head_revision())
        assert content(path) == before
        for backup in backups(path):
            assert content(backup) == before
        upgrade_store(path)
        assert revision_of(path) == head_revision()
        assert content(path) == before
        assert not [*folder.glob(".*")], "what the killed process left is cleared"
