"""Files that wait are whole, and what is not whole does not stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mlkit.tracking.journal.files import stage, stage_copy, staged


def test_what_cannot_be_put_into_its_place_leaves_nothing(tmp_path: Path) -> None:
    source, taken = tmp_path / "source", tmp_path / "files" / "a"
    source.write_bytes(b"some")
    taken.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        stage(taken, b"some")
    with pytest.raises(OSError, match="directory"):
        stage_copy(source, taken)
    assert [*taken.parent.rglob("*")] == [taken]


def test_threads_stage_the_same_file_together(tmp_path: Path) -> None:
    path = tmp_path / "files" / "a"
    with ThreadPoolExecutor(8) as pool:
        [*pool.map(lambda number: stage(path, b"%d" % number * 10_000), [*range(8)] * 50)]
    assert [*staged(tmp_path)] == [path]
    assert len({*path.read_bytes()}) == 1
