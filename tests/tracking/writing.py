"""Processes that write the journal of a run, and end as a test wants them to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from stores import until

from jupyter_mlkit.tracking.journal.home import Home

_CODE = """
import json, sys
from pathlib import Path
from jupyter_mlkit.tracking.journal.entries import *
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder
home, store, run = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
recorder = open_recorder(store, run, home=home)
def log(first, last):
    for step in range(first, last):
        recorder.metric("loss", step / 3, 1_700_000_000_000, step)
for line in sys.stdin:
    exec(json.loads(line))
    print(flush=True)
"""


class WritingProcess:
    """A process that writes to a run what it is told to; it starts no drainer.

    Parameters
    ----------
    home : Home
    store, run : str
    """

    def __init__(self, home: Home, store: str, run: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(home.root), store, run],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def does(self, code: str) -> None:
        """Execute `code`, which knows ``log`` and ``recorder``; return when it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "\n", "it has failed"

    def stop(self) -> None:
        """Suspend it, and return when it is."""
        os.kill(self.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{self.pid}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, and return when it is gone."""
        self._process.kill()
        self._process.communicate()

    def end(self) -> None:
        """Let it come to its end."""
        self._process.communicate()
        assert self._process.returncode == 0
