"""The step from a folder to what lies beneath it, which no name and no link can lead astray.

On Linux the kernel walks the whole path in one call (``openat2``, since 5.6) and refuses ``..``,
links and what leads to another root by itself. Elsewhere, and where a sandbox forbids that call,
each part is opened relative to the folder before it without following links.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache

#: Opens ``parts`` beneath an open folder with flags of :func:`os.open`; a new descriptor.
Descend = Callable[[int, Sequence[str], int], int]

#: The same number on every architecture that took it up (alpha, which no Jupyter runs on, apart).
_OPENAT2 = 437
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
#: A folder on the way was renamed while the kernel walked.
_ATTEMPTS = 5


class _How(ctypes.Structure):
    """``struct open_how`` of ``linux/openat2.h``."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def descend(folder: int, parts: Sequence[str], flags: int) -> int:
    """Open what `parts` names beneath the open `folder`; no link is followed on the way.

    Parameters
    ----------
    folder : int
        Descriptor of a folder; stays open.
    parts : sequence of str
        Names, none of them empty, ``.`` or ``..``; none at all for the folder itself.
    flags : int
        As for :func:`os.open`; nothing is ever created.

    Raises
    ------
    OSError
        ``ELOOP``, ``ENOTDIR`` or ``EXDEV`` where a link is on the way.
    """
    if not parts:
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=folder)
    return way()(folder, parts, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


@cache
def way() -> Descend:
    """Return the better of the two ways that this machine allows."""
    if not sys.platform.startswith("linux"):
        return by_parts
    here = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(in_one_call(here, ("proc",), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        # An old kernel, or a container whose filter knows no such call and says EPERM.
        return in_one_call if error.errno == errno.ENOENT else by_parts
    finally:
        os.close(here)
    return in_one_call


def in_one_call(folder: int, parts: Sequence[str], flags: int) -> int:
    """Let the kernel walk: ``openat2`` with ``RESOLVE_BENEATH`` and without any link."""
    path = os.fsencode("/".join(parts))
    how = _How(flags, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    for _ in range(_ATTEMPTS):
        found = int(_libc().syscall(_OPENAT2, folder, path, ctypes.byref(how), ctypes.sizeof(how)))
        if found >= 0:
            return found
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code), os.fsdecode(path))


def by_parts(folder: int, parts: Sequence[str], flags: int) -> int:
    """Walk part by part, each relative to the folder before it."""
    inner = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    here = os.dup(folder)
    try:
        for part in parts[:-1]:
            below = os.open(part, inner, dir_fd=here)
            os.close(here)
            here = below
        return os.open(parts[-1], flags, dir_fd=here)
    finally:
        os.close(here)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
