"""MLflow's model registry on a server: told of models that have arrived there, and only then."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlflow.store.model_registry.abstract_store import AbstractStore

from .errors import unavailable
from .passing import passed_on
from .reach import Reach, UnreachableError
from .store import JournaledStore

#: Seconds that a model gets to arrive in its store before it is registered.
_ARRIVES_WITHIN = 60.0
_LOCAL = re.compile(r"local-[0-9a-f]{32}")

_PassedOn: Any = passed_on(AbstractStore, "PassedOnRegistry")


class JournaledRegistry(_PassedOn):  # type: ignore[misc]
    """The registry of a server whose runs and models may still wait here.

    Parameters
    ----------
    uri : str
    make : callable
        Returns the real registry.
    tracking : callable
        Returns the tracking store that the models belong to.
    """

    def __init__(self, uri: str, make: Callable[[], Any], tracking: Callable[[], Any]) -> None:
        super().__init__(uri)
        self._reach = Reach(uri, make)
        self._tracking = tracking

    def __getattr__(self, name: str) -> Any:
        """Return what only some kinds of registries have."""
        if name.startswith("__") or "_reach" not in vars(self):
            raise AttributeError(name)
        return getattr(self.real, name)

    @property
    def real(self) -> Any:
        """MLflow's registry itself."""
        try:
            return self._reach.answering
        except UnreachableError as error:
            raise unavailable(
                f"{error} Versions of models are made by the server alone: register the model "
                "once it is there again."
            ) from error

    def in_store(self, given: Any) -> Any:
        """Return an argument with the ids that the store knows."""
        if not isinstance(given, str) or _LOCAL.search(given) is None:
            return given
        return _LOCAL.sub(lambda found: str(self._tracking().in_store(found[0])), given)

    def create_model_version(self, name: str, source: str, *given: Any, **named: Any) -> Any:
        """Make a version of a model, once its files and its run are in the store."""
        real, tracking = self.real, self._tracking()
        if isinstance(tracking, JournaledStore) and not tracking.settle(
            _ARRIVES_WITHIN, through_troubles=True
        ):
            raise unavailable(
                "What was logged of the model is not in the store yet; jupyter mlkit sync --status "
                "tells why. Register it later."
            )
        there = [self.in_store(one) for one in given]
        return real.create_model_version(
            name, self.in_store(source), *there,
            **{key: self.in_store(one) for key, one in named.items()},
        )  # fmt: skip
