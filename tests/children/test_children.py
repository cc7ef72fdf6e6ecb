"""Children come when they are asked for, one of each kind, and go when nobody asks any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stores import until

from jupyter_mlkit.children.children import Children, StoppedError, TooManyChildrenError
from jupyter_mlkit.children.folder import UnsafeFolderError
from jupyter_mlkit.children.peer import ImpostorError
from jupyter_mlkit.errors import MLKitError, NotFoundError

from .kinds import echo, processes, python

Make = Callable[..., Children]


def test_nothing_is_made_before_somebody_asks(children: Make, short: Path) -> None:
    some = children({"echo": echo})
    assert some.list().items == []
    with pytest.raises(NotFoundError):
        some.child("0123456789abcdef")
    with pytest.raises(NotFoundError, match="no program 'other'"):
        some.open("other")
    assert not list(short.iterdir())


def test_many_who_ask_at_once_share_one(children: Make) -> None:
    started: list[Any] = []

    def counted() -> Any:
        started.append(1)
        return echo()

    some = children({"echo": counted})
    told: list[Any] = []
    asking = [threading.Thread(target=lambda: told.append(some.open("echo"))) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len({one.child_id for one in told}) == 1
    assert len(started) == 1
    (listed,) = some.list().items
    assert listed.state == "running"
    assert listed.path == f"jupyter-mlkit/children/{listed.child_id}/"
    assert some.child(listed.child_id).kind.name == "echo"


def test_while_it_is_starting_it_is_listed_and_not_reached(children: Make) -> None:
    some = children({"slow": lambda: python("import time; time.sleep(3600)")})
    failed: list[MLKitError] = []

    def ask() -> None:
        try:
            some.open("slow")
        except MLKitError as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    (listed,) = until(lambda: some.list().items)
    assert listed.state == "starting"
    with pytest.raises(StoppedError):
        some.child(listed.child_id)
    some.stop(listed.child_id)
    asking.join()
    assert "ended while it was being started" in failed[0].message
    assert some.list().items == []


def test_their_number_is_limited(children: Make) -> None:
    some = children({"one": echo, "two": echo}, most=1)
    first = some.open("one")
    with pytest.raises(TooManyChildrenError):
        some.open("two")
    some.stop(first.child_id)
    assert some.open("two").state == "running"


def test_idle_ones_are_ended_and_used_ones_are_not(children: Make) -> None:
    some = children({"idle": echo, "used": echo}, idle=0.3)
    idle = some.child(some.open("idle").child_id)
    used_id = some.open("used").child_id
    used = some.child(used_id)
    with used.in_use():
        until(lambda: not idle.is_alive)
        time.sleep(0.4)  # longer than it may be idle
        assert used.is_alive
        assert [one.child_id for one in some.list().items] == [used_id]
    until(lambda: not used.is_alive)
    with pytest.raises(StoppedError):
        some.child(used_id)
    assert some.open("used").child_id == used_id, "the address stays"


def test_one_that_died_is_started_again(children: Make) -> None:
    some = children({"echo": echo})
    first = some.open("echo")
    child = some.child(first.child_id)
    child._runner.kill()
    until(lambda: not child.is_alive)
    again = some.open("echo")
    assert again.child_id == first.child_id
    assert some.child(again.child_id) is not child
    assert len(processes(child._nonce)) == 0


def test_what_stops_a_start_is_told_and_leaves_nothing(children: Make, short: Path) -> None:
    some = children({"bad": lambda: python("raise SystemExit('no database')")})
    with pytest.raises(MLKitError, match="no database"):
        some.open("bad")
    assert some.list().items == []
    assert not list((short / "children").iterdir())


def test_a_folder_that_became_unsafe_stops_the_next_start(children: Make, short: Path) -> None:
    some = children({"one": echo, "two": echo})
    some.open("one")
    (short / "children").chmod(0o777)
    with pytest.raises(UnsafeFolderError):
        some.open("two")
    (short / "children").chmod(0o700)
    some.open("two")


def test_an_impostor_stops_the_start(children: Make) -> None:
    code = """
import os, socket, sys
if os.fork() == 0:
    os.setsid()
    server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()
    server.accept()
    os._exit(0)
import time; time.sleep(3600)
"""
    some = children({"left": lambda: python(code)})
    with pytest.raises(ImpostorError):
        some.open("left")


def test_closing_ends_all(children: Make) -> None:
    some = children({"one": echo, "two": echo})
    nonces = [some.child(some.open(kind).child_id)._nonce for kind in ("one", "two")]
    some.close(5.0)
    assert not any(processes(nonce) for nonce in nonces)
    with pytest.raises(StoppedError, match="being stopped"):
        some.open("one")
