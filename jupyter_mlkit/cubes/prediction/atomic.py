"""Write a cube so that it appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import ConflictError, InvalidInputError


@contextmanager
def staged(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary sibling of `path` that takes its place at the end.

    After an error or an interrupt the sibling is removed and what stood at `path` still stands.

    Parameters
    ----------
    path : Path
        Where the zarr group shall be; its parent folders are made.
    overwrite : bool
        Whether an existing zarr group may be replaced.

    Raises
    ------
    ConflictError
        ``already_exists``.
    InvalidInputError
        ``not_writable`` where the parent folder cannot be written to.
    """
    check_free(path, overwrite=overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Choose a folder that you may write to.",
            code="not_writable",
        ) from error
    try:
        yield stage
        # mkdtemp makes it private; the cube has the mode that any new folder has.
        stage.chmod(path.parent.stat().st_mode & 0o777)
        put_in_place(stage, path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def put_in_place(stage: Path, path: Path) -> None:
    """Move `stage` to `path`; what stood there goes only when the new one stands."""
    if not path.exists():
        stage.rename(path)
        return
    # A folder of its own, so that two who replace the same cube do not meet.
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
    old = aside / path.name
    path.rename(old)
    try:
        stage.rename(path)
    except OSError:
        old.rename(path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_free(path: Path, *, overwrite: bool = False) -> None:
    """Check that `path` is free, or a zarr group that may be replaced.

    Raises
    ------
    ConflictError
        ``already_exists``.
    """
    if not path.exists():
        return
    is_zarr = any((path / mark).exists() for mark in (".zgroup", "zarr.json"))
    if not overwrite or not is_zarr:
        hint = "Choose another path" + (", or overwrite it." if is_zarr else ".")
        raise ConflictError(f"{path} exists already.", hint=hint, code="already_exists")
