"""What the watcher notices, written by plain mlflow elsewhere."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from stores import Place

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.events.watcher import StoreWatcher
from jupyter_mlkit.models import Change
from jupyter_mlkit.tracking.client import StoreClient

Told = dict[tuple[str, str], set[str]]


@pytest.fixture
def watcher(place: Place) -> StoreWatcher:
    watcher = StoreWatcher(StoreClient(place.uri))
    assert watcher.changes() == []
    return watcher


def told(changes: list[Change]) -> Told:
    return {(c.capability, c.kind): set(c.ids) for c in changes}


def test_nothing_is_told_while_nothing_is_written(place: Place, watcher: StoreWatcher) -> None:
    place.client.create_run(place.experiment())
    assert watcher.changes()
    assert watcher.changes() == []
    assert watcher.changes() == []


def test_the_life_of_a_run_is_told(place: Place, watcher: StoreWatcher) -> None:
    experiment = place.experiment()
    assert told(watcher.changes()) == {("experiments", "created"): {experiment}}
    run_id = place.elsewhere(
        "result = client.create_run(experiment).info.run_id", experiment=experiment
    )
    assert told(watcher.changes()) == {("runs", "created"): {run_id}}
    for code in (
        "client.log_metric(run_id, 'val_rmse', 2.0, step=1)",
        "client.log_param(run_id, 'a', 1)",
        "client.set_tag(run_id, 'mood', 'bad')",
        "client.set_tag(run_id, 'mood', 'sad')",
        "client.delete_tag(run_id, 'mood')",
        "client.update_run(run_id, name='new name')",
        "client.set_terminated(run_id)",
        "client.set_tag(run_id, 'mlflow.note.content', 'after the end')",
        "client.set_tag(run_id, 'mlflow.note.content', 'after the eng')",
    ):
        place.elsewhere(code, run_id=run_id)
        assert told(settled(watcher)) == {("runs", "changed"): {run_id}}, code
    place.elsewhere("client.delete_run(run_id)", run_id=run_id)
    assert told(settled(watcher)) == {("runs", "deleted"): {run_id}}
    place.elsewhere("client.restore_run(run_id)", run_id=run_id)
    assert told(settled(watcher)) == {("runs", "created"): {run_id}}


def settled(watcher: StoreWatcher) -> list[Change]:
    """Look until something is told: rows that are rewritten may be compared a little later."""
    deadline = time.monotonic() + 40
    while not (found := watcher.changes()):
        assert time.monotonic() < deadline, "nothing was told"
    return found


def test_models_and_aliases_are_told_by_name(place: Place, watcher: StoreWatcher) -> None:
    name = f"lst {time.monotonic_ns()}"
    run_id = place.client.create_run(place.experiment()).info.run_id
    watcher.changes()
    steps: list[tuple[str, str]] = [
        ("client.create_registered_model(name)", "created"),
        ("client.create_model_version(name, 'runs:/' + run_id + '/m', run_id)", "changed"),
        ("client.set_registered_model_alias(name, 'champion', '1')", "changed"),
        ("client.delete_registered_model_alias(name, 'champion')", "changed"),
        ("client.update_registered_model(name, description='why')", "changed"),
        ("client.delete_registered_model(name)", "deleted"),
    ]
    for code, kind in steps:
        place.elsewhere(code, name=name, run_id=run_id)
        assert told(watcher.changes()) == {("registry", kind): {name}}, code


def test_prompts_are_not_models(file_store: Place) -> None:
    watcher = StoreWatcher(StoreClient(file_store.uri))
    watcher.changes()
    file_store.client.register_prompt("ask", "What is the {{x}} of {{y}}?")
    assert watcher.changes() == []


def test_experiments_are_renamed_and_deleted(file_store: Place) -> None:
    watcher = StoreWatcher(StoreClient(file_store.uri))
    watcher.changes()
    experiment = file_store.experiment()
    watcher.changes()
    file_store.client.rename_experiment(experiment, "other")
    assert told(watcher.changes()) == {("experiments", "changed"): {experiment}}
    file_store.client.set_experiment_tag(experiment, "a", "b")
    assert told(watcher.changes()) == {("experiments", "changed"): {experiment}}
    run_id = file_store.client.create_run(experiment).info.run_id
    watcher.changes()
    file_store.client.delete_experiment(experiment)
    told_of: Told = {}
    while not {("experiments", "changed"), ("runs", "deleted")} <= told_of.keys():
        told_of |= told(settled(watcher))
    assert told_of[("experiments", "changed")] == {experiment}
    assert told_of[("runs", "deleted")] == {run_id}


def test_too_many_ids_are_not_named(file_store: Place) -> None:
    watcher = StoreWatcher(StoreClient(file_store.uri))
    watcher.changes()
    add_runs(file_store.path, 201)
    assert watcher.changes() == [Change("runs", "created", [])]


def test_a_change_is_seen_at_once_among_ten_thousand_runs(file_store: Place) -> None:
    add_runs(file_store.path, 10_000, tags=15)
    watcher = StoreWatcher(StoreClient(file_store.uri))
    watcher.changes()
    run_id = file_store.client.create_run("0").info.run_id
    settled(watcher)
    old = f"{77:032x}"
    spent, looks = 0.0, 0
    start = time.monotonic()
    for step in range(20):
        file_store.client.log_metric(run_id, "loss", step, step=step)
        before = time.process_time()
        assert run_id in told(watcher.changes())[("runs", "changed")]
        spent += time.process_time() - before
        looks += 1
    # 15 tags of 10,000 runs are not read again at each look.
    assert spent / looks < 0.1
    file_store.client.set_tag(old, "t3", "w")
    while old not in told(settled(watcher)).get(("runs", "changed"), set()):
        assert time.monotonic() - start < 60


def add_runs(path: Path | None, count: int, tags: int = 0) -> None:
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO runs(run_uuid, name, status, lifecycle_stage, experiment_id, start_time,"
            " artifact_uri) VALUES (?, 'r', 'FINISHED', 'active', 0, 1, '')",
            ((f"{n:032x}",) for n in range(count)),
        )
        connection.executemany(
            "INSERT INTO tags(key, value, run_uuid) VALUES (?, 'v', ?)",
            ((f"t{t}", f"{n:032x}") for n in range(count) for t in range(tags)),
        )
    connection.close()


def test_a_locked_a_moved_and_another_store_are_survived(
    file_store: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlkit.tracking.schema.BUSY_SECONDS", 0.05)
    # As on a network folder: no write-ahead log, so a writer keeps readers out.
    monkeypatch.setattr("jupyter_mlkit.tracking.schema.on_network", lambda path: True)
    path = file_store.path
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    watcher = StoreWatcher(StoreClient(file_store.uri))
    watcher.changes()
    blocker = sqlite3.connect(path)
    blocker.execute("BEGIN EXCLUSIVE")
    blocker.execute("UPDATE experiments SET name = 'renamed' WHERE experiment_id = 0")
    with pytest.raises(BackendError) as locked:
        watcher.changes()
    assert locked.value.code == "store_locked"
    blocker.commit()
    blocker.close()
    assert told(watcher.changes()) == {("experiments", "changed"): {"0"}}

    aside = path.with_name("aside.db")
    path.rename(aside)
    with pytest.raises(BackendError) as gone:
        watcher.changes()
    assert gone.value.code == "store_gone"
    add_runs(aside, 1)
    aside.rename(path)
    assert told(watcher.changes()) == {("runs", "created"): {f"{0:032x}"}}


def test_a_closed_watcher_compares_with_what_it_saw(place: Place, watcher: StoreWatcher) -> None:
    experiment = place.experiment()
    watcher.close()
    assert ("experiments", "created") in told(watcher.changes())
    watcher.close()
    run_id = place.client.create_run(experiment).info.run_id
    assert told(watcher.changes()) == {("runs", "created"): {run_id}}
    watcher.close()
