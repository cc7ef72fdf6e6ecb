"""A training as a process of its own: spec in, run out, state and end in files.

Its runner keeps its output and writes ``exit.json``; the supervisor reads ``state.json`` and
``result.json``. Both are replaced whole, so a reader never sees half a file.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import MLKitError
from ..models import wire_float
from .masking import mask_output, masked
from .report import FitPosition, Pace

SPEC_FILE = "spec.yaml"
STATE_FILE = "state.json"
RESULT_FILE = "result.json"
#: A file is replaced at most this often for progress alone.
_PROGRESS_SECONDS = 0.25


class Stopped(BaseException):
    """Somebody has stopped the job.

    Not a ``KeyboardInterrupt``: scikit-learn's neural networks catch that one and carry on as
    if they were fitted.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


class JobState:
    """``state.json`` of a job: a :class:`~jupyter_mlkit.train.report.Reporter`.

    What it is told is printed as well: the output tells the course of a training when it is over.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0.0
        self._state: dict[str, Any] = {
            "phase": "starting",
            "progress": None,
            "run_id": None,
            "experiment_id": None,
            "fit": None,
        }
        self._pace = Pace(time.monotonic())

    @property
    def run_id(self) -> str | None:
        """Id of the run, once there is one."""
        run_id: str | None = self._state["run_id"]
        return run_id

    def phase(self, name: str, progress: float | None = None) -> None:
        """Write what is being done; progress alone is written a few times a second."""
        same = name == self._state["phase"]
        if not same:
            self._pace = Pace(time.monotonic())
            _print(name)
        self._state.update(phase=name, progress=progress)
        self._write_soon(at_once=not same)

    def fitting(self, position: FitPosition) -> None:
        """Write where the fit is, and how long it takes at the pace of its newest points."""
        share = position.share
        if position.metrics and position.step is None:
            _print(_position_text(position))
        self._state["progress"] = share
        self._state["fit"] = {
            "unit": position.unit,
            "done": position.done,
            "total": position.total,
            "step": position.step,
            "steps": position.steps,
            "eta_seconds": self._pace.left(share, time.monotonic()),
            "at": time.time_ns() // 1_000_000,
            "metrics": {key: wire_float(value) for key, value in position.metrics.items()},
        }
        self._write_soon(at_once=share == 1.0)

    def started(self, run_id: str, experiment_id: str) -> None:
        """Write which run it is."""
        self._state.update(run_id=run_id, experiment_id=experiment_id)
        self._write()

    def _write_soon(self, *, at_once: bool) -> None:
        if at_once or time.monotonic() - self._written > _PROGRESS_SECONDS:
            self._write()

    def _write(self) -> None:
        write_json(self._folder / STATE_FILE, self._state)
        self._written = time.monotonic()


def _print(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)  # noqa: T201 - the log is its output


def _position_text(position: FitPosition) -> str:
    """Return a line such as ``epoch 3 of 10: train_rmse 2.31, val_rmse 2.4``."""
    total = "" if position.total is None else f" of {position.total}"
    points = ", ".join(f"{key} {value:.4g}" for key, value in position.metrics.items())
    return f"{position.unit} {position.done}{total}: {points}"


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace `path` with `value` as JSON, in one step."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file)
    part.replace(path)


def run_job(folder: Path) -> int:
    """Train what ``spec.yaml`` in `folder` says, and return the exit code.

    Returns
    -------
    int
        0 done, 1 failed, 143 or 130 stopped by SIGTERM or SIGINT.
    """
    _listen_to_signals()
    mask_output()
    state = JobState(folder)
    try:
        state.phase("starting")
        _train(folder, state)
    except Stopped as stop:
        sys.stderr.write(f"Stopped by {signal.Signals(stop.signum).name}.\n")
        return _end(folder, state, "STOPPED", 128 + stop.signum)
    except MLKitError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n{error.hint or ''}\n")
        return _end(folder, state, "FAILED", 1, _body(error))
    except Exception as error:  # noqa: BLE001 - the job's edge: every error ends in result.json
        traceback.print_exc()
        return _end(folder, state, "FAILED", 1, _body(_explained(error)))
    return _end(folder, state, "DONE", 0)


def _train(folder: Path, state: JobState) -> None:
    # Read by OpenMP when it is loaded: threads that wait give the core to other jobs and to the
    # Lab instead of spinning.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from ..spec import load_spec

    spec = load_spec((folder / SPEC_FILE).read_bytes())
    state.phase("importing libraries")
    from .store import require_store
    from .training import run

    require_store()
    run(spec, report=state)
    # What comes now is only the end of the process: a late signal changes nothing.
    _ignore_signals()


def _end(
    folder: Path, state: JobState, name: str, code: int, error: dict[str, Any] | None = None
) -> int:
    from .store import settle

    _ignore_signals()
    settle()
    write_json(
        folder / RESULT_FILE,
        {"state": name, "code": code, "run_id": state.run_id, "error": error},
    )
    return code


def _body(error: MLKitError) -> dict[str, Any]:
    return {
        "message": masked(error.message),
        "code": error.code,
        "hint": error.hint and masked(error.hint),
        "field": error.field,
    }


def _explained(error: Exception) -> MLKitError:
    if isinstance(error, MemoryError):
        return MLKitError(
            "The training needs more memory than there is.",
            hint="Set 'Train samples at most' (fit.max_samples), or choose a smaller region.",
            code="out_of_memory",
            field="fit.max_samples",
        )
    return MLKitError(
        f"{type(error).__name__}: {error}",
        hint="The log has the traceback.",
        code="training_failed",
    )


def _listen_to_signals() -> None:
    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's signature
        # Ending the run takes a moment and must not be cut short by a second signal.
        _ignore_signals()
        raise Stopped(signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _ignore_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
