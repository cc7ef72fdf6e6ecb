"""A sign of life says when and from where a run was seen alive, and for how long that counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlkit.processes.identity import machine_id, machine_name
from jupyter_mlkit.tracking.heartbeat import LOST_AFTER, Heartbeat, is_lost
from jupyter_mlkit.tracking.tags import HEARTBEAT

NOW = 1_700_000_000.0


@given(st.integers(0, 4_000_000_000), st.text(min_size=1))
def test_it_is_read_as_it_was_written(at: int, machine: str) -> None:
    told = Heartbeat(float(at), machine)
    assert Heartbeat.of({HEARTBEAT: str(told)}) == told


def test_the_tag_can_be_read_by_people() -> None:
    assert str(Heartbeat(NOW + 0.9, "node-1")) == "2023-11-14T22:13:20+00:00 node-1"


@pytest.mark.parametrize(
    ("age", "lost"),
    [(0, False), (LOST_AFTER, False), (LOST_AFTER + 1, True), (-3600, False), (math.inf, None)],
)
def test_a_run_is_lost_for_others_ten_minutes_later(age: float, lost: bool | None) -> None:
    tags = {} if lost is None else {HEARTBEAT: str(Heartbeat(NOW - age, "node-1"))}
    assert is_lost(tags, NOW) is bool(lost)


@given(st.text())
def test_what_somebody_else_wrote_says_nothing(text: str) -> None:
    assert not is_lost({HEARTBEAT: "x" + text}, NOW)


def test_the_id_of_the_machine_is_not_told() -> None:
    _, _, known = machine_id().partition(":")
    assert " " not in machine_name()
    assert not known or known not in machine_name()
