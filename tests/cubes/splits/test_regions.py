"""Regions: boxes across the seam, named regions, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import regionmask
import xarray as xr

from jupyter_mlkit.cubes.splits.from_spec import split_from_spec
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.stored import split_from_json
from jupyter_mlkit.errors import SpecError
from jupyter_mlkit.spec import BufferSpec, Region
from jupyter_mlkit.spec import RegionSplit as RegionSpec

from ..made import globe
from .frames import cells, plane, swath


def test_a_box_across_the_seam_holds_out_both_sides() -> None:
    for frame in (globe(5.0), globe(5.0, lon0=0.0)):
        roles = RegionSplit((170, -10, -160, 10), (10, 50, 30, 60)).assign(frame)
        held = roles.where(roles == 2, drop=True)
        assert sorted(set(np.mod(held.lon.values, 360))) == [
            172.5,
            177.5,
            182.5,
            187.5,
            192.5,
            197.5,
        ]
        assert held.lat.min() == -7.5
        assert (roles == 1).sum() == 4 * 2
        assert roles.dims == ("lat", "lon")


def test_edges_belong_to_the_box_and_test_wins_where_areas_overlap() -> None:
    frame = globe(5.0)
    roles = RegionSplit((2.5, 2.5, 12.5, 12.5), (7.5, 7.5, 22.5, 22.5)).assign(frame)
    assert (roles == 2).sum() == 9
    assert (roles == 1).sum() == 16 - 4
    whole = RegionSplit((-180, 0, 180, 90)).assign(frame)
    assert (whole.sel(lat=slice(90, 0)) == 2).all()
    assert (whole.sel(lat=slice(0, -90)) == 0).all()


@pytest.mark.parametrize(
    ("catalogue", "name"), [("srex", "AMZ"), ("giorgi", "AMZ"), ("srex", "NAS")]
)
def test_named_regions_are_those_of_regionmask(catalogue: str, name: str) -> None:
    frame = globe(2.5)
    regions = getattr(regionmask.defined_regions, catalogue)
    wanted = regions[[name]].mask_3D(frame.lon, frame.lat, drop=False)[0].values
    roles = RegionSplit(f"{catalogue}:{name}").resolve(frame).assign(frame)
    assert ((roles == 2).values == wanted).mean() > 0.999
    given = RegionSplit(regions[[name]]).resolve(frame).assign(frame)
    assert (given.values == roles.values).all()


@pytest.mark.parametrize("frame", [globe(5.0), plane(), swath(), cells()])
def test_a_mask_holds_out_its_cells_in_every_crop(frame: xr.Dataset) -> None:
    dims = [str(dim) for dim in frame.sizes if dim != "time"]
    shape = [frame.sizes[dim] for dim in dims]
    mask = xr.DataArray(np.random.default_rng(0).random(shape) < 0.3, dims=dims, name="held")
    cube = frame.assign(held=mask.astype("i1"))
    by_name, given = (RegionSplit(area).resolve(cube) for area in ("held", mask))
    roles = by_name.assign(frame)
    assert ((roles == 2) == mask.transpose(*roles.dims)).all()
    assert by_name.hash == given.hash
    crop = {dim: slice(3, 17) for dim in dims}
    assert (by_name.assign(frame.isel(crop)).values == roles.isel(crop).values).all()
    with pytest.raises(SpecError) as caught:
        split_from_json(by_name.to_json())
    assert caught.value.code == "mask_needed"


def test_a_mask_of_another_grid_is_an_error() -> None:
    frame = globe(5.0)
    for mask in (
        xr.DataArray(np.ones((3, 4), bool), dims=("lat", "lon")),
        xr.DataArray(np.ones(36, bool), dims="lat"),
        xr.DataArray(np.ones((8, 36, 72), bool), dims=("time", "lat", "lon")),
    ):
        with pytest.raises(SpecError) as caught:
            RegionSplit(mask).resolve(frame)
        assert caught.value.code == "other_grid"
    other = RegionSplit(xr.DataArray(np.ones((36, 72)), dims=("lat", "lon"))).resolve(frame)
    with pytest.raises(SpecError) as caught:
        other.assign(globe(2.5))
    assert caught.value.code == "other_grid"


@pytest.mark.parametrize(
    ("area", "code"),
    [
        ("srex:NOWHERE", "unknown_region"),
        ("Amazon", "unknown_region"),
        ((0, 10, 20, 5), "invalid_spec"),
        (7, "invalid_spec"),
        ((), "invalid_spec"),
    ],
)
def test_a_wrong_area_is_named(area: Any, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        RegionSplit(area).resolve(globe(5.0))
    assert caught.value.code == code
    assert caught.value.field == "split.test"


def test_names_need_longitudes_and_unread_masks_are_said() -> None:
    with pytest.raises(SpecError, match="longitude and latitude"):
        RegionSplit("srex:AMZ").resolve(plane())
    with pytest.raises(SpecError, match="not been read"):
        RegionSplit("held").assign(globe(5.0))
    with pytest.raises(SpecError, match="no horizontal dims"):
        RegionSplit((0, 0, 1, 1)).resolve(xr.Dataset(coords={"time": globe(5.0).time}))


def test_a_spec_names_regions() -> None:
    spec = RegionSpec(
        test=["srex:AMZ", Region(west=0, south=0, east=10, north=10)],
        validation=["srex:WAF"],
        buffer=BufferSpec(space="500 km"),
    )
    frame = globe(5.0)
    split = split_from_spec(spec).resolve(frame)
    roles = split.assign(frame)
    assert set(np.unique(roles)) == {0, 1, 2, 3}
    ids = split.block_ids(frame)
    for code in (0, 1, 2):
        mine = set(np.unique(ids.values[roles.values == code]))
        assert not mine & set(np.unique(ids.values[(roles.values != code) & (roles.values < 3)]))
