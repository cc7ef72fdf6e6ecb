"""Laws of every split on every grid; the sentences are those of the definitions."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.splits.roles import FLAG_MEANINGS
from jupyter_mlkit.cubes.splits.stored import split_from_json

from .frames import CASES, FRAMES, full, plane, rules

every_rule = pytest.mark.parametrize(("kind", "name"), CASES)


def slices(n: int) -> st.SearchStrategy[slice]:
    return st.tuples(st.integers(0, n - 1), st.integers(1, n)).map(
        lambda pair: slice(pair[0], min(n, pair[0] + pair[1]))
    )


@given(case=st.sampled_from(CASES), data=st.data())
@settings(max_examples=80, deadline=None)
def test_the_role_of_a_shared_cell_is_the_same_under_any_crop_or_extension(
    case: tuple[str, str], data: st.DataObject
) -> None:
    kind, name = case
    whole = FRAMES[kind]
    split = rules(kind)[name].resolve(whole)
    box = {str(dim): data.draw(slices(n)) for dim, n in whole.sizes.items()}
    crop = whole.isel(box)
    for rule in (split.assign, split.block_ids):
        found = rule(whole)
        wanted = found.isel({dim: part for dim, part in box.items() if dim in found.dims})
        xr.testing.assert_identical(rule(crop), wanted)


@every_rule
def test_the_role_is_the_same_under_re_ordering(kind: str, name: str) -> None:
    frame = FRAMES[kind]
    split = rules(kind)[name].resolve(frame)
    dims = list(reversed([str(dim) for dim in frame.sizes]))
    turned = xr.Dataset(
        coords={
            key: frame[key].transpose(*(dim for dim in dims if dim in frame[key].dims))
            for key in frame.coords
        }
    ).isel(dict.fromkeys(dims, slice(None, None, -1)))
    mine = split.assign(frame)
    theirs = split.assign(turned).isel(
        {dim: slice(None, None, -1) for dim in dims if dim in mine.dims}
    )
    assert set(theirs.dims) == set(mine.dims)
    assert (full(mine, frame) == full(theirs, frame)).all()


@every_rule
def test_the_role_is_the_same_under_another_float_width_or_chunking(kind: str, name: str) -> None:
    frame = FRAMES[kind]
    split = rules(kind)[name].resolve(frame)
    narrow = frame.assign_coords(
        {
            key: frame[key].astype("f4", keep_attrs=True)
            for key in frame.coords
            if frame[key].dtype == np.float64
        }
    )
    sizes = [frame.sizes[dim] for dim in frame.sizes]
    chunked = narrow.assign(v=(list(frame.sizes), np.zeros(sizes, "f4"))).chunk(7)
    wanted = split.assign(frame).values
    assert (split.assign(narrow).values == wanted).all()
    assert (split.assign(chunked).values == wanted).all()


@every_rule
def test_the_rule_is_stored_whole(kind: str, name: str) -> None:
    """The split is self-contained: JSON and a pickle give the same roles and hash."""
    frame = FRAMES[kind]
    split = rules(kind)[name].resolve(frame)
    for again in (split_from_json(split.to_json()), pickle.loads(pickle.dumps(split))):
        assert again.hash == split.hash
        xr.testing.assert_identical(again.assign(frame), split.assign(frame))
        xr.testing.assert_identical(again.block_ids(frame), split.block_ids(frame))
    assert len(split.hash) == 16
    json.loads(split.to_json())


@every_rule
def test_a_role_array_has_flag_meanings_and_only_the_dims_it_depends_on(
    kind: str, name: str
) -> None:
    roles = rules(kind)[name].resolve(FRAMES[kind]).assign(FRAMES[kind])
    assert roles.dtype == np.int8
    assert roles.name == "role"
    assert roles.attrs["flag_meanings"] == FLAG_MEANINGS == "train validation test buffer"
    assert roles.attrs["flag_values"].tolist() == [0, 1, 2, 3]
    in_time = name in ("time", "random", "region and time") or "in time" in name
    assert ("time" in roles.dims) == in_time
    assert 0 in roles
    # The tilted grid does not reach the Amazon.
    assert 2 in roles or (kind, name) == ("swath", "named region, buffer")


@every_rule
def test_rows_for_scikit_learn_are_the_train_and_test_cells(kind: str, name: str) -> None:
    frame = FRAMES[kind]
    split = rules(kind)[name]
    dims = list(frame.sizes)
    cube = frame.assign(v=(dims, np.zeros([frame.sizes[dim] for dim in dims], "f4")))
    [(train, test)] = list(split.split(cube))
    roles = split.resolve(frame).assign(frame).broadcast_like(cube.v).transpose(*dims).values
    assert np.array_equal(train, np.flatnonzero(roles == 0))
    assert np.array_equal(test, np.flatnonzero(roles == 2))
    kept = np.arange(0, roles.size, 7)
    [(train, test)] = list(split.split(cube.v, cells=kept))
    assert (roles.ravel()[kept[train]] == 0).all()
    assert (roles.ravel()[kept[test]] == 2).all()
    assert len(train) == (roles.ravel()[kept] == 0).sum()


@pytest.mark.parametrize("name", list(rules("plane")))
def test_kilometres_and_metres_name_the_same_cells(name: str) -> None:
    metres, kilometres = plane(), plane("km")
    split = rules("plane")[name].resolve(metres)
    assert (split.assign(metres).values == split.assign(kilometres).values).all()


@pytest.mark.parametrize("name", list(rules("lonlat")))
def test_longitudes_from_0_and_from_minus_180_name_the_same_cells(name: str) -> None:
    """Longitude modulo 360 with the seam closed."""
    west, east = FRAMES["lonlat"], FRAMES["0..360"]
    split = rules("lonlat")[name].resolve(east)
    mine, theirs = full(split.assign(east), east), full(split.assign(west), west)
    n = west.sizes["lon"]
    turned = theirs.reshape(-1, west.sizes["lat"], n)
    assert (np.roll(turned, n // 2, axis=2).reshape(mine.shape) == mine).all()


@pytest.mark.parametrize("name", ["block", "block in time, buffer", "region, buffer", "random"])
def test_a_point_has_one_role_whatever_grid_it_is_on(name: str) -> None:
    frame = FRAMES["lonlat"]
    flat = frame.stack(cell=("lat", "lon")).reset_index("cell")
    flat = flat.assign_coords(
        lat=flat.lat.assign_attrs(standard_name="latitude", units="degrees_north"),
        lon=flat.lon.assign_attrs(standard_name="longitude", units="degrees_east"),
    )
    split = rules("lonlat")[name].resolve(frame)
    assert (full(split.assign(flat), flat) == full(split.assign(frame), frame)).all()
