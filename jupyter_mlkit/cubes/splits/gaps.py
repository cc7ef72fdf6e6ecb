"""Hold out cells in the shape of real gaps: those that the target has at other dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ..grids.grid import grid_of
from ..grids.sizes import Size
from ..grids.variables import require_variable
from ..identity.digest import mix64
from .axes import CutAxis, along, axis_of, block_hash, hash_blocks
from .base import Split
from .blocks import cuts_of, sizes_as_text
from .gap_masks import GapMasks, cell_keys, donor_dates, read_gaps, seconds_of, time_of
from .roles import ROLES, Shares, check_shares, role_array, roles_of_hashes
from .tiling import tiles_of

#: Horizontal tiles of a cube at least; within one tile the gaps of one date are held out.
_TILES = 24
#: Separates the draw of the donor from the draw of the role.
_DONOR = np.uint64(0x646F6E6F72)


@dataclass(frozen=True)
class GapSplit(Split):
    """Cells are held out in the shape of gaps that the target has at other dates.

    A unit is one date in one horizontal tile. Units are drawn for validation and test by the
    hash of date and tile; in a drawn unit, the cells are held out that are missing at another
    date, its donor, which is drawn by hash too. How often units are drawn follows from how much
    the gaps hide, so that the shares of *valid cells* are as asked for. Cells without a target
    have roles too, which count nowhere.

    Parameters
    ----------
    shares : sequence of float
        Shares of train, validation and test, in valid cells.
    seed : int
    target : str, optional
        The variable with the gaps; the only data variable where not given.
    dates : sequence of int, optional
        Donor dates, seconds since 1970: up to 64 of the dates of the cube at :meth:`resolve`.
    tiles : mapping, optional
        Size of the tiles, which follow from the extent at :meth:`resolve`.
    drawn : tuple of float, optional
        Probability of a unit to be validation and test.
    """

    shares: Shares = (0.7, 0.1, 0.2)
    seed: int = 42
    target: str | None = None
    dates: tuple[int, ...] | None = None
    tiles: Mapping[str, Size | str] | None = None
    drawn: tuple[float, float] | None = None
    masks: GapMasks | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", check_shares(self.shares))

    def resolve(self, ds: xr.Dataset) -> GapSplit:
        """Return this split with the gaps of the donor dates in it; the target is read once.

        Raises
        ------
        SpecError
            ``no_gaps`` where the target has too few to hold out the shares, ``other_cube``
            where recorded dates are gone, or the cube has no dates.
        """
        if self.masks is not None:
            return self
        target = self._target(ds)
        seconds = seconds_of(ds, time_of(ds))
        dates = donor_dates(seconds, self.seed) if self.dates is None else np.array(self.dates)
        masks = read_gaps(ds, target, dates.astype(np.int64))
        return replace(
            self,
            target=target,
            dates=tuple(dates.tolist()),
            tiles=tiles_of(ds, grid_of(ds), at_least=_TILES) if self.tiles is None else self.tiles,
            drawn=self._probabilities(masks.share, target) if self.drawn is None else self.drawn,
            masks=masks,
        )

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each cell, see :meth:`Split.assign`."""
        masks, time = self._masks(), time_of(frame)
        grid = grid_of(frame)
        keys = cell_keys(frame, grid, [str(dim) for dim in frame.dims if dim != time])
        dims = [time, *(dim for held, _ in keys for dim in held)]
        units = _Units.of(self, frame, keys)
        roles = roles_of_hashes(units.ids, self._unit_shares())
        donors = self._donors(units.ids, seconds_of(frame, time), masks)
        places = masks.places([key for _, key in keys])
        codes = np.zeros((frame.sizes[time], *(key.size for _, key in keys)), np.int8)
        members = units.members(codes.shape[1:])
        flat = codes.reshape(len(codes), -1)
        for date in np.unique(donors[roles > 0]).tolist():
            missing = masks.missing(date, places).ravel()
            for i, tile in np.argwhere((donors == date) & (roles > 0)).tolist():
                cells = members[tile]
                flat[i, cells[missing[cells]]] = roles[i, tile]
        found = role_array(
            codes.reshape([frame.sizes[dim] for dim in dims]), dims, along(frame, dims)
        )
        return found.transpose(*(dim for dim in frame.dims if dim in found.dims))

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the unit of each cell: its date and tile."""
        time = time_of(frame)
        axis = axis_of(frame, grid_of(frame), time, field="split.kind")
        return hash_blocks(
            frame,
            self.seed,
            [(axis, seconds_of(frame, time)), *_tile_cuts(frame, self._tiles())],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return kind, shares and seed, and what :meth:`resolve` recorded."""
        rule: dict[str, Any] = {
            "kind": "gap",
            "shares": dict(zip(ROLES, self.shares, strict=True)),
            "seed": self.seed,
        }
        if self.target is not None:
            rule["target"] = self.target
        if self.dates is not None and self.drawn is not None:
            rule |= {"dates": list(self.dates), "drawn": list(self.drawn)}
        # Tiles are part of the rule here: a unit is a date in a tile.
        return rule if self.tiles is None else rule | {"units": sizes_as_text(self.tiles)}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> GapSplit:
        """Read what :meth:`to_dict` returned; :meth:`resolve` reads the gaps again."""
        shares = rule["shares"]
        return cls(
            shares=(shares["train"], shares["validation"], shares["test"]),
            seed=rule["seed"],
            target=rule.get("target"),
            dates=tuple(rule["dates"]) if "dates" in rule else None,
            tiles=rule.get("units"),
            drawn=tuple(rule["drawn"]) if "drawn" in rule else None,
        )

    def _target(self, ds: xr.Dataset) -> str:
        names = [str(name) for name in ds.data_vars]
        if self.target is None and len(names) != 1:
            raise SpecError(
                "A split by gaps needs to know whose gaps.",
                hint=f"GapSplit(target=...); the cube has {', '.join(names[:12]) or 'no data'}.",
                field="split.target",
            )
        target = self.target or names[0]
        require_variable(ds, target, "target")
        if time_of(ds) not in ds[target].dims:
            raise SpecError(f"'{target}' does not change in time.", field="split.target")
        return target

    def _probabilities(self, hidden: float, target: str) -> tuple[float, float]:
        wanted = self.shares[1] + self.shares[2]
        if hidden < wanted:
            raise SpecError(
                f"The gaps of '{target}' hide {hidden:.1%} of the valid cells of another date, "
                f"{wanted:.1%} shall be held out.",
                hint="Hold out less, or use a block split.",
                code="no_gaps",
                field="split.shares",
            )
        return (round(self.shares[1] / hidden, 6), round(self.shares[2] / hidden, 6))

    def _unit_shares(self) -> Shares:
        validation, test = self.drawn or (0.0, 0.0)
        return (1 - validation - test, validation, test)

    def _donors(
        self, ids: NDArray[np.int64], seconds: NDArray[np.int64], masks: GapMasks
    ) -> NDArray[np.int64]:
        """Return the donor date of each unit, never its own date."""
        count = masks.seconds.size
        donors = (mix64(ids.view(np.uint64) ^ _DONOR) % np.uint64(count)).astype(np.int64)
        own = masks.seconds[donors] == seconds[:, None]
        return np.where(own, (donors + 1) % count, donors)

    def _masks(self) -> GapMasks:
        if self.masks is None:
            raise SpecError(
                "The gaps have not been read from the cube yet.",
                hint="Call split.resolve(cube) first.",
                code="unresolved",
                field="split",
            )
        return self.masks

    def _tiles(self) -> Mapping[str, Size | str]:
        self._masks()
        return self.tiles or {}


@dataclass(frozen=True)
class _Units:
    """Dates by tiles of a frame.

    Attributes
    ----------
    ids : ndarray of int64, shape (n_time, n_tiles)
    tile : ndarray of int64
        Tile of each cell, broadcastable to the axes of the cells.
    """

    ids: NDArray[np.int64]
    tile: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        split: GapSplit,
        frame: xr.Dataset,
        keys: list[tuple[tuple[str, ...], NDArray[np.float64]]],
    ) -> _Units:
        cuts = _tile_cuts(frame, split._tiles())
        shape = [key.size for _, key in keys]
        indices = []
        for axis, index in cuts:
            spread = [
                size if set(axis.dims) <= set(dims) else 1
                for (dims, _), size in zip(keys, shape, strict=True)
            ]
            indices.append(index.reshape(spread))
        joint = [part.ravel() for part in np.broadcast_arrays(*indices)]
        around = np.broadcast_shapes(*(part.shape for part in indices))
        if joint:
            rows, tile = np.unique(np.stack(joint, axis=1), axis=0, return_inverse=True)
        else:
            rows, tile = np.zeros((1, 0), np.int64), np.zeros(1, np.int64)
        tiles = [tuple(row) for row in rows.tolist()]
        moments = seconds_of(frame, time_of(frame)).tolist()
        ids = [block_hash(split.seed, (moment, *row)) for moment in moments for row in tiles]
        return cls(
            np.array(ids, np.int64).reshape(len(moments), len(tiles)),
            tile.reshape(around or (1,) * len(shape)),
        )

    def members(self, shape: tuple[int, ...]) -> list[NDArray[np.intp]]:
        """Return the flat positions of the cells of each tile."""
        every = np.broadcast_to(self.tile, shape).ravel()
        counts = np.bincount(every, minlength=self.ids.shape[1])
        return np.split(np.argsort(every, kind="stable"), np.cumsum(counts)[:-1])


def _tile_cuts(
    frame: xr.Dataset, tiles: Mapping[str, Size | str]
) -> list[tuple[CutAxis, NDArray[np.int64]]]:
    cuts = cuts_of(frame, grid_of(frame), tiles)
    return [(axis, axis.index(size)) for axis, size in cuts]
