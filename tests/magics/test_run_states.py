"""Runs of a kernel end truly, whichever way their cell or their kernel ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drainers import end_drainers
from jupyter_client.manager import KernelManager
from stores import Place, until

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.tags import END_REASON

from .test_magics import Kernel

#: Within which a run has to end once its cell or its kernel is gone.
WITHIN = 30.0
_BUSY = "import pathlib, threading\npathlib.Path('going').touch()\nthreading.Event().wait(600)"
#: As a library in C: no signal, no message is looked at before it returns.
_DEAF = "import pathlib\npathlib.Path('going').touch()\nsum(range(10**15))"

State = tuple[str, str | None]
LOST, STOPPED = ("FAILED", "lost"), ("KILLED", "stopped")


class Notebook:
    """A kernel with the environment that the server gives it, and the runs that it makes."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.place = place
        self.home = Home(folder / "data" / "jupyter_mlkit" / "journal")
        self._going = folder / "going"
        self._over = set[str]()
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(
            cwd=str(folder),
            env={
                **os.environ,
                ENV_JOURNAL: "1",
                ENV_ARTIFACT_ROOT: str(place.artifact_root),
                "JUPYTER_DATA_DIR": str(folder / "data"),
                "MLFLOW_TRACKING_URI": place.uri,
            },
        )
        client = self.manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        self.kernel = Kernel(self.manager, client)
        assert self.kernel.run("%load_ext jupyter_mlkit\nimport mlflow")["status"] == "ok"

    def begin(self, code: str) -> None:
        """Execute a cell that does not end, and return when it is under way."""
        self.kernel.client.execute(code)
        until(self._going.exists, 60)
        until(self.is_running, WITHIN)

    def runs(self) -> dict[str, State]:
        """Return how each run that was not waited for yet stands, as the store has it."""
        experiments = [one.experiment_id for one in self.place.client.search_experiments()]
        return {
            run.info.run_id: (run.info.status, run.data.tags.get(END_REASON))
            for run in self.place.client.search_runs(experiments)
            if run.info.run_id not in self._over
        }

    def is_running(self) -> bool:
        """Whether the store has a run that is under way."""
        return ("RUNNING", None) in self.runs().values()

    def ends(self, *states: State) -> None:
        """Wait until one more run has ended, as one of these."""
        # It may come to the store later than its cell ends: the last one is not waited for again.
        ended = until(lambda: {k: v for k, v in self.runs().items() if v[0] != "RUNNING"}, WITHIN)
        self._over |= set(ended)
        (state,) = ended.values()
        assert state in states

    def close(self) -> None:
        self.kernel.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        end_drainers(self.home)


@pytest.fixture
def notebook(file_store: Place, tmp_path: Path) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path, file_store)
    yield notebook
    notebook.close()


def killed(notebook: Notebook) -> None:
    notebook.manager.signal_kernel(signal.SIGKILL)


def restarted(notebook: Notebook) -> None:
    notebook.manager.restart_kernel()


def shut_down(notebook: Notebook) -> None:
    notebook.manager.shutdown_kernel()


def test_runs_end_as_their_cells_do(notebook: Notebook) -> None:
    run = notebook.kernel.run
    assert run("%%mlkit_run\n%mlkit_log loss=2")["status"] == "ok"
    notebook.ends(("FINISHED", None))
    assert run("%%mlkit_run\n%mlkit_log loss=2\nraise ValueError")["ename"] == "ValueError"
    notebook.ends(("FAILED", None))
    with_run = "with mlflow.start_run():\n    mlflow.log_metric('loss', 2)\n"
    assert run(with_run + "    raise ValueError")["ename"] == "ValueError"
    notebook.ends(("FAILED", None))
    stopped = run(
        "%%mlkit_run\n%mlkit_log loss=2\nprint('going', flush=True)\n"
        "import threading\nthreading.Event().wait(600)",
        interrupt_after="going",
    )
    assert stopped["ename"] == "KeyboardInterrupt"
    notebook.ends(STOPPED)
    assert "JournaledStore" in str(
        run("mlflow.tracking._tracking_service.utils._get_store()")["results"]
    )


@pytest.mark.parametrize(
    ("ends", "code", "states"),
    [
        (killed, _BUSY, [LOST]),
        # A kernel is interrupted first; what does not listen is ended by force.
        (restarted, _BUSY, [STOPPED, LOST]),
        (restarted, _DEAF, [LOST]),
        (shut_down, _BUSY, [STOPPED, LOST]),
    ],
    ids=["killed", "restarted", "restarted deaf", "shut down"],
)
def test_a_run_ends_with_its_kernel(
    notebook: Notebook, ends: Callable[[Notebook], None], code: str, states: list[State]
) -> None:
    notebook.begin(f"%%mlkit_run\n%mlkit_log loss=2\n{code}")
    ends(notebook)
    notebook.ends(*states)


@pytest.mark.parametrize(
    ("ends", "state"),
    # A kernel that nothing keeps from it comes to its end, and MLflow ends the run then.
    [(killed, LOST), (shut_down, ("FINISHED", None))],
)
def test_a_run_that_no_cell_has_ended(
    notebook: Notebook, ends: Callable[[Notebook], None], state: State
) -> None:
    notebook.kernel.run("mlflow.start_run(); mlflow.log_metric('loss', 2)")
    until(notebook.is_running, WITHIN)
    ends(notebook)
    notebook.ends(state)
