"""SHA-256 of every file of a model, so that what is loaded is what was logged."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

#: MLflow adds it to its local copies of a registered model.
_ADDED = "registered_model_meta"
_PIECE = 1024 * 1024

Manifest = dict[str, dict[str, Any]]


def manifest(folder: Path) -> Manifest:
    """Return ``{path: {"sha256": …, "bytes": …}}`` of every file in `folder`.

    Parameters
    ----------
    folder : Path
        A private copy: nobody else writes to it while it is read or after.
    """
    found: Manifest = {}
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here, name)
            relative = path.relative_to(folder).as_posix()
            if relative != _ADDED:
                found[relative] = {"sha256": _sha256(path), "bytes": path.stat().st_size}
    return dict(sorted(found.items()))


def digest_of(files: Manifest) -> str:
    """Return one digest that stands for all of `files`, names included."""
    plain = {name: str(file["sha256"]) for name, file in sorted(files.items())}
    return hashlib.sha256(json.dumps(plain, separators=(",", ":")).encode()).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
