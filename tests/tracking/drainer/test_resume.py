"""Runs of plain MLflow scripts whose processes are killed, suspended and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drainers import drainers, end_drainers
from stores import Place, until

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL
from jupyter_mlkit.tracking.drainer.process import needs_drainer
from jupyter_mlkit.tracking.drainer.process import start as start_drainer
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.tags import END_REASON, HEARTBEAT

#: Within which a run has to end once its process is gone.
WITHIN = 30.0

_BEGINS = """
import mlflow, sys
mlflow.set_experiment(experiment_id=sys.argv[1])
run = mlflow.start_run()
print(run.info.run_id, flush=True)
step = 0
while True:
    mlflow.log_metric("loss", step / 7, step=step)
    print(step, flush=True)
    step += 1
"""
#: Goes on behind the last step, whether the store has it already or not.
_GOES_ON = """
import mlflow, sys
with mlflow.start_run(run_id=sys.argv[1]):
    known = mlflow.MlflowClient().get_metric_history(sys.argv[1], "loss")
    first = 1 + max((one.step for one in known), default=-1)
    for step in range(first, first + 500):
        mlflow.log_metric("loss", step / 7, step=step)
    print(first)
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "data" / "jupyter_mlkit" / "journal")
    yield home
    end_drainers(home)


@pytest.fixture
def start(tmp_path: Path, place: Place, home: Home) -> Iterator[Start]:
    """Start a script as a kernel of ours would."""
    started: list[subprocess.Popen[str]] = []

    def begin(code: str, argument: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            ENV_JOURNAL: "1",
            ENV_ARTIFACT_ROOT: str(place.artifact_root),
            "MLFLOW_TRACKING_URI": place.uri,
            "JUPYTER_DATA_DIR": str(home.root.parents[1]),
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, argument],
            env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def read_to(process: subprocess.Popen[str], step: int) -> None:
    while int(told(process)) < step:
        pass


def killed(process: subprocess.Popen[str]) -> int:
    """Kill it, and return the last step of which it has said that it was logged."""
    process.kill()
    output, _ = process.communicate()
    return int(output.split()[-1]) if output.split() else 0


def state(place: Place, run: str) -> tuple[str, str | None]:
    found = place.client.get_run(run)
    return found.info.status, found.data.tags.get(END_REASON)


def steps(place: Place, run: str) -> list[int]:
    return sorted(one.step for one in place.client.get_metric_history(run, "loss"))


def finished(process: subprocess.Popen[str]) -> int:
    """Let it come to its end, and return at which step it has begun."""
    output, _ = process.communicate()
    assert process.returncode == 0
    return int(output)


def test_a_killed_run_is_lost_and_can_be_gone_on_with(place: Place, start: Start) -> None:
    process = start(_BEGINS, place.experiment())
    run = told(process)
    read_to(process, 300)
    last = killed(process)
    until(lambda: state(place, run) == ("FAILED", "lost"), WITHIN)
    assert steps(place, run)[: last + 1] == [*range(last + 1)]

    first = finished(start(_GOES_ON, run))
    until(lambda: state(place, run) == ("FINISHED", None), WITHIN)
    assert first > last
    assert steps(place, run) == [*range(first + 500)]


def test_it_is_gone_on_with_before_anybody_has_looked(
    place: Place, start: Start, home: Home
) -> None:
    process = start(_BEGINS, place.experiment())
    run = told(process)
    read_to(process, 300)
    # As of a machine that stops: nobody brings what it has logged.
    end_drainers(home)
    last = killed(process)
    assert state(place, run)[0] == "RUNNING"

    first = finished(start(_GOES_ON, run))
    until(lambda: state(place, run) == ("FINISHED", None), WITHIN)
    assert first > last
    assert steps(place, run) == [*range(first + 500)]


def test_each_that_goes_on_may_be_killed(place: Place, start: Start) -> None:
    code = _GOES_ON.replace("first + 500", "10**6").replace(
        "step=step)", "step=step)\n        print(step, flush=True)"
    )
    process = start(_BEGINS, place.experiment())
    run = told(process)
    last = 0
    for more in range(3):
        read_to(process, last + 50 * (more + 1))
        last = killed(process)
        process = start(code, run)
        read_to(process, last + 1)
        until(lambda: state(place, run) == ("RUNNING", None), WITHIN)
    last = killed(process)
    until(lambda: state(place, run) == ("FAILED", "lost"), WITHIN)
    assert steps(place, run)[: last + 1] == [*range(last + 1)]


def test_a_suspended_run_goes_on_by_itself(place: Place, start: Start, home: Home) -> None:
    process = start(_BEGINS, place.experiment())
    run = told(process)
    read_to(process, 100)
    os.kill(process.pid, signal.SIGSTOP)
    (drainer,) = until(lambda: drainers(home))
    until(lambda: HEARTBEAT in place.client.get_run(run).data.tags, WITHIN)
    # One that looks for the first time finds it suspended, and says that it is alive.
    os.kill(drainer, signal.SIGKILL)
    # Its threads may hold its place a little longer than it has its name.
    until(lambda: needs_drainer(home))
    place.client.delete_tag(run, HEARTBEAT)
    assert start_drainer(home) is not None
    until(lambda: HEARTBEAT in place.client.get_run(run).data.tags, WITHIN)
    assert state(place, run) == ("RUNNING", None)
    os.kill(process.pid, signal.SIGCONT)
    read_to(process, 300)
    last = killed(process)
    until(lambda: state(place, run) == ("FAILED", "lost"), WITHIN)
    assert steps(place, run)[: last + 1] == [*range(last + 1)]


def test_a_script_that_just_ends_has_ended_its_run(place: Place, start: Start) -> None:
    code = _BEGINS.replace("while True", "while step < 20")
    process = start(code, place.experiment())
    run = told(process)
    process.communicate()
    assert process.returncode == 0
    until(lambda: state(place, run) == ("FINISHED", None), WITHIN)
    assert steps(place, run) == [*range(20)]
