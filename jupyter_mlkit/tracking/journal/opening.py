"""Begin to write the journal of a run, as this process."""

from __future__ import annotations

import os

from jupyter_mlkit._version import __version__
from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.processes.identity import Identity, boot_id, machine_id

from .entries import Opened
from .home import Home
from .recorder import Recorder
from .writer import Writer


def open_recorder(
    store: str, run: str, *, home: Home | None = None, flush_every: float | None = None
) -> Recorder:
    """Return what takes the entries of a run.

    Parameters
    ----------
    store : str
        URI of the tracking store.
    run : str
    home : Home, optional
        That of this user, where not given.
    flush_every : float, optional
        Seconds after which entries survive the machine too; without it they survive the process.

    Raises
    ------
    BackendError
        ``store_unwritable``.
    """
    folder = (home or Home(journal_dir())).journal(store, run).folder

    def opened(writer: str, segment: int) -> Opened:
        # Asked anew: a fork is another process.
        pid = os.getpid()
        me = Identity.of(pid) or Identity(pid, "", boot_id(), machine_id())
        return Opened(run, writer, segment, __version__, pid, me.started, me.boot, me.machine)

    return Recorder(Writer(folder, opened, flush_every=flush_every))
