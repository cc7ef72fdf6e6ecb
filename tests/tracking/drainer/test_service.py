"""All journals of a user reach their stores; what fails waits for its turn and holds up nobody."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from stores import Place

from jupyter_mlkit.errors import BackendError, ConflictError
from jupyter_mlkit.paths import ENV_STORE_FILE
from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.tracking.drainer import service
from jupyter_mlkit.tracking.drainer.cursors import Cursor, write_cursor
from jupyter_mlkit.tracking.drainer.dead_letters import dead_letters
from jupyter_mlkit.tracking.drainer.process import needs_drainer
from jupyter_mlkit.tracking.drainer.service import Drainer, alone, backlog
from jupyter_mlkit.tracking.journal import opening
from jupyter_mlkit.tracking.journal.entries import Metric, Params
from jupyter_mlkit.tracking.journal.home import Home, Journal
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.recorder import Recorder
from jupyter_mlkit.tracking.journal.segments import segments

AWAY = "http://127.0.0.1:9"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


@pytest.fixture
def begun(home: Home, file_store: Place) -> Callable[..., tuple[str, Recorder]]:
    def begin(points: int = 5, store: str = "") -> tuple[str, Recorder]:
        run = file_store.client.create_run(file_store.experiment()).info.run_id
        recorder = open_recorder(store or file_store.uri, run, home=home)
        for step in range(points):
            recorder.metric("loss", step / 3, 1_700_000_000_000, step)
        return run, recorder

    return begin


def steps(place: Place, run: str) -> list[int]:
    return sorted(one.step for one in place.client.get_metric_history(run, "loss"))


def test_runs_reach_their_store_and_leave_nothing(
    home: Home, file_store: Place, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    runs = [begun() for _ in range(3)]
    drainer = Drainer(home)
    # With the first entry of each segment.
    assert drainer.round() == 18
    assert [steps(file_store, run) for run, _ in runs] == [[*range(5)]] * 3
    # They may go on.
    assert len([*home.journals()]) == 3
    for _, recorder in runs:
        recorder.metric("loss", math.inf, 1_700_000_000_000, 5)
        recorder.metric("loss", math.nan, 1_700_000_000_000, 6)
        recorder.close()
    drainer.round()
    assert [steps(file_store, run) for run, _ in runs] == [[*range(7)]] * 3
    assert [*home.journals()] == []
    assert drainer.round() == 0


def test_a_drainer_that_died_between_two_deletions_leaves_nothing(
    home: Home, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    _, recorder = begun()
    recorder.close()
    [journal] = home.journals()
    write_cursor(journal.folder, UUID(int=1).hex, Cursor(1, 100, closed=True))  # of no segment
    Drainer(home).round()
    assert not journal.folder.exists()


def test_what_a_killed_process_left_unfinished_goes(
    home: Home, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    _, recorder = begun()
    recorder.close()
    [journal] = home.journals()
    left = [folder / "plots" / ".a.png.7.1.mlkit-part" for folder in (journal.files, journal.loose)]
    for one in left:
        one.parent.mkdir(parents=True)
        one.write_bytes(b"some")
    drainer = Drainer(home)
    drainer.round()
    assert all(one.exists() for one in left)  # somebody may be about to write it
    for one in left:
        os.utime(one, (0, 0))
    drainer.round()
    assert not journal.folder.exists()
    assert not needs_drainer(home)


def test_a_run_that_is_gone_on_with_has_a_folder_again(
    home: Home, file_store: Place, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    run, first = begun()
    second = open_recorder(file_store.uri, run, home=home)
    first.close()
    drainer = Drainer(home)
    drainer.round()
    assert [*home.journals()] == []
    second.metric("loss", 1.0, 1_700_000_000_000, 5)
    assert second.missed == 0
    drainer.round()
    assert steps(file_store, run) == [*range(6)]


def test_a_dead_writer_needs_no_last_word(
    home: Home,
    file_store: Place,
    begun: Callable[..., tuple[str, Recorder]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Identity.of
    with monkeypatch.context() as patched:
        patched.setattr(opening.Identity, "of", lambda pid: Identity(pid, "0", *_rest(real(pid))))
        run, _ = begun()
    Drainer(home).round()
    assert steps(file_store, run) == [*range(5)]
    assert [*home.journals()] == []


def _rest(identity: Identity | None) -> tuple[str, str]:
    assert identity is not None
    return identity.boot, identity.machine


def test_a_store_that_is_away_holds_up_no_other(
    home: Home, file_store: Place, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    clock = Clock()
    begun(store=AWAY)
    begun(store=AWAY)
    run, _ = begun()
    drainer = Drainer(home, clock)
    drainer.round()
    assert steps(file_store, run) == [*range(5)]
    assert [*drainer.failing] == [AWAY]
    # Asked once, not once for each of its runs, and less and less often.
    waits = []
    for failures in range(1, 12):
        assert drainer.failing[AWAY].failures == failures
        assert isinstance(drainer.failing[AWAY].error, BackendError)
        waits.append(drainer.failing[AWAY].until - clock.now)
        drainer.round()
        assert drainer.failing[AWAY].failures == failures
        clock.now = drainer.failing[AWAY].until
        drainer.round()
    assert waits[0] <= 0.5
    assert service.MOST_WAIT / 2 <= waits[-1] <= service.MOST_WAIT


def test_a_run_that_fails_holds_up_no_other(
    home: Home, file_store: Place, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    clock = Clock()
    deleted, _ = begun()
    file_store.client.delete_run(deleted)
    run, _ = begun()
    drainer = Drainer(home, clock)
    # A deleted run is only noticed where the store refuses something.
    drainer.round()
    assert steps(file_store, run) == [*range(5)]
    (failing,) = drainer.failing.values()
    assert isinstance(failing.error, ConflictError)
    file_store.client.restore_run(deleted)
    clock.now += 1
    drainer.round()
    assert drainer.failing == {}
    assert steps(file_store, deleted) == [*range(5)]


def test_what_nobody_has_foreseen_holds_up_no_other(
    home: Home,
    file_store: Place,
    begun: Callable[..., tuple[str, Recorder]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    runs = [begun()[0] for _ in range(3)]
    bad = sorted(runs)[0]
    real = service.bring_files

    def unforeseen(journal: Journal, *given: Any, **named: Any) -> int:
        if journal.run == bad:
            raise KeyError("as of a fault in a library")
        return real(journal, *given, **named)

    # As of a folder that is no journal's, too.
    (home.root / "0").mkdir()
    (home.root / "0" / "store.uri").write_bytes(b"\xff\xfe")
    drainer = Drainer(home, clock)
    with monkeypatch.context() as patched:
        patched.setattr(service, "bring_files", unforeseen)
        drainer.round()
    assert [steps(file_store, run) for run in runs if run != bad] == [[*range(5)]] * 2
    assert steps(file_store, bad) == []
    (trouble,) = drainer.troubles
    assert trouble.where == bad
    assert "KeyError" in trouble.error
    assert "as of a fault in a library" in trouble.error
    assert trouble.hint is not None
    clock.now = 1.0
    drainer.round()
    assert drainer.troubles == []
    assert steps(file_store, bad) == [*range(5)]


def test_a_journal_that_cannot_be_read_ends_no_drainer(
    home: Home, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    begun()
    (journal,) = home.journals()
    (journal.folder / f"{'0' * 32}-000001.mlkj1").mkdir()
    (journal.folder / "models").write_text("no folder")
    (journal.folder / "unmade").write_text("no folder")
    drainer = Drainer(home)
    drainer.round()
    assert [one.where for one in drainer.troubles] == [journal.run]
    assert isinstance(needs_drainer(home), bool)


def test_what_the_store_does_not_give_back_is_brought_again(
    home: Home, file_store: Place, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    import sqlite3

    run, recorder = begun()
    clock = Clock()
    drainer = Drainer(home, clock)
    drainer.round()
    assert file_store.path is not None
    # As of a database that was put back from a backup.
    connection = sqlite3.connect(file_store.path)
    connection.execute("DELETE FROM metrics WHERE step < 3")
    connection.commit()
    connection.close()
    assert steps(file_store, run) == [3, 4]
    recorder.close()
    drainer.round()
    assert len([*home.journals()]) == 1
    (failing,) = drainer.failing.values()
    assert getattr(failing.error, "code", None) == "unconfirmed"
    clock.now += 1
    drainer.round()
    assert drainer.failing == {}
    assert steps(file_store, run) == [*range(5)]
    assert [*home.journals()] == []


def test_refused_entries_stay_and_their_segments_go(
    home: Home, file_store: Place, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    run, recorder = begun()
    recorder.record(Metric("../etc", 1.0, 7, 1), Params({"lr": "1"}), Params({"lr": "2"}))
    recorder.close()
    Drainer(home).round()
    (journal,) = home.journals()
    assert segments(journal.folder) == []
    assert [letter.key for letter in dead_letters(journal.folder)] == ["lr", "../etc"]
    assert steps(file_store, run) == [*range(5)]


def test_a_backlog_is_what_no_cursor_has_passed(
    home: Home, begun: Callable[..., tuple[str, Recorder]]
) -> None:
    _, recorder = begun()
    (journal,) = home.journals()
    whole = backlog(journal)
    assert whole > 0
    Drainer(home).round()
    assert backlog(journal) == 0
    recorder.metric("loss", 1.0, 7, 9)
    assert 0 < backlog(journal) < whole


@pytest.mark.parametrize("gone", ["before", "after"])
def test_the_file_that_names_a_store_may_go_with_its_job(
    home: Home,
    file_store: Place,
    begun: Callable[..., tuple[str, Recorder]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gone: str,
) -> None:
    run, _ = begun()
    file = tmp_path / "store"
    file.write_text(file_store.uri)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv(ENV_STORE_FILE, str(file))
    if gone == "before":
        file.unlink()
    drainer = Drainer(home)
    file.unlink(missing_ok=True)
    drainer.round()
    assert drainer.failing == {}
    assert steps(file_store, run) == [*range(5)]


def test_a_home_has_one_drainer(home: Home) -> None:
    with alone(home) as first:
        assert first
        with alone(home) as second:
            assert not second
    with alone(home) as again:
        assert again


def test_a_worker_that_is_forked_keeps_no_place_of_a_drainer(home: Home) -> None:
    begin, end = os.pipe()
    with alone(home) as first:
        assert first
        worker = os.fork()
        if worker == 0:
            os.close(end)
            os.read(begin, 1)
            os._exit(0)
    try:
        with alone(home) as again:
            assert again
            with alone(home) as second:  # whoever has not got it does not give it back
                assert not second
            with alone(home) as third:
                assert not third
    finally:
        os.close(end)
        os.waitpid(worker, 0)
        os.close(begin)
