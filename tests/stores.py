"""Real stores for tests: SQLite files, one tracking server, and another process that writes.

What takes seconds to start is started once per session, for whichever room asks first.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
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


@functools.cache
def server_place(template: Path) -> Place:
    """Start one `mlflow server` and wait until it answers."""
    folder = Path(tempfile.mkdtemp(prefix="mlflow-server-"))
    root = folder / "artifacts"
    shutil.copy(template, folder / "mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as connection:
        connection.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")
    connection.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
                *("--artifacts-destination", str(root)),
            ],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    atexit.register(_end, server, folder)
    uri = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=2):
                return Place("server", uri, root)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((folder / "server.log").read_text()) from None
            time.sleep(0.1)


@functools.cache
def _worker() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(_end, worker, None)
    assert worker.stdout is not None
    assert json.loads(worker.stdout.readline()) == "ready"
    return worker


def _end(process: subprocess.Popen[Any], folder: Path | None) -> None:
    if folder is None:
        process.kill()
    else:
        os.killpg(process.pid, 15)
    process.wait(20)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def until(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Ask again and again until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)
    return answer
