"""A private copy of a model's files, checked against what was recorded when it was logged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError, NotFoundError
from ..tracking import tags
from ..tracking.digests import digest_of, manifest
from .store import tracking_errors, use_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

_RUN_ID = re.compile(r"^[0-9a-f]{32}$")
_VERSION = re.compile(r"models:/([^/@]+)/(\d+)")
_ALIAS = re.compile(r"models:/([^/@]+)@(.+)")
_LOGGED = re.compile(r"models:/(m-[0-9a-f]+)")
_OF_RUN = re.compile(r"runs:/([0-9a-f]{32})/([^/]+)")
_UNKNOWN = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})


@dataclass(frozen=True)
class Fetched:
    """Files of a model in a folder that only this user can read and write.

    Attributes
    ----------
    uri : str
        With every alias resolved.
    folder : Path
    digest : str
        SHA-256 over the names and digests of all files, as they lie in `folder`.
    recorded : bool
        Whether the store holds a digest of this model; it was compared with `digest` then.
    author, run_id : str
        As the store says; empty where it does not.
    """

    uri: str
    folder: Path
    digest: str
    recorded: bool
    author: str
    run_id: str


def fetch(model: str, into: Path) -> Fetched:
    """Copy the files of `model` and compare them with the digest that the store has of them.

    Parameters
    ----------
    model : str
        Run id, ``runs:/<run id>/model``, ``models:/<name>@<alias>``, ``models:/<name>/<version>``
        or ``models:/m-...``.
    into : Path
        An empty folder of mode 0700: whoever may write to the artifacts cannot change what is
        loaded from there.

    Raises
    ------
    NotFoundError
        ``model_not_found``.
    InvalidInputError
        ``model_changed``: the files are not those that were logged.
    """
    import mlflow.artifacts
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with tracking_errors():
        use_store()
        client = MlflowClient()
        try:
            uri = _resolved(client, model)
            logged = _logged_model(client, uri)
            mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into))
        except MlflowException as error:
            if error.error_code not in _UNKNOWN:
                raise
            raise NotFoundError(
                f"There is no model {model}.",
                hint="Name a run that logged a model, or a registered model and its alias.",
                code="model_not_found",
            ) from error
        except OSError as error:
            raise InvalidInputError(
                f"The files of {model} cannot be copied: {error.strerror or error}.",
                hint="They may be being replaced just now: try again, or look at the disk.",
                code="model_unreadable",
            ) from error
        run_id = str(logged.source_run_id or "") if logged else ""
        author = _author(client, run_id)
    folder = _top(into)
    digest = digest_of(manifest(folder))
    recorded = (logged.tags or {}).get(tags.MODEL_DIGEST) if logged else None
    if recorded is not None and recorded != digest:
        raise InvalidInputError(
            f"The files of {model} are not those that were logged: they have the digest "
            f"{digest[:12]}…, recorded is {recorded[:12]}….",
            hint=f"Somebody or something has changed them; {tags.ARTIFACT_MODEL} of the run says "
            "what each file was. Train it again, or restore the files.",
            code="model_changed",
        )
    return Fetched(uri, folder, digest, recorded is not None, author, run_id)


def _resolved(client: MlflowClient, model: str) -> str:
    if _RUN_ID.match(model):
        return f"runs:/{model}/{tags.MODEL_NAME}"
    found = _ALIAS.fullmatch(model)
    if found is None:
        return model
    # An alias moves; what is stamped on a prediction must not.
    version = client.get_model_version_by_alias(found.group(1), found.group(2))
    return f"models:/{found.group(1)}/{version.version}"


def _logged_model(client: MlflowClient, uri: str) -> LoggedModel | None:
    """Return the LoggedModel behind `uri`; None for what MLflow 2 has logged."""
    if found := _LOGGED.fullmatch(uri):
        return client.get_logged_model(found.group(1))
    if found := _VERSION.fullmatch(uri):
        version = client.get_model_version(found.group(1), found.group(2))
        model_id = version.model_id
        if model_id is None and (inner := _LOGGED.fullmatch(str(version.source))):
            model_id = inner.group(1)
        return client.get_logged_model(model_id) if model_id else None
    if found := _OF_RUN.fullmatch(uri):
        outputs: Any = client.get_run(found.group(1)).outputs
        ids = [output.model_id for output in (outputs.model_outputs if outputs else [])]
        named = [m for m in map(client.get_logged_model, ids) if m.name == found.group(2)]
        # MLflow, too, takes the newest of several of one name.
        return max(named, key=lambda model: model.creation_timestamp, default=None)
    return None


def _author(client: MlflowClient, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    if not run_id:
        return ""
    try:
        told = client.get_run(run_id).data.tags
    except MlflowException as error:
        if error.error_code in _UNKNOWN:
            return ""  # the run was deleted for good since
        raise
    return str(told.get(tags.OWNER) or told.get("mlflow.user") or "")


def _top(folder: Path) -> Path:
    """Return where ``MLmodel`` lies: a model of a run comes in a folder of its name."""
    inner = [path for path in folder.iterdir() if path.is_dir()]
    if not (folder / "MLmodel").exists() and len(inner) == 1 and (inner[0] / "MLmodel").exists():
        return inner[0]
    return folder
