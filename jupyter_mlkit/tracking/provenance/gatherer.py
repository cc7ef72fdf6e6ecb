"""What takes longer than a call may, gathered in a process of its own.

In the training's process it would hold the interpreter's lock: each call that logs would wait.
Imports neither MLflow nor numpy, and what it finds is kept though whoever asked is killed.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .. import tags
from ..journal.files import stage
from .asking import asked, has_ended
from .cells import Cell, RawCell, clean_cells
from .environment import environment_text
from .git import GitState, git_state
from .stored import FileCell, StoredNotebook, file_stamp, pack, read_file

#: Added to the priority after git was asked: a training is not to wait for a list of packages.
_LATER = 19


class Executed(msgspec.Struct, kw_only=True):
    """The cells of a kernel, and the notebook that is open on it."""

    cells: list[Cell]
    raw: list[RawCell]
    notebook: str | None
    kernel: str | None
    started_in: int | None


class Request(msgspec.Struct, kw_only=True):
    """What is to be found out.

    Parameters
    ----------
    folder : str or None
        Of the repository that is asked.
    cuda : str or None
        The version that is in use; None where the environment is known already.
    path : list of str
        Where packages are looked for.
    executed : Executed, optional
    into : str, optional
        A folder where all that is found is written, by its artifact path.
    place : str
        Where among the artifacts; see :func:`placed`.
    """

    folder: str | None
    cuda: str | None
    path: list[str]
    executed: Executed | None = None
    into: str | None = None
    place: str = ""


class Reply(msgspec.Struct, kw_only=True):
    """What was found out.

    Parameters
    ----------
    git : GitState, optional
    cells : list of Cell
        Those that came raw.
    file : list of FileCell, optional
        The cells of the notebook file, as it was at `stamp`.
    environment : str
    kept : dict
        Digests of the files that were written, by their names.
    troubles : list of str
    """

    git: GitState | None = None
    cells: list[Cell] = []
    file: list[FileCell] | None = None
    stamp: tuple[int, int] | None = None
    environment: str = ""
    kept: dict[str, str] = {}
    troubles: list[str] = []


def placed(name: str, place: str) -> str:
    """Return the artifact path of a file, with all that belongs to it in a folder of its own."""
    return f"{place}/{name.rpartition('/')[2]}" if place else name


def gather(
    request: Request,
    *,
    is_over: Callable[[], bool] = lambda: False,
    be_nice: Callable[[], Any] = lambda: None,
) -> Reply:
    """Find out what is asked, one thing after the other; what fails does not keep the others.

    Parameters
    ----------
    request : Request
    is_over : callable
        Tells whether the run has ended: then there is a later notebook, and none is written.
    be_nice : callable
        Called when what is urgent was done.
    """
    reply = Reply()

    # Cells first: git may take long, and meanwhile a run ends with a later notebook.
    def read_cells() -> None:
        if request.executed is not None:
            _read_cells(request.executed, request, reply, is_over)

    # Then git: what somebody changes from now on is not of this run.
    def ask_git() -> None:
        if request.folder is not None:
            reply.git = git_state(Path(request.folder))
            if reply.git is not None and reply.git.diff:
                _keep(request, reply, tags.ARTIFACT_GIT_DIFF, reply.git.diff)

    def list_packages() -> None:
        be_nice()
        if request.cuda is not None:
            reply.environment = environment_text(request.cuda)
            _keep(request, reply, tags.ARTIFACT_ENVIRONMENT, reply.environment.encode())

    for part in (read_cells, ask_git, list_packages):
        try:
            part()
        except Exception as error:  # noqa: BLE001 - told to whoever asked, who goes on
            reply.troubles.append(f"{type(error).__name__}: {error}")
    return reply


def _read_cells(
    executed: Executed, request: Request, reply: Reply, is_over: Callable[[], bool]
) -> None:
    reply.cells = clean_cells(executed.raw)
    if executed.notebook is not None:
        path = Path(executed.notebook)
        reply.stamp = file_stamp(path)
        reply.file = read_file(path)
    cells = sorted([*executed.cells, *reply.cells], key=lambda one: one.execution_count)
    notebook = StoredNotebook(
        cells=cells,
        notebook=executed.notebook,
        kernel=executed.kernel,
        started_in=executed.started_in,
        file=reply.file,
    )
    packed = pack(notebook)
    if not is_over():
        _keep(request, reply, tags.ARTIFACT_NOTEBOOK, packed)


def _keep(request: Request, reply: Reply, name: str, content: bytes) -> None:
    if request.into is not None:
        name = placed(name, request.place)
        stage(Path(request.into) / name, content)
        reply.kept[name] = hashlib.sha256(content).hexdigest()


def main() -> None:
    """Gather what standard input asks for, and tell it on standard output."""
    asking = sys.stdin.buffer
    request = msgspec.msgpack.decode(asked(asking), type=Request)
    sys.path[:] = request.path
    reply = gather(request, is_over=lambda: has_ended(asking), be_nice=lambda: os.nice(_LATER))
    try:
        sys.stdout.buffer.write(msgspec.msgpack.encode(reply))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever asked is gone; what was found is kept
        os._exit(0)
