"""A run whose process is gone ends as lost, and no other does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import Place
from writing import WritingProcess

from jupyter_mlkit.errors import MLKitError
from jupyter_mlkit.processes.identity import Identity, boot_id, machine_id, machine_name
from jupyter_mlkit.tracking.drainer.lost import JOB_GRACE
from jupyter_mlkit.tracking.drainer.process import needs_drainer
from jupyter_mlkit.tracking.drainer.service import Drainer, alone, backlog
from jupyter_mlkit.tracking.heartbeat import EVERY, LOST_AFTER, Heartbeat
from jupyter_mlkit.tracking.journal import opening
from jupyter_mlkit.tracking.journal.frames import Frame
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.recorder import Recorder
from jupyter_mlkit.tracking.journal.segments import segments
from jupyter_mlkit.tracking.tags import END_REASON, HEARTBEAT, JOB_ID

Begin = Callable[..., WritingProcess]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def drainer(home: Home, clock: Clock) -> Drainer:
    return Drainer(home, clock)


@pytest.fixture
def writes(home: Home, file_store: Place) -> Iterator[Begin]:
    begun: list[WritingProcess] = []

    def begin(run: str) -> WritingProcess:
        begun.append(WritingProcess(home, file_store.uri, run))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()


def new_run(place: Place, **tags: str) -> str:
    return str(place.client.create_run(place.experiment(), tags=tags).info.run_id)


def state(place: Place, run: str) -> tuple[str, str | None]:
    found = place.client.get_run(run)
    return found.info.status, found.data.tags.get(END_REASON)


def steps(place: Place, run: str) -> list[int]:
    return sorted(one.step for one in place.client.get_metric_history(run, "loss"))


def last_written(home: Home) -> int:
    (journal,) = home.journals()
    frames = [one for found in segments(journal.folder) for one in found.read()]
    return max(one.wall for one in frames if isinstance(one, Frame)) // 1_000_000


def written_by(
    home: Home, place: Place, run: str, monkeypatch: pytest.MonkeyPatch, process: Identity
) -> Recorder:
    """Write as another process, of which nothing but its identity is known."""
    with monkeypatch.context() as patched:
        patched.setattr(opening.Identity, "of", lambda _: process)
        recorder = open_recorder(place.uri, run, home=home)
        recorder.metric("loss", 0.5, 1_700_000_000_000, 0)
    return recorder


def test_a_killed_run_has_all_that_was_logged_and_ends_when_it_was_killed(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 2500)")
    process.kill()
    written = last_written(home)
    drainer.round()
    assert state(file_store, run) == ("FAILED", "lost")
    assert file_store.client.get_run(run).info.end_time == written
    assert steps(file_store, run) == [*range(2500)]
    assert [*home.journals()] == []


def test_it_is_found_where_the_store_had_all_of_it_before(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    # Of several segments the last one stays.
    process.does("recorder._writer._most = 1000; log(0, 100)")
    drainer.round()
    (journal,) = home.journals()
    assert backlog(journal) == 0
    assert len(segments(journal.folder)) == 1
    assert state(file_store, run) == ("RUNNING", None)
    process.kill()
    drainer.round()
    assert state(file_store, run) == ("FAILED", "lost")
    assert [*home.journals()] == []


def test_who_is_suspended_is_alive(file_store: Place, drainer: Drainer, writes: Begin) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3)")
    process.stop()
    for _ in range(3):
        drainer.round()
    assert state(file_store, run) == ("RUNNING", None)
    process.go_on()
    process.does("log(3, 5); recorder.record(Updated('FINISHED', 7)); recorder.close()")
    process.end()
    drainer.round()
    assert state(file_store, run) == ("FINISHED", None)
    assert steps(file_store, run) == [*range(5)]


def test_a_run_that_was_left_open_stays_open(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3); recorder.close()")
    process.end()
    drainer.round()
    assert state(file_store, run) == ("RUNNING", None)
    assert [*home.journals()] == []


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_that_is_over_stays_as_it_is(
    file_store: Place, drainer: Drainer, writes: Begin, status: str
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does(f"log(0, 3); recorder.record(Updated({status!r}, 7)); log(3, 5)")
    process.kill()
    drainer.round()
    assert state(file_store, run) == (status, None)
    assert file_store.client.get_run(run).info.end_time == 7
    assert steps(file_store, run) == [*range(5)]


def test_a_deleted_run_stays_deleted(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3)")
    drainer.round()
    file_store.client.delete_run(run)
    process.kill()
    drainer.round()
    assert drainer.failing == {}
    assert state(file_store, run) == ("RUNNING", None)
    assert [*home.journals()] == []


def test_what_was_logged_is_kept_where_the_run_was_deleted_for_good(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3)")
    drainer.round()
    file_store.elsewhere(
        "mlflow.tracking._tracking_service.utils._get_store()._hard_delete_run(run)", run=run
    )
    process.kill()
    drainer.round()
    (journal,) = home.journals()
    assert backlog(journal) > 0


def test_a_run_that_is_gone_on_with_is_alive(
    file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    first, second = writes(run), writes(run)
    first.does("log(0, 3)")
    second.does("recorder.record(Updated('RUNNING')); log(3, 5)")
    first.kill()
    drainer.round()
    assert state(file_store, run) == ("RUNNING", None)
    second.kill()
    drainer.round()
    assert state(file_store, run) == ("FAILED", "lost")
    assert steps(file_store, run) == [*range(5)]


def test_each_run_of_a_process_is_judged_for_itself(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    parent, ended, child = (new_run(file_store) for _ in range(3))
    process = writes(parent)
    process.does("log(0, 1); record = recorder.record")
    process.does(f"recorder = open_recorder(store, {ended!r}, home=home); log(0, 2)")
    process.does("recorder.record(Updated('FINISHED', 7)); recorder.close()")
    process.does(f"recorder = open_recorder(store, {child!r}, home=home); log(0, 3)")
    drainer.round()
    process.kill()
    drainer.round()
    assert state(file_store, parent) == ("FAILED", "lost")
    assert state(file_store, ended) == ("FINISHED", None)
    assert state(file_store, child) == ("FAILED", "lost")
    assert [*home.journals()] == []


@pytest.mark.parametrize(
    ("process", "lost"),
    [
        (Identity(2**22 + 1, "77", boot_id(), machine_id()), True),
        (Identity(1, "77", "before", machine_id()), True),
        (Identity(1, "77", boot_id(), "another machine"), False),
        (Identity(1, "77", "before", "another machine"), False),
        (Identity(1, "", boot_id(), machine_id()), False),
    ],
    ids=["gone", "rebooted", "elsewhere", "elsewhere rebooted", "not known"],
)
def test_only_a_process_of_this_machine_is_judged(
    home: Home,
    file_store: Place,
    drainer: Drainer,
    monkeypatch: pytest.MonkeyPatch,
    process: Identity,
    lost: bool,
) -> None:
    run = new_run(file_store)
    written_by(home, file_store, run, monkeypatch, process)
    drainer.round()
    drainer.round()
    assert state(file_store, run) == (("FAILED", "lost") if lost else ("RUNNING", None))
    assert steps(file_store, run) == [0]
    assert bool([*home.journals()]) is not lost
    assert not needs_drainer(home)


def test_a_writer_of_another_machine_keeps_the_run_open(
    home: Home,
    file_store: Place,
    drainer: Drainer,
    writes: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = new_run(file_store)
    elsewhere = Identity(1, "77", "b", "another machine")
    recorder = written_by(home, file_store, run, monkeypatch, elsewhere)
    process = writes(run)
    process.does("log(1, 3)")
    process.kill()
    drainer.round()
    assert state(file_store, run) == ("RUNNING", None)
    recorder.close()
    drainer.round()
    assert [*home.journals()] == []


def test_a_store_that_is_away_is_told_later(
    home: Home, file_store: Place, drainer: Drainer, clock: Clock, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3)")
    drainer.round()
    process.kill()
    assert file_store.path is not None
    away = file_store.path.rename(file_store.path.with_name("away"))
    drainer.round()
    assert isinstance(drainer.failing[file_store.uri].error, MLKitError)
    # Nothing waits to be brought, but there is something to be done.
    assert needs_drainer(home)
    away.rename(file_store.path)
    clock.now += 1
    drainer.round()
    assert state(file_store, run) == ("FAILED", "lost")
    assert not needs_drainer(home)


def test_the_supervisor_of_a_job_has_the_first_word(
    home: Home, file_store: Place, drainer: Drainer, clock: Clock, writes: Begin
) -> None:
    stopped, lost = new_run(file_store, **{JOB_ID: "1"}), new_run(file_store, **{JOB_ID: "2"})
    for run in (stopped, lost):
        process = writes(run)
        process.does("log(0, 3)")
        process.kill()
    drainer.round()
    assert state(file_store, lost) == ("RUNNING", None)
    file_store.backend.end_run(stopped, "KILLED", "stopped")
    clock.now += JOB_GRACE
    drainer.round()
    assert state(file_store, stopped) == ("KILLED", "stopped")
    # Where there is no supervisor, somebody has to say it.
    assert state(file_store, lost) == ("FAILED", "lost")
    assert [*home.journals()] == []


@pytest.mark.parametrize(
    ("status", "reason"), [("FAILED", "lost"), ("KILLED", "timeout"), ("FAILED", "memory")]
)
def test_whoever_is_first_it_ends_as_the_supervisor_says(
    file_store: Place, drainer: Drainer, clock: Clock, writes: Begin, status: Any, reason: str
) -> None:
    run = new_run(file_store, **{JOB_ID: "1"})
    process = writes(run)
    process.does("log(0, 3)")
    process.kill()
    drainer.round()
    clock.now += JOB_GRACE
    drainer.round()
    ended = file_store.client.get_run(run).info.end_time
    file_store.backend.end_run(run, status, reason)
    assert state(file_store, run) == (status, reason)
    assert file_store.client.get_run(run).info.end_time == ended
    drainer.round()
    assert state(file_store, run) == (status, reason)


def seen(place: Place, run: str) -> Heartbeat | None:
    return Heartbeat.of(place.client.get_run(run).data.tags)


def test_a_run_shows_that_its_process_is_alive(
    file_store: Place, drainer: Drainer, clock: Clock, writes: Begin
) -> None:
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3)")
    before = time.time() - 1
    drainer.round()
    first = seen(file_store, run)
    assert first is not None
    assert first.machine == machine_name()
    assert before <= first.at <= time.time()
    file_store.client.delete_tag(run, HEARTBEAT)
    clock.now += EVERY - 1
    drainer.round()
    assert seen(file_store, run) is None
    clock.now += 1
    drainer.round()
    assert seen(file_store, run) is not None
    file_store.client.delete_tag(run, HEARTBEAT)
    file_store.client.set_terminated(run)
    clock.now += EVERY
    drainer.round()
    assert seen(file_store, run) is None


def test_a_helper_does_not_speak_for_a_run_of_another_machine(
    file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    run = new_run(file_store)
    told = Heartbeat(float(int(time.time())), "another-machine")
    file_store.client.set_tag(run, HEARTBEAT, str(told))
    helper = writes(run)
    helper.does("log(0, 3)")
    drainer.round()
    assert seen(file_store, run) == told
    helper.kill()
    drainer.round()
    assert state(file_store, run) == ("RUNNING", None)
    # Once nobody else is there, whoever writes it holds it.
    stale = Heartbeat(time.time() - LOST_AFTER - 1, "another-machine")
    file_store.client.set_tag(run, HEARTBEAT, str(stale))
    holder = writes(run)
    holder.does("log(3, 5)")
    drainer.round()
    now = seen(file_store, run)
    assert now is not None
    assert now.machine == machine_name()
    holder.kill()
    drainer.round()
    assert state(file_store, run) == ("FAILED", "lost")


def test_a_drainer_is_needed_as_long_as_runs_are_open(
    home: Home, file_store: Place, drainer: Drainer, writes: Begin
) -> None:
    assert not needs_drainer(home)
    assert not home.root.exists()
    run = new_run(file_store)
    process = writes(run)
    process.does("log(0, 3)")
    assert needs_drainer(home)
    drainer.round()
    # Its process may go on to log, or die.
    assert needs_drainer(home)
    with alone(home) as first:
        assert first
        assert not needs_drainer(home)
    process.kill()
    assert needs_drainer(home)
    drainer.round()
    assert not needs_drainer(home)
