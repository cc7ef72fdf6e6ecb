"""Models that were handed over to be logged, and wait until somebody has the time.

What MLflow does with a model (a signature, an example, what it needs to be installed) takes
seconds. The cell that trained it returns as soon as it is on the disk as it was.
"""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .files import stage
from .home import Journal

#: What tells that all of a model is there, and what it is.
NOTE = "model.json"
_MODEL, _EXAMPLE = "model.pickle", "example.pickle"


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
    folder : str
        Where the process was that handed the model over.
    """

    name: str
    python: str
    path: list[str]
    folder: str


_decode = msgspec.json.Decoder(Unmade).decode
_encode = msgspec.json.Encoder().encode


def hand_over(journal: Journal, name: str, model: Any, example: Any = None) -> None:
    """Keep a model until it is logged.

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

    folder = journal.unmade / uuid.uuid4().hex
    note = Unmade(name, sys.executable, [one for one in sys.path if one], str(Path.cwd()))
    try:
        stage(folder / _MODEL, cloudpickle.dumps(model))
        if example is not None:
            stage(folder / _EXAMPLE, cloudpickle.dumps(example))
        stage(folder / NOTE, _encode(note))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def unmade(journal: Journal) -> Iterator[tuple[Path, Unmade]]:
    """Yield the folders of the models of a run that wait, and what they are."""
    for note in sorted(journal.unmade.glob(f"*/{NOTE}")):
        try:
            yield note.parent, noted(note.parent)
        except FileNotFoundError:  # logged meanwhile
            continue


def noted(folder: Path) -> Unmade:
    """Return what waits in a folder.

    Raises
    ------
    FileNotFoundError
        Nothing does.
    """
    return _decode((folder / NOTE).read_bytes())


def taken(folder: Path) -> tuple[Any, Any]:
    """Return a model that waits and its example, in the environment that it is of.

    The file was written by a process of the same user, beside the user's own code.
    """
    import cloudpickle

    example = folder / _EXAMPLE
    return (
        cloudpickle.loads((folder / _MODEL).read_bytes()),
        cloudpickle.loads(example.read_bytes()) if example.exists() else None,
    )
