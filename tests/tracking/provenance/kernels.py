"""Real kernels for tests of provenance, and what they stored."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

#: What the wrapper around the store does, by plain MLflow calls.
HOOKS = """
import json, time, mlflow
from jupyter_mlkit.tracking.provenance import record
from jupyter_mlkit.tracking.provenance.log import log_end, log_start
"""


class Kernel:
    """A kernel that runs a notebook of a folder."""

    def __init__(self, folder: Path, store: str, **environment: str) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(
            cwd=str(folder),
            env={
                **os.environ,
                "MLFLOW_TRACKING_URI": store,
                "JUPYTER_MLKIT_JOURNAL": "0",
                "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
                **environment,
            },
        )
        client: BlockingKernelClient = self.manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        self.client = client

    def run(self, code: str, cell_id: str | None = None) -> str:
        """Execute a cell and return what it printed."""
        text = ""

        def take(message: dict[str, Any]) -> None:
            nonlocal text
            if message["msg_type"] == "stream":
                text += message["content"]["text"]
            elif message["msg_type"] == "error":
                text += "\n".join(message["content"]["traceback"])

        if cell_id is None:
            reply = self.client.execute_interactive(code, output_hook=take, timeout=120)
            assert reply["content"]["status"] == "ok", text
            return text
        # As JupyterLab sends it: with the id of the cell.
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }  # fmt: skip
        message = self.client.session.msg("execute_request", content)
        message["metadata"]["cellId"] = cell_id
        self.client.shell_channel.send(message)
        while True:
            heard = self.client.get_iopub_msg(timeout=120)
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            take(heard)
            if heard["content"].get("execution_state") == "idle":
                reply = self.client.get_shell_msg(timeout=120)
                assert reply["content"]["status"] == "ok", text
                return text

    def value(self, expression: str) -> Any:
        """Return the value of an expression by JSON, outside of the history."""
        text = ""

        def take(message: dict[str, Any]) -> None:
            nonlocal text
            if message["msg_type"] == "stream":
                text += message["content"]["text"]

        self.client.execute_interactive(
            f"import json; print(json.dumps({expression}))",
            store_history=False, output_hook=take, timeout=120,
        )  # fmt: skip
        return json.loads(text)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person of the test."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gc.auto=0"]
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder, check=True, timeout=30, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """Make a repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "work")
    (folder / "code.py").write_text("a = 1\n")
    git(folder, "add", "code.py")
    git(folder, "commit", "-q", "-m", "Start")
    return folder
