"""Files beneath a root, reached so that no name can lead out of it.

A path is never checked and then opened: it is split once, and :mod:`.descend` walks its parts
without following links, so there is nothing between check and use. (Every fix of MLflow's that
validated strings was bypassed by a new encoding; see CVE-2023-1177, CVE-2023-6909,
CVE-2024-1560, CVE-2024-3848.)
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jupyter_mlkit.errors import InvalidInputError, NotFoundError

from .descend import descend

_LONGEST_PATH = 4096
_LONGEST_NAME = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
# Without O_NONBLOCK a named pipe would hold the thread for ever.
_FILE = os.O_RDONLY | os.O_NONBLOCK
#: What ends or changes a path somewhere between a browser and a tracking server (`#`, `?`), on
#: another system (a backslash, a drive) or in a terminal (control characters).
_ODD = re.compile(r"[\x00-\x1f\x7f\\#?]|(^|/)[A-Za-z]:")


@dataclass(frozen=True)
class Entry:
    """A regular file or a folder; links, pipes and devices are not shown."""

    name: str
    is_dir: bool
    size: int | None


def split_path(path: str) -> tuple[str, ...]:
    """Return the parts of a relative path that was decoded once; empty for the root.

    Raises
    ------
    InvalidInputError
        ``bad_path`` for anything that is not a plain relative path with ``/``.
    """
    if path == "":
        return ()
    parts = tuple(path.split("/"))
    odd = (
        len(path) > _LONGEST_PATH
        or any(
            part in ("", ".", "..") or len(part.encode("utf-8", "surrogatepass")) > _LONGEST_NAME
            for part in parts
        )
        or _ODD.search(path) is not None
        or not _encodable(path)
    )
    if odd:
        raise InvalidInputError(
            "This is not the path of an artifact.",
            code="bad_path",
            field="path",
            hint="Paths are relative, with / between their parts, as in maps/split.png",
        )
    return parts


def list_folder(root: Path, parts: Sequence[str]) -> list[Entry]:
    """Return what lies in a folder beneath `root`: folders first, then by name.

    Raises
    ------
    NotFoundError
        Where there is no such folder, or a link on the way.
    """
    folder = open_folder(root, parts)
    try:
        entries = []
        with os.scandir(folder) as found:
            for item in found:
                with suppress(FileNotFoundError):  # gone since the scan
                    state = item.stat(follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        entries.append(Entry(item.name, True, None))
                    elif stat.S_ISREG(state.st_mode):
                        entries.append(Entry(item.name, False, state.st_size))
    finally:
        os.close(folder)
    return sorted(entries, key=lambda entry: (not entry.is_dir, entry.name))


def open_file(root: Path, parts: Sequence[str]) -> tuple[BinaryIO, int]:
    """Open a regular file beneath `root` and return it with its size in bytes.

    Raises
    ------
    NotFoundError
        Where there is no such file, or a link on the way.
    """
    if not parts:
        raise _missing(parts)
    handle = _open(root, parts, _FILE)
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise _missing(parts)
    return os.fdopen(handle, "rb"), state.st_size


def open_folder(root: Path, parts: Sequence[str]) -> int:
    """Open a folder beneath `root` and return its descriptor, which the caller closes.

    Raises
    ------
    NotFoundError
        Where there is no such folder, or a link on the way.
    """
    return _open(root, parts, _FOLDER)


def _open(root: Path, parts: Sequence[str], flags: int) -> int:
    try:
        # The root itself is the administrator's choice and may be a link.
        top = os.open(root, _FOLDER | os.O_CLOEXEC)
        try:
            return descend(top, parts, flags)
        finally:
            os.close(top)
    except OSError as error:
        raise _mapped(error, parts) from error


def _mapped(error: OSError, parts: Sequence[str]) -> Exception:
    # ELOOP, ENOTDIR, EXDEV: a link where a folder should be. What is not ours to read is not there.
    hidden = {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ELOOP,
        errno.EACCES,
        errno.ENXIO,
        errno.EMLINK,
        errno.ENAMETOOLONG,
        errno.EPERM,
        errno.EXDEV,
    }
    return _missing(parts) if error.errno in hidden else error


def _missing(parts: Sequence[str]) -> NotFoundError:
    return NotFoundError(
        f"There is no artifact {'/'.join(parts) or 'folder'!r}.",
        hint="Links are not followed.",
        field="path",
    )


def _encodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
