"""What a prediction is made of, in one key: equal keys give equal predictions."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from ..reading.boxes import values_of
from ..sources.uri import local_path
from .frame import Frame


def stage_key(
    ds: xr.Dataset, names: Sequence[str], frame: Frame, model: str | None, how: str
) -> str | None:
    """Return 16 hex digits, or None where the model or the cube has no identity.

    Parameters
    ----------
    ds : xarray.Dataset
    names : sequence of str
        The features.
    frame : Frame
        Its attribute ``mlkit_cube_fingerprint`` identifies the cube where it is there.
    model : str or None
        Identity of the model.
    how : str
        Everything else that determines the values: scaling, windows, gaps.
    """
    given = frame.attrs.get("mlkit_cube_fingerprint")
    known = isinstance(given, str) and not given.startswith("metadata")
    cube = given if known else cube_token(ds, names)
    if model is None or cube is None:
        return None
    plain = [
        [frame.name, frame.dims, frame.shape, frame.chunks, str(frame.dtype)],
        {key: repr(value) for key, value in sorted(frame.attrs.items())},
        [model, cube, list(names), how],
    ]
    return hashlib.blake2b(json.dumps(plain).encode(), digest_size=8).hexdigest()


def cube_token(ds: xr.Dataset, names: Sequence[str]) -> str | None:
    """Return what tells this cube from another, without reading it; None where nothing does.

    Values in memory are hashed; of files, names, sizes and times of change are; of a cube that
    dask computes, the name of its graph.
    """
    digest = hashlib.blake2b(digest_size=12)
    files = False
    for name in sorted({*names, *map(str, ds.coords)}):
        variable = ds[name].variable
        digest.update(f"{name} {variable.dims} {variable.shape} {variable.dtype}".encode())
        if variable.chunks is not None:
            digest.update(str(variable.data.name).encode())
        elif name in ds.coords or ds[name].variable._in_memory:
            values = np.ascontiguousarray(values_of(ds[name]))
            if values.dtype == object:
                digest.update(repr(values.tolist()).encode())
            else:
                digest.update(values.tobytes())
        else:
            files = True
    if files:
        source = str(ds.encoding.get("source", ""))
        path = local_path(source) if source else None
        if not source:
            return None
        digest.update(source.encode())
        if path is not None:
            _add_files(digest, path, names)
    return digest.hexdigest()


def _add_files(digest: hashlib.blake2b, path: Path, names: Sequence[str]) -> None:
    for top in [path] if path.is_file() else [path / name for name in sorted(names)]:
        for folder, inner, files in os.walk(top):
            inner.sort()
            for file in sorted(files):
                digest.update(_stamp(Path(folder) / file))
        if top.is_file():
            digest.update(_stamp(top))


def _stamp(file: Path) -> bytes:
    found = file.stat()
    return f"{file.name} {found.st_size} {found.st_mtime_ns}".encode()
