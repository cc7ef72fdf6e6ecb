"""What a server's life does to jobs, and what jobs do to a server's life: on real servers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.processes.identity import processes_of

from .server import Lab, Server, wait_for
from .test_server_killed import process_of

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path: Path, new_store: Callable[[], Path]) -> Iterator[Lab]:
    lab = Lab(tmp_path, new_store())
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Path
) -> Iterator[tuple[Lab, Server]]:
    """A server that more than one test uses."""
    folder = tmp_path_factory.mktemp("lab")
    lab = Lab(folder, Path(shutil.copy(empty_store, folder / "mlflow.db")))
    yield lab, lab.start()
    lab.close()


def test_jobs_keep_a_server_awake_and_polling_does_not(lab: Lab) -> None:
    """The server asks whether to stop itself; the hub asks when somebody was last active."""
    first = lab.start()
    job_id = first.submit()
    wait_for(lambda: fits(first, job_id), 20)
    first.kill()
    server = lab.start(
        ServerApp={
            "jpserver_extensions": {"jupyter_mlkit": True, "impatient": True},
            "shutdown_no_activity_timeout": 2,
        },
    )
    began = time.monotonic()
    before = last_activity(server)
    # Longer than the server waits; it looks five times a second.
    wait_for(lambda: time.monotonic() - began > 4, 20)
    assert server.process.poll() is None, "a running job is activity"
    assert last_activity(server) > before, "the hub is told"
    ask_what_a_page_asks(server, job_id)  # opens the store, which takes its time once
    (lab.jobs_folder(job_id) / "go").touch()
    wait_for(lambda: server.states()[job_id] == "DONE", 20)
    told: list[datetime] = []

    def poll() -> bool:
        try:
            ask_what_a_page_asks(server, job_id)
            told.append(last_activity(server))
        except OSError:
            return True
        return False

    wait_for(poll, 30)
    assert server.process.wait(10) == 0, "nobody is there, and no job runs"
    assert len(set(told[len(told) // 2 :])) == 1, "a page that is left open is nobody"


def test_a_kernel_restart_changes_nothing(shared: tuple[Lab, Server]) -> None:
    lab, server = shared
    kernel = server.ask("POST", "api/kernels", {"name": "python3"})["id"]
    job_id = server.submit()
    wait_for(lambda: fits(server, job_id), 20)
    server.ask("POST", f"api/kernels/{kernel}/restart")
    server.ask("DELETE", f"api/kernels/{kernel}")
    (lab.jobs_folder(job_id) / "go").touch()
    wait_for(lambda: server.states()[job_id] == "DONE", 20)


def test_a_hub_stops_the_server(lab: Lab) -> None:
    """A spawner of processes sends TERM, and KILL five seconds later."""
    server = lab.start()
    job_id = server.submit()
    waiting = server.submit(retries=1)
    wait_for(lambda: fits(server, job_id) and fits(server, waiting), 20)
    assert server.stop(5) == 0, "five seconds are enough"
    after = lab.start()
    assert fits(after, job_id)
    for one in (job_id, waiting):
        (lab.jobs_folder(one) / "go").touch()
    wait_for(lambda: set(after.states().values()) == {"DONE"}, 20)


def test_a_hub_stops_the_container(lab: Lab) -> None:
    """TERM to all processes of it; what is still there five seconds later is killed."""
    server = lab.start()
    polite, deaf = server.submit(1), server.submit(2)
    wait_for(lambda: fits(server, polite) and fits(server, deaf), 20)
    stopped = process_of(lab, deaf)
    for pid in processes_of(stopped.nonce):
        os.kill(pid, signal.SIGSTOP)  # it hears nothing for now
    server.process.send_signal(signal.SIGTERM)
    for job_id in (polite, deaf):
        for pid in processes_of(process_of(lab, job_id).nonce):
            with contextlib.suppress(ProcessLookupError):  # ended by another one's TERM
                os.kill(pid, signal.SIGTERM)
    wait_for((lab.jobs_folder(polite) / "exit.json").exists, 5)
    for pid in processes_of(stopped.nonce):
        os.kill(pid, signal.SIGKILL)
    server.process.wait(5)
    assert lab.family() == []
    after = lab.start()
    wait_for(lambda: after.states() == {polite: "STOPPED", deaf: "LOST"}, 30)
    error = after.jobs()[deaf]["error"]
    assert error["code"] == "job_lost"
    assert error["hint"]


def test_a_job_is_run_again_with_changes(shared: tuple[Lab, Server]) -> None:
    lab, server = shared
    first = server.submit(3, priority=2, retries=1, timeout_seconds=500)
    changes = {"fit": {"seed": 4}, "tracking": {"run_name": "$(id) \"'\n--x"}}
    again = server.api("POST", f"jobs/{first}/rerun", {"changes": changes})
    assert (again["rerun_of"], again["priority"], again["retries"]) == (first, 2, 1)
    assert again["timeout_seconds"] == 500
    assert again["spec"]["fit"]["seed"] == 4
    assert again["name"] == "$(id) \"'\n--x"
    spec = server.jobs()[first]["spec"]
    assert again["spec"] | {"fit": spec["fit"], "tracking": spec["tracking"]} == spec
    other = server.api("POST", f"jobs/{again['job_id']}/rerun", {"options": {"priority": -1}})
    assert (other["priority"], other["retries"]) == (-1, 0)
    ids = [first, again["job_id"], other["job_id"]]
    for job_id in ids:
        (lab.jobs_folder(job_id) / "go").touch()
    wait_for(lambda: {server.states()[job_id] for job_id in ids} == {"DONE"}, 30)
    answers = [(lab.jobs_folder(job_id) / "spec.yaml").read_bytes() for job_id in ids]
    assert answers[0] != answers[1] == answers[2]
    done = server.jobs()[first]
    assert done["user"]
    assert done["usage"]["wall_seconds"] > 0


def ask_what_a_page_asks(server: Server, job_id: str) -> None:
    for path in ("jobs", f"jobs/{job_id}", f"jobs/{job_id}/log?offset=-100", "experiments"):
        server.api("GET", path)
    server.api("POST", "events/watch")


def fits(server: Server, job_id: str) -> bool:
    job: dict[str, Any] = server.jobs()[job_id]
    return bool(job["phase"] == "fitting")


def last_activity(server: Server) -> datetime:
    """Return what a hub is told of this server."""
    status = server.ask("GET", "api/status?no_track_activity=1")
    return datetime.fromisoformat(status["last_activity"])
