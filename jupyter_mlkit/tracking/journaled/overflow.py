"""What MLflow would cut in silence, or takes minutes over, is kept whole as a file of the run."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..journal.files import stage
from ..journal.long_texts import MOST_OF_PARAM, MOST_OF_TAG, shortened
from ..tags import MORE_PARAMS

T = TypeVar("T")
#: Params of a run beyond these go to a file: MLflow reads all that there are at each call.
MOST_PARAMS = 1000
#: Characters of an entry: as JSON each may take six bytes, and an entry has 1 MiB at most.
_MOST_OF_PART = 100_000
_log = logging.getLogger("jupyter_mlkit.tracking")


def whole(params: Sequence[T], tags: Sequence[T]) -> tuple[list[T], list[T], dict[str, bytes]]:
    """Return params and tags that MLflow takes, and by artifact path the texts too long for it.

    Parameters
    ----------
    params : sequence of Param
    tags : sequence of RunTag
    """
    files: dict[str, bytes] = {}
    return (
        [_shortened("param", one, MOST_OF_PARAM, files) for one in params],
        [_shortened("tag", one, MOST_OF_TAG, files) for one in tags],
        files,
    )


def _shortened(kind: str, one: Any, most: int, files: dict[str, bytes]) -> Any:
    value = str(one.value)
    told = shortened(kind, one.key, value, most, files)
    return one if told == value else type(one)(one.key, told)


class Room:
    """Room for the params of a run: those beyond what MLflow is given go to a file of it.

    Parameters
    ----------
    place : Path
        Where files of the run wait.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._more: _More | None = None

    def given(
        self, known: Mapping[str, str], new: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Part params into what MLflow is given, and what is beyond the most.

        Parameters
        ----------
        known : mapping
            Those of the run so far.
        new : mapping

        Returns
        -------
        params, tags, more : dict
            What MLflow is given; the tag names the file. And what :meth:`keep` is to be given.
        """
        left = max(0, MOST_PARAMS - len(known))
        more = dict([one for one in new.items() if one[0] not in known][left:])
        # What is in the file is there already.
        told = {key: value for key, value in new.items() if key not in more and key not in self}
        if not more:
            return told, {}, {}
        if self._more is None or self._more.pid != os.getpid():
            # A fork has a file of its own: two processes would replace each other's.
            self._more = _More(self._place, self._more.params if self._more else {})
        return told, {MORE_PARAMS: self._more.name}, more

    def keep(self, more: dict[str, str]) -> None:
        """Keep params beyond the most in the file; what cannot be kept is warned of."""
        if not more or self._more is None:
            return
        try:
            self._more.add(more)
        except OSError as error:
            _log.warning("%d params could not be kept: %s.", len(more), error)

    def __contains__(self, key: str) -> bool:
        """Whether a param is in the file."""
        return self._more is not None and key in self._more.params


class _More:
    """A file of params, a line of JSON for each; sent again, whole, where more have come."""

    def __init__(self, place: Path, params: Mapping[str, str]) -> None:
        self.name = f"mlkit/params-{uuid.uuid4().hex[:8]}.jsonl"
        self.params = {**params}
        self.pid = os.getpid()
        self._path = place / self.name
        _log.warning(
            "The run has more than %s params: the others are in its file %s.",
            f"{MOST_PARAMS:,}", self.name,
        )  # fmt: skip

    def add(self, params: dict[str, str]) -> None:
        self.params |= params
        # The drainer takes the file away to send it, and what was sent is replaced by what comes.
        if not self._appended(_lines(params)):
            stage(self._path, _lines(self.params))

    def _appended(self, lines: bytes) -> bool:
        """Whether lines were written to a file that nobody has taken away meanwhile."""
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            while lines:
                lines = lines[os.write(file, lines) :]
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False
        finally:
            os.close(file)


def _lines(params: dict[str, str]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in params.items()).encode()


def parts(values: Mapping[str, T]) -> Iterator[dict[str, T]]:
    """Yield texts by name in parts, each of which fits an entry of the journal."""
    part: dict[str, T] = {}
    size = 0
    for key, value in values.items():
        length = len(key) + len(str(value))
        if part and size + length > _MOST_OF_PART:
            yield part
            part, size = {}, 0
        part[key] = value
        size += length
    if part:
        yield part
