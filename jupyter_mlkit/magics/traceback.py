"""Running a cell inside a cell so that its error is shown once, and as its own."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell


def run_cell_quietly(shell: InteractiveShell, cell: str) -> ExecutionResult:
    """Run `cell` and keep the traceback of its error for whoever raises the error again.

    IPython's ``run_cell`` shows an error itself; raised again it would be shown a second time,
    below the frames of the magic. The traceback of the inner cell alone is the one that the
    user wrote, so it is kept on the error, where IPython looks for it
    (``_render_traceback_``).
    """
    rendered: list[str] = []

    def keep(_etype: Any, _evalue: Any, stb: list[str]) -> None:
        rendered[:] = stb

    show = shell.showtraceback

    def show_unless_usage(*args: Any, **kwargs: Any) -> None:
        # A usage error is one line that IPython prints without a traceback.
        if sys.exc_info()[0] is not UsageError:
            show(*args, **kwargs)

    shell._showtraceback = keep  # type: ignore[assignment,method-assign]
    shell.showtraceback = show_unless_usage  # type: ignore[method-assign]
    try:
        result: ExecutionResult = shell.run_cell(cell, store_history=False)  # type: ignore[no-untyped-call]
    finally:
        # Instance attributes hide the methods of the class; without them all is as before.
        del shell._showtraceback, shell.showtraceback
    error = result.error_before_exec or result.error_in_exec
    if error is not None and rendered:
        # An error with slots takes no attribute: IPython renders it, below our frames.
        with contextlib.suppress(AttributeError):
            error._render_traceback_ = lambda: rendered  # type: ignore[attr-defined]
    return result
