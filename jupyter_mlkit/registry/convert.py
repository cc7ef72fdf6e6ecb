"""MLflow's registry entities as our wire models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jupyter_mlkit import models

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

PROMPT_TAG = "mlflow.prompt.is_prompt"


def is_prompt(entity: RegisteredModel) -> bool:
    """Return whether a registered model is one of the prompts that MLflow keeps among them."""
    return str(entity._tags.get(PROMPT_TAG, "")).lower() == "true"


def registered_model(entity: RegisteredModel) -> models.RegisteredModel:
    """Return MLflow's registered model as ours."""
    newest = [int(version.version) for version in entity.latest_versions or []]
    return models.RegisteredModel(
        name=entity.name,
        description=entity.description or "",
        creation_time=int(entity.creation_timestamp or 0),
        last_updated_time=int(entity.last_updated_timestamp or 0),
        aliases={alias: str(version) for alias, version in sorted(entity.aliases.items())},
        # MLflow gives the newest of each (deprecated) stage.
        latest_version=str(max(newest)) if newest else None,
        tags=_visible(entity.tags),
    )


def model_version(
    entity: ModelVersion, aliases: Mapping[str, str], run_name: str | None
) -> models.ModelVersion:
    """Return MLflow's model version as ours.

    Parameters
    ----------
    entity : mlflow.entities.model_registry.ModelVersion
        The version.
    aliases : mapping of str to str
        All aliases of its model, to version numbers.
    run_name : str or None
        Name of the run that it comes from.
    """
    number = str(entity.version)
    return models.ModelVersion(
        name=entity.name,
        version=number,
        run_id=entity.run_id or None,
        run_name=run_name,
        source=entity.source or "",
        description=entity.description or "",
        creation_time=int(entity.creation_timestamp or 0),
        status=str(entity.status or "READY"),
        aliases=sorted(alias for alias, version in aliases.items() if version == number),
        tags=_visible(entity.tags),
    )


def _visible(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: str(value) for key, value in tags.items() if not key.startswith("mlflow.")}
