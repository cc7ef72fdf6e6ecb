"""Datacube machine-learning experiment tracking in JupyterLab, on MLflow.

Nothing heavy is imported here: the Jupyter server loads this package at its start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

try:
    from ._version import __version__
except ImportError:  # a source tree that was never built
    __version__ = "0.0.0"

#: Public names and the module each is loaded from when it is first used.
_PUBLIC = {
    "TrainingSpec": "jupyter_mlkit.spec",
    "load_spec": "jupyter_mlkit.spec",
    "log_cube": "jupyter_mlkit.train",
    "predict": "jupyter_mlkit.train",
    "start_run": "jupyter_mlkit.tracking.run",
}
#: Rooms that ``import jupyter_mlkit as mlkit; mlkit.train.run(spec)`` reaches without more imports.
_ROOMS = {"cubes", "registry", "tracking", "train"}

__all__ = ["TrainingSpec", "__version__", "load_spec", "log_cube", "predict", "start_run"]


def __getattr__(name: str) -> Any:
    """Load a public name or room when it is first used."""
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "../labextension/dist", "dest": "jupyter-mlkit"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .app import MLKitApp

    return [{"module": "jupyter_mlkit", "app": MLKitApp}]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register the magics (``%load_ext jupyter_mlkit``)."""
    from .magics import register

    register(ipython)
