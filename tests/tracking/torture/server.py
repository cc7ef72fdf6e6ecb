"""A tracking server that may be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from stores import until


class Server:
    """A real `mlflow server` with a store of its own.

    Parameters
    ----------
    template : Path
        An empty SQLite store.
    folder : Path

    Attributes
    ----------
    port : int
        Another one after each start.
    """

    def __init__(self, template: Path, folder: Path) -> None:
        self._folder = folder
        self.path = Path(shutil.copy(template, folder / "server.db"))
        with sqlite3.connect(self.path) as connection:
            connection.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")
        connection.close()
        self._child: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.start()

    @property
    def uri(self) -> str:
        """Where it is reached directly."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with (self._folder / "server.log").open("ab") as log:
            self._child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--backend-store-uri", f"sqlite:///{self.path}"),
                    *("--artifacts-destination", str(self._folder / "artifacts")),
                ],
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until(self._answers, 60)

    def kill(self) -> None:
        """Kill it with all its processes."""
        if self._child is not None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            self._child = None

    def _answers(self) -> bool:
        assert self._child is not None
        assert self._child.poll() is None, (self._folder / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
