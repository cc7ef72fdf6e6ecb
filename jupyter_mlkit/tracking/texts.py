"""Params and tags of a run as its journal takes them, and the files of what MLflow would cut."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jupyter_mlkit.errors import InvalidInputError

from .journal.entries import Entry, Params, Tags, encoded
from .journal.files import stage
from .journal.long_texts import MOST_OF_PARAM, MOST_OF_TAG, shortened
from .journaled.overflow import Room, parts
from .provenance.record import Files

_log = logging.getLogger("jupyter_mlkit.tracking")


class Told(NamedTuple):
    """What a journal is told.

    Attributes
    ----------
    entries : list of Entry
    files : dict
        Texts that are too long, by artifact path.
    more : dict
        Params beyond the most.
    """

    entries: list[Entry]
    files: Files
    more: dict[str, str]


class Texts:
    """The params and tags of a run.

    Parameters
    ----------
    name : str
        Of the run.
    place : Path
        Where files of the run wait.
    """

    def __init__(self, name: str, place: Path) -> None:
        self._name = name
        self._place = place
        self._room = Room(place)
        self._params: dict[str, str] = {}

    def params(self, values: Mapping[str, object]) -> Told:
        """Return what is to be told of params, which count as logged from now on.

        Raises
        ------
        InvalidInputError
            ``param_changed``: one of them has another value already. None of them counts.
        """
        new, files = _texts("param", values, MOST_OF_PARAM)
        changed = [key for key in new if self._params.get(key, new[key]) != new[key]]
        if changed:
            raise InvalidInputError(
                f"Params of run {self._name!r} have other values already: {changed[:9]}.",
                hint="A param is logged once; what changes is a metric or a tag.",
                code="param_changed",
            )
        told, named, more = self._room.given(self._params, new)
        entries: list[Entry] = [*map(Params, parts(told)), *([Tags({**named})] if named else [])]
        for entry in entries:
            encoded(entry)  # refused before anything of them counts as logged
        self._params |= new
        return Told(entries, files, more)

    @staticmethod
    def tags(values: Mapping[str, object]) -> Told:
        """Return what is to be told of tags."""
        texts, files = _texts("tag", values, MOST_OF_TAG)
        told: dict[str, str | None] = {**texts}
        return Told([*map(Tags, parts(told))], files, {})

    def keep(self, told: Told) -> None:
        """Let the files of what was told wait, once the journal has the entries.

        Files alone are taken for what is left of a run of which the journal was lost.
        """
        self.keep_files(told.files)
        self._room.keep(told.more)

    def keep_files(self, files: Files) -> None:
        """Let files of the run wait; what cannot be kept is warned of."""
        try:
            for name, content in files.items():
                stage(self._place / name, content)
        except OSError as error:
            _log.warning("Files of run %s could not be kept: %s.", self._name, error)


def _texts(kind: str, values: Mapping[str, object], most: int) -> tuple[dict[str, str], Files]:
    files: Files = {}
    found = {
        str(key): shortened(kind, str(key), str(value), most, files)
        for key, value in values.items()
    }
    return found, files
