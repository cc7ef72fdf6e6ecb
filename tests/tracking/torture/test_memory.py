"""A drainer needs no more memory for a long journal than for a short one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from stores import Place

from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder

POINTS, MOST_MB = 100_000, 300
_DRAINS = """
import sys
from pathlib import Path
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.journal.home import Home
drainer = Drainer(Home(Path(sys.argv[1])))
drainer.round()
assert drainer.failing == {}, drainer.failing
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) * 1024 / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak since the start")
def test_a_long_journal_is_brought_and_read_back_in_little_memory(
    file_store: Place, tmp_path: Path, nightly: int
) -> None:
    home, points = Home(tmp_path / "journal"), POINTS * nightly
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    recorder = open_recorder(file_store.uri, run, home=home)
    for step in range(points):
        recorder.metric("loss", step / 7, 1_700_000_000_000 + step, step)
    recorder.close()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _DRAINS, str(home.root)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert [*home.journals()] == []
    assert float(done.stdout) <= MOST_MB
