"""How many values a second the journal takes, and how fast they are brought to a store."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from cube_bench.report import Row, row

from .bench import Bench, end_drainers
from .child import FIRST
from .plan import OURS
from .trackers import RUN, home

_SUSTAINED, _DRAIN, _MEMORY_MB = 50_000, 0.9, 300
_WRITERS = 8
_POINT = "1_700_000_000_000 + step"


def sustained(bench: Bench) -> list[Row]:
    """Log without a pause, from one process and from several into one run."""
    print("\nValues a second into the journal, without a pause")
    rows = []
    for writers in (1, _WRITERS):
        rates = []
        for _ in range(bench.rounds):
            with bench.folder() as folder:
                rates.append(_together(bench, folder, writers))
        rate = statistics.median(rates)
        name = f"sustained: {writers} writer{'s' * (writers > 1)}"
        print(f"  {name:40s}{rate:12,.0f}/s")
        limit = _SUSTAINED if writers == 1 else None
        rows.append(row(name, rate, "values/s", bench.conditions, limit=limit))
    return rows


def _together(bench: Bench, folder: Path, writers: int) -> float:
    """Return the rate of several writers of one run; each of their values must be there."""
    from jupyter_mlkit.tracking.drainer.source import waiting
    from jupyter_mlkit.tracking.journal.entries import Metric
    from jupyter_mlkit.tracking.journal.home import Home

    command = bench.command(
        "calls", OURS.call, folder, "--uri", "sqlite:////none.db",
        "--seconds", str(bench.size.sustained), peer=False,
    )  # fmt: skip
    children = [
        subprocess.Popen(
            command, env=bench.environment(OURS, folder), stdout=subprocess.PIPE, text=True
        )
        for _ in range(writers)
    ]
    told = [_result(child.communicate()[0]) for child in children]
    values = sum(int(one["calls"]) + FIRST for one in told)
    journal = Home(home(folder)).journal("sqlite:////none.db", RUN)
    kept = sum(isinstance(one.entry, Metric) for one in waiting(journal.folder))
    if kept != values:
        raise SystemExit(f"{values} values were logged, {kept} are in the journal")
    return sum(1e6 / one["mean"] for one in told)


def _result(output: str) -> Any:
    return json.loads(output.splitlines()[-1].removeprefix("RESULT "))


def drains(bench: Bench) -> list[Row]:
    """Bring values to a store, beside `log_batch` of 1,000 to the same store."""
    print("\nValues a second from the journal to a store, beside log_batch of 1,000")
    print(
        f"  {'':40s}{'log_batch':>11s}{'drained':>11s}{'ratio':>8s}{'by CPU':>8s}{'read back':>11s}"
    )
    rows = []
    for kind in ("SQLite", "a server"):
        taken: list[dict[str, float]] = []
        for _ in range(bench.rounds):
            with bench.folder() as folder:
                uri = bench.stores.server() if kind == "a server" else _ours(folder)
                taken += _child(_DRAINS, folder, uri, bench.size.points)
        batch, drained, whole = (
            statistics.median(bench.size.points / one[name] for one in taken)
            for name in ("batch", "drained", "whole")
        )
        ratio = statistics.median(one["batch"] / one["drained"] for one in taken)
        cpu = statistics.median(one["cpu"] for one in taken)
        # Behind a server most of the work is not in this process.
        by_cpu = f"{cpu:8.2f}" if kind == "SQLite" else " " * 8
        print(f"  {kind:40s}{batch:9,.0f}/s{drained:9,.0f}/s{ratio:8.2f}{by_cpu}{whole:9,.0f}/s")
        peer = ("log_batch of 1,000", batch)
        rows.append(row(f"drain: to {kind}", drained, "values/s", bench.conditions, peer=peer))
        name = f"drain: to {kind}, of log_batch in the same minute"
        rows.append(row(name, ratio, "x", bench.conditions, limit=_DRAIN))
        name = f"drain: to {kind}, read back and deleted as well"
        rows.append(row(name, whole, "values/s", bench.conditions))
    return rows


def memory(bench: Bench) -> list[Row]:
    """Drain a long journal, and look at the most memory that it took."""
    print(f"\nMemory of a drainer, {bench.size.million:,} values")
    with bench.folder() as folder:
        told = _child(_BRINGS, folder, _ours(folder), bench.size.million)
    print(f"  {'all brought, read back and deleted':40s}{told['mb']:9,.0f} MB of {_MEMORY_MB}")
    print(f"  {'of which imports':40s}{told['imports']:9,.0f} MB")
    name = f"drain: peak memory, {bench.size.million:,} values"
    return [row(name, told["mb"], "MB", bench.conditions, higher=False, limit=_MEMORY_MB)]


def _ours(folder: Path) -> str:
    from jupyter_mlkit.tracking.store import prepare_store

    uri = f"sqlite:///{folder / 'mlflow.db'}"
    prepare_store(uri, folder / "artifacts")
    return uri


def _child(code: str, folder: Path, uri: str, points: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(home(folder)), uri, str(points)],
        capture_output=True,
        text=True,
    )
    end_drainers(home(folder))
    if done.returncode:
        raise SystemExit(done.stderr)
    return _result(done.stdout)


_BEGINS = f"""
import json, logging, sys, time
from pathlib import Path
import mlflow
from mlflow.entities import Metric
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.drain import drain
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder

home, uri, points = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
client = mlflow.MlflowClient(tracking_uri=uri)

def new_run():
    return client.create_run("0").info.run_id

def journal(run):
    recorder = open_recorder(uri, run, home=home)
    for step in range(points):
        recorder.metric("loss", step / 7, {_POINT}, step)
    recorder.close()
    return home.journal(uri, run).folder

def tidied():
    drainer = Drainer(home)
    drainer.round()
    assert drainer.failing == {{}}, drainer.failing
"""
_DRAINS = (
    _BEGINS
    + f"""
def took(work):
    began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began[0], time.process_time() - began[1]

def batches(run):
    for begin in range(0, points, 1000):
        some = range(begin, min(points, begin + 1000))
        client.log_batch(run, [Metric("loss", step / 7, {_POINT}, step) for step in some])

store = StoreClient(uri)
batches(new_run())
told = []
# In turn, as the machine is not the same all the time.
for _ in range(3):
    run = new_run()
    folder = journal(run)
    batch = took(lambda: batches(new_run()))
    drained = took(lambda: drain(folder, store, run))
    whole = drained[0] + took(tidied)[0]
    told.append(dict(batch=batch[0], drained=drained[0], whole=whole, cpu=batch[1] / drained[1]))
print("RESULT " + json.dumps(told))
"""
)
_BRINGS = (
    _BEGINS
    + """
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6

run = new_run()
imports = peak()
journal(run)
tidied()
print("RESULT " + json.dumps({"mb": peak(), "imports": imports}))
"""
)
