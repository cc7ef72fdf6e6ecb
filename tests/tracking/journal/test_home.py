"""Each run has a folder of its own, and who wrote it can be told from anybody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.tracking.journal import opening
from jupyter_mlkit.tracking.journal.entries import Opened, decoded
from jupyter_mlkit.tracking.journal.home import Home, Journal
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.segments import segments

from .journals import frames


def test_a_journal_that_grows_large_is_told_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "QUOTA", 1000)
    home = Home(tmp_path / "journal")
    (home.journal("sqlite:///a.db", "0" * 32).folder / "files").mkdir()
    (home.find("sqlite:///a.db", "0" * 32).files / "large").write_bytes(bytes(900))
    for run in ("1" * 32, "2" * 32):
        recorder = opening.open_recorder("sqlite:///a.db", run, home=home)
        recorder.metric("loss", 1.0, 1, 1)
        recorder.close()
        assert [*segments(home.find("sqlite:///a.db", run).folder)]
    assert caplog.text.count("wait in") == 1


def test_journals_are_found_by_store_and_run(tmp_path: Path) -> None:
    home = Home(tmp_path / "journal")
    assert [*home.journals()] == []
    assert home.size() == 0
    made = [
        home.journal(store, run)
        for store in ("sqlite:////data/mlflow.db", "https://anna:secret@example.org")
        for run in ("a" * 32, "local-1")
    ]
    assert sorted(home.journals(), key=repr) == sorted(made, key=repr)
    assert home.journal("https://anna:other@example.org", "local-1") == made[3]
    assert made[3] == Journal(made[3].folder, "local-1", "https://example.org")
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"secret" not in everything
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.rglob("*") if path.is_dir()} == {
        "0o700"
    }


@pytest.mark.parametrize("run", ["", ".", "..", "../x", "a/b", "a\0", "-a", "x" * 200, "é", "a\n"])
def test_only_ids_name_folders(run: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Home(tmp_path / "journal").journal("sqlite:///a.db", run)
    assert caught.value.code == "not_a_run_id"
    assert not [*tmp_path.iterdir()]


def test_a_journal_says_which_process_writes_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    recorder = open_recorder("sqlite:///a.db", "run", home=home)
    recorder.metric("loss", 0.5, 7, 1)
    pid = os.fork()
    if not pid:
        recorder.metric("loss", 0.5, 7, 2)
        os._exit(0)
    child = Identity.of(pid)
    os.waitpid(pid, 0)
    recorder.close()
    (journal,) = home.journals()
    first = [decoded(frames(segment.read())[0]) for segment in segments(journal.folder)]
    told = [one for one in first if isinstance(one, Opened)]
    me = Identity.of(os.getpid())
    assert me is not None
    writers = {
        (one.pid, one.started, one.boot, one.machine) for one in told if isinstance(one, Opened)
    }
    assert (me.pid, me.started, me.boot, me.machine) in writers
    assert [one.run for one in told] == ["run", "run"]
    assert {number for number, *_ in writers} == {os.getpid(), pid}
    assert child is None or child.started in {started for _, started, *_ in writers}
    written = sum(one.path.stat().st_size for one in segments(journal.folder))
    assert home.size() == written + len("sqlite:///a.db")
