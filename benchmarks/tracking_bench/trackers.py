"""Ways to log a scalar with this package and with MLflow, and to find it again.

Each is a context that gives what logs one value.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .order import Order

#: Logs a value at a step.
Call = Callable[[float, int], object]
RUN = "f" * 32
#: Where the id of the run is written down for whoever reads it after the death of the writer.
RUN_FILE = "run-id"


@contextmanager
def bare(order: Order) -> Iterator[Call]:
    """Write 74 bytes to a file: what a journal that does nothing else would cost."""
    file = os.open(order.folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    data = b"x" * 74
    yield lambda *_: os.write(file, data)
    os.close(file)


@contextmanager
def recorder(order: Order) -> Iterator[Call]:
    """Log with our own recorder."""
    from jupyter_mlkit.tracking.journal.home import Home
    from jupyter_mlkit.tracking.journal.opening import open_recorder

    begun = order.folder / RUN_FILE
    run = begun.read_text() if begun.exists() else RUN
    found = open_recorder(order.uri, run, home=Home(home(order.folder)))
    now = time.time
    yield lambda value, step: found.metric("loss", value, int(now() * 1000), step)
    found.close()


@contextmanager
def client(order: Order) -> Iterator[Call]:
    """Log with plain ``mlflow.log_metric``; the environment says whether there is a journal."""
    import mlflow

    mlflow.set_tracking_uri(order.uri)
    with mlflow.start_run() as run:
        (order.folder / RUN_FILE).write_text(run.info.run_id)
        yield lambda value, step: mlflow.log_metric("loss", value, step=step)


@contextmanager
def in_background(order: Order) -> Iterator[Call]:
    """Log with ``mlflow.log_metric(synchronous=False)``."""
    import mlflow

    mlflow.set_tracking_uri(order.uri)
    with mlflow.start_run() as run:
        (order.folder / RUN_FILE).write_text(run.info.run_id)
        yield lambda value, step: mlflow.log_metric("loss", value, step=step, synchronous=False)


@contextmanager
def nothing(order: Order) -> Iterator[Call]:
    """Log with plain ``mlflow.log_metric`` to a store that does nothing."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from mlflow.tracking._tracking_service import utils

    class Nothing(SqlAlchemyStore):  # type: ignore[misc]
        def log_metric(self, run_id: str, metric: Any) -> None:
            pass

    utils._tracking_store_registry.register(
        "nothing", lambda *_, **__: Nothing(order.uri, str(order.folder / "artifacts"))
    )
    with client(replace(order, uri="nothing://")) as call:
        yield call


def home(folder: Path) -> Path:
    """Return where a tracker's process keeps its journals."""
    return folder / "data" / "jupyter_mlkit" / "journal"


def in_store(folder: Path, database: Path) -> int:
    """Return how many values a database has of the run of a folder."""
    run = (folder / RUN_FILE).read_text()
    with closing(sqlite3.connect(database)) as store:
        (found,) = store.execute(
            "SELECT count(*) FROM metrics WHERE run_uuid = ? AND key = 'loss'", (run,)
        ).fetchone()
    return int(found)
