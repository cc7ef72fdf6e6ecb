"""What SQLite's planner knows of a store.

MLflow never runs ANALYZE, and without statistics SQLite answers "runs ordered by a metric" by
scanning the metrics once per run: 100,000 runs are not sorted in ten minutes. A fresh store gets
the statistics of a plausible one, which is enough for the right plan from the first run on; a
store that has outgrown them is measured.
"""

from __future__ import annotations

import logging
import sqlite3

_log = logging.getLogger(__name__)

#: (table, index) -> rows and rows per distinct key prefix, as in ``sqlite_stat1``: a store of
#: 10,000 runs with 10 metrics of 100 points, 20 params and 15 tags each.
_PLAUSIBLE = {
    ("runs", "sqlite_autoindex_runs_1"): "10000 1",
    ("latest_metrics", "sqlite_autoindex_latest_metrics_1"): "100000 10000 1",
    ("latest_metrics", "index_latest_metrics_run_uuid"): "100000 10",
    ("metrics", "sqlite_autoindex_metrics_1"): "10000000 1000000 100 10 1 1 1",
    ("metrics", "index_metrics_run_uuid"): "10000000 1000",
    ("metrics", "index_metrics_run_uuid_key_step"): "10000000 1000 100 1",
    ("params", "sqlite_autoindex_params_1"): "200000 10000 1",
    ("params", "index_params_run_uuid"): "200000 20",
    ("tags", "sqlite_autoindex_tags_1"): "150000 10000 1",
    ("tags", "index_tags_run_uuid"): "150000 15",
}

#: A table that grew by this factor since it was measured is measured again.
_GROWTH = 4
#: Rows that ANALYZE looks at per index; enough for a plan, and quick on millions of rows.
_SAMPLE = 1000


def seed_statistics(connection: sqlite3.Connection) -> None:
    """Give each table without statistics those of a plausible store."""
    indexes = set(
        connection.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'")
    )
    connection.execute("ANALYZE sqlite_master")  # makes sqlite_stat1 where it is missing
    known = {row[0] for row in connection.execute("SELECT tbl FROM sqlite_stat1")}
    rows = [
        (table, index, stat)
        for (table, index), stat in _PLAUSIBLE.items()
        if table not in known and (table, index) in indexes
    ]
    if rows:
        connection.executemany("INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES (?, ?, ?)", rows)
    connection.commit()


def keep_statistics(connection: sqlite3.Connection) -> None:
    """Measure the tables that have outgrown their statistics, and seed those without any.

    A busy store is left as it is: the next start tries again.
    """
    try:
        stale = _stale_tables(connection)
        if stale:
            connection.execute(f"PRAGMA analysis_limit = {_SAMPLE}")
            for table in stale:
                connection.execute(f'ANALYZE "{table}"')
            connection.commit()
        if stale or _unknown_tables(connection):
            seed_statistics(connection)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        _log.info("The store is busy; its statistics are kept at the next start.")


def _measured(connection: sqlite3.Connection) -> dict[str, int]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
        return {}
    return {
        str(table): int(str(stat).split()[0])
        for table, stat in connection.execute("SELECT tbl, stat FROM sqlite_stat1")
        if stat
    }


def _unknown_tables(connection: sqlite3.Connection) -> bool:
    return not {table for table, _ in _PLAUSIBLE} <= _measured(connection).keys()


def _stale_tables(connection: sqlite3.Connection) -> list[str]:
    measured = _measured(connection)
    stale = []
    for table in sorted({table for table, _ in _PLAUSIBLE}):
        # The largest rowid is a lookup; counting would read the whole table.
        row = connection.execute(f'SELECT max(rowid) FROM "{table}"').fetchone()  # noqa: S608
        rows = int(row[0] or 0)
        if rows > 1000 and rows > _GROWTH * measured.get(table, 0):
            stale.append(table)
    return stale
