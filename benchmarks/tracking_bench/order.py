"""What a process is told to do; needs nothing but the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What one process is told.

    Attributes
    ----------
    folder : Path
        Its own.
    uri : str
        Of the store; empty for a tracker that has its own files.
    most : int
        Calls.
    seconds : float
        For all calls.
    """

    folder: Path
    uri: str = ""
    most: int = 10**9
    seconds: float = 1e9
