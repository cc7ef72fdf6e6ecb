"""Choose the compiled inner loops where numba is installed, else those in NumPy."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np

from .chance import round_keys


def kernels() -> ModuleType:
    """Return :mod:`.kernels`, or :mod:`.plain` where numba is missing."""
    try:
        found = import_module(".kernels", __package__)
    except ImportError:
        return import_module(".plain", __package__)
    # At its first function numba sets itself up, which takes 0.3 s and 50 MB of each process:
    # here, where no thread waits for another that does.
    found.permute(2, round_keys(0), np.empty(3, np.int32))
    return found
