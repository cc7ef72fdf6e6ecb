"""What MLflow would cut in silence, or takes minutes over, is kept whole as a file of the run."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_TAG_VAL_LENGTH

T = TypeVar("T")
#: Params of a run beyond these go to a file: MLflow reads all that there are at each call.
MOST_PARAMS = 1000
FOLDER = "mlkit/long"
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
        [_shortened("param", one, MAX_PARAM_VAL_LENGTH, files) for one in params],
        [_shortened("tag", one, MAX_TAG_VAL_LENGTH, files) for one in tags],
        files,
    )


def _shortened(kind: str, one: Any, most: int, files: dict[str, bytes]) -> Any:
    value = str(one.value)
    if len(value) <= most:
        return one
    # Another value has another name: what changed is told from what did not.
    content = value.encode(errors="surrogatepass")
    digest = hashlib.sha256(one.key.encode(errors="surrogatepass") + b"\0" + content).hexdigest()
    name = f"{FOLDER}/{kind}-{digest[:16]}.txt"
    files[name] = content
    said = f" … [{len(value):,} characters, the whole is in {name}]"
    _log.warning(
        "The %s %r has %s characters, MLflow takes %s: the whole is in the run's file %s.",
        kind, one.key[:80], f"{len(value):,}", f"{most:,}", name,
    )  # fmt: skip
    return type(one)(one.key, value[: most - len(said)] + said)


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
