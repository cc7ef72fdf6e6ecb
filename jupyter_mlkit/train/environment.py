"""What a run was made with: packages, interpreter, machine, and the state of the code."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

#: A git that hangs (a dead network folder) must not hold up a training.
_GIT_TIMEOUT_S = 5.0
#: A diff beyond this is cut: it would be data that was never meant for git.
DIFF_BYTES = 1_000_000


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
        At most `DIFF_BYTES`, with a last line that says so where it was cut.
    """

    commit: str
    branch: str
    dirty: bool
    diff: bytes


def git_state(folder: Path) -> GitState | None:
    """Return the git state of `folder`, or None where it is not in a repository with a commit."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    branch = _git(folder, "branch", "--show-current") or b""
    # --no-ext-diff and --no-textconv: a repository must not choose programs that we run.
    diff = _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD") or b""
    dirty = bool(diff)
    if len(diff) > DIFF_BYTES:
        diff = diff[:DIFF_BYTES] + b"\n# cut here: the diff is larger than 1 MB\n"
    return GitState(commit.decode().strip(), branch.decode().strip(), dirty, diff)


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # no git, or none that answers: provenance is optional, the training is not
    return done.stdout if done.returncode == 0 else None


def environment_text() -> str:
    """Return interpreter, platform and installed distributions, as pip takes them.

    The first lines are comments, so that ``pip install -r environment.txt`` reads the rest.
    """
    lines = [
        f"# python {platform.python_version()} ({platform.python_implementation()})",
        f"# platform {platform.platform()}",
        f"# executable {sys.executable}",
    ]
    return "\n".join([*lines, *installed()]) + "\n"


def installed() -> list[str]:
    """Return ``name==version`` of every installed distribution, sorted, without calling pip."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # A broken install leaves a folder without a name.
        name = distribution.metadata["Name"] if distribution.metadata else None
        if name:
            # The first on sys.path is the one that is imported.
            found.setdefault(name, distribution.version)
    return [f"{name}=={found[name]}" for name in sorted(found, key=str.lower)]


def requirements(names: list[str]) -> list[str]:
    """Return ``name==version`` of the distributions that a logged model needs."""
    return [f"{name}=={metadata.version(name)}" for name in names]
