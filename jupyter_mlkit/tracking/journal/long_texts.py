"""Texts that MLflow would cut in silence are kept whole as files of the run."""

from __future__ import annotations

import hashlib
import logging

#: Characters that MLflow takes (``mlflow.utils.validation``).
MOST_OF_PARAM, MOST_OF_TAG = 6000, 8000
FOLDER = "mlkit/long"
_log = logging.getLogger("jupyter_mlkit.tracking")


def shortened(kind: str, key: str, value: str, most: int, files: dict[str, bytes]) -> str:
    """Return a text that MLflow takes, and put one that is too long into `files`.

    Parameters
    ----------
    kind : {"param", "tag"}
    key, value : str
    most : int
        Characters.
    files : dict
        By artifact path.
    """
    if len(value) <= most:
        return value
    # Another value has another name: what changed is told from what did not.
    content = value.encode(errors="surrogatepass")
    digest = hashlib.sha256(key.encode(errors="surrogatepass") + b"\0" + content).hexdigest()
    name = f"{FOLDER}/{kind}-{digest[:16]}.txt"
    files[name] = content
    said = f" … [{len(value):,} characters, the whole is in {name}]"
    _log.warning(
        "The %s %r has %s characters, MLflow takes %s: the whole is in the run's file %s.",
        kind, key[:80], f"{len(value):,}", f"{most:,}", name,
    )  # fmt: skip
    return value[: most - len(said)] + said
