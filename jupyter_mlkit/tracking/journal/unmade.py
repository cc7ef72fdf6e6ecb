"""Models that were handed over to be logged, and wait until somebody has the time.

What MLflow does with a model (a signature, an example, what it needs to be installed) takes
seconds. The cell that trained it returns as soon as it is on the disk as it was.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from .files import stage
from .flusher import on_disk
from .home import Journal

#: What tells what a model is.
NOTE = "model.json"
_MODEL, _EXAMPLE = "model.pickle", "example.pickle"
#: Begin of the names of folders that are not whole yet, or done with.
HIDDEN = "."
#: Seconds after which nobody is writing any more what is not whole.
_ABANDONED = 3600.0
#: What a model may need of the environment to be read.
_NEEDED = ("CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "LD_LIBRARY_PATH")


class Unmade(msgspec.Struct, frozen=True):
    """A model that waits.

    Attributes
    ----------
    name : str
        Of the model within its run.
    python : str
        The interpreter that has what the model needs.
    path : list of str
        Where that looks for modules.
    environment : dict
    uses_torch : bool
        Whether there may be tensors in it, on whatever device.
    """

    name: str
    python: str
    path: list[str]
    environment: dict[str, str]
    uses_torch: bool


_decode = msgspec.json.Decoder(Unmade).decode
_encode = msgspec.json.Encoder().encode


def hand_over(journal: Journal, name: str, model: Any, example: Any = None) -> None:
    """Keep a model until it is logged: on the disk when this returns, and whole.

    Parameters
    ----------
    journal : Journal
        Of the run.
    name : str
    model : object
        Anything of scikit-learn, PyTorch or Keras.
    example : array or table, optional
        Some rows of what it predicts from.

    Raises
    ------
    OSError
        It cannot be kept.
    TypeError, pickle.PicklingError
        It cannot be pickled.
    """
    import cloudpickle

    key = uuid.uuid4().hex
    folder = journal.unmade / f"{HIDDEN}{key}"
    note = Unmade(
        name,
        sys.executable,
        [str(Path(one).absolute()) for one in sys.path],  # it is made in another folder
        {each: os.environ[each] for each in _NEEDED if each in os.environ},
        "torch" in sys.modules,
    )
    try:
        for file, content in (
            (_MODEL, cloudpickle.dumps(model)),
            (_EXAMPLE, b"" if example is None else cloudpickle.dumps(example)),
            (NOTE, _encode(note)),
        ):
            if content:
                stage(folder / file, content)
                on_disk(folder / file)
        on_disk(folder)
        folder.replace(journal.unmade / key)
        on_disk(journal.unmade)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def unmade(journal: Journal) -> Iterator[tuple[Path, Unmade | None]]:
    """Yield the folders of the models of a run that wait, and what they are.

    None where that cannot be read.
    """
    for folder in sorted(journal.unmade.glob("*")):
        if folder.name.startswith(HIDDEN) or not folder.is_dir():
            continue
        try:
            yield folder, _decode((folder / NOTE).read_bytes())
        except (msgspec.DecodeError, OSError):
            if folder.exists():  # else it was logged meanwhile
                yield folder, None


def taken(folder: Path) -> tuple[Any, Any, Unmade]:
    """Return a model that waits, its example and what it is, in the environment that it is of.

    The file was written by a process of the same user, beside the user's own code.
    """
    import cloudpickle

    note = _decode((folder / NOTE).read_bytes())
    if note.uses_torch:
        _read_tensors_on_the_cpu()
    example = folder / _EXAMPLE
    return (
        cloudpickle.loads((folder / _MODEL).read_bytes()),
        cloudpickle.loads(example.read_bytes()) if example.exists() else None,
        note,
    )


def made(folder: Path) -> None:
    """Forget a model that was logged, at once and for ever."""
    done = folder.with_name(f"{HIDDEN}{folder.name}-done")
    folder.replace(done)
    shutil.rmtree(done, ignore_errors=True)


def tidy_unmade(journal: Journal) -> None:
    """Remove what is done with, or was never whole."""
    for folder in journal.unmade.glob(f"{HIDDEN}*"):
        with suppress(FileNotFoundError):
            is_done = folder.name.endswith("-done")
            if is_done or time.time() - folder.stat().st_mtime > _ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # something waits, or nothing ever did
        journal.unmade.rmdir()


def _read_tensors_on_the_cpu() -> None:
    """Let a model of a GPU be read where there is none, or where another training needs it."""
    import torch

    def load(data: bytes) -> Any:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)

    torch.storage._load_from_bytes = load
