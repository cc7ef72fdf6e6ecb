"""Folders, locks and file systems: what a store file needs of the disk it lies on."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_mlkit.errors import BackendError

#: File systems without reliable shared memory and locks, where SQLite's WAL corrupts.
_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fhgfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb3",
        "smbfs",
        "virtiofs",
        "wekafs",
    }
)
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.overlayfs", "fuseblk"})

#: A first open makes a schema in about three seconds; a slow disk may need ten times that.
_LOCK_TIMEOUT = 60.0


def on_network(path: Path) -> bool:
    """Return whether `path` lies on a network file system, or on one that we cannot name.

    Linux names it in ``/proc/self/mountinfo`` (`statfs` has no wrapper in Python); elsewhere the
    careful answer is True.
    """
    mounts = Path("/proc/self/mountinfo")
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return True
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split()[4].replace("\\040", " ").replace("\\134", "\\")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        # Of two mounts on one point the later one is seen.
        if inside and len(mount) >= len(best):
            best, kind = mount, after.split()[0]
    if kind.startswith("fuse") and kind not in _LOCAL_FUSE:
        return True
    return not kind or kind in _NETWORK


def private_folder(path: Path) -> None:
    """Create `path` and its missing parents, each with mode 0700.

    Raises
    ------
    BackendError
        ``store_unwritable`` where it cannot be created or written.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BackendError(
            f"The folder {path} for the tracking store cannot be made: {error.strerror}.",
            code="store_unwritable",
            hint="Set MLFLOW_TRACKING_URI to a sqlite:/// file in a folder that you may write.",
        ) from error
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise BackendError(
            f"The folder {path} of the tracking store cannot be written.",
            code="store_unwritable",
            hint="SQLite keeps files beside its database: the folder itself must be writable.",
        )


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file in one step; whoever reads it sees the old content or the new one.

    That holds after the machine was stopped as well: the new content is on the disk before it
    takes the old one's place.

    Raises
    ------
    OSError
        It stays as it was.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def exclusive(
    path: Path, timeout: float = _LOCK_TIMEOUT, *, like: Path | None = None
) -> Iterator[None]:
    """Hold the lock file `path` against other threads and processes.

    Parameters
    ----------
    path : Path
    timeout : float
    like : Path, optional
        Whoever may write this file may hold the lock; else only the owner may.

    Raises
    ------
    BackendError
        ``store_locked`` after `timeout` seconds, ``store_unwritable``.
    """
    try:
        handle = _lock_file(path, like)
    except OSError as error:
        raise BackendError(
            f"The lock file {path} of the tracking store cannot be opened: {error.strerror}.",
            code="store_unwritable",
            hint="Ask its owner to let you write it; while nobody uses the store it may be "
            "removed.",
        ) from error
    try:
        deadline = time.monotonic() + timeout
        while not try_lock(handle):
            if time.monotonic() > deadline:
                raise BackendError(
                    f"Another process has been preparing the store beside {path} for "
                    f"{timeout:.0f} seconds.",
                    code="store_locked",
                    hint="Close the other Jupyter servers that use this store, then try again.",
                )
            time.sleep(0.02)  # flock has no time limit of its own
        try:
            yield
        finally:
            unlock(handle)
    finally:
        os.close(handle)


def _lock_file(path: Path, like: Path | None) -> int:
    mode = like.stat().st_mode & 0o666 if like is not None and like.exists() else 0o600
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    seen = os.fstat(handle)
    if seen.st_uid == os.geteuid() and mode & ~seen.st_mode:  # what the umask has taken away
        os.fchmod(handle, mode | seen.st_mode & 0o777)
    return handle


def try_lock(handle: int) -> bool:
    """Lock an open file where nobody else has; true too where the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
            return True  # a file system without locks: the link below still decides who wins
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EINTR):
            return False
        raise
    return True


def unlock(handle: int) -> None:
    """Give back what :func:`try_lock` has locked.

    To close the file is not enough: a worker that was forked meanwhile holds it open, too.
    """
    with suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_UN)
