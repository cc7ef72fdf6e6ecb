"""What one call costs: each tracker in turn, and ours with a server that is up, down or stalled."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from cube_bench.report import Row, row

from .bench import Bench, FailedError
from .plan import BARE, MLFLOW, NOTHING, OURS, PEERS, PLUGIN, Tracker

_P50, _P99, _MOST_MS, _ABOVE = 5.0, 50.0, 5.0, 20.0
_FIGURES = ("p50", "p99", "max", "own_max", "calls")


def calls(bench: Bench) -> list[Row]:
    """Compare the cost of a call among all trackers."""
    print("\nCost of one call, microseconds; median of the rounds, max of all")
    print("(max alone: of calls in which the system did not give the core to another process)")
    print(_head("of ours"))
    trackers = (BARE, OURS, NOTHING, PLUGIN, *MLFLOW, *PEERS)
    found = _in_turn(bench, {tracker.name: (tracker, None) for tracker in trackers})
    if OURS.name not in found:
        return []
    mine = found[OURS.name]
    rows = [
        row("call: ours, p50", mine["p50"], "us", bench.conditions, higher=False, limit=_P50),
        row("call: ours, p99", mine["p99"], "us", bench.conditions, higher=False, limit=_P99),
        row(
            "call: ours, max alone", mine["own_max"] / 1e3, "ms", bench.conditions, higher=False,
            limit=_MOST_MS, peer=("a bare write", found[BARE.name]["own_max"] / 1e3),
        ),
    ]  # fmt: skip
    if PLUGIN.name in found and NOTHING.name in found:
        above = found[PLUGIN.name]["p50"] - found[NOTHING.name]["p50"]
        name = "call: mlflow.log_metric above MLflow's client, p50"
        rows.append(row(name, above, "us", bench.conditions, higher=False, limit=_ABOVE))
    for tracker in (*MLFLOW, *PEERS):
        if tracker.name in found:
            told = found[tracker.name]["p50"]
            for ours in (OURS, PLUGIN):
                name = f"call: {ours.name}, p50"
                value = found[ours.name]["p50"]
                rows.append(
                    row(
                        name, value, "us", bench.conditions, higher=False, peer=(tracker.name, told)
                    )
                )
    return rows


def outages(bench: Bench) -> list[Row]:
    """Compare the cost of a call while the server is up, down and stalled."""
    print("\nCost of one call with a server that is up, down or stalled, microseconds")
    print(_head("of up"))
    rows = []
    for tracker in (OURS, PLUGIN):
        uris = {
            "up": bench.stores.server(),
            "down": bench.stores.down(),
            "stalled": bench.stores.stalled(),
        }
        told = {f"{tracker.name}, {state}": (tracker, uri) for state, uri in uris.items()}
        found = [one for one in _in_turn(bench, told).values() if one]
        if len(found) == len(uris):
            middle = [one["p50"] for one in found]
            name = f"outage: {tracker.name}, worst of up, down, stalled to best, p50"
            spread = max(middle) / min(middle)
            rows.append(row(name, spread, "x", bench.conditions, higher=False, limit=1.2))
            most = max(one["own_max"] for one in found) / 1e3
            name = f"outage: {tracker.name}, max alone"
            rows.append(row(name, most, "ms", bench.conditions, higher=False, limit=_MOST_MS))
    return rows


def _head(last: str) -> str:
    names = ("p50", "p99", "max", "max alone")
    return f"  {'':40s}" + "".join(f"{name:>10s}" for name in names) + f"{'calls':>9s}{last:>9s}"


def _in_turn(
    bench: Bench, chosen: dict[str, tuple[Tracker, str | None]]
) -> dict[str, dict[str, Any]]:
    """Measure each once a round, print the medians and return them."""
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    failed = {name: why for name, (tracker, _) in chosen.items() if (why := bench.missing(tracker))}
    for number in range(bench.rounds):
        # Back and forth, so that none is always the one after the same other.
        for name in [*chosen] if number % 2 == 0 else [*reversed(chosen)]:
            tracker, uri = chosen[name]
            if name in failed:
                continue
            try:
                taken[name].append(_once(bench, tracker, uri))
            except FailedError as error:
                failed[name] = str(error)
    found = {}
    for name, runs in taken.items():
        if runs and name not in failed:
            found[name] = {
                key: (max if "max" in key else statistics.median)(run[key] for run in runs)
                for key in _FIGURES
            }
    first = next((one["p50"] for name, one in found.items() if name.startswith("ours")), None)
    for name in chosen:
        if name in failed:
            print(f"  {name:40s}  {failed[name]}")
            continue
        one = found[name]
        print(
            f"  {name:40s}{one['p50']:10,.1f}{one['p99']:10,.1f}{one['max']:10,.0f}"
            f"{one['own_max']:10,.0f}{one['calls']:9,.0f}"
            f"{one['p50'] / first if first else 0:9.3g}"
        )
    return found


def _once(bench: Bench, tracker: Tracker, uri: str | None) -> dict[str, Any]:
    with bench.folder() as folder:
        uri = uri or store_of(bench, tracker, folder)
        return bench.run(
            "calls", tracker, folder, "--uri", uri,
            "--most", str(bench.size.calls), "--seconds", str(bench.size.seconds),
        )  # fmt: skip


def store_of(bench: Bench, tracker: Tracker, folder: Path) -> str:
    """Return the URI of the store that a tracker logs to, in a new file where it is one."""
    if tracker.store == "server":
        return bench.stores.server()
    return f"sqlite:///{bench.stores.file(folder)}" if tracker.store == "file" else ""
