"""Real stores for tests: SQLite files, one tracking server, and another process that writes.

What takes seconds to start is started once per session, for whichever room asks first.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import mlflow

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT
from jupyter_mlkit.tracking.backend import TrackingBackend

_WORKER = """
import json, sys
answers, sys.stdout = sys.stdout, sys.stderr
import mlflow, os
from mlflow import MlflowClient
print(json.dumps("ready"), file=answers, flush=True)
for line in sys.stdin:
    task = json.loads(line)
    os.environ[task["root_name"]] = task["root"]
    mlflow.set_tracking_uri(task["uri"])
    scope = {"mlflow": mlflow, "client": MlflowClient(), "result": None, **task["values"]}
    try:
        exec(task["code"], scope)
        answer = {"ok": scope["result"]}
    except BaseException as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), file=answers, flush=True)
"""


@dataclass
class Place:
    """A store to test with."""

    kind: Literal["file", "server"]
    uri: str
    artifact_root: Path
    path: Path | None = None
    _experiments: int = field(default=0)

    @functools.cached_property
    def backend(self) -> TrackingBackend:
        return TrackingBackend(self.uri, self.artifact_root if self.path else None)

    @functools.cached_property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def experiment(self, name: str = "weather") -> str:
        """Make an experiment of one's own; the server is shared by all tests."""
        self._experiments += 1
        location = None
        unique = f"{name}-{time.monotonic_ns()}"
        if self.path is not None:
            location = str(self.artifact_root / unique)
        return str(self.client.create_experiment(unique, artifact_location=location))

    def elsewhere(self, code: str, **values: Any) -> Any:
        """Run `code` with plain mlflow in another process and return its `result`."""
        worker = _worker()
        task = {
            "uri": self.uri,
            "root": str(self.artifact_root),
            "root_name": ENV_ARTIFACT_ROOT,
            "code": code,
            "values": values,
        }
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(task) + "\n")
        worker.stdin.flush()
        answer = json.loads(worker.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["ok"]


def file_place(template: Path, folder: Path) -> Place:
    """Copy the empty store `template` into `folder`."""
    path = folder / "mlflow.db"
    shutil.copy(template, path)
    root = folder / "artifacts"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE experiments SET artifact_location = ?", (str(root / "0"),))
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return Place("file", f"sqlite:///{path}", root, path)


class Server:
    """An `mlflow server` of one's own, at an address that is known before it runs.

    Parameters
    ----------
    template : Path
        An empty store.
    folder : Path
    """

    def __init__(self, template: Path, folder: Path) -> None:
        self._folder = folder
        self.artifact_root = folder / "artifacts"
        shutil.copy(template, folder / "mlflow.db")
        with sqlite3.connect(folder / "mlflow.db") as connection:
            connection.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")
        connection.close()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.move()

    @property
    def uri(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def move(self) -> None:
        """Choose another port for the next start."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self) -> None:
        """Start it, and return when it answers."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--backend-store-uri", f"sqlite:///{self._folder / 'mlflow.db'}"),
                    *("--artifacts-destination", str(self.artifact_root)),
                ],
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until(self._answers, 60)

    def stop(self) -> None:
        """End it where it runs."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def kill(self) -> None:
        """Kill it with all its processes where it runs."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@functools.cache
def server_place(template: Path) -> Place:
    """Start one `mlflow server` for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="mlflow-server-"))
    server = Server(template, folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    server.start()
    return Place("server", server.uri, server.artifact_root)


@functools.cache
def _worker() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(_end, worker)
    assert worker.stdout is not None
    assert json.loads(worker.stdout.readline()) == "ready"
    return worker


def _end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait(20)


def until(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Ask again and again until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)
    return answer
