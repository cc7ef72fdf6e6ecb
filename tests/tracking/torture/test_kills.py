"""What was acknowledged is in the store once and in order, whoever is killed on the way."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stores import Place

from jupyter_mlkit.tracking.drainer.service import Drainer, backlog
from jupyter_mlkit.tracking.journal.entries import Metric, Params, Tags
from jupyter_mlkit.tracking.journal.home import Home

from . import workers

#: Of writers and of drainers.
KILLS = 100
RUNS = 20


class Torture:
    """Writers and drainers of one home that are killed.

    Parameters
    ----------
    home : Home
    place : Place
    folder : Path
        Where acknowledgements are kept.
    chance : Random
    """

    def __init__(self, home: Home, place: Place, folder: Path, chance: random.Random) -> None:
        self.home, self._folder, self._chance = home, folder, chance
        experiment = place.experiment()
        runs = [place.client.create_run(experiment).info.run_id for _ in range(RUNS)]
        self._journals = [home.journal(place.uri, run) for run in runs]
        self._told: dict[tuple[str, int], Path] = {}

    def kill_writer(self, number: int) -> bool:
        """Kill a writer after its first entry; return whether it was still writing."""
        journal = self._chance.choice(self._journals)
        told = self._told[journal.run, number] = self._folder / f"told-{number}"
        child = workers.start(workers.write, journal.folder, journal.run, number, told)
        time.sleep(self._chance.uniform(0, 0.008))
        return workers.kill(child)

    def kill_drainer(self, number: int) -> bool:
        """Kill a drainer after its first chunk; return whether there was something left for it."""
        child = workers.start(workers.bring, self.home.root)
        time.sleep(self._chance.uniform(0, 0.05))
        died = workers.kill(child)
        return died and any(backlog(journal) for journal in self.home.journals())

    @property
    def acknowledged(self) -> dict[tuple[str, int], int]:
        """How many calls of a writer returned, by run and writer."""
        return {which: told.stat().st_size for which, told in self._told.items()}


def until_killed(times: int, kill: Callable[[int], bool]) -> None:
    """Kill so often that it has effect as many times as it shall."""
    effective = tried = 0
    while effective < times:
        effective += kill(tried)
        tried += 1
        assert tried < 2 * times + 20, f"only {effective} of {tried} kills had an effect"


def test_nothing_acknowledged_is_lost_doubled_or_reordered(
    file_store: Place, tmp_path: Path, nightly: int, chance: random.Random
) -> None:
    torture = Torture(Home(tmp_path / "journal"), file_store, tmp_path, chance)
    workers.forks()
    with ThreadPoolExecutor(1) as other:
        writers = other.submit(until_killed, KILLS * nightly, torture.kill_writer)
        until_killed(KILLS * nightly, torture.kill_drainer)
        writers.result()
    drainer = Drainer(torture.home)
    drainer.round()
    assert drainer.failing == {}
    # The store has given back all, and nothing was refused: nothing is left.
    assert [path for one in torture.home.journals() for path in one.folder.iterdir()] == []
    assert file_store.path is not None
    with sqlite3.connect(file_store.path) as store:
        for (run, writer), calls in torture.acknowledged.items():
            check(store, run, writer, calls)
    store.close()


def check(store: sqlite3.Connection, run: str, writer: int, calls: int) -> None:
    """Compare what a writer logged with what the store has of it, in the order of its coming."""
    points = store.execute(
        "SELECT key, value, timestamp, step FROM metrics"
        " WHERE run_uuid = ? AND step >= ? AND step < ? ORDER BY rowid",
        (run, writer * workers.STEPS, (writer + 1) * workers.STEPS),
    ).fetchall()
    tags = "SELECT key, value FROM tags WHERE run_uuid = ? AND key = ?"
    params = "SELECT key, value FROM params WHERE run_uuid = ? AND key GLOB ?"
    found = (
        points,
        dict(store.execute(tags, (run, f"last-{writer}"))),
        dict(store.execute(params, (run, f"param-{writer}-*"))),
    )
    # The call that was cut short may have written.
    assert found in (logged(writer, calls), logged(writer, calls + 1)), (run, writer, calls)


Logged = tuple[list[tuple[str, float, int, int]], dict[str, str], dict[str, str]]


def logged(writer: int, calls: int) -> Logged:
    """Return the points, tags and params of so many calls."""
    points, tags, params = [], dict[str, str](), dict[str, str]()
    for number in range(calls):
        entry = workers.entry(writer, number)
        if isinstance(entry, Metric):
            points.append((entry.key, entry.value, entry.timestamp, entry.step))
        elif isinstance(entry, Tags):
            tags |= {key: value for key, value in entry.values.items() if value is not None}
        elif isinstance(entry, Params):
            params |= entry.values
    return points, tags, params
