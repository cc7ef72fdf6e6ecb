"""The rooms behind the API, each made when it is first needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from ..errors import MLKitError
from ..paths import default_store, journal_dir, runtime_dir
from .audit import Audit
from .authorizer import MLKitAuthorizer
from .limits import MLKitLimits, Pace
from .threads import Threads

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from ..children.children import Children
    from ..children.kind import Kind
    from ..events.lease import LiveEvents
    from ..jobs.executors import Executor
    from ..jobs.kernels import Kernels, KernelSpecs
    from ..jobs.supervisor import ChangeKind, Supervisor
    from ..models import Child, Job, JobRequest, Preview, RerunRequest, SyncState, Validation
    from ..registry.versions import Registry
    from ..tracking.backend import TrackingBackend
    from ..tracking.journal.home import Home

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What the server's owner has configured, and what the server itself brings.

    Attributes
    ----------
    tracking_uri : str
        Plain tracking URI; may hold a password and never leaves the server.
    artifact_root : Path or None
        Where artifacts of a SQL store go; None where a tracking server decides.
    root_dir : Path
        Root of the file browser; working directory of probes and jobs.
    kernel_specs : KernelSpecs
        The server's kernelspec manager.
    environment : dict
        By which kernels, probes and jobs find the store.
    jobs_at_once : int or None
    executor : callable or None
        Makes what runs jobs; this machine does where missing.
    job_environment : tuple of str
        Patterns of variables of the server that jobs and probes may see besides the usual ones.
    job_timeout, job_memory : float, int or None
        Seconds and bytes that no job may exceed.
    output_days, output_bytes : float, int or None
        How long, and how much of, the output of ended jobs is kept.
    children_at_once : int
    stop_grace, store_timeout, probe_timeout, probe_idle, children_idle : float
        Seconds.
    """

    tracking_uri: str
    artifact_root: Path | None
    root_dir: Path
    kernel_specs: KernelSpecs
    environment: dict[str, str]
    jobs_at_once: int | None = None
    executor: Callable[[], Executor] | None = None
    job_environment: tuple[str, ...] = ()
    job_timeout: float | None = None
    job_memory: int | None = None
    output_days: float | None = None
    output_bytes: int | None = None
    stop_grace: float = 10.0
    store_timeout: float = 30.0
    probe_timeout: float = 60.0
    probe_idle: float = 120.0
    children_at_once: int = 4
    children_idle: float = 1800.0
    folder: Path = field(default_factory=runtime_dir)


class Services:
    """Tracking, registry, jobs, kernels and events of one server, and who may use them.

    Nothing is imported or started before it is asked for: most Lab sessions never train.
    """

    def __init__(
        self,
        settings: Settings,
        event_logger: EventLogger,
        *,
        authorizer: MLKitAuthorizer,
        limits: MLKitLimits,
        audit: Audit,
    ) -> None:
        self.settings = settings
        self.authorizer = authorizer
        self.limits = limits
        self.audit = audit
        self.request_pace = Pace(limits.requests_per_second, limits.requests_burst)
        self.log_pace = Pace(limits.log_bytes_per_second, limits.log_burst)
        self.threads = Threads("store", workers=8)
        self.slow_threads = Threads("kernels", workers=6, waiting=32)
        self._event_logger = event_logger
        self._made: dict[str, Any] = {}
        self._making: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()
        self._preparing = threading.Lock()
        self._prepared = False
        self._stamped: set[str] = set()

    @property
    def store_timeout(self) -> float:
        """Seconds that the tracking store may take."""
        return self.settings.store_timeout

    @property
    def probe_timeout(self) -> float:
        """Seconds that a kernel's environment may take to answer."""
        return self.settings.probe_timeout

    @property
    def tracking(self) -> TrackingBackend:
        """Experiments, runs and artifacts."""

        def make() -> TrackingBackend:
            from ..tracking.backend import TrackingBackend

            return TrackingBackend(
                self.settings.tracking_uri,
                self.settings.artifact_root,
                [self.settings.root_dir],
            )

        return self._once("tracking", make)

    @property
    def registry(self) -> Registry:
        """Registered models, through the same client."""

        def make() -> Registry:
            from ..registry.versions import Registry

            return Registry(self.settings.tracking_uri, self.tracking.store)

        return self._once("registry", make)

    def prepare(self) -> None:
        """Make the tracking store ready; takes seconds the first time, and waits for others."""
        with self._preparing:
            if not self._prepared:
                from ..tracking.store import prepare_store

                prepare_store(self.settings.tracking_uri, self.settings.artifact_root)
                self._prepared = True

    def check_store(self) -> None:
        """Raise what is wrong with the tracking store, if something is."""
        self.open_tracking().store.client()

    def offered(self) -> MLKitError | None:
        """Return what to tell of an older store in the root folder that could be brought here.

        Only where nobody has used our own store yet: MLflow can fill an empty one only.
        """

        def look() -> MLKitError | None:
            from ..tracking.mlruns import is_unused, offer
            from ..tracking.store import local_path

            path = local_path(self.settings.tracking_uri)
            if path != default_store() or not is_unused(path):
                return None
            return offer(self.settings.root_dir, path)

        return self._once("offered", look)

    def open_tracking(self) -> TrackingBackend:
        """Return the tracking store, ready."""
        self.prepare()
        return self.tracking

    def open_registry(self) -> Registry:
        """Return the model registry, ready."""
        self.prepare()
        return self.registry

    @property
    def kernels(self) -> Kernels:
        """Kernelspecs and their probes."""

        def make() -> Kernels:
            from ..jobs.kernels import Kernels

            return Kernels(
                self.settings.kernel_specs,
                tracking_uri=self.settings.tracking_uri,
                root_dir=self.settings.root_dir,
                environment=self.settings.environment,
                allowed=self.settings.job_environment,
                idle=self.settings.probe_idle,
            )

        return self._once("kernels", make)

    @property
    def jobs(self) -> Supervisor:
        """Training jobs; what earlier servers have left is adopted when this is first used."""

        def make() -> Supervisor:
            from ..jobs.pruning import Keep
            from ..jobs.supervisor import Supervisor, Surroundings
            from ..tracking.store import redact

            settings = self.settings
            supervisor = Supervisor(
                Surroundings(
                    folder=settings.folder,
                    root_dir=settings.root_dir,
                    scope=f"{redact(settings.tracking_uri)} {settings.root_dir}",
                    environment=lambda: settings.environment,
                    allowed=settings.job_environment,
                    timeout=settings.job_timeout,
                    memory=settings.job_memory,
                ),
                limit=settings.jobs_at_once,
                executor=settings.executor() if settings.executor else None,
                on_change=self._job_changed,
                close_run=self._close_run,
                grace=settings.stop_grace,
                keep=Keep(settings.output_days, settings.output_bytes),
            )
            supervisor.reconcile()
            return supervisor

        return self._once("jobs", make)

    def register_events(self) -> None:
        """Make our events known to the bus, without the channel itself."""
        from ..events.emitter import register_schema

        register_schema(self._event_logger)

    def start_events(self) -> LiveEvents:
        """Return the live channel; first called on the server's loop, where it emits."""

        def make() -> LiveEvents:
            from ..events.lease import LiveEvents

            return LiveEvents(self._event_logger, self.tracking.store, self._journals)

        return self._once("events", make)

    def has_jobs(self) -> bool:
        """Tell whether there ever was a job, without making anything."""
        return "jobs" in self._made or (self.settings.folder / "jobs.db").exists()

    async def adopt_jobs(self) -> int:
        """Return how many jobs run or wait, those of earlier servers included."""
        return await self.threads.call(lambda: self.jobs.active(), timeout=self.store_timeout)

    def active_jobs(self) -> int:
        """Return how many jobs ran or waited when last looked at; reads nothing, so never waits."""
        supervisor = self._made.get("jobs")
        return supervisor.last_active if supervisor else 0

    @property
    def children(self) -> Children:
        """Programs with a page of their own."""

        def make() -> Children:
            from ..children.children import Children

            return Children(
                {"mlflow": self._mlflow_ui},
                folder=self.settings.folder,
                idle=self.settings.children_idle,
                most=self.settings.children_at_once,
            )

        return self._once("children", make)

    async def open_child(self, kind: str) -> Child:
        """Return a program that runs, started where it does not yet; that takes seconds."""
        children = self.children
        # Its own limit comes first, as it ends the program; this one covers what is around.
        limit = children.start_timeout + 30
        return await self.slow_threads.call(children.open, kind, timeout=limit)

    def _mlflow_ui(self) -> Kind:
        from ..children.mlflow_ui import mlflow_ui

        # Two processes that both make the tables of a new store get in each other's way.
        self.prepare()
        root = self.settings.artifact_root
        return mlflow_ui(self.settings.tracking_uri, None if root is None else str(root))

    def sync_state(self) -> SyncState:
        """Return what was logged and is not in its store yet."""
        from ..tracking.drainer.summary import sync_state

        return sync_state(self._journals)

    def sync_now(self) -> SyncState:
        """Have what waits brought to its store, and return it."""
        self._wake_drainer(now=True)
        return self.sync_state()

    def has_journals(self) -> bool:
        """Tell whether anything was ever logged to a journal, without making anything."""
        return journal_dir().is_dir()

    async def send_backlog(self) -> None:
        """Have what waits brought to its store where nobody does it."""
        await self.threads.call(self._wake_drainer, timeout=self.store_timeout)

    def _wake_drainer(self, *, now: bool = False) -> None:
        from ..tracking.drainer.wake import wake

        wake(self._journals, now=now)

    @property
    def _journals(self) -> Home:
        from ..tracking.journal.home import Home

        return Home(journal_dir())

    def validate(self, spec: dict[str, Any]) -> Validation:
        """Return whether a spec can be submitted."""
        from ..jobs.submission import validate

        return validate(spec, self.kernels, self.probe_timeout)

    def preview(self, spec: dict[str, Any]) -> Preview:
        """Return what a spec would train on."""
        from ..jobs.submission import preview

        return preview(spec, self.kernels, self.probe_timeout)

    def submit(self, request: JobRequest, user: str, rerun_of: str | None = None) -> Job:
        """Validate a spec and put it in line for `user`."""
        from ..jobs.submission import submit

        # Two processes that both make the tables of a new store get in each other's way.
        self.prepare()
        return submit(
            request, self.kernels, self.jobs, self.probe_timeout, user=user, rerun_of=rerun_of
        )

    def rerun(self, job_id: str, request: RerunRequest, user: str) -> Job:
        """Put a job in line again for `user`, with what is to differ."""
        from ..jobs.submission import again

        return self.submit(again(self.jobs.job(job_id), request), user, rerun_of=job_id)

    def close(self, timeout: float) -> None:
        """End probes and watchers within `timeout` seconds; jobs live on."""
        with self._lock:
            made, self._made = self._made, {}
        if "events" in made:
            made["events"].close(timeout)
        if "kernels" in made:
            made["kernels"].close(timeout)
        if "children" in made:
            made["children"].close(timeout)
        if "jobs" in made:
            made["jobs"].close()

    def _close_run(self, run_id: str, status: Literal["FAILED", "KILLED"], reason: str) -> None:
        self.open_tracking().end_run(run_id, status, reason)

    def _stamp_run(self, job_id: str) -> None:
        """Write down whose run it is as soon as a job has one; tried again at its next change."""
        # Made already: while it is being made, it tells of what it finds from the server before.
        jobs: Supervisor | None = self._made.get("jobs")
        if jobs is None or job_id in self._stamped:
            return
        try:
            job = jobs.job(job_id)
            if job.run_id and job.user:
                self.open_tracking().stamp(job.run_id, job.user, job_id)
                self._stamped.add(job_id)
        except MLKitError as error:  # until then, only who may approve can change the run
            _log.warning("The run of job %s has no owner yet: %s", job_id, error.message)

    def _job_changed(self, kind: ChangeKind, job_id: str) -> None:
        events = self._made.get("events")
        if kind == "logged":
            if events is not None:
                events.emit("logs", "changed", [job_id])
            return
        self._stamp_run(job_id)
        if events is not None:
            events.emit("jobs", kind, [job_id])

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            making = self._making.setdefault(name, threading.RLock())
        # One lock each: the job registry may be locked for seconds, and the live channel, which
        # is made on the event loop, must not wait for it.
        with making:
            if name not in self._made:
                self._made[name] = make()
            return cast("T", self._made[name])
