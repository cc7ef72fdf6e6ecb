"""Real Jupyter servers as processes of their own, to be killed at will."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlkit import __version__
from jupyter_mlkit.paths import ENV_JOB_ID
from jupyter_mlkit.spec import SCHEMA_VERSION

from .kernelspecs import install

T = TypeVar("T")
#: Extensions of this environment, which only take time here.
_FOREIGN = ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim")
TOKEN = "a-token"

#: In the place of a kernel's Python: probe and training without any library.
_LIGHT = """
import hashlib, json, os, subprocess, sys, time
facts = {facts!r}
*_, verb = sys.argv[1:4]
if verb == "probe":
    for line in sys.stdin:
        asked = json.loads(line)
        result = {{"check": facts, "validate": {{"ok": True, "errors": []}}}}[asked["op"]]
        print(json.dumps({{"id": asked["id"], "ok": True, "result": result}}), flush=True)
elif verb == "job":
    folder = sys.argv[4]
    def write(name, **values):
        with open(os.path.join(folder, name + ".part"), "w") as file:
            json.dump(values, file)
        os.replace(file.name, os.path.join(folder, name))
    # One helper in its group, one that left for a session of its own.
    sleep = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    subprocess.Popen(sleep)
    subprocess.Popen(sleep, start_new_session=True)
    digest = folder.encode()
    for step in range(1, 201):
        digest = hashlib.sha256(digest + open(os.path.join(folder, "spec.yaml"), "rb").read())
        digest = digest.digest()
        if step % 50 == 0:
            print("step", step, flush=True)
            write("state.json", phase="fitting", progress=step / 200, run_id=None)
    while not os.path.exists(os.path.join(folder, "go")):
        time.sleep(0.05)
    with open(os.path.join(folder, "answer"), "wb") as file:
        file.write(digest)
    write("result.json", state="DONE", code=0, run_id=None, error=None)
"""

#: Asks the server's own question whether to stop five times a second instead of once a minute,
#: and lets the extension tell of its jobs twice a second instead of every half minute.
_IMPATIENT = """
from tornado.ioloop import PeriodicCallback
from jupyter_mlkit import app as ours
ours.ACTIVITY_EVERY = 0.5
def _load_jupyter_server_extension(app):
    PeriodicCallback(app.shutdown_no_activity, 200).start()
def _jupyter_server_extension_points():
    return [{"module": "impatient"}]
"""


class Lab:
    """A person's folders, and the servers that run in them one after the other."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder, self.store = folder, store
        self.root = folder / "root"
        self.root.mkdir()
        self.runtime = folder / "runtime"
        (folder / "modules").mkdir()
        (folder / "modules" / "impatient.py").write_text(_IMPATIENT)
        light = folder / "light.py"
        light.write_text(_LIGHT.format(facts=_facts()))
        argv = [sys.executable, str(light), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        install(folder / "data", "light", argv)
        self.servers: list[Server] = []

    def start(self, **config: Any) -> Server:
        """Start a server and wait until it answers."""
        server = Server(self, config)
        self.servers.append(server)
        return server

    def jobs_folder(self, job_id: str) -> Path:
        return self.runtime / "jupyter_mlkit" / "jobs" / job_id

    def family(self) -> list[int]:
        """Return all processes that were started for any job of these servers."""
        jobs = self.runtime / "jupyter_mlkit" / "jobs"
        marks = {f"{ENV_JOB_ID}={folder.name}".encode() for folder in jobs.glob("*")}
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:  # gone, a zombie, or somebody else's
                continue
            if not marks.isdisjoint(variables):
                found.append(int(folder.name))
        return found

    def close(self) -> None:
        """End what a failed test has left."""
        for server in self.servers:
            server.kill()
        for pid in self.family():
            os.kill(pid, signal.SIGKILL)


class Server:
    """A Jupyter server with the extension."""

    def __init__(self, lab: Lab, config: dict[str, Any]) -> None:
        self.began = time.monotonic()
        options = {
            "ServerApp": {
                "allow_root": True,
                "ip": "127.0.0.1",
                "open_browser": False,
                "port": 0,
                "root_dir": str(lab.root),
                "jpserver_extensions": dict.fromkeys(_FOREIGN, False) | {"jupyter_mlkit": True},
            },
            "IdentityProvider": {"token": TOKEN},
            "MLKitApp": {"tracking_uri": f"sqlite:///{lab.store}", "jobs_at_once": 8},
        }
        for name, values in config.items():
            options[name] = options.get(name, {}) | values
        file = lab.folder / "config.json"
        file.write_text(json.dumps(options))
        environment = {k: v for k, v in os.environ.items() if "MLFLOW" not in k} | {
            "JUPYTER_DATA_DIR": str(lab.folder / "data"),
            "JUPYTER_CONFIG_DIR": str(lab.folder / "config"),
            "JUPYTER_RUNTIME_DIR": str(lab.runtime),
            "PYTHONPATH": str(lab.folder / "modules"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        self._log = lab.folder / f"server-{len(lab.servers)}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", f"--config={file}"],
                env=environment,
                cwd=lab.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        told = lab.runtime / f"jpserver-{self.process.pid}.json"
        self._url = wait_for(lambda: self._read_url(told), 60)
        wait_for(lambda: self._answers(), 60)

    def __str__(self) -> str:
        return self._log.read_text()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON that a route answers."""
        request = urllib.request.Request(
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def api(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, f"jupyter-mlkit/api/{path}", body)

    def submit(self, seed: int = 0, **options: Any) -> str:
        spec = {
            "sources": [{"uri": "cube.zarr"}],
            "target": "y",
            "features": ["x"],
            "split": {"kind": "block", "sizes": {"lat": "2 deg"}},
            "fit": {"seed": seed},
            "kernelspec": "light",
        }
        job_id: str = self.api("POST", "jobs", {"spec": spec, "options": options})["job_id"]
        return job_id

    def jobs(self) -> dict[str, dict[str, Any]]:
        items = self.api("GET", "jobs?max_results=1000")["items"]
        return {job["job_id"]: job for job in items}

    def states(self) -> dict[str, str]:
        return {job_id: job["state"] for job_id, job in self.jobs().items()}

    def kill(self) -> None:
        """End the server at once, and nothing else."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout: float) -> int:
        """Ask the server to end, as a hub does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def _read_url(self, told: Path) -> str | None:
        assert self.process.poll() is None, str(self)
        try:
            url: str = json.loads(told.read_text())["url"]
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return url

    def _answers(self) -> bool:
        assert self.process.poll() is None, str(self)
        try:
            return bool(self.ask("GET", "api/status"))
        except (OSError, HTTPException):
            return False


def wait_for(found: Callable[[], T | None], seconds: float) -> T:
    """Return what `found` returns as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.02)
    return result


def _facts() -> dict[str, Any]:
    from jupyter_mlkit.tracking.schema import head_revision

    return {
        "jupyter_mlkit": __version__,
        "spec_version": SCHEMA_VERSION,
        "mlflow": "of no interest",
        "mlflow_schema": head_revision(),
        "python": sys.version,
    }
