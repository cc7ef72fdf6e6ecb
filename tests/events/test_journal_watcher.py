"""What waits is told when it waits too long, and what is well is not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jupyter_mlkit.events.journal_watcher import JournalWatcher
from jupyter_mlkit.models import Change
from jupyter_mlkit.tracking.drainer.dead_letters import DeadLetter, keep
from jupyter_mlkit.tracking.drainer.status import Trouble, write_troubles
from jupyter_mlkit.tracking.drainer.summary import LATE
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder

STORE = "http://127.0.0.1:9"
NEWS = [Change("sync", "changed", [])]


def test_a_training_whose_store_is_well_is_no_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "journal")
    watcher = JournalWatcher(home)
    assert watcher.changes() == []
    recorder = open_recorder(STORE, "a", home=home)
    recorder.metric("loss", 0.5, 7, 1)
    assert watcher.changes() == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LATE + 1)
    assert watcher.changes() == NEWS
    assert watcher.changes() == []
    recorder.metric("loss", 0.4, 7, 2)
    assert watcher.changes() == NEWS
    for path in (tmp_path / "journal").glob("*/a/*"):
        path.unlink()
    assert watcher.changes() == NEWS
    assert watcher.changes() == []


def test_what_waits_already_is_told_at_the_first_look(tmp_path: Path) -> None:
    home = Home(tmp_path / "journal")
    open_recorder(STORE, "a", home=home).metric("loss", 0.5, 7, 1)
    write_troubles(home, [Trouble(STORE, "away", None, 1)])
    watcher = JournalWatcher(home)
    assert watcher.changes() == NEWS
    assert watcher.changes() == []
    write_troubles(home, [Trouble(STORE, "another reason", None, 2)])
    assert watcher.changes() == NEWS


def test_what_a_store_refuses_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / "journal")
    watcher = JournalWatcher(home)
    keep(home.journal(STORE, "a").folder, [DeadLetter("tag", "k", "v", "no")])
    assert watcher.changes() == NEWS
    assert watcher.changes() == []
