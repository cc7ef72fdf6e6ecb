"""The process that gathers beside a training."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.provenance import gatherer
from jupyter_mlkit.tracking.provenance.asking import asking
from jupyter_mlkit.tracking.provenance.cells import RawCell
from jupyter_mlkit.tracking.provenance.gatherer import Executed, Reply, Request, gather
from jupyter_mlkit.tracking.provenance.stored import unpack

from .kernels import repository

_MODULE = "jupyter_mlkit.tracking.provenance"


def _asked(request: Request, folder: Path) -> Reply:
    with asking(msgspec.msgpack.encode(request)) as file:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=file, cwd=folder, capture_output=True, check=True,
        )  # fmt: skip
    assert done.stderr == b""
    return msgspec.msgpack.decode(done.stdout, type=Reply)


def test_it_imports_nothing_that_takes_long() -> None:
    code = f"import sys, {_MODULE}.__main__\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"mlflow", "numpy", "jupyter_core", "IPython", "requests", "sqlalchemy"} & {*done}


def test_all_that_it_tells_is_in_its_place(tmp_path: Path) -> None:
    root = repository(tmp_path / "repository")
    (root / "code.py").write_text("a = 2\n")
    (root / "random.py").write_text("raise SystemExit('of the work tree')\n")
    raw = [
        RawCell(execution_count=1, source=b"token = 'canary-1'"),
        RawCell(execution_count=3, source="half = '\ud800'".encode(errors="surrogatepass")),
    ]
    executed = Executed(cells=[], raw=raw, notebook=None, kernel="python3", started_in=3)
    into = tmp_path / "files"
    reply = _asked(
        Request(folder=str(root), cuda="12.4", path=sys.path, executed=executed, into=str(into)),
        root,
    )
    assert reply.troubles == []
    names = {tags.ARTIFACT_GIT_DIFF, tags.ARTIFACT_NOTEBOOK, tags.ARTIFACT_ENVIRONMENT}
    held = {str(one.relative_to(into)): one.read_bytes() for one in into.rglob("*.*")}
    assert set(held) == names
    assert reply.kept == {name: hashlib.sha256(held[name]).hexdigest() for name in names}
    assert reply.git is not None
    assert reply.git.dirty
    assert held[tags.ARTIFACT_GIT_DIFF] == reply.git.diff
    assert b"# cuda 12.4 (torch)" in held[tags.ARTIFACT_ENVIRONMENT]
    notebook = unpack(held[tags.ARTIFACT_NOTEBOOK])
    assert notebook.cells == reply.cells
    assert [one.source for one in notebook.cells] == ["token = '[secret]'", "half = '?'"]
    assert (notebook.kernel, notebook.started_in) == ("python3", 3)


def test_what_fails_does_not_keep_the_others(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    reply = _asked(
        Request(folder=None, cuda="", path=sys.path, into=str(blocked / "files")), tmp_path
    )
    assert [one.partition(":")[0] for one in reply.troubles] == ["NotADirectoryError"]
    assert "numpy==" in reply.environment


def test_a_notebook_does_not_wait_for_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = []
    notebook = tmp_path / "files" / tags.ARTIFACT_NOTEBOOK
    monkeypatch.setattr(gatherer, "git_state", lambda _: there.append(notebook.exists()))
    executed = Executed(cells=[], raw=[], notebook=None, kernel=None, started_in=1)
    into = str(tmp_path / "files")
    gather(Request(folder="/", cuda=None, path=[], executed=executed, into=into))
    assert there == [True]


def test_of_a_run_that_has_ended_no_notebook_is_written(tmp_path: Path) -> None:
    executed = Executed(cells=[], raw=[], notebook=None, kernel=None, started_in=1)
    into = str(tmp_path / "files")
    request = Request(folder=None, cuda="", path=sys.path, executed=executed, into=into)
    assert {*gather(request, is_over=lambda: True).kept} == {tags.ARTIFACT_ENVIRONMENT}
    assert {*gather(request).kept} == {tags.ARTIFACT_ENVIRONMENT, tags.ARTIFACT_NOTEBOOK}
