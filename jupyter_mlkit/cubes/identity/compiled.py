"""When compiled code is worth its start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def pays(amount: int, *, loaded: int, alone: int) -> bool:
    """Return whether `amount` is enough: `loaded` where numba is imported, else `alone`."""
    return amount >= (loaded if "numba" in sys.modules else alone)


def is_kept(function: Any) -> bool:
    """Return whether numba has kept the code of `function` on disk from an earlier process."""
    module = function.py_func.__module__.rpartition(".")[2]
    pattern = f"{module}.{function.py_func.__name__}-*.nbi"
    return any(Path(function.stats.cache_path).glob(pattern))
