"""The roles of a cube as a small zarr that colleagues can open with xarray alone."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import xarray as xr

from ...errors import CubeError
from ..prediction.atomic import staged
from .base import Split, frame_of

#: Cells per chunk; roles compress to next to nothing.
_CHUNK = 2**22
_RULE, _HASH = "mlkit_split", "mlkit_split_hash"


def save_mask(split: Split, ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the roles of the cells of `ds` as a zarr group with the variable ``role``.

    Parameters
    ----------
    split : Split
        Its rule and hash go into the attributes.
    ds : xarray.Dataset
        The cube; only its coordinates are used. Roles have only the dims they depend on.
    path : str or Path
    overwrite : bool
        Replace a zarr group at `path`.

    Returns
    -------
    Path

    Raises
    ------
    ConflictError, InvalidInputError
    """
    frame, _ = frame_of(ds)
    rule = split.resolve(ds)
    probe = rule.assign(frame.isel({dim: slice(0, 1) for dim in frame.dims}))
    dims = [str(dim) for dim in probe.dims]
    shape = tuple(int(frame.sizes[dim]) for dim in dims)
    chunks = _chunks(shape)
    target = Path(path).expanduser().absolute()
    with staged(target, overwrite=overwrite) as stage:
        import zarr

        coords = [name for name in frame.coords if set(frame[name].dims) <= set(dims)]
        plain = frame[coords].drop_encoding()
        plain.attrs = {_RULE: rule.to_json(), _HASH: rule.hash}
        plain.to_zarr(stage, mode="w", zarr_format=2, consolidated=False)
        attrs = {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in probe.attrs.items()
        }
        array = zarr.open_group(str(stage), mode="r+").create_array(
            "role",
            shape=shape,
            chunks=chunks,
            dtype="int8",
            attributes={"_ARRAY_DIMENSIONS": dims, **attrs},
        )
        starts = (range(0, size, step) for size, step in zip(shape, chunks, strict=True))
        for corner in itertools.product(*starts):
            box = tuple(
                slice(start, min(start + step, size))
                for start, step, size in zip(corner, chunks, shape, strict=True)
            )
            piece = rule.assign(frame.isel(dict(zip(dims, box, strict=True))))
            array[box] = piece.transpose(*dims).values
        zarr.consolidate_metadata(str(stage), zarr_format=2)
    return target


def open_mask(path: str | Path) -> xr.DataArray:
    """Open a role mask, lazily.

    Returns
    -------
    xarray.DataArray
        int8 ``role``; ``attrs["mlkit_split"]`` holds the rule for ``split_from_json`` and
        ``attrs["mlkit_split_hash"]`` its hash.

    Raises
    ------
    CubeError
        ``cube_not_found``, or ``not_a_mask`` where `path` holds something else.
    """
    target = Path(path).expanduser()
    if not target.exists():
        raise CubeError(f"There is nothing at {target}.", code="cube_not_found")
    try:
        found = xr.open_zarr(target, chunks=None, mask_and_scale=False)
    except (OSError, ValueError, KeyError) as error:
        raise CubeError(f"{target} is no zarr group.", code="not_a_mask") from error
    if "role" not in found or _RULE not in found.attrs:
        raise CubeError(
            f"{target} holds no role mask.", hint="Write it with save_mask.", code="not_a_mask"
        )
    role: xr.DataArray = found["role"]
    role.attrs |= {_RULE: found.attrs[_RULE], _HASH: found.attrs[_HASH]}
    return role


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Split the leading dims first, so that a chunk holds whole maps where it can."""
    chunks = list(shape)
    for place, size in enumerate(shape):
        rest = max(1, math.prod(chunks[place + 1 :]))
        chunks[place] = max(1, min(size, _CHUNK // rest))
        if chunks[place] > 1:
            break
    return tuple(max(1, size) for size in chunks)
