"""Output of jobs that ended long ago is let go; what became of them is kept."""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import output
from .record import ENDED, JobRecord

_log = logging.getLogger(__name__)

#: Files that say what a job was and how it ended; an attempt's folder has the same.
_KEPT = frozenset({"spec.yaml", "state.json", "result.json", "exit.json"})
_ATTEMPT = re.compile(r"attempt-\d+")
#: Less than this is not worth to be removed; so is the line that is left in its place.
_LITTLE = 16 * 1024
_DAY = 24 * 3600 * 1000


@dataclass(frozen=True)
class Keep:
    """How long, and how much of it, the output of ended jobs is kept.

    Attributes
    ----------
    days : float or None
        After the end of a job.
    size : int or None
        Bytes of all jobs together; the newest are kept.
    """

    days: float | None = 30.0
    size: int | None = 2 * 1024**3


def prune(jobs: Path, records: Iterable[JobRecord], keep: Keep, at: int) -> list[str]:
    """Remove output and other large files of old jobs; return whose.

    Parameters
    ----------
    jobs : Path
        The folder that holds one folder for each job.
    records : iterable of JobRecord
        Jobs that have ended are looked at, the others are left alone. So is the job that ended
        last, however much it has left.
    keep : Keep
    at : int
        Now, in milliseconds since 1970.
    """
    ended = [one for one in records if one.state in ENDED and not one.open_runs]
    ended.sort(key=lambda one: one.ended or 0, reverse=True)
    held, pruned = 0, []
    for place, record in enumerate(ended):
        try:
            size = _removed(jobs / record.job_id, really=False)
            held += size
            is_old = keep.days is not None and at - (record.ended or 0) > keep.days * _DAY
            is_much = keep.size is not None and held > keep.size
            if place and size > _LITTLE and (is_old or is_much):
                _removed(jobs / record.job_id, really=True)
                held -= size
                pruned.append(record.job_id)
        except OSError as error:
            _log.warning("Old files of job %s could not be removed: %s", record.job_id, error)
    return pruned


def _removed(folder: Path, *, really: bool) -> int:
    """Return how many bytes pruning a job's folder frees; do it if that is meant.

    All of it happens beneath a handle of the folder itself: a link in its place, or in the place
    of anything in it, leads nowhere.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return 0  # gone, or not a folder that we have made
    try:
        freed = _sweep(handle, really=really)
        if really:
            _say(handle)
    finally:
        os.close(handle)
    return freed


def _sweep(folder: int, *, really: bool) -> int:
    freed = 0
    for name in os.listdir(folder):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            if name not in _KEPT:
                freed += found.st_size
                if really:
                    os.unlink(name, dir_fd=folder)
            continue
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            freed += _sweep(below, really=really)
        finally:
            os.close(below)
        if really and not _ATTEMPT.fullmatch(name):
            shutil.rmtree(name, dir_fd=folder)
    return freed


def _say(folder: int) -> None:
    name = output.first_segment(Path()).name
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    with os.fdopen(file, "w", encoding="utf-8") as told:
        told.write("The output of this job was removed some time after its end.\n")
