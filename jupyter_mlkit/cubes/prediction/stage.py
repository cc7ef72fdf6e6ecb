"""A cube that is being written: found again after a kill, shared by processes, moved when whole."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from ...errors import ConflictError
from .atomic import check_free, put_in_place

_NAMES = itertools.count()


class Stage:
    """A hidden folder beside the target: the cube so far, and which of its parts are done.

    Processes that know the same `key` work in the same folder; a part is marked as done only
    after its chunks are in place, and each chunk is put in place by a rename. So a part that is
    not marked is computed again, and a part that is marked is whole, whatever was killed.

    Attributes
    ----------
    target : Path
        Where the cube shall be.
    folder : Path
    """

    def __init__(self, target: Path, folder: Path, *, overwrite: bool = False) -> None:
        self.target = target
        self.folder = folder
        self._overwrite = overwrite
        self._done, self._fresh = folder / "done", folder / "fresh"

    @classmethod
    def open(
        cls,
        target: Path,
        key: str | None,
        make: Callable[[Path], None],
        *,
        overwrite: bool = False,
    ) -> Self:
        """Find the stage of `key`, or make one.

        Parameters
        ----------
        target : Path
        key : str or None
            Of everything that determines the result; None for a stage that nobody else finds.
        make : callable
            Writes the empty cube to the path that it is given.
        overwrite : bool
            Whether a zarr group at `target` may be replaced.

        Raises
        ------
        ConflictError
            ``already_exists``.
        OSError
            The folder cannot be written to.
        """
        check_free(target, overwrite=overwrite)
        folder = target.parent / f".{target.name}.{key}.part"
        if key is not None and folder.is_dir():
            return cls(target, folder, overwrite=overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        try:
            stage = cls(target, made, overwrite=overwrite)
            stage._done.mkdir()
            stage._fresh.mkdir()
            stage.cube.mkdir()
            make(stage.cube)
            if key is None:
                return stage
            try:
                made.rename(folder)
            except OSError:
                # Another process was faster.
                if not folder.is_dir():
                    raise
                shutil.rmtree(made)
            return cls(target, folder, overwrite=overwrite)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise

    @property
    def cube(self) -> Path:
        """The zarr group as far as it is written."""
        return self.folder / "cube"

    def done(self) -> set[int]:
        """Return the numbers of the parts that are done."""
        return {int(mark.name) for mark in self._done.iterdir()}

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Put a file of the cube in place, whole."""
        fresh = self._fresh / f"{os.getpid()}-{threading.get_ident()}-{next(_NAMES)}"
        with fresh.open("wb") as file:
            file.write(content)
        fresh.replace(path)

    def mark(self, part: int) -> None:
        """Say that all chunks of `part` are in place."""
        (self._done / str(part)).touch()

    def finish(self) -> None:
        """Move the cube to the target; of several processes that try, one does.

        Raises
        ------
        ConflictError
            ``already_exists``: another cube came to stand there.
        """
        try:
            # mkdtemp makes it private; the cube has the mode that any new folder has.
            self.cube.chmod(self.target.parent.stat().st_mode & 0o777)
            check_free(self.target, overwrite=self._overwrite)
            put_in_place(self.cube, self.target)
        except (FileNotFoundError, ConflictError):
            if self.folder.is_dir():
                raise
            # Another process has just done it.
            return
        self.discard()

    def discard(self) -> None:
        """Remove the stage."""
        shutil.rmtree(self.folder, ignore_errors=True)
