"""Models that were handed over wait whole, or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlkit.tracking.drainer.process import needs_drainer
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal import unmade as module
from jupyter_mlkit.tracking.journal.home import Home, Journal
from jupyter_mlkit.tracking.journal.unmade import hand_over, made, taken, tidy_unmade, unmade


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


@pytest.fixture
def journal(home: Home) -> Journal:
    return home.journal("sqlite:///store.db", "run")


def test_a_model_waits_with_its_example_until_it_is_made(home: Home, journal: Journal) -> None:
    hand_over(journal, "first", {"weights": [1, 2]}, [3])
    hand_over(journal, "second", {"weights": []})
    assert [one.entries for one in pending(home)] == [2]
    assert needs_drainer(home)
    waiting = {note.name: folder for folder, note in unmade(journal) if note is not None}
    assert taken(waiting["first"])[:2] == ({"weights": [1, 2]}, [3])
    assert taken(waiting["second"])[:2] == ({"weights": []}, None)
    for folder in waiting.values():
        made(folder)
    tidy_unmade(journal)
    assert not journal.unmade.exists()
    assert pending(home) == []
    assert not needs_drainer(home)


def test_where_it_looks_for_modules_is_told_to_whoever_is_elsewhere(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setattr(sys, "path", ["", "../lib", "inside", "/there"])
    hand_over(journal, "line", [1])
    ((_, note),) = unmade(journal)
    assert note is not None
    here = tmp_path / "notebooks"
    assert note.path == [*map(str, (here, here / "../lib", here / "inside")), "/there"]


def test_what_cannot_be_pickled_or_written_leaves_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TypeError):
        hand_over(journal, "model", threading.Lock())
    assert not journal.unmade.exists()
    real = module.stage

    def full(path: Path, content: bytes) -> None:
        if path.name == module.NOTE:
            raise OSError(28, os.strerror(28))
        real(path, content)

    monkeypatch.setattr(module, "stage", full)
    with pytest.raises(OSError, match="No space left"):
        hand_over(journal, "model", [1])
    assert [*journal.unmade.iterdir()] == []


def test_what_a_killed_process_left_is_not_waiting_and_goes(home: Home, journal: Journal) -> None:
    hand_over(journal, "kept", [1])
    ((kept, _),) = unmade(journal)
    for name in (".half", ".old", ".over-done"):
        shutil.copytree(kept, journal.unmade / name)
    os.utime(journal.unmade / ".old", (time.time() - 3700,) * 2)
    assert [one.entries for one in pending(home)] == [1]
    tidy_unmade(journal)
    # Who writes the first one may be about to.
    assert {one.name for one in journal.unmade.iterdir()} == {kept.name, ".half"}
    assert [folder for folder, _ in unmade(journal)] == [kept]
    made(kept)
    assert pending(home) == []
    assert not needs_drainer(home)


@pytest.mark.parametrize("damage", ["cut", "gone", "folder"])
def test_what_cannot_be_read_is_told_and_what_is_no_model_is_left_alone(
    journal: Journal, damage: str
) -> None:
    hand_over(journal, "model", [1])
    ((folder, _),) = unmade(journal)
    (journal.unmade / "stray").write_text("")
    note = folder / module.NOTE
    if damage == "cut":
        note.write_bytes(note.read_bytes()[:20])
    else:
        note.unlink()
        if damage == "folder":
            note.mkdir()
    assert [*unmade(journal)] == [(folder, None)]
