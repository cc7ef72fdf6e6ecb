"""Jobs outlive their server, whichever way it ends."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.errors import BackendError, ConflictError, NotFoundError
from jupyter_mlkit.jobs.store import JobStore
from jupyter_mlkit.jobs.supervisor import Supervisor
from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.spec import TrainingSpec, dump_yaml

from .conftest import program, until

Make = Callable[..., Supervisor]


def test_a_running_job_is_adopted(supervise: Make, spec: TrainingSpec) -> None:
    first = supervise()
    job = first.submit(spec, program("state('fit', 0.5, 'r'); wait_for('go'); end('DONE', 0, 'r')"))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    first.close()

    second = supervise()
    second.reconcile()
    assert second.job(job.job_id).state == "RUNNING"
    (second._folder(job.job_id).path / "go").touch()
    done = second.wait(job.job_id, 20)
    assert (done.state, done.run_id, done.exit_code) == ("DONE", "r", 0)


def test_an_adopted_job_can_be_stopped(supervise: Make, spec: TrainingSpec) -> None:
    first = supervise()
    job = first.submit(spec, program("state('fit', 0.5, 'r'); time.sleep(60)"))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    first.close()
    closed: list[tuple[str, str, str]] = []
    second = supervise(close_run=lambda *run: closed.append(run))
    second.reconcile()
    second.stop(job.job_id)
    assert second.wait(job.job_id, 20).state == "STOPPED"
    second.close()
    assert closed == [("r", "KILLED", "stopped")]


def test_a_job_that_ended_meanwhile_is_finished(
    supervise: Make, spec: TrainingSpec, folder: Path
) -> None:
    first = supervise()
    job = first.submit(spec, program("state('fit', 0.5, 'r'); wait_for('go'); end('DONE', 0, 'r')"))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    process = first._store.get(job.job_id).process
    assert process is not None
    first.close()
    (folder / "jobs" / job.job_id / "go").touch()
    _wait_for_end(process)
    second = supervise()
    second.reconcile()
    assert second.job(job.job_id).state == "DONE"


def test_a_job_that_vanished_is_lost(supervise: Make, spec: TrainingSpec) -> None:
    first = supervise()
    job = first.submit(spec, program("state('fit', 0.5, 'r'); time.sleep(60)"))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    process = first._store.get(job.job_id).process
    assert process is not None
    first.close()
    os.killpg(process.pid, signal.SIGKILL)
    _wait_for_end(process)
    closed: list[tuple[str, str, str]] = []
    second = supervise(close_run=lambda *run: closed.append(run))
    second.reconcile()
    lost = second.job(job.job_id)
    assert (lost.state, lost.exit_code, lost.error.code) == ("LOST", None, "job_lost")
    second.close()
    assert closed == [("r", "FAILED", "lost")]


def test_the_pid_of_somebody_else_is_left_alone(supervise: Make, spec: TrainingSpec) -> None:
    """After a reboot, or when pids came round, another process has the number."""
    first = supervise()
    job = first.submit(spec, program("state('fit', 0.5, 'r'); time.sleep(60)"))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    process = first._store.get(job.job_id).process
    assert process is not None
    first.close()
    for other in (
        Identity(process.pid, "1", process.boot, process.machine),
        Identity(process.pid, process.started, "another boot", process.machine),
    ):
        first = supervise()
        first._store.change(job.job_id, lambda record, other=other: _set(record, other))
        first.reconcile()
        assert first.job(job.job_id).state == "LOST"
        assert process.is_alive
        first._store.change(job.job_id, lambda record: _set(record, process))
        first.close()
    of_another_machine = Identity(process.pid, "1", "b", "another machine")
    last = supervise()
    last._store.change(job.job_id, lambda record: _set(record, of_another_machine))
    last.reconcile()
    assert last.job(job.job_id).state == "RUNNING", "what runs elsewhere is not ours to judge"
    last.close()
    os.killpg(process.pid, signal.SIGKILL)


def test_a_server_killed_between_start_and_note(
    supervise: Make, spec: TrainingSpec, folder: Path, tmp_path: Path
) -> None:
    """The row is written before the process starts, so the process is found by its job id."""
    server = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from jupyter_mlkit.jobs import supervisor as room
        from jupyter_mlkit.spec import load_spec

        class Dying(room.LocalExecutor):
            def start(self, launch):
                super().start(launch)
                os.kill(os.getpid(), signal.SIGKILL)

        around = room.Surroundings(Path(sys.argv[1]), Path(sys.argv[2]), "here")
        supervisor = room.Supervisor(around, limit=1, executor=Dying())
        job = supervisor.submit(load_spec(Path(sys.argv[3]).read_bytes()), sys.argv[4:])
        print(job.job_id, flush=True)
        supervisor.wait(job.job_id, 60)
        """
    )
    (tmp_path / "spec.yaml").write_text(dump_yaml(spec))
    command = program("state('fit', 0.5, 'r'); wait_for('go'); end('DONE', 0, 'r')")
    died = subprocess.run(
        [sys.executable, "-c", server, folder, tmp_path / "root", tmp_path / "spec.yaml", *command],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    job_id = died.stdout.strip()
    after = supervise()
    assert after._store.get(job_id).state == "STARTING"
    assert after._store.get(job_id).process is None
    after.reconcile()
    (folder / "jobs" / job_id / "go").touch()
    assert after.wait(job_id, 20).state == "DONE"


def test_a_server_killed_before_the_start(
    supervise: Make, spec: TrainingSpec, folder: Path, tmp_path: Path
) -> None:
    """It had taken the job out of the line: the next server puts it back, and starts it."""
    server = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from jupyter_mlkit.jobs import supervisor as room
        from jupyter_mlkit.spec import load_spec

        class Dying(room.LocalExecutor):
            def start(self, launch):
                os.kill(os.getpid(), signal.SIGKILL)

        around = room.Surroundings(Path(sys.argv[1]), Path(sys.argv[2]), "here")
        supervisor = room.Supervisor(around, limit=1, executor=Dying())
        job = supervisor.submit(load_spec(Path(sys.argv[3]).read_bytes()), sys.argv[4:])
        supervisor.wait(job.job_id, 60)
        """
    )
    (tmp_path / "spec.yaml").write_text(dump_yaml(spec))
    after = supervise()
    argv = [sys.executable, "-c", server, folder, tmp_path / "root", tmp_path / "spec.yaml"]
    died = subprocess.run([*argv, *program("end('DONE', 0)")], capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    (job,) = after.jobs().items
    assert job.state == "STARTING"
    after.reconcile()
    assert after.wait(job.job_id, 20).state == "DONE"


def test_what_waited_is_started_by_the_next_server(supervise: Make, spec: TrainingSpec) -> None:
    first = supervise(limit=1)
    running = first.submit(spec, program("state('fit'); wait_for('go'); end('DONE', 0)"))
    until(first, running.job_id, lambda job: job.phase == "fit")
    waiting = first.submit(spec, program("end('DONE', 0)"))
    first.close()
    # The server that took it in is gone: here it is another pid that nobody has.
    gone = Identity(pid=2**22, started="1", boot="b", machine=first._me.machine)
    second = supervise(limit=1)
    second._store.change(waiting.job_id, lambda record: _own(record, gone))
    second.reconcile()
    assert second.job(waiting.job_id).state == "QUEUED"
    (second._folder(running.job_id).path / "go").touch()
    assert second.wait(waiting.job_id, 20).state == "DONE"


def test_a_job_of_another_server_can_be_stopped(supervise: Make, spec: TrainingSpec) -> None:
    first, second = supervise(), supervise()
    second.reconcile()
    code = """
signal.signal(signal.SIGTERM, lambda *_: end('STOPPED', 143, 'r'))
state('fit', 0.5, 'r')
time.sleep(60)
"""
    job = first.submit(spec, program(code))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    assert second.stop(job.job_id).phase in ("stopping", None)
    for supervisor in (second, first):
        stopped = supervisor.wait(job.job_id, 20)
        assert (stopped.state, stopped.exit_code) == ("STOPPED", 143)


def test_a_stop_that_another_server_could_only_write_down(
    supervise: Make, spec: TrainingSpec
) -> None:
    """It may run on another machine, or have ended before it could send the signal."""
    first, second = supervise(), supervise()
    job = first.submit(spec, program("state('fit', 0.5, 'r'); time.sleep(60)"))
    until(first, job.job_id, lambda job: job.state == "RUNNING")
    second._store.change(job.job_id, lambda record: setattr(record, "stop_asked", 1))
    assert first.wait(job.job_id, 20).state == "STOPPED"


def test_a_server_that_is_killed_with_its_job_is_noticed_by_another(
    supervise: Make, spec: TrainingSpec, folder: Path, tmp_path: Path
) -> None:
    server = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from jupyter_mlkit.jobs.supervisor import Supervisor, Surroundings
        from jupyter_mlkit.spec import load_spec

        supervisor = Supervisor(Surroundings(Path(sys.argv[1]), Path(sys.argv[2]), "here"))
        job = supervisor.submit(load_spec(Path(sys.argv[3]).read_bytes()), sys.argv[4:])
        print(job.job_id, flush=True)
        supervisor.wait(job.job_id, 60)
        """
    )
    (tmp_path / "spec.yaml").write_text(dump_yaml(spec))
    second = supervise()
    second.reconcile()
    command = program("state('fit', 0.5, 'r'); time.sleep(60)")
    argv = [sys.executable, "-c", server, folder, tmp_path / "root", tmp_path / "spec.yaml"]
    with subprocess.Popen([*argv, *command], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        job_id = first.stdout.readline().strip()
        assert [job.job_id for job in second.jobs().items] == [job_id]
        until(second, job_id, lambda job: job.state == "RUNNING")
        process = second._store.get(job_id).process
        assert process is not None
        first.kill()
        first.wait()
    assert second.job(job_id).state == "RUNNING"
    os.killpg(process.pid, signal.SIGKILL)
    lost = second.wait(job_id, 20)
    assert (lost.state, lost.error.code) == ("LOST", "job_lost")


def test_who_knows_the_exit_code_has_the_last_word(supervise: Make, spec: TrainingSpec) -> None:
    first, second = supervise(), supervise()
    job = first.submit(spec, program("state('fit'); wait_for('go'); raise ImportError('no ice')"))
    until(first, job.job_id, lambda job: job.phase == "fit")
    second._finish(job.job_id, None)
    assert second.job(job.job_id).state == "LOST"
    (first._folder(job.job_id).path / "go").touch()
    failed = until(first, job.job_id, lambda job: job.state != "LOST")
    assert (failed.state, failed.exit_code, failed.error.code) == ("FAILED", 1, "job_crashed")
    second._finish(job.job_id, None)
    assert second.job(job.job_id).state == "FAILED"


def test_a_process_is_watched_though_the_registry_fails(
    supervise: Make, spec: TrainingSpec
) -> None:
    supervisor = supervise()
    change = supervisor._store.change

    def fail_once(job_id: str, do: Callable[[Any], None], **options: Any) -> Any:
        def do_or_fail(record: Any) -> None:
            do(record)
            if record.process is not None:  # the process was started just now
                supervisor._store.change = change
                raise BackendError("The disk is full.")

        return change(job_id, do_or_fail, **options)

    supervisor._store.change = fail_once
    job = supervisor.submit(spec, program("state('fit'); end('DONE', 0)"))
    assert supervisor.wait(job.job_id, 20).state == "DONE"


def test_scopes_do_not_see_each_other(supervise: Make, spec: TrainingSpec) -> None:
    here, there = supervise("here"), supervise("there")
    job = here.submit(spec, program("end('DONE', 0)"))
    here.wait(job.job_id, 20)
    assert there.jobs().items == []
    with pytest.raises(NotFoundError):
        there.job(job.job_id)


def test_a_registry_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="version 99"):
        JobStore(path, "here")
    assert path.read_bytes() == before


def _set(record: object, process: Identity) -> None:
    record.process, record.state = process, "RUNNING"
    record.ended, record.open_runs = None, []


def _own(record: object, owner: Identity) -> None:
    record.owner = owner


def _wait_for_end(process: Identity) -> None:
    try:
        os.waitpid(process.pid, 0)  # it is our child, whichever supervisor started it
    except ChildProcessError:
        assert not process.is_alive
