"""Models that this process logs while their store cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.time import get_current_time_millis

from ..journal.ids import new_id
from ..journal.used import ModelChanged, ModelCreated

#: Takes an entry for the journal of a run.
Record = Callable[[Any], None]


class Models:
    """The models that wait, by the ids that they have until then."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[LoggedModel, Record]] = {}
        self._runs: dict[str, str] = {}

    def __contains__(self, model_id: str) -> bool:
        return model_id in self._waiting

    def run_of(self, model_id: str) -> str:
        """Return the run whose journal has what is said of a model."""
        return self._runs[model_id]

    def adopt(self, model: LoggedModel, journal: str, record: Record) -> None:
        """Note a model that the store has made, and whose files wait in the journal of a run."""
        self._waiting[model.model_id] = deepcopy(model), record
        self._runs[model.model_id] = journal

    def create(
        self,
        experiment: str,
        run: str,
        journal: str,
        files: Callable[[str], Path],
        record: Record,
        *,
        name: str | None,
        kind: str | None,
        tags: Any,
        params: Any,
    ) -> LoggedModel:
        """Note a model in the journal of a run.

        Parameters
        ----------
        experiment, run : str
            As the caller knows them.
        journal : str
            The run as its journal is named.
        files : callable
            Returns where the files of a model wait.
        record : callable
        name, kind : str, optional
        tags, params
            As MLflow has them.
        """
        key, now = new_id(), get_current_time_millis()
        made = ModelCreated(
            key,
            name or _generate_random_name(),
            kind,
            {one.key: str(one.value) for one in tags or []},
            {one.key: str(one.value) for one in params or []},
        )
        record(made)
        model = LoggedModel(
            experiment_id=experiment,
            model_id=key,
            name=made.name,
            artifact_location=files(key).as_uri(),
            creation_timestamp=now,
            last_updated_timestamp=now,
            model_type=kind,
            source_run_id=run,
            status=LoggedModelStatus.PENDING,
            tags=made.tags,
            params=made.params,
        )
        self._waiting[key] = model, record
        self._runs[key] = journal
        return deepcopy(model)

    def get(self, model_id: str) -> LoggedModel:
        """Return a model that waits."""
        return deepcopy(self._waiting[model_id][0])

    def named(self, name: str) -> list[LoggedModel]:
        """Return models by their name, the newest first."""
        return [deepcopy(one) for one, _ in reversed(self._waiting.values()) if one.name == name]

    def finalize(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Note the final state of a model, of which all files are there."""
        model, record = self._waiting[model_id]
        record(ModelChanged(model_id, status=LoggedModelStatus(status).name))
        model.status = LoggedModelStatus(status)
        return deepcopy(model)

    def set_tags(self, model_id: str, tags: dict[str, str | None]) -> None:
        """Note tags; None deletes one."""
        model, record = self._waiting[model_id]
        record(ModelChanged(model_id, tags=tags))
        for key, value in tags.items():
            if value is None:
                model.tags.pop(key, None)
            else:
                model.tags[key] = value

    def log_params(self, model_id: str, params: dict[str, str]) -> None:
        """Note params."""
        model, record = self._waiting[model_id]
        record(ModelChanged(model_id, params=params))
        model.params.update(params)
