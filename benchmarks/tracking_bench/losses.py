"""What is left of the calls that had returned when the process was killed."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

from cube_bench.report import Row, row

from . import trackers
from .bench import Bench, FailedError, end_drainers
from .costs import store_of
from .plan import MLFLOW, OURS, PEERS, PLUGIN, Tracker

_SEED = 20
#: Seconds for the first call of a tracker.
_BEGINS_WITHIN = 60.0


def kills(bench: Bench) -> list[Row]:
    """Kill each tracker at the same moments, and count."""
    chance = random.Random(_SEED)
    moments = [chance.uniform(*bench.size.kill_within) for _ in range(bench.size.kills)]
    print(
        f"\nSIGKILL while a value is logged each millisecond, the same {len(moments)} moments for "
        f"all (seed {_SEED})"
    )
    print(f"  {'':40s}{'returned':>10s}{'found':>10s}{'lost':>10s}{'lost %':>9s}")
    rows = []
    for tracker in (OURS, PLUGIN, *MLFLOW, *PEERS):
        why = bench.missing(tracker)
        told = found = lost = 0
        try:
            for moment in moments if why is None else ():
                returned, left = _kill(bench, tracker, moment)
                told, found, lost = told + returned, found + left, lost + max(0, returned - left)
        except (FailedError, OSError, ValueError) as error:
            why = str(error)
        if why is not None:
            print(f"  {tracker.name:40s}  {why}")
            continue
        share = 100 * lost / told
        print(f"  {tracker.name:40s}{told:10,d}{found:10,d}{lost:10,d}{share:9.1f}")
        limit = 0.0 if tracker in (OURS, PLUGIN) else None
        name = f"kill: {tracker.name}, calls lost that had returned"
        rows.append(row(name, share, "%", bench.conditions, higher=False, limit=limit))
    return rows


def _kill(bench: Bench, tracker: Tracker, moment: float) -> tuple[int, int]:
    """Return how many calls had returned, and how many of them are found."""
    with bench.folder() as folder:
        uri = store_of(bench, tracker, folder)
        if tracker is OURS:
            _begin_run(folder, uri)
        child = subprocess.Popen(
            bench.command("until_killed", tracker.call, folder, "--uri", uri, peer=tracker.peer),
            env=bench.environment(tracker, folder),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        told = folder / "told"
        deadline = time.monotonic() + _BEGINS_WITHIN
        while not (told.exists() and told.stat().st_size):
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                child.wait()
                raise FailedError(f"ended with {child.poll()} before it logged")
            time.sleep(0.001)
        time.sleep(moment)
        child.kill()
        child.wait()
        returned = told.stat().st_size
        if tracker in (OURS, PLUGIN):
            _drain(folder)
        if tracker.found:
            return returned, int(bench.run("found", tracker, folder)["found"])
        database = bench.stores.database if tracker.store == "server" else folder / "mlflow.db"
        return returned, trackers.in_store(folder, database)


def _begin_run(folder: Path, uri: str) -> None:
    """Make a run for the recorder, which makes none."""
    import mlflow

    run = mlflow.MlflowClient(tracking_uri=uri).create_run("0")
    (folder / trackers.RUN_FILE).write_text(run.info.run_id)


def _drain(folder: Path) -> None:
    """Bring the journals to the store, as the drainer does."""
    from jupyter_mlkit.tracking.drainer.service import Drainer
    from jupyter_mlkit.tracking.journal.home import Home

    home = trackers.home(folder)
    end_drainers(home)
    os.environ.pop("JUPYTER_MLKIT_JOURNAL", None)
    drainer = Drainer(Home(home))
    drainer.round()
    if drainer.failing:
        raise FailedError(str(next(iter(drainer.failing.values())).error))
