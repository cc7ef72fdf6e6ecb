"""What a server that was killed together with the runners of its children has left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from ..processes.identity import Identity
from .peer import ENV_NONCE, environment_of


class Owner(Struct, frozen=True):
    """Whose a child is; stands in the child's folder before the child is started.

    Attributes
    ----------
    server : Identity
    nonce : str
        In the environment of every process of the child.
    kind : str
        What it is; for people only.
    """

    FILE: ClassVar[str] = "owner.json"

    server: Identity
    nonce: str
    kind: str = ""

    @classmethod
    def here(cls, nonce: str, kind: str) -> Owner:
        """Return this process as the owner."""
        me = Identity.of(os.getpid())
        assert me is not None, "this process runs"
        return cls(server=me, nonce=nonce, kind=kind)


def clear_leftovers(folder: Path) -> None:
    """End children of servers that are gone, and remove what is left of them."""
    for place in folder.iterdir():
        try:
            owner = msgspec.json.decode((place / Owner.FILE).read_bytes(), type=Owner)
        except (OSError, msgspec.DecodeError):
            continue  # not ours, or being made right now
        if owner.server.is_here and not owner.server.is_alive:
            _kill_all(owner.nonce)
            shutil.rmtree(place, ignore_errors=True)


def processes_of(nonce: str) -> list[int]:
    """Return the processes of one start of a child; none where the system shows no environments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone, or somebody else's
            if _marker(nonce) in environment_of(int(entry.name)):
                found.append(int(entry.name))
    return sorted(found)


def _kill_all(nonce: str) -> None:
    for pid in processes_of(nonce):
        with contextlib.suppress(OSError):  # gone
            handle = os.pidfd_open(pid)
            try:
                # Looked at behind the handle: from here on it is this process or none.
                if _marker(nonce) in environment_of(pid):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)


def _marker(nonce: str) -> bytes:
    return f"{ENV_NONCE}={nonce}".encode()
