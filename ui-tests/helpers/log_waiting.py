"""Log for a tracking server that is down, two hours ago: ``log_waiting.py KIND``.

With ``--forget`` the journals are removed, so that nothing waits any more.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

#: Nobody listens there.
AWAY = "http://127.0.0.1:9"
_HOURS = 2


def main(kind: str, forget: bool) -> None:
    """Leave 1,203 entries of two runs in the journal of the server `kind`."""
    home = Path(__file__).resolve().parents[2] / ".workspace" / f"ui-{kind}"
    os.environ["JUPYTER_DATA_DIR"] = str(home / "data")
    from jupyter_mlkit.paths import journal_dir
    from jupyter_mlkit.tracking.journal.opening import open_recorder

    if forget:
        for folder in journal_dir().glob("*/*/"):
            shutil.rmtree(folder)
        return
    now = time.time_ns
    time.time_ns = lambda: now() - _HOURS * 3600 * 10**9
    for run, points in (("a" * 32, 1200), ("b" * 32, 3)):
        recorder = open_recorder(AWAY, run)
        for step in range(points):
            recorder.metric("val_rmse", 2 + 1 / (step + 1), 1_700_000_000_000, step)
        recorder.close()


if __name__ == "__main__":
    main(sys.argv[1], "--forget" in sys.argv)
