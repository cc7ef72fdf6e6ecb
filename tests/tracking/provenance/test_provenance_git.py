"""The state of real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jupyter_mlkit.tracking.provenance import git as provenance_git
from jupyter_mlkit.tracking.provenance.git import DIFF_BYTES, git_head, git_state

from .kernels import git, repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


def test_clean_and_dirty(root: Path) -> None:
    clean = git_state(root)
    assert clean is not None
    assert (clean.branch, clean.dirty, clean.diff) == ("work", False, b"")
    assert clean.commit == git(root, "rev-parse", "HEAD")
    (root / "code.py").write_text("a = 2\n")
    dirty = git_state(root)
    assert dirty is not None
    assert dirty.dirty
    assert b"+a = 2" in dirty.diff


def test_the_whole_repository_is_compared_and_the_diff_applies(root: Path) -> None:
    folder = root / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "new.py").write_text("secret = 'canary'\n")
    (root / "code.py").write_text("a = 2\n")
    state = git_state(folder)
    assert state is not None
    assert state.diff.startswith(b"# untracked: deep/er/new.py\n")
    assert b"canary" not in state.diff
    git(root, "checkout", "-q", "code.py")
    subprocess.run(["git", "apply"], cwd=root, input=state.diff, check=True, timeout=30)
    assert (root / "code.py").read_text() == "a = 2\n"


def test_untracked_files_alone_are_named(root: Path) -> None:
    (root / "new.py").write_text("b = 1\n")
    (root / ".gitignore").write_text("*.log\n")
    (root / "much.log").write_text("x")
    state = git_state(root)
    assert state is not None
    assert not state.dirty
    assert state.diff == b"# untracked: .gitignore\n# untracked: new.py\n"


def test_large_diffs_are_cut_and_say_so(root: Path) -> None:
    (root / "code.py").write_text("x = 1\n" * DIFF_BYTES)
    state = git_state(root)
    assert state is not None
    assert state.dirty
    assert len(state.diff) < DIFF_BYTES + 100
    assert state.diff.endswith(b"larger than 1 MB\n")


def test_no_program_of_the_repository_is_run(root: Path) -> None:
    mark = root / "mark"
    (root / ".gitattributes").write_text("*.py diff=evil\n")
    for key in ("diff.evil.command", "diff.evil.textconv", "diff.external", "core.fsmonitor"):
        git(root, "config", key, f"touch {mark};:")
    (root / "code.py").write_text("a = 3\n")
    state = git_state(root)
    assert state is not None
    assert state.dirty
    assert not mark.exists()


def test_outside_of_git_and_before_the_first_commit(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert git_state(tmp_path) is None
    assert git_head(tmp_path) is None


def test_head_is_what_git_says(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(folder: Path) -> tuple[str, str]:
        return git(folder, "rev-parse", "HEAD"), git(folder, "branch", "--show-current")

    # No process is needed for any of these.
    monkeypatch.setattr(provenance_git, "_git", lambda *_: pytest.fail("git was started"))
    assert git_head(root) == told(root)
    git(root, "checkout", "-q", "-b", "feature/one")
    assert git_head(root) == told(root)
    git(root, "pack-refs", "--all")
    assert git_head(root) == told(root)
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "-q", "-b", "other", str(linked))
    assert git_head(linked) == told(linked)
    git(root, "pack-refs", "--all")
    assert git_head(linked) == told(linked)
    git(root, "checkout", "-q", "--detach")
    assert git_head(root) == (git(root, "rev-parse", "HEAD"), "")


def test_variables_do_not_lead_elsewhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other")
    (other / "code.py").write_text("elsewhere = 1\n")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    state = git_state(root)
    assert state is not None
    assert not state.dirty


def test_a_git_that_hangs_is_left(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "bin" / "git"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\nexec sleep 600\n")
    stub.chmod(0o755)
    commit = git(root, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", str(stub.parent), prepend=":")
    monkeypatch.setattr(provenance_git, "TIMEOUT_S", 0.05)
    state = git_state(root)
    assert state is not None
    assert (state.commit, state.dirty) == (commit, False)


def test_without_git_the_commit_is_known(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(root, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    state = git_state(root)
    assert state is not None
    assert (state.commit, state.branch, state.diff) == (commit, "work", b"")
