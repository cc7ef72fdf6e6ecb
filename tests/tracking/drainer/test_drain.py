"""What a journal holds is in the store once, in order, whatever interrupts the way there."""

from __future__ import annotations

import itertools
import math
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from stores import Place

from jupyter_mlkit.errors import BackendError, ConflictError, NotFoundError
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.cursors import Cursor, read_cursor
from jupyter_mlkit.tracking.drainer.dead_letters import dead_letters
from jupyter_mlkit.tracking.drainer.drain import drain
from jupyter_mlkit.tracking.drainer.source import waiting
from jupyter_mlkit.tracking.journal.entries import (
    Entry,
    Metric,
    Opened,
    Params,
    Tags,
    Updated,
    encoded,
)
from jupyter_mlkit.tracking.journal.segments import segments
from jupyter_mlkit.tracking.journal.writer import Writer

KILLS = 12


def opened(writer: str, segment: int) -> Opened:
    return Opened("run", writer, segment, "1.0.0", 4321, "777", "boot", "machine")


def write(folder: Path, *entries: Entry, segment_bytes: int = 1 << 24) -> Writer:
    writer = Writer(folder, opened, segment_bytes=segment_bytes)
    for entry in entries:
        writer.append(encoded(entry))
    return writer


def new_run(place: Place) -> str:
    return str(place.client.create_run(place.experiment()).info.run_id)


def history(place: Place, run: str, key: str) -> list[tuple[int, int, float]]:
    """Return step, time and value of all points of a metric."""
    found = place.client.get_metric_history(run, key)
    return sorted((one.step, one.timestamp, one.value) for one in found)


def test_all_kinds_of_entries_reach_the_run(place: Place, tmp_path: Path) -> None:
    run, client = new_run(place), StoreClient(place.uri)
    write(
        tmp_path,
        Params({"lr": "0.1", "depth": "3"}),
        Tags({"a": "1", "b": "2"}),
        Metric("loss", 0.5, 1_700_000_000_000, 0),
        Metric("loss", 0.25, 1_700_000_000_001, 1),
        Metric("nan", math.nan, 1_700_000_000_001, 1),
        Tags({"a": "3", "b": None, "never there": None}),
        Updated("FINISHED", 1_700_000_000_002, "new name"),
    )
    assert drain(tmp_path, client, run) == 8
    found = place.client.get_run(run)
    assert found.data.params == {"lr": "0.1", "depth": "3"}
    assert found.data.tags["a"] == "3"
    assert not {"b", "never there"} & {*found.data.tags}
    assert (found.info.status, found.info.end_time) == ("FINISHED", 1_700_000_000_002)
    assert found.info.run_name == "new name"
    assert history(place, run, "loss") == [
        (0, 1_700_000_000_000, 0.5),
        (1, 1_700_000_000_001, 0.25),
    ]
    assert math.isnan(place.client.get_metric_history(run, "nan")[0].value)
    assert drain(tmp_path, client, run) == 0


def test_what_is_brought_again_is_there_once(place: Place, tmp_path: Path) -> None:
    run, client = new_run(place), StoreClient(place.uri)
    points = [Metric("loss", step / 3, 1_700_000_000_000 + step, step) for step in range(1500)]
    write(tmp_path, Params({"lr": "0.1"}), Tags({"a": "1"}), *points, Tags({"a": "2"}))
    for _ in range(3):
        assert drain(tmp_path, client, run) == 1504
        for cursor in tmp_path.glob("*.cursor"):
            cursor.unlink()
    assert history(place, run, "loss") == [(one.step, one.timestamp, one.value) for one in points]
    assert place.client.get_run(run).data.tags["a"] == "2"


def test_many_writers_give_the_exact_union(file_store: Place, tmp_path: Path) -> None:
    run, client = new_run(file_store), StoreClient(file_store.uri)
    journal = tmp_path / "journal"
    journal.mkdir()

    def work(number: int) -> None:
        writer = Writer(journal, opened, segment_bytes=20_000)
        for step in range(2000):
            writer.append(
                encoded(Metric("loss", number + step / 7, 1_700_000_000_000 + step, step))
            )
        writer.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(journal, client, run)
    expected = [
        (step, 1_700_000_000_000 + step, number + step / 7)
        for number, step in itertools.product(range(8), range(2000))
    ]
    assert history(file_store, run, "loss") == sorted(expected)


def test_what_the_store_refuses_is_kept_and_the_rest_goes_on(place: Place, tmp_path: Path) -> None:
    run, client = new_run(place), StoreClient(place.uri)
    chance = random.Random(5)
    entries: list[Entry] = [Params({"lr": "0.1"})]
    poison = {chance.randrange(2000) for _ in range(20)}
    for step in range(2000):
        key = "../etc" if step in poison else "loss"
        entries.append(Metric(key, step / 3, 1_700_000_000_000, step))
    entries += [Params({"lr": "0.2", "depth": "3"}), Tags({"x" * 300: "1", "good": "1"})]
    write(tmp_path, *entries)
    for _ in range(2):
        drain(tmp_path, client, run)
        found = place.client.get_run(run).data
        assert [step for step, *_ in history(place, run, "loss")] == sorted({*range(2000)} - poison)
        assert found.params == {"lr": "0.1", "depth": "3"}
        assert found.tags["good"] == "1"
        letters = dead_letters(tmp_path)
        assert Counter(letter.what for letter in letters) == {
            "metric": len(poison),
            "param": 1,
            "tag": 1,
        }
        assert {letter.more["step"] for letter in letters if letter.what == "metric"} == poison
        assert all(letter.why for letter in letters)
        for cursor in tmp_path.glob("*.cursor"):
            cursor.unlink()


def test_a_deleted_run_takes_nothing_and_loses_nothing(place: Place, tmp_path: Path) -> None:
    run, client = new_run(place), StoreClient(place.uri)
    write(tmp_path, Metric("loss", 0.5, 7, 1), Params({"lr": "0.1"}))
    place.client.delete_run(run)
    with pytest.raises(ConflictError) as caught:
        drain(tmp_path, client, run)
    assert caught.value.code == "run_deleted"
    assert dead_letters(tmp_path) == []
    place.client.restore_run(run)
    assert drain(tmp_path, client, run) == 3
    assert history(place, run, "loss") == [(1, 7, 0.5)]
    with pytest.raises(NotFoundError):
        drain(write(tmp_path, Metric("a", 1, 1, 1))._folder, client, "0" * 32)


def test_a_store_that_is_away_costs_nothing(file_store: Place, tmp_path: Path) -> None:
    run, client = new_run(file_store), StoreClient(file_store.uri)
    journal = tmp_path / "journal"
    journal.mkdir()
    write(journal, Metric("loss", 0.5, 7, 1))
    away = StoreClient("http://127.0.0.1:9")
    with pytest.raises(BackendError, match="Nobody answers"):
        drain(journal, away, run)
    assert not [*journal.glob("*.cursor")]
    assert drain(journal, client, run) == 2


def test_clocks_that_step_back_change_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100, 50, 200, 10, 20, 300, 30])
    with monkeypatch.context() as patched:
        patched.setattr("time.time_ns", lambda: next(times))
        write(tmp_path, *(Tags({"a": str(step)}) for step in range(6)))
    found = [one.entry for one in waiting(tmp_path)]
    assert found[1:] == [Tags({"a": str(step)}) for step in range(6)]


def test_damage_is_told_and_passed(tmp_path: Path) -> None:
    write(tmp_path, *(Metric("loss", 0.5, 7, step) for step in range(50)), segment_bytes=1000)
    first, second, *_ = segments(tmp_path)
    data = bytearray(second.path.read_bytes())
    data[200] ^= 1
    second.path.write_bytes(data)
    cut = first.path.read_bytes()[:-5]
    first.path.write_bytes(cut)
    told: list[int] = []
    found = [one.entry for one in waiting(tmp_path, lambda where, _: told.append(where.number))]
    assert told == [1, 2]
    assert len([entry for entry in found if isinstance(entry, Metric)]) in (48, 49)


def test_a_cursor_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.cursor").write_bytes(b"\0\0")
    assert read_cursor(tmp_path, "a") == Cursor()


_DRAINS = """
import sys
from pathlib import Path
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer import drain as draining
from jupyter_mlkit.tracking.drainer.drain import drain

print("ready", flush=True)
sys.stdin.readline()
real = draining.deliver

def deliver(*given):
    print(flush=True)
    found = real(*given)
    print(flush=True)
    return found

draining.deliver = deliver
drain(Path(sys.argv[1]), StoreClient(sys.argv[2]), sys.argv[3])
"""


def test_a_drainer_may_be_killed_anywhere(file_store: Place, tmp_path: Path) -> None:
    run, client = new_run(file_store), StoreClient(file_store.uri)
    journal = tmp_path / "journal"
    journal.mkdir()
    points = [Metric("loss", step / 3, 1_700_000_000_000 + step, step) for step in range(6000)]
    tags = [Tags({"last": str(step)}) for step in range(6000)]
    entries: list[Entry] = [one for pair in zip(points, tags, strict=True) for one in pair]
    write(journal, *entries, segment_bytes=50_000)
    # While one is killed at a moment, the next one is ready: starting takes longest.
    for kill in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", _DRAINS, str(journal), file_store.uri, run],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        child.stdin.write(b"\n")
        child.stdin.flush()
        for _ in range(1 + kill % 4):
            child.stdout.readline()
        child.kill()
        child.communicate()
    drain(journal, client, run)
    assert history(file_store, run, "loss") == [
        (one.step, one.timestamp, one.value) for one in points
    ]
    assert file_store.client.get_run(run).data.tags["last"] == "5999"
    assert drain(journal, client, run) == 0


def test_it_stops_between_chunks_where_it_is_told_to(file_store: Place, tmp_path: Path) -> None:
    run, client = new_run(file_store), StoreClient(file_store.uri)
    journal = tmp_path / "journal"
    journal.mkdir()
    write(journal, *(Metric("loss", 0.5, 7, step) for step in range(3500)))
    answers = iter([True, True, False])
    assert drain(journal, client, run, go_on=lambda: next(answers)) == 2001
    assert len(history(file_store, run, "loss")) == 2000
    assert drain(journal, client, run) == 1500


def test_a_cursor_is_replaced_or_stays(
    file_store: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, client = new_run(file_store), StoreClient(file_store.uri)
    journal = tmp_path / "journal"
    journal.mkdir()
    writer = write(journal, Metric("loss", 0.5, 7, 1))
    drain(journal, client, run)
    before = read_cursor(journal, writer.name)
    writer.append(encoded(Metric("loss", 0.5, 7, 2)))

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            drain(journal, client, run)
    assert read_cursor(journal, writer.name) == before
    assert {path.suffix for path in journal.iterdir()} == {".cursor", ".mlkj1"}
    assert drain(journal, client, run) == 1
    assert [step for step, *_ in history(file_store, run, "loss")] == [1, 2]
