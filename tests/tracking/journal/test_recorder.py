"""A training goes on whatever the disk does, and is told what was not kept."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.tracking.journal.entries import Closed, Metric, Missed, Params, Tags, decoded
from jupyter_mlkit.tracking.journal.recorder import Recorder
from jupyter_mlkit.tracking.journal.segments import segments
from jupyter_mlkit.tracking.journal.writer import Writer

from .journals import frames, opened


def test_entries_are_kept_in_their_order(tmp_path: Path) -> None:
    recorder = Recorder(Writer(tmp_path, opened))
    recorder.metric("loss", 0.5, 7, 1)
    recorder.record(Params({"lr": "0.1"}), Tags({"a": "b"}))
    recorder.metric("loss", 0.25, 8, 2)
    recorder.close()
    (segment,) = segments(tmp_path)
    entries = [decoded(frame) for frame in frames(segment.read())]
    assert entries[1:] == [
        Metric("loss", 0.5, 7, 1),
        Params({"lr": "0.1"}),
        Tags({"a": "b"}),
        Metric("loss", 0.25, 8, 2),
        Closed(),
    ]


def test_what_a_full_disk_refuses_is_counted_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(Writer(tmp_path, opened))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for again in range(2):
        recorder.metric("loss", 0.5, 7, 10 * again)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            for step in range(1, 6):
                recorder.metric("loss", 0.5, 7, 10 * again + step)
            recorder.record(Params({"a": "1"}), Params({"b": "2"}))
        assert recorder.missed == 7 * (again + 1)
        recorder.metric("loss", 0.5, 7, 10 * again + 9)
        assert [record.message[:30] for record in caplog.records] == [
            "What is logged from now on is ",
            "The journal can be written aga",
        ] * (again + 1)
    (segment,) = segments(tmp_path)
    entries = [decoded(frame) for frame in frames(segment.read())]
    told = [entry.step if isinstance(entry, Metric) else entry for entry in entries[1:]]
    assert told == [0, Missed(7), 9, 10, Missed(7), 19]


def test_a_handler_of_a_signal_may_log_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(Writer(tmp_path, opened))
    recorder.metric("loss", 0.5, 7, 0)
    real, handlers = os.write, [1, 2]

    def interrupted(file: int, data: bytes) -> int:
        if handlers:  # here a signal comes, and what it logs is not kept either, or is
            recorder.metric("handled", 0.5, 7, handlers.pop())
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", interrupted)
        for step in range(1, 6):
            recorder.metric("loss", 0.5, 7, step)
    (segment,) = segments(tmp_path)
    entries = [decoded(frame) for frame in frames(segment.read())]
    kept = sum(isinstance(one, Metric) for one in entries)
    told = sum(one.entries for one in entries if isinstance(one, Missed))
    assert (kept + told, told) == (8, recorder.missed)
    assert recorder.missed >= 2


def test_a_metric_that_cannot_be_kept_is_refused_at_the_call(tmp_path: Path) -> None:
    recorder = Recorder(Writer(tmp_path, opened))
    for key, step in (("\ud800", 0), ("loss", 2**70), ("x" * 70_000, 0)):
        with pytest.raises(InvalidInputError):
            recorder.metric(key, 1.0, 0, step)
    with pytest.raises(InvalidInputError):
        recorder.record(Params({"good": "1"}), Params({"b": "\ud800"}))
    assert recorder.missed == 0
    assert segments(tmp_path) == []
