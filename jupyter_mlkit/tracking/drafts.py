"""Files beside a store that a database is built in before anybody sees it."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".new"


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path` to build a database in; what is left of it is removed."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent)
    os.close(handle)
    new = Path(name)
    try:
        yield new
    finally:
        for leftover in path.parent.glob(f"{glob.escape(new.name)}*"):
            leftover.unlink()


def clear_drafts(path: Path) -> None:
    """Remove what killed processes have left beside `path`; only while its lock is held."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}*"):
        leftover.unlink(missing_ok=True)
