"""Points of a file store that a database of MLflow cannot hold twice.

A database knows a point by metric, step, time and value; a file has a line for each call, and
MLflow's migration fails at the second of two equal ones. So it is shown the folder without them:
links to what is there, and copies of those few files. The folder itself is not touched.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_mlkit.errors import BackendError


@contextmanager
def without_doubled(folder: Path, metrics: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Give a folder that has each point of `metrics` once, and how many lines that leaves out.

    Parameters
    ----------
    folder : Path
        It is given itself where there is nothing to leave out.
    metrics : iterable of Path
        The files below it with a line for each point.

    Raises
    ------
    BackendError
        A line is none, such as one that a killed process has left half written.
    """
    changed: dict[Path, bytes] = {}
    left_out = 0
    for metric in metrics:
        lines = metric.read_bytes().splitlines()
        points = [_point(metric, number, line) for number, line in enumerate(lines, 1)]
        once = dict(zip(reversed(points), reversed(lines), strict=True))
        if len(once) < len(lines):
            changed[metric] = b"\n".join(reversed(once.values()))
            left_out += len(lines) - len(once)
    if not changed:
        yield folder, 0
        return
    with TemporaryDirectory(prefix="mlkit-mlruns-") as name:
        shown = Path(name) / folder.name
        _show(folder, shown, changed, {above for one in changed for above in one.parents})
        yield shown, left_out


def _show(
    real: Path,
    shown: Path,
    changed: dict[Path, bytes],
    above: set[Path],
    *,
    of_metrics: bool = False,
) -> None:
    shown.mkdir()
    for one in real.iterdir():
        place = shown / one.name
        if one in changed:
            place.write_bytes(changed[one])
        # The folder of a metric called a/b: MLflow does not look into links to folders.
        elif one in above or (of_metrics and one.is_dir() and not one.is_symlink()):
            below = of_metrics or one.name == "metrics"
            _show(one, place, changed, above, of_metrics=below)
        else:
            place.symlink_to(one)


def _point(metric: Path, number: int, line: bytes) -> object:
    """Return what makes a line another point than others."""
    try:
        when, text, *rest = line.split()
        value = float(text)
        step = int(rest[0]) if rest else 0
        if math.isnan(value):  # which is never equal to itself
            return int(when), None, step
        # A database has the largest number in the place of infinity.
        most = sys.float_info.max
        return int(when), max(-most, min(most, value)), step
    except ValueError:
        raise BackendError(f"line {number} of {metric} is no point: {line[:80]!r}.") from None
