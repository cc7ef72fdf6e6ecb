"""The registry's file: old versions are brought up to date, and its line keeps its order."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.jobs import migrations
from jupyter_mlkit.jobs.record import JobRecord, OpenRun, now
from jupyter_mlkit.jobs.store import JobStore
from jupyter_mlkit.jobs.supervisor import Supervisor
from jupyter_mlkit.models import JobOptions
from jupyter_mlkit.spec import TrainingSpec

from .conftest import program, until

Make = Callable[..., Supervisor]
GOLDEN = Path(__file__).parent / "golden" / "jobs-v1.db"
SCOPE = "sqlite:////home/anna/mlflow.db /home/anna"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(GOLDEN, tmp_path / "jobs.db"))


def test_a_registry_of_the_first_version(old: Path) -> None:
    with closing(JobStore(old, SCOPE)) as store:
        jobs, _ = store.page(10, None)
        assert [job.state for job in jobs] == ["QUEUED", "QUEUED", "RUNNING", "LOST", "DONE"]
        assert {job.name for job in jobs} == {"größe 🌍"}
        assert [job.job_id for job in store.line()] == [f"{4:016x}", f"{5:016x}"]
        (left_open,) = store.with_open_runs()
        assert left_open.open_runs == [OpenRun("r2", "FAILED", "lost")]
        running = jobs[2].process
        assert running is not None
        assert (running.pid, running.nonce) == (4243, "")
        assert store.claim(3, lambda _: True, _start) is not None
        assert store.claim(2, lambda _: True, _start) is None, "two run already"
    with closing(sqlite3.connect(old)) as db:
        assert migrations.version_of(db) == migrations.USER_VERSION
    with closing(JobStore(old, SCOPE)) as again:
        assert [job.job_id for job in again.line()] == [f"{5:016x}"]


def test_an_old_registry_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    for path in (old, tmp_path / "new.db"):
        JobStore(path, "here").close()

    def schema(path: Path) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(path)) as db:
            tables = db.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
            columns = db.execute("PRAGMA table_info(jobs)").fetchall()
            return [*tables, *((str(column[1]), str(column[2])) for column in columns)]

    assert schema(old) == schema(tmp_path / "new.db")
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()

    def fails(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM jobs")
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(migrations, "_STEPS", (*migrations._STEPS, fails))
    monkeypatch.setattr("jupyter_mlkit.jobs.store.USER_VERSION", 3)
    with pytest.raises(Exception, match="disk full"):
        JobStore(old, SCOPE)
    monkeypatch.undo()
    assert old.read_bytes() == before
    with closing(JobStore(old, SCOPE)) as store:
        assert len(store.page(10, None)[0]) == 5


def test_the_highest_priority_starts_first(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise(limit=1)
    first = supervisor.submit(spec, program("state('fit'); wait_for('go'); end('DONE', 0)"))
    until(supervisor, first.job_id, lambda job: job.phase == "fit")
    wanted = {}
    for priority in (0, -5, 7, 0, 7):
        job = supervisor.submit(
            spec, program("end('DONE', 0)"), None, JobOptions(priority=priority)
        )
        wanted[job.job_id] = priority
    line = sorted(wanted, key=lambda job_id: -wanted[job_id])
    places = {job.job_id: job.queue_position for job in supervisor.jobs().items}
    assert [places[job_id] for job_id in line] == [1, 2, 3, 4, 5]
    (supervisor._folder(first.job_id).path / "go").touch()
    ended = [supervisor.wait(job_id, 30) for job_id in line]
    assert [job.state for job in ended] == ["DONE"] * 5
    assert [job.started for job in ended] == sorted(job.started for job in ended)


def test_two_servers_start_no_more_than_allowed(supervise: Make, spec: TrainingSpec) -> None:
    servers = [supervise(limit=2), supervise(limit=2)]
    code = "state('fit'); wait_for('go'); end('DONE', 0)"
    ids = [server.submit(spec, program(code)).job_id for server in servers * 3]
    for _ in range(3):
        waiting = until(
            servers[0],
            ids[0],
            lambda _: sum(job.phase == "fit" for job in servers[0].jobs().items) == 2,
        )
        assert waiting
        states = [job.state for job in servers[1].jobs().items]
        assert sum(state in ("STARTING", "RUNNING") for state in states) == 2
        for job in servers[0].jobs().items:
            if job.phase == "fit":
                (servers[0]._folder(job.job_id).path / "go").touch()
                for server in servers:
                    assert server.wait(job.job_id, 20).state == "DONE"


CRASHES_ONCE = """
if "attempt-" not in folder:
    state('fit', 0.2, 'r1')
    os.kill(os.getpid(), signal.SIGSEGV)
assert os.path.exists(os.path.join(folder, "spec.yaml"))
state('fit', 0.2, 'r2')
print("the second")
end('DONE', 0, 'r2')
"""


def test_a_crash_is_tried_again(supervise: Make, spec: TrainingSpec) -> None:
    closed: list[Any] = []
    supervisor = supervise(retry_delay=0.01, close_run=lambda *run: closed.append(run))
    job = supervisor.submit(spec, program(CRASHES_ONCE), None, JobOptions(retries=3))
    done = supervisor.wait(job.job_id, 30)
    assert (done.state, done.run_id, done.attempt, done.retries) == ("DONE", "r2", 2, 3)
    (failed,) = done.attempts
    assert (failed.state, failed.run_id, failed.exit_code) == ("FAILED", "r1", -11)
    assert failed.error is not None
    assert failed.error.code == "job_killed"
    assert supervisor.log(job.job_id).text == "the second\n"
    assert supervisor.log(job.job_id, attempt=1).text == ""
    assert supervisor.log(job.job_id, attempt=1).complete
    assert closed == [("r1", "FAILED", "killed")]


@pytest.mark.parametrize(
    ("code", "attempts"),
    [
        ("end('FAILED', 1, error={'message': 'm', 'code': 'c', 'hint': None, 'field': 'f'})", 1),
        ("end('FAILED', 1, error={'message': 'm', 'code': 'c', 'hint': None, 'field': None})", 3),
        ("end('STOPPED', 143)", 1),
        ("sys.exit(1)", 3),
    ],
    ids=["wrong input", "other error", "stopped", "crash"],
)
def test_what_is_tried_again(supervise: Make, spec: TrainingSpec, code: str, attempts: int) -> None:
    supervisor = supervise(retry_delay=0.01)
    job = supervisor.submit(spec, program(code), None, JobOptions(retries=2))
    ended = supervisor.wait(job.job_id, 30)
    assert (ended.attempt, len(ended.attempts)) == (attempts, attempts - 1)


def test_a_job_that_waits_for_another_attempt_can_be_stopped(
    supervise: Make, spec: TrainingSpec
) -> None:
    supervisor = supervise(retry_delay=600)
    job = supervisor.submit(spec, program("sys.exit(1)"), None, JobOptions(retries=1))
    waiting = until(supervisor, job.job_id, lambda job: job.attempt == 2)
    assert (waiting.state, waiting.phase) == ("QUEUED", "waiting to try again")
    record = supervisor._store.get(job.job_id)
    assert now() + 590_000 < record.not_before < now() + 610_000
    assert supervisor.stop(job.job_id).state == "STOPPED"


def test_limits(supervise: Make, spec: TrainingSpec) -> None:
    closed: list[Any] = []
    supervisor = supervise(limit=2, close_run=lambda *run: closed.append(run))
    slow = supervisor.submit(
        spec,
        program("state('fit', 0.1, 'r1'); time.sleep(600)"),
        None,
        JobOptions(timeout_seconds=0.5),
    )
    large = supervisor.submit(
        spec,
        program("state('fit', 0.1, 'r2'); held = b'x' * 300_000_000; time.sleep(600)"),
        None,
        JobOptions(memory_bytes=200_000_000),
    )
    stopped = supervisor.wait(slow.job_id, 20)
    assert (stopped.state, stopped.error.code) == ("STOPPED", "job_timeout")
    assert "0.5 s" in stopped.error.message
    failed = supervisor.wait(large.job_id, 20)
    assert (failed.state, failed.error.code) == ("FAILED", "out_of_memory")
    assert failed.usage.peak_memory > 200_000_000
    supervisor._watch.close()
    assert sorted(closed) == [("r1", "KILLED", "timeout"), ("r2", "FAILED", "memory")]


def _start(record: JobRecord) -> None:
    record.state = "STARTING"
