"""What was flushed is on the disk, also where the disk fails at first."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from jupyter_mlkit.tracking.journal import flusher
from jupyter_mlkit.tracking.journal.entries import Metric, decoded, encoded
from jupyter_mlkit.tracking.journal.segments import segments
from jupyter_mlkit.tracking.journal.writer import Writer

from .journals import frames, opened


def metric(step: int) -> tuple[int, bytes]:
    return encoded(Metric("loss", 0.5, 7, step))


def steps(folder: Path, without: Collection[int] = ()) -> set[int]:
    """Return the steps in a run's segments, those lost by the disk left out."""
    found = [
        decoded(frame)
        for segment in segments(folder)
        if segment.number not in without
        for frame in frames(segment.read())
    ]
    return {entry.step for entry in found if isinstance(entry, Metric)}


class Disk:
    """Notes which files are synced, and fails at some calls."""

    def __init__(self, *failing: int) -> None:
        self.failing = failing
        self.calls = 0
        self.synced: list[str] = []

    def __call__(self, file: int) -> None:
        self.calls += 1
        if self.calls in self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Disk]:
    def use(*failing: int) -> Disk:
        found = Disk(*failing)
        monkeypatch.setattr(flusher, "_sync", found)
        return found

    return use


def test_all_segments_since_the_last_flush_are_synced_once(
    tmp_path: Path, disk: Callable[..., Disk]
) -> None:
    used = disk()
    writer = Writer(tmp_path, opened, segment_bytes=400)
    writer.flush()
    assert used.synced == []
    for round_ in range(3):
        before = max((segment.number for segment in segments(tmp_path)), default=1)
        for step in range(10):
            writer.append(metric(10 * round_ + step))
        used.synced.clear()
        writer.flush()
        written = [str(one.path) for one in segments(tmp_path) if one.number >= before]
        assert used.synced == [*written, str(tmp_path)]
        writer.flush()
        assert len(used.synced) == len(written) + 1


def test_a_segment_of_which_the_store_has_all_needs_no_sync(
    tmp_path: Path, disk: Callable[..., Disk]
) -> None:
    used = disk()
    writer = Writer(tmp_path, opened, segment_bytes=200)
    for step in range(10):
        writer.append(metric(step))
    first, *rest = segments(tmp_path)
    first.path.unlink()
    writer.flush()
    assert used.synced == [*(str(segment.path) for segment in rest), str(tmp_path)]


def test_what_the_disk_did_not_take_is_written_again(
    tmp_path: Path, disk: Callable[..., Disk]
) -> None:
    for failing in range(1, 6):
        folder = tmp_path / str(failing)
        folder.mkdir()
        disk(failing)
        writer = Writer(folder, opened, segment_bytes=400)
        for step in range(10):
            writer.append(metric(step))
        count = len(segments(folder))
        assert count >= 3
        if failing > count:
            # The folder itself: the caller is told, and the next flush does all of it.
            with pytest.raises(OSError, match="Input/output"):
                writer.flush()
            writer.flush()
        else:
            writer.flush()
            assert len(segments(folder)) == count + 1
            assert steps(folder, without={failing}) == {*range(10)}
        writer.append(metric(10))
        writer.flush()
        assert steps(folder) == {*range(11)}


def test_a_disk_that_takes_nothing_is_told_and_tried_again(
    tmp_path: Path, disk: Callable[..., Disk]
) -> None:
    used = disk(*range(1, 100))
    writer = Writer(tmp_path, opened)
    writer.append(metric(0))
    with pytest.raises(OSError, match="Input/output"):
        writer.flush()
    used.failing = ()
    used.synced.clear()
    writer.flush()
    assert {str(segment.path) for segment in segments(tmp_path)} <= {*used.synced}
    assert steps(tmp_path) == {0}


def test_a_thread_flushes_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    flushed = threading.Event()
    real = flusher._sync
    failing = [True]

    def sync(file: int) -> None:
        if failing[0]:
            raise OSError(errno.EIO, "broken")
        real(file)
        flushed.set()

    monkeypatch.setattr(flusher, "_sync", sync)
    writer = Writer(tmp_path, opened, flush_every=0.001)
    writer.append(metric(0))
    while not caplog.records:
        flushed.wait(0.01)
    failing[0] = False
    assert flushed.wait(30)
    flushed.clear()
    writer.append(metric(1))
    assert flushed.wait(30)
    writer.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert steps(tmp_path) == {0, 1}


def test_a_fork_flushes_with_a_thread_of_its_own(tmp_path: Path) -> None:
    writer = Writer(tmp_path, opened, flush_every=0.001)
    writer.append(metric(0))
    pid = os.fork()
    if not pid:
        status = 1
        try:
            writer.append(metric(1))
            writer.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    writer.close()
    assert steps(tmp_path) == {0, 1}
