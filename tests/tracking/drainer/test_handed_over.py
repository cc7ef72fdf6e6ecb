"""Models that were handed over are made once, and each that cannot be is told of."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from sklearn.linear_model import LinearRegression
from stores import Place, until

from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.drainer import handed_over, refused_models, service
from jupyter_mlkit.tracking.drainer.dead_letters import DeadLetter, dead_letters, keep
from jupyter_mlkit.tracking.drainer.service import Drainer
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal import unmade as module
from jupyter_mlkit.tracking.journal.home import Home, Journal
from jupyter_mlkit.tracking.journal.unmade import hand_over, unmade

AWAY = "http://127.0.0.1:9"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Gone:
    """Read by a process that has nothing of it."""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise RuntimeError('it cannot be read twice')",)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "journal")


@pytest.fixture
def run(file_store: Place) -> str:
    return str(file_store.client.create_run(file_store.experiment()).info.run_id)


@pytest.fixture
def journal(home: Home, file_store: Place, run: str) -> Journal:
    return home.journal(file_store.uri, run)


def models(place: Place, run: str) -> list[tuple[str, str]]:
    experiment = place.client.get_run(run).info.experiment_id
    found = place.client.search_logged_models([experiment])
    return [(one.name, one.status.name) for one in found]


def rounds(drainer: Drainer, is_over: Callable[[], object]) -> None:
    def look() -> bool:
        drainer.round()
        return bool(is_over())

    until(look, 120)


def test_what_an_attempt_has_left_in_the_store_is_deleted(
    home: Home, file_store: Place, run: str, journal: Journal
) -> None:
    hand_over(journal, "line", LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    ((folder, _),) = unmade(journal)
    client = file_store.client
    experiment = client.get_run(run).info.experiment_id
    # Killed before the run was told of the model, and after.
    for told in (False, True):
        left = client.create_logged_model(experiment, "line", run, {tags.MODEL_KEY: folder.name})
        if told:
            client.log_outputs(run, [LoggedModelOutput(left.model_id, 0)])
    (journal.unmade / f".{'0' * 32}-done").mkdir()
    drainer = Drainer(home)
    rounds(drainer, lambda: not (journal.folder.exists() or drainer.is_making))
    assert models(file_store, run) == [("line", "READY")]
    assert drainer.troubles == []
    # Logged, and not forgotten: as of a process that was killed between the two.
    hand_over(journal, "line", [1])
    ((again, _),) = unmade(journal)
    again.rename(folder)
    rounds(drainer, lambda: not (journal.folder.exists() or drainer.is_making))
    assert models(file_store, run) == [("line", "READY")]
    (model,) = client.search_logged_models([experiment])
    assert model.status == LoggedModelStatus.READY
    assert model.experiment_id == experiment


def test_a_process_that_is_killed_is_followed_by_another(
    home: Home, file_store: Place, run: str, journal: Journal
) -> None:
    clock = Clock()
    hand_over(journal, "line", LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    drainer = Drainer(home, clock)
    drainer.round()
    assert drainer.is_making
    (attempt,) = drainer._handed_over._attempts.values()
    assert attempt.child is not None
    attempt.child.send_signal(signal.SIGKILL)
    rounds(drainer, lambda: not drainer.is_making)
    (trouble,) = drainer.troubles
    assert trouble.where == run
    assert trouble.error.startswith("Model 'line' could not be logged yet: ")
    assert trouble.hint is not None
    assert trouble.failures == 1
    assert [one.entries for one in pending(home)] == [1]
    # In its time, and not before.
    drainer.round()
    assert not drainer.is_making
    clock.now = 2.0
    rounds(drainer, lambda: not (journal.folder.exists() or drainer.is_making))
    assert models(file_store, run) == [("line", "READY")]
    assert drainer.troubles == []


def test_a_drainer_that_comes_later_waits_for_the_process_of_the_first(
    home: Home, file_store: Place, run: str, journal: Journal
) -> None:
    clock = Clock()
    hand_over(journal, "line", LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    first = Drainer(home)
    first.round()
    (attempt,) = first._handed_over._attempts.values()
    assert attempt.child is not None
    ((folder, _),) = unmade(journal)
    until(lambda: (folder / "lock").exists() or attempt.child.poll() is not None)  # type: ignore[union-attr]
    os.kill(attempt.child.pid, signal.SIGSTOP)
    try:
        second = Drainer(home, clock)
        second.round()
        assert second.is_making
        rounds(second, lambda: not second.is_making)
        assert second.troubles == []
    finally:
        os.kill(attempt.child.pid, signal.SIGCONT)
    assert attempt.child.wait(120) == 0
    clock.now = 100.0
    rounds(second, lambda: not journal.folder.exists())
    assert models(file_store, run) == [("line", "READY")]


def test_a_model_that_fails_again_and_again_is_kept_and_tried_again_where_that_is_asked_for(
    home: Home, file_store: Place, run: str, journal: Journal, tmp_path: Path
) -> None:
    clock = Clock()
    other = DeadLetter("param", "lr", "2", "It has another value already.")
    hand_over(journal, "gone", Gone())
    keep(journal.folder, [other])
    drainer = Drainer(home, clock)
    for failures in range(1, 4):
        rounds(drainer, lambda: drainer.is_making)
        rounds(drainer, lambda: not drainer.is_making)
        (trouble,) = drainer.troubles
        assert trouble.error.endswith("RuntimeError: it cannot be read twice")
        assert trouble.failures == failures
        clock.now += 60
    rounds(drainer, lambda: drainer.is_making)
    rounds(drainer, lambda: not drainer.is_making)
    assert drainer.troubles == []
    assert [*unmade(journal)] == []
    (letter,) = [one for one in dead_letters(journal.folder) if one.what == "model"]
    assert letter.key == "gone"
    (kept,) = refused_models.refused_models(journal)
    assert letter.value == str(kept)
    # It can be read now.
    (kept / "model.pickle").write_bytes(_pickled(LinearRegression().fit([[0.0]], [0.0])))
    assert drainer.try_now() == 1
    assert dead_letters(journal.folder) == [other]
    rounds(drainer, lambda: not (journal.unmade.exists() or drainer.is_making))
    assert models(file_store, run) == [("gone", "READY")]
    assert dead_letters(journal.folder) == [other]
    assert drainer.try_now() == 0


def _pickled(model: object) -> bytes:
    import cloudpickle

    return bytes(cloudpickle.dumps(model))


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("#!/bin/sh\nexit 3\n", "the process that logs it ended with 3"),
        ("no program", "no process can be started for it"),
        (None, "is not there any more"),
    ],
)
def test_an_interpreter_that_does_not_start_is_told(
    home: Home,
    run: str,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    python: str | None,
    said: str,
) -> None:
    interpreter = tmp_path / "python"
    if python is not None:
        interpreter.write_text(python)
        interpreter.chmod(0o700)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(interpreter))
        hand_over(journal, "line", [1])
    drainer = Drainer(home)
    rounds(drainer, lambda: drainer.troubles or dead_letters(journal.folder))
    told = [one.error for one in drainer.troubles] + [
        one.why for one in dead_letters(journal.folder)
    ]
    assert len(told) == 1
    assert said in told[0]
    assert drainer.failing == {}


def test_a_store_that_is_away_is_asked_before_a_process_is_started(home: Home) -> None:
    journal = home.journal(AWAY, "a" * 32)
    hand_over(journal, "line", [1])
    drainer = Drainer(home)
    drainer.round()
    assert not drainer.is_making
    assert [one.where for one in drainer.troubles] == [AWAY]


def test_what_a_model_is_that_cannot_be_read_is_kept_aside(home: Home, journal: Journal) -> None:
    hand_over(journal, "line", [1])
    ((folder, _),) = unmade(journal)
    (folder / module.NOTE).write_text("{")
    Drainer(home).round()
    (letter,) = dead_letters(journal.folder)
    assert (letter.key, letter.why) == (folder.name, "What it is cannot be read.")


def test_a_run_that_cannot_be_brought_holds_up_no_models_of_others(
    home: Home, file_store: Place, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = home.journal(
        file_store.uri, file_store.client.create_run(file_store.experiment()).info.run_id
    )
    monkeypatch.setattr(sys, "executable", "/bin/false")
    hand_over(journal, "line", [1])
    drainer = Drainer(home, Clock())
    drainer.round()
    assert drainer.is_making
    hand_over(other, "plane", [1])
    drain = service.bring_files

    def fails(where: Journal, *given: Any, **named: Any) -> None:
        if where == journal:
            raise OSError("it cannot be read")
        drain(where, *given, **named)

    monkeypatch.setattr(service, "bring_files", fails)
    rounds(drainer, lambda: any("plane" in one.error for one in drainer.troubles))
    assert not drainer.is_making
    # What became of the other is made something of as soon as that can be.
    monkeypatch.setattr(service, "bring_files", drain)
    drainer.try_now()
    rounds(drainer, lambda: any("line" in one.error for one in drainer.troubles))


def test_one_model_after_the_other(
    home: Home, file_store: Place, run: str, journal: Journal
) -> None:
    for name in ("first", "second"):
        hand_over(journal, name, LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    drainer, most = Drainer(home), 0

    def is_over() -> bool:
        nonlocal most
        most = max(most, drainer._handed_over._running)
        return not (journal.folder.exists() or drainer.is_making)

    rounds(drainer, is_over)
    assert most == handed_over._AT_ONCE
    assert sorted(models(file_store, run)) == [("first", "READY"), ("second", "READY")]
