"""The process that gathers, as whoever starts it sees it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from jupyter_mlkit.paths import ENV_JOB_NONCE
from jupyter_mlkit.tracking.provenance import beside
from jupyter_mlkit.tracking.provenance.beside import Beside
from jupyter_mlkit.tracking.provenance.gatherer import Request

_NOTHING = Request(folder=None, cuda=None, path=[])


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that is started in the place of Python."""
    program = tmp_path / "python"
    program.touch(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


def test_one_that_does_not_answer_is_ended(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python.write_text("#!/bin/sh\nexec sleep 1000\n")
    monkeypatch.setattr(beside, "_ANSWER_S", 0.1)
    silent = Beside(_NOTHING)
    told = silent.told()
    assert told is not None
    assert "did not answer" in told.troubles[0]
    assert silent._child.returncode == -signal.SIGKILL


def test_it_is_no_process_of_the_job(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_JOB_NONCE, "of-the-job")
    monkeypatch.setenv("A_LIBRARY_NEEDS", "this")
    python.write_text('#!/bin/sh\nenv > "$0.told"\n')
    assert Beside(_NOTHING).told() is None  # it has ended without a word
    told = python.with_name("python.told").read_text()
    assert "of-the-job" not in told
    assert "A_LIBRARY_NEEDS=this" in told
