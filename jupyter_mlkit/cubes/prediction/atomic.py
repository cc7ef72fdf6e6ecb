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
        if path.exists():
            old = stage.with_suffix(".old")
            path.rename(old)
            try:
                stage.rename(path)
            except OSError:
                old.rename(path)
                raise
            shutil.rmtree(old)
        else:
            stage.rename(path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


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
