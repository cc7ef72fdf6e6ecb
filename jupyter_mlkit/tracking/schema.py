"""The tables of a local store: made once, whole or not at all, and checked at every start."""

from __future__ import annotations

import logging
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from jupyter_mlkit.errors import BackendError

from .disk import exclusive, on_network, private_folder
from .drafts import draft
from .statistics import keep_statistics, seed_statistics

_log = logging.getLogger(__name__)

#: How long a connection of ours waits for another writer.
BUSY_SECONDS = 5.0


def prepare_file(path: Path, artifact_root: Path) -> None:
    """Make or check the store file; see :func:`jupyter_mlkit.tracking.store.prepare_store`."""
    path = path.resolve()  # what is behind a link is made, not the link replaced
    private_folder(path.parent)
    refuse_foreign_file(path)
    with preparing(path):
        if not is_there(path):
            _create(path, artifact_root)
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
                _check_revision(connection, path)
                _use_wal(connection, path)
                keep_statistics(connection)
        except sqlite3.Error as error:
            raise sqlite_error(error, path) from error


def is_there(path: Path) -> bool:
    """Return whether there is a database; SQLite takes an empty file for one without tables."""
    return path.exists() and path.stat().st_size > 0


def check_file(path: Path) -> None:
    """Raise where the tables of a store file are not those of this MLflow; nothing is written.

    MLflow itself would bring those of an older one up to date, in place and without a backup.

    Raises
    ------
    BackendError
        ``store_schema``, ``not_a_store``, ``store_locked``.
    """
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            _check_revision(connection, path)
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error


def preparing(path: Path) -> AbstractContextManager[None]:
    """Keep all others of us from making or changing the tables of the store file."""
    return exclusive(path.with_name(path.name + ".lock"), like=path)


def refuse_foreign_file(path: Path) -> None:
    """Raise where `path` is there but is not a file that we may write.

    Notes
    -----
    What the file holds is SQLite's to find out. Opening a database by any other way and closing
    it drops all locks that this process has on it (POSIX advisory locks; "How To Corrupt An
    SQLite Database File", section 2.2): another process would then take itself for the last
    user, and throw the write-ahead log away under our connections.
    """
    if path.is_dir():
        raise BackendError(
            f"{path} is a folder, not a tracking database.",
            code="not_a_store",
            hint="Name a file, such as sqlite:////home/me/mlflow.db",
        )
    if not path.exists():
        return
    if not os.access(path, os.R_OK | os.W_OK):
        raise BackendError(
            f"The tracking database {path} cannot be read and written by this user.",
            code="store_unwritable",
            hint="Ask its owner for write access, or use a database of your own.",
        )


def require_file(path: Path) -> None:
    """Raise ``store_gone`` where the database has vanished since the server started.

    SQLite would make an empty one in its place, and MLflow a second set of tables.
    """
    if not path.exists():
        raise BackendError(
            f"The tracking database {path} is gone.",
            code="store_gone",
            hint="Put it back, or restart the server to begin with an empty one.",
        )
    refuse_foreign_file(path)


def sqlite_error(error: sqlite3.Error, path: Path) -> BackendError:
    """Return the error of ours that says what SQLite's `error` means."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return BackendError(
            f"The tracking database {path} is locked by another process.",
            code="store_locked",
            hint="Wait until its writer is done. On a network folder stale locks can stay: "
            "copy the file, or use a tracking server.",
        )
    if "not a database" in text:
        return BackendError(
            f"{path} is not an SQLite database.",
            code="not_a_store",
            hint="Move it away, or name another file in MLFLOW_TRACKING_URI.",
        )
    if "malformed" in text:
        return BackendError(
            f"The tracking database {path} is damaged: {text}.",
            code="not_a_store",
            hint=f"Restore a backup, or rescue what is left: sqlite3 {path} .recover",
        )
    if "disk is full" in text:
        return BackendError(
            f"There is no space left for the tracking database {path}.",
            code="store_unwritable",
            hint="Free some space there, then try again.",
        )
    if "unable to open" in text or "readonly" in text:
        return BackendError(
            f"The tracking database {path} cannot be opened for writing: {text}.",
            code="store_unwritable",
            hint="The file and its folder must exist and be writable.",
        )
    if "no such table" in text or "no such column" in text:
        return BackendError(
            f"The tracking database {path} has no tables of this MLflow: {text}.",
            code="store_schema",
            hint="Restart the server; it checks the store and says what to install.",
        )
    return BackendError(f"The tracking database {path} failed: {text}.")


def _create(path: Path, artifact_root: Path) -> None:
    """Build the tables in a file beside `path` and link it there: never a half-made store."""
    from mlflow.tracking._tracking_service.utils import _get_sqlalchemy_store

    from .alone import alone, replace_content

    with draft(path) as new:
        with quiet():
            store = _get_sqlalchemy_store(f"sqlite:///{new}", str(artifact_root))
        store.engine.dispose()
        with closing(sqlite3.connect(new)) as connection:
            seed_statistics(connection)
        if path.exists() and path.stat().st_size == 0:
            # SQLite takes it for an empty database, and somebody may have it open.
            with alone(path) as store:
                if store.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                    replace_content(store, new)
            return
        try:
            os.link(new, path)
        except FileExistsError:
            return  # somebody's plain mlflow was faster; what it made is checked next
        except OSError:
            new.rename(path)  # a file system without hard links


@contextmanager
def quiet() -> Iterator[None]:
    """Keep fifty lines about migrations of an empty database out of the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("alembic", "mlflow.store.db.utils")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _check_revision(connection: sqlite3.Connection, path: Path) -> None:
    found = outdated(connection, path)
    if found is not None:
        import mlflow

        raise BackendError(
            f"The store {path} was made by an older MLflow (schema {found}); "
            f"mlflow {mlflow.__version__} here needs schema {head_revision()}.",
            code="store_schema",
            hint=f"In a terminal: jupyter mlkit upgrade {shlex.quote(str(path))} "
            "(makes a backup first)",
        )


def outdated(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return the schema of a store of an older MLflow, None where it is that of this one.

    Raises
    ------
    BackendError
        ``not_a_store``, or ``store_schema`` where a newer MLflow has made it.
    """
    found = schema_revision(connection)
    expected = head_revision()
    if found == expected:
        return None
    if found is None:
        raise BackendError(
            f"{path} is a database, but not one of MLflow's.",
            code="not_a_store",
            hint="Name another file in MLFLOW_TRACKING_URI.",
        )
    if found in _known_revisions():
        return found
    import mlflow

    raise BackendError(
        f"The store {path} was made by a newer MLflow (schema {found}); "
        f"mlflow {mlflow.__version__} here knows schema {expected}.",
        code="store_schema",
        hint=f'pip install "mlflow>{mlflow.__version__}", then restart the server',
    )


def schema_revision(connection: sqlite3.Connection) -> str | None:
    """Return the alembic revision of a database, None where it has none."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if "alembic_version" not in tables or "runs" not in tables:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def head_revision() -> str:
    """Return the alembic revision that this environment's MLflow works with."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def _known_revisions() -> set[str]:
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    scripts = ScriptDirectory.from_config(_get_alembic_config(""))
    return {script.revision for script in scripts.walk_revisions()}


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Let readers and one writer work at once; never where WAL would corrupt the file."""
    mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    if mode == "wal" or on_network(path):
        return
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        _log.info("%s is in use; the write-ahead log is turned on at the next start.", path)
