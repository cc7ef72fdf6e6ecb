"""What is killed: processes that write journals, and drainers. They are forked, so cheap."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.tracking.drainer import delivery, drain, process
from jupyter_mlkit.tracking.journal.entries import Entry, Metric, Opened, Params, Tags, encoded
from jupyter_mlkit.tracking.journal.writer import Writer

from . import ready

#: Small, so that kills hit the change of segments and the end of chunks, too.
SEGMENT_BYTES, CHUNK = 20_000, 200
#: Steps of a writer; further ones belong to the next.
STEPS = 1_000_000
TIME = 1_700_000_000_000


def entry(writer: int, number: int) -> Entry:
    """Return what a writer logs as its n-th: mostly points, some tags and params."""
    if number % 50 == 10:
        return Tags({f"last-{writer}": str(number)})
    if number % 500 == 20:
        return Params({f"param-{writer}-{number}": str(number / 7)})
    step = writer * STEPS + number
    return Metric(f"loss {number % 3}", step / 7, TIME + step, step)


def write(folder: Path, run: str, writer: int, told: Path, begun: Connection) -> None:
    """Log without end; each call that returned is acknowledged in a file, the first to `begun`."""

    def opened(name: str, segment: int) -> Opened:
        me = Identity.of(os.getpid())
        assert me is not None
        return Opened(run, name, segment, "1", me.pid, me.started, me.boot, me.machine)

    journal = Writer(folder, opened, segment_bytes=SEGMENT_BYTES)
    file = os.open(told, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    number = 0
    while True:
        journal.append(encoded(entry(writer, number)))
        os.write(file, b".")
        if not number:
            begun.send(None)
        number += 1


def bring(root: Path, begun: Connection) -> None:
    """Be the drainer of a home; `begun` is told when the first chunk was brought."""
    logging.disable()
    delivery.METRICS = CHUNK
    real, told = drain.write_cursor, False

    def write_cursor(*given: object) -> None:
        nonlocal told
        real(*given)  # type: ignore[arg-type]
        if not told:
            begun.send(None)
            told = True

    drain.write_cursor = write_cursor  # type: ignore[assignment]
    process.run(root, look_every=0.005, idle=3600, first_wait=0)


def start(work: Callable[..., None], *given: object) -> BaseProcess:
    """Start `work` as a process, and return when it has begun."""
    context = forks()
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(*given, theirs), daemon=True)
    child.start()
    theirs.close()
    ours.recv()
    ours.close()
    return child


def kill(child: BaseProcess) -> bool:
    """Kill a process; return whether that is what it died of."""
    child.kill()
    child.join(60)
    return child.exitcode == -signal.SIGKILL


@functools.cache
def forks() -> ForkServerContext:
    """Return what forks processes from one that has imported all that they need.

    The first call is to be made by one thread only: it changes the environment for a moment.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, ready.__name__])
    # It is not told where tests import from.
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context
