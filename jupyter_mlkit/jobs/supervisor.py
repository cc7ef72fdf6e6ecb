"""Starts jobs, watches them, finds them again after a restart and says how they ended."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from ..errors import ConflictError, MLKitError
from ..models import Job, JobOptions, JobPage, LogChunk
from ..processes.identity import Identity
from ..spec import TrainingSpec, dump_yaml, to_dict
from .ending import (
    RunCloser,
    close_runs,
    is_worth_another_try,
    judge,
    not_started,
    put_back_in_line,
)
from .executors import Executor
from .executors.local import LocalExecutor
from .folder import JobFolder
from .pruning import Keep, prune
from .record import ACTIVE, ENDED, GOING_ON, JobRecord, OpenRun, as_body, now
from .starting import Surroundings, launch_of
from .store import JobStore
from .watch import LOOK_EVERY, RETRY_AFTER, ProcessWatch

ChangeKind = Literal["created", "changed", "logged"]

#: Milliseconds.
_DAY = 24 * 3600 * 1000

__all__ = ["ChangeKind", "RunCloser", "Supervisor", "Surroundings"]


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
        Called with the kind of change and the job's id, from any thread; "logged" means that
        there is more output.
    close_run : callable, optional
        Called for the run that a vanished job has left open; tried again if it raises.
    grace : float
        Seconds between the request to end and the end by force.
    retry_delay : float
        Seconds until the first further attempt of a job; doubled for each one after that.
    keep : Keep, optional
        How long the output of ended jobs is kept; looked after at the start and once a day.

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
        retry_delay: float = 10.0,
        keep: Keep | None = None,
    ) -> None:
        self._around = surroundings
        self._limit = limit or max(1, (os.cpu_count() or 1) // 2)
        self._executor = executor or LocalExecutor()
        self._on_change = on_change
        self._close_run = close_run
        self._grace, self._retry_delay = grace, retry_delay
        self._keep, self._prune_at = keep or Keep(), 0
        self.last_active = 0
        self._store = JobStore(surroundings.folder / "jobs.db", surroundings.scope)
        me = Identity.of(os.getpid())
        assert me is not None, "this process runs"
        self._me = me
        self._changed = threading.Condition()
        self._watch = ProcessWatch(
            ended=self._finish,
            told=self._take_progress,
            logged=lambda job_id: self._tell("logged", job_id),
            idle=self._tend,
            grace=grace,
        )

    # ------------------------------------------------------------------------------ requests

    def submit(
        self,
        spec: TrainingSpec,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        options: JobOptions | None = None,
        *,
        user: str | None = None,
        rerun_of: str | None = None,
    ) -> Job:
        """Put a training in line.

        Parameters
        ----------
        spec : TrainingSpec
        command : sequence of str
            How the kernelspec starts Python: ``["/env/bin/python"]``.
        environment : mapping, optional
            The kernelspec's own variables, as they stand there.
        options : JobOptions, optional
            Limits, priority and retries.
        user : str, optional
            Who submits it.
        rerun_of : str, optional
            The job that this one repeats.
        """
        asked = options or JobOptions()
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
            user=user,
            rerun_of=rerun_of,
            priority=asked.priority,
            timeout=asked.timeout_seconds,
            memory=asked.memory_bytes,
            retries=asked.retries,
        )
        folder = JobFolder(self._around.folder / "jobs" / job_id)
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
        line = self._store.line() if any(record.state == "QUEUED" for record in records) else []
        return JobPage(
            items=[record.to_model(_place(record, line)) for record in records],
            next_page_token=token,
        )

    def job(self, job_id: str) -> Job:
        """Return one job."""
        record = self._store.get(job_id)
        self._look_after([record])
        line = self._store.line() if record.state == "QUEUED" else []
        return record.to_model(_place(record, line))

    def log(
        self, job_id: str, offset: int = 0, limit: int = 65536, attempt: int | None = None
    ) -> LogChunk:
        """Return a piece of the output of a job, of its newest attempt if none is named."""
        record = self._store.get(job_id)
        number = record.attempt if attempt is None else min(attempt, record.attempt)
        is_over = record.has_ended or number < record.attempt
        return self._around.folder_of(record, number).log(offset, limit, ended=is_over)

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

    def _tend(self) -> float:
        """Find what others have started, start what may start, close what was left open.

        Returns within how many seconds to come back.
        """
        self._find_others()
        self._prune()
        looked = now()
        self._start_waiting()
        left_open = self._close_left_open()
        going_on = self._store.in_states(GOING_ON)
        self.last_active = len(going_on)
        elsewhere = [job for job in going_on if not self._knows(job)]
        if any(job.state in ACTIVE and job.owner.is_here for job in elsewhere):
            return LOOK_EVERY  # is being started by another server right now
        if not left_open and not elsewhere:
            return max(LOOK_EVERY, (self._prune_at - now()) / 1000)
        # Jobs that are tried again wait for their time, which may have come since we looked.
        times = [job.not_before for job in elsewhere if job.not_before > looked]
        until = (min(times, default=2**62) - now()) / 1000
        return max(LOOK_EVERY, min(RETRY_AFTER, until))

    def _prune(self) -> None:
        if now() < self._prune_at:
            return
        self._prune_at = now() + _DAY
        ended = self._store.in_states(ENDED)
        for job_id in prune(self._around.folder / "jobs", ended, self._keep, now()):
            self._tell("logged", job_id)

    def _close_left_open(self) -> bool:
        """Close the runs of vanished jobs; return whether any has to be tried again."""
        if self._close_run is None:
            return False
        again = False
        for record in self._store.with_open_runs():
            left = close_runs(record, self._close_run)
            again = again or bool(left)
            closed = [run for run in record.open_runs if run not in left]
            if closed:
                self._store.change(record.job_id, partial(_forget, closed))
        return again

    def _find_others(self) -> None:
        """Watch what other servers have started, and pass on a request to end made there."""
        for record in self._store.in_states(ACTIVE):
            if not self._knows(record):
                self._find_again(record)
            elif record.stop_asked:
                self._watch.ask_to_end(record.job_id)

    def _start_waiting(self) -> None:
        while claimed := self._store.claim(self._limit, self._may_start, self._claim):
            self._start(claimed)

    def _may_start(self, record: JobRecord) -> bool:
        """Tell whether a job may start now, and here: the server that took it in starts it."""
        is_ours = record.owner == self._me or not self._may_live(record.owner)
        return is_ours and record.not_before <= now()

    def _claim(self, record: JobRecord) -> None:
        record.state, record.owner, record.started = "STARTING", self._me, now()
        record.phase, record.nonce = "starting", secrets.token_hex(16)

    def _start(self, record: JobRecord) -> None:
        try:
            launch = launch_of(record, self._around, self._grace)
            process = self._executor.start(launch)
        except (OSError, MLKitError) as error:
            told = (
                not_started(f"{error.strerror}: {error.filename}")
                if isinstance(error, OSError)
                else error
            )
            self._store.change(record.job_id, partial(_fail, told))
            self._tell("changed", record.job_id)
            return
        # Watched before it is written down: the registry may fail, the process runs already.
        self._watch.add(record.job_id, process, self._around.folder_of(record))
        changed = self._store.change(
            record.job_id,
            lambda record: _set_process(record, process.identity),
            only_in=ACTIVE,
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
            record.phase, record.progress, record.fit = told.phase, told.progress, told.fit
            record.run_id = told.run_id or record.run_id
            record.experiment_id = told.experiment_id or record.experiment_id

        if self._store.change(job_id, take, only_in=ACTIVE):
            self._tell("changed", job_id)

    def _finish(self, job_id: str, exit_code: int | None) -> None:
        self._take_progress(job_id)
        folder = self._folder(job_id)
        folder.store_file.unlink(missing_ok=True)

        def end(record: JobRecord) -> None:
            judge(record, folder, exit_code)
            if is_worth_another_try(record):
                put_back_in_line(record, self._retry_delay * 2 ** (record.attempt - 1))

        ended = self._store.change(job_id, end, only_in=ACTIVE)
        if ended is None and self._store.get(job_id).state == "LOST":
            # Another server was faster in calling it lost; what it left says more.
            self._store.change(job_id, lambda record: _correct(record, end, folder))
        self._tell("changed", job_id)

    # ------------------------------------------------------------------------------- details

    def _find_again(self, record: JobRecord) -> None:
        identity = record.process
        if identity is None:
            if self._may_live(record.owner):
                return  # is being started right now, here or by another server
            identity = self._executor.find(record.nonce)
            if identity is None and not self._around.folder_of(record).has_begun():
                # Its server died before it could start it: nothing has happened yet.
                self._store.change(record.job_id, _put_back, only_in={"STARTING"})
                self._tell("changed", record.job_id)
                self._watch.wake()
                return
        elif not identity.is_here:
            return
        process = self._executor.adopt(identity) if identity else None
        if process is None:
            self._finish(record.job_id, None)
            return
        self._watch.add(record.job_id, process, self._around.folder_of(record))
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

    def _may_live(self, server: Identity) -> bool:
        return not server.is_here or server.is_alive

    def _folder(self, job_id: str) -> JobFolder:
        return self._around.folder_of(self._store.get(job_id))

    def _tell(self, kind: ChangeKind, job_id: str) -> None:
        if self._on_change:
            self._on_change(kind, job_id)
        with self._changed:
            self._changed.notify_all()


def _place(record: JobRecord, line: list[JobRecord]) -> int | None:
    """Return the place in line: 1 is next. None if it does not wait."""
    if record.state != "QUEUED":
        return None
    ids = [waiting.job_id for waiting in line]
    return ids.index(record.job_id) + 1 if record.job_id in ids else 1


def _fail(error: MLKitError, record: JobRecord) -> None:
    record.state, record.ended, record.error = "FAILED", now(), as_body(error)


def _put_back(record: JobRecord) -> None:
    record.state, record.started, record.phase, record.nonce = "QUEUED", None, None, ""
    if record.stop_asked:
        record.state, record.ended = "STOPPED", now()


def _set_process(record: JobRecord, identity: Identity) -> None:
    record.process = identity


def _correct(record: JobRecord, end: Callable[[JobRecord], None], folder: JobFolder) -> None:
    """Judge a lost job anew if it has left its word, or its runner has."""
    if record.state == "LOST" and (folder.result() or folder.exit(record.nonce)):
        end(record)


def _forget(closed: Sequence[OpenRun], record: JobRecord) -> None:
    record.open_runs = [run for run in record.open_runs if run not in closed]
