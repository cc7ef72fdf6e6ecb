"""The backend of Keras where nobody has chosen one that is there."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

#: Backends of Keras 3 with what they are imported as, the first that is there is taken.
_BACKENDS = ("tensorflow", "torch", "jax")


def choose_backend() -> None:
    """Name an installed backend in the environment, before Keras is imported.

    Keras takes TensorFlow where nothing else is said, and cannot be imported where that is
    missing, as in an environment made for PyTorch.
    """
    if "KERAS_BACKEND" in os.environ or find_spec(_configured()) is not None:
        return
    for name in _BACKENDS:
        if find_spec(name) is not None:
            os.environ["KERAS_BACKEND"] = name
            return


def _configured() -> str:
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        found = json.loads((home / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        found = None
    return found if found in _BACKENDS else _BACKENDS[0]
