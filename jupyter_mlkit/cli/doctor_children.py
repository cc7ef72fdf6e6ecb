"""Programs with a page of their own: where their sockets lie, which run, what was left behind."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..children.folder import BELOW, MAX_PATH, UnsafeFolderError, check_private, socket_folder
from ..children.leftovers import Owner, processes_of
from .finding import Finding


def examine_children() -> Iterator[Finding]:
    """Look at the folder of sockets, at what runs there and at what nobody looks after."""
    try:
        folder = socket_folder()
    except UnsafeFolderError as error:
        yield Finding("sockets of programs", "no place", error.message, error.hint or "")
        return
    length = len(os.fsencode(folder)) + BELOW
    yield Finding("length of a socket's path", f"{length} bytes, at most {MAX_PATH} ({folder})")
    if not os.path.lexists(folder):
        yield Finding("folder of programs", f"{folder} will be made at the first use", absent=True)
        return
    try:
        check_private(folder)
    except UnsafeFolderError as error:
        yield Finding("folder of programs", str(folder), error.message, error.hint or "")
        return
    yield Finding("folder of programs", f"{folder} is a folder of yours alone (0700)")
    places = sorted(path for path in folder.iterdir() if path.is_dir())
    for place in places:
        yield _program(place)
    if not places:
        yield Finding("programs", "none runs", absent=True)


def _program(place: Path) -> Finding:
    name = f"program {place.name}"
    try:
        owner = msgspec.json.decode((place / Owner.FILE).read_bytes(), type=Owner)
    except (OSError, msgspec.DecodeError):
        return Finding(name, "is being made, or not ours", absent=True)
    name = f"{owner.kind or 'program'} {place.name}"
    if not owner.server.is_here:
        return Finding(name, "of another machine", absent=True)
    running = processes_of(owner.nonce)
    count = f"{len(running)} process{'' if len(running) == 1 else 'es'}"
    if owner.server.is_alive:
        state = f"{count} for the server with pid {owner.server.pid}"
        return Finding(name, state if running else "has ended; its server clears up")
    if not running:
        state = "left by a server that is gone; the next one removes its folder"
        return Finding(name, state, absent=True)
    pids = shlex.join(str(pid) for pid in running)
    return Finding(
        name,
        f"{count} of a server that is gone",
        "nobody uses or ends it",
        f"open a program in JupyterLab: the server ends what is left; or: kill {pids}",
    )
