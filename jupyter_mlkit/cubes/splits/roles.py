"""The roles that a cell can have, their codes, and how a hash draws one."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ...models import Role

#: Roles by their code in a role array.
ROLES: tuple[Role, ...] = ("train", "validation", "test")
#: Code of cells that a buffer removed: neither trained on nor scored.
BUFFER = 3
#: What the codes mean, as CF wants it.
FLAG_MEANINGS = "train validation test buffer"

#: Shares of train, validation and test.
Shares = tuple[float, float, float]


def role_array(
    codes: NDArray[np.int8], dims: Sequence[Hashable], coords: Mapping[Any, Any]
) -> xr.DataArray:
    """Return role codes as an int8 array ``role`` that explains itself."""
    return xr.DataArray(
        codes,
        dims=list(dims),
        coords=dict(coords),
        name="role",
        attrs={
            "long_name": "role of the cell in the training",
            "flag_values": np.arange(4, dtype=np.int8),
            "flag_meanings": FLAG_MEANINGS,
        },
    )


def check_shares(shares: Sequence[float]) -> Shares:
    """Return `shares` as three floats.

    Raises
    ------
    SpecError
        They are not three, not in [0, 1], or do not add up to one.
    """
    found = tuple(float(share) for share in shares)
    if len(found) != 3 or not all(0 <= share <= 1 for share in found) or found[0] == 0:
        raise SpecError(
            f"{tuple(shares)} are not shares of train, validation and test.",
            hint="Usual shares are 0.7, 0.1 and 0.2.",
            field="split.shares",
        )
    if not math.isclose(sum(found), 1, abs_tol=1e-9):
        raise SpecError(
            f"The shares add up to {sum(found):g}, not to 1.",
            hint="Usual shares are 0.7, 0.1 and 0.2.",
            field="split.shares",
        )
    return (found[0], found[1], found[2])


def drawn(hashes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each 64-bit hash as a number in [0, 1)."""
    return (hashes.view(np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def roles_of_hashes(hashes: NDArray[np.int64], shares: Shares) -> NDArray[np.int8]:
    """Return the role of each hash by its threshold."""
    edges = np.cumsum(shares)[:2]
    return np.searchsorted(edges, drawn(hashes), side="right").astype(np.int8)
