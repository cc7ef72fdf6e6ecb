"""The drainer is a process of its own, one per user, that outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from drainers import drainers, end_drainers
from stores import Place, until

from jupyter_mlkit.processes import system
from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.drainer.service import alone
from jupyter_mlkit.tracking.drainer.status import pending, read_troubles
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "journal")
    yield home
    end_drainers(home)


def _log(place: Place, home: Home, store: str = "", points: int = 5) -> str:
    run = str(place.client.create_run(place.experiment()).info.run_id)
    recorder = open_recorder(store or place.uri, run, home=home)
    for step in range(points):
        recorder.metric("loss", step / 3, 1_700_000_000_000, step)
    recorder.close()
    return run


def _steps(place: Place, run: str) -> list[int]:
    return sorted(one.step for one in place.client.get_metric_history(run, "loss"))


def test_it_is_started_once_and_ends_when_nothing_waits(home: Home, file_store: Place) -> None:
    run = _log(file_store, home)
    (waits,) = pending(home)
    assert (waits.run, waits.store, waits.entries) == (run, file_store.uri, 5)
    pid = start(home)
    assert pid is not None
    until(lambda: not pending(home))
    assert _steps(file_store, run) == [*range(5)]
    assert start(home) is None
    assert drainers(home) == [pid]
    again = _log(file_store, home)
    until(lambda: not pending(home))
    assert _steps(file_store, again) == [*range(5)]
    until(lambda: system.start_time(pid) is None, 30)


def test_it_outlives_a_kernel_that_is_killed(home: Home, file_store: Place) -> None:
    run = _log(file_store, home, points=20_000)
    code = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from jupyter_mlkit.tracking.drainer.process import start\n"
        "from jupyter_mlkit.tracking.journal.home import Home\n"
        "start(Home(Path(sys.argv[1])))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    until(lambda: not pending(home), 60)
    assert _steps(file_store, run) == [*range(20_000)]


def test_what_fails_is_told_and_it_ends_when_it_is_asked_to(home: Home, file_store: Place) -> None:
    _log(file_store, home, store="http://127.0.0.1:9")
    pid = start(home)
    assert pid is not None
    (trouble,) = until(lambda: read_troubles(home))
    assert trouble.where == "http://127.0.0.1:9"
    assert "Nobody answers" in trouble.error
    assert trouble.hint is not None
    os.kill(pid, signal.SIGTERM)
    until(lambda: system.start_time(pid) is None)
    (waits,) = pending(home)
    assert waits.entries == 5
    with alone(home) as first:
        assert first
