"""Provenance of runs outside of notebooks: scripts, forks, and what goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.journal.files import stage
from jupyter_mlkit.tracking.provenance import beside, gatherer, gathering, record
from jupyter_mlkit.tracking.provenance.stored import unpack

from .kernels import repository


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = repository(tmp_path / "repository")
    (root / "code.py").write_text("a = 2\n")
    monkeypatch.chdir(root)
    monkeypatch.setattr(gathering, "_latest", None)
    return root


def test_a_script_has_no_cells(root: Path) -> None:
    assert record.at_start("script") == {}
    end = record.at_end("script")
    assert set(end.files) == {tags.ARTIFACT_ENVIRONMENT, tags.ARTIFACT_GIT_DIFF}
    assert end.tags[tags.GIT_DIRTY] == "true"
    assert tags.CELLS not in end.tags


def test_what_fails_keeps_no_run_from_its_end(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    # Where no process can be started it is done in this one.
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(gatherer, "environment_text", fail)
    monkeypatch.setattr(gathering, "_environment", None)
    assert record.at_start("unlucky") == {}
    end = record.at_end("unlucky")
    assert set(end.files) == {tags.ARTIFACT_GIT_DIFF}
    assert end.metrics[tags.WALL_SECONDS] >= 0
    assert "could not be gathered" in caplog.text
    monkeypatch.setattr(record, "Reading", fail)
    monkeypatch.setattr(record, "code_folder", fail)
    assert record.at_start("worse") == {}
    assert record.at_end("worse").files == {}


def test_a_fork_has_none_of_its_parents_runs(root: Path) -> None:
    code = """
import os
from jupyter_mlkit.tracking.provenance import record
record.at_start("parent")
pid = os.fork()
if pid == 0:
    assert record.at_end("parent") == ({}, {}, {})
    record.at_start("child")
    assert len(record.at_end("child").files) == 2
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert len(record.at_end("parent").files) == 2
"""
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=120)


def test_a_worker_that_is_forked_holds_nobody_up(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than a pipe takes before anybody reads it.
    monkeypatch.setattr(sys, "path", [*sys.path, "/nowhere/" + "x" * 100_000])
    begin, end = os.pipe()
    record.at_start("forks")
    worker = os.fork()
    if worker == 0:
        os.close(end)
        os.read(begin, 1)
        os._exit(0)
    try:
        files = record.at_end("forks").files
    finally:
        os.close(end)
        os.waitpid(worker, 0)
        os.close(begin)
    assert set(files) == {tags.ARTIFACT_ENVIRONMENT, tags.ARTIFACT_GIT_DIFF}


def test_a_process_that_does_not_answer_holds_nobody_up(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o700)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(program))
        patch.setattr(beside, "_ANSWER_S", 0.1)
        record.at_start("silent")
        assert record.at_end("silent").files == {}
    assert "did not answer" in caplog.text
    monkeypatch.setattr(gathering, "_latest", None)
    record.at_start("next")
    assert tags.ARTIFACT_GIT_DIFF in record.at_end("next").files


@pytest.mark.parametrize("odd", [[Path("/nowhere"), b"/nowhere"], ["/no\udcffwhere"]])
def test_what_is_no_text_on_the_path_costs_nothing(
    odd: list[object],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, *odd])
    record.at_start(repr(odd))
    files = record.at_end(repr(odd)).files
    assert set(files) == {tags.ARTIFACT_ENVIRONMENT, tags.ARTIFACT_GIT_DIFF}
    assert caplog.text == ""


def test_a_slow_process_leaves_the_notebook_of_the_end(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlkit.tracking.provenance.cells._seen", {})
    cells = SimpleNamespace(input_hist_raw=["", "a = 1"])
    ipython = SimpleNamespace(kernel=SimpleNamespace(get_parent=dict), history_manager=cells)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: ipython))
    gate, program, into = tmp_path / "gate", tmp_path / "python", tmp_path / "files"
    os.mkfifo(gate)
    program.write_text(f'#!/bin/sh\nread line < "{gate}"\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o700)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(program))
        record.at_start("slow", into=into)
    cells.input_hist_raw.append("b = 2")
    monkeypatch.setattr(record, "_WAIT_S", 0.0)
    for name, content in record.at_end("slow").files.items():
        stage(into / name, content)
    gate.write_text("go\n")
    gathering_of_it = record._runs["slow"].gathering
    assert gathering_of_it is not None
    gathering_of_it.wait(60)
    assert (into / tags.ARTIFACT_GIT_DIFF).exists()
    notebook = unpack((into / tags.ARTIFACT_NOTEBOOK).read_bytes())
    assert [one.source for one in notebook.cells] == ["a = 1", "b = 2"]


def test_runs_that_follow_each_other_closely_ask_git_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    start = gathering._start
    monkeypatch.setattr(gathering, "_start", lambda one: asked.append(one) or start(one))
    monkeypatch.setattr(gathering, "_SAME_TREE_S", 1e9)
    for number in range(5):
        record.at_start(f"sweep-{number}")
        assert tags.ARTIFACT_GIT_DIFF in record.at_end(f"sweep-{number}").files
    assert len(asked) == 1


def test_old_runs_are_forgotten_and_open_ones_are_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_MOST_REMEMBERED", 3)
    monkeypatch.setattr(record, "_runs", {})
    record.at_start("open")
    for number in range(6):
        record.at_start(f"run-{number}", parent="open")
        record.at_end(f"run-{number}")
    assert "open" in record._runs
    assert "run-0" not in record._runs
    assert len(record._runs) <= 4
