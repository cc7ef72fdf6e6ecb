"""What runs were trained on and what they have made, for a store that may be away."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList

from ..cube_tags import cube_tags, split_of
from ..drainer.creation import experiment_in_store
from ..journal.entries import Entry
from ..journal.ids import is_local
from ..tags import ARTIFACT_SPLIT, SPLIT_HASH
from .artifacts import Place, is_here, keep_first
from .entities import inputs_entry, outputs_entry
from .errors import unavailable
from .kept import Kept
from .own import Own
from .reach import UnreachableError

#: As MLflow asks for the model of a run.
_BY_NAME = re.compile(r"name = '([^']*)'")
_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"


class Used(Own):
    """The part of a store that takes inputs, outputs and models."""

    def log_inputs(self, run_id: str, datasets: Any = None, models: Any = None) -> None:
        """Log what a run was trained on."""
        self._there_or_noted(
            run_id,
            lambda real: real.log_inputs(self.in_store(run_id), datasets, models),
            inputs_entry(datasets or [], models or []),
        )
        self._tag_with([one.dataset for one in datasets or []], run_id)

    def _tag_with(self, datasets: list[Any], run_id: str) -> None:
        """Let a run be found by its cubes, and keep how they were split.

        MLflow has one record of a cube for all runs of an experiment; the split is the run's own.
        """
        if not any(one.source_type == "cube" for one in datasets):
            return
        try:
            known = self.get_run(run_id).data.tags
        except MlflowException:
            kept = self._kept.get(run_id)
            tags = {} if kept is None else kept.tags
            known = {key: value for key, value in tags.items() if value is not None}
        found = cube_tags(datasets, known)
        split = split_of(datasets)
        if split is not None and SPLIT_HASH not in known:
            found[SPLIT_HASH] = split["hash"]
            content = json.dumps(split, indent=2).encode()
            self._stage(self._opened(run_id)[1], {ARTIFACT_SPLIT: content})
        if found:
            self.log_batch(run_id, [], [], [RunTag(*one) for one in found.items()])

    def log_outputs(self, run_id: str, models: Any) -> None:
        """Log models that a run has made."""
        if any(one.model_id in self._models for one in models):
            self._opened(run_id)[0].record(outputs_entry(models))
            return
        self._there_or_noted(
            run_id,
            lambda real: real.log_outputs(self.in_store(run_id), models),
            outputs_entry(models),
        )

    def _there_or_noted(self, run_id: str, call: Callable[[Any], Any], entry: Entry) -> None:
        """Tell the store, or where it cannot be asked, or does not know the run, the journal."""
        kept = self._kept.get(run_id)
        try:
            # What is known by an id of here was begun there, and its order counts.
            if kept is not None and is_local(kept.run_id):
                raise UnreachableError
            self._reach.ask(call)
        except UnreachableError:
            self._opened(run_id)[0].record(entry)

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Any = None,
        params: Any = None,
        model_type: str | None = None,
    ) -> Any:
        """Make a model: in the store, or in the journal of its run."""
        kept = self._kept.get(source_run_id or "")
        if kept is None or not is_local(kept.run_id):
            try:
                model = self._reach.ask(
                    lambda real: real.create_logged_model(
                        experiment_in_store(real, self._ids, experiment_id),
                        name, self.in_store(source_run_id), tags, params, model_type,
                    )
                )  # fmt: skip
            except UnreachableError as error:
                if source_run_id is None:
                    raise unavailable(f"{error} A model needs a run to wait in.") from error
            else:
                self._keep_model_first(kept, model)
                return model
        assert source_run_id is not None
        recorder, kept = self._opened(source_run_id)
        files = self._home.find(self.uri, kept.run_id).model_files
        return self._models.create(
            experiment_id, source_run_id, kept.run_id, files, recorder.record,
            name=name, kind=model_type, tags=tags, params=params,
        )  # fmt: skip

    def _keep_model_first(self, kept: Kept | None, model: Any) -> None:
        """Let the files of a model wait, and what is said of it after them."""
        if kept is None or is_here(model.artifact_location):
            return
        recorder, kept = self._opened(kept.run_id)
        place = self._home.find(self.uri, kept.run_id).model_files(model.model_id)
        keep_first(model.artifact_location, Place((place,), self._reach))
        self._models.adopt(model, kept.run_id, recorder.record)

    def _is_here(self, model_id: str) -> bool:
        """Whether a model is to be read here: its files are, or nobody else knows it."""
        if is_local(model_id) and self._ids.in_store(model_id) is None:
            return True
        journal = self._home.find(self.uri, self._models.run_of(model_id))
        return journal.model_files(model_id).is_dir()

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> Any:
        """Return a model, also one that waits."""
        if model_id in self._models and self._is_here(model_id):
            return self._models.get(model_id)
        return self.real.get_logged_model(self.in_store(model_id), allow_deleted)

    def search_logged_models(
        self, experiment_ids: list[str], filter_string: str | None = None, *more: Any, **named: Any
    ) -> Any:
        """Return models that the store finds; while it cannot be asked, own ones by their name."""
        try:
            there = [self.in_store(one) for one in experiment_ids]
            return self._reach.ask(
                lambda real: real.search_logged_models(there, filter_string, *more, **named)
            )
        except (UnreachableError, MlflowException) as error:
            name = _BY_NAME.fullmatch(filter_string or "")
            if isinstance(error, MlflowException) and error.error_code != _UNAVAILABLE:
                raise
            if name is None:
                raise unavailable(str(error)) from error
            return PagedList(self._models.named(name[1]), None)

    def finalize_logged_model(self, model_id: str, status: Any) -> Any:
        """Set the final state of a model."""
        if model_id in self._models:
            return self._models.finalize(model_id, status)
        return self.real.finalize_logged_model(self.in_store(model_id), status)

    def set_logged_model_tags(self, model_id: str, tags: Any) -> None:
        """Set tags of a model."""
        if model_id in self._models:
            self._models.set_tags(model_id, {one.key: str(one.value) for one in tags})
        else:
            self.real.set_logged_model_tags(self.in_store(model_id), tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Delete a tag of a model."""
        if model_id in self._models:
            self._models.set_tags(model_id, {key: None})
        else:
            self.real.delete_logged_model_tag(self.in_store(model_id), key)

    def log_logged_model_params(self, model_id: str, params: Any) -> None:
        """Log params of a model."""
        if model_id in self._models:
            self._models.log_params(model_id, {one.key: str(one.value) for one in params})
        else:
            self.real.log_logged_model_params(self.in_store(model_id), params)
