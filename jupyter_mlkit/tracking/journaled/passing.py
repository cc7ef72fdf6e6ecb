"""What is left to MLflow's own store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlflow.store.tracking.abstract_store import AbstractStore


def _passed_on(name: str) -> Callable[..., Any]:
    def call(self: Any, *given: Any, **named: Any) -> Any:
        there = [self.in_store(one) for one in given]
        return getattr(self.real, name)(
            *there, **{key: self.in_store(one) for key, one in named.items()}
        )

    call.__name__ = name
    return call


#: All that MLflow's stores can, passed on to ``real``, with the ids that `in_store` tells.
PassedOn: Any = type(
    "PassedOn",
    (AbstractStore,),
    {
        name: _passed_on(name)
        for name, value in vars(AbstractStore).items()
        if callable(value) and not name.startswith("__")
    },
)
