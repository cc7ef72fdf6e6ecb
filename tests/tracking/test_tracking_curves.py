"""Curves: thinned without losing a peak, the same from a file and through a server."""

from __future__ import annotations

import math
import sqlite3
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric
from stores import Place

from jupyter_mlkit.errors import InvalidInputError, TooLargeError
from jupyter_mlkit.tracking.thinning import FEWEST, thin

values = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(values, max_size=400), st.integers(1, 120))
def test_a_thinned_curve_keeps_every_extreme(curve: list[float], most: int) -> None:
    kept = thin(curve, most)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(most, FEWEST)
    if len(curve) <= max(most, FEWEST):
        assert kept == list(range(len(curve)))
        return
    assert kept[0] == 0
    assert kept[-1] == len(curve) - 1
    shown = [curve[i] for i in kept]
    finite = [v for v in curve if math.isfinite(v)]
    if finite:
        assert min(finite) in shown
        assert max(finite) in shown
    assert any(map(math.isnan, shown)) == any(map(math.isnan, curve))
    for infinity in (math.inf, -math.inf):
        assert (infinity in shown) == (infinity in curve)


@given(st.integers(20, 3000), st.data())
def test_a_spike_of_one_step_is_never_lost(count: int, data: st.DataObject) -> None:
    spike = data.draw(st.integers(0, count - 1))
    curve = [math.sin(i / 50) for i in range(count)]
    curve[spike] = 100.0
    assert spike in thin(curve, 50)


def test_curves_of_many_runs(place: Place) -> None:
    experiment = place.experiment()
    runs = [place.client.create_run(experiment).info.run_id for _ in range(2)]
    points = [Metric("loss", 1.0 / (s + 1), 1000 + s, s) for s in range(300)]
    points[150] = Metric("loss", math.nan, 1150, 150)
    points[151] = Metric("loss", 50.0, 1151, 151)
    place.client.log_batch(runs[0], metrics=points)
    place.client.log_metric(runs[0], "val_rmse", 2.0, timestamp=5, step=3)
    place.client.log_metric(runs[1], "val_rmse", math.inf, timestamp=6, step=0)
    backend = place.backend

    everything = backend.histories([*runs, "0" * 32], max_points=40).items
    assert [(h.run_id, h.key) for h in everything] == [
        (runs[0], "loss"), (runs[0], "val_rmse"), (runs[1], "val_rmse"),
    ]  # fmt: skip
    loss = everything[0]
    assert loss.total == 300
    assert len(loss.steps) == len(loss.values) == len(loss.timestamps) <= 40
    assert loss.steps == sorted(loss.steps)
    assert loss.values[loss.steps.index(150)] == "NaN"
    assert loss.values[loss.steps.index(151)] == 50.0
    assert (loss.steps[0], loss.steps[-1]) == (0, 299)
    assert loss.timestamps[loss.steps.index(151)] == 1151
    assert everything[2].values == ["Infinity"]

    chosen = backend.histories(runs, ["val_rmse", "nothing"]).items
    assert [(h.run_id, h.key, h.steps) for h in chosen] == [
        (runs[0], "val_rmse", [3]), (runs[1], "val_rmse", [0]),
    ]  # fmt: skip


def test_too_much_is_refused_by_name(file_store: Place) -> None:
    backend = file_store.backend
    with pytest.raises(TooLargeError):
        backend.histories([f"{n:032x}" for n in range(500)], [f"m{n}" for n in range(5)])
    for call, field in (
        (lambda: backend.histories([]), "run_id"),
        (lambda: backend.histories(["a"], max_points=10**6), "max_points"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert caught.value.field == field


def test_a_long_curve_takes_a_moment(file_store: Place) -> None:
    run_id = file_store.client.create_run("0").info.run_id
    assert file_store.path is not None
    with sqlite3.connect(file_store.path) as connection:
        connection.executemany(
            "INSERT INTO metrics VALUES ('loss', ?, ?, ?, ?, 0)",
            ((float(s % 97), s, run_id, s) for s in range(100_000)),
        )
        connection.execute(
            "INSERT INTO latest_metrics VALUES ('loss', 1.0, 99999, 99999, 0, ?)", (run_id,)
        )
    connection.close()
    before = time.process_time()
    curve = file_store.backend.histories([run_id], ["loss"], 1000).items[0]
    assert curve.total == 100_000
    # MLflow's sampling takes 0.6 s of CPU for the same curve, and drops peaks.
    assert time.process_time() - before < 1.0
