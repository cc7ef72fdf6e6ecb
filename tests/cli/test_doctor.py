"""What the doctor says of the security floor, and of a cube that a job is to read."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from children.conftest import short
from stores import until

from jupyter_mlkit import paths
from jupyter_mlkit.children.folder import make_private, socket_folder
from jupyter_mlkit.children.leftovers import Owner, clear_leftovers, processes_of
from jupyter_mlkit.cli.doctor_children import examine_children
from jupyter_mlkit.cli.doctor_cube import examine_cube
from jupyter_mlkit.cli.doctor_security import examine_security
from jupyter_mlkit.cli.finding import Finding

__all__ = ["short"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of Jupyter that everybody may enter, as a careless umask makes them."""
    # pytest keeps its folders to itself, and what lies below is as private.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and "pytest" in str(folder):
            folder.chmod(0o755)
    for kind in ("DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind.lower()))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    yield tmp_path
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and "pytest" in str(folder):
            folder.chmod(0o700)


def report() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine_security()}


def test_nothing_is_wrong_where_nothing_is(home: Path) -> None:
    assert [finding.name for finding in report().values() if finding.problem] == []
    assert not paths.runtime_dir().exists(), "who looks makes nothing"
    assert not paths.data_dir().exists()


def test_open_folders_files_and_sockets_are_found(home: Path) -> None:
    paths.runtime_dir().mkdir(parents=True)
    paths.runtime_dir().chmod(0o755)
    data = paths.data_dir()
    (data / "artifacts").mkdir(parents=True)
    (data / "mlflow.db").touch()
    for path, mode in ((data, 0o755), (data / "artifacts", 0o755), (data / "mlflow.db", 0o666)):
        path.chmod(mode)
    found = report()
    assert "0755" in (found["runtime folder"].problem or "")
    assert "write it" in (found["store"].problem or "")
    assert "read it" in (found["artifacts"].problem or "")
    assert all(finding.fix for finding in found.values() if finding.problem)
    data.chmod(0o700)
    found = report()
    assert found["store"].problem is None, "nobody gets as far as the file"
    paths.runtime_dir().rmdir()
    paths.runtime_dir().symlink_to(home)
    assert "link" in (report()["runtime folder"].problem or "")


def test_a_port_of_a_job_is_found(home: Path) -> None:
    assert report()["TCP listeners"].problem is None
    code = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""
    job = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"JUPYTER_MLKIT_JOB_NONCE": "doctor"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert job.stdout is not None
    assert job.stdin is not None
    port = job.stdout.readline().strip()
    with socket.create_server(("127.0.0.1", 0)):  # not of a job
        found = report()["TCP listeners"]
    assert (f"process {job.pid} listens on port {port}", bool(found.fix)) == (found.state, True)
    job.stdin.close()
    job.wait(10)
    job.stdout.close()
    assert report()["TCP listeners"].problem is None


def test_a_job_reads_a_cube_or_says_why_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xr.Dataset({"t": (("lat", "lon"), np.ones((4, 8)))}).to_zarr(home / "cube.zarr")
    monkeypatch.setenv("SOME_TOKEN", "canary-of-the-doctor")
    (good,) = examine_cube(str(home / "cube.zarr"), [], "python3")
    assert good.problem is None, good.problem
    assert "a job in the kernel python3 reads it" in good.state
    (missing,) = examine_cube(str(home / "none.zarr"), [], "python3")
    assert "none.zarr" in (missing.problem or "")
    assert missing.fix
    (secret,) = examine_cube("https://anna:canary@h/cube.zarr", [], "python3")
    assert "secret" in (secret.problem or "")
    (option,) = examine_cube("s3://b/cube.zarr", ["key=abc"], "python3")
    assert "key" in (option.problem or "")
    (kernel,) = examine_cube(str(home / "cube.zarr"), [], "no-such-kernel")
    assert "no-such-kernel" in (kernel.problem or "")


# ------------------------------------------------------------------------------- programs

LEFT_BEHIND = """
import sys
from pathlib import Path
from jupyter_mlkit.children.child import Child
sys.path.insert(0, sys.argv[2])
from children.kinds import echo
child = Child(echo(), Path(sys.argv[1]))
child.wait_until_ready(30)
print(child._runner.pid, flush=True)
sys.stdin.read()
"""


def programs() -> list[Finding]:
    return list(examine_children())


@pytest.fixture
def sockets(short: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the folder of sockets where their paths are short enough."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(short))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return socket_folder()


def test_the_folder_of_programs_is_looked_at(sockets: Path) -> None:
    length, folder = programs()
    assert length.state.startswith(f"{len(os.fsencode(sockets)) + 19} bytes")
    assert (folder.absent, sockets.exists()) == (True, False)
    make_private(sockets)
    assert [finding.state for finding in programs()][2:] == ["none runs"]
    sockets.chmod(0o750)
    wrong = programs()[-1]
    assert "0750" in (wrong.problem or "")
    assert wrong.fix
    sockets.rmdir()
    sockets.symlink_to("/nowhere")
    assert "is a link" in (programs()[-1].problem or "")


def test_a_folder_whose_path_is_too_long_is_said(
    sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/tmp/" + "x" * 100)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/tmp/" + "y" * 100)
    (finding,) = programs()
    assert "too long for a socket" in (finding.problem or "")
    assert "JUPYTER_RUNTIME_DIR" in (finding.fix or "")


def test_programs_that_run_and_those_left_behind_are_told(sockets: Path) -> None:
    tests = str(Path(__file__).parents[1])
    server = subprocess.Popen(
        [sys.executable, "-c", LEFT_BEHIND, str(sockets), tests],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    runner = int(server.stdout.readline())
    (running,) = programs()[2:]
    assert running.name.startswith("echo ")
    assert running.state == f"2 processes for the server with pid {server.pid}"
    assert running.problem is None
    # Server and runner are killed together: what the runner looked after is left alone.
    server.send_signal(signal.SIGSTOP)
    os.kill(runner, signal.SIGKILL)
    server.kill()
    server.communicate()
    (left,) = programs()[2:]
    assert (left.state, left.problem) == (
        "1 process of a server that is gone",
        "nobody uses or ends it",
    )
    assert "kill " in (left.fix or "")
    (pid,) = processes_of(nonce_of(sockets))
    os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_of(nonce_of(sockets)), 20)
    (gone,) = programs()[2:]
    assert gone.absent
    assert "the next one removes" in gone.state
    (sockets / "other").mkdir()
    assert "not ours" in programs()[-1].state
    clear_leftovers(sockets)
    assert [path.name for path in sockets.iterdir()] == ["other"]


def nonce_of(folder: Path) -> str:
    (file,) = folder.glob(f"*/{Owner.FILE}")
    return str(json.loads(file.read_text())["nonce"])
