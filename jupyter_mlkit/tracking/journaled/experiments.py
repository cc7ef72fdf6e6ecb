"""Experiments of a store that may be away."""

from __future__ import annotations

from typing import Any

from mlflow.entities import Experiment, LifecycleStage
from mlflow.utils.validation import _validate_experiment_name

from .errors import unavailable
from .own import Own
from .reach import UnreachableError


class Experiments(Own):
    """The part of a store that tells of experiments."""

    def get_experiment(self, experiment_id: str) -> Any:
        """Return an experiment, also one that waits to be made."""
        name = self._ids.name_of(experiment_id)
        if name is not None and self._ids.in_store(experiment_id) is None:
            return self._waiting_experiment(name)
        try:
            return self._reach.ask(lambda real: real.get_experiment(self.in_store(experiment_id)))
        except UnreachableError as error:
            raise unavailable(str(error)) from error

    def get_experiment_by_name(self, experiment_name: str) -> Any:
        """Return an experiment; while the store cannot be asked, one of that name."""
        # A run will follow: what it logs first is to be seen soon.
        self._start_drainer()
        try:
            return self._reach.ask(lambda real: real.get_experiment_by_name(experiment_name))
        except UnreachableError:
            _validate_experiment_name(experiment_name)
            return self._waiting_experiment(experiment_name)

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Any = None, **more: Any
    ) -> str:
        """Make an experiment; while the store cannot be asked, it is made with its first run."""
        try:
            return str(
                self._reach.ask(
                    lambda real: real.create_experiment(name, artifact_location, tags, **more)
                )
            )
        except UnreachableError as error:
            if artifact_location or tags:
                raise unavailable(
                    f"{error} An experiment with tags or a place of its own cannot be made now."
                ) from error
            _validate_experiment_name(name)
            return self._ids.experiment(name)

    def _waiting_experiment(self, name: str) -> Experiment:
        return Experiment(self._ids.experiment(name), name, "", LifecycleStage.ACTIVE)
