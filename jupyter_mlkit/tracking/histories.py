"""Curves of metrics, many runs at a time.

MLflow samples the first row of each bucket, so that a spike among 100,000 steps shows with a
chance of 0.3 %, and asks the database once per run. A local store is read here directly, and
every peak stays.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from jupyter_mlkit.errors import InvalidInputError, NotFoundError, TooLargeError
from jupyter_mlkit.models import MetricHistories, MetricHistory, wire_float

from .client import StoreClient
from .convert import unclamped
from .runs import check_run_id
from .thinning import thin

#: Most curves in one answer.
MOST_CURVES = 2000
#: Most points of one curve in one answer.
MOST_POINTS = 20_000

_CURVE = """
    SELECT step, timestamp, value, is_nan FROM metrics
    WHERE run_uuid = ? AND key = ? ORDER BY step, timestamp, rowid
"""


def histories(
    store: StoreClient,
    run_ids: Sequence[str],
    keys: Sequence[str] = (),
    max_points: int = 1000,
) -> MetricHistories:
    """Return the curves of `keys` of `run_ids`, each of at most `max_points` points.

    Parameters
    ----------
    store : StoreClient
        The store.
    run_ids : sequence of str
        Runs; the answer keeps their order.
    keys : sequence of str
        Metrics; all that the runs have logged where empty.
    max_points : int
        Most points per curve, 16 to 20,000.

    Returns
    -------
    MetricHistories
        A run that has not logged a metric has no curve of it; points are in the order of steps,
        then times.

    Raises
    ------
    TooLargeError
        For more than 2000 curves.
    InvalidInputError
        For no runs, or too many points.
    """
    runs = list(dict.fromkeys(run_ids))
    if not runs:
        raise InvalidInputError("Name at least one run.", field="run_id")
    if not 1 <= max_points <= MOST_POINTS:
        raise InvalidInputError(
            f"max_points must be between 1 and {MOST_POINTS}, not {max_points}.",
            field="max_points",
        )
    for run_id in runs:
        check_run_id(run_id)
    wanted = list(dict.fromkeys(keys))
    if len(runs) * max(1, len(wanted)) > MOST_CURVES:
        raise _too_many(len(runs) * len(wanted))
    if store.path is not None:
        return MetricHistories(_from_file(store, runs, wanted, max_points))
    return MetricHistories(_from_client(store, runs, wanted, max_points))


def _from_file(
    store: StoreClient, runs: list[str], keys: list[str], max_points: int
) -> list[MetricHistory]:
    with closing(store.read_only()) as connection:
        try:
            logged = _logged_keys(connection, runs)
            curves = [
                (run_id, key)
                for run_id in runs
                for key in (keys or logged[run_id])
                if key in logged[run_id]
            ]
            if len(curves) > MOST_CURVES:
                raise _too_many(len(curves))
            return [
                _curve(
                    run_id, key, connection.execute(_CURVE, (run_id, key)).fetchall(), max_points
                )
                for run_id, key in curves
            ]
        except sqlite3.Error as error:
            raise store.failure(str(error)) from error


def _logged_keys(connection: sqlite3.Connection, runs: list[str]) -> dict[str, list[str]]:
    return {
        run_id: [
            str(key)
            for (key,) in connection.execute(
                "SELECT key FROM latest_metrics WHERE run_uuid = ? ORDER BY key", (run_id,)
            )
        ]
        for run_id in runs
    }


def _from_client(
    store: StoreClient, runs: list[str], keys: list[str], max_points: int
) -> list[MetricHistory]:
    curves: list[MetricHistory] = []
    for run_id in runs:
        try:
            with store.calling(f"Run {run_id}") as client:
                logged = sorted(client.get_run(run_id).data.metrics)
                wanted = [key for key in keys if key in logged] if keys else logged
                if len(curves) + len(wanted) > MOST_CURVES:
                    raise _too_many(len(curves) + len(wanted))
                for key in wanted:
                    points = client.get_metric_history(run_id, key)
                    rows = sorted((p.step, p.timestamp, p.value, False) for p in points)
                    curves.append(_curve(run_id, key, rows, max_points))
        except NotFoundError:
            continue  # a run that went meanwhile has no curves, as in a local store
    return curves


def _curve(
    run_id: str, key: str, rows: list[tuple[int, int, float, bool]], max_points: int
) -> MetricHistory:
    values = [math.nan if row[3] else unclamped(row[2]) for row in rows]
    kept = thin(values, max_points)
    return MetricHistory(
        run_id=run_id,
        key=key,
        steps=[rows[i][0] for i in kept],
        timestamps=[rows[i][1] for i in kept],
        values=[wire_float(values[i]) for i in kept],
        total=len(rows),
    )


def _too_many(curves: int) -> TooLargeError:
    return TooLargeError(
        f"{curves} curves are more than one answer holds ({MOST_CURVES}).",
        hint="Choose fewer runs, or name the metrics.",
    )
