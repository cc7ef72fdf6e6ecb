"""Files that wait beside the journal of their run: whole, or not there."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: No name that anybody else gives a file.
_UNFINISHED = ".mlkit-part"
#: Seconds without a write after which nobody writes a file any more. By its process nobody can
#: tell: that may be one of another machine or container.
_LEFT = 3600.0
#: A folder is removed at most once for each round of the drainer.
_ATTEMPTS = 20


def stage(path: Path, content: bytes) -> None:
    """Write a file whole.

    Raises
    ------
    OSError
        It cannot be written; what was there before is there still.
    """
    with _part(path) as part:
        part.write_bytes(content)


def stage_copy(source: Path, path: Path) -> None:
    """Copy a file whole.

    Raises
    ------
    OSError
        It cannot be read or written.
    """
    with _part(path) as part:
        shutil.copyfile(source, part)


@contextmanager
def _part(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to, and put what was written into its place."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{_UNFINISHED}")
    _begin(part)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _begin(part: Path) -> None:
    """Make `part`, empty, and its folder: whoever removes empty folders may do so meanwhile."""
    for attempt in range(_ATTEMPTS):
        try:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.touch(mode=0o600)
        except (FileNotFoundError, FileExistsError):
            # One of the folders was removed between two calls, or is a file, for good.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def forget_unfinished(folder: Path) -> None:
    """Delete what killed processes have left in a folder."""
    for path in _files(folder):
        if path.suffix == _UNFINISHED:
            with suppress(FileNotFoundError):  # it is whole now
                if time.time() - path.stat().st_mtime > _LEFT:
                    path.unlink()


def staged(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that are whole.

    Those that come or go meanwhile, with their folders, may be among them or not.
    """
    for path in sorted(_files(folder)):
        if path.suffix != _UNFINISHED and path.is_file() and not path.is_symlink():
            yield path


def _files(folder: Path) -> list[Path]:
    # Unlike a glob it does not mind a folder that was just removed.
    return [Path(inside, name) for inside, _, names in os.walk(folder) for name in names]
