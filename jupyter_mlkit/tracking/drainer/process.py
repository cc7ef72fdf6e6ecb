"""The drainer as a process: one per user, as long as something waits."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from jupyter_mlkit.paths import ENV_DRAINER

from ..journal.home import Home, Journal
from ..journal.unmade import unmade
from .environment import PATIENCE, handed_on
from .service import Drainer, alone, backlog
from .status import Trouble, was_asked, write_troubles
from .writers import Life, writers

#: Seconds between two looks at the journals, and after which a drainer without work ends.
LOOK_EVERY, IDLE = 0.3, 5.0
#: Seconds for which runs that are written are left alone at first.
FIRST_WAIT = 2.0
_LOG = "drainer.log"
_LOG_BYTES = 1 << 20


def start(home: Home) -> int | None:
    """Start a drainer that outlives this process; return its pid, None where there is one.

    Its output goes to a file in the home.
    """
    with alone(home) as first:
        if not first:
            return None
    log = home.root / _LOG
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlkit.tracking.drainer", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**PATIENCE, **handed_on(), ENV_DRAINER: "1"},
            cwd=home.root,
        )
    # Whoever started it may live longer: it must not stay a zombie.
    threading.Thread(target=child.wait, daemon=True).start()
    return child.pid


def run(
    root: Path,
    *,
    look_every: float = LOOK_EVERY,
    idle: float = IDLE,
    first_wait: float = FIRST_WAIT,
) -> None:
    """Drain until nothing waits and nobody writes, or until the process is asked to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    home = Home(root)
    while not stop.is_set():
        with alone(home) as first:
            if not first:
                return
            asked = _let_begin(home, stop, look_every, first_wait)
            _drain(home, stop, look_every, idle, asked)
        # What was begun while this one held its place has nobody else.
        if not _has_work(home):
            return


def _let_begin(home: Home, stop: threading.Event, look_every: float, most: float) -> bool:
    """Wait while all that there is was begun just now, and is still written.

    Return whether somebody has asked for it meanwhile.

    The first entry that is brought costs the import of MLflow, seconds of a core, which a short
    script needs itself: threads that compute together lose most by a rival.
    """
    until = time.monotonic() + most
    while time.monotonic() < until and not stop.is_set():
        if was_asked(home):
            return True
        if not all(map(_is_written, home.journals())):
            break
        stop.wait(look_every)
    return False


def _is_written(journal: Journal) -> bool:
    try:
        return Life.ALIVE in writers(journal.folder).values()
    except OSError:
        return False


def _drain(home: Home, stop: threading.Event, look_every: float, idle: float, asked: bool) -> None:
    drainer, left = Drainer(home), idle
    told: list[Trouble] | None = None
    while not stop.is_set():
        if was_asked(home) or asked:
            drainer.try_now()
            # Whoever asked takes what is told from now on for the answer.
            told, asked = [], False
            write_troubles(home, told)
        drainer.round(lambda: not stop.is_set())
        troubles = drainer.troubles
        if troubles != told:
            write_troubles(home, troubles)
            told = troubles
        left = idle if _has_work(home) else left - look_every
        if left <= 0:
            return
        stop.wait(look_every)


def needs_drainer(home: Home) -> bool:
    """Return whether a drainer is to be started: there is work, and nobody who does it.

    Work is what waits, and runs whose processes are alive or have died: the former are watched,
    the latter are to be ended. Cheap where there is none; for a server that starts, and again
    and again while it runs, as a drainer may be killed with whoever started it.
    """
    # Asked first: a drainer that begins in this very moment must not find its place taken.
    if not _has_work(home):
        return False
    with alone(home) as first:
        return first


def _has_work(home: Home) -> bool:
    """Whether something waits, or a process of this machine has a run that is not settled."""
    return any(_is_work(journal) for journal in home.journals())


def _is_work(journal: Journal) -> bool:
    try:
        return bool(
            backlog(journal)
            or any(one.is_dir() for one in journal.waiting_files)
            or any(unmade(journal))
            # Of a writer that is closed or dead, something is left only where its store is away.
            or any(life is not Life.UNKNOWN for life in writers(journal.folder).values())
        )
    except OSError:  # it cannot be read: that is told by :mod:`.status`, and keeps nobody waiting
        return False
