"""``jupyter mlkit upgrade``: an old store becomes one that this MLflow opens."""

from __future__ import annotations

import sys
from pathlib import Path

from .. import paths
from ..errors import BackendError, NotFoundError
from ..tracking.alone import in_mib
from ..tracking.mlruns import (
    counted,
    find_file_store,
    lost_artifacts,
    migrate,
    missing_runs,
    offer,
    open_runs,
    plan_migration,
)
from ..tracking.redact import redact
from ..tracking.schema import is_there, prepare_file
from ..tracking.store import (
    artifact_root_beside,
    file_store_folder,
    is_file_store,
    local_path,
)
from ..tracking.upgrading import plan_upgrade, upgrade_store

_CLOSE = "Close the Jupyter servers, kernels, trainings and MLflow UIs that use the store first."


def upgrade(old: str | None, *, yes: bool) -> int:
    """Return 0 where there is nothing left to do.

    Parameters
    ----------
    old : str, optional
        A database, or a folder that is or has an ``mlruns``; the store in use where missing.
    yes : bool
        Do not ask.
    """
    uri = old or paths.default_tracking_uri()
    if is_file_store(uri):
        place = file_store_folder(uri)
        if old is None or place.is_dir():
            return _migrate(place, yes=yes)
        if not place.exists():
            raise NotFoundError(
                f"There is no {place}.", hint="Name a database or an mlruns folder."
            )
        return _upgrade(place.absolute(), yes=yes)  # no URI: its name may have a "?"
    path = local_path(uri)
    if path is None:
        raise BackendError(
            f"{redact(uri)} is not a file of yours: whoever runs that server or database upgrades "
            "its schema.",
            code="store_unsupported",
            hint="There: make a backup, stop the server, then: mlflow db upgrade DATABASE-URI",
        )
    return _upgrade(path, yes=yes)


def _upgrade(path: Path, *, yes: bool) -> int:
    if not is_there(path):
        print(f"There is no store at {path} yet. It is made when it is first used.")
        _offer(path)
        return 0
    plan = plan_upgrade(path)
    if plan is None:
        print(f"The store {path} has the schema of this MLflow: there is nothing to upgrade.")
        _offer(path)
        return 0
    print(f"The store {path} was made by an older MLflow.")
    print(f"  size: {in_mib(plan.size)}, {counted(plan.rows['experiments'], plan.rows['runs'])}")
    print(f"  schema: {plan.found} -> {plan.needed}")
    print(
        "It is copied to a backup beside it, and then upgraded. An older MLflow will not open it."
    )
    print(_CLOSE)
    if not _agreed("Upgrade it?", yes=yes):
        return 1
    done = upgrade_store(path, lambda backup: print(f"Backup: {backup}", flush=True))
    prepare_file(path, artifact_root_beside(path))
    if done is None:
        print("Another process has upgraded it meanwhile.")
    else:
        rows = done.rows  # somebody may have logged since it was asked
        print(f"Upgraded: {counted(rows['experiments'], rows['runs'])}, as before.")
    return 0


def _migrate(folder: Path, *, yes: bool) -> int:
    found = find_file_store(folder)
    if found is None or not found.runs:
        print(f"{folder} has no runs of an older MLflow: there is nothing to bring.")
        return 0
    path = _target()
    print(f"{found.folder} is a file store of an older MLflow: {found.words}.")
    if not missing_runs(found, path):
        print(f"The store {path} has all of them: there is nothing to bring.")
        return 0
    plan_migration(found, path)
    unended = open_runs(found)
    if unended:
        print(f"Not ended: {len(unended):,} of its runs, such as {unended[0].name}. What is logged")
        print("there from now on is not brought: close the trainings that still use it first.")
    print(f"They are copied into the store {path}.")
    print(f"{found.folder} stays as it is. Keep it: the artifacts of these runs lie there.")
    if path.exists():
        print(_CLOSE)
    if not _agreed("Copy them?", yes=yes):
        return 1
    left_out = migrate(found, path, artifact_root_beside(path))
    prepare_file(path, artifact_root_beside(path))
    print(f"Copied: {found.words}, as in the folder.")
    if left_out:
        print(f"Of points with equal step, time and value MLflow keeps one: {left_out:,} fewer.")
    lost = lost_artifacts(path)
    if lost:
        print(f"{len(lost):,} of them have their artifacts in a place that is not there, such as")
        print(f"  {lost[0]}\nIf the folder was moved: put it back there to see them.")
    if is_file_store(paths.default_tracking_uri()):
        print(f"Now unset MLFLOW_TRACKING_URI, or set it to sqlite:///{path}")
    return 0


def _target() -> Path:
    """Return the store in use, ours where that is the old one."""
    uri = paths.default_tracking_uri()
    if is_file_store(uri):
        return paths.default_store()
    path = local_path(uri)
    if path is None:
        raise BackendError(
            f"MLflow brings a file store only into an SQLite file, not into {redact(uri)}.",
            code="store_unsupported",
            hint="Set MLFLOW_TRACKING_URI to a sqlite:/// file for this command.",
        )
    return path


def _offer(path: Path) -> None:
    """Tell of an ``mlruns`` in the current folder."""
    offered = offer(Path.cwd(), path)
    if offered:
        print(f"{offered.message}\n  {offered.hint}")


def _agreed(question: str, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        print("Nothing was changed: there is no terminal to ask at. Say it with --yes.")
        return False
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return True
    print("Nothing was changed.")
    return False
