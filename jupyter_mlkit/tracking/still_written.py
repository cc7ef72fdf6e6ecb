"""Runs of a file store that somebody may still write, so that no half of them is copied."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from .mlruns_files import META

#: As a name since MLflow 2, as a number before.
_RUNNING = re.compile(r"^status:\s*['\"]?(1|RUNNING)\b", re.MULTILINE)
#: A run that was killed stays "running" for ever: whoever logs does so within this time.
RECENT_SECONDS = 600


def running(runs: Iterable[Path]) -> list[Path]:
    """Return the folders of runs that have not ended, as far as MLflow was told."""
    return [run for run in runs if _RUNNING.search((run / META).read_text(errors="replace"))]


def recently(runs: Iterable[Path]) -> list[Path]:
    """Return those in which something was written a short time ago."""
    now = time.time()
    return [
        run
        for run in runs
        if any(now - when / 1e9 < RECENT_SECONDS for _, when in written(run).values())
    ]


def written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of each file of a file store that is no artifact."""
    return dict(_written(folder))


def _written(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for place, folders, names in os.walk(folder):
        if META in names and "artifacts" in folders:
            folders.remove("artifacts")
        for name in names:
            file = Path(place, name)
            try:
                seen = file.stat()
            except FileNotFoundError:
                continue
            yield file, (seen.st_size, seen.st_mtime_ns)
