"""What is unusual arrives as it was, or is refused with the reason."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stores import Place

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.dead_letters import dead_letters
from jupyter_mlkit.tracking.drainer.drain import drain
from jupyter_mlkit.tracking.journal.entries import Metric, Params, Tags, decoded
from jupyter_mlkit.tracking.journal.frames import Frame
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder
from jupyter_mlkit.tracking.journal.recorder import Recorder
from jupyter_mlkit.tracking.journal.segments import segments

TIME = 1_700_000_000_000
#: Of names that are tried together: what is refused is found by halves.
NAMES = 60


def double(bits: int) -> float:
    (value,) = struct.unpack("<d", struct.pack("<Q", bits))
    return float(value)


def bits(value: float) -> int:
    (found,) = struct.unpack("<Q", struct.pack("<d", value))
    return int(found)


@pytest.fixture
def begun(tmp_path: Path) -> Callable[[Place], tuple[str, Path, Recorder]]:
    """Begin a run and its journal."""

    def begin(place: Place) -> tuple[str, Path, Recorder]:
        run = place.client.create_run(place.experiment()).info.run_id
        home = Home(tmp_path / "journal")
        return run, home.journal(place.uri, run).folder, open_recorder(place.uri, run, home=home)

    return begin


def entries(folder: Path) -> list[object]:
    return [
        decoded(one) for part in segments(folder) for one in part.read() if isinstance(one, Frame)
    ]


def test_each_exponent_and_sign_arrives_to_the_bit(
    place: Place, begun: Callable[[Place], tuple[str, Path, Recorder]]
) -> None:
    """The journal keeps all bits; a store makes the largest number of an infinity."""
    run, folder, recorder = begun(place)
    mantissas = (0, 1, 0x8000000000000, 0xFFFFFFFFFFFFF)
    patterns = [
        sign << 63 | exponent << 52 | mantissa
        for sign in (0, 1)
        for exponent in (*range(0, 2048, 5), 1, 1022, 1023, 1024, 2046, 2047)
        for mantissa in mantissas
    ]
    for step, pattern in enumerate(patterns):
        recorder.metric("value", double(pattern), TIME, step)
    kept = [bits(one.value) for one in entries(folder) if isinstance(one, Metric)]
    # The processor makes a quiet NaN of a signalling one.
    assert [one for one in kept if not math.isnan(double(one))] == [
        one for one in patterns if not math.isnan(double(one))
    ]
    assert sum(math.isnan(double(one)) for one in kept) == 6
    drain(folder, StoreClient(place.uri), run)
    assert dead_letters(folder) == []
    found = {one.step: one.value for one in place.client.get_metric_history(run, "value")}
    assert len(found) == len(patterns)
    for step, pattern in enumerate(patterns):
        value = double(pattern)
        if math.isnan(value):
            assert math.isnan(found[step])
        elif math.isinf(value):
            assert found[step] == math.copysign(sys.float_info.max, value)
        else:
            # Minus zero is zero in a database.
            assert bits(found[step]) == bits(value) or value == found[step] == 0


@given(pattern=st.integers(0, 2**64 - 1), step=st.integers(-(2**63), 2**63 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_journal_keeps_all_bits_of_a_point(tmp_path: Path, pattern: int, step: int) -> None:
    recorder = open_recorder("sqlite:////x.db", "run", home=Home(tmp_path))
    value = double(pattern)
    recorder.metric("value", value, step, step)
    recorder.close()
    folder = Home(tmp_path).journal("sqlite:////x.db", "run").folder
    (point,) = [one for one in entries(folder) if isinstance(one, Metric)]
    assert (point.step, point.timestamp, bits(point.value)) == (step, step, bits(value))
    for part in segments(folder):
        part.path.unlink()


#: Plain, right to left, joined by a zero-width joiner, combining and composed, private, astral.
KINDS = (
    *("loss", "Verlust/größe", "損失", "خسارة", "\U0001f469\u200d\U0001f680", "e\u0301", "\u00e9"),
    *("\ue000", "\U0001d50f", "\u202eloss", "\ufeffloss", "\u200b", "\ufdfd", "LOSS", "\u0131"),
    *("\x00", "a\x00b", "\x1b[2J", "\x7f", "a\nb", "a\tb", "\ud800", "a\udfffb"),
    *("a b", "a  b", " a", "a ", "..", "../a", "/a", "a/", "a//b", "./a", "", ".", "%2e%2e"),
    *("a;b", "<b>", "'", '"', "a:b", "a\\b", "#", "?", "-", "_", "*", "`a`"),
    *("x" * 250, "x" * 251, "ü" * 250, "ü" * 6001),
)


def test_names_of_every_kind_arrive_or_are_refused(
    place: Place, begun: Callable[[Place], tuple[str, Path, Recorder]]
) -> None:
    told_names(place, begun(place), KINDS)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
@given(names=st.lists(st.text(max_size=20), max_size=NAMES, unique=True))
@example(names=[chr(code) for code in range(0x20, 0x7F)])
def test_any_name_arrives_or_is_refused(
    file_store: Place,
    begun: Callable[[Place], tuple[str, Path, Recorder]],
    names: list[str],
) -> None:
    told_names(file_store, begun(file_store), names)


def told_names(
    place: Place, run_begun: tuple[str, Path, Recorder], names: tuple[str, ...] | list[str]
) -> None:
    """Log a metric, a param and a tag of each name, and look where each of them came."""
    run, folder, recorder = run_begun
    refused = set()
    for step, name in enumerate(names):
        try:
            recorder.record(
                Metric(name, step / 3, TIME, step), Params({name: name}), Tags({name: name})
            )
        except InvalidInputError:
            refused.add(name)
    kept = set(names) - refused
    assert refused == {name for name in names if any("\ud800" <= one <= "\udfff" for one in name)}
    assert {one.key for one in entries(folder) if isinstance(one, Metric)} == kept
    drain(folder, StoreClient(place.uri), run)
    found = place.client.get_run(run).data
    letters = {(one.what, one.key) for one in dead_letters(folder)}
    assert all(one.why for one in dead_letters(folder))
    for name in kept:
        for what, there in (
            ("metric", found.metrics),
            ("param", found.params),
            ("tag", found.tags),
        ):
            assert (name in there) != ((what, name) in letters), (what, name)
        if name in found.params:
            assert found.params[name] == name
            assert found.tags.get(name, name) == name
        if name in found.metrics:
            assert found.metrics[name] == names.index(name) / 3
    recorder.close()


def test_a_hundred_thousand_params_wait_in_the_journal(tmp_path: Path) -> None:
    """What a store makes of them is another matter: here none is lost or cut."""
    recorder = open_recorder("sqlite:////x.db", "run", home=Home(tmp_path))
    params = {f"layer.{number}.weight": f"{number / 7} ü" * 3 for number in range(100_000)}
    names = [*params]
    for begin in range(0, len(names), 100):
        recorder.record(Params({name: params[name] for name in names[begin : begin + 100]}))
    with pytest.raises(InvalidInputError, match="1,048,576"):
        recorder.record(Params(params))
    recorder.close()
    found: dict[str, str] = {}
    for one in entries(Home(tmp_path).journal("sqlite:////x.db", "run").folder):
        if isinstance(one, Params):
            found |= one.values
    assert found == params
