"""The tracking store: where it is, whether it is whole, and what processes are told of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL, default_artifact_root

from .redact import redact

__all__ = [
    "absolute",
    "artifact_root_for",
    "artifacts_at",
    "environment",
    "is_local",
    "local_path",
    "prepare_store",
    "redact",
]

#: Schemes of the SQL databases that MLflow speaks, besides SQLite.
SQL_SCHEMES = frozenset({"mssql", "mysql", "postgresql"})


def is_local(uri: str) -> bool:
    """Return whether `uri` is an SQLite file."""
    return _scheme(uri) == "sqlite"


def is_sql(uri: str) -> bool:
    """Return whether this process talks to the database itself, without a tracking server."""
    return is_local(uri) or _scheme(uri) in SQL_SCHEMES


def local_path(uri: str) -> Path | None:
    """Return the absolute path of an SQLite store, None for every other URI.

    ``sqlite:///relative``, ``sqlite:////absolute``, a driver (``sqlite+pysqlite``) and a query
    are understood.
    """
    if not is_local(uri):
        return None
    name = uri.partition("://")[2].partition("?")[0].removeprefix("/")
    if not name or name == ":memory:":
        raise BackendError(
            "A tracking store in memory cannot be shared with kernels and jobs.",
            code="store_unsupported",
            hint="Use a file: MLFLOW_TRACKING_URI=sqlite:////home/me/mlflow.db",
        )
    return Path(name).absolute()


def absolute(uri: str) -> str:
    """Return `uri`, that of an SQLite file with its whole path.

    A relative one means another file in every folder, and the drainer is in another than whoever
    has logged.
    """
    path = local_path(uri)
    if path is None:
        return uri
    query = uri.partition("?")[2]
    return f"{uri.partition('://')[0]}:///{path}" + (f"?{query}" if query else "")


def artifact_root_for(uri: str) -> Path | None:
    """Return where the artifacts of new experiments of the store `uri` go.

    The one rule for the server, the terminal, kernels and jobs: what the environment says
    (``_MLFLOW_SERVER_ARTIFACT_ROOT``), else the folder ``artifacts`` beside an SQLite file, so
    that two stores never share one, else our data directory. None for a tracking server, which
    has its own.
    """
    if not is_sql(uri):
        return None
    given = os.environ.get(ENV_ARTIFACT_ROOT)
    if given:
        return Path(given)
    path = local_path(uri)
    return default_artifact_root() if path is None else artifact_root_beside(path)


def artifact_root_beside(path: Path) -> Path:
    """Return where the artifacts of new experiments of an SQLite file go."""
    given = os.environ.get(ENV_ARTIFACT_ROOT)
    return Path(given) if given else path.parent / "artifacts"


@contextmanager
def artifacts_at(root: Path | str | None) -> Iterator[None]:
    """Let MLflow open a database whose new experiments have their artifacts in `root`.

    Where the environment says nothing: else it would be the current folder.
    """
    if root is None or ENV_ARTIFACT_ROOT in os.environ:
        yield
        return
    os.environ[ENV_ARTIFACT_ROOT] = str(root)
    try:
        yield
    finally:
        os.environ.pop(ENV_ARTIFACT_ROOT, None)


def environment(
    uri: str, artifact_root: Path | str | None, *, durability: str = "process"
) -> dict[str, str]:
    """Return what a kernel or a job needs in its environment to write to this store.

    Parameters
    ----------
    uri : str
        Tracking URI.
    artifact_root : Path, str or None
        Where the artifacts of new experiments go; only this side decides it where the database
        is opened directly, a tracking server has its own.
    durability : {"process", "machine"}
        What a logging call that returned survives.

    Notes
    -----
    MLflow reads the artifact root from a variable meant for its own server
    (``_MLFLOW_SERVER_ARTIFACT_ROOT``) in every process that opens a SQL store. So a plain
    ``mlflow.set_experiment`` puts artifacts beside the store and not into the notebook's folder.

    What is logged goes to the journal first (``JUPYTER_MLKIT_JOURNAL``), see :mod:`.journaled`;
    what is already said of that in the environment stands.
    """
    variables = {
        "MLFLOW_TRACKING_URI": absolute(uri),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Whoever says "0" has MLflow alone.
        ENV_JOURNAL: os.environ.get(ENV_JOURNAL, "machine" if durability == "machine" else "1"),
    }
    if artifact_root is not None and is_sql(uri):
        variables[ENV_ARTIFACT_ROOT] = str(artifact_root)
    return variables


def prepare_store(uri: str, artifact_root: Path | str | None = None) -> None:
    """Make the store ready: folder, schema, write-ahead log and statistics.

    Safe to call at every start, from several processes at once. Imports mlflow and may take
    seconds: never call it on an event loop.

    Parameters
    ----------
    uri : str
        Tracking URI. Only an SQLite store is prepared; the others are checked for being a kind
        that we can use.
    artifact_root : Path or str, optional
        Where the Default experiment's artifacts go; ``artifacts`` beside the file where missing.

    Raises
    ------
    BackendError
        ``store_unwritable``, ``not_a_store``, ``store_schema``, ``store_locked``,
        ``store_gone``, ``store_unsupported``.
    """
    path = local_path(uri)
    if path is None:
        refuse_unsupported(uri)
        return
    from .schema import prepare_file

    root = Path(artifact_root) if artifact_root is not None else path.parent / "artifacts"
    prepare_file(path, root)


def refuse_unsupported(uri: str) -> None:
    """Raise where `uri` is a kind of store that cannot be used."""
    scheme = _scheme(uri)
    if is_file_store(uri):
        folder = file_store_folder(uri)
        raise BackendError(
            f"{folder} is a file store, which MLflow no longer opens.",
            code="store_file",
            hint="Bring its runs into a database: unset MLFLOW_TRACKING_URI, or set it to a "
            f"sqlite:/// file, then: jupyter mlkit upgrade {shlex.quote(str(folder))}",
        )
    if scheme not in SQL_SCHEMES | {"http", "https", "sqlite"}:
        raise BackendError(
            f"Tracking stores with the scheme {scheme!r} are not supported.",
            code="store_unsupported",
            hint="Use a sqlite:/// file, postgresql://, or the URL of a tracking server.",
        )


def is_file_store(uri: str) -> bool:
    """Return whether `uri` is a folder of files, as MLflow kept runs before it used databases."""
    return _scheme(uri) in ("", "file")


def file_store_folder(uri: str) -> Path:
    """Return the folder of a file store: a path or a ``file:`` URI."""
    folder = unquote(urlsplit(uri).path) if _scheme(uri) == "file" else uri
    return Path(folder or "mlruns")


def _scheme(uri: str) -> str:
    head, separator, _ = uri.partition(":")
    if not separator or "/" in head or len(head) == 1:  # a path, or a drive letter
        return ""
    return head.partition("+")[0].lower()
