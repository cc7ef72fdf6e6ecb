"""Artifacts of a run: listed page by page, opened for download."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jupyter_mlkit.errors import BackendError, ForbiddenError, NotFoundError, TooLargeError
from jupyter_mlkit.models import Artifact, ArtifactPage, ArtifactPreview

from .beneath import Entry, list_folder, open_file, split_path
from .client import StoreClient
from .locations import Beneath, Closed, Location, Remote, locate
from .pages import check_page, page_of
from .previews import PARSED_BYTES, preview, preview_of_folder, preview_of_nothing
from .runs import check_run_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: MLflow writes a file under this name before it gives it its own.
_UNFINISHED = ".artifact.uploading."
#: Characters that would end or change the path of the URL that MLflow builds from it.
_URL_SYNTAX = frozenset("%?#;:&")
_MOST_MODELS = 50


@dataclass(frozen=True)
class ArtifactReader:
    """Reads artifacts of one store.

    Parameters
    ----------
    store : StoreClient
        The store.
    artifact_root : Path or None
        The root that belongs to the store.
    allowed_roots : sequence of Path
        Further local folders that may be served.
    """

    store: StoreClient
    artifact_root: Path | None
    allowed_roots: Sequence[Path] = field(default_factory=tuple)

    def page(
        self, run_id: str, path: str = "", max_results: int = 100, page_token: str | None = None
    ) -> ArtifactPage:
        """Return one page of a folder; see `TrackingBackend.artifacts`."""
        parts = split_path(path)
        check_page(max_results, page_token)
        place, rest, models = self._place(run_id, parts)
        if isinstance(place, Closed):
            return ArtifactPage(items=[], next_page_token=None, served=False, hint=place.hint)
        entries = self._list(place, rest, optional=not parts)
        names = {entry.name for entry in entries}
        entries += [Entry(name, True, None) for name in models if name not in names]
        items, token = page_of(entries, max_results, page_token)
        served = isinstance(place, Beneath) or place.served
        return ArtifactPage(
            items=[
                Artifact(path="/".join((*parts, e.name)), is_dir=e.is_dir, size=e.size)
                for e in items
            ],
            next_page_token=token,
            served=served,
            hint=None if served else _ELSEWHERE,
        )

    def preview(self, run_id: str, path: str) -> ArtifactPreview:
        """Return what can be shown of a file or of a folder that is a cube."""
        place, rest, _ = self._place(run_id, split_path(path))
        if isinstance(place, Remote) and place.served and rest:
            # It would be fetched whole.
            beside = {entry.name: entry.size for entry in self._list(place, rest[:-1], True)}
            size = beside.get(rest[-1])
            if size is not None and size > PARSED_BYTES:
                return preview_of_nothing(path, size)
        try:
            file, size, _ = self.open(run_id, path)
        except NotFoundError:
            if isinstance(place, Beneath) and rest:
                _refuse_hidden(place, rest)
                # Marks of zarr begin with a dot: they are looked for and not handed out.
                names = {e.name for e in list_folder(place.root, (*place.parts, *rest))}
                found = preview_of_folder(path, names)
                if found is not None:
                    return found
            raise
        with file:
            return preview(file, size, path)

    def beneath(self, run_id: str, path: str) -> Beneath:
        """Return where an artifact lies on this machine; see `TrackingBackend.artifact_place`."""
        parts = split_path(path)
        place, rest, _ = self._place(run_id, parts)
        if not isinstance(place, Beneath):
            raise ForbiddenError(
                "This cube does not lie on this machine in a folder that this server hands out.",
                code="artifact_not_served",
                hint=place.hint if isinstance(place, Closed) else _ELSEWHERE,
            )
        _refuse_hidden(place, rest)
        return replace(place, parts=(*place.parts, *rest))

    def open(self, run_id: str, path: str) -> tuple[BinaryIO, int, str]:
        """Open one file; see `TrackingBackend.open_artifact`."""
        parts = split_path(path)
        place, rest, _ = self._place(run_id, parts)
        if isinstance(place, Closed):
            raise ForbiddenError(
                "This server does not hand out the artifacts of this run.",
                code="artifact_not_served",
                hint=place.hint,
            )
        if isinstance(place, Beneath):
            _refuse_hidden(place, rest)
            file, size = open_file(place.root, (*place.parts, *rest))
            return file, size, parts[-1]
        if not place.served:
            raise ForbiddenError(
                "This server does not hand out the artifacts of this run.",
                code="artifact_not_served",
                hint=_ELSEWHERE,
            )
        file, size = self._download(place, rest)
        return file, size, parts[-1]

    def read(self, run_id: str, path: str, most: int, what: str) -> bytes:
        """Return the whole of a small file.

        Raises
        ------
        NotFoundError, ForbiddenError
            As :meth:`open`.
        TooLargeError
            It has more than `most` bytes; the message begins with `what`.
        BackendError
            It cannot be read.
        """
        file, size, _ = self.open(run_id, path)
        with file:
            if size > most:
                raise TooLargeError(f"{what} has {size} bytes, {most} are read at most.")
            try:
                return file.read(most)
            except OSError as error:
                raise BackendError(
                    f"{what} cannot be read: {error.strerror or error}.",
                    hint="Look at the folder of the run's artifacts.",
                ) from error

    def _place(
        self, run_id: str, parts: tuple[str, ...]
    ) -> tuple[Location, tuple[str, ...], list[str]]:
        """Return where `parts` is, what is left of it there, and the models to show as folders."""
        check_run_id(run_id)
        with self.store.calling(f"Run {run_id}", field="run_id") as client:
            run = client.get_run(run_id)
            outputs = run.outputs.model_outputs if run.outputs is not None else []
            place = locate(run.info.artifact_uri or "", self.artifact_root, self.allowed_roots)
            ids = [output.model_id for output in outputs][:_MOST_MODELS]
            # A LoggedModel lies beside the run, not in it; people look for it in the run.
            models = _model_locations(client, ids) if ids else {}
        if parts and parts[0] in models and not self._has(place, parts[0]):
            inner = locate(models[parts[0]], self.artifact_root, self.allowed_roots)
            return inner, parts[1:], []
        return place, parts, [] if parts else sorted(models)

    def _has(self, place: Location, name: str) -> bool:
        if isinstance(place, Closed):
            return False
        return any(entry.name == name for entry in self._list(place, (), optional=True))

    def _list(self, place: Beneath | Remote, rest: tuple[str, ...], optional: bool) -> list[Entry]:
        if isinstance(place, Beneath):
            _refuse_hidden(place, rest)
            try:
                found = list_folder(place.root, (*place.parts, *rest))
            except NotFoundError:
                # A run that has logged nothing has no folder yet.
                if optional:
                    return []
                raise
            return [
                entry
                for entry in found
                if not entry.name.startswith(_UNFINISHED)
                and not (place.hide_dots and entry.name.startswith("."))
            ]
        _refuse_url_syntax(rest)
        with self.store.calling("The folder of artifacts", field="path"):
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            repository = get_artifact_repository(place.uri, tracking_uri=self.store.uri)
            infos = repository.list_artifacts("/".join(rest) or None)
        entries = [Entry(i.path.rpartition("/")[2], bool(i.is_dir), i.file_size) for i in infos]
        if not entries and not optional:
            raise NotFoundError(f"There is no folder {'/'.join(rest)!r}.", field="path")
        return sorted(entries, key=lambda entry: (not entry.is_dir, entry.name))

    def _download(self, place: Remote, rest: tuple[str, ...]) -> tuple[BinaryIO, int]:
        """Fetch a file through the tracking server; it is gone from disk when it is closed."""
        _refuse_url_syntax(rest)
        if not rest:
            raise NotFoundError("There is no artifact without a name.", field="path")
        folder = Path(tempfile.mkdtemp(prefix="jupyter_mlkit-"))  # mode 0700
        try:
            copy = folder / "artifact"
            with self.store.calling(f"Artifact {'/'.join(rest)!r}", field="path"):
                from mlflow.store.artifact.artifact_repository_registry import (
                    get_artifact_repository,
                )

                repository = get_artifact_repository(place.uri, tracking_uri=self.store.uri)
                repository._download_file("/".join(rest), str(copy))
            file = copy.open("rb")
        finally:
            shutil.rmtree(folder)
        return file, os.fstat(file.fileno()).st_size


_ELSEWHERE = (
    "The files lie in an object store; this server lists them but does not hand them out. "
    "Load them in a notebook with mlflow.artifacts.download_artifacts."
)


def _model_locations(client: MlflowClient, model_ids: list[str]) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    found: dict[str, str] = {}
    for model_id in model_ids:
        try:
            model = client.get_logged_model(model_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                continue  # deleted since
            raise
        name = str(model.name)
        if "/" not in name and name not in ("", ".", ".."):
            found[name] = str(model.artifact_location)
    return found


def _refuse_hidden(place: Beneath, rest: tuple[str, ...]) -> None:
    if place.hide_dots and any(part.startswith(".") for part in rest):
        raise NotFoundError(f"There is no artifact {'/'.join(rest)!r}.", field="path")


def _refuse_url_syntax(rest: tuple[str, ...]) -> None:
    if any(_URL_SYNTAX & set(part) for part in rest):
        raise NotFoundError(
            f"There is no artifact {'/'.join(rest)!r}.",
            hint="Names with %, ?, #, ;, : or & cannot be asked of a tracking server.",
            field="path",
        )
