"""What MLflow would cut in silence, or takes minutes over, is kept whole as a file of the run."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..journal.long_texts import MOST_OF_PARAM, MOST_OF_TAG, shortened

T = TypeVar("T")
#: Params of a run beyond these go to a file: MLflow reads all that there are at each call.
MOST_PARAMS = 1000
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


class More:
    """A file of params beyond those that MLflow is given, a line of JSON for each.

    Parameters
    ----------
    place : Path
        Where files of the run wait.
    """

    def __init__(self, place: Path) -> None:
        self.name = f"mlkit/params-{uuid.uuid4().hex[:8]}.jsonl"
        self._path = place / self.name
        _log.warning(
            "The run has more than %s params: the others are in its file %s.",
            f"{MOST_PARAMS:,}", self.name,
        )  # fmt: skip

    def add(self, params: dict[str, str]) -> None:
        """Keep params.

        Raises
        ------
        OSError
            They cannot be written.
        """
        lines = "".join(json.dumps(one) + "\n" for one in params.items()).encode()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            while lines:
                lines = lines[os.write(file, lines) :]
        finally:
            os.close(file)
