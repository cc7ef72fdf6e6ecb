"""Files of own runs and models that lie elsewhere: kept here first, sent by the drainer."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository

from ..journal.files import stage_copy, staged
from .errors import unavailable
from .reach import Reach, UnreachableError

_log = logging.getLogger("jupyter_mlkit.tracking")


class Place(NamedTuple):
    """Where files wait.

    Attributes
    ----------
    folders : tuple of Path
        The first takes new ones; in the others are those on their way.
    reach : Reach
        Of the store that they belong to.
    """

    folders: tuple[Path, ...]
    reach: Reach


_places: dict[str, Place] = {}
_lock = threading.Lock()


def keep_first(artifact_uri: str, place: Place) -> None:
    """Let what is logged to a URI wait in the journal, where it would go over a network."""
    if not is_here(artifact_uri):
        with _lock:
            _places[artifact_uri.rstrip("/")] = place


def is_here(artifact_uri: str) -> bool:
    """Whether files are written to a disk of this machine, which is as safe as the journal."""
    scheme, separator, _ = artifact_uri.partition(":")
    return not separator or scheme == "file" or len(scheme) == 1


def first_kept(artifact_uri: str, real: ArtifactRepository) -> ArtifactRepository:
    """Return what takes the files of a URI: for those of own runs and models the journal."""
    uri = artifact_uri.rstrip("/")
    for known, place in [*_places.items()]:
        if uri == known:
            return StagedRepository(artifact_uri, real, place)
        if uri.startswith(f"{known}/"):  # a file or a folder of a run
            inside = uri[len(known) + 1 :]
            folders = tuple(folder / _normal(inside) for folder in place.folders)
            return StagedRepository(artifact_uri, real, Place(folders, place.reach))
    return real


class StagedRepository(ArtifactRepository):  # type: ignore[misc]
    """Files that wait, and those that are in their place already.

    Parameters
    ----------
    artifact_uri : str
    real : ArtifactRepository
    place : Place
    """

    def __init__(self, artifact_uri: str, real: ArtifactRepository, place: Place) -> None:
        super().__init__(artifact_uri, real.tracking_uri, real.registry_uri)
        self._real = real
        self._place = place

    def __getattr__(self, name: str) -> Any:
        """Return what only some kinds have."""
        if name.startswith("__") or "_real" not in vars(self):
            raise AttributeError(name)
        return getattr(self._real, name)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Keep a file."""
        path = Path(local_file)
        if path.is_dir():
            self.log_artifacts(local_file, _joined(artifact_path, path.name))
        elif not self._keep(path, _joined(artifact_path, path.name)):
            self._real.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Keep the files of a folder."""
        folder = Path(local_dir)
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not self._keep(path, _joined(artifact_path, name)):
                folder_there = _joined(artifact_path, name).rpartition("/")[0]
                self._real.log_artifact(str(path), folder_there or None)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """Return what is there or waits, directly under a folder."""
        waits = dict(self._waiting(path))
        try:
            there = self._place.reach.ask(lambda _: self._real.list_artifacts(path))
        except UnreachableError as error:
            if not waits and not any(one.is_file() for one in self._at(path)):
                raise unavailable(str(error)) from error
            there = []
        found = {**{one.path: one for one in there}, **waits}
        return sorted(found.values(), key=lambda one: one.path)

    def _waiting(self, path: str | None) -> Iterator[tuple[str, FileInfo]]:
        for folder in self._at(path):
            for one in staged(folder) if folder.is_dir() else ():
                inside = one.relative_to(folder).parts
                name, is_dir = _joined(path, inside[0]), len(inside) > 1
                yield name, FileInfo(name, is_dir, None if is_dir else one.stat().st_size)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        for path in self._at(remote_file_path):
            try:
                shutil.copyfile(path, local_path)
            except FileNotFoundError:  # it is on its way, or was sent in this moment
                continue
            return
        self._real._download_file(remote_file_path, local_path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Delete what is there and what waits."""
        for path in self._at(artifact_path):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._real.delete_artifacts(artifact_path)

    def _keep(self, path: Path, name: str) -> bool:
        try:
            stage_copy(path, self._at(name)[0])
        except FileNotFoundError:
            raise
        except OSError as error:
            _log.warning("%s cannot wait here (%s) and is sent at once.", path.name, error)
            return False
        return True

    def _at(self, path: str | None) -> list[Path]:
        return [folder / _normal(path or ".") for folder in self._place.folders]


def _joined(folder: str | None, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder else name


def _normal(path: str) -> str:
    inside = os.path.normpath(path)
    if inside.startswith((os.pardir, os.sep)):
        raise ValueError(f"{path!r} is no path within the files of a run.")
    return inside
