"""Who did what, and who was refused it: on Jupyter's event bus and in a file that only grows.

``python -m jupyter_mlkit.api.audit [FILE]`` tells whether the file is as it was written.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import hashlib
import logging
import os
import stat
import sys
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from ..errors import MLKitError
from ..paths import data_dir, private_dir
from .limits import Pace
from .threads import Threads

if TYPE_CHECKING:
    from jupyter_events import EventLogger

SCHEMA_ID: Final = "https://events.jupyter.org/jupyter_mlkit/audit/v1"
_SCHEMA = Path(__file__).with_name("audit.yaml")
#: Seconds that a line may take to reach the file.
_PATIENCE = 10.0
#: Bytes read back to find the last line; each is far shorter.
_TAIL = 64 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did or tried; see ``audit.yaml``."""

    person: str
    role: str
    action: str
    resource: str
    object: str
    request: str
    result: Literal["done", "failed", "denied"]
    status: int
    code: str | None
    left_out: int = 0


def audit_file() -> Path:
    """Return where the audit of this account is kept."""
    return data_dir() / "audit.jsonl"


class Audit:
    """Writes down entries in the order in which they come.

    Each line of the file holds the SHA-256 of the line before, so that a line that was changed
    or taken out is noticed; servers of the same account share the file.

    Parameters
    ----------
    event_logger : jupyter_events.EventLogger
        The server's bus.
    path : Path
        The file; made with mode 0600.
    """

    def __init__(self, event_logger: EventLogger, path: Path) -> None:
        self.path = path
        self._events = event_logger
        # Whoever is not signed in must not be able to fill the disk.
        self._strangers = Pace(1.0, 60.0)
        self._left_out = 0
        self._threads = Threads("audit", workers=1, waiting=4096)
        self._writing: set[asyncio.Task[None]] = set()
        if SCHEMA_ID not in event_logger.schemas:
            event_logger.register_event_schema(_SCHEMA)

    def note(self, entry: Entry) -> asyncio.Task[None]:
        """Emit and write `entry`; the task is done when it stands in the file."""
        if not entry.person:
            if self._strangers.wait("") > 0:
                self._left_out += 1
                return self._follow(asyncio.sleep(0))
            self._strangers.take("")
            entry = replace(entry, left_out=self._left_out)
            self._left_out = 0
        data = asdict(entry)
        self._events.emit(schema_id=SCHEMA_ID, data=data)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        return self._follow(self._write({"time": time, **data}))

    async def close(self) -> None:
        """Wait until all that was noted stands in the file."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _follow(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task

    async def _write(self, line: dict[str, Any]) -> None:
        try:
            await self._threads.call(append, self.path, line, timeout=_PATIENCE)
        except (OSError, MLKitError) as error:
            # What was done is done; who runs the server must hear that it is not written down.
            _log.error("The audit file %s cannot be written: %s. Lost: %s", self.path, error, line)


def append(path: Path, line: dict[str, Any]) -> None:
    """Write one line with the digest of the one before; other processes wait meanwhile."""
    private_dir(path.parent)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is no file")
        if stat.S_IMODE(found.st_mode) != 0o600:
            os.fchmod(file, 0o600)
        tail = os.pread(file, _TAIL, max(0, found.st_size - _TAIL))
        begun = b"" if not tail or tail.endswith(b"\n") else b"\n"  # cut short by a full disk
        last = tail.rstrip(b"\n").rpartition(b"\n")[2]
        os.write(file, begun + msgspec.json.encode({**line, "previous": _digest(last)}) + b"\n")
    finally:
        os.close(file)


def broken_line(path: Path) -> int | None:
    """Return the number of the first line that does not follow from the one before, or None."""
    last = b""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.rstrip(b"\n")
            try:
                previous = msgspec.json.decode(text)["previous"]
            except (msgspec.DecodeError, KeyError, TypeError):
                return number
            if previous != _digest(last):
                return number
            last = text
    return None


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest() if line else ""


def main(arguments: list[str] | None = None) -> int:
    """Check a file; 0 if every line follows from the one before."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlkit.api.audit")
    parser.add_argument("file", nargs="?", type=Path, default=audit_file())
    path = parser.parse_args(arguments).file
    number = broken_line(path)
    if number is not None:
        sys.stderr.write(f"{path}: line {number} or the one before was changed or is missing.\n")
        return 1
    sys.stdout.write(f"{path}: every line follows from the one before.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
