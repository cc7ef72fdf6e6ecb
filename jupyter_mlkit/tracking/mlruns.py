"""File stores of an older MLflow (``./mlruns``): found, counted, brought into a database.

MLflow's own migration does it, into a file of its own. The folder is only read, and must stay: the
artifacts lie there.
"""

from __future__ import annotations

import logging
import shlex
import sqlite3
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from pathlib import Path

from jupyter_mlkit.errors import BackendError

from .alone import alone, count_rows, reason, refuse_open, replace_content, require_space
from .doubled_points import without_doubled
from .drafts import clear_drafts, draft
from .mlruns_files import experiments_in, metrics_in, model_metrics_in, rows_in, runs_in
from .schema import BUSY_SECONDS, is_there, prepare_file, preparing, quiet, sqlite_error
from .still_written import RECENT_SECONDS, recently, running, written
from .store import file_store_folder, is_file_store

#: A row of a database for a file with a few letters, and its part of an index, twice: once in the
#: file that is built, once in the transaction that brings it into the store.
_ROW_BYTES = 2 * 512
#: Tables with rows in a store that nobody has used yet.
_NEVER_EMPTY = frozenset({"alembic_version", "experiments", "workspaces"})


@dataclass(frozen=True)
class FileStore:
    """What lies in a folder of MLflow's, with what is in its trash.

    Attributes
    ----------
    folder : Path
    experiments, runs : frozenset of str
        Their ids.
    """

    folder: Path
    experiments: frozenset[str]
    runs: frozenset[str]

    @property
    def words(self) -> str:
        """How much it is."""
        return counted(len(self.experiments), len(self.runs))


def counted(experiments: int, runs: int) -> str:
    """Return two counts in words."""
    e, r = "" if experiments == 1 else "s", "" if runs == 1 else "s"
    return f"{experiments:,} experiment{e} and {runs:,} run{r}"


def find_file_store(folder: Path) -> FileStore | None:
    """Return the file store that `folder` is, or that is its ``mlruns``; None if there is none.

    Raises
    ------
    BackendError
        ``store_unreadable``
    """
    try:
        for place in (folder / "mlruns", folder):
            experiments = list(experiments_in(place))
            if experiments:
                runs = chain.from_iterable(runs_in(one) for one in experiments)
                return FileStore(
                    place.absolute(),
                    frozenset(str(int(one.name)) for one in experiments),
                    frozenset(one.name for one in runs),
                )
    except OSError as error:
        raise BackendError(
            f"The folder {error.filename} cannot be read: {error.strerror}.",
            code="store_unreadable",
            hint="Ask its owner for access.",
        ) from error
    return None


def offer(folder: Path, path: Path) -> BackendError | None:
    """Return what to tell of runs in `folder` that the database `path` does not have, if any.

    MLflow can fill an empty database only: where `path` is used, the offer is one beside the
    folder, until there is one.
    """
    try:
        found = find_file_store(folder)
    except BackendError:
        return None  # nobody asked for it, and who cannot read it cannot bring it
    missing = missing_runs(found, path) if found else 0
    if not found or not missing:
        return None
    command = f"jupyter mlkit upgrade {shlex.quote(str(found.folder))}"
    if not is_unused(path):
        other = found.folder.with_name("mlflow.db")
        if other.exists():
            return None
        command = f"MLFLOW_TRACKING_URI={shlex.quote(f'sqlite:///{other}')} {command}"
    return BackendError(
        f"{found.folder} has {missing:,} run{'' if missing == 1 else 's'} of an older MLflow "
        "that the store does not have.",
        code="store_file",
        hint=f"Close JupyterLab, then in a terminal: {command}",
    )


def missing_runs(found: FileStore, path: Path) -> int:
    """Return how many runs of a file store the database `path` does not have."""
    if not is_there(path):
        return len(found.runs)
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            return len(found.runs - _ids(connection, "runs", "run_uuid"))
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error


def is_unused(path: Path) -> bool:
    """Return whether nothing was ever written to a store since it was made, if it was."""
    if not is_there(path):
        return True
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            return _is_empty(connection)
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error


def plan_migration(found: FileStore, path: Path) -> None:
    """Raise what stands against bringing a file store into the database `path`.

    Raises
    ------
    BackendError
        ``store_not_empty``, ``store_in_use``, ``no_space``.
    """
    if not is_unused(path):
        raise _not_empty(path)
    busy = recently(open_runs(found))
    if busy:
        raise _still_written(found, f"{len(busy):,} of its runs, such as {busy[0].name},")
    there = next(folder for folder in path.parents if folder.exists())
    require_space(there / path.name, _ROW_BYTES * rows_in(found.folder).total())


def _not_empty(path: Path) -> BackendError:
    return BackendError(
        f"The store {path} has experiments or runs already, and MLflow brings a file store "
        "only into an empty one.",
        code="store_not_empty",
        hint="Give it a database of its own: set MLFLOW_TRACKING_URI to a sqlite:/// file "
        "that is not there yet, for this command and to look at it.",
    )


def open_runs(found: FileStore) -> list[Path]:
    """Return the folders of the runs that MLflow was not told the end of."""
    return running(chain.from_iterable(runs_in(one) for one in experiments_in(found.folder)))


def _still_written(found: FileStore, what: str) -> BackendError:
    return BackendError(
        f"Somebody is writing to {found.folder}: {what} would be copied in half.",
        code="store_in_use",
        hint="Wait until the trainings that log there have ended, then try again; one that was "
        f"killed is taken {RECENT_SECONDS // 60} minutes after it has logged last.",
    )


def migrate(found: FileStore, path: Path, artifact_root: Path) -> int:
    """Bring a file store into the database `path`, which is made where it is missing.

    Parameters
    ----------
    found : FileStore
    path : Path
    artifact_root : Path
        Where the artifacts of new experiments go, if the database is made here.

    Returns
    -------
    int
        How many lines are left out as equal to another; see :mod:`.doubled_points`.

    Raises
    ------
    BackendError
        Those of :func:`plan_migration`, ``store_in_use``, ``migration_failed``, and those of
        :func:`~jupyter_mlkit.tracking.store.prepare_store`. The database is as it was.
    """
    path = path.resolve()
    plan_migration(found, path)
    prepare_file(path, artifact_root)
    with preparing(path), alone(path) as store:
        refuse_open(path)
        clear_drafts(path)
        try:
            if not _is_empty(store):
                raise _not_empty(path)
            with draft(path) as new:
                before = written(found.folder)
                left_out = _fill(new, found)
                changed = before.items() ^ written(found.folder).items()
                if changed:
                    raise _still_written(found, str(min(changed)[0]))
                _check(new, found, left_out)
                replace_content(store, new)
                return left_out.total()
        # MLflow trusts the files to be as it would write them, and raises whatever happens.
        except Exception as error:
            if isinstance(error, BackendError) and error.hint:
                raise  # it says already what to do
            raise BackendError(
                f"{found.folder} could not be brought into {path}, which is as it was: "
                f"{reason(error)}",
                code="migration_failed",
                hint="Mend or move away what the message names, then try again.",
            ) from error


def lost_artifacts(path: Path) -> list[str]:
    """Return where runs say that their artifacts are, on this machine, and no folder is.

    Those of deleted experiments lie in the trash of the file store, and are not looked for.
    """
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        places = connection.execute(
            "SELECT artifact_uri FROM runs JOIN experiments USING (experiment_id)"
            " WHERE experiments.lifecycle_stage = 'active' AND artifact_uri IS NOT NULL"
        ).fetchall()
    return sorted(
        uri for (uri,) in places if is_file_store(uri) and not file_store_folder(uri).is_dir()
    )


def _is_empty(store: sqlite3.Connection) -> bool:
    tables = {
        row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    return not (
        any(
            store.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()  # noqa: S608
            for table in tables - _NEVER_EMPTY
            if not table.startswith("sqlite_")
        )
        or store.execute("SELECT 1 FROM experiments WHERE experiment_id <> 0").fetchone()
    )


def _fill(new: Path, found: FileStore) -> Counter[str]:
    """Do what ``mlflow migrate-filestore`` does."""
    from mlflow.store.fs2db import migrate as fill
    from sqlalchemy import URL

    with (
        without_doubled(found.folder, metrics_in(found.folder), model_metrics_in(found.folder)) as (
            folder,
            left_out,
        ),
        # It prints a summary, and changes the filters of warnings.
        quiet(),
        redirect_stdout(StringIO()),
        warnings.catch_warnings(),
        _closed(new),
        _told() as unread,
    ):
        # Not from text: a folder may have any name.
        fill(folder, URL.create("sqlite", database=str(new)), progress=False)
    if unread:  # MLflow leaves out what it cannot read
        raise BackendError(unread[0].replace(str(folder), str(found.folder)))
    return left_out


@contextmanager
def _told() -> Iterator[list[str]]:
    """Collect what MLflow warns of."""
    messages: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, collect = logging.getLogger("mlflow.store.fs2db"), Collect(logging.WARNING)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(collect)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(collect)
        logger.setLevel(level)
        logger.propagate = propagate


@contextmanager
def _closed(new: Path) -> Iterator[None]:
    """Close the database afterwards: MLflow leaves its engine, with a connection, to chance."""
    from sqlalchemy import Connection, Engine, event

    engines = []

    def remember(connection: Connection) -> None:
        if connection.engine.url.database == str(new):
            engines.append(connection.engine)

    event.listen(Engine, "engine_connect", remember)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", remember)
        for engine in engines:
            engine.dispose()


def _check(new: Path, found: FileStore, left_out: Counter[str]) -> None:
    with closing(sqlite3.connect(new)) as connection:
        sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if sound != "ok":
            raise BackendError(f"what MLflow has made is damaged: {sound}")
        for kind, column, wanted in (
            ("experiments", "experiment_id", found.experiments),
            ("runs", "run_uuid", found.runs),
        ):
            missing = wanted - _ids(connection, kind, column)
            if missing:
                raise BackendError(
                    f"{len(missing):,} of {len(wanted):,} {kind} could not be read, such as that "
                    f"in the folder {min(missing)}."
                )
        brought = count_rows(connection)
    for kind, rows in (rows_in(found.folder) - left_out).items():
        if brought[kind] != rows:
            raise BackendError(f"of {rows:,} {kind} in the folder {brought[kind]:,} were brought.")


def _ids(connection: sqlite3.Connection, table: str, column: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(f"SELECT {column} FROM {table}")}  # noqa: S608
