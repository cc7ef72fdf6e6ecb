"""What a run remembers of the code that it was made with."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from jupyter_mlkit.train.environment import (
    DIFF_BYTES,
    environment_text,
    git_state,
    installed,
    requirements,
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, timeout=20)

    git("init", "-q", "-b", "work")
    (tmp_path / "code.py").write_text("a = 1\n")
    git("add", "code.py")
    git("commit", "-q", "-m", "Start")
    return tmp_path


def test_clean_and_dirty(repository: Path) -> None:
    clean = git_state(repository)
    assert clean is not None
    assert (clean.branch, clean.dirty, clean.diff) == ("work", False, b"")
    assert len(clean.commit) == 40
    (repository / "code.py").write_text("a = 2\n")
    dirty = git_state(repository)
    assert dirty is not None
    assert dirty.dirty
    assert b"+a = 2" in dirty.diff


def test_large_diffs_are_cut(repository: Path) -> None:
    (repository / "code.py").write_text("x = 1\n" * DIFF_BYTES)
    state = git_state(repository)
    assert state is not None
    assert len(state.diff) < DIFF_BYTES + 100
    assert state.diff.endswith(b"larger than 1 MB\n")


def test_no_program_of_the_repository_is_run(repository: Path) -> None:
    mark = repository / "mark"
    (repository / ".gitattributes").write_text("*.py diff=evil\n")
    for key in ("diff.evil.command", "diff.evil.textconv", "diff.external"):
        subprocess.run(
            ["git", "config", key, f"touch {mark};:"], cwd=repository, check=True, timeout=20
        )
    (repository / "code.py").write_text("a = 3\n")
    state = git_state(repository)
    assert state is not None
    assert state.dirty
    assert not mark.exists()


def test_outside_of_git(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None


def test_environment_is_what_pip_reads() -> None:
    lines = environment_text().splitlines()
    assert lines[0].startswith("# python 3.")
    assert f"numpy=={metadata.version('numpy')}" in lines
    assert len(installed()) == len(set(installed()))
    assert requirements(["numpy"]) == [f"numpy=={metadata.version('numpy')}"]
