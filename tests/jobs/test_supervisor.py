from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlkit.errors import BackendError, ConflictError, InvalidInputError, NotFoundError
from jupyter_mlkit.jobs.supervisor import Supervisor
from jupyter_mlkit.spec import TrainingSpec, load_spec

from .conftest import program, until

Make = Callable[..., Supervisor]


def test_a_job_runs_to_its_end(supervise: Make, spec: TrainingSpec, folder: Path) -> None:
    told: list[tuple[str, str]] = []
    supervisor = supervise(on_change=lambda kind, job_id: told.append((kind, job_id)))
    job = supervisor.submit(
        spec, program("print('ä'); state('fit', 0.5, 'r1'); end('DONE', 0, run_id='r1')")
    )
    assert job.state in ("QUEUED", "STARTING")
    assert (job.name, job.experiment, job.kernelspec) == ("a run", "e", "python3")
    done = supervisor.wait(job.job_id, 20)
    assert (done.state, done.run_id, done.exit_code, done.progress) == ("DONE", "r1", 0, 1.0)
    assert done.created <= done.started <= done.ended
    assert told[0] == ("created", job.job_id)
    assert told[-1] == ("changed", job.job_id)
    log = supervisor.log(job.job_id)
    assert (log.text, log.size, log.complete) == ("ä\n", 3, True)
    assert load_spec((folder / "jobs" / job.job_id / "spec.yaml").read_bytes()) == spec


def test_files_of_jobs_are_private(supervise: Make, spec: TrainingSpec, folder: Path) -> None:
    supervisor = supervise()
    job = supervisor.submit(spec, program("end('DONE', 0)"))
    supervisor.wait(job.job_id, 20)
    for path in (folder, folder / "jobs" / job.job_id):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for name in ("output.log", "spec.yaml"):
        assert stat.S_IMODE((folder / "jobs" / job.job_id / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "jobs.db").stat().st_mode) == 0o600


def test_what_a_job_is_started_with(
    supervise: Make, spec: TrainingSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JPY_SESSION_NAME", "JUPYTER_TOKEN"):
        monkeypatch.setenv(name, "canary")
    supervisor = supervise()
    told = """
leads = os.getsid(0) == os.getpid()
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), leads, sys.stdin.read()]))
end("DONE", 0)
"""
    job = supervisor.submit(spec, program(told), {"KERNEL": "k; $(x)"})
    supervisor.wait(job.job_id, 20)
    argv, environment, cwd, leads, stdin = json.loads(supervisor.log(job.job_id).text)
    assert argv[:3] == ["-m", "jupyter_mlkit.train", "job"]
    assert Path(argv[3]).name == job.job_id == environment["JUPYTER_MLKIT_JOB_ID"]
    assert argv[3] == environment["JUPYTER_MLKIT_JOB_DIR"]
    assert "canary" not in environment.values()
    assert (environment["STORE"], environment["KERNEL"]) == ("s", "k; $(x)")
    assert (cwd, leads, stdin) == (str(tmp_path / "root"), True, "")


def test_progress_and_output_are_told(supervise: Make, spec: TrainingSpec) -> None:
    told: list[tuple[str, str]] = []
    supervisor = supervise(on_change=lambda kind, job_id: told.append((kind, job_id)))
    code = """
fit = {"unit": "epoch", "done": 2, "total": 8, "eta_seconds": 600, "at": time.time_ns() // 10**6}
write("state.json", phase="fitting", progress=0.25, run_id="r", experiment_id="7",
      fit=fit | {"metrics": {"val_loss": 0.5, "train_loss": "NaN"}})
wait_for("go")
print("a line", flush=True)
wait_for("done")
end("DONE", 0, "r")
"""
    job = supervisor.submit(spec, program(code), user="anna")
    running = until(supervisor, job.job_id, lambda job: job.state == "RUNNING")
    assert (running.progress, running.run_id, running.experiment_id) == (0.25, "r", "7")
    assert (running.fit.unit, running.fit.done, running.fit.total) == ("epoch", 2, 8)
    assert running.fit.metrics == {"val_loss": 0.5, "train_loss": "NaN"}
    assert 500 < running.fit.eta_seconds <= 600
    assert running.user == "anna"
    folder = supervisor._folder(job.job_id).path
    assert ("logged", job.job_id) not in told
    (folder / "go").touch()
    until(supervisor, job.job_id, lambda _: ("logged", job.job_id) in told)
    assert supervisor.log(job.job_id).text == "a line\n"
    (folder / "done").touch()
    done = supervisor.wait(job.job_id, 20)
    assert (done.progress, done.fit.eta_seconds) == (1.0, None)
    assert done.usage.wall_seconds > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal_that_asks(supervise: Make, spec: TrainingSpec, number: int) -> None:
    """A hub that stops a container reaches the training before its runner, or after it."""
    supervisor = supervise()
    code = f"signal.signal({number}, signal.SIG_DFL); state('fit', 0.1, 'r'); "
    job = supervisor.submit(spec, program(code + f"os.kill(os.getpid(), {number})"))
    stopped = supervisor.wait(job.job_id, 20)
    assert (stopped.state, stopped.error, stopped.exit_code) == ("STOPPED", None, -number)


def test_killed_by_somebody_else(supervise: Make, spec: TrainingSpec) -> None:
    closed: list[tuple[str, str, str]] = []
    supervisor = supervise(close_run=lambda *run: closed.append(run))
    job = supervisor.submit(
        spec, program("state('fit', 0.1, 'r'); os.kill(os.getpid(), signal.SIGKILL)")
    )
    failed = supervisor.wait(job.job_id, 20)
    assert (failed.state, failed.error.code, failed.exit_code) == ("FAILED", "job_killed", -9)
    assert "memory" in failed.error.hint
    supervisor._watch.close()
    assert closed == [("r", "FAILED", "killed")]


def test_failure_tells_the_reason(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise()
    error = {"message": "no cube", "code": "cube_not_found", "hint": "h", "field": "sources.0.uri"}
    job = supervisor.submit(spec, program(f"end('FAILED', 1, error={error})"))
    failed = supervisor.wait(job.job_id, 20)
    assert (failed.state, failed.exit_code, failed.error.code) == ("FAILED", 1, "cube_not_found")


def test_a_crash_shows_the_end_of_the_output(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise()
    job = supervisor.submit(spec, program("raise ImportError('no such thing')"))
    failed = supervisor.wait(job.job_id, 20)
    assert (failed.state, failed.exit_code, failed.error.code) == ("FAILED", 1, "job_crashed")
    assert "no such thing" in failed.error.message


def test_a_program_that_is_not_there(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise()
    job = supervisor.submit(spec, ["/no/such/python"])
    failed = supervisor.wait(job.job_id, 20)
    assert (failed.state, failed.error.code) == ("FAILED", "job_not_started")


def test_stop_lets_a_job_end_by_itself(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise()
    code = """
signal.signal(signal.SIGTERM, lambda *_: end('STOPPED', 143, 'r'))
state('fit', 0.1, 'r')
time.sleep(60)
"""
    job = supervisor.submit(spec, program(code))
    until(supervisor, job.job_id, lambda job: job.state == "RUNNING")
    assert supervisor.stop(job.job_id).phase in ("stopping", None)
    stopped = supervisor.wait(job.job_id, 20)
    assert (stopped.state, stopped.exit_code) == ("STOPPED", 143)
    with pytest.raises(ConflictError):
        supervisor.stop(job.job_id)


def test_stop_by_force_after_the_grace(supervise: Make, spec: TrainingSpec) -> None:
    closed: list[tuple[str, str, str]] = []
    supervisor = supervise(grace=0.2, close_run=lambda *run: closed.append(run))
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN); state('fit', None, 'r'); time.sleep(60)"
    job = supervisor.submit(spec, program(code))
    until(supervisor, job.job_id, lambda job: job.state == "RUNNING")
    supervisor.stop(job.job_id)
    stopped = supervisor.wait(job.job_id, 20)
    assert (stopped.state, stopped.exit_code) == ("STOPPED", -signal.SIGKILL)
    supervisor._watch.close()  # the round that judged it is over
    assert closed == [("r", "KILLED", "stopped")]


def test_children_of_a_job_end_with_it(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise()
    code = """
pid = os.fork()
if pid == 0:
    time.sleep(60)
state('fit', None, str(pid))
signal.signal(signal.SIGTERM, lambda *_: end('STOPPED', 143, str(pid)))
time.sleep(60)
"""
    job = supervisor.submit(spec, program(code))
    child = int(until(supervisor, job.job_id, lambda job: job.run_id).run_id)
    supervisor.stop(job.job_id)
    supervisor.wait(job.job_id, 20)
    status = Path(f"/proc/{child}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_killed_from_outside_is_lost_and_its_run_is_closed(
    supervise: Make, spec: TrainingSpec
) -> None:
    closed: list[tuple[str, str, str]] = []
    supervisor = supervise(close_run=lambda *run: closed.append(run))
    code = "state('fit', 0.1, 'r'); time.sleep(60)"
    job = supervisor.submit(spec, program(code))
    until(supervisor, job.job_id, lambda job: job.state == "RUNNING")
    os.kill(supervisor._store.get(job.job_id).process.pid, signal.SIGKILL)
    lost = supervisor.wait(job.job_id, 20)
    assert (lost.state, lost.error.code, lost.run_id) == ("LOST", "job_lost", "r")
    assert "SIGKILL" in lost.error.message
    supervisor._watch.close()
    assert closed == [("r", "FAILED", "lost")]


def test_jobs_wait_in_line(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise(limit=1)
    first = supervisor.submit(spec, program("state('fit'); wait_for('go'); end('DONE', 0)"))
    until(supervisor, first.job_id, lambda job: job.phase == "fit")
    second, third = (supervisor.submit(spec, program("end('DONE', 0)")) for _ in range(2))
    places = {job.job_id: job.queue_position for job in supervisor.jobs().items}
    assert places == {first.job_id: None, second.job_id: 1, third.job_id: 2}
    stopped = supervisor.stop(second.job_id)
    assert (stopped.state, stopped.started) == ("STOPPED", None)
    assert supervisor.job(third.job_id).queue_position == 1
    assert supervisor.active() == 2
    (supervisor._folder(first.job_id).path / "go").touch()
    assert supervisor.wait(third.job_id, 20).state == "DONE"
    assert supervisor.active() == 0


def test_secrets_are_not_written_down(
    supervise: Make, spec: TrainingSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_PASSWORD", "a-secret")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "a-secret-token")
    kernelspec = {
        "PASSWORD": "${STORE_PASSWORD}",
        "TOKEN": "${JUPYTERHUB_API_TOKEN}",
        "JPY_API_TOKEN": "literal-token",
    }
    supervisor = supervise()
    code = "state('fit'); print(json.dumps(dict(os.environ))); wait_for('go'); end('DONE', 0)"
    job = supervisor.submit(spec, program(code), kernelspec)
    until(supervisor, job.job_id, lambda job: job.phase == "fit")
    for file in folder.glob("jobs.db*"):
        assert b"a-secret" not in file.read_bytes()
    (supervisor._folder(job.job_id).path / "go").touch()
    supervisor.wait(job.job_id, 20)
    environment = json.loads(supervisor.log(job.job_id).text)
    assert environment["PASSWORD"] == "a-secret"
    assert environment["TOKEN"] == "${JUPYTERHUB_API_TOKEN}"
    assert "JPY_API_TOKEN" not in environment
    assert supervisor._store.get(job.job_id).environment == {}, "not needed any more"


def test_nothing_is_left_of_a_job_that_could_not_be_written_down(
    supervise: Make, spec: TrainingSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlkit.jobs.store.BUSY_TIMEOUT", 0.05)
    supervisor = supervise()
    with closing(sqlite3.connect(folder / "jobs.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BackendError) as raised:
            supervisor.submit(spec, program("end('DONE', 0)"))
        other.execute("ROLLBACK")
    assert raised.value.code == "job_store_locked"
    assert "disk" not in str(raised.value.hint)
    assert list((folder / "jobs").glob("*")) == []
    assert supervisor.jobs().items == []


def test_a_job_whose_folder_is_gone_fails(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise()
    first = supervisor.submit(spec, program("state('fit'); wait_for('go'); end('DONE', 0)"))
    until(supervisor, first.job_id, lambda job: job.phase == "fit")
    second = supervisor.submit(spec, program("end('DONE', 0)"))
    supervisor._folder(second.job_id).remove()
    (supervisor._folder(first.job_id).path / "go").touch()
    failed = supervisor.wait(second.job_id, 20)
    assert (failed.state, failed.error.code) == ("FAILED", "job_not_started")


def test_pages_of_jobs(supervise: Make, spec: TrainingSpec) -> None:
    supervisor = supervise(limit=2)
    ids = [supervisor.submit(spec, program("end('DONE', 0)")).job_id for _ in range(5)]
    for job_id in ids:
        supervisor.wait(job_id, 20)
    seen: list[str] = []
    token = None
    while True:
        page = supervisor.jobs(2, token)
        assert len(page.items) <= 2
        seen += [job.job_id for job in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert seen == ids[::-1]
    with pytest.raises(InvalidInputError, match="page token"):
        supervisor.jobs(2, "x' OR 1")
    with pytest.raises(NotFoundError):
        supervisor.job("nothing")
