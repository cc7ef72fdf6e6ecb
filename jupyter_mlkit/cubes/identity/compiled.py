"""When compiled code is worth its start."""

from __future__ import annotations

import sys


def pays(amount: int, *, loaded: int, alone: int) -> bool:
    """Return whether `amount` is enough: `loaded` where numba is imported, else `alone`."""
    return amount >= (loaded if "numba" in sys.modules else alone)
