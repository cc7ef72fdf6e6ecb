"""Write a cube in memory to disk, so that a job can open it."""

from __future__ import annotations

import math
from pathlib import Path

import xarray as xr

from ..prediction.atomic import staged

#: Decoded bytes of a chunk at most: small enough to be held by the dozen, large enough to read.
_CHUNK_BYTES = 8 * 2**20


def stage(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write `ds` as a zarr group (format 3) that appears whole or not at all.

    Whoever calls it has shown ``ds.nbytes`` to the person first.

    Parameters
    ----------
    ds : xarray.Dataset
    path : str or Path
    overwrite : bool
        Whether a zarr group at `path` may be replaced.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    ConflictError
        ``already_exists``.
    InvalidInputError
        ``not_writable`` where the parent folder cannot be written to.
    """
    target = Path(path).expanduser().absolute()
    # Where it came from may have stored it in ways that zarr cannot.
    plain = ds.drop_encoding()
    encoding = {
        name: {"chunks": _chunks(variable)}
        for name, variable in plain.variables.items()
        if variable.ndim and variable.size and variable.chunks is None
    }
    with staged(target, overwrite=overwrite) as folder:
        plain.to_zarr(folder, mode="w", zarr_format=3, consolidated=False, encoding=encoding)
    return target


def _chunks(variable: xr.Variable) -> tuple[int, ...]:
    """Return the shape halved along its longest axis until a chunk is small enough."""
    shape = list(variable.shape)
    while math.prod(shape) * max(variable.dtype.itemsize, 1) > _CHUNK_BYTES:
        longest = shape.index(max(shape))
        shape[longest] = math.ceil(shape[longest] / 2)
    return tuple(shape)
