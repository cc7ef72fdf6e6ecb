"""A drainer is started where something waits, and one that waits for its next try is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drainers import drainers, end_drainers
from stores import until

from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.tracking.drainer.status import ask_now, read_troubles, was_asked
from jupyter_mlkit.tracking.drainer.wake import wake
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "journal")
    yield home
    end_drainers(home)


def _log(home: Home) -> None:
    recorder = open_recorder("http://127.0.0.1:9", "a" * 32, home=home)
    recorder.metric("loss", 0.5, 7, 1)
    recorder.close()


def _failures(home: Home) -> int:
    return sum(one.failures for one in read_troubles(home))


def test_nothing_is_made_where_nothing_waits(home: Home) -> None:
    assert wake(home) is None
    assert wake(home, now=True) is None
    assert not home.root.exists()
    assert not was_asked(home)


def test_one_is_started_and_tries_again_when_it_is_asked(home: Home) -> None:
    _log(home)
    pid = wake(home)
    # From the fifth time on it waits for more than four seconds.
    until(lambda: _failures(home) >= 5, 60)
    before = _failures(home)
    assert wake(home) is None
    assert not (home.root / "try-now").exists()
    assert wake(home, now=True) is None
    until(lambda: not (home.root / "try-now").exists(), 4)
    until(lambda: _failures(home) > before, 4)
    assert drainers(home) == [pid]


def test_it_is_asked_once_however_often(home: Home) -> None:
    home.root.mkdir()
    ask_now(home)
    ask_now(home)
    assert was_asked(home)
    assert not was_asked(home)


def test_a_home_that_cannot_be_written_is_told(home: Home) -> None:
    _log(home)
    (home.root / "drainer.lock").mkdir()
    with pytest.raises(BackendError) as caught:
        wake(home)
    assert caught.value.code == "journal_unwritable"
    assert caught.value.hint
