"""Choose the compiled inner loops where numba is installed, else those in NumPy."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def kernels() -> ModuleType:
    """Return :mod:`.kernels`, or :mod:`.plain` where numba is missing."""
    try:
        return import_module(".kernels", __package__)
    except ImportError:
        return import_module(".plain", __package__)
