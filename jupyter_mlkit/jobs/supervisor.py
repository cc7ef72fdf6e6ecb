"""Starts jobs, watches them, finds them again after a restart and says how they ended."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import ConflictError, MLKitError
from ..models import Job, JobPage, LogChunk
from ..paths import ENV_JOB_DIR, ENV_JOB_ID
from ..spec import TrainingSpec, dump_yaml, to_dict
from .ending import close_run, judge
from .environment import child_environment, expanded
from .executors import Executor, Launch
from .executors.local import LocalExecutor
from .folder import JobFolder
from .identity import Identity, find_job_process
from .record import ACTIVE, GOING_ON, JobRecord, as_body, now
from .store import JobStore
from .watch import LOOK_EVERY, RETRY_AFTER, ProcessWatch

ChangeKind = Literal["created", "changed"]
#: Closes the run of a job that is gone: run id, MLflow status, reason for the tag.
RunCloser = Callable[[str, Literal["FAILED", "KILLED"], str], None]


@dataclass(frozen=True)
class Surroundings:
    """What a supervisor hands to the jobs it starts.

    Attributes
    ----------
    folder : Path
        Holds the registry and one folder per job.
    root_dir : Path
        Working directory of jobs: the root of the file browser, so that relative paths in a
        spec mean what the person sees there.
    scope : str
        Tracking store and root folder; servers of another scope do not touch these jobs.
    environment : callable
        The variables by which jobs find the tracking store.
    """

    folder: Path
    root_dir: Path
    scope: str
    environment: Callable[[], Mapping[str, str]] = field(default=dict)


class Supervisor:
    """The jobs of one server; they go on when it ends and are adopted by the next.

    Servers of the same scope may live side by side. Each watches the jobs of all of them, so any
    can stop any job and notices its end; the registry's transactions decide who is first.

    Thread-safe and synchronous. A thread of its own starts with the first job.

    Parameters
    ----------
    surroundings : Surroundings
    limit : int, optional
        Jobs that run at the same time; half of the cores if left out.
    executor : Executor, optional
        Where jobs run; this machine if left out.
    on_change : callable, optional
        Called with the kind of change and the job's id, from any thread.
    close_run : callable, optional
        Called for the run that a vanished job has left open; tried again if it raises.
    grace : float
        Seconds between the request to end and the end by force.

    Attributes
    ----------
    last_active : int
        How many jobs ran or waited when this was last looked at: for who cannot wait for the
        registry, such as an event loop.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        limit: int | None = None,
        executor: Executor | None = None,
        on_change: Callable[[ChangeKind, str], None] | None = None,
        close_run: RunCloser | None = None,
        grace: float = 10.0,
    ) -> None:
        self._around = surroundings
        self._limit = limit or max(1, (os.cpu_count() or 1) // 2)
        self._executor = executor or LocalExecutor()
        self._on_change = on_change
        self._close_run = close_run
        self.last_active = 0
        self._store = JobStore(surroundings.folder / "jobs.db", surroundings.scope)
        me = Identity.of(os.getpid())
        assert me is not None, "this process runs"
        self._me = me
        self._changed = threading.Condition()
        self._watch = ProcessWatch(
            ended=self._finish, told=self._take_progress, idle=self._tend, grace=grace
        )

    # ------------------------------------------------------------------------------ requests

    def submit(
        self,
        spec: TrainingSpec,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> Job:
        """Put a training in line.

        Parameters
        ----------
        spec : TrainingSpec
        command : sequence of str
            How the kernelspec starts Python: ``["/env/bin/python"]``.
        environment : mapping, optional
            The kernelspec's own variables, as they stand there.
        """
        job_id = secrets.token_hex(8)
        record = JobRecord(
            job_id=job_id,
            scope=self._around.scope,
            name=spec.tracking.run_name or spec.model.class_.rpartition(".")[2],
            kernelspec=spec.kernelspec,
            experiment=spec.tracking.experiment,
            spec=to_dict(spec),
            command=[*command, "-m", "jupyter_mlkit.train", "job"],
            environment=dict(environment or {}),
            root_dir=str(self._around.root_dir),
            owner=self._me,
            created=now(),
        )
        folder = self._folder(job_id)
        try:
            folder.create(dump_yaml(spec))
            self._store.add(record)
        except BaseException:
            folder.remove()  # without a row nobody would ever find it
            raise
        self._tell("created", job_id)
        self._watch.wake()
        return self.job(job_id)

    def jobs(self, max_results: int = 100, page_token: str | None = None) -> JobPage:
        """Return jobs, the newest first."""
        records, token = self._store.page(max_results, page_token)
        self._look_after(records)
        line = self._line() if any(record.state == "QUEUED" for record in records) else []
        return JobPage(
            items=[record.to_model(_place(record, line)) for record in records],
            next_page_token=token,
        )

    def job(self, job_id: str) -> Job:
        """Return one job."""
        record = self._store.get(job_id)
        self._look_after([record])
        line = self._line() if record.state == "QUEUED" else []
        return record.to_model(_place(record, line))

    def log(self, job_id: str, offset: int = 0, limit: int = 65536) -> LogChunk:
        """Return a piece of a job's output."""
        record = self._store.get(job_id)
        return self._folder(job_id).log(offset, limit, ended=record.has_ended)

    def stop(self, job_id: str) -> Job:
        """End a job: at once while it waits, else by TERM and, after the grace, KILL.

        Raises
        ------
        ConflictError
            It has ended already.
        """

        def ask(record: JobRecord) -> None:
            record.stop_asked = record.stop_asked or now()
            if record.state == "QUEUED":
                record.state, record.ended = "STOPPED", now()

        changed = self._store.change(job_id, ask, only_in=GOING_ON)
        if changed is None:
            raise ConflictError("The job has ended already.", hint="Nothing is left to stop.")
        if changed.state in ACTIVE and not self._watch.knows(job_id):
            self._find_again(changed)
        self._watch.ask_to_end(job_id)
        self._tell("changed", job_id)
        return self.job(job_id)

    def wait(self, job_id: str, timeout: float) -> Job:
        """Return the job once it has ended, or as it is after `timeout` seconds."""
        self._watch.wake()
        with self._changed:
            self._changed.wait_for(lambda: self._store.get(job_id).has_ended, timeout)
        return self.job(job_id)

    def active(self) -> int:
        """Return how many jobs run or wait."""
        going_on = self._store.in_states(GOING_ON)
        self._look_after(going_on)
        self.last_active = len(going_on)
        return self.last_active

    def reconcile(self) -> None:
        """Adopt, finish or declare lost what earlier servers have left; start what waits."""
        self._find_others()
        self._watch.wake()

    def close(self) -> None:
        """Stop watching. Jobs go on."""
        self._watch.close()
        self._store.close()

    # ------------------------------------------------------------------- called by the watch

    def _tend(self) -> float | None:
        """Find what others have started, start what may start, close what was left open.

        Returns within how many seconds to come back; None where nothing is going on.
        """
        self._find_others()
        self._start_waiting()
        left_open = self._store.with_orphans() if self._close_run else []
        for record in left_open:
            if self._close_run and close_run(record, self._close_run):
                self._store.change(record.job_id, _forget_orphan)
        going_on = self._store.in_states(GOING_ON)
        self.last_active = len(going_on)
        elsewhere = [job for job in going_on if not self._knows(job)]
        if any(job.state in ACTIVE and job.owner.is_here for job in elsewhere):
            return LOOK_EVERY  # is being started by another server right now
        return RETRY_AFTER if left_open or elsewhere else None

    def _find_others(self) -> None:
        """Watch what other servers have started, and pass on a request to end made there."""
        for record in self._store.in_states(ACTIVE):
            if not self._knows(record):
                self._find_again(record)
            elif record.stop_asked:
                self._watch.ask_to_end(record.job_id)

    def _start_waiting(self) -> None:
        for record in self._line():
            if self._store.count(ACTIVE) >= self._limit:
                return
            if record.owner != self._me and self._may_live(record.owner):
                continue  # the server that took it starts it
            claimed = self._store.change(record.job_id, self._claim, only_in={"QUEUED"})
            if claimed is not None:
                self._start(claimed)

    def _claim(self, record: JobRecord) -> None:
        record.state, record.owner, record.started = "STARTING", self._me, now()
        record.phase = "starting"

    def _start(self, record: JobRecord) -> None:
        folder = self._folder(record.job_id)
        output: int | None = None
        try:
            output = folder.open_log()
            process = self._executor.start(
                Launch(
                    job_id=record.job_id,
                    command=[*record.command, str(folder.path)],
                    environment=child_environment(
                        expanded(record.environment),
                        self._around.environment(),
                        {ENV_JOB_DIR: str(folder.path), ENV_JOB_ID: record.job_id},
                    ),
                    root_dir=Path(record.root_dir),
                    log=output,
                )
            )
        except OSError as error:
            self._fail(
                record.job_id,
                MLKitError(
                    f"The job could not be started: {error.strerror}: {error.filename}.",
                    hint="Check that file or folder, and the interpreter of the kernelspec.",
                    code="job_not_started",
                ),
            )
            return
        finally:
            if output is not None:
                os.close(output)

        # Watched before it is written down: the registry may fail, the process runs already.
        self._watch.add(record.job_id, process, folder)
        changed = self._store.change(
            record.job_id, lambda record: _set_process(record, process.identity)
        )
        if changed and changed.stop_asked:  # asked while it was being started
            self._watch.ask_to_end(record.job_id)
        self._tell("changed", record.job_id)

    def _take_progress(self, job_id: str) -> None:
        told = self._folder(job_id).progress()
        if told is None:
            return

        def take(record: JobRecord) -> None:
            if told.run_id:
                record.state = "RUNNING"
            record.phase, record.progress = told.phase, told.progress
            record.run_id = told.run_id or record.run_id

        if self._store.change(job_id, take, only_in=ACTIVE):
            self._tell("changed", job_id)

    def _finish(self, job_id: str, exit_code: int | None) -> None:
        self._take_progress(job_id)
        folder = self._folder(job_id)

        def end(record: JobRecord) -> None:
            judge(record, folder, exit_code)

        ended = self._store.change(job_id, end, only_in=ACTIVE)
        if ended is None and exit_code is not None:
            # Another server, which cannot know the exit code, was faster in calling it lost.
            self._store.change(job_id, lambda record: _correct(record, end), only_in={"LOST"})
        self._tell("changed", job_id)

    # ------------------------------------------------------------------------------- details

    def _find_again(self, record: JobRecord) -> None:
        identity = record.process
        if identity is None:
            if self._may_live(record.owner):
                return  # is being started right now, here or by another server
            identity = find_job_process(f"{ENV_JOB_ID}={record.job_id}")
        elif not identity.is_here:
            return
        process = self._executor.adopt(identity) if identity else None
        if process is None:
            self._finish(record.job_id, None)
            return
        self._watch.add(record.job_id, process, self._folder(record.job_id))
        if record.process is None:
            found = process.identity
            self._store.change(
                record.job_id, lambda record: _set_process(record, found), only_in=ACTIVE
            )
        if record.stop_asked:
            self._watch.ask_to_end(record.job_id)
        self._tell("changed", record.job_id)

    def _look_after(self, records: Sequence[JobRecord]) -> None:
        """Wake the watch for jobs that another server has started since it last looked."""
        if any(job.state in ACTIVE and not self._knows(job) for job in records):
            self._watch.wake()

    def _knows(self, record: JobRecord) -> bool:
        return self._watch.knows(record.job_id)

    def _fail(self, job_id: str, error: MLKitError) -> None:
        def fail(record: JobRecord) -> None:
            record.state, record.ended, record.error = "FAILED", now(), as_body(error)

        self._store.change(job_id, fail)
        self._tell("changed", job_id)

    def _line(self) -> list[JobRecord]:
        return self._store.in_states({"QUEUED"})

    def _may_live(self, server: Identity) -> bool:
        return not server.is_here or server.is_alive

    def _folder(self, job_id: str) -> JobFolder:
        return JobFolder(self._around.folder / "jobs" / job_id)

    def _tell(self, kind: ChangeKind, job_id: str) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._on_change:
            self._on_change(kind, job_id)


def _place(record: JobRecord, line: list[JobRecord]) -> int | None:
    """Return the place in line: 1 is next. None if it does not wait."""
    if record.state != "QUEUED":
        return None
    ids = [waiting.job_id for waiting in line]
    return ids.index(record.job_id) + 1 if record.job_id in ids else 1


def _set_process(record: JobRecord, identity: Identity) -> None:
    record.process = identity


def _correct(record: JobRecord, end: Callable[[JobRecord], None]) -> None:
    """Judge a lost job anew, unless somebody who knows its exit code has done so."""
    if record.exit_code is None:
        end(record)


def _forget_orphan(record: JobRecord) -> None:
    record.orphan = None
