"""What waits is told exactly, at once however much it is, and whatever is wrong with a journal."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from stores import Place

from jupyter_mlkit.models import SyncTrouble
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.cursors import write_cursor
from jupyter_mlkit.tracking.drainer.dead_letters import NAME, DeadLetter, keep
from jupyter_mlkit.tracking.drainer.drain import drain
from jupyter_mlkit.tracking.drainer.source import waiting
from jupyter_mlkit.tracking.drainer.status import (
    Trouble,
    pending,
    read_troubles,
    write_troubles,
)
from jupyter_mlkit.tracking.drainer.summary import LATE, sync_state
from jupyter_mlkit.tracking.journal.entries import Closed, Opened, Params
from jupyter_mlkit.tracking.journal.files import stage
from jupyter_mlkit.tracking.journal.frames import framed, salt_of
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.recorder import Recorder
from jupyter_mlkit.tracking.journal.segments import Segment, segments
from jupyter_mlkit.tracking.journal.writer import Writer

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


def log(home: Home, run: str = "a", points: int = 3, **options: Any) -> Path:
    """Log in small segments; return the folder of the run."""
    folder = home.journal(AWAY, run).folder
    opened = lambda writer, segment: Opened(run, writer, segment, "1", 1, "", "", "")  # noqa: E731
    recorder = Recorder(Writer(folder, opened, **options))
    for step in range(points):
        recorder.metric("loss", step / 3, 7, step)
    recorder.close()
    return folder


def by_reading(folder: Path) -> int:
    return sum(not isinstance(one.entry, Opened | Closed) for one in waiting(folder))


def test_nothing_waits_where_nothing_is(home: Home) -> None:
    told = sync_state(home)
    assert (told.entries, told.runs, told.oldest, told.late) == (0, 0, None, False)
    assert (told.refused, told.troubles, pending(home)) == (0, [], [])
    assert not home.root.exists(), "who looks makes nothing"


@pytest.mark.parametrize("points", [1, 2, 7, 40, 300])
def test_it_is_as_many_as_were_logged_wherever_the_cursor_stands(home: Home, points: int) -> None:
    folder = log(home, points=points, segment_bytes=1000)
    (waits,) = pending(home)
    assert (waits.run, waits.store, waits.entries) == ("a", AWAY, points)
    places = [(one.writer, one.after) for one in waiting(folder)]
    for writer, after in places[:: max(1, len(places) // 25)] + places[-2:]:
        write_cursor(folder, writer, after)
        left = by_reading(folder)
        assert [one.entries for one in pending(home)] == [left] * bool(left), after


def test_several_runs_and_writers_are_one_sum_and_the_oldest_counts(home: Home) -> None:
    before = time.time()
    log(home, "a")
    after = time.time()
    log(home, "a", 2)
    log(home, "b", 5)
    told = sync_state(home)
    assert (told.entries, told.runs) == (10, 2)
    assert told.oldest is not None
    assert int(before * 1000) <= told.oldest <= after * 1000
    assert not told.late
    assert sync_state(home, told.oldest / 1000 + LATE + 0.01).late


def test_a_million_entries_are_told_by_reading_two(home: Home) -> None:
    folder = home.journal(AWAY, "a").folder
    writer, n = "0" * 32, 10**6
    salt = salt_of(writer)
    # What lies between does not matter: a gap of 64 MiB, which is not read.
    segment = Segment(folder, writer, 1)
    begin = b"MLKJ\x01\r\n\0" + framed(salt, 1, 1, 5 * 10**9, 0, b"x")
    with segment.path.open("wb") as file:
        file.write(begin)
        file.seek(64 << 20)
        file.write(framed(salt, 1, n, 6 * 10**9, 0, b"x"))
    tracemalloc.start()
    told = sync_state(home)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (told.entries, told.oldest) == (n, 5000)
    assert most < 1 << 20


def test_the_last_record_is_found_behind_what_is_cut_off_or_damaged(home: Home) -> None:
    folder = log(home, points=20)
    (segment,) = segments(folder)
    whole = segment.path.read_bytes()
    frames = [one for one in segment.read() if hasattr(one, "payload")]
    for cut in (1, 30, 60):
        segment.path.write_bytes(whole[: len(whole) - cut])
        assert sync_state(home).entries == by_reading(folder)
    # Damage hides a record; its number is used up, so it counts as one that was logged.
    first = frames[0]
    segment.path.write_bytes(whole[: first.begin + 3] + b"\xff" + whole[first.begin + 4 :])
    told = sync_state(home)
    assert told.entries == 20
    (trouble,) = told.troubles
    assert trouble.where == "a"
    assert f"{first.end - first.begin:,} bytes of the journal of run a are damaged" in trouble.error
    segment.path.write_bytes(whole[: len(whole) // 2] + b"\0" * 300_000)
    assert sync_state(home).entries == by_reading(folder)
    segment.path.write_bytes(whole[:8] + bytes(3 << 20))
    assert sync_state(home).entries == 0


def test_a_long_text_is_one_entry(home: Home) -> None:
    recorder = open_recorder(AWAY, "a", home=home)
    recorder.record(Params({"text": "x" * 500_000}))
    assert sync_state(home).entries == 1
    recorder.record(Params({"more": "y" * 900_000}))
    assert sync_state(home).entries == 2


def test_one_bad_journal_hides_no_other_and_is_told(home: Home) -> None:
    log(home, "good")
    newer = log(home, "newer")
    (segment,) = segments(newer)
    with segment.path.open("r+b") as file:
        file.write(b"MLKJ\x01\r\n\0" + framed(salt_of(segment.writer), 77, 1, 1, 1, b"what?"))
        file.truncate()
    (log(home, "later") / f"{'0' * 32}-000001.mlkj2").write_bytes(b"MLKJ\x02\r\n\0")
    unreadable = home.journal(AWAY, "unreadable").folder
    (unreadable / f"{'0' * 32}-000001.mlkj1").mkdir()
    told = sync_state(home)
    assert (told.entries, told.runs) == (6, 2)
    troubles = {one.where: one for one in told.troubles}
    assert troubles.keys() == {"newer", "later", "unreadable"}
    assert "of a kind that this version does not know" in troubles["newer"].error
    assert "later version" in troubles["later"].error
    assert "cannot be read" in troubles["unreadable"].error
    assert all(one.hint for one in told.troubles)


def test_a_folder_that_cannot_be_listed_is_told(home: Home) -> None:
    log(home, "a")
    (home.root / "zzz").mkdir()
    (home.root / "zzz" / "store.uri").write_bytes(b"\xff\xfe")
    told = sync_state(home)
    assert told.entries == 3
    (trouble,) = told.troubles
    assert trouble.where == str(home.root)
    assert "cannot all be listed" in trouble.error


def test_only_troubles_of_what_waits_are_told(home: Home) -> None:
    log(home, "a")
    here, over = Trouble(AWAY, "away", None, 3), Trouble("sqlite:///old.db", "was away", None, 9)
    write_troubles(home, [here, over])
    assert read_troubles(home) == [here, over]
    assert sync_state(home).troubles == [SyncTrouble(AWAY, "away", None, 3)]
    (home.root / "status.json").write_text("[{")
    assert sync_state(home).troubles == []


def test_refused_entries_are_counted_once_each(home: Home) -> None:
    folder = home.journal(AWAY, "a").folder
    letters = [DeadLetter("tag", f"k{n}", "v", "no") for n in range(3)]
    keep(folder, letters)
    keep(folder, letters[2:])
    with (folder / NAME).open("ab") as file:
        file.write(b'\n{"what":"ta')  # cut off
    assert sync_state(home).refused == 3
    (one,) = pending(home)
    assert (one.entries, one.refused, one.folder) == (0, 3, folder)
    keep(folder, [DeadLetter("tag", "other", "v", "no")])
    assert sync_state(home).refused == 4


def test_a_file_that_waits_is_an_entry(home: Home) -> None:
    journal = home.journal(AWAY, "a")
    stage(journal.model_files("m-1") / "model.pt", b"x")
    stage(journal.files / "a.txt", b"x")
    stage(journal.folder / "refused-files" / "b.txt", b"x")
    os.utime(journal.files / "a.txt", (5, 5))
    told = sync_state(home)
    assert (told.entries, told.runs, told.oldest) == (2, 1, 5000)
    log(home, "a")
    told = sync_state(home)
    assert (told.entries, told.runs, told.oldest) == (5, 1, 5000)


def test_nothing_waits_once_it_was_brought(home: Home, file_store: Place) -> None:
    run = file_store.client.create_run(file_store.experiment()).info.run_id
    recorder = open_recorder(file_store.uri, run, home=home)
    recorder.metric("loss", 0.5, 7, 1)
    (journal,) = home.journals()
    assert sync_state(home).entries == 1
    drain(journal.folder, StoreClient(file_store.uri), run)
    assert sync_state(home).entries == 0
    recorder.close()
    # Only the journal itself has something to say.
    assert sync_state(home).entries == 0
