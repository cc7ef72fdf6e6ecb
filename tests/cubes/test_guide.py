"""The examples of the guide can be typed one after the other, and print what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "cubes.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every name after the last example."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("guide"))
        for number, example in enumerate(EXAMPLES):
            exec(compile(example, f"example {number} of {GUIDE.name}", "exec"), names)
    return names


def test_all_examples_run(typed: dict[str, Any]) -> None:
    assert len(EXAMPLES) >= 17
    assert typed["filled"].dims == ("time", "lat", "lon")
    assert typed["lst"].attrs


def test_what_the_guide_says_of_them(typed: dict[str, Any]) -> None:
    text = " ".join(GUIDE.read_text().replace("> ", "").split())
    report, length = typed["report"], typed["length"]
    assert report.verdict == "fits"
    assert report.sentence in text
    assert f"{length.length:.3g} {length.unit}" in text
    assert str(length.recommended_block) == "11 deg"
    found = typed["cubes"].interval(typed["stats"], "rmse")
    said = f"{found.estimate:.2f}, {found.low:.2f} to {found.high:.2f}, from {found.n_blocks}"
    assert said in text
