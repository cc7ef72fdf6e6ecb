"""What is left to MLflow's own store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlflow.store.tracking.abstract_store import AbstractStore


def passed_on(kind: type, name: str) -> Any:
    """Return a kind of store that passes all calls on to ``real``.

    Ids among the arguments are those that ``in_store`` tells.

    Parameters
    ----------
    kind : type
        MLflow's class of all stores of this kind.
    name : str
        Of the new class.
    """
    calls = {
        one: _passing(one)
        for one, value in vars(kind).items()
        if callable(value) and not one.startswith("__")
    }
    return type(name, (kind,), calls)


def _passing(name: str) -> Callable[..., Any]:
    def call(self: Any, *given: Any, **named: Any) -> Any:
        there = [self.in_store(one) for one in given]
        return getattr(self.real, name)(
            *there, **{key: self.in_store(one) for key, one in named.items()}
        )

    call.__name__ = name
    return call


PassedOn: Any = passed_on(AbstractStore, "PassedOn")
