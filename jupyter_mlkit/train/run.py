"""Where :func:`run` and :func:`predict` are looked for by the terminal commands."""

from __future__ import annotations

from .prediction import predict
from .training import RunResult, run

__all__ = ["RunResult", "predict", "run"]
