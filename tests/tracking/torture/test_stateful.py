"""Any sequence of logging, dying, tearing, partition and draining keeps what was logged."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from stores import Place, file_place

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.dead_letters import dead_letters
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.drainer.source import waiting
from jupyter_mlkit.tracking.journal.entries import Metric, Opened, Params, Tags
from jupyter_mlkit.tracking.journal.home import Home, Journal
from jupyter_mlkit.tracking.journal.recorder import Recorder
from jupyter_mlkit.tracking.journal.segments import segments
from jupyter_mlkit.tracking.journal.writer import Writer

TIME = 1_700_000_000_000
EXAMPLES, STEPS = 60, 50
Point = tuple[str, int, int, float]
#: What is logged at a time: points of a metric, a param, a tag or that it is deleted.
ENTRIES = st.lists(
    st.tuples(st.just("points"), st.sampled_from("ab"), st.integers(1, 9))
    | st.tuples(st.just("param"), st.sampled_from("vwxyz"), st.sampled_from("01"))
    | st.tuples(st.just("tag"), st.sampled_from("xyz"), st.none() | st.sampled_from("0123456789")),
    min_size=1,
    max_size=6,
)


class Process:
    """One that writes a journal; another process stands for it, so that it can die.

    Parameters
    ----------
    journal : Journal
    number : int
        Tells its points from those of others.
    """

    def __init__(self, journal: Journal, number: int) -> None:
        self._child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        me = Identity.of(self._child.pid)
        assert me is not None

        def opened(name: str, segment: int) -> Opened:
            return Opened(journal.run, name, segment, "1", me.pid, me.started, me.boot, me.machine)

        self.journal, self.number, self.step = journal, number, 0
        self.writer = Writer(journal.folder, opened, segment_bytes=700)
        self.recorder = Recorder(self.writer)

    def point(self, key: str) -> Point:
        """Log the next point of this process."""
        self.step += 1
        step, value = self.number * 10_000 + self.step, self.step / 7
        self.recorder.metric(key, value, TIME, step)
        return key, step, TIME, value

    def die(self) -> None:
        """Die without a word."""
        self._child.kill()
        self._child.wait()
        assert self._child.stdin is not None
        self._child.stdin.close()


@dataclass
class Model:
    """What a run must have: lists and dicts.

    Attributes
    ----------
    points : dict
        Those of each process, in the order of its calls.
    params, tags : dict
    conflicts : set
        Params that were given a second value.
    """

    points: dict[int, list[Point]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    conflicts: set[tuple[str, str]] = field(default_factory=set)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Store(StoreClient):
    """One that is away after so many calls; the last of them may be done, and its reply lost.

    Attributes
    ----------
    left : int or None
        Calls that it still answers; all where None.
    loses_reply : bool
    """

    left: int | None = None
    loses_reply = False

    @contextmanager
    def calling(self, what: str = "The store", **fields: str) -> Iterator[mlflow.MlflowClient]:
        if self.left == 0 and not self.loses_reply:
            raise BackendError("The store is away.")
        with super().calling(what, **fields) as client:
            yield client
        if self.left == 0:
            self.loses_reply = False
            raise BackendError("The reply of the store is lost.")
        if self.left is not None:
            self.left -= 1


class Brings(Drainer):
    """A drainer with a store that may be away."""

    def __init__(self, home: Home, clock: Clock, store: Store) -> None:
        super().__init__(home, clock)
        self._stores = {store.uri: store}


class Tracking(RuleBasedStateMachine):
    """Runs, processes that log to them, a store that may be away, a drainer that may stop."""

    place: Place
    processes = Bundle("processes")

    def __init__(self) -> None:
        super().__init__()
        self.home = Home(Path(tempfile.mkdtemp(prefix="journal-")))
        self.clock = Clock()
        self.away = Store(self.place.uri)
        self.restart()
        self.models: dict[str, Model] = {}
        self.alive: list[Process] = []
        self.count = 0
        self.forgot = False
        self.deleted: set[str] = set()
        assert self.place.path is not None
        self.store = sqlite3.connect(self.place.path)

    def restart(self) -> None:
        """Let another drainer go on."""
        self.drainer = Brings(self.home, self.clock, self.away)

    @initialize(target=processes)
    def runs(self) -> Any:
        experiment = self.place.experiment()
        for _ in range(2):
            run = self.place.client.create_run(experiment).info.run_id
            self.models[run] = Model()
        return multiple(self.begin_in(False), self.begin_in(True), self.begin_in(True))

    @rule(target=processes, which=st.booleans())
    def begin(self, which: bool) -> Process:
        """Begin to log to a run, or go on with it."""
        return self.begin_in(which)

    def begin_in(self, which: bool) -> Process:
        run = [*self.models][which]
        self.count += 1
        process = Process(self.home.journal(self.place.uri, run), self.count)
        self.models[run].points[self.count] = []
        self.alive.append(process)
        return process

    @rule(process=processes, entries=ENTRIES, flushed=st.booleans())
    def log(self, process: Process, entries: list[tuple[str, str, Any]], flushed: bool) -> None:
        model = self.models[process.journal.run]
        for what, key, value in entries:
            if what == "points":
                for _ in range(value):
                    model.points[process.number].append(process.point(key))
            elif what == "param":
                process.recorder.record(Params({key: value}))
                if model.params.setdefault(key, value) != value:
                    model.conflicts.add((key, value))
            else:
                # One that is its own, and one that others set, too.
                tags = {f"tag {process.number} {key}": value, f"tag {key}": value}
                process.recorder.record(Tags(tags))
                model.tags |= tags
        if flushed:
            process.writer.flush()

    @rule(process=consumes(processes), torn=st.none() | st.binary(max_size=60))
    def end(self, process: Process, torn: bytes | None) -> None:
        """Let it say that it is over, or die, at times in the middle of a record."""
        if torn is None:
            process.recorder.close()
        process.die()
        self.alive.remove(process)
        mine = [
            one for one in segments(process.journal.folder) if one.writer == process.writer.name
        ]
        if mine and torn is not None:
            with mine[-1].path.open("ab") as file:
                file.write(b"\xf5\x4a\x01\x00"[: len(torn)] + torn[4:])

    @rule(which=st.booleans())
    def delete_or_restore(self, which: bool) -> None:
        run = [*self.models][which]
        if run in self.deleted:
            self.place.client.restore_run(run)
            self.deleted.remove(run)
        else:
            self.place.client.delete_run(run)
            self.deleted.add(run)

    @rule(
        calls=st.none() | st.integers(0, 8),
        loses_reply=st.booleans(),
        asks=st.integers(2, 12),
        restarted=st.booleans(),
        forgets=st.integers(0, 3),
    )
    def drain(
        self, calls: int | None, loses_reply: bool, asks: int, restarted: bool, forgets: int
    ) -> None:
        """Drain, and be cut off from the store after some calls, or be stopped between chunks."""
        if restarted:
            self.restart()
        if not forgets:  # as of a journal that was put back from a backup
            self.forgot = True
            for path in self.home.root.glob("*/*/*.cursor"):
                path.unlink()
        asked = iter([True] * asks)
        self.clock.now += 1000
        self.away.left, self.away.loses_reply = calls, loses_reply
        self.drainer.round(lambda: next(asked, False))
        self.away.left = None

    @invariant()
    def nothing_is_lost_or_made_up(self) -> None:
        """Each point of each process is in the store or waits, in its order, and none else."""
        for run, model in self.models.items():
            stored = self._stored(run)
            held: dict[int, list[Point]] = {number: [] for number in model.points}
            for one in waiting(self.home.journal(self.place.uri, run).folder):
                if isinstance(one.entry, Metric):
                    point = (one.entry.key, one.entry.step, one.entry.timestamp, one.entry.value)
                    held[one.entry.step // 10_000].append(point)
            for number, points in model.points.items():
                brought = [point for point in stored if point[1] // 10_000 == number]
                assert brought == points[: len(brought)]
                assert held[number] == points[len(points) - len(held[number]) :]
                assert len(brought) + len(held[number]) >= len(points)

    def _stored(self, run: str) -> list[Point]:
        found = self.store.execute(
            "SELECT key, step, timestamp, value FROM metrics WHERE run_uuid = ? ORDER BY rowid",
            (run,),
        )
        return list(found)

    def teardown(self) -> None:
        """When all is well again, the store has exactly what was logged, and nothing is left."""
        try:
            for run in sorted(self.deleted):
                self.place.client.restore_run(run)
            for process in self.alive:
                process.recorder.close()
            self.restart()
            self.drainer.round()
            assert self.drainer.failing == {}
            self.nothing_is_lost_or_made_up()
            for run, model in self.models.items():
                self._is_whole(run, model)
        finally:
            for process in self.alive:
                process.die()
            self.store.close()
            shutil.rmtree(self.home.root)

    def _is_whole(self, run: str, model: Model) -> None:
        found = self.place.client.get_run(run)
        assert sorted(self._stored(run)) == sorted(
            point for points in model.points.values() for point in points
        )
        assert found.data.params == model.params
        wanted = {key: value for key, value in model.tags.items() if value is not None}
        tags = {key: value for key, value in found.data.tags.items() if key.startswith("tag ")}
        if self.forgot:
            # What one process has left is sent again after what others have set since: each has
            # its own last word, and not more.
            wanted, tags = (
                {k: v for k, v in one.items() if k.count(" ") > 1} for one in (wanted, tags)
            )
        assert tags == wanted
        folder = self.home.journal(self.place.uri, run).folder
        assert segments(folder) == []
        letters = {(one.key, one.value) for one in dead_letters(folder)}
        assert letters == model.conflicts


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def test_all_that_was_logged_is_in_the_store(
    empty_store: Path, tmp_path: Path, nightly: int, quiet: Any
) -> None:
    machine = type("Machine", (Tracking,), {"place": file_place(empty_store, tmp_path)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES * nightly,
            stateful_step_count=STEPS,
            deadline=None,
            # The steps that led to a failure are told as they were: finding fewer takes minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=[*HealthCheck],
            print_blob=True,
            derandomize="CI" in os.environ and nightly == 1,
        ),
    )
