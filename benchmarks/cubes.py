"""The cube pipeline beside its peers and beside what the machine can do, in one run.

Each implementation of each task runs in a process of its own, one after the other and round
after round, on the same synthetic cube (two temperatures, 65 % ocean, 5 % cloud, chunks of 256
dates and 90 x 90 cells). Rates are MB of decoded cube per second of one whole epoch, set-up
included; an implementation that is far too slow is stopped, and its rate extrapolated. ``by
CPU`` is the same ratio in CPU seconds: the steadier figure on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cube_bench import cube, extras, report
from cube_bench.measure import Setting, in_turn, warm_up
from cube_bench.plan import CASES, TASKS


def main() -> None:
    """Measure and print."""
    options = _options()
    size = cube.TINY if options.tiny else cube.QUICK if options.quick else cube.DEFAULT
    rounds = options.rounds or (1 if options.quick else 3)
    names = options.only.split(",") if options.only else [*TASKS, *extras.EXTRAS]
    unknown = set(names) - {*TASKS, *extras.EXTRAS}
    if unknown:
        raise SystemExit(f"No such task: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        rows = _tasks(names, size, data, rounds, options)
        for name, extra in extras.EXTRAS.items():
            if name in names and (options.only or not options.quick):
                found = extra(extras.Order(data, size, rounds, options.large))
                for one in found:
                    print(f"  {one['name']:56s} {one['value']:10,.4g} {one['unit']}")
                rows += found
    report.verdicts(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="0.2 GB, one round, the main peers")
    parser.add_argument("--tiny", action="store_true", help="33 MB: does everything run?")
    parser.add_argument("--large", action="store_true", help="peak memory at 20 GB, too")
    parser.add_argument("--only", metavar="NAMES", help=f"of {','.join([*TASKS, *extras.EXTRAS])}")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where cubes are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument(
        "--ml4xcube-python",
        type=Path,
        metavar="PATH",
        help='python of an environment with ml4xcube, torch, "zarr<3" and "xarray<2025"',
    )
    return parser.parse_args()


def _tasks(
    names: Sequence[str], size: cube.Size, data: Path, rounds: int, options: argparse.Namespace
) -> list[report.Row]:
    chosen = [case for case in CASES if case.task in names]
    # With --quick nothing but the main peers, unless a task is asked for by name.
    if options.quick and not options.only:
        chosen = [case for case in chosen if case.quick]
    wanted = {limit for name in names if name in TASKS for limit in TASKS[name].limits}
    limits = [
        case
        for case in CASES
        if case.task == "limits" and case.name in wanted and case not in chosen
    ]
    cases = limits + chosen
    if not cases:
        return []
    foreign = options.ml4xcube_python and any(case.ml4xcube for case in cases)
    setting = Setting(
        cube=cube.make(size, data),
        box=1.0 if options.quick or options.tiny else 10.0,
        cube_v2=cube.make(size, data, form=2) if foreign else None,
        ml4xcube=options.ml4xcube_python,
    )
    conditions = (
        f"cube of {size.bytes / 1e9:.1f} GB, zarr 3 with zstd, warm page cache but for what is "
        f"called cold; median of {rounds}; Python {platform.python_version()}, "
        f"{os.cpu_count()} cores"
    )
    print(conditions)
    warm_up(cases, Setting(cube.make(cube.TINY, data), setting.box))
    results, failed = in_turn(cases, setting, rounds)
    rows: list[report.Row] = []
    for task in TASKS.values():
        report.show(task, results, failed, size.bytes)
        rows += report.rows_of(task, results, size.bytes, conditions)
    return rows


if __name__ == "__main__":
    main()
