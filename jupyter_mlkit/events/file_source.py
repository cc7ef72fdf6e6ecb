"""Looks at an SQLite store: free while nobody writes, cheap while somebody does.

MLflow's rows have no time of change. Metrics, params and inputs are only ever added, so the tail
of their tables names the runs. Tags, names, states and the registry are rewritten in place:
their rows are compared. The rows of runs that are RUNNING are compared at each look, all others
so often that it takes a twentieth of the time at most.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.tracking.client import StoreClient

from .watcher import Difference, difference

#: Share of the time that comparing all rows may take.
_DUTY = 0.05
#: Seconds after which all rows are compared whatever it takes, once something was written.
_LONGEST_PAUSE = 10.0
#: More running runs than this are only compared with all others.
_MOST_RUNNING = 500

#: Tables to which MLflow only adds rows, and the run that a row belongs to.
_TAILS = {
    "metrics": "SELECT DISTINCT run_uuid FROM metrics WHERE rowid > ? AND rowid <= ?",
    "params": "SELECT DISTINCT run_uuid FROM params WHERE rowid > ? AND rowid <= ?",
    "tags": "SELECT DISTINCT run_uuid FROM tags WHERE rowid > ? AND rowid <= ?",
    "inputs": """SELECT DISTINCT CASE source_type WHEN 'RUN_OUTPUT' THEN source_id
        ELSE destination_id END FROM inputs WHERE rowid > ? AND rowid <= ?""",
}
_RUNS = "SELECT run_uuid, name, status, end_time, lifecycle_stage, experiment_id FROM runs"
_TAGS = "SELECT run_uuid, key, value FROM tags"

_EXPERIMENTS = (
    "SELECT experiment_id, name, lifecycle_stage, artifact_location FROM experiments",
    "SELECT experiment_id, key, value FROM experiment_tags",
)
_REGISTRY = (
    "SELECT name, description, workspace FROM registered_models",
    "SELECT name, version, description, current_stage, status, source FROM model_versions",
    "SELECT name, alias, version FROM registered_model_aliases",
    "SELECT name, key, value FROM registered_model_tags",
    "SELECT name, version, key, value FROM model_version_tags",
)
_PROMPTS = "SELECT name FROM registered_model_tags WHERE key = 'mlflow.prompt.is_prompt'"


@dataclass(frozen=True)
class _Seen:
    """What a look has seen: how far tables reach, and a digest per object."""

    tails: dict[str, int]
    runs: dict[str, int]
    running: set[str]
    experiments: dict[str, int]
    models: dict[str, int]


class FileSource:
    """Differences of an SQLite store between two looks.

    Parameters
    ----------
    store : StoreClient
        Of an SQLite file.
    """

    interval = 0.5

    def __init__(self, store: StoreClient) -> None:
        self._store = store
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int | None = None
        self._seen: _Seen | None = None
        self._full_due = 0.0
        self._dirty = False

    def look(self) -> list[Difference] | None:
        """Return what differs from the last look; None at the first."""
        try:
            connection = self._open()
            version = int(connection.execute("PRAGMA data_version").fetchone()[0])
            grown = version != self._version
            if not grown and not (self._dirty and time.monotonic() >= self._full_due):
                return []
            # One transaction: all tables are seen in the same state.
            connection.execute("BEGIN")
            try:
                found = self._look(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self.close()
            raise self._store.failure(str(error)) from error
        except BackendError:
            self.close()
            raise
        # Only now: what could not be read is looked at again.
        self._version = version
        return found

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._version = self._connection, None, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        path = self._store.path
        assert path is not None, "a file source has a file"
        if self._connection is not None:
            try:
                state = os.stat(path)  # noqa: PTH116 - the plain call, twice a second
            except FileNotFoundError:
                state = None
            if state is None or (state.st_dev, state.st_ino) != self._file:
                self.close()  # moved away, or another file lies in its place
        if self._connection is None:
            self._connection = self._store.read_only()
            state = path.stat()
            self._file = (state.st_dev, state.st_ino)
        return self._connection

    def _look(self, connection: sqlite3.Connection) -> list[Difference] | None:
        if self._seen is not None:
            return self._compare(connection, self._seen)
        runs, running = _runs(connection)
        self._seen = _Seen(
            tails={table: _last_row(connection, table) for table in _TAILS},
            runs=runs,
            running=running,
            experiments=_digests(connection, _EXPERIMENTS),
            models=_models(connection),
        )
        return None

    def _compare(self, connection: sqlite3.Connection, before: _Seen) -> list[Difference]:
        touched, tails = _grown(connection, before.tails)
        started, spent = time.monotonic(), time.thread_time()
        full = started >= self._full_due
        runs, running = _runs(connection) if full else _running_runs(connection, before)
        took = time.thread_time() - spent
        experiments = _digests(connection, _EXPERIMENTS)
        models = _models(connection)
        compared = difference("runs", before.runs, runs)
        self._seen = _Seen(tails, runs, running, experiments, models)
        self._dirty = not full
        if full:
            self._full_due = started + min(took / _DUTY, _LONGEST_PAUSE)
        return [
            difference("experiments", before.experiments, experiments),
            Difference(
                "runs",
                compared.created,
                compared.changed | (touched & runs.keys()),
                compared.deleted,
            ),
            difference("registry", before.models, models),
        ]


def _grown(
    connection: sqlite3.Connection, before: dict[str, int]
) -> tuple[set[str], dict[str, int]]:
    """Return the runs of the rows added since `before`, and how far the tables reach now."""
    touched: set[str] = set()
    tails: dict[str, int] = {}
    for table, query in _TAILS.items():
        last, newest = before[table], _last_row(connection, table)
        if newest < last:  # rows were purged (`mlflow gc`); row numbers are used again
            last = 0
        touched.update(str(row[0]) for row in connection.execute(query, (last, newest)))
        tails[table] = newest
    return touched, tails


def _running_runs(connection: sqlite3.Connection, before: _Seen) -> tuple[dict[str, int], set[str]]:
    """Read again only the runs that run now or ran at the last look."""
    now = {
        str(row[0])
        for row in connection.execute("SELECT run_uuid FROM runs WHERE status = 'RUNNING'")
    }
    watched = now | before.running
    if not 0 < len(watched) <= _MOST_RUNNING:
        return before.runs, before.running
    runs, running = _runs(connection, watched)
    kept = {run_id: d for run_id, d in before.runs.items() if run_id not in watched}
    return kept | runs, running


def _runs(
    connection: sqlite3.Connection, only: set[str] | None = None
) -> tuple[dict[str, int], set[str]]:
    """Return a digest per active run, and which are running."""
    where, values = "", ()  # type: tuple[str, tuple[str, ...]]
    if only is not None:
        where = f" WHERE run_uuid IN ({','.join('?' * len(only))})"
        values = tuple(only)
    digests: dict[str, int] = {}
    running: set[str] = set()
    for row in connection.execute(_RUNS + where, values):
        # A deleted run is gone for whoever watches; brought back, it is new again.
        if row[4] == "active":
            digests[row[0]] = hash(row)
            if row[2] == "RUNNING":
                running.add(row[0])
    for row in connection.execute(_TAGS + where, values):
        if row[0] in digests:
            digests[row[0]] ^= hash(row)  # rows come in any order
    return digests, running


def _digests(connection: sqlite3.Connection, queries: Iterable[str]) -> dict[str, int]:
    """Return a digest per object, of all rows whose first column names it."""
    digests: dict[str, int] = {}
    for position, query in enumerate(queries):
        for row in connection.execute(query):
            key = str(row[0])
            if position == 0:
                digests[key] = hash(row)
            elif key in digests:
                digests[key] ^= hash((position, *row))
    return digests


def _models(connection: sqlite3.Connection) -> dict[str, int]:
    models = _digests(connection, _REGISTRY)
    for (prompt,) in connection.execute(_PROMPTS):
        models.pop(str(prompt), None)
    return models


def _last_row(connection: sqlite3.Connection, table: str) -> int:
    row = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()  # noqa: S608
    return int(row[0] or 0)
