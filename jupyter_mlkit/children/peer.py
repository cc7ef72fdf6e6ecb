"""Who answers at a socket: told by the kernel, not by what is said over the connection."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path

from ..errors import BackendError

#: Variable by which every process of one start of a child is known.
ENV_NONCE = "JUPYTER_MLKIT_CHILD_NONCE"
_CREDENTIALS = struct.Struct("3i")


class ImpostorError(BackendError):
    """Somebody else answers where our child should."""

    code = "child_impostor"


def connect(path: Path) -> socket.socket:
    """Return a connection to a unix socket; it does not block.

    Raises
    ------
    OSError
        Nobody listens there, or the line of who waits is full.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        connection.connect(os.fspath(path))
    except BaseException:
        connection.close()
        raise
    return connection


def listener(connection: socket.socket) -> int | None:
    """Return the pid of who listens at the other end, None where no system call tells.

    Raises
    ------
    ImpostorError
        It runs as another user.
    """
    if sys.platform != "linux":
        return None
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(told)
    if user != os.geteuid():
        raise ImpostorError(
            f"A process of the user with id {user} answers instead of our own.",
            hint="Somebody else uses this socket: look into the runtime folder.",
        )
    return int(pid)


def prove(pid: int, group: int, nonce: str) -> None:
    """Raise unless process `pid` is of the `group` that we started, with that start's nonce.

    Raises
    ------
    ImpostorError
        It is not.
    """
    try:
        in_group = os.getpgid(pid) == group
        named = f"{ENV_NONCE}={nonce}".encode() in environment_of(pid)
    except OSError:  # gone meanwhile: whoever it was
        in_group = named = False
    if not (in_group and named):
        raise ImpostorError(
            f"Process {pid}, which we did not start, answers instead of our own.",
            hint="Look what listens in the runtime folder.",
        )


def environment_of(pid: int) -> list[bytes]:
    """Return the variables with which a process was started, as ``NAME=value``."""
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
