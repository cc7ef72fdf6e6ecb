"""``%load_ext jupyter_mlkit``: a run around a cell, and values logged in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def register(ipython: InteractiveShell) -> None:
    """Register ``%%mlkit_run`` and ``%mlkit_log`` in `ipython`."""
    from .run_cell import RunMagics

    ipython.register_magics(RunMagics)
