"""Our tracking beside other trackers, in one run: what a call costs, and what a kill leaves of it.

Each tracker logs one scalar again and again in a process of its own, round after round in turn.
The same kill schedule meets all of them. Others that are not installed are named; MLflow's rows
are those of the MLflow that is installed here, with a store as MLflow makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

from tracking_bench import costs, losses, plan, rates
from tracking_bench.bench import Bench
from tracking_bench.stores import Stores

PARTS = {
    "calls": costs.calls,
    "outages": costs.outages,
    "sustained": rates.sustained,
    "drains": rates.drains,
    "memory": rates.memory,
    "kills": losses.kills,
}


def main() -> None:
    """Measure and print."""
    options = _options()
    size = plan.TINY if options.tiny else plan.QUICK if options.quick else plan.FULL
    rounds = options.rounds or (1 if options.quick or options.tiny else 3)
    names = options.only.split(",") if options.only else [*PARTS]
    if unknown := set(names) - {*PARTS}:
        raise SystemExit(f"No such part: {', '.join(sorted(unknown))}")
    conditions = (
        f"median of {rounds}, {size.calls:,} calls or {size.seconds:g} s each; "
        f"Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print(conditions)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    rows = []
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        stores = Stores(Path(folder))
        python = options.peers_python and options.peers_python.absolute()
        bench = Bench(Path(folder), size, rounds, stores, python, conditions)
        try:
            for name in names:
                rows += PARTS[name](bench)
        finally:
            stores.close()
    _verdicts(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a tenth")
    parser.add_argument("--tiny", action="store_true", help="does everything run?")
    parser.add_argument("--only", metavar="NAMES", help=f"of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="a disk to measure on")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument(
        "--peers-python",
        type=Path,
        metavar="PATH",
        help="python of an environment with wandb, aim, tensorboard, torch, tensorboardX, "
        "tensorflow, or some of them",
    )
    return parser.parse_args()


def _verdicts(rows: list[dict[str, object]]) -> None:
    """Print which goals are met."""
    print("\nGoals")
    for one in rows:
        value, limit = one["value"], one["limit_value"]
        if limit is None:
            continue
        assert isinstance(value, float)
        assert isinstance(limit, float)
        met = value >= limit if one["higher_is_better"] else value <= limit
        wanted = f"{'at least' if one['higher_is_better'] else 'at most'} {limit:g}"
        print(f"  {'met   ' if met else 'MISSED'} {one['name']}: {value:g} {one['unit']}, {wanted}")


if __name__ == "__main__":
    main()
