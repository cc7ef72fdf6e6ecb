"""What was appended is there, whatever happens to the writer after it or to the disk during it."""

from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlkit.tracking.journal.entries import Closed, Entry, Metric, Opened, decoded, encoded
from jupyter_mlkit.tracking.journal.segments import UNFINISHED, segments
from jupyter_mlkit.tracking.journal.writer import Writer

from .journals import frames, opened

KILLS = 20


def metric(number: int, key: str = "loss") -> tuple[int, bytes]:
    return encoded(Metric(key, number / 7, 1_700_000_000_000 + number, number))


def found(folder: Path) -> list[Entry]:
    """Return all entries of a run, and check that nothing else is in its segments."""
    read = [one for segment in segments(folder) for one in segment.read()]
    assert frames(read) == read
    return [decoded(frame) for frame in frames(read)]


def steps(folder: Path, key: str = "loss") -> list[int]:
    """Return the steps of a metric in the order of the journal."""
    return [one.step for one in found(folder) if isinstance(one, Metric) and one.key == key]


def test_segments_follow_each_other(tmp_path: Path) -> None:
    writer = Writer(tmp_path, opened, segment_bytes=500)
    for number in range(100):
        writer.append(metric(2 * number), metric(2 * number + 1))
    writer.close()
    assert steps(tmp_path) == [*range(200)]
    entries = found(tmp_path)
    firsts = [entry for entry in entries if isinstance(entry, Opened)]
    assert [first.segment for first in firsts] == [*range(1, len(firsts) + 1)]
    assert len(firsts) > 10
    assert entries[-1] == Closed()
    numbers = [frame.number for segment in segments(tmp_path) for frame in frames(segment.read())]
    assert numbers == [*range(1, len(numbers) + 1)]
    assert {oct(segment.path.stat().st_mode & 0o777) for segment in segments(tmp_path)} == {"0o600"}


def test_a_writer_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    Writer(tmp_path, opened).close()
    assert segments(tmp_path) == []


def test_threads_share_a_writer(tmp_path: Path) -> None:
    writer = Writer(tmp_path, opened, segment_bytes=4000)

    def work(key: str) -> None:
        for number in range(500):
            writer.append(metric(number, key))

    threads = [threading.Thread(target=work, args=[f"key {i}"]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        assert steps(tmp_path, f"key {i}") == [*range(500)]


def test_a_fork_writes_segments_of_its_own(tmp_path: Path) -> None:
    writer = Writer(tmp_path, opened)
    writer.append(metric(0))
    children = []
    for child in range(1, 9):
        pid = os.fork()
        if not pid:
            for number in range(100):
                writer.append(metric(1000 * child + number))
            os._exit(0)
        children.append(pid)
    writer.append(metric(1))
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
    writer.append(metric(2))
    held = [list(segment.read()) for segment in segments(tmp_path)]
    assert len(held) == 9
    assert sorted(steps(tmp_path)) == sorted(
        [0, 1, 2, *(1000 * child + number for child in range(1, 9) for number in range(100))]
    )


def test_a_handler_of_a_signal_may_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, real, inside = Writer(tmp_path, opened, segment_bytes=500), os.write, []

    def handler(*_: object) -> None:
        writer.append(metric(len(inside), "from the handler"))

    def write(file: int, data: bytes) -> int:
        if not inside or inside[-1] is not None:
            inside.append(None)
            signal.raise_signal(signal.SIGALRM)
            inside[-1] = True
        return real(file, data)

    before = signal.signal(signal.SIGALRM, handler)
    monkeypatch.setattr(os, "write", write)
    try:
        for number in range(200):
            writer.append(metric(number))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert sorted(steps(tmp_path)) == [*range(200)]
    assert sorted(steps(tmp_path, "from the handler")) == [*range(1, len(inside) + 1)]


def test_a_segment_begun_by_a_handler_is_not_left_for_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads goes on to the later one, and would not see what is written behind its back."""
    writer, real = Writer(tmp_path, opened, segment_bytes=100), Path.rename

    def rename(old: Path, new: Path) -> Path:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", real)
            writer.append(metric(1, "from the handler"))
        return real(old, new)

    monkeypatch.setattr(Path, "rename", rename)
    writer.append(metric(0))
    monkeypatch.undo()
    writer._most = 10_000
    for step in range(1, 4):
        writer.append(metric(step))
    entries = found(tmp_path)
    keys = [entry.key for entry in entries if isinstance(entry, Metric)]
    assert keys == ["from the handler", *["loss"] * 4]
    assert steps(tmp_path) == [*range(4)]


@pytest.mark.parametrize("call", ["write", "rename"])
def test_who_dies_when_a_segment_begins_leaves_none(tmp_path: Path, call: str) -> None:
    pid = os.fork()
    if not pid:
        if call == "write":
            os.write = lambda *_: os._exit(3)  # type: ignore[assignment]
        else:
            Path.rename = lambda *_: os._exit(3)  # type: ignore[method-assign, assignment]
        Writer(tmp_path, opened).append(metric(0))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert segments(tmp_path) == []
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(UNFINISHED)


def test_what_others_delete_as_unfinished_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real, calls = tmp_path / "run", os.write, []

    def write(file: int, data: bytes) -> int:
        if not calls:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        calls.append(None)
        return real(file, data)

    folder.mkdir()
    monkeypatch.setattr(os, "write", write)
    writer = Writer(folder, opened)
    for step in range(3):
        writer.append(metric(step))
    assert steps(folder) == [0, 1, 2]
    assert len([*folder.iterdir()]) == 1


class Failing:
    """`os.write` or `os.open` that fails at one call, as a full or broken disk does."""

    def __init__(self, real: Callable[..., int], at: int, number: int, *, short: bool) -> None:
        self._real, self._at, self._number, self._short = real, at, number, short
        self.calls = 0
        self.torn = False

    def __call__(self, *args: object) -> int:
        self.calls += 1
        if self.torn or self.calls == self._at:
            if self._short and not self.torn:
                self.torn = True
                return self._real(args[0], args[1][: len(args[1]) // 2])  # type: ignore[index, arg-type]
            self.torn = False
            raise OSError(self._number, os.strerror(self._number))
        return self._real(*args)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("cannot_take_back", [False, True])
def test_a_failed_write_costs_what_it_was_told_to_have_cost(
    number: int,
    short: bool,
    cannot_take_back: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    for at in range(1, 100):
        folder = tmp_path / str(at)
        folder.mkdir()
        failing = Failing(os.write, at, number, short=short)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", failing)
            if cannot_take_back:
                patched.setattr(os, "ftruncate", broken)
            writer = Writer(folder, opened, segment_bytes=600)
            kept, refusals = [], []
            for step in range(30):
                try:
                    writer.append(metric(step))
                    kept.append(step)
                except OSError as error:
                    refusals.append(error.errno)
            calls = failing.calls
        assert len(kept) >= 29
        assert refusals == [number] * (30 - len(kept))
        read = [one for segment in segments(folder) for one in segment.read()]
        entries = [decoded(frame) for frame in frames(read)]
        assert [entry.step for entry in entries if isinstance(entry, Metric)] == kept
        if not cannot_take_back:
            assert frames(read) == read
        writer.close()
        if calls < at:
            return
    pytest.fail("it never came to an end")


def test_where_no_segment_can_be_begun_the_last_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path, opened, segment_bytes=200)
    writer.append(metric(0))
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", Failing(os.open, 1, errno.EMFILE, short=False))
        for step in range(1, 6):
            writer.append(metric(step))
    writer.append(metric(6))
    assert steps(tmp_path) == [*range(7)]


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data)[:7]))
    writer = Writer(tmp_path, opened)
    for step in range(20):
        writer.append(metric(step))
    assert steps(tmp_path) == [*range(20)]


_WRITES = """
import sys
from pathlib import Path
from journal.journals import opened
from jupyter_mlkit.tracking.journal.entries import Metric, encoded
from jupyter_mlkit.tracking.journal.writer import Writer

writer, step = Writer(Path(sys.argv[1]), opened, segment_bytes=100_000), 0
while True:
    writer.append(encoded(Metric("loss", step / 7, step, step)))
    step += 1
    sys.stdout.buffer.write(step.to_bytes(4, "little"))
    sys.stdout.buffer.flush()
"""


def test_what_was_appended_survives_the_death_of_the_writer(tmp_path: Path) -> None:
    """The parent reads each acknowledgement, and kills at one that differs each time."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        folder.mkdir()
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITES, str(folder)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert child.stdout is not None
        acknowledged = 0
        while acknowledged < 37 * kill**2 + 1:
            (acknowledged,) = struct.unpack("<I", child.stdout.read(4))
        child.kill()
        rest = child.stdout.read()
        child.wait()
        child.stdout.close()
        if len(rest) >= 4:
            end = len(rest) // 4 * 4
            (acknowledged,) = struct.unpack("<I", rest[end - 4 : end])
        kept = [decoded(frame) for one in segments(folder) for frame in frames(one.read())]
        written = [entry.step for entry in kept if isinstance(entry, Metric)]
        assert written == [*range(len(written))]
        assert len(written) - acknowledged in (0, 1)
