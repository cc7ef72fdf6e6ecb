"""Whether this process, which sees what jobs see, can read a cube: metadata and one chunk."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..errors import MLKitError
from .job import RESULT_FILE, SPEC_FILE, write_json
from .masking import mask_output, masked


def read_cube(folder: Path) -> int:
    """Read a piece of the cube that ``spec.yaml`` in `folder` names, and write what came of it.

    Returns
    -------
    int
        0 if it can be read.
    """
    mask_output()
    try:
        told = {"message": _read(json.loads((folder / SPEC_FILE).read_bytes())), "code": "read"}
    except MLKitError as error:
        told = {"message": masked(error.message), "code": error.code, "hint": error.hint or ""}
    done = told["code"] == "read"
    sys.stderr.write(f"{told['message']}\n")
    error_body = {"hint": None, "field": None} | told
    state = "DONE" if done else "FAILED"
    write_json(
        folder / RESULT_FILE,
        {"state": state, "code": int(not done), "run_id": None, "error": error_body},
    )
    return int(not done)


def _read(source: dict[str, Any]) -> str:
    import msgspec
    import numpy as np

    from ..cubes.reading.unreadable import read_errors
    from ..cubes.sources.open import open_cube
    from ..errors import CubeError
    from ..spec import Source

    ds = open_cube(msgspec.convert(source, Source))
    name = next(iter(ds.data_vars))
    try:
        piece = np.asarray(ds[name].isel(dict.fromkeys(ds[name].dims, slice(0, 1))).values)
    except read_errors() as error:
        raise CubeError(
            f"The cube opens, but the first chunk of {name!r} cannot be read: {error}",
            hint="Look at the rights of its files, or the damage.",
            code="unreadable_chunk",
        ) from error
    return f"{len(ds.data_vars)} variables, {piece.nbytes} bytes of '{name}'"
