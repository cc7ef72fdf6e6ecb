"""Several splits at once: a cell has a role where all parts agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...errors import SpecError
from ..identity.digest import mix64
from .axes import in_order_of
from .base import Split
from .roles import BUFFER, role_array


@dataclass(frozen=True)
class CombinedSplit(Split):
    """A cell has a role where all parts agree; the others are removed (role ``buffer``).

    ``region & time`` asks for new places at later times at once.

    Parameters
    ----------
    parts : sequence of Split
        Two or more; combined splits among them are taken apart.
    """

    parts: Sequence[Split]

    def __post_init__(self) -> None:
        flat: list[Split] = []
        for part in self.parts:
            flat.extend(part.parts if isinstance(part, CombinedSplit) else [part])
        if len(flat) < 2:
            raise SpecError("A combined split needs two parts or more.", field="split.parts")
        object.__setattr__(self, "parts", tuple(flat))

    def resolve(self, ds: xr.Dataset) -> CombinedSplit:
        """Return this split with every part resolved."""
        return CombinedSplit([part.resolve(ds) for part in self.parts])

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell, see :meth:`Split.assign`."""
        first, *others = xr.broadcast(*(part.assign(frame) for part in self.parts))
        agreed = first.values.copy()
        for other in others:
            agreed[agreed != other.transpose(*first.dims).values] = BUFFER
        found = role_array(agreed, first.dims, first.coords)
        return found.transpose(*(dim for dim in frame.dims if dim in found.dims))

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the blocks that the parts cut out together."""
        first, *others = xr.broadcast(*(part.block_ids(frame) for part in self.parts))
        ids = first.values.view(np.uint64)
        for other in others:
            ids = mix64(ids) ^ other.transpose(*first.dims).values.view(np.uint64)
        return in_order_of(frame, ids.view(np.int64), [str(dim) for dim in first.dims], "block")

    def to_dict(self) -> dict[str, Any]:
        """Return kind and parts."""
        return {"kind": "all", "parts": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> CombinedSplit:
        """Read what :meth:`to_dict` returned."""
        from .stored import split_from_dict

        return cls([split_from_dict(part) for part in rule["parts"]])
