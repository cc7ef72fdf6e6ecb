"""What others on this machine can reach of ours: folders, sockets, ports, the store."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from .. import paths
from .finding import Finding

_PROC = Path("/proc")
#: Variables of every process that the server starts, kernels apart.
_OURS = (b"JUPYTER_MLKIT_JOB_NONCE=", b"JUPYTER_MLKIT_CHILD_NONCE=")
#: State of a listening socket in ``/proc/net/tcp``.
_LISTEN = "0A"


def examine_security() -> Iterator[Finding]:
    """Look at the floor: private folders, sockets, listeners, permissions of the store."""
    from ..children.folder import socket_folder

    runtime = paths.runtime_dir()
    yield _folder("runtime folder", runtime)
    sockets = socket_folder()
    if sockets.parent != runtime:
        yield _folder("folder of sockets", sockets)
    yield from _sockets(sockets)
    yield _listeners()
    yield from _store()
    for name in ("audit.jsonl", "trusted_models.jsonl", "journal"):
        yield _file(name, paths.data_dir() / name)


def _folder(name: str, path: Path) -> Finding:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return Finding(name, f"{path} will be made at the first use, for you alone", absent=True)
    wrong = None
    if not stat.S_ISDIR(found.st_mode):
        wrong = "it is a link or a file, so somebody else decides what lies there"
    elif found.st_uid != os.geteuid():
        wrong = f"it belongs to the user with id {found.st_uid}"
    elif stat.S_IMODE(found.st_mode) & 0o077:
        wrong = f"its mode is {stat.S_IMODE(found.st_mode):04o}, so others may enter it"
    if wrong is None:
        return Finding(name, f"{path} is yours alone (0700)")
    fix = f"look who made it, then: chmod 700 {_quoted(path)}, or remove it"
    return Finding(name, str(path), wrong, fix)


def _sockets(folder: Path) -> Iterator[Finding]:
    found = [path for path in _below(folder) if stat.S_ISSOCK(path.lstat().st_mode)]
    reachable = [path for path in found if _open_to(path.parent, 0o011)]
    if reachable:
        yield Finding(
            "sockets",
            f"{len(found)} in {folder}",
            f"others may reach {reachable[0]}",
            f"chmod 700 {_quoted(reachable[0].parent)}",
        )
    else:
        yield Finding("sockets", f"{len(found)}, reachable by you alone", absent=not found)


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(folder.rglob("*"))
    except OSError:
        return []


def _listeners() -> Finding:
    """Look for TCP ports of jobs and of helpers of the server, which have none."""
    if not (_PROC / "net" / "tcp").exists():
        return Finding("TCP listeners", "this system does not tell", absent=True)
    listening = _listening()
    found = {pid: held for pid in _our_processes() if (held := _sockets_of(pid) & set(listening))}
    if not found:
        return Finding("TCP listeners", "none of a job or a helper")
    pid, held = next(iter(found.items()))
    ports = ", ".join(str(listening[inode]) for inode in sorted(held))
    return Finding(
        "TCP listeners",
        f"process {pid} listens on port {ports}",
        "everybody on this machine can connect to it",
        "a training that starts a service (Dask apart) should bind it to a unix socket; "
        f"stop the job, or: kill {pid}",
    )


def _listening() -> dict[str, int]:
    """Return the ports of listening sockets by the inode of the socket."""
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN:
                found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def _our_processes() -> Iterator[int]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # of another user, or gone
            continue
        if any(variable.startswith(_OURS) for variable in environment):
            yield int(entry.name)


def _sockets_of(pid: int) -> set[str]:
    found = set()
    try:
        for handle in (_PROC / str(pid) / "fd").iterdir():
            target = str(handle.readlink())
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except OSError:
        return found
    return found


def _store() -> Iterator[Finding]:
    from ..errors import MLKitError
    from ..tracking.store import artifact_root_for, local_path

    uri = paths.default_tracking_uri()
    try:
        file = local_path(uri)
    except MLKitError:
        return  # said where the store is looked at
    if file is None:
        yield Finding("store", "a server or database decides who may read it", absent=True)
        return
    yield _file("store", file)
    root = artifact_root_for(uri)
    if root is not None:
        yield _file("artifacts", root)


def _file(name: str, path: Path) -> Finding:
    if not path.exists():
        return Finding(name, f"{path} is not there yet", absent=True)
    may = "write" if _open_to(path, 0o002) else "read" if _open_to(path, 0o004) else None
    if may is None:
        return Finding(name, f"{path}: others can neither read nor write it")
    mode = "700" if path.is_dir() else "600"
    return Finding(
        name,
        str(path),
        f"every account of this machine may {may} it",
        f"chmod {mode} {_quoted(path)}",
    )


def _open_to(path: Path, bits: int) -> bool:
    """Tell whether others have one of `bits` on `path` and may pass all folders above it."""
    if not path.stat().st_mode & bits:
        return False
    return all(above.stat().st_mode & 0o001 for above in path.resolve().parents)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
