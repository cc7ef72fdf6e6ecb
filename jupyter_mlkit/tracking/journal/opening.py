"""Begin to write the journal of a run, as this process."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from jupyter_mlkit._version import __version__
from jupyter_mlkit.paths import ENV_JOURNAL, journal_dir
from jupyter_mlkit.processes.identity import Identity, boot_id, machine_id

from ..provenance.kernel import kernel_id
from .entries import Opened
from .home import QUOTA, TOLD_AT, Home
from .recorder import Recorder
from .writer import Writer

_log = logging.getLogger("jupyter_mlkit.tracking")
#: Seconds after which entries are on the disk, where they are to survive the machine.
_FLUSH_EVERY = 0.1
_told: set[Path] = set()


def open_recorder(store: str, run: str, *, home: Home | None = None) -> Recorder:
    """Return what takes the entries of a run.

    They survive the process, and the machine too where ``JUPYTER_MLKIT_JOURNAL=machine``.

    Parameters
    ----------
    store : str
        URI of the tracking store.
    run : str
    home : Home, optional
        That of this user, where not given.

    Raises
    ------
    BackendError
        ``store_unwritable``.
    """
    home = home or Home(journal_dir())
    folder = home.journal(store, run).folder

    def opened(writer: str, segment: int) -> Opened:
        _tell_size(home)
        # Asked anew: a fork is another process.
        pid = os.getpid()
        me = Identity.of(pid) or Identity(pid, "", boot_id(), machine_id())
        return Opened(
            run, writer, segment, __version__, pid, me.started, me.boot, me.machine,
            kernel_id() or "",
        )  # fmt: skip

    machine = os.environ.get(ENV_JOURNAL) == "machine"
    return Recorder(Writer(folder, opened, flush_every=_FLUSH_EVERY if machine else None))


def _tell_size(home: Home) -> None:
    """Say once that the journals grow large: a store has been away for long."""
    if home.root in _told:
        return
    size = home.size()
    if size > TOLD_AT * QUOTA:
        _told.add(home.root)
        _log.warning(
            "%.1f GiB wait in %s for their stores, %.0f GiB are meant to be the most. Nothing is "
            "deleted; jupyter mlkit sync --status tells what waits and why.",
            size / 1024**3, home.root, QUOTA / 1024**3,
        )  # fmt: skip
