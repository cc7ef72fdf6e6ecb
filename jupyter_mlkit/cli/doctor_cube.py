"""Whether a job can read a cube: asked of a real job, with just what jobs see."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import paths
from ..errors import InvalidInputError, MLKitError
from .finding import Finding

if TYPE_CHECKING:
    from ..jobs.executors import JobProcess

_LONGEST = 120.0
_GRACE = 5.0


def examine_cube(uri: str, options: Sequence[str], kernelspec: str) -> Iterator[Finding]:
    """Start a job in the environment of `kernelspec` that reads a piece of the cube at `uri`.

    Parameters
    ----------
    uri : str
    options : sequence of str
        Storage options of a spec as ``NAME=VALUE``.
    kernelspec : str
    """
    try:
        found = _read_in_a_job(uri, _options(options), kernelspec)
    except MLKitError as error:
        yield Finding(uri, f"kernel {kernelspec}", error.message, error.hint or "see the message")
        return
    state = f"a job in the kernel {kernelspec} reads it ({found['message']})"
    if found["code"] == "read":
        yield Finding(uri, state)
    else:
        hint = found.get("hint") or "see the message"
        yield Finding(uri, f"kernel {kernelspec}", found["message"], hint)


def _options(given: Sequence[str]) -> dict[str, object]:
    import msgspec

    from ..spec.sources import StorageOptions

    pairs = dict(option.partition("=")[::2] for option in given)
    try:
        known = msgspec.convert(pairs, StorageOptions, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"{error}.", hint="For example: --option profile=mine") from None
    options: dict[str, object] = msgspec.to_builtins(known)
    return options


def _read_in_a_job(uri: str, options: dict[str, object], kernelspec: str) -> dict[str, str]:
    from jupyter_client.kernelspec import KernelSpecManager

    from ..jobs.executors.local import LocalExecutor
    from ..jobs.folder import JobFolder
    from ..jobs.interpreter import interpreter_of
    from ..jobs.record import JobRecord, now
    from ..jobs.starting import Surroundings, launch_of
    from ..processes.identity import Identity
    from ..spec.secrets import refuse_secrets
    from ..tracking.store import artifact_root_for, environment

    source = {"uri": uri, "options": options}
    refuse_secrets({"sources": [source]})
    try:
        spec = KernelSpecManager().get_kernel_spec(kernelspec)
    except LookupError:
        raise InvalidInputError(
            f"There is no kernelspec '{kernelspec}'.", hint="jupyter kernelspec list"
        ) from None
    interpreter = interpreter_of(kernelspec, spec)
    me = Identity.of(os.getpid())
    assert me is not None, "this process runs"
    folder = Path(tempfile.mkdtemp(prefix="mlkit-doctor-"))
    store = paths.default_tracking_uri()
    around = Surroundings(
        folder=folder,
        root_dir=Path.cwd(),
        scope="doctor",
        environment=lambda: environment(store, artifact_root_for(store)),
    )
    record = JobRecord(
        job_id=f"doctor-{secrets.token_hex(4)}",
        scope="doctor",
        name="doctor",
        kernelspec=kernelspec,
        experiment="",
        spec={"sources": [source]},
        command=[*interpreter.command, "-m", "jupyter_mlkit.train", "read"],
        environment=interpreter.environment,
        root_dir=str(Path.cwd()),
        owner=me,
        created=now(),
        nonce=secrets.token_hex(16),
        timeout=_LONGEST,
    )
    try:
        job = JobFolder(folder / "jobs" / record.job_id)
        job.create(json.dumps(source))
        process = LocalExecutor().start(launch_of(record, around, _GRACE))
        try:
            _wait(process)
        finally:
            process.release()
        result = job.result()
        error = result.error if result is not None else None
        if error is None:
            raise MLKitError(
                f"The job did not come to an end within {_LONGEST:g} s, or could not start: "
                f"{job.last_lines() or 'it wrote nothing'}",
                hint="Try that interpreter in a terminal.",
                code="job_not_started",
            )
        return {"code": error.code, "message": error.message, "hint": error.hint or ""}
    finally:
        shutil.rmtree(folder)


def _wait(process: JobProcess) -> None:
    """Wait until the runner has ended; it ends the job when its time is over."""
    deadline = time.monotonic() + _LONGEST + 2 * _GRACE
    handle = process.fileno()
    while not process.has_ended() and time.monotonic() < deadline:
        if handle is None:  # where the system has no descriptors of processes
            time.sleep(0.1)
        else:
            select.select([handle], [], [], 1.0)
