"""Experiments that were asked for by name, and what became of them in the store meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import Place

from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.journal.entries import Created
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.ids import new_id
from jupyter_mlkit.tracking.journal.opening import open_recorder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


def begin(home: Home, place: Place, name: str) -> None:
    key = new_id()
    recorder = open_recorder(place.uri, key, home=home)
    experiment = home.ids(place.uri).experiment(name)
    recorder.record(Created(experiment, name, "me", 1_700_000_000_000, "", {}))
    recorder.close()


def runs(place: Place, experiment: str) -> int:
    return len(place.client.search_runs([experiment]))


def test_one_that_is_deleted_is_told_and_nothing_lost(home: Home, file_store: Place) -> None:
    now = 0.0
    drainer = Drainer(home, lambda: now)
    begin(home, file_store, "sea")
    drainer.round()
    found = file_store.client.get_experiment_by_name("sea")
    assert found is not None
    assert runs(file_store, found.experiment_id) == 1
    file_store.client.delete_experiment(found.experiment_id)
    begin(home, file_store, "sea")
    begin(home, file_store, "land")
    drainer.round()
    (trouble,) = drainer.troubles
    assert "deleted" in trouble.error
    assert trouble.hint is not None
    assert "restore" in trouble.hint
    land = file_store.client.get_experiment_by_name("land")
    assert land is not None
    assert runs(file_store, land.experiment_id) == 1
    file_store.client.restore_experiment(found.experiment_id)
    now = 1.0
    drainer.round()
    assert drainer.troubles == []
    assert [*home.journals()] == []
    # Deleting an experiment deletes its runs, and restoring it restores them.
    assert runs(file_store, found.experiment_id) == 2


def test_one_that_has_another_name_is_made_anew(home: Home, file_store: Place) -> None:
    drainer = Drainer(home)
    begin(home, file_store, "sea")
    drainer.round()
    client = file_store.client
    before = client.get_experiment_by_name("sea")
    assert before is not None
    client.rename_experiment(before.experiment_id, "ocean")
    begin(home, file_store, "sea")
    drainer.round()
    after = client.get_experiment_by_name("sea")
    assert after is not None
    assert after.experiment_id != before.experiment_id
    assert (runs(file_store, before.experiment_id), runs(file_store, after.experiment_id)) == (1, 1)
    # And it stays that one.
    begin(home, file_store, "sea")
    drainer.round()
    assert runs(file_store, after.experiment_id) == 2


def test_a_folder_in_which_nothing_was_logged_is_no_run(home: Home, file_store: Place) -> None:
    home.journal(file_store.uri, new_id())
    Drainer(home).round()
    assert [*home.journals()] == []
    assert runs(file_store, "0") == 0
