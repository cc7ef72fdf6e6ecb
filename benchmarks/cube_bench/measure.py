"""Run cases in turn, each in a fresh process, and take medians."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .plan import Case

_CHILD = Path(__file__).parent / "child.py"
_TIMEOUT = 1800


@dataclass(frozen=True)
class Taken:
    """What one run of a case took: seconds and MB (1e6 bytes); `share` of the work was done."""

    seconds: float
    cpu: float
    first: float | None
    samples: float
    share: float
    imports_mb: float
    peak_mb: float
    arrays_mb: float = 0.0
    values: float = 0.0

    @property
    def whole(self) -> float:
        """Seconds that the whole work takes."""
        return self.seconds / self.share

    @property
    def whole_cpu(self) -> float:
        """CPU seconds that the whole work takes."""
        return self.cpu / self.share

    @property
    def above_mb(self) -> float:
        """Memory above that of the imports, and of the arrays that were asked for."""
        return self.peak_mb - self.imports_mb - self.arrays_mb


@dataclass(frozen=True)
class Setting:
    """Where the cubes are, and how long a case that is too slow may run.

    Attributes
    ----------
    cube : Path
        In zarr's format 3.
    cube_v2 : Path or None
        The same in format 2, for ml4xcube.
    ml4xcube : Path or None
        Its interpreter.
    box : float
        Seconds.
    """

    cube: Path
    box: float
    cube_v2: Path | None = None
    ml4xcube: Path | None = None


def warm_up(cases: Sequence[Case], setting: Setting) -> None:
    """Run ours once on a tiny cube: what is compiled is compiled once and kept."""
    for case in cases:
        if case.who == "ours":
            _progress(f"  warm-up: {case.task}")
            with contextlib.suppress(RuntimeError):  # told again, and shown, in the first round
                once(case, setting)
    _progress("")


def _progress(text: str) -> None:
    """Replace the last line of a terminal; a file gets none of it."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


def missing(case: Case, setting: Setting) -> str | None:
    """Return why a case cannot run, None where it can."""
    if case.ml4xcube and setting.ml4xcube is None:
        return "not installed here: give its interpreter by --ml4xcube-python"
    lacking = [name for name in case.needs if find_spec(name) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else None


def in_turn(
    cases: Sequence[Case], setting: Setting, rounds: int
) -> tuple[dict[Case, Taken], dict[Case, str]]:
    """Run each case once a round, and return the medians, and why some have none."""
    taken: dict[Case, list[Taken]] = {case: [] for case in cases}
    failed = {case: why for case in cases if (why := missing(case, setting)) is not None}
    for number in range(rounds):
        # Back and forth, so that none is always the one after the same other.
        for case in cases if number % 2 == 0 else list(reversed(cases)):
            if case in failed:
                continue
            _progress(f"  round {number + 1}: {case.task}, {case.name}")
            try:
                taken[case].append(once(case, setting))
            except RuntimeError as error:
                failed[case] = str(error)
    _progress("")
    return {case: median(runs) for case, runs in taken.items() if runs}, failed


def once(case: Case, setting: Setting) -> Taken:
    """Run a case in a process of its own.

    Raises
    ------
    RuntimeError
        It failed; says how.
    """
    python, cube = Path(sys.executable), setting.cube
    if case.ml4xcube and setting.ml4xcube and setting.cube_v2:
        python, cube = setting.ml4xcube, setting.cube_v2
    scratch = Path(tempfile.mkdtemp(dir=setting.cube.parent))
    try:
        done = subprocess.run(
            [python, "-W", "ignore", _CHILD, case.where, cube, scratch, "--box", str(setting.box)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            # Threads that wait must not spin on cores that others measure on.
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {_TIMEOUT} s") from None
    finally:
        shutil.rmtree(scratch)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        raise RuntimeError(last[0])
    told = json.loads(lines[-1].removeprefix("RESULT "))
    return Taken(**{name: told[name] for name in Taken.__dataclass_fields__ if name in told})


def median(runs: Sequence[Taken]) -> Taken:
    """Return the medians of each figure."""
    firsts = [run.first for run in runs if run.first is not None]

    def middle(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    return Taken(
        seconds=middle("seconds"),
        cpu=middle("cpu"),
        first=statistics.median(firsts) if firsts else None,
        samples=middle("samples"),
        share=middle("share"),
        imports_mb=middle("imports_mb"),
        peak_mb=max(run.peak_mb for run in runs),
        arrays_mb=middle("arrays_mb"),
        values=middle("values"),
    )
