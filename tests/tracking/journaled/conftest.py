"""Scripts of people, run as a kernel or a job of ours would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drainers import end_drainers

from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL
from jupyter_mlkit.tracking.journal.home import Home

#: Code, URI of the store, and whether the journal is on ("1").
Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "data" / "jupyter_mlkit" / "journal")
    yield home
    end_drainers(home)


@pytest.fixture
def runner(tmp_path: Path, home: Home) -> Runner:
    """Run a script against a store, and return how it ended."""

    def run(code: str, uri: str, journal: str = "1") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            ENV_JOURNAL: journal,
            ENV_ARTIFACT_ROOT: str(tmp_path / "artifacts"),
            **({"MLFLOW_TRACKING_URI": uri} if uri else {}),
            "JUPYTER_DATA_DIR": str(home.root.parents[1]),
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        }
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run
