"""Cells keep their place, whatever file they stand in."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlkit.cubes.grids import positions as module
from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.healpix import cell_centres
from jupyter_mlkit.cubes.grids.positions import Positions, positions
from jupyter_mlkit.errors import CubeError

from .kinds import KINDS, healpix, icon, projected, rotated, swath


def places(ds: xr.Dataset) -> Positions:
    return positions(ds, grid_of(ds))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_cell_has_one_place_under_any_crop_and_order(kind: str) -> None:
    """ "the role of a shared cell is the same under any crop, ... re-ordering, float width"."""
    ds = KINDS[kind]()
    grid, whole = grid_of(ds), places(ds)
    for cut in (slice(3, 7), slice(None, None, -2)):
        part = dict.fromkeys(grid.horizontal, cut)
        for crop in (ds.isel(part), ds.isel(part).coords.to_dataset()):
            found = places(crop)
            for name in ("y", "x"):
                mine = dict.fromkeys(getattr(whole, name).dims, cut)
                xr.testing.assert_identical(getattr(found, name), getattr(whole, name).isel(mine))
    narrow = ds.assign_coords(
        {
            name: coord.astype("float32")
            for name, coord in ds.coords.items()
            if np.issubdtype(coord.dtype, np.floating)
        }
    )
    found = places(narrow)
    if kind != "icon":  # radians are rounded before they become degrees
        xr.testing.assert_equal(found.y, whole.y)
        xr.testing.assert_equal(found.x, whole.x)


@pytest.mark.parametrize(
    ("ds", "dims", "geographic"),
    [
        (projected(), [("northing",), ("easting",)], False),
        (rotated(), [("rlat",), ("rlon",)], True),
        (swath(), [("rows", "columns")] * 2, True),
        (icon(), [("ncells",)] * 2, True),
        (healpix(), [("cell",)] * 2, True),
    ],
)
def test_positions_lie_over_the_horizontal_dims(
    ds: xr.Dataset, dims: list[tuple[str, ...]], geographic: bool
) -> None:
    found = places(ds)
    assert [found.y.dims, found.x.dims] == dims
    assert found.geographic is geographic
    assert found.y.dtype == found.x.dtype == np.float64


def test_positions_are_degrees_modulo_360_or_metres() -> None:
    assert places(projected()).x.values[0] == 4_000_000
    for ds in (rotated(), swath(), icon()):
        x = places(ds).x.values
        assert x.min() >= 0
        assert 180 < x.max() < 360
    ds = icon()
    np.testing.assert_allclose(places(ds).y, np.degrees(ds.clat), rtol=1e-6)


def test_a_transposed_longitude_is_turned() -> None:
    ds = swath()
    turned = ds.assign_coords(
        longitude=(("columns", "rows"), ds.longitude.values.T, ds.longitude.attrs)
    )
    xr.testing.assert_equal(places(turned).x, places(ds).x)


def test_a_frame_is_asked_once_and_forgotten_with_it() -> None:
    ds = swath()
    first = places(ds)
    assert places(ds) is first
    key = id(ds)
    assert key in module._known
    del ds
    gc.collect()
    assert key not in module._known


def test_cells_without_a_place_are_an_error() -> None:
    for ds in (xr.Dataset({"v": ("station", [1.0])}), xr.Dataset({"v": (("y", "x"), [[1.0]])})):
        with pytest.raises(CubeError) as caught:
            places(ds)
        assert caught.value.code == "unsupported_grid"


@given(level=st.integers(0, 9), data=st.data())
def test_both_orders_of_healpix_name_the_same_cells(level: int, data: st.DataObject) -> None:
    nside = 2**level
    face = data.draw(st.integers(0, 11))
    if level <= 5:
        every = np.arange(12 * nside**2)
        ring = np.round(np.stack(cell_centres(every, nside, nested=False)), 9)
        nest = np.round(np.stack(cell_centres(every, nside, nested=True)), 9)
        order = [np.lexsort(found) for found in (ring, nest)]
        np.testing.assert_allclose(ring[:, order[0]], nest[:, order[1]], atol=1e-8)
    # The four children of a nested cell surround its centre.
    parent = face * nside**2 + data.draw(st.integers(0, nside**2 - 1))
    lat, lon = cell_centres(np.array([parent]), nside, nested=True)
    below, _ = cell_centres(4 * parent + np.arange(4), 2 * nside, nested=True)
    assert below.min() <= lat[0] + 1e-9
    assert lat[0] <= below.max() + 1e-9
    assert 0 <= lon[0] < 360


def test_healpix_centres_are_the_published_ones() -> None:
    """Gorski et al. (2005): rings of nside 1 lie at z = 2/3, 0, -2/3; of nside 2 begin at 11/12."""
    lat, lon = cell_centres(np.arange(12), 1, nested=False)
    np.testing.assert_allclose(np.sin(np.radians(lat)), np.repeat([2 / 3, 0, -2 / 3], 4))
    np.testing.assert_allclose(lon, [45, 135, 225, 315, 0, 90, 180, 270, 45, 135, 225, 315])
    lat, lon = cell_centres(np.array([0, 4, 12, 47]), 2, nested=False)
    np.testing.assert_allclose(np.sin(np.radians(lat)), [11 / 12, 2 / 3, 1 / 3, -11 / 12])
    np.testing.assert_allclose(lon, [45, 22.5, 0, 315])
    with pytest.raises(CubeError):
        cell_centres(np.array([12]), 1, nested=True)


def test_xdggs_cell_ids_are_healpix() -> None:
    ids = np.array([7, 3, 11])
    attrs = {"grid_name": "healpix", "level": 3, "indexing_scheme": "nested"}
    ds = xr.Dataset({"a": ("cells", [1.0, 2, 3])}, coords={"cell_ids": ("cells", ids, attrs)})
    lat, _ = cell_centres(ids, 8, nested=True)
    np.testing.assert_allclose(places(ds).y, lat, rtol=1e-6)
