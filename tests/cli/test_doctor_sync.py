"""What the doctor says of the journal: where it is, what waits there, why, and what was refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jupyter_mlkit.cli import doctor_sync
from jupyter_mlkit.cli.doctor_sync import examine_sync
from jupyter_mlkit.cli.finding import Finding
from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.tracking.drainer.dead_letters import NAME, DeadLetter, keep
from jupyter_mlkit.tracking.drainer.status import Trouble, write_troubles
from jupyter_mlkit.tracking.drainer.summary import LATE
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    return Home(journal_dir())


def report() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine_sync()}


def log(home: Home, run: str = "a") -> None:
    recorder = open_recorder(AWAY, run, home=home)
    recorder.metric("loss", 0.5, 7, 1)
    recorder.close()


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LATE + 1)


def test_where_nothing_was_logged_nothing_is_made(home: Home) -> None:
    (only,) = report().values()
    assert only.absent
    assert f"{home.root} will be made" in only.state
    assert not home.root.parent.exists()


def test_a_place_that_cannot_be_made_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Root may write everywhere.
    monkeypatch.setattr("os.access", lambda *_: False)
    (only,) = report().values()
    assert f"{tmp_path} cannot be written" in (only.problem or "")
    assert "JUPYTER_DATA_DIR" in (only.fix or "")


def test_where_all_is_well_it_says_where_and_how_much(home: Home) -> None:
    log(home)
    found = report()
    assert [one.name for one in found.values() if one.problem] == []
    assert found["journal"].state == f"{home.root} can be written"
    assert found["size of the journal"].state.startswith("0.0 MiB of 1 GiB; ")
    assert found["waiting"].state.startswith("1 entry of 1 run, the oldest since 20")
    assert found["refused by a store"].absent


def test_what_waits_too_long_is_a_problem_with_its_reason(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(home)
    later(monkeypatch)
    waiting = report()["waiting"]
    assert "nothing is known to be wrong" in (waiting.problem or "")
    assert "jupyter mlkit sync" in (waiting.fix or "")
    write_troubles(home, [Trouble(AWAY, "Nobody answers.", "Start it.", 3)])
    found = report()
    assert found["waiting"].problem is None
    assert found[AWAY] == Finding(AWAY, "tried 3 times", "Nobody answers.", "Start it.")


def test_a_journal_that_cannot_be_read_is_told(home: Home) -> None:
    log(home)
    later_version = home.journal(AWAY, "b").folder / f"{'0' * 32}-000001.mlkj2"
    later_version.write_bytes(b"MLKJ\x02\r\n\0")
    found = report()
    assert "later version" in (found["b"].problem or "")
    assert "Update jupyter_mlkit" in (found["b"].fix or "")
    assert found["waiting"].state.startswith("1 entry")


def test_what_a_store_refuses_is_told_with_the_place_and_a_reason(home: Home) -> None:
    folder = home.journal(AWAY, "run0").folder
    keep(folder, [DeadLetter("metric", "../etc", 1.0, "Invalid metric name"), _letter("b")])
    refused = report()["refused of run run0"]
    assert refused.state == f"2 entries, kept in {folder / NAME}"
    assert refused.problem == "metric '../etc': Invalid metric name"
    assert str(folder / NAME) in (refused.fix or "")
    for number in range(1, 7):
        keep(home.journal(AWAY, f"run{number}").folder, [_letter("c")])
    assert report()["refused of other runs"].state == "2 of 2 runs"


def _letter(key: str) -> DeadLetter:
    return DeadLetter("tag", key, "v", "no")


def test_a_file_in_its_place_and_a_folder_that_is_read_only_are_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.root.parent.mkdir(parents=True)
    home.root.touch()
    (only,) = report().values()
    assert "no folder" in (only.problem or "")
    home.root.unlink()
    log(home)
    monkeypatch.setattr("os.access", lambda *_: False)
    found = report()
    assert "cannot be written" in (found["journal"].problem or "")
    assert "1 entry" in found["waiting"].state


def test_a_network_file_system_and_a_full_disk_are_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(home)
    assert report()["file system of the journal"].problem is None
    monkeypatch.setattr(doctor_sync, "on_network", lambda _: True)
    assert "each entry is in its store once" in report()["file system of the journal"].state
    monkeypatch.setattr(doctor_sync, "_LOW_BYTES", 1 << 62)
    full = report()["size of the journal"]
    assert "cannot be kept" in (full.problem or "")
    assert full.fix
