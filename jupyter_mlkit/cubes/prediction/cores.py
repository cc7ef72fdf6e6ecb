"""Share the cores among threads: each calls the model, none of them on all cores at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def shared_cores(threads: int) -> Iterator[Callable[[], None]]:
    """Keep the BLAS and OpenMP of a model to its share of the cores.

    A forest on two cores in each of two threads makes four that wait for each other.

    Parameters
    ----------
    threads : int
        That call models at the same time.

    Yields
    ------
    callable
        To be called in each of the threads, as OpenMP keeps a limit for each.
    """
    try:
        from threadpoolctl import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
            ThreadpoolController,
        )
    except ImportError:
        yield _nothing
        return
    share = max(1, (os.cpu_count() or 1) // max(1, threads))
    controller = ThreadpoolController()
    limited = threading.local()
    with controller.limit(limits=share, user_api="blas"):

        def enter() -> None:
            if not getattr(limited, "done", False):
                limited.done = True
                _limit(controller, share)

        yield enter


def _limit(controller: Any, share: int) -> None:
    # The limit ends with the thread; the main thread's own is left alone.
    if threading.current_thread() is not threading.main_thread():
        controller.limit(limits=share, user_api="openmp")


def _nothing() -> None:
    """Do nothing."""
