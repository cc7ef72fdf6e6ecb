"""One MLflow client per store, made when it is first needed, with MLflow's errors put in words."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_mlkit.errors import (
    BackendError,
    BackendTimeoutError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    MLKitError,
    NotFoundError,
)

from .redact import redact
from .store import artifacts_at, is_local, is_sql, local_path, prepare_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: MLflow retries a dead server for minutes; we ask first whether anybody listens.
_CONNECT_TIMEOUT = 3.0
#: A server that answered is not asked again for so long.
_FRESH_SECONDS = 5.0

_NOT_FOUND = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
_CONFLICT = frozenset(
    {"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS", "RESOURCE_CONFLICT", "ABORTED", "INVALID_STATE"}
)
_INVALID = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST"})
_FORBIDDEN = frozenset({"PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED"})


class StoreClient:
    """A thread-safe handle on one tracking store.

    ``mlflow.set_tracking_uri`` is never called: it would change the store of everything else
    in the process.

    Parameters
    ----------
    uri : str
        Tracking URI; the registry is the same store.
    artifact_root : Path or str, optional
        Where the artifacts of a store that is made here go; beside the file where missing.
    """

    def __init__(self, uri: str, artifact_root: Path | str | None = None) -> None:
        self.uri = uri
        self.path = local_path(uri)
        self._artifact_root = artifact_root
        self._prepared = False
        self._lock = threading.Lock()
        self._client: MlflowClient | None = None
        self._reached = 0.0

    @property
    def local(self) -> bool:
        """Whether the store is an SQLite file."""
        return is_local(self.uri)

    def prepare(self) -> None:
        """Make the store ready where that was not done yet.

        Only once: a file that vanishes later is an error, not a reason for an empty one.
        """
        with self._lock:
            if not self._prepared:
                prepare_store(self.uri, self._artifact_root)
                self._prepared = True

    def client(self) -> MlflowClient:
        """Return MLflow's client; imports mlflow when it is called first.

        Raises
        ------
        BackendError
            Where the file is gone or nobody listens at the server's address.
        """
        self.prepare()
        self.check_reachable()
        with self._lock:
            if self._client is None:
                from mlflow import MlflowClient

                with artifacts_at(self._artifact_root):
                    self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            return self._client

    @contextmanager
    def calling(self, what: str = "The tracking store", **fields: str) -> Iterator[MlflowClient]:
        """Give MLflow's client for one call and turn what it raises into our errors.

        Parameters
        ----------
        what : str
            What is asked for, for messages: ``"Run 3f2a"``.
        **fields : str
            ``field`` names the input that is wrong where MLflow refuses a value.
        """
        from mlflow.exceptions import MlflowException
        from requests.exceptions import HTTPError, RequestException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield self.client()
        except MlflowException as error:
            raise self.translate(error, what, fields.get("field")) from error
        except HTTPError as error:  # artifacts come as plain HTTP, without MLflow's exceptions
            raise self._refusal(error, what, fields.get("field")) from error
        except (SQLAlchemyError, sqlite3.Error, RequestException) as error:
            raise self.failure(str(error)) from error

    def read_only(self) -> sqlite3.Connection:
        """Open the SQLite file for reading only; the caller closes it."""
        from .schema import BUSY_SECONDS, require_file

        self.prepare()
        if self.path is None:
            raise BackendError(f"{redact(self.uri)} is not an SQLite file.")
        require_file(self.path)
        try:
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=ro",
                uri=True,
                timeout=BUSY_SECONDS,
                check_same_thread=False,
            )
            connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise self.failure(str(error)) from error
        return connection

    def translate(self, error: Any, what: str, field: str | None = None) -> MLKitError:
        """Return our error for an `MlflowException`."""
        code = str(error.error_code)
        text = redact_text(str(error.message), self.uri)
        if code in _NOT_FOUND:
            return NotFoundError(f"{what} does not exist: {text}", field=field)
        if code in _CONFLICT:
            return ConflictError(f"{what}: {text}")
        if code in _FORBIDDEN:
            return ForbiddenError(
                f"The tracking server refuses: {text}",
                hint="Check MLFLOW_TRACKING_TOKEN or user and password of the server process.",
            )
        if code in _INVALID and not _is_database_error(text):
            return InvalidInputError(f"{what}: {text}", field=field)
        return self.failure(text)

    def _refusal(self, error: Any, what: str, field: str | None) -> MLKitError:
        status = error.response.status_code if error.response is not None else 500
        if status in (400, 404, 422):  # a folder, or no name that the server takes
            return NotFoundError(f"{what} does not exist.", field=field)
        if status in (401, 403):
            return ForbiddenError(f"The tracking server refuses: {what}.")
        return self.failure(str(error))

    def failure(self, text: str) -> BackendError:
        """Return our error for what a database or a connection says."""
        text = redact_text(text, self.uri)
        if self.path is not None:
            from .schema import require_file, sqlite_error

            require_file(self.path)
            return sqlite_error(sqlite3.OperationalError(text.splitlines()[0]), self.path)
        if "timed out" in text or "DEADLINE_EXCEEDED" in text:
            return BackendTimeoutError(f"{redact(self.uri)} did not answer in time.")
        return BackendError(
            f"The tracking store {redact(self.uri)} failed: {text.splitlines()[0][:500]}",
            hint="Look at the log of the tracking server or database.",
        )

    def check_reachable(self) -> None:
        """Look whether anybody listens: MLflow tries a dead server for minutes.

        Raises
        ------
        BackendError
            The file is gone, or nobody listens at the server's address.
        """
        if self.path is not None:
            from .schema import require_file

            require_file(self.path)
            return
        parts = urlsplit(self.uri)
        proxied = any(os.environ.get(name) for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"))
        if parts.hostname is None or (proxied and not is_sql(self.uri)):
            return
        if time.monotonic() - self._reached < _FRESH_SECONDS:
            return
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme.partition("+")[0], 443)
        try:
            socket.create_connection((parts.hostname, port), timeout=_CONNECT_TIMEOUT).close()
        except OSError as error:
            raise BackendError(
                f"Nobody answers at {redact(self.uri)}: {error.strerror or error}.",
                hint="Start the tracking server, or set MLFLOW_TRACKING_URI to where it is.",
            ) from error
        self._reached = time.monotonic()


_DEFAULT_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def redact_text(text: str, uri: str) -> str:
    """Return `text` with the password that `uri` holds taken out."""
    text = text.replace(uri, redact(uri))
    try:
        password = urlsplit(uri).password
    except ValueError:
        return text
    return text.replace(password, "***") if password else text


def _is_database_error(text: str) -> bool:
    # MLflow wraps every SQLAlchemy error that is not operational as BAD_REQUEST.
    return text.startswith("(sqlite3.") or "sqlalche.me" in text
