"""The commit that code was run from, and what was changed since."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ..redact import redact
from .diffs import redact_diff
from .secrets import known_secrets

#: A git that hangs (a dead network folder) must not hold up a training.
TIMEOUT_S = 5.0
#: A diff beyond this is cut: it would be data that was never meant for git.
DIFF_BYTES = 1_000_000
#: So many names of files that git does not track are listed.
_MOST_UNTRACKED = 1_000
#: A repository must not choose programs that we run, nor a variable another repository.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_ELSEWHERE = frozenset(["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"])


@dataclass(frozen=True)
class GitState:
    """The commit that code was run from, and what was changed since.

    Parameters
    ----------
    commit, branch : str
        The branch is empty where none is checked out.
    dirty : bool
        Tracked files differ from the commit.
    diff : bytes
        What ``git apply`` takes, without secrets; names of files that git does not track in
        lines before it. At most about `DIFF_BYTES`, with a last line that says so where it was
        cut. Empty where nothing differs.
    remote : str
        Where the repository was cloned from, without credentials; empty where nowhere.
    """

    commit: str
    branch: str
    dirty: bool
    diff: bytes
    remote: str = ""


def git_state(folder: Path) -> GitState | None:
    """Return the state of the repository of `folder`; None where there is no commit.

    Asks git, which takes some 20 ms in a small repository and seconds in a huge one: not for
    the path of a call that a person waits for.
    """
    head = git_head(folder)
    if head is None:
        return None
    top = _git(folder, "rev-parse", "--show-toplevel")
    root = folder if top is None else Path(os.fsdecode(top).removesuffix("\n"))
    diff = _git(root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD") or b""
    names = _git(root, "ls-files", "--others", "--exclude-standard") or b""
    untracked = names.decode(errors="replace").splitlines()
    remote = _git(root, "config", "--get", "remote.origin.url") or b""
    return GitState(
        *head,
        dirty=bool(diff),
        diff=_text(diff, untracked).encode(),
        remote=redact(remote.decode(errors="replace").strip()),
    )


def git_head(folder: Path) -> tuple[str, str] | None:
    """Return commit and branch of the repository of `folder`, without a process if possible.

    The branch is empty where none is checked out; None where there is no commit.
    """
    git = _git_folder(folder)
    if git is None:
        return None
    found = None
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = _read_head(git)
    if found is None:  # a format that only git reads, or no commit yet
        told = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
        if told is None:
            return None
        commit, _, branch = told.decode(errors="replace").strip().partition("\n")
        found = commit, "" if branch == "HEAD" else branch
    return found


def _text(diff: bytes, untracked: list[str]) -> str:
    text = redact_diff(diff[:DIFF_BYTES].decode(errors="replace"), known_secrets())
    if len(diff) > DIFF_BYTES:
        text += "\n# cut here: the diff is larger than 1 MB\n"
    lines = [f"# untracked: {name}\n" for name in untracked[:_MOST_UNTRACKED]]
    if len(untracked) > _MOST_UNTRACKED:
        lines.append(f"# untracked: and {len(untracked) - _MOST_UNTRACKED} more files\n")
    return "".join(lines) + text


def _git_folder(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        try:
            if git.is_dir():
                return git
            if git.is_file():  # a linked work tree or a submodule
                named = git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
                return parent / named
        except (OSError, UnicodeDecodeError):
            return None
    return None


def _read_head(git: Path) -> tuple[str, str] | None:
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return (head, "") if _is_commit(head) else None
    name = head.removeprefix("ref: ")
    shared = git
    if (git / "commondir").exists():
        shared = git / (git / "commondir").read_text(encoding="utf-8").strip()
    branch = name.removeprefix("refs/heads/")
    for place in (git / name, shared / name):
        if place.is_file():
            commit = place.read_text(encoding="utf-8").strip()
            return (commit, branch) if _is_commit(commit) else None
    packed = shared / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8").splitlines():
            commit, _, packed_name = line.partition(" ")
            if packed_name == name and _is_commit(commit):
                return commit, branch
    return None


def _is_commit(text: str) -> bool:
    return len(text) in (40, 64) and all(sign in "0123456789abcdef" for sign in text)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints, a little more than `DIFF_BYTES` at most; None where it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in _ELSEWHERE}
    try:
        process = subprocess.Popen(
            ["git", *_SAFE, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return None  # no git: provenance is optional, the training is not
    with process:
        try:
            told = _read(process)
        finally:
            process.kill()
    if told is None:
        return None
    # Killed because it had more to say than is kept.
    return told if len(told) > DIFF_BYTES or process.returncode == 0 else None


def _read(process: subprocess.Popen[bytes]) -> bytes | None:
    assert process.stdout is not None
    deadline = time.monotonic() + TIMEOUT_S
    pipe = process.stdout.fileno()
    # Unlike select it takes the numbers of a process with thousands of open files.
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    told = bytearray()
    while len(told) <= DIFF_BYTES:
        ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            return None
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            break
        told += chunk
    return bytes(told)
