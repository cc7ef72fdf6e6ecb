"""Our own process must not lose its locks on the store: its readers would go blind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from stores import Place

from jupyter_mlkit.events.watcher import StoreWatcher
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.disk import exclusive
from jupyter_mlkit.tracking.schema import refuse_foreign_file, require_file

_WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE experiments SET name = ? WHERE experiment_id = 0", [sys.argv[2]])
connection.commit()
connection.close()
"""


def _write_elsewhere(path: Path, name: str) -> None:
    subprocess.run([sys.executable, "-c", _WRITE, str(path), name], check=True)


def test_checks_leave_the_locks_of_open_connections(
    file_store: Place,
) -> None:
    path = file_store.path
    assert path is not None
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT count(*) FROM runs").fetchone()
        log = path.with_name(path.name + "-wal")
        inode = log.stat().st_ino
        watcher = StoreWatcher(StoreClient(file_store.uri, file_store.artifact_root))
        assert watcher.changes() == []
        for name in ("one", "two", "three"):
            refuse_foreign_file(path)
            require_file(path)
            _write_elsewhere(path, name)
            # A writer that took itself for the last user would have removed the log.
            assert log.stat().st_ino == inode
            assert [(c.capability, c.kind, c.ids) for c in watcher.changes()] == [
                ("experiments", "changed", ["0"])
            ]
            assert reader.execute("SELECT name FROM experiments").fetchone() == (name,)
        watcher.close()


def test_a_worker_that_is_forked_keeps_no_lock(tmp_path: Path) -> None:
    begin, end = os.pipe()
    with exclusive(tmp_path / "lock"):
        worker = os.fork()
        if worker == 0:
            os.close(end)
            os.read(begin, 1)
            os._exit(0)
    try:
        with exclusive(tmp_path / "lock", timeout=0):
            pass
    finally:
        os.close(end)
        os.waitpid(worker, 0)
        os.close(begin)
