"""What ``jupyter mlkit upgrade`` tells, asks and does; what offers it."""

from __future__ import annotations

import io
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from old_stores import OLD_SCHEMAS, content, old_database, old_file_store, revision_of

from jupyter_mlkit import paths
from jupyter_mlkit.cli import doctor, main
from jupyter_mlkit.cli.finding import Finding
from jupyter_mlkit.tracking.schema import head_revision

COMMAND = "import sys; from jupyter_mlkit.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return old_database(tmp_path_factory.mktemp("old") / "mlflow.db")


@pytest.fixture(scope="module")
def old_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return old_file_store(tmp_path_factory.mktemp("files"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of one's own, with a data directory of one's own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def store(old: Path) -> Path:
    """Our own store, of an older MLflow."""
    paths.default_store().parent.mkdir(parents=True)
    return Path(shutil.copy(old, paths.default_store()))


@pytest.fixture
def mlruns(old_files: Path, here: Path) -> Path:
    return Path(shutil.copytree(old_files, here / "mlruns"))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command and return what it prints, errors too."""

    def run(*argv: str, code: int = 0) -> str:
        assert main(["upgrade", *argv]) == code
        out, err = capsys.readouterr()
        return out + err

    return run


def answered(answer: str, *argv: str) -> tuple[int, str]:
    """Run it at a terminal of its own and type an answer."""
    main_end, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "upgrade", *argv],
        stdin=other_end,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(other_end)
    os.write(main_end, answer.encode())
    told, _ = process.communicate(timeout=60)
    os.close(main_end)
    return process.returncode, told


def test_without_a_terminal_it_tells_and_does_nothing(
    store: Path, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    told = tell(code=1)
    assert f"The store {store} was made by an older MLflow." in told
    assert "MiB, 2 experiments and 3 runs" in told
    assert f"{OLD_SCHEMAS[1]} -> {head_revision()}" in told
    assert "Nothing was changed: there is no terminal to ask at. Say it with --yes." in told
    assert revision_of(store) == OLD_SCHEMAS[1]
    assert [one.name for one in store.parent.iterdir()] == [store.name]


def test_at_a_terminal_it_asks(store: Path) -> None:
    before = content(store)
    for answer in ("\n", "\x04"):
        code, told = answered(answer)
        assert code == 1
        assert "Upgrade it? [y/N]" in told
        assert "MLflow UIs that use the store first." in told
        assert "Nothing was changed." in told
        assert [one.name for one in store.parent.iterdir()] == [store.name]
    code, told = answered("y\n")
    assert code == 0
    assert "Upgraded: 2 experiments and 3 runs, as before." in told
    (backup,) = store.parent.glob("mlflow-backup-*.db")
    assert f"Backup: {backup}" in told
    assert revision_of(store) == head_revision()
    assert content(store) == content(backup) == before


def test_yes_is_said_beforehand_and_the_second_time_nothing_is_left(
    store: Path, tell: Callable[..., str]
) -> None:
    assert "Upgraded:" in tell("--yes")
    assert f"The store {store} has the schema of this MLflow" in tell()
    assert "nothing to upgrade" in tell(str(store))
    assert "nothing to upgrade" in tell(f"sqlite:///{store}")


def test_a_file_may_have_any_name(old: Path, here: Path, tell: Callable[..., str]) -> None:
    path = here / "50%?" / "my #1?.db"
    path.parent.mkdir()
    shutil.copy(old, path)
    assert f"The store {path} was made by an older MLflow." in tell(str(path), "--yes")
    assert revision_of(path) == head_revision()
    assert [one.name for one in here.iterdir()] == ["50%?"]
    assert "nothing to upgrade" in tell("50%?/my #1?.db")


def test_where_there_is_no_store_none_is_made(tell: Callable[..., str]) -> None:
    assert "It is made when it is first used." in tell()
    assert not paths.data_dir().exists()
    assert "not_found: There is no nothing.db." in tell("nothing.db", code=1)


def test_what_is_no_store_of_ours_is_refused(
    tell: Callable[..., str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uri in ("http://anna:secret@h:5000", "postgresql://anna:secret@h/m"):
        told = tell(uri, code=1)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert tell(code=1) == told
        assert "whoever runs that server or database upgrades its schema" in told
        assert "make a backup" in told
        assert "mlflow db upgrade" in told
        assert "secret" not in told
    (here / "notes.txt").write_text("words " * 100)
    assert "not_a_store" in tell("notes.txt", code=1)


def test_a_store_of_a_newer_mlflow_is_refused(store: Path, tell: Callable[..., str]) -> None:
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    told = tell("--yes", code=1)
    assert "made by a newer MLflow (schema ffffffffffff)" in told
    assert "pip install" in told
    assert [one.name for one in store.parent.iterdir()] == [store.name]


def test_a_file_store_is_told_of_and_brought(
    mlruns: Path, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tell()
    assert f"{mlruns} has 4 runs of an older MLflow that the store does not have." in told
    assert f"jupyter mlkit upgrade '{mlruns}'" in told
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "Say it with --yes." in tell("mlruns", code=1)
    assert not paths.default_store().exists()
    told = tell("mlruns", "--yes")
    assert f"{mlruns} is a file store of an older MLflow: 3 experiments and 4 runs." in told
    assert f"{mlruns} stays as it is. Keep it" in told
    assert "Copied: 3 experiments and 4 runs, as in the folder." in told
    assert "artifacts in a place" not in told
    assert "has all of them" in tell(".")
    assert "mlruns" not in tell()
    (mlruns.parent / "empty").mkdir()
    assert "there is nothing to bring" in tell("empty")


def test_a_file_store_in_use_that_was_moved_is_brought_into_ours(
    here: Path, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mlruns = old_file_store(here / "first", runs=2).rename(here / "mlruns")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlruns.as_uri())
    told = tell("--yes")
    assert f"They are copied into the store {paths.default_store()}." in told
    assert "2 of them have their artifacts in a place that is not there" in told
    assert (here / "first" / "mlruns").as_uri() in told
    assert f"unset MLFLOW_TRACKING_URI, or set it to sqlite:///{paths.default_store()}" in told
    assert "has all of them" in tell("./mlruns")


def test_a_file_store_goes_into_an_empty_sqlite_file_only(
    mlruns: Path, old: Path, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "only into an SQLite file" in tell("mlruns", code=1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{old}")
    before = content(old)
    told = tell("mlruns", "--yes", code=1)
    assert "store_not_empty" in told
    assert "set MLFLOW_TRACKING_URI to a sqlite:/// file that is not there yet" in told
    assert content(old) == before


def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor._store()}


def test_the_doctor_finds_both(mlruns: Path, tell: Callable[..., str]) -> None:
    offered = findings()["older store"]
    assert "4 runs of an older MLflow" in (offered.problem or "")
    assert f"jupyter mlkit upgrade '{mlruns}'" in (offered.fix or "")
    assert not paths.data_dir().exists(), "who looks makes nothing"
    tell("mlruns", "--yes")
    assert "older store" not in findings()


def test_the_doctor_finds_an_older_schema(store: Path, tell: Callable[..., str]) -> None:
    found = findings()["store"]
    assert "made by an older MLflow" in (found.problem or "")
    assert f"jupyter mlkit upgrade {store}" in (found.fix or "")
    tell("--yes")
    assert findings()["store"].problem is None
