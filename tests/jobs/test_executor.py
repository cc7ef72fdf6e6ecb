"""Where jobs run can be chosen, and how much they may take is bounded by the server's owner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from traitlets import TraitError

from jupyter_mlkit.app import MLKitApp
from jupyter_mlkit.jobs.executors import JobProcess, Launch
from jupyter_mlkit.jobs.executors.local import LocalExecutor
from jupyter_mlkit.jobs.starting import Surroundings, launch_of
from jupyter_mlkit.jobs.supervisor import Supervisor
from jupyter_mlkit.models import JobOptions
from jupyter_mlkit.spec import TrainingSpec

from .conftest import program

Make = Callable[..., Supervisor]


class Notes(LocalExecutor):
    """Notes what it starts."""

    def __init__(self) -> None:
        self.launches: list[Launch] = []

    def start(self, launch: Launch) -> JobProcess:
        self.launches.append(launch)
        return super().start(launch)


def test_another_executor(supervise: Make, spec: TrainingSpec) -> None:
    notes = Notes()
    supervisor = supervise(executor=notes)
    job = supervisor.submit(spec, program("end('DONE', 0)"), None, JobOptions(timeout_seconds=60))
    assert supervisor.wait(job.job_id, 20).state == "DONE"
    (launch,) = notes.launches
    assert (launch.job_id, launch.timeout, launch.memory) == (job.job_id, 60, None)


def test_the_executor_is_a_trait() -> None:
    assert MLKitApp().executor_class is LocalExecutor
    assert MLKitApp(executor_class="jobs.test_executor.Notes").executor_class is Notes
    with pytest.raises(TraitError):
        MLKitApp(executor_class="pathlib.Path")


def test_the_owner_of_the_server_has_the_last_word(
    supervise: Make, spec: TrainingSpec, tmp_path: Path
) -> None:
    supervisor = supervise()
    asked = JobOptions(timeout_seconds=500, memory_bytes=10**9)
    for options, timeout, memory in ((None, 100.0, 2 * 10**9), (asked, 100.0, 10**9)):
        job = supervisor.submit(spec, program("end('DONE', 0)"), None, options)
        supervisor.wait(job.job_id, 20)
        around = Surroundings(
            supervisor._around.folder, tmp_path, "here", timeout=100.0, memory=2 * 10**9
        )
        launch = launch_of(supervisor._store.get(job.job_id), around, 5.0)
        assert (launch.timeout, launch.memory) == (timeout, memory)
