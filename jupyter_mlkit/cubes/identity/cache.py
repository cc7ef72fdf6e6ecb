"""Digests of stored chunks from earlier times, so that a store that did not change is not read.

One SQLite file in the user's cache folder. It may be deleted at any time, and is where it
cannot be used: nothing but time is lost.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

#: Rows of about 130 bytes; the folders that were not asked for the longest go first.
_MOST_ROWS = 1_000_000
#: A file that was changed this recently may change again within one tick of its clock.
_RACY_NS = 2 * 10**9
_VERSION = 1
_TIMEOUT_S = 5.0
_TABLES = """
create table if not exists folder (
    id integer primary key, path text unique not null, used real not null, rows integer not null
);
create table if not exists leaf (
    folder integer not null, key text not null, size integer not null, mtime integer not null,
    inode integer not null, digest blob not null, primary key (folder, key)
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells that a file did not change, without reading it."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileState:
        """Take it from a stat of the file."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)

    @property
    def settled(self) -> bool:
        """Whether a later change would show."""
        return time.time_ns() - self.mtime_ns > _RACY_NS


def cache_path() -> Path:
    """Return where digests of chunks are kept: ``<user's cache>/jupyter_mlkit/chunks.db``."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        root = Path(given)
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path.home() / ".cache"
    return root / "jupyter_mlkit" / "chunks.db"


class LeafCache:
    """Digests of files by folder, name and state; several processes may have it open.

    Every method does nothing where the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = cache_path() if path is None else path
        self._database: sqlite3.Connection | None = None
        for _ in range(2):
            try:
                self._database = self._open()
                return
            except sqlite3.OperationalError:  # locked, or a file system that cannot
                return
            except sqlite3.DatabaseError:  # no database: what is there is worth nothing
                with contextlib.suppress(OSError):
                    self._path.unlink()
            except OSError:
                return

    def __enter__(self) -> LeafCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._database is not None:
            self._database.close()

    def known(self, folder: Path) -> dict[str, tuple[FileState, bytes]]:
        """Return what is known of the files of `folder`, by name."""
        if self._database is None:
            return {}
        try:
            rows = self._database.execute(
                "select key, size, mtime, inode, digest from leaf "
                "where folder = (select id from folder where path = ?)",
                (_name(folder),),
            ).fetchall()
        except sqlite3.Error:
            return {}
        return {key: (FileState(*state), digest) for key, *state, digest in rows}

    def keep(self, folder: Path, leaves: Iterable[tuple[str, FileState, bytes]]) -> None:
        """Keep digests of files of `folder`, and note that it was asked for."""
        if self._database is None:
            return
        rows = [
            (key, state.size, state.mtime_ns, state.inode, digest)
            for key, state, digest in leaves
            if state.settled
        ]
        with contextlib.suppress(sqlite3.Error), self._database as database:
            database.execute(
                "insert into folder (path, used, rows) values (?, ?, 0) "
                "on conflict (path) do update set used = excluded.used",
                (_name(folder), time.time()),
            )
            (number,) = database.execute(
                "select id from folder where path = ?", (_name(folder),)
            ).fetchone()
            if not rows:
                return
            database.executemany(
                f"insert or replace into leaf values ({number:d}, ?, ?, ?, ?, ?)",  # noqa: S608
                rows,
            )
            database.execute(
                "update folder set rows = (select count(*) from leaf where folder = id) "
                "where id = ?",
                (number,),
            )
            self._shrink(database)

    @staticmethod
    def _shrink(database: sqlite3.Connection) -> None:
        """Forget whole folders, those first that were not asked for the longest."""
        held = database.execute("select id, rows from folder order by used desc").fetchall()
        total = 0
        for number, rows in held:
            total += rows
            if total > _MOST_ROWS:
                database.execute("delete from leaf where folder = ?", (number,))
                database.execute("delete from folder where id = ?", (number,))

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Created here, so that nobody else may read it: paths are the user's own business.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self._path, timeout=_TIMEOUT_S)
        try:
            (version,) = database.execute("pragma user_version").fetchone()
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError(f"version {version}")
            # What a power cut destroys is made again.
            database.execute("pragma synchronous = off")
            if version == 0:
                database.executescript(
                    f"begin; {_TABLES} pragma user_version = {_VERSION}; commit;"
                )
        except BaseException:
            database.close()
            raise
        return database


def _name(folder: Path) -> str:
    return os.path.realpath(folder)
