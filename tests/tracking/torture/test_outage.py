"""Whatever a server and the network do, each point is in one run, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
from drainers import end_drainers
from stores import Server, until

from jupyter_mlkit.paths import ENV_JOURNAL
from jupyter_mlkit.tracking.drainer.process import start
from jupyter_mlkit.tracking.drainer.status import pending, read_troubles
from jupyter_mlkit.tracking.journal.entries import Tags
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder

from .proxy import Faults, Proxy

POINTS, RESTARTS = 100_000, 10
#: A short patience, so that a drill takes minutes; what is right does not depend on it.
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
LOSSY = Faults(lose_reply=0.3, lose_request=0.05, reset=0.05, delay=0.05)


class Writer:
    """Logs a few points whenever it is asked to, and counts them."""

    def __init__(self, uri: str, run: str, home: Home) -> None:
        self._recorder = open_recorder(uri, run, home=home)
        self.points = 0
        self.slowest = 0.0

    def log(self, points: int = 3) -> None:
        for step in range(self.points, self.points + points):
            began = time.perf_counter()
            self._recorder.metric("loss", step / 7, 1_700_000_000_000 + step, step)
            self.slowest = max(self.slowest, time.perf_counter() - began)
        self.points += points
        self._recorder.record(Tags({"points": str(self.points)}))

    def close(self) -> None:
        self._recorder.close()


class Drill:
    """A server behind a bad network, a drainer, and what goes on until each fault was met.

    Parameters
    ----------
    meanwhile : callable
        Called again and again while faults last.
    """

    def __init__(self, server: Server, proxy: Proxy, home: Home, meanwhile: Callable[[], object]):
        self.server, self.proxy, self.home, self._meanwhile = server, proxy, home, meanwhile

    def lossy(self) -> None:
        """Lose replies, until five of them are lost."""
        before = self.proxy.counted["lose_reply"]
        self.proxy.faults = LOSSY
        self._until(lambda: self.proxy.counted["lose_reply"] >= before + 5)

    def down(self) -> None:
        """Refuse connections, until the drainer has noticed it."""
        self.proxy.refuse()
        self._until(lambda: read_troubles(self.home))
        self.proxy.listen()

    def stalled(self) -> None:
        """Accept connections and do nothing, until the drainer has noticed it."""
        self.proxy.faults = Faults(stalled=True)
        self._until(lambda: read_troubles(self.home))

    def restarted(self) -> None:
        """Kill the server and start another one."""
        self.server.kill()
        self._until(lambda: read_troubles(self.home))
        # Meanwhile a client may have been given the port.
        self.server.move()
        self.server.start()

    def over(self) -> None:
        """Let all be well, until the drainer has brought something."""
        self.proxy.faults = Faults()
        self._until(lambda: not read_troubles(self.home))

    def _until(self, found: Callable[[], object]) -> None:
        def look() -> object:
            self._meanwhile()
            return found()

        until(look, 120)


@pytest.fixture
def server(empty_store: Path, tmp_path: Path) -> Iterator[Server]:
    found = Server(empty_store, tmp_path)
    found.start()
    yield found
    found.kill()


@pytest.fixture
def proxy(server: Server, chance: random.Random) -> Iterator[Proxy]:
    found = Proxy(lambda: server.port, chance)
    yield found
    found.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    for name, value in PATIENCE.items():
        monkeypatch.setenv(name, value)
    found = Home(tmp_path / "data" / "jupyter_mlkit" / "journal")
    yield found
    end_drainers(found)


_SCRIPT = """
import itertools, mlflow, pathlib, sys, time
over = pathlib.Path(sys.argv[1])
mlflow.set_experiment("outage")
with mlflow.start_run(run_name=sys.argv[2]):
    print("begun", flush=True)
    for step in itertools.count():
        mlflow.log_metric("loss", step / 7, step=step)
        if step % 10 == 9:
            mlflow.set_tag("points", step + 1)
            if over.exists():
                break
            time.sleep(0.1)
print(step + 1)
"""


def script(home: Home, uri: str, over: Path, name: str) -> subprocess.Popen[str]:
    """Start a script of stock MLflow, as a kernel or a job of ours would; return when it logs."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT, str(over), name],
        env={
            **os.environ,
            ENV_JOURNAL: "1",
            "MLFLOW_TRACKING_URI": uri,
            "JUPYTER_DATA_DIR": str(home.root.parents[1]),
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    return child


def test_nothing_is_lost_or_doubled(
    server: Server, proxy: Proxy, home: Home, tmp_path: Path, nightly: int, chance: random.Random
) -> None:
    uri = f"http://127.0.0.1:{proxy.port}"
    direct = mlflow.MlflowClient(tracking_uri=server.uri)
    experiment = direct.create_experiment("outage")
    run = direct.create_run(experiment, run_name="journal").info.run_id
    writer = Writer(uri, run, home)
    drill = Drill(server, proxy, home, writer.log)
    writer.log()
    start(home)
    over = tmp_path / "over"
    scripts = {}
    # One begins while nobody answers, the other while replies are lost.
    proxy.refuse()
    scripts["down"] = script(home, uri, over, "down")
    proxy.listen()
    proxy.faults = LOSSY
    scripts["lossy"] = script(home, uri, over, "lossy")
    faults = [drill.lossy, drill.down, drill.stalled, *[drill.restarted] * RESTARTS]
    for _ in range(nightly):
        chance.shuffle(faults)
        for fault in faults:
            fault()
            drill.over()
    writer.log(max(3, POINTS * nightly - writer.points))
    writer.close()
    over.touch()
    told = {name: child.communicate(timeout=120)[0] for name, child in scripts.items()}
    assert [child.returncode for child in scripts.values()] == [0, 0]
    until(lambda: not pending(home), 300 * nightly)
    direct = mlflow.MlflowClient(tracking_uri=server.uri)
    found = {one.info.run_name: one for one in direct.search_runs([experiment])}
    assert len(direct.search_runs([experiment])) == len(found) == 3
    for name, points in {"journal": writer.points, **{k: int(v) for k, v in told.items()}}.items():
        one = found[name]
        history = direct.get_metric_history(one.info.run_id, "loss")
        assert sorted((at.step, at.value) for at in history) == [
            (step, step / 7) for step in range(points)
        ], name
        assert one.data.tags["points"] == str(points)
    assert proxy.counted["lose_reply"] >= 5
