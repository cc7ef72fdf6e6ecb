"""A job and its run end alike, whoever of supervisor and drainer is first to say so."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drainers import drainers, end_drainers
from stores import Place
from stores import until as until_true

from jupyter_mlkit.jobs.supervisor import Supervisor
from jupyter_mlkit.spec import TrainingSpec
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.tags import END_REASON, JOB_ID

from .conftest import program, until

Make = Callable[..., Supervisor]

_LOGS = """
from pathlib import Path
from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.journal.entries import Updated
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder
home, run = Home(Path({home!r})), {run!r}
recorder = open_recorder({store!r}, run, home=home)
for step in range(3000):
    recorder.metric("loss", step / 3, 1_700_000_000_000, step)
start(home)
state("fit", 0.5, run)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "journal")
    yield home
    end_drainers(home)


@pytest.fixture
def run(file_store: Place) -> str:
    created = file_store.client.create_run(file_store.experiment(), tags={JOB_ID: "1"})
    return str(created.info.run_id)


def logs(home: Home, place: Place, run: str, then: str) -> list[str]:
    code = _LOGS.format(home=str(home.root), store=place.uri, run=run)
    return program(code + then)


def state(place: Place, run: str) -> tuple[str, str | None]:
    found = place.client.get_run(run)
    return found.info.status, found.data.tags.get(END_REASON)


def steps(place: Place, run: str) -> list[int]:
    return sorted(one.step for one in place.client.get_metric_history(run, "loss"))


def test_a_drainer_outlives_the_job_that_has_started_it(
    supervise: Make, spec: TrainingSpec, file_store: Place, home: Home, run: str
) -> None:
    supervisor = supervise()
    ends = "recorder.record(Updated('FINISHED', 7)); recorder.close(); end('DONE', 0, run)"
    job = supervisor.submit(spec, logs(home, file_store, run, ends))
    assert supervisor.wait(job.job_id, 60).state == "DONE"
    assert len(drainers(home)) == 1
    until_true(lambda: not pending(home), 60)
    assert state(file_store, run) == ("FINISHED", None)
    assert steps(file_store, run) == [*range(3000)]


def the_job(supervisor: Supervisor, job_id: str) -> None:
    """Kill the training, as a machine without memory does; its runner says so."""
    process = supervisor._store.get(job_id).process
    assert process is not None
    (below,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[:1]
    os.kill(int(below), signal.SIGKILL)


def its_runner(supervisor: Supervisor, job_id: str) -> None:
    """Kill the runner, and with it the training: nobody says anything."""
    process = supervisor._store.get(job_id).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


def stop(supervisor: Supervisor, job_id: str) -> None:
    """Stop it, and it does not listen."""
    supervisor.stop(job_id)


@pytest.mark.parametrize(
    ("ends", "job_state", "run_state"),
    [
        (its_runner, "LOST", ("FAILED", "lost")),
        (the_job, "FAILED", ("FAILED", "killed")),
        (stop, "STOPPED", ("KILLED", "stopped")),
    ],
    ids=["lost", "killed", "stopped"],
)
def test_a_run_ends_as_its_job(
    supervise: Make,
    spec: TrainingSpec,
    file_store: Place,
    home: Home,
    run: str,
    ends: Callable[[Supervisor, str], None],
    job_state: str,
    run_state: tuple[str, str],
) -> None:
    supervisor = supervise(close_run=file_store.backend.end_run, grace=0.5)
    waits = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)"
    job = supervisor.submit(spec, logs(home, file_store, run, waits))
    until(supervisor, job.job_id, lambda job: job.state == "RUNNING")
    ends(supervisor, job.job_id)
    assert supervisor.wait(job.job_id, 30).state == job_state
    until_true(lambda: state(file_store, run) == run_state, 30)
    # The drainer has had its look, too.
    until_true(lambda: not [*home.journals()], 60)
    assert state(file_store, run) == run_state
    assert steps(file_store, run) == [*range(3000)]
