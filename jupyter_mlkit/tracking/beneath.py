"""Files beneath a root, reached so that no name can lead out of it.

A path is never checked and then opened: it is split once, and each part is opened relative to
the folder before it without following links, so there is nothing between check and use. (Every
fix of MLflow's that validated strings was bypassed by a new encoding; see CVE-2023-1177,
CVE-2023-6909, CVE-2024-1560, CVE-2024-3848.)
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jupyter_mlkit.errors import InvalidInputError, NotFoundError

_LONGEST_PATH = 4096
_LONGEST_NAME = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a named pipe would hold the thread for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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
        or any(ord(letter) < 32 or letter in "\\\x7f" for letter in path)
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
    folder = _open_folder(root, parts)
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
    folder = _open_folder(root, parts[:-1])
    try:
        handle = os.open(parts[-1], _FILE, dir_fd=folder)
    except OSError as error:
        raise _mapped(error, parts) from error
    finally:
        os.close(folder)
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise _missing(parts)
    return os.fdopen(handle, "rb"), state.st_size


def _open_folder(root: Path, parts: Sequence[str]) -> int:
    try:
        # The root itself is the administrator's choice and may be a link.
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _mapped(error, parts) from error
    for part in parts:
        try:
            inner = os.open(part, _FOLDER, dir_fd=folder)
        except OSError as error:
            raise _mapped(error, parts) from error
        finally:
            os.close(folder)
        folder = inner
    return folder


def _mapped(error: OSError, parts: Sequence[str]) -> Exception:
    # ELOOP and ENOTDIR: a link where a folder should be. What is not ours to read is not there.
    hidden = {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ELOOP,
        errno.EACCES,
        errno.ENXIO,
        errno.EMLINK,
        errno.ENAMETOOLONG,
        errno.EPERM,
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
