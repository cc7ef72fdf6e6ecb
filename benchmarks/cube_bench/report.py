"""The table that a person reads, and the rows that a program does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .measure import Taken
from .plan import CASES, TASKS, Case, Task

Row = dict[str, Any]
_Results = Mapping[Case, Taken]


def row(
    name: str,
    value: float,
    unit: str,
    conditions: str,
    *,
    higher: bool = True,
    peer: tuple[str, float] | None = None,
    limit: float | None = None,
) -> Row:
    """Return one row, as all benchmarks write them."""
    return {
        "name": name,
        "value": float(f"{value:.4g}"),
        "unit": unit,
        "higher_is_better": higher,
        "peer": peer[0] if peer else None,
        "peer_value": float(f"{peer[1]:.4g}") if peer else None,
        "limit_value": None if limit is None else float(f"{limit:.4g}"),
        "ratio_to_peer": float(f"{value / peer[1]:.4g}") if peer and peer[1] else None,
        "ratio_to_limit": None if not limit else float(f"{value / limit:.4g}"),
        "conditions": conditions,
    }


def limit_of(task: Task, results: _Results) -> tuple[float, float] | None:
    """Return wall and CPU seconds of what bounds a task: of the slowest, where several do."""
    found = [
        (taken.whole, taken.whole_cpu)
        for case, taken in results.items()
        if case.who == "limit" and case.name in task.limits
    ]
    return max(found) if len(found) == len(task.limits) and found else None


def rows_of(task: Task, results: _Results, cube_bytes: int, conditions: str) -> list[Row]:
    """Return the rows of a task: ours beside the best peer and the limit, then each peer."""
    mine = {case: taken for case, taken in results.items() if case.task == task.name}
    bound = limit_of(task, results)
    megabytes = cube_bytes / 1e6
    limit = megabytes / bound[0] if bound else None
    peers = {
        case.name: megabytes / taken.whole for case, taken in mine.items() if case.who == "peer"
    }
    best = max(peers.items(), key=lambda item: item[1], default=None)
    rows = []
    for case, taken in mine.items():
        rate = megabytes / taken.whole
        told = conditions + (
            f"; extrapolated from {taken.share:.2g} of the epoch" if taken.share < 0.99 else ""
        )
        against = best if case.who == "ours" else None
        name = f"{task.name}: {case.name}"
        rows.append(row(name, rate, "MB/s of cube", told, peer=against, limit=limit))
        if case.who != "ours":
            continue
        if bound:
            rows.append(
                row(
                    f"{name}, by CPU time",
                    megabytes / taken.whole_cpu,
                    "MB per CPU-s",
                    conditions,
                    limit=megabytes / bound[1],
                )
            )
        if task.extra_mb is not None:
            allowed = taken.imports_mb + task.extra_mb
            rows.append(
                row(
                    f"{name}, peak memory",
                    taken.peak_mb,
                    "MB",
                    conditions,
                    higher=False,
                    limit=allowed,
                )
            )
        if task.first_s is not None and taken.first is not None:
            rows.append(
                row(
                    f"{name}, first batch",
                    taken.first,
                    "s",
                    conditions,
                    higher=False,
                    limit=task.first_s,
                )
            )
    return rows


def show(task: Task, results: _Results, failed: Mapping[Case, str], cube_bytes: int) -> None:
    """Print the table of a task."""
    known = [
        case for case in CASES if case.task == task.name and (case in results or case in failed)
    ]
    if not known:
        return
    bound = limit_of(task, results)
    goal = f"; wanted: {task.goal:.2f} of {' and '.join(task.limits)}" if task.goal else ""
    print(f"\n{task.title}{goal}")
    print(
        f"  {'':26s}{'cube MB/s':>10s}{'of limit':>9s}{'by CPU':>8s}{'first s':>9s}"
        f"{'peak MB':>9s}{'+ MB':>7s}{'samples/s':>11s}"
    )
    for case in known:
        if case in failed:
            print(f"  {case.name:26s}  {failed[case]}")
        if case not in results:
            continue
        taken = results[case]
        wall = f"{bound[0] / taken.whole:9.2g}" if bound else " " * 9
        cpu = f"{bound[1] / taken.whole_cpu:8.2g}" if bound and taken.whole_cpu else " " * 8
        first = f"{taken.first:9.2f}" if taken.first is not None else " " * 9
        samples = f"{taken.samples / taken.seconds:11,.0f}" if taken.samples else ""
        extrapolated = f"  (from {taken.share:.1g} of it)" if taken.share < 0.99 else ""
        print(
            f"  {case.name:26s}{_figure(cube_bytes / 1e6 / taken.whole):>10s}{wall}{cpu}{first}"
            f"{taken.peak_mb:9,.0f}{taken.above_mb:7,.0f}{samples}{extrapolated}"
        )


def verdicts(rows: Sequence[Row]) -> None:
    """Print which goals are met."""
    print("\nGoals")
    for task in TASKS.values():
        for line in rows:
            if line["name"] == f"{task.name}: ours" and task.goal and line["ratio_to_limit"]:
                met = "met   " if line["ratio_to_limit"] >= task.goal else "MISSED"
                print(f"  {met} {task.name:12s} {line['ratio_to_limit']:.2f} of {task.goal:.2f}")
    for line in rows:
        if not line["higher_is_better"] and line["limit_value"]:
            met = "met   " if line["ratio_to_limit"] <= 1 else "MISSED"
            print(
                f"  {met} {line['name']}: {line['value']:g} {line['unit']} "
                f"of {line['limit_value']:g}"
            )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
