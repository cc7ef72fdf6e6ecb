"""Which database schema the server's store has, so that no kernel of another one writes to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version

from ..tracking.store import is_sql, local_path


@dataclass(frozen=True)
class StoreSchema:
    """Alembic revision of the store and the version of the server's mlflow."""

    revision: str
    mlflow: str


def store_schema(uri: str) -> StoreSchema | None:
    """Return the schema that a kernel's mlflow must have; None behind a tracking server.

    A store that is not there yet will be made by the server, so its own schema counts.
    """
    if not is_sql(uri):
        return None
    from ..tracking.schema import head_revision, schema_revision, sqlite_error

    found: str | None = None
    path = local_path(uri)
    if path is not None and path.exists():
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                found = schema_revision(connection)
        except sqlite3.Error as error:
            raise sqlite_error(error, path) from error
    return StoreSchema(revision=found or head_revision(), mlflow=version("mlflow"))
