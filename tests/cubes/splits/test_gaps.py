"""A split by gaps holds out the shapes of real gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.splits.gaps import GapSplit
from jupyter_mlkit.cubes.splits.stored import split_from_json
from jupyter_mlkit.errors import SpecError

from ..made import small_cube

TARGET = "land_surface_temperature"


@pytest.fixture(scope="module")
def demo(demo_path: Path) -> xr.Dataset:
    return xr.open_zarr(demo_path, chunks=None)


@pytest.fixture(scope="module")
def split(demo: xr.Dataset) -> GapSplit:
    return GapSplit(target=TARGET).resolve(demo)


def test_held_out_shapes_are_real_gaps_from_other_dates(demo: xr.Dataset, split: GapSplit) -> None:
    """GapSplit: held-out shapes are real gap masks from other dates."""
    roles, units = split.assign(demo).values, split.block_ids(demo).values
    missing = np.isnan(demo[TARGET].values)
    days = demo.time.values
    for unit in np.unique(units[roles > 0]):
        t, *cells = np.nonzero(units == unit)
        assert len(set(t)) == 1
        here = tuple(cells)
        held = roles[t[0]][here] > 0
        assert len(np.unique(roles[t[0]][here][held])) == 1
        donors = [u for u in range(len(days)) if (missing[u][here] == held).all()]
        assert set(donors) - {t[0]}


def test_shares_of_valid_cells_are_as_asked_for(demo: xr.Dataset) -> None:
    valid = np.isfinite(demo[TARGET].values)
    found = []
    for seed in range(8):
        roles = GapSplit((0.75, 0.1, 0.15), seed, TARGET).resolve(demo).assign(demo).values
        found.append(np.bincount(roles[valid], minlength=3) / valid.sum())
    np.testing.assert_allclose(np.mean(found, axis=0), (0.75, 0.1, 0.15), atol=0.02)


def test_roles_are_the_same_in_a_crop_and_after_the_cube_has_grown(
    demo: xr.Dataset, split: GapSplit
) -> None:
    roles, units = split.assign(demo), split.block_ids(demo)
    crop = {"time": slice(3, 7), "lat": slice(50, 90), "lon": slice(10, 200)}
    xr.testing.assert_identical(split.assign(demo.isel(crop)), roles.isel(crop))
    xr.testing.assert_identical(split.block_ids(demo.isel(crop)), units.isel(crop))
    later = demo.time + np.timedelta64(80, "D")
    grown = xr.concat([demo, demo.assign_coords(time=later)], "time")
    turned = split.assign(grown.isel(lat=slice(None, None, -1)).transpose("lon", "time", "lat"))
    back = turned.transpose("time", "lat", "lon").isel(time=slice(0, 10), lat=slice(None, None, -1))
    assert (back.values == roles.values).all()


def test_the_stored_rule_reads_the_same_gaps_again(demo: xr.Dataset, split: GapSplit) -> None:
    again = split_from_json(split.to_json())
    assert again.hash == split.hash
    assert len(split.to_dict()["dates"]) == 10
    with pytest.raises(SpecError, match="not been read"):
        again.assign(demo)
    later = demo.time + np.timedelta64(80, "D")
    grown = xr.concat([demo, demo.assign_coords(time=later)], "time")
    for cube in (demo, grown):
        rule = again.resolve(cube)
        assert rule.hash == split.hash
        assert (rule.assign(demo).values == split.assign(demo).values).all()
    with pytest.raises(SpecError) as caught:
        again.resolve(demo.isel(time=slice(0, 5)))
    assert caught.value.code == "other_cube"


def test_cells_without_rows_and_levels_have_gaps_too() -> None:
    cube = small_cube(n_time=12, n_lat=12, n_lon=15)[["b"]]
    flat = cube.stack(cell=("lat", "lon")).reset_index("cell")
    flat = flat.assign_coords(
        lat=flat.lat.assign_attrs(standard_name="latitude", units="degrees_north"),
        lon=flat.lon.assign_attrs(standard_name="longitude", units="degrees_east"),
    )
    rows, scattered = (
        GapSplit((0.8, 0.1, 0.1), tiles={"lat": "5 deg", "lon": "5 deg"}).resolve(ds)
        for ds in (cube, flat)
    )
    wanted = rows.assign(cube).transpose("time", "lat", "lon").values
    found = scattered.assign(flat).transpose("time", "cell").values
    assert (found == wanted.reshape(found.shape)).all()
    crop = flat.isel(cell=slice(30, 90))
    assert (scattered.assign(crop).values == scattered.assign(flat)[:, 30:90].values).all()
    levels = xr.concat([cube, cube.roll(time=3)], "level").assign_coords(level=[1.0, 2.0])
    roles = GapSplit((0.8, 0.1, 0.1)).resolve(levels).assign(levels)
    assert set(roles.dims) == {"time", "level", "lat", "lon"}
    assert set(np.unique(roles)) == {0, 1, 2}


def test_what_cannot_be_held_out_is_said() -> None:
    cube = small_cube()
    with pytest.raises(SpecError, match="whose gaps"):
        GapSplit().resolve(cube)
    with pytest.raises(SpecError) as caught:
        GapSplit(target="a").resolve(cube)
    assert caught.value.code == "no_gaps"
    assert "0.0%" in caught.value.message
    with pytest.raises(SpecError, match="does not change in time"):
        GapSplit(target="height").resolve(cube)
    with pytest.raises(SpecError, match="time dim with dates"):
        GapSplit(target="height").resolve(cube[["height"]])
