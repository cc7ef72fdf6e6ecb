"""``%load_ext jupyter_mlkit``: runs around cells, values in lines, cells that prepare, trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def register(ipython: InteractiveShell) -> None:
    """Register ``%%mlkit_run``, ``%mlkit_log``, ``%%mlkit_prepare`` and ``%mlkit_trust``."""
    from .prepare_cell import PrepareMagics
    from .run_cell import RunMagics
    from .trust_line import TrustMagics

    ipython.register_magics(RunMagics, PrepareMagics, TrustMagics)
