"""Ids that are given without a store, by many at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_mlkit.tracking.journal.ids import Ids


def test_threads_ask_for_the_same_new_names_together(tmp_path: Path) -> None:
    folder, names = tmp_path / "ids", [f"experiment {number}" for number in range(30)]
    together = threading.Barrier(8)

    def ask() -> list[str]:
        ids, found = Ids(folder), []
        try:
            for name in names:
                together.wait()
                found.append(ids.experiment(name))
        except BaseException:
            together.abort()  # the others wait for this one
            raise
        return found

    with ThreadPoolExecutor(8) as pool:
        asked = [one.result() for one in [pool.submit(ask) for _ in range(8)]]
    assert asked == [asked[0]] * 8
    assert [Ids(folder).name_of(one) for one in asked[0]] == names
    assert {one.name for one in folder.iterdir()} == {*asked[0]}
