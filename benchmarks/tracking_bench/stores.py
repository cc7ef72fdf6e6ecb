"""Stores to log to: files as MLflow makes them, a tracking server, and servers that fail."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


class Stores:
    """Stores of one benchmark, each made when it is first asked for.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._deaf: socket.socket | None = None

    def file(self, folder: Path) -> Path:
        """Return a new SQLite store in `folder`, as MLflow makes it."""
        if self._template is None:
            self._template = self._folder / "template.db"
            code = (
                "import sys; from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore\n"
                "SqlAlchemyStore(sys.argv[1], sys.argv[2])"
            )
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code, f"sqlite:///{self._template}", "art"],
                cwd=self._folder, check=True, capture_output=True,
            )  # fmt: skip
        return Path(shutil.copy(self._template, folder / "mlflow.db"))

    @property
    def database(self) -> Path:
        """That of the server."""
        return self._folder / "server.db"

    def server(self) -> str:
        """Return the URI of a tracking server with one worker."""
        if self._server is None:
            shutil.copy(self.file(self._folder), self.database)
            self._port = free_port()
            with (self._folder / "server.log").open("wb") as log:
                self._server = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                        *("--host", "127.0.0.1", "--port", str(self._port)),
                        *("--backend-store-uri", f"sqlite:///{self.database}"),
                        *("--artifacts-destination", str(self._folder / "artifacts")),
                    ],
                    env={
                        **os.environ,
                        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                        "JUPYTER_MLKIT_JOURNAL": "0",
                    },
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._wait()
        return f"http://127.0.0.1:{self._port}"

    def down(self) -> str:
        """Return the URI of a server that is not there."""
        return f"http://127.0.0.1:{free_port()}"

    def stalled(self) -> str:
        """Return the URI of a server that accepts connections and never answers."""
        if self._deaf is None:
            self._deaf = socket.create_server(("127.0.0.1", 0), backlog=1000)
        return f"http://127.0.0.1:{self._deaf.getsockname()[1]}"

    def close(self) -> None:
        """End the servers."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
        if self._deaf is not None:
            self._deaf.close()

    def _wait(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        raise SystemExit((self._folder / "server.log").read_text())


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
