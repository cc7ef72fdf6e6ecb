"""Files that wait are whole, and what is not whole does not stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.tracking.drainer.files import _remove_empty
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


def test_its_folder_may_be_removed_meanwhile_by_who_tidies_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, times, make = tmp_path / "files", iter(range(3)), Path.mkdir

    def and_tidy(path: Path, *args: Any, **named: Any) -> None:
        make(path, *args, **named)
        if next(times, None) is not None:
            _remove_empty(folder)

    monkeypatch.setattr(Path, "mkdir", and_tidy)
    path = folder / "deep" / "x"
    stage(path, b"some")
    assert next(times, None) is None
    assert path.read_bytes() == b"some"
