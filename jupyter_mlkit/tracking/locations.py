"""Where a run's artifacts lie, and whether this server hands them out.

The location stands in the store, where any user of it can write; it decides nothing here. Local
files are served only beneath roots that the server was given.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Object stores that MLflow lists with this server's own credentials.
_LISTED = frozenset({"s3", "gs", "wasbs", "abfss", "r2", "b2", "oss"})


@dataclass(frozen=True)
class Beneath:
    """A local folder beneath a root that may be served: parts are relative to the root."""

    root: Path
    parts: tuple[str, ...]
    #: Files whose name begins with a dot are kept back, as Jupyter's own file browser does.
    hide_dots: bool


@dataclass(frozen=True)
class Remote:
    """A place that MLflow's repositories read: through the tracking server, or an object store."""

    uri: str
    served: bool


@dataclass(frozen=True)
class Closed:
    """A place that is not read at all, and why."""

    hint: str


Location = Beneath | Remote | Closed


def locate(
    artifact_uri: str, artifact_root: Path | None, allowed_roots: Sequence[Path]
) -> Location:
    """Return where `artifact_uri` is and whether it may be read.

    Parameters
    ----------
    artifact_uri : str
        As the store has it: a path, ``file:``, ``mlflow-artifacts:`` or an object store.
    artifact_root : Path or None
        The root that belongs to the store.
    allowed_roots : sequence of Path
        Further local folders, such as the Lab's root directory.
    """
    scheme = urlsplit(artifact_uri).scheme if ":" in artifact_uri else ""
    if scheme in ("", "file") or len(scheme) == 1:
        return _local(artifact_uri, artifact_root, allowed_roots)
    if scheme == "mlflow-artifacts":
        if urlsplit(artifact_uri).netloc:
            # A host in the location would make this server ask any machine that somebody names.
            return Closed("The location names a server of its own, which is not asked.")
        return Remote(artifact_uri, served=True)
    if scheme in _LISTED:
        return Remote(artifact_uri, served=False)
    return Closed(f"Artifacts at {scheme}: are not read by this server.")


def _local(
    artifact_uri: str, artifact_root: Path | None, allowed_roots: Sequence[Path]
) -> Location:
    if artifact_uri.startswith("file:"):
        split = urlsplit(artifact_uri)
        if split.netloc not in ("", "localhost"):
            return Closed("The location is a file on another machine.")
        path = unquote(split.path)
    else:
        path = artifact_uri
    parts = Path(path).parts
    if not path.startswith("/") or ".." in parts or "\x00" in path:
        return Closed("The location is not an absolute path.")
    roots = [(artifact_root, False)] if artifact_root is not None else []
    for root, hide_dots in [*roots, *((root, True) for root in allowed_roots)]:
        for spelling in (root.absolute(), Path(os.path.realpath(root))):
            if parts[: len(spelling.parts)] == spelling.parts:
                rest = parts[len(spelling.parts) :]
                if hide_dots and any(part.startswith(".") for part in rest):
                    continue
                return Beneath(root, rest, hide_dots)
    return Closed(
        "The files lie outside the artifact root and the folder that this Jupyter server shows. "
        "Start the server above them, or move the experiment's artifacts."
    )
