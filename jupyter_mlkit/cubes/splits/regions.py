"""Named regions, boxes or masks are held out; the rest trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import SpecError
from ...spec import Region
from ..grids.grid import Grid, grid_of
from ..grids.sizes import Size
from ..identity.digest import mix64
from .areas import Area, Box, Polygon, area_from_dict, mask_of
from .axes import along, in_order_of
from .base import Split
from .blocks import cuts_of, ids_of, sizes_as_text
from .buffer import Buffer
from .places import Places
from .roles import BUFFER, role_array
from .tiling import tiles_of

_HELD = ("test", "validation")
#: A box, a region's name, a variable that is a mask, a mask, or regions of regionmask.
AreaLike = Any
#: Catalogues of regionmask that need no network.
_CATALOGUES = {"srex": "srex", "giorgi": "giorgi"}


@dataclass(frozen=True)
class RegionSplit(Split):
    """Areas are held out for test and validation; the rest trains.

    Parameters
    ----------
    test, validation : area or sequence of areas
        An area is a box ``(west, south, east, north)`` or ``spec.Region`` (west may be larger
        than east: it then crosses the seam), the name of a region of regionmask
        (``"srex:AMZ"``, ``"giorgi:AMZ"``), the name of a variable of the cube that is a mask, a
        mask (DataArray over the horizontal dims), or a ``regionmask.Regions``. Where areas
        overlap, a cell is test.
    buffer : Buffer, optional
        What is kept free around held-out areas.
    tiles : mapping, optional
        Size of the blocks that counts and intervals are based on; they follow from the extent
        (:meth:`resolve`) and take no part in the roles.
    """

    test: AreaLike | Sequence[AreaLike]
    validation: AreaLike | Sequence[AreaLike] = ()
    buffer: Buffer | None = None
    tiles: Mapping[str, Size | str] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for role in _HELD:
            object.__setattr__(self, role, tuple(_areas(getattr(self, role), role)))
        if not self.test:
            raise SpecError("No area is held out for test.", field="split.test")

    def resolve(self, ds: xr.Dataset) -> RegionSplit:
        """Return this split with masks read, and tiles that suit the extent of `ds`.

        Raises
        ------
        SpecError
            ``other_grid`` where a mask is not on the grid of `ds`, ``unknown_region`` where a
            name is neither a region nor a variable.
        """
        grid = grid_of(ds)
        places = Places.of(ds, grid, field="split.kind")
        test, validation = (
            tuple(_read(area, ds, (grid, places), f"split.{role}") for area in getattr(self, role))
            for role in _HELD
        )
        if self.buffer is not None:
            self.buffer.reach("angle" if places.angle else "length")
        return replace(self, test=test, validation=validation, tiles=tiles_of(ds, grid))

    def assign(self, frame: xr.Dataset) -> xr.DataArray:
        """Return the role of each place, see :meth:`Split.assign`."""
        places = Places.of(frame, grid_of(frame), field="split.kind")
        roles = self._roles(places)
        if self.buffer is not None and (
            reach := self.buffer.reach("angle" if places.angle else "length")
        ):
            near_test = _any(area.near(places, reach) for area in self._held("test"))
            near = near_test | _any(area.near(places, reach) for area in self._held("validation"))
            roles[((roles == 0) & near) | ((roles == 1) & near_test)] = BUFFER
        y, x = places.every()
        # Cells without a place lie in no area, and are not everything else either.
        roles[~(np.isfinite(y) & np.isfinite(x))] = BUFFER
        found = role_array(roles, places.dims, along(frame, places.dims))
        return found.transpose(*(dim for dim in frame.dims if dim in found.dims))

    def block_ids(self, frame: xr.Dataset) -> xr.DataArray:
        """Return horizontal tiles within each role."""
        grid = grid_of(frame)
        places = Places.of(frame, grid, field="split.kind")
        tiles = tiles_of(frame, grid) if self.tiles is None else self.tiles
        cuts = cuts_of(frame, grid, tiles)
        roles = role_array(self._roles(places), places.dims, along(frame, places.dims))
        ids = ids_of(frame, 0, cuts).broadcast_like(roles).transpose(*places.dims)
        mixed = mix64(ids.values.view(np.uint64)) ^ roles.values.astype(np.uint64)
        return in_order_of(frame, mixed.view(np.int64), list(places.dims), "block")

    def to_dict(self) -> dict[str, Any]:
        """Return kind, areas, buffer and tiles."""
        rule: dict[str, Any] = {
            "kind": "region",
            **{role: [_stored(area) for area in getattr(self, role)] for role in _HELD},
        }
        if self.buffer is not None:
            rule["buffer"] = self.buffer.to_dict()
        return rule if self.tiles is None else rule | {"tiles": sizes_as_text(self.tiles)}

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> RegionSplit:
        """Read what :meth:`to_dict` returned.

        Raises
        ------
        SpecError
            ``mask_needed``: of a mask only the digest is stored.
        """
        areas = {
            role: [area if isinstance(area, str) else area_from_dict(area) for area in rule[role]]
            for role in _HELD
        }
        return cls(**areas, buffer=Buffer.from_dict(rule.get("buffer")), tiles=rule.get("tiles"))

    def _roles(self, places: Places) -> NDArray[np.int8]:
        roles = np.zeros(places.shape, np.int8)
        for code, role in ((1, "validation"), (2, "test")):
            for area in self._held(role):
                roles[area.contains(places)] = code
        return roles

    def _held(self, role: str) -> list[Area]:
        areas = getattr(self, role)
        unread = [area for area in areas if not isinstance(area, Area)]
        if unread:
            raise SpecError(
                f"The area {_name(unread[0])} has not been read from the cube yet.",
                hint="Call split.resolve(cube) first.",
                code="unresolved",
                field=f"split.{role}",
            )
        return list(areas)


def _areas(given: AreaLike | Sequence[AreaLike], role: str) -> list[Area | str | xr.DataArray]:
    """Return the areas that a person gave in any of the accepted forms."""
    if isinstance(given, Area | str | xr.DataArray):
        return [_named(given) if isinstance(given, str) else given]
    if isinstance(given, Region):
        return [_box((given.west, given.south, given.east, given.north), role)]
    if hasattr(given, "polygons") and hasattr(given, "names"):
        return [
            Polygon(str(name), shape.wkt)
            for name, shape in zip(given.names, given.polygons, strict=True)
        ]
    if isinstance(given, Sequence):
        if len(given) == 4 and all(isinstance(edge, int | float) for edge in given):
            return [_box(tuple(given), role)]
        return [area for part in given for area in _areas(part, role)]
    raise SpecError(
        f"{type(given).__name__} is no area.",
        hint="Give a box (west, south, east, north), a region such as 'srex:AMZ', or a mask.",
        field=f"split.{role}",
    )


def _box(edges: tuple[float, ...], role: str) -> Box:
    west, south, east, north = map(float, edges)
    if not south < north:
        raise SpecError(
            "The box's south is not south of its north.",
            hint="The order is west, south, east, north.",
            field=f"split.{role}",
        )
    return Box(west, south, east, north)


def _named(name: str) -> Area | str:
    """Return the region of a catalogue by its name; other names are variables, read later."""
    catalogue, _, key = name.partition(":")
    if catalogue.lower() not in _CATALOGUES or not key:
        return name
    import regionmask

    regions = getattr(regionmask.defined_regions, _CATALOGUES[catalogue.lower()])
    try:
        region = regions[key]
    except KeyError:
        raise SpecError(
            f"{catalogue} has no region '{key}'.",
            hint=f"It has {', '.join(regions.abbrevs)}.",
            code="unknown_region",
            field="split.test",
        ) from None
    return Polygon(f"{catalogue.lower()}:{region.abbrev}", region.polygon.wkt)


def _read(
    area: Area | str | xr.DataArray, ds: xr.Dataset, where: tuple[Grid, Places], field: str
) -> Area:
    grid, places = where
    if isinstance(area, Area):
        if isinstance(area, Polygon) and not grid.geographic:
            raise SpecError(
                f"'{area.name}' is in longitude and latitude, the grid of the cube is not.",
                hint="Give boxes in the CRS of the cube, or a mask on its grid.",
                field=field,
            )
        return area
    if isinstance(area, str):
        if area not in ds.variables:
            raise SpecError(
                f"'{area}' is neither a region nor a variable of the cube.",
                hint="Regions are called 'srex:AMZ' or 'giorgi:AMZ'.",
                code="unknown_region",
                field=field,
            )
        area = ds[area]
    return mask_of(area, places)


def _stored(area: Area | str | xr.DataArray) -> Any:
    return area.to_dict() if isinstance(area, Area) else _name(area)


def _name(area: str | xr.DataArray) -> str:
    return area if isinstance(area, str) else str(area.name or "mask")


def _any(found: Iterable[NDArray[np.bool_]]) -> NDArray[np.bool_] | np.bool_:
    parts = list(found)
    return np.logical_or.reduce(parts) if parts else np.False_
