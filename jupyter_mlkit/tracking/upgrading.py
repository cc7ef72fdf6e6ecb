"""A store of an older MLflow gets the present schema: after a backup, and whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jupyter_mlkit.errors import BackendError

from .alone import (
    alone,
    check,
    copy_to,
    count_rows,
    reason,
    refuse_open,
    replace_content,
    require_space,
)
from .disk import private_folder
from .drafts import clear_drafts, draft
from .schema import (
    BUSY_SECONDS,
    head_revision,
    is_there,
    outdated,
    preparing,
    quiet,
    require_file,
    sqlite_error,
)

#: Backup, upgraded copy, and the transaction that brings it into the store: 3.4 times the size
#: at the most where it was measured (a store of mostly metrics).
_COPIES = 4


@dataclass(frozen=True)
class Upgrade:
    """What there is to do.

    Attributes
    ----------
    path : Path
    size : int
        Bytes, with what is still in the write-ahead log.
    found, needed : str
        Revisions of MLflow's schema.
    rows : dict
        How many experiments, runs, metrics … there are.
    """

    path: Path
    size: int
    found: str
    needed: str
    rows: dict[str, int]


def plan_upgrade(path: Path) -> Upgrade | None:
    """Return what is to do with a store file, None where its schema is the present one.

    Raises
    ------
    BackendError
        ``store_gone``, ``not_a_store``, ``store_schema`` (of a newer MLflow), ``store_locked``,
        ``store_unwritable``, ``no_space``.
    """
    path = path.resolve()
    require_file(path)
    private_folder(path.parent)
    if not is_there(path):
        return None  # an empty file is filled when it is first used
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            return _plan(connection, path)
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error


def _plan(connection: sqlite3.Connection, path: Path) -> Upgrade | None:
    found = outdated(connection, path)
    if found is None:
        return None
    log = path.with_name(path.name + "-wal")
    size = path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    require_space(path, _COPIES * size)
    return Upgrade(path, size, found, head_revision(), count_rows(connection))


def upgrade_store(path: Path, on_backup: Callable[[Path], None] = lambda _: None) -> Upgrade | None:
    """Upgrade a store file by MLflow's own migrations; return what was done, if anything.

    A copy is upgraded and checked, and its content then brought into the store in one
    transaction of SQLite. Killed at any moment, the store is the old one or the new one.

    Parameters
    ----------
    path : Path
    on_backup : callable
        Is told of the backup as soon as it is whole. It stays, unless the upgrade fails before
        the store is touched.

    Raises
    ------
    BackendError
        As :func:`plan_upgrade`, ``store_in_use``, or ``upgrade_failed``; the store is as it was.
    """
    path = path.resolve()
    require_file(path)
    private_folder(path.parent)
    with preparing(path), alone(path) as store:
        refuse_open(path)
        clear_drafts(path)
        try:
            plan = _plan(store, path)
            if plan is None:
                return None  # somebody else was faster
            backup = _backup(store, plan)
        except sqlite3.Error as error:
            raise sqlite_error(error, path) from error
        except OSError as error:
            raise BackendError(
                f"No backup of {path} could be written: {error.strerror}; nothing was changed.",
                code="store_unwritable",
                hint="Its folder must be writable and have space for a copy.",
            ) from error
        on_backup(backup)
        touched = False
        try:
            with draft(path) as new:
                copy_to(store, new)
                _migrate(new)
                check(new, plan.rows)
                touched = True
                replace_content(store, new)
        # MLflow's migrations, and what they call, raise whatever they like.
        except Exception as error:
            if not touched:  # each further try would leave another one
                backup.unlink(missing_ok=True)
            also = f"The backup {backup} is the same. " if touched else "The backup was removed. "
            raise BackendError(
                f"{path} could not be upgraded, and is as it was: {reason(error)}",
                code="upgrade_failed",
                hint=f"{also}mlflow of the version that made the store still opens it.",
            ) from error
    return plan


def _backup(store: sqlite3.Connection, plan: Upgrade) -> Path:
    """Write a checked copy beside the store, under a name that nothing else has."""
    path = plan.path
    with draft(path) as new:
        copy_to(store, new)
        when = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        number = 1
        while True:
            again = "" if number == 1 else f"-{number}"
            backup = path.with_name(f"{path.stem}-backup-{when}{again}{path.suffix}")
            number += 1
            try:
                os.link(new, backup)
            except FileExistsError:
                continue
            except OSError:  # a file system without hard links
                if backup.exists():
                    continue
                new.rename(backup)
            return backup


def _migrate(path: Path) -> None:
    """Do what ``mlflow db upgrade`` does."""
    from mlflow.store.db.utils import _upgrade_db
    from sqlalchemy import URL, create_engine

    # Not from text: a folder may have any name.
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with quiet():
            _upgrade_db(engine)
    finally:
        engine.dispose()
