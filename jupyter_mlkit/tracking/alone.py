"""One process alone with a store file: checked copies, and content that is replaced at once.

A file that is renamed into the place of another leaves a process that has the other open writing
where nobody will ever look, and may find the old one's write-ahead log beside it. SQLite's own
backup writes the new content into the same file in one transaction: a process that is killed
leaves the old content or the new one, and no reader sees anything between.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from jupyter_mlkit.errors import BackendError

from . import schema

#: Tables of which no migration takes rows away; those of traces are moved from one to another.
_KEPT = (
    *("experiments", "experiment_tags", "runs", "metrics", "latest_metrics", "params", "tags"),
    *("datasets", "inputs", "input_tags", "trace_info"),
    *("logged_models", "logged_model_metrics", "logged_model_params", "logged_model_tags"),
    *("registered_models", "registered_model_tags", "registered_model_aliases"),
    *("model_versions", "model_version_tags"),
)
#: Left free for everybody else.
_SPARE_BYTES = 64 * 1024**2


@contextmanager
def alone(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the store file so that nobody else can read or write it.

    Raises
    ------
    BackendError
        ``store_in_use`` where another process has it open, as far as SQLite can tell: with a
        write-ahead log everybody who has it open, else who reads or writes at this moment; see
        :func:`refuse_open`.
    """
    # It begins and ends transactions only where it is told to.
    connection = sqlite3.connect(path, timeout=schema.BUSY_SECONDS, isolation_level=None)
    with closing(connection):
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # the lock stays until the file is closed
        except sqlite3.Error as error:
            if "locked" not in str(error):
                raise schema.sqlite_error(error, path) from error
            raise _in_use(path) from error
        yield connection


def refuse_open(path: Path) -> None:
    """Raise ``store_in_use`` where a process has the file open, though it does nothing with it.

    Without a write-ahead log SQLite does not know of those. Where the system does not tell of
    processes, or they are of somebody else, nobody does.
    """
    there, own = path.stat(), str(os.getpid())
    processes = [one for one in Path("/proc").glob("[0-9]*") if one.name != own]
    users = sorted(int(one.name) for one in processes if _has_open(one, there))
    if users:
        raise _in_use(path, f" ({', '.join(map(str, users))})")


def _has_open(process: Path, file: os.stat_result) -> bool:
    try:
        handles = list((process / "fd").iterdir())
    except OSError:  # it has ended, or is not ours to look at
        return False
    for handle in handles:
        try:
            if os.path.samestat(handle.stat(), file):
                return True
        except OSError:
            continue
    return False


def _in_use(path: Path, by: str = "") -> BackendError:
    return BackendError(
        f"Another process{by} has the tracking database {path} open.",
        code="store_in_use",
        hint="Close the Jupyter servers, kernels, trainings and MLflow UIs that use it, "
        "then try again.",
    )


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many experiments, runs, metrics … a database has."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return {
        table: int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608
        for table in _KEPT
        if table in tables
    }


def copy_to(source: sqlite3.Connection, copy: Path) -> None:
    """Write a single file with the content of `source` and check it; see :func:`check`."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # without files beside it
    check(copy, count_rows(source))


def check(path: Path, rows: dict[str, int]) -> None:
    """Check that a database file is sound and has the rows of each kind that `rows` says.

    It may have more: a migration makes tags of what were columns.

    Raises
    ------
    BackendError
        ``not_a_store``: what it was made from is damaged; ``copy_differs``.
    """
    with closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if sound != "ok":
            raise BackendError(
                f"The tracking database is damaged: {sound}",
                code="not_a_store",
                hint="Restore a backup, or rescue what is left: sqlite3 mlflow.db .recover",
            )
        found = count_rows(connection)
    wrong = [
        f"{found.get(kind, 0):,} {kind}, not {n:,}"
        for kind, n in rows.items()
        if found.get(kind, -1) < n
    ]
    if wrong:
        raise BackendError(
            f"The copy has {'; '.join(wrong)}.",
            code="copy_differs",
            hint="This is an error of the upgrade: please report it.",
        )


def replace_content(store: sqlite3.Connection, new: Path) -> None:
    """Give the store, of which one is :func:`alone`, the content of `new`: all of it or nothing."""
    with closing(sqlite3.connect(new)) as source:
        # The mode is content, too: a write-ahead log would come to a network folder with it.
        source.execute("PRAGMA journal_mode = DELETE")
        source.backup(store)


def require_space(path: Path, needed: int) -> None:
    """Raise ``no_space`` where fewer than `needed` bytes are free beside `path`."""
    free = shutil.disk_usage(path.parent).free
    if free < needed + _SPARE_BYTES:
        raise BackendError(
            f"{path.parent} has {in_mib(free)} free, and {in_mib(needed + _SPARE_BYTES)} are "
            "needed; nothing was changed.",
            code="no_space",
            hint="Free some space there, or move the store to a larger disk.",
        )


def reason(error: Exception) -> str:
    """Return in a line what MLflow, SQLAlchemy or one of us says."""
    return getattr(error, "message", None) or (str(error) or repr(error)).splitlines()[0]


def in_mib(size: int) -> str:
    """Return a size in words."""
    return f"{size / 1024**2:,.1f} MiB"
