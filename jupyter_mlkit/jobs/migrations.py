"""The schema of the job registry, step by step from the first version on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable


def _first(db: sqlite3.Connection) -> None:
    db.execute(
        """
        CREATE TABLE jobs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT NOT NULL UNIQUE,
            scope TEXT NOT NULL,
            state TEXT NOT NULL,
            orphan INTEGER NOT NULL DEFAULT 0,
            record TEXT NOT NULL
        )
        """
    )
    db.execute("CREATE INDEX jobs_scope_state ON jobs (scope, state, number)")
    db.execute("CREATE INDEX jobs_orphan ON jobs (number) WHERE orphan = 1")


def _priorities(db: sqlite3.Connection) -> None:
    """Give the line an order of its own; a job may leave more than one run open."""
    db.execute("ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0")
    db.execute("DROP INDEX jobs_scope_state")
    db.execute("CREATE INDEX jobs_line ON jobs (scope, state, priority DESC, number)")
    for number, text in db.execute("SELECT number, record FROM jobs WHERE orphan = 1").fetchall():
        record = json.loads(text)
        status, reason = record.pop("orphan")
        record["open_runs"] = [{"run_id": record["run_id"], "status": status, "reason": reason}]
        db.execute(
            "UPDATE jobs SET record = ? WHERE number = ?",
            (json.dumps(record, ensure_ascii=False), number),
        )


#: The n-th step leads to version n. Released steps are never changed, only followed by others.
_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _priorities)

#: Version of the file's schema; a file of a newer version is left alone.
USER_VERSION = len(_STEPS)


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of a file; 0 for an empty one."""
    (found,) = db.execute("PRAGMA user_version").fetchone()
    return int(found)


def migrate(db: sqlite3.Connection) -> None:
    """Bring a file of an older version up to date, inside the caller's transaction."""
    for step in _STEPS[version_of(db) :]:
        step(db)
    db.execute(f"PRAGMA user_version = {USER_VERSION}")
