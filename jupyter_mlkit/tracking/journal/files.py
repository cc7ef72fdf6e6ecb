"""Files that wait beside the journal of their run: whole, or not there."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

#: No name that anybody else gives a file.
_UNFINISHED = ".mlkit-part"


def stage(path: Path, content: bytes) -> None:
    """Write a file whole.

    Raises
    ------
    OSError
        It cannot be written; what was there before is there still.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    part.write_bytes(content)
    part.replace(path)


def stage_copy(source: Path, path: Path) -> None:
    """Copy a file whole.

    Raises
    ------
    OSError
        It cannot be read or written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{_UNFINISHED}")
    try:
        shutil.copyfile(source, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def staged(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that are whole.

    Those that come or go meanwhile, with their folders, may be among them or not.
    """
    # Unlike a glob it does not mind a folder that was just removed.
    found = [Path(inside, name) for inside, _, names in os.walk(folder) for name in names]
    for path in sorted(found):
        if path.suffix != _UNFINISHED and path.is_file() and not path.is_symlink():
            yield path
