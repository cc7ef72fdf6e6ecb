"""Kinds of children for tests, and where their processes are."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from jupyter_mlkit.children.kind import Address, Kind
from jupyter_mlkit.children.peer import ENV_NONCE

_ECHO = Path(__file__).with_name("echo.py")


def echo(*arguments: str, **changes: Any) -> Kind:
    """A child that tells what it was sent."""

    def command(address: Address) -> list[str]:
        return [sys.executable, str(_ECHO), str(address.socket), *arguments]

    settings: dict[str, Any] = {
        "ready": "/ready",
        "pages": re.compile("/page"),
        "assets": re.compile("/assets/.*"),
        "refused": re.compile("/refused.*"),
        "headers": frozenset({"x-wanted"}),
        "environment": lambda _: {"TOLD": "yes"},
    }
    return Kind("echo", "The echo", command, **(settings | changes))


def python(code: str) -> Kind:
    """A child that runs `code` with the path of the socket as its argument."""
    return Kind(
        "python",
        "The script",
        lambda address: [sys.executable, "-c", code, str(address.socket), address.host],
        ready="/",
    )


def processes(marker: str = ENV_NONCE) -> dict[int, bytes]:
    """Return the processes in whose environment `marker` stands: who, and with which words."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and marker.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:
            continue
    return found
