from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from jupyter_mlkit.jobs.folder import JobFolder
from jupyter_mlkit.train.job import JobState
from jupyter_mlkit.train.report import FitPosition, Pace


@pytest.mark.parametrize(
    ("position", "share"),
    [
        (FitPosition("epoch", 0, 4), 0.0),
        (FitPosition("epoch", 1, 4), 0.25),
        (FitPosition("epoch", 1, 4, step=5, steps=10), 0.375),
        (FitPosition("epoch", 4, 4, step=5, steps=10), 1.0),
        (FitPosition("member", 7, None), None),
        (FitPosition("member", 7, 0), None),
    ],
)
def test_share_of_a_fit(position: FitPosition, share: float | None) -> None:
    assert position.share == share


def test_time_left_follows_the_pace() -> None:
    pace = Pace(100.0)
    assert pace.left(None, 101.0) is None
    assert pace.left(0.25, 110.0) == pytest.approx(30.0)
    assert pace.left(0.5, 120.0) == pytest.approx(20.0)
    # It gets ten times slower: after some points, only the new pace counts.
    left = [pace.left(0.5 + 0.01 * i, 120.0 + 4 * i) for i in range(1, 31)]
    assert left[-1] == pytest.approx((1 - 0.8) * 400)
    assert pace.left(1.0, 1000.0) == 0.0


def test_no_pace_without_time_or_way() -> None:
    assert Pace(5.0).left(0.5, 5.0) is None
    assert Pace(5.0).left(0.0, 6.0) is None


def test_what_a_job_tells_of_its_fit(tmp_path: Path) -> None:
    state = JobState(tmp_path)
    state.phase("fitting")
    metrics = {"val_loss": 0.25, "train_loss": math.nan}
    state.fitting(FitPosition("epoch", 3, 3, metrics=metrics))
    json.loads((tmp_path / "state.json").read_text(), parse_constant=pytest.fail)
    told = JobFolder(tmp_path).progress()
    assert told is not None
    assert told.fit is not None
    assert (told.progress, told.fit.unit, told.fit.done, told.fit.total) == (1.0, "epoch", 3, 3)
    assert told.fit.metrics == {"val_loss": 0.25, "train_loss": "NaN"}
    assert told.fit.eta_seconds == 0.0
