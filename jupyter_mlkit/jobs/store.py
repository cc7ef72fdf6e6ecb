"""The job registry on disk: one SQLite file that outlives servers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ..errors import BackendError, ConflictError, InvalidInputError, NotFoundError
from ..models import JobState
from ..paths import private_dir
from .migrations import USER_VERSION, migrate, version_of
from .record import ACTIVE, JobRecord

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
#: Seconds to wait for a server that writes.
BUSY_TIMEOUT = 10.0


class JobStore:
    """Jobs of one scope (one tracking store and root folder) in a file shared by servers.

    The columns are what is searched; the record itself is JSON, so that a new field of it
    needs no migration.

    Raises
    ------
    ConflictError
        The file was written by a newer version (code ``job_store_too_new``).
    """

    def __init__(self, path: Path, scope: str) -> None:
        private_dir(path.parent)
        path.touch(mode=0o600, exist_ok=True)
        self.path = path
        self.scope = scope
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        with self._using():
            self._create()

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Let one thread in, and put SQLite's errors in words."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise self._in_words(error) from error

    def _in_words(self, error: sqlite3.Error) -> BackendError:
        # The low byte is the error, the others are details of it.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _LOCKED:
            return BackendError(
                f"The job registry {self.path} is locked by another process.",
                hint="Try again in a moment. If it stays so, look for what holds that file open: "
                "another server, a backup or a database browser.",
                code="job_store_locked",
            )
        return BackendError(
            f"The job registry {self.path} failed: {error}.",
            hint="Look for a full disk; a damaged registry can be moved away.",
            code="job_store_unavailable",
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Keep other servers out from the first read to the write."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _create(self) -> None:
        with self._transaction():
            found = version_of(self._db)
            if found < USER_VERSION:
                migrate(self._db)
        if found > USER_VERSION:
            self._db.close()
            raise ConflictError(
                f"The job registry {self.path} is of version {found}, "
                f"this jupyter_mlkit reads up to {USER_VERSION}.",
                hint="Update jupyter_mlkit, or move that file away.",
                code="job_store_too_new",
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, record: JobRecord) -> None:
        """Write a new job down."""
        with self._using():
            self._db.execute(
                "INSERT INTO jobs (job_id, scope, state, priority, record) VALUES (?, ?, ?, ?, ?)",
                (record.job_id, record.scope, record.state, record.priority, _encode(record)),
            )

    def get(self, job_id: str) -> JobRecord:
        """Return one job.

        Raises
        ------
        NotFoundError
        """
        with self._using():
            row = self._db.execute(
                "SELECT record FROM jobs WHERE job_id = ? AND scope = ?", (job_id, self.scope)
            ).fetchone()
        if row is None:
            raise NotFoundError(
                f"There is no job '{job_id[:64]}'.", hint="Reload the list of jobs."
            )
        return _decode(row[0])

    def change(
        self,
        job_id: str,
        change: Callable[[JobRecord], None],
        *,
        only_in: Iterable[JobState] | None = None,
    ) -> JobRecord | None:
        """Change a job in one transaction, which also keeps out other servers.

        Returns the changed record, or None if its state is none of `only_in`: somebody else
        was faster.
        """
        with self._using(), self._transaction():
            record = self.get(job_id)
            if only_in is not None and record.state not in set(only_in):
                return None
            change(record)
            self._write(record)
        return record

    def claim(
        self, limit: int, may_start: Callable[[JobRecord], bool], claim: Callable[[JobRecord], None]
    ) -> JobRecord | None:
        """Take the first job in line that may start, unless `limit` jobs run already.

        In one transaction: two servers never start the same job, nor one more than allowed.
        """
        with self._using(), self._transaction():
            if self.count(ACTIVE) >= limit:
                return None
            for record in self.line():
                if may_start(record):
                    claim(record)
                    self._write(record)
                    return record
        return None

    def _write(self, record: JobRecord) -> None:
        if record.has_ended:  # nothing starts it again, and secrets may stand in there
            record.environment = {}
        self._db.execute(
            "UPDATE jobs SET state = ?, orphan = ?, record = ? WHERE job_id = ?",
            (record.state, bool(record.open_runs), _encode(record), record.job_id),
        )

    def line(self) -> list[JobRecord]:
        """Return the jobs that wait, the next one first."""
        return self._select("state = 'QUEUED'", order="priority DESC, number")

    def in_states(self, states: Iterable[JobState]) -> list[JobRecord]:
        """Return the jobs in one of `states`, the oldest first."""
        wanted = list(states)
        return self._select(f"state IN ({', '.join('?' * len(wanted))})", *wanted)

    def with_open_runs(self) -> list[JobRecord]:
        """Return the jobs that left a run open which nobody has closed yet."""
        return self._select("orphan = 1")

    def _select(self, where: str, *values: str, order: str = "number") -> list[JobRecord]:
        with self._using():
            rows = self._db.execute(
                f"SELECT record FROM jobs WHERE scope = ? AND {where} ORDER BY {order}",  # noqa: S608
                (self.scope, *values),
            ).fetchall()
        return [_decode(row[0]) for row in rows]

    def count(self, states: Iterable[JobState]) -> int:
        """Return how many jobs are in one of `states`."""
        wanted = list(states)
        marks = ", ".join("?" * len(wanted))
        with self._using():
            row = self._db.execute(
                f"SELECT count(*) FROM jobs WHERE scope = ? AND state IN ({marks})",  # noqa: S608
                (self.scope, *wanted),
            ).fetchone()
        return int(row[0])

    def page(self, max_results: int, page_token: str | None) -> tuple[list[JobRecord], str | None]:
        """Return jobs, the newest first, and the token of the next page."""
        below = 2**62
        if page_token is not None:
            if not page_token.isascii() or not page_token.isdigit() or len(page_token) > 18:
                raise InvalidInputError(
                    "That is no page token.",
                    hint="Take next_page_token of the page before.",
                    field="page_token",
                )
            below = int(page_token)
        with self._using():
            rows = self._db.execute(
                "SELECT number, record FROM jobs WHERE scope = ? AND number < ? "
                "ORDER BY number DESC LIMIT ?",
                (self.scope, below, max_results + 1),
            ).fetchall()
        more = len(rows) > max_results
        rows = rows[:max_results]
        return [_decode(row[1]) for row in rows], str(rows[-1][0]) if more else None


def _encode(record: JobRecord) -> str:
    return msgspec.json.encode(record).decode()


def _decode(text: str) -> JobRecord:
    return msgspec.json.decode(text, type=JobRecord)
