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
    # At its first function numba sets itself up, which takes 0.3 s and 50 MB of each process, and
    # this one would be loaded when the first batch is ready: here no thread waits for another.
    records, values = np.empty((0, 3), np.float32), np.empty((0, 1), np.float32)
    rows, ints = np.empty(0, np.int32), np.empty(0, np.int64)
    found.draw(
        records, rows, np.uint8(0), ints, ints, ints, ints.reshape(0, 2), round_keys(0), 1, values,
        values, np.empty(0, np.uint32),
    )  # fmt: skip
    return found
