"""A Jupyter server in a process of its own, below ``/user/x/``, with token and XSRF check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stores import until

TOKEN = "server-token-canary"


@dataclass
class LiveServer:
    """A running server."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    base_url: str = "/user/x/"

    @property
    def origin(self) -> str:
        """Of its pages."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        """Return the address of a path below the base URL."""
        return f"{self.origin}{self.base_url}{path}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a route with the token; return its JSON."""
        request = urllib.request.Request(
            self.url(path),
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=180) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def kill(self) -> None:
        """End it without a chance to clear up."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it, and remove its files."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_server(store: Path, *options: str, **variables: str) -> LiveServer:
    """Start a server on the SQLite file `store` and wait until it answers."""
    folder = Path(tempfile.mkdtemp(prefix="mlkit-"))
    for name in ("root", "config/jupyter_server_config.d", "data", "runtime"):
        (folder / name).mkdir(parents=True)
    enabled = {"ServerApp": {"jpserver_extensions": {"jupyter_mlkit": True}}}
    (folder / "config/jupyter_server_config.d/jupyter_mlkit.json").write_text(json.dumps(enabled))
    environment = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    environment |= {
        f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "data", "runtime")
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"),
                *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                "--ServerApp.base_url=/user/x/",
                "--ServerApp.allow_unauthenticated_access=False",
                f"--ServerApp.root_dir={folder / 'root'}",
                f"--MLKitApp.tracking_uri=sqlite:///{store}",
                *options,
            ],
            env=environment | {"JUPYTER_TOKEN": TOKEN} | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def told() -> int | None:
        assert process.poll() is None, (folder / "log").read_text()
        for file in (folder / "runtime").glob("jpserver-*.json"):
            try:
                return int(json.loads(file.read_text())["port"])
            except ValueError:  # being written
                return None
        return None

    server = LiveServer(process, folder, until(told, 60))

    def answers() -> bool:
        try:
            server.ask("GET", "api/status")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    until(answers, 60)
    return server
