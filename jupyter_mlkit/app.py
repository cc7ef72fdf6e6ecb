"""The server extension: its configuration, its wiring, its start and its end."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Enum, Float, Integer, List, Type, Unicode, default

from . import __version__
from .api.audit import Audit, audit_file
from .api.authorizer import MLKitAuthorizer
from .api.base import SETTING
from .api.limits import MLKitLimits
from .api.redact import RedactingFilter, secrets_of
from .api.routes import rules
from .api.services import Services, Settings
from .errors import MLKitError
from .paths import default_tracking_uri
from .tracking.journaled.plugin import leave_out
from .tracking.store import artifact_root_for, environment

#: Seconds between two notes that jobs keep the server busy.
ACTIVITY_EVERY = 30.0
#: Seconds between two looks whether something waits and nobody brings it.
SEND_EVERY = 10.0
#: Seconds that helper processes get to end when the server stops.
STOP_WITHIN = 5.0


class MLKitApp(ExtensionApp):
    """Experiment tracking and training on datacubes, for JupyterLab.

    Nothing but the routes is made at the start of the server. The tracking store is opened by
    the first request that needs it, in a thread; helper processes start with a form or a job.
    """

    name = "jupyter_mlkit"
    app_name = "jupyter_mlkit"
    description = "Experiment tracking and training on datacubes"
    version = __version__
    load_other_extensions = True
    classes = [*ExtensionApp.classes, MLKitAuthorizer, MLKitLimits]  # type: ignore[list-item]  # noqa: RUF012

    authorizer_class = Type(
        MLKitAuthorizer,
        klass=MLKitAuthorizer,
        help="""Decides who may do what with this extension, once the server's own authorizer
        has said yes.""",
    ).tag(config=True)
    tracking_uri = Unicode(
        help="""MLflow tracking URI of this server, its kernels and its jobs: an SQLite file
        (sqlite:////home/me/mlflow.db), a database or a tracking server. MLFLOW_TRACKING_URI if
        left out, else one SQLite file in the Jupyter data directory."""
    ).tag(config=True)
    artifact_root = Unicode(
        help="""Folder or URL for the artifacts of new experiments, where the tracking store is
        a database; "artifacts" beside the SQLite file if left out. A tracking server has its
        own."""
    ).tag(config=True)
    durability = Enum(
        ["process", "machine"],
        default_value="process",
        help="""What a logging call that returned survives: the end of its process, or also that
        of the machine, as soon as the journal is on the disk (0.1 s). The environment variable
        JUPYTER_MLKIT_JOURNAL (0, 1, machine) of the server goes before it.""",
    ).tag(config=True)
    jobs_at_once = Integer(
        0, min=0, help="Trainings that run at the same time; 0: half of the cores."
    ).tag(config=True)
    executor_class = Type(
        "jupyter_mlkit.jobs.executors.local.LocalExecutor",
        klass="jupyter_mlkit.jobs.executors.Executor",
        help="Where trainings run: on this machine, unless this names another class.",
    ).tag(config=True)
    job_environment = List(
        Unicode(),
        help="""Names of further environment variables of this server that trainings may see, as
        patterns (EARTHDATA_*). They see a list of usual ones (programs, threads, object stores,
        proxies, certificates), what the kernelspec sets, and nothing else.""",
    ).tag(config=True)
    job_timeout = Float(0.0, min=0.0, help="Seconds that no training may exceed; 0: no limit.").tag(
        config=True
    )
    job_memory = Integer(
        0,
        min=0,
        help="""Bytes of memory that the processes of one training may hold together, whatever
        it asks for; 0: no limit. Looked at several times a second.""",
    ).tag(config=True)
    output_days = Float(
        30.0,
        min=0.0,
        help="""Days after its end for which the output of a training is kept; 0: for ever. The
        training stays in the list, with its spec and how it ended.""",
    ).tag(config=True)
    output_bytes = Integer(
        2 * 1024**3,
        min=0,
        help="""Bytes of output of ended trainings that are kept, the newest first; 0: no limit.""",
    ).tag(config=True)
    stop_grace = Float(
        10.0,
        min=0.0,
        help="Seconds that a stopped training gets to end by itself before it is killed.",
    ).tag(config=True)
    store_timeout = Float(
        30.0, min=1.0, help="Seconds after which a request to the tracking store is given up."
    ).tag(config=True)
    probe_timeout = Float(
        60.0,
        min=1.0,
        help="""Seconds that the helper process in a kernel's environment may take to describe a
        cube, to validate a spec or to draw a preview.""",
    ).tag(config=True)
    probe_idle = Float(
        120.0, min=1.0, help="Seconds after which an idle helper process is ended."
    ).tag(config=True)

    children_at_once = Integer(
        4, min=1, help="Programs with a page of their own (MLflow) that run at the same time."
    ).tag(config=True)
    children_idle = Float(
        1800.0, min=1.0, help="Seconds without a request after which such a program is ended."
    ).tag(config=True)

    _services: Services | None = None
    _redacting: RedactingFilter | None = None
    _activity: asyncio.Task[None] | None = None
    _sending: asyncio.Task[None] | None = None

    @default("tracking_uri")
    def _default_tracking_uri(self) -> str:
        return default_tracking_uri()

    @default("artifact_root")
    def _default_artifact_root(self) -> str:
        return str(artifact_root_for(self.tracking_uri) or "")

    def initialize_settings(self) -> None:
        """Hand URI and artifact root to the kernels, and the services to the handlers."""
        server = self.serverapp
        assert server is not None
        assert server.kernel_spec_manager is not None
        root = self.artifact_root or None
        variables = environment(self.tracking_uri, root, durability=self.durability)
        # Kernels inherit the environment of the server: that is how a plain mlflow in a notebook
        # finds the store, with or without our package in its environment.
        os.environ.update(variables)
        leave_out()
        self._redacting = RedactingFilter(secrets_of(self.tracking_uri, server), server.log)
        self._services = Services(
            Settings(
                tracking_uri=variables["MLFLOW_TRACKING_URI"],
                artifact_root=Path(root) if root else None,
                root_dir=Path(server.root_dir).absolute(),
                kernel_specs=server.kernel_spec_manager,
                environment=variables,
                jobs_at_once=self.jobs_at_once or None,
                executor=self.executor_class,
                job_environment=tuple(self.job_environment),
                job_timeout=self.job_timeout or None,
                job_memory=self.job_memory or None,
                output_days=self.output_days or None,
                output_bytes=self.output_bytes or None,
                stop_grace=self.stop_grace,
                store_timeout=self.store_timeout,
                probe_timeout=self.probe_timeout,
                probe_idle=self.probe_idle,
                children_at_once=self.children_at_once,
                children_idle=self.children_idle,
            ),
            server.event_logger,
            authorizer=self.authorizer_class(
                parent=self, identity_provider=server.identity_provider
            ),
            limits=MLKitLimits(parent=self),
            audit=Audit(server.event_logger, audit_file()),
        )
        self.settings[SETTING] = self._services

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(rules())

    async def _start_jupyter_server_extension(self, _serverapp: Any) -> None:
        assert self._services is not None
        # The event stream carries only the schemas that are known when a page connects to it.
        self._services.register_events()
        self._activity = asyncio.create_task(self._note_activity())
        self._sending = asyncio.create_task(self._send_backlog())

    async def _note_activity(self) -> None:
        """Adopt the jobs of the server before, and keep cullers away while jobs run."""
        assert self._services is not None
        while True:
            try:
                if self._services.has_jobs() and await self._services.adopt_jobs():
                    self._touch()
            except MLKitError as error:  # the routes tell the person, too
                self.log.warning("Jobs cannot be looked after: %s", error.message)
            await asyncio.sleep(ACTIVITY_EVERY)

    async def _send_backlog(self) -> None:
        """Have brought what earlier sessions have left, and what somebody died over."""
        assert self._services is not None
        told = None
        while True:
            try:
                if self._services.has_journals():
                    await self._services.send_backlog()
                told = None
            except MLKitError as error:  # the panel tells the person what waits, too
                if error.message != told:
                    self.log.warning("%s %s", error.message, error.hint)
                told = error.message
            await asyncio.sleep(SEND_EVERY)

    def _touch(self) -> None:
        assert self.serverapp is not None
        times = self.serverapp.web_app.settings["last_activity_times"]
        times[self.name] = datetime.now(UTC)

    def current_activity(self) -> dict[str, int] | None:
        """Return how many jobs run or wait; None (no reason to stay up) if there is none."""
        active = self._services.active_jobs() if self._services else 0
        return {"jobs": active} if active else None

    async def stop_extension(self) -> None:
        """End helper processes and watchers; trainings go on and are found again."""
        for task in (self._activity, self._sending):
            if task is not None:
                task.cancel()
        if self._services is not None:
            services, self._services = self._services, None
            await asyncio.to_thread(services.close, STOP_WITHIN)
            await services.audit.close()
        if self._redacting is not None:
            self._redacting.remove()
