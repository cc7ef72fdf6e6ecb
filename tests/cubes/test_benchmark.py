"""The benchmark of the cubes runs, and writes the rows that are agreed on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "cubes.py"
_KEYS = {
    "name",
    "value",
    "unit",
    "higher_is_better",
    "peer",
    "peer_value",
    "limit_value",
    "ratio_to_peer",
    "ratio_to_limit",
    "conditions",
}


def test_the_benchmark_prints_ratios_and_writes_rows(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    # A cube of a few chunks takes every path that a large one does.
    told = subprocess.run(
        [
            *(sys.executable, _BENCHMARK, "--tiny", "--only", "statistics,fingerprint"),
            *("--rounds", "1", "--data", tmp_path / "data", "--json", rows),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    ).stdout
    found = json.loads(rows.read_text())
    assert all(set(row) == _KEYS for row in found)
    ours = {row["name"]: row for row in found if row["name"].endswith(": ours")}
    assert set(ours) == {"statistics: ours", "fingerprint: ours"}
    assert all(row["ratio_to_limit"] > 0 for row in ours.values())
    assert "not installed here: give its interpreter by --ml4xcube-python" in told
