"""The private folder of sockets: short enough for a socket's path, and nobody else's."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ..errors import MLKitError
from ..paths import private_dir, runtime_dir

#: A socket's path may have 103 bytes on macOS, 107 on Linux; some libraries count one more.
MAX_PATH = 100
#: Length of the names of folders and sockets that are made below.
BELOW = len("/0123456789abcdef/s")


class UnsafeFolderError(MLKitError):
    """The folder of sockets is open to others, or cannot hold a socket."""

    code = "unsafe_runtime_dir"


def socket_folder(wanted: Path | None = None) -> Path:
    """Return where sockets may be made, without making it.

    Parameters
    ----------
    wanted : Path, optional
        Jupyter's runtime folder if left out. Where its path is too long for a socket, the
        session's runtime folder is taken (``XDG_RUNTIME_DIR``), else one in the folder for
        temporary files.

    Raises
    ------
    UnsafeFolderError
        All of them have paths that are too long.
    """
    candidates = [(wanted or runtime_dir()) / "children"]
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        candidates.append(Path(session) / "jupyter_mlkit")
    candidates.append(Path(tempfile.gettempdir()) / f"jupyter_mlkit-{os.geteuid()}")
    for folder in candidates:
        if len(os.fsencode(folder)) + BELOW <= MAX_PATH:
            return folder
    raise UnsafeFolderError(
        f"The path of {candidates[0]} is too long for a socket.",
        hint="Set JUPYTER_RUNTIME_DIR to a folder with a shorter path.",
    )


def make_private(folder: Path) -> Path:
    """Make `folder` with mode 0700 where it is missing, check it and return it."""
    try:
        private_dir(folder)
    except FileExistsError:  # a file or a dangling link: the check says which
        pass
    except OSError as error:
        raise UnsafeFolderError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            hint="Set JUPYTER_RUNTIME_DIR to a folder that you may write.",
        ) from error
    check_private(folder)
    return folder


def check_private(folder: Path) -> None:
    """Raise unless `folder` is a real folder, ours, and closed to everybody else.

    A link is not followed: who can make one decides where our sockets lie. The mode is not
    mended either, as somebody may already hold the folder open.

    Raises
    ------
    UnsafeFolderError
        Says what is wrong with it.
    """
    try:
        found = folder.lstat()
    except OSError as error:
        raise UnsafeFolderError(f"The folder {folder} is gone: {error.strerror}.") from error
    if stat.S_ISLNK(found.st_mode):
        wrong = "is a link"
    elif not stat.S_ISDIR(found.st_mode):
        wrong = "is not a folder"
    elif found.st_uid != os.geteuid():
        wrong = f"belongs to the user with id {found.st_uid}"
    elif stat.S_IMODE(found.st_mode) & 0o077:
        wrong = f"has mode {stat.S_IMODE(found.st_mode):04o}, so others may enter it"
    else:
        return
    raise UnsafeFolderError(
        f"{folder} {wrong}; no socket is made there.",
        hint="Look who made it, then remove it: it is made anew with mode 0700.",
    )
