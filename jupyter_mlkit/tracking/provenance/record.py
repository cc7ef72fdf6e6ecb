"""Provenance of a run, for whoever starts and ends runs.

``at_start`` when a run was made, ``at_end`` when it is over. Both return what is to be stored
with the run, each thing once however often they are called, are cheap, and never raise: a run
without provenance is better than no run.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from .. import tags
from ..journal.files import stage
from .cells import executed_cells, history, running_cell
from .gatherer import placed
from .gathering import Gathered, Gathering
from .kernel import code_folder, kernel_name, notebook_path, shell
from .nvml import gpu_joules
from .source import source_tags
from .stored import StoredNotebook, file_stamp, pack, read_file
from .usage import Reading, Usage

_log = logging.getLogger(__name__)
#: Longer than git and a driver are waited for together nobody is waited for.
_WAIT_S = 10.0
#: Ended runs are remembered, as they may be continued; of a long sweep not all.
_MOST_REMEMBERED = 2_000

#: Its name; :func:`placed` tells the folder.
_SOURCE = "source.json"

Files = dict[str, bytes]


class End(NamedTuple):
    """What is to be stored with a run that ends."""

    files: Files
    metrics: dict[str, float]
    tags: dict[str, str]


@dataclass
class _Run:
    is_child: bool
    started_in: int | None
    reading: Reading | None = field(default_factory=Reading)
    usage: Usage = field(default_factory=Usage)
    gathering: Gathering | None = None
    #: Where among the artifacts: other than those of the process that has begun the run.
    place: str = ""
    #: Of a run that was resumed: what tells where this part of it comes from.
    source: dict[str, str] = field(default_factory=dict)
    #: Digests by path of what was handed out already.
    given: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new(self, files: Files) -> Files:
        """Return those of `files` that were not handed out before, and note them."""
        files = {placed(path, self.place): content for path, content in files.items()}
        with self.lock:
            digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
            fresh = {path: files[path] for path in files if self.given.get(path) != digests[path]}
            self.given |= digests
            return fresh


_lock = threading.Lock()
_runs: dict[str, _Run] = {}


def at_start(
    run_id: str,
    *,
    parent: str | None = None,
    into: Path | None = None,
) -> Files:
    """Note that a run is open, and return the files by artifact path that are there at once.

    Called for a run that is open already it returns nothing, and for one that was ended it goes
    on measuring.

    Parameters
    ----------
    run_id : str
    parent : str, optional
        Its parent. Where that was started here too, it tells where both come from: of the child
        only what it uses is measured.
    into : Path, optional
        A folder where all files are written as soon as they are there, though this process is
        killed before; then nothing is returned. By default those that take longer (git,
        environment) come with :func:`at_end`, and not at all if the process is killed before.
    """
    try:
        return _start(run_id, parent, into)
    except Exception:  # noqa: BLE001 - nothing of this may keep a run from being made
        _log.warning("The provenance of run %s could not be noted.", run_id, exc_info=True)
        return {}


def at_resume(run_id: str, *, into: Path) -> None:
    """Note that this process goes on with a run that another one has begun.

    What that one has stored stays: all of this process goes to a folder of its own among the
    artifacts. Nothing is done for a run that was begun here.

    Parameters
    ----------
    run_id : str
    into : Path
        See :func:`at_start`.
    """
    try:
        if run_id in _runs:
            _start(run_id, None, into)
            return
        begun = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        place = f"{tags.ARTIFACT_RESUMED}/{begun}-{uuid.uuid4().hex[:8]}"
        _start(run_id, None, into, place)
        run = _runs[run_id]
        run.source = source_tags()
        for name, content in run.new(_source_file(run.source, {})).items():
            stage(into / name, content)
    except Exception:  # noqa: BLE001 - nothing of this may keep a run from being resumed
        _log.warning("Where run %s is resumed could not be noted.", run_id, exc_info=True)


def is_noted(run_id: str) -> bool:
    """Return whether a run was begun or resumed by this process."""
    return run_id in _runs


def at_end(run_id: str) -> End:
    """Return files by artifact path, metrics and tags of a run that ends.

    Waits for what :func:`at_start` has begun to gather. Empty for a run that was not started
    here, and where nothing is new since the last call.
    """
    try:
        return _end(run_id)
    except Exception:  # noqa: BLE001 - nothing of this may keep a run from being ended
        _log.warning("The provenance of run %s could not be completed.", run_id, exc_info=True)
        return End({}, {}, {})


def gathered(run_id: str) -> Files:
    """Wait for what :func:`at_start` has begun to gather, and return what was not handed out."""
    run = _runs.get(run_id)
    if run is None or run.gathering is None:
        return {}
    return run.new(_files(run.gathering.wait(_WAIT_S)))


def _start(run_id: str, parent: str | None, into: Path | None, place: str = "") -> Files:
    with _lock:
        run = _runs.get(run_id)
        if run is not None:
            if run.reading is None:
                run.reading = Reading()
            return {}
        _forget_the_oldest()
        is_child = parent is not None and parent in _runs
        run = _runs[run_id] = _Run(is_child, running_cell(), place=place)
    if is_child:
        return {}

    sources = history()
    files = run.new(_notebook_files(run, sources)) if into is None else {}

    def then(found: Gathered) -> None:
        with run.lock:
            run.given |= found.kept
        if into is not None:
            # What was known of a run before was not asked again.
            for name, content in run.new(_files(found)).items():
                stage(into / name, content)

    run.gathering = Gathering(code_folder(), sources, run.started_in, into, place, then)
    return files


def _notebook_files(run: _Run, sources: list[str]) -> Files:
    notebook = _notebook(run, sources, Gathered(), None)
    return {} if notebook is None else {tags.ARTIFACT_NOTEBOOK: pack(notebook)}


def _end(run_id: str) -> End:
    run = _runs.get(run_id)
    if run is None:
        return End({}, {}, {})
    files: Files = {}
    found_tags: dict[str, str] = {}
    found = None
    if run.gathering is not None:
        found = run.gathering.wait(_WAIT_S)
        run.gathering.keep_no_notebook()  # that of the start is not to come after that of the end
        files = _files(found)
        notebook = _notebook(run, history(), found, running_cell())
        if notebook is not None:
            files[tags.ARTIFACT_NOTEBOOK] = pack(notebook)
            found_tags[tags.CELLS] = str(len(notebook.cells))
            found_tags[tags.CELLS_DIGEST] = notebook.digest
        found_tags |= _git_tags(found)
    if run.place:
        return End(run.new({**files, **_end_of_part(run, found_tags)}), {}, {})
    files = run.new(files)
    if run.reading is None:
        # Nothing was measured since it ended before: new are at most cells.
        return End(files, {}, found_tags if files else {})
    run.usage.add(run.reading, Reading())
    if found is not None and found.gpu_joules:
        run.usage.add_gpus(found.gpu_joules, gpu_joules())
    run.reading = None
    return End(files, run.usage.metrics(), found_tags | run.usage.method())


def _end_of_part(run: _Run, found: dict[str, str]) -> Files:
    """Return what tells of a part of a run: tags and metrics of it are those of its beginning."""
    if run.reading is not None:
        run.usage.add(run.reading, Reading())
        run.reading = None
    run.source |= found | run.usage.method()
    return _source_file(run.source, run.usage.metrics())


def _source_file(source: dict[str, str], used: dict[str, float]) -> Files:
    told = {"format": 1, "tags": source, "used": used}
    return {_SOURCE: msgspec.json.format(msgspec.json.encode(told), indent=1)}


def _files(found: Gathered) -> Files:
    files: Files = {}
    if found.environment:
        files[tags.ARTIFACT_ENVIRONMENT] = found.environment.encode()
    if found.git is not None and found.git.diff:
        files[tags.ARTIFACT_GIT_DIFF] = found.git.diff
    return files


def _git_tags(found: Gathered) -> dict[str, str]:
    if found.git is None:
        return {}
    repository = {tags.GIT_REPOSITORY: found.git.remote} if found.git.remote else {}
    return {tags.GIT_DIRTY: str(found.git.dirty).lower(), **repository}


def _notebook(
    run: _Run, sources: list[str], found: Gathered, ended_in: int | None
) -> StoredNotebook | None:
    if shell() is None:
        return None
    path, file = notebook_path(), found.file
    # As it was saved last; cells may have been written since the start.
    if path is not None and ended_in is not None and file_stamp(path) != found.stamp:
        file = read_file(path, {one.source for one in file or []}) or file
    return StoredNotebook(
        cells=executed_cells(sources),
        notebook=None if path is None else str(path),
        kernel=kernel_name(),
        started_in=run.started_in,
        ended_in=ended_in,
        file=file,
    )


def _forget_the_oldest() -> None:
    ended = [run_id for run_id, run in _runs.items() if run.reading is None]
    for run_id in ended[: max(0, len(_runs) - _MOST_REMEMBERED)]:
        del _runs[run_id]


def _forget_all() -> None:
    global _lock
    _lock = threading.Lock()
    _runs.clear()


# A worker that was forked has neither the threads of its parent nor its runs.
os.register_at_fork(after_in_child=_forget_all)
