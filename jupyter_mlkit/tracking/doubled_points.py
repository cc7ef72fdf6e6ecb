"""Points of a file store that a database of MLflow cannot hold twice.

A database knows a point of a run by metric, step, time and value, one of a model by metric, step,
time and run; a file has a line for each call, and MLflow's migration fails at the second of two
equal ones. So it is shown the folder without them:
links to what is there, and copies of those few files. The folder itself is not touched.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_mlkit.errors import BackendError


@contextmanager
def without_doubled(
    folder: Path, of_runs: Iterable[Path], of_models: Iterable[Path]
) -> Iterator[tuple[Path, Counter[str]]]:
    """Give a folder that has each point once, and how many lines of which table that leaves out.

    Parameters
    ----------
    folder : Path
        It is given itself where there is nothing to leave out.
    of_runs, of_models : iterable of Path
        The files of metrics below it, with a line for each point.

    Raises
    ------
    BackendError
        A line is none, such as one that a killed process has left half written; a model has two
        values in the place of one.
    """
    changed: dict[Path, bytes] = {}
    left_out: Counter[str] = Counter()
    for table, metrics, point in (
        ("metrics", of_runs, _point),
        ("logged_model_metrics", of_models, _point_of_model),
    ):
        for metric in metrics:
            lines = metric.read_bytes().splitlines()
            once: dict[object, tuple[object, bytes]] = {}
            for number, line in enumerate(lines, 1):
                key, value = point(metric, number, line)
                if once.setdefault(key, (value, line))[0] != value:
                    raise BackendError(
                        f"line {number} of {metric} has another value for the same step, time and "
                        "run as one before, and a database keeps only one."
                    )
            if len(once) < len(lines):
                changed[metric] = b"\n".join(line for _, line in once.values())
                left_out[table] += len(lines) - len(once)
    if not changed:
        yield folder, left_out
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


def _point(metric: Path, number: int, line: bytes) -> tuple[object, object]:
    """Return what makes a line another point than others; nothing of it may differ then."""
    try:
        when, text, *rest = line.split()
        return (int(when), _value(text), int(rest[0]) if rest else 0), None
    except ValueError:
        raise _no_point(metric, number, line) from None


def _point_of_model(metric: Path, number: int, line: bytes) -> tuple[object, object]:
    """Return what makes a line another point of its model, and what may not differ then."""
    try:
        when, text, step, run, *_ = line.split()
        return (int(when), int(step), run), _value(text)
    except ValueError:
        raise _no_point(metric, number, line) from None


def _value(text: bytes) -> float | None:
    value = float(text)
    if math.isnan(value):  # which is never equal to itself
        return None
    # A database has the largest number in the place of infinity.
    most = sys.float_info.max
    return max(-most, min(most, value))


def _no_point(metric: Path, number: int, line: bytes) -> BackendError:
    return BackendError(f"line {number} of {metric} is no point: {line[:80]!r}.")
