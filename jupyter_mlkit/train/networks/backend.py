"""The backend of Keras where nobody has chosen one that is there."""

from __future__ import annotations

import json
import os
import shlex
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ...errors import ModelError

#: Version of Keras in which a model runs on any backend.
_OLDEST = 3
#: Backends of Keras 3 with what they are imported as, the first that is there is taken.
_BACKENDS = ("tensorflow", "torch", "jax")


def choose_backend() -> str | None:
    """Name an installed backend in the environment, before Keras is imported.

    Keras takes TensorFlow where nothing else is said, and cannot be imported where that is
    missing, as in an environment made for PyTorch.

    Returns
    -------
    str or None
        The backend that Keras will have; None where the one that was asked for, or every one,
        is missing.
    """
    asked = os.environ.get("KERAS_BACKEND")
    if asked:
        return asked if _is_there(asked) else None
    for name in (_configured(), *_BACKENDS):
        if _is_there(name):
            os.environ["KERAS_BACKEND"] = name
            return name
    return None


def require_keras() -> None:
    """Check that Keras is Keras 3 and has a backend.

    Raises
    ------
    ModelError
        ``framework_missing``, ``framework_too_old``.
    """
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    version = metadata.version("keras")
    if int(version.partition(".")[0]) < _OLDEST:
        raise ModelError(
            f"Keras {version} in the kernel's environment is too old.",
            hint=f'{pip} "keras>={_OLDEST}"',
            code="framework_too_old",
            field="model.class",
        )
    if choose_backend() is None:
        asked = os.environ.get("KERAS_BACKEND")
        what = f"KERAS_BACKEND asks for {asked}, which" if asked else "A backend of Keras"
        raise ModelError(
            f"{what} is not installed in the kernel's environment ({sys.prefix}).",
            hint=f"{pip} {asked if asked in _BACKENDS else 'tensorflow'}",
            code="framework_missing",
            field="model.class",
        )


def _is_there(name: str) -> bool:
    return name in _BACKENDS and find_spec(name) is not None


def _configured() -> str:
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        found = str(json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, TypeError, KeyError):
        found = _BACKENDS[0]
    return found
