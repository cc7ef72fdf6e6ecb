"""Any entry is read as it was written, and damage costs the records that it hits and no other."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from jupyter_mlkit.errors import BackendError, InvalidInputError
from jupyter_mlkit.tracking.journal.entries import (
    Closed,
    Entry,
    Metric,
    Missed,
    Params,
    Tags,
    Updated,
    decoded,
    encoded,
)
from jupyter_mlkit.tracking.journal.frames import FILE_MARK, MARK, MOST, Frame, framed
from jupyter_mlkit.tracking.journal.reader import Damage, Rest
from jupyter_mlkit.tracking.journal.segments import segments

from .journals import SALT, frames, opened, records, scanned, segment_of

INT64 = st.integers(-(2**63), 2**63 - 1)
BITS = st.integers(0, 2**64 - 1).map(lambda n: struct.unpack("<d", n.to_bytes(8, "little"))[0])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
NAME = st.none() | TEXT.filter(bool)
ENTRIES = st.one_of(
    st.builds(Metric, TEXT, BITS, INT64, INT64, NAME, NAME, NAME),
    st.builds(Params, st.dictionaries(TEXT, TEXT, max_size=5)),
    st.builds(Tags, st.dictionaries(TEXT, st.none() | TEXT, max_size=5)),
    st.builds(Updated, NAME, st.none() | INT64, NAME),
    st.builds(Missed, st.integers(0, 2**40)),
    st.just(Closed()),
)


def written(entries: list[Entry]) -> bytes:
    """Return the segment that holds these entries."""
    data = FILE_MARK
    for number, entry in enumerate(entries, start=1):
        data += framed(SALT, *encoded(entry)[:1], number, 5, 6, encoded(entry)[1])
    return data


def bits(entry: Entry) -> object:
    """Return an entry in a form in which NaN equals itself, to the bit."""
    if isinstance(entry, Metric):
        return (struct.pack("<d", entry.value), *msgspec.structs.astuple(entry)[2:], entry.key)
    return entry


@given(st.lists(ENTRIES, max_size=8))
def test_entries_are_read_as_they_were_written(entries: list[Entry]) -> None:
    found = frames(scanned(written(entries)))
    assert [frame.number for frame in found] == [*range(1, len(entries) + 1)]
    assert [bits(decoded(frame)) for frame in found] == [bits(entry) for entry in entries]


def test_a_segment_that_is_cut_anywhere_gives_all_whole_records() -> None:
    data, places = segment_of(64 << 10, long=1500)
    ends = [end for _, end in places]
    whole = 0
    for cut in range(len(FILE_MARK), len(data)):
        while whole < len(ends) and ends[whole] <= cut:
            whole += 1
        found = scanned(data[:cut])
        assert records(found) == places[:whole]
        last = places[whole - 1][1] if whole else len(FILE_MARK)
        assert found[whole:] == ([Rest(last, cut)] if cut > last else [])


def test_a_flipped_bit_costs_one_record() -> None:
    data, places = segment_of(4 << 10)
    for bit in range(8 * len(FILE_MARK), 8 * len(data)):
        at = bit // 8
        damaged = bytearray(data)
        damaged[at] ^= 1 << bit % 8
        found = scanned(bytes(damaged))
        hit = next(place for place in places if place[0] <= at < place[1])
        assert records(found) == [place for place in places if place != hit]
        kind = Rest if hit == places[-1] else Damage
        assert [one for one in found if not isinstance(one, Frame)] == [kind(*hit)]


@given(st.data())
def test_lost_and_overwritten_blocks_cost_what_they_hit(data: st.DataObject) -> None:
    whole, places = segment_of(40_000, long=data.draw(st.sampled_from([0, 3000])))
    begin = data.draw(st.integers(len(FILE_MARK), len(whole)))
    size = data.draw(st.integers(1, 5000))
    filling = data.draw(st.sampled_from([b"\0", b"\xff", MARK, b""])) * size
    damaged = whole[:begin] + filling[:size] + whole[begin + size :]
    found = records(scanned(damaged))
    moved = 0 if filling else min(size, len(whole) - begin)
    untouched = [(a, b) for a, b in places if b <= begin]
    untouched += [(a - moved, b - moved) for a, b in places if a >= begin + size]
    assert set(found) >= set(untouched)
    # What was written over a record may be what was there.
    assert {damaged[a:b] for a, b in found} <= {whole[a:b] for a, b in places}


def test_many_blocks_are_read_in_pieces() -> None:
    whole, places = segment_of(5 << 20, long=300_000)
    assert records(scanned(whole)) == places
    # A length that reaches far beyond the end, and a megabyte of marks.
    at = places[3][0]
    damaged = whole[: at + 4] + b"\0\0\x10\0" + whole[at + 8 :]
    assert records(scanned(damaged)) == [place for place in places if place != places[3]]
    filled = whole + MARK * (1 << 19)
    assert records(scanned(filled)) == places
    assert scanned(filled)[-1] == Rest(places[-1][1], len(filled))


def test_what_is_written_later_is_read_from_where_the_rest_began() -> None:
    data, places = segment_of(4 << 10)
    cut = places[7][0] + 11
    *_, rest = scanned(data[:cut])
    assert isinstance(rest, Rest)
    assert records(scanned(data, rest.begin)) == places[7:]


def test_records_of_another_writer_are_none() -> None:
    data, places = segment_of(4 << 10)
    other = framed(SALT + 1, *encoded(Missed(1))[:1], 9, 9, 9, encoded(Missed(1))[1])
    middle = places[5][1]
    found = scanned(data[:middle] + other + data[middle:])
    assert len(records(found)) == len(places)
    assert Damage(middle, middle + len(other)) in found


def test_what_cannot_be_kept_is_refused_in_words() -> None:
    refused: list[tuple[Entry, str]] = [
        (Metric("a", 1.0, 0, 2**63), "not_a_metric"),
        (Metric("a", 1.0, -(2**63) - 1, 0), "not_a_metric"),
        (Metric("a" * 70_000, 1.0, 0, 0), "not_a_metric"),
        (Metric("a", "1", 0, 0), "not_a_metric"),  # type: ignore[arg-type]
        (Metric("a", 1.0, 0, 1.5), "not_a_metric"),  # type: ignore[arg-type]
        (Metric("\ud800", 1.0, 0, 0), "not_text"),
        (Params({"a": "\udfff"}), "not_text"),
    ]
    for entry, code in refused:
        with pytest.raises(InvalidInputError) as caught:
            encoded(entry)
        assert caught.value.code == code
        assert caught.value.hint
    with pytest.raises(InvalidInputError, match="1,048,577 bytes") as caught:
        framed(SALT, 2, 1, 0, 0, b"x" * (MOST + 1))
    assert caught.value.code == "entry_too_long"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [(7, b""), (2, b'{"type":"Teleported"}'), (1, b"short"), (2, b"not json")],
)
def test_entries_of_a_later_version_are_named(kind: int, payload: bytes) -> None:
    (frame,) = frames(scanned(FILE_MARK + framed(SALT, kind, 1, 0, 0, payload)))
    with pytest.raises(BackendError) as caught:
        decoded(frame)
    assert caught.value.code == "newer_journal"


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    told = json.loads(encoded(Updated("FINISHED"))[1]) | {"mood": "good"}
    (frame,) = frames(scanned(FILE_MARK + framed(SALT, 2, 1, 0, 0, json.dumps(told).encode())))
    assert decoded(frame) == Updated("FINISHED")


def test_a_journal_of_format_1_is_read_for_ever() -> None:
    folder = Path(__file__).parent / "golden"
    (segment,) = segments(folder)
    found = [decoded(frame) for frame in frames(segment.read())]
    assert found[0] == opened(segment.writer)
    assert found[1:] == [
        Metric("loss", 0.1, 1_700_000_000_000, 1),
        Metric("Größe 🌍", -math.inf, 1_700_000_000_001, -(2**63)),
        Metric("rmse", 2.5, 1_700_000_000_002, 2, "m-1", "ERA5", "abc"),
        Params({"lr": "0.01", "": "x"}),
        Tags({"mlkit.note": "läuft", "old": None}),
        Updated("FINISHED", 1_700_000_000_003, "new name"),
        Missed(3),
        Closed(),
    ]
