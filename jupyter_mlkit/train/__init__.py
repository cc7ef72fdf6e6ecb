"""Fit a model on a datacube and log everything that is needed to trust and to repeat it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attach import log_cube
    from .loading import load_model
    from .prediction import predict
    from .training import RunResult, run

__all__ = ["RunResult", "load_model", "log_cube", "predict", "run"]

#: No module bears the name of a function: importing it would hide the function.
_HOMES = {
    "RunResult": "training",
    "load_model": "loading",
    "log_cube": "attach",
    "predict": "prediction",
    "run": "training",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: a probe needs few of them."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
