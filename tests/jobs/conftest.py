"""A supervisor on real processes: small Python programs in the place of trainings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.jobs.supervisor import Supervisor, Surroundings
from jupyter_mlkit.spec import TrainingSpec, load_spec

#: What every program starts with: the folder of the job and the two files of the contract.
_PREAMBLE = """
import json, os, signal, sys, time
folder = sys.argv[-1]
def write(name, **values):
    part = os.path.join(folder, name + ".part")
    with open(part, "w") as file:
        json.dump(values, file)
    os.replace(part, os.path.join(folder, name))
def state(phase, progress=None, run_id=None):
    write("state.json", phase=phase, progress=progress, run_id=run_id, experiment_id=None)
def end(state, code, run_id=None, error=None):
    write("result.json", state=state, code=code, run_id=run_id, error=error)
    sys.exit(code)
def wait_for(name):
    while not os.path.exists(os.path.join(folder, name)):
        time.sleep(0.02)
"""


def program(code: str) -> list[str]:
    return [sys.executable, "-c", _PREAMBLE + code]


@pytest.fixture
def spec() -> TrainingSpec:
    return load_spec(
        {
            "sources": [{"uri": "cube.zarr"}],
            "target": "y",
            "features": ["x"],
            "split": {"kind": "block", "sizes": {"lat": "2 deg"}},
            "tracking": {"experiment": "e", "run_name": "a run"},
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runtime"


@pytest.fixture
def supervise(folder: Path, tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Make supervisors on one folder; at the end all jobs are stopped and all are closed."""
    made: list[Supervisor] = []
    root = tmp_path / "root"
    root.mkdir()

    def make(scope: str = "here", **options: Any) -> Supervisor:
        options = {"limit": 1, "grace": 5.0} | options
        surroundings = Surroundings(
            folder=folder, root_dir=root, scope=scope, environment=lambda: {"STORE": "s"}
        )
        made.append(Supervisor(surroundings, **options))
        return made[-1]

    yield make
    last = make()
    last.reconcile()
    for job in last.jobs().items:
        process = last._store.get(job.job_id).process
        if job.ended is None and (process is None or process.is_here):
            last.stop(job.job_id)
            last.wait(job.job_id, 10)
    for supervisor in made:
        supervisor.close()


def until(supervisor: Supervisor, job_id: str, ready: Callable[[Any], bool]) -> Any:
    """Wait for a change after which `ready` holds, and return the job."""
    with supervisor._changed:
        assert supervisor._changed.wait_for(lambda: ready(supervisor.job(job_id)), 20)
    return supervisor.job(job_id)
