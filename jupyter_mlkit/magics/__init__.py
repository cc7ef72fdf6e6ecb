"""``%load_ext jupyter_mlkit``: a run around a cell, values in a line, a cell that prepares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def register(ipython: InteractiveShell) -> None:
    """Register ``%%mlkit_run``, ``%mlkit_log`` and ``%%mlkit_prepare`` in `ipython`."""
    from .prepare_cell import PrepareMagics
    from .run_cell import RunMagics

    ipython.register_magics(RunMagics, PrepareMagics)
