"""Laws of the buffer, against distances by brute force."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.buffer import Buffer
from jupyter_mlkit.cubes.splits.distance import BoxRow, Plane, Sphere, near_at, near_on_grid
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.times import TimeSplit
from jupyter_mlkit.errors import SpecError

from ..made import globe
from .frames import FRAMES, apart, cells, full, plane

METRES = {"lonlat": 700_000.0, "swath": 300_000.0, "cells": 900_000.0, "plane": 25_000.0}
APART = {kind: apart(FRAMES[kind]) for kind in METRES}
DAYS = np.arange(6) * 8.0


def buffered(
    kind: str, where: dict[str, str], space: float | None, time: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Roles without and with a buffer."""
    shares = (0.8, 0.08, 0.12)
    buffer = Buffer(None if space is None else f"{space} m", None if time is None else f"{time}D")
    frame = FRAMES[kind]
    return (
        full(BlockSplit(where, shares, 5).assign(frame), frame),
        full(BlockSplit(where, shares, 5, buffer).assign(frame), frame),
    )


def near(kind: str, held: np.ndarray, space: float, days: float) -> np.ndarray:
    """Cells within both distances of a held cell, by brute force."""
    found = np.zeros(held.shape, bool)
    for t in range(len(DAYS)):
        for u in np.flatnonzero(np.abs(DAYS - DAYS[t]) <= days):
            found[t] |= (APART[kind][:, held[u]] <= space).any(axis=1)
    return found


SIZES = {
    "space": {"lat": "10 deg", "lon": "20 deg"},
    "space and time": {"lat": "10 deg", "lon": "20 deg", "time": "16D"},
    "parallels": {"lat": "20 deg"},
    "meridians": {"lon": "40 deg"},
    "time": {"time": "16D"},
}
FLAT = {
    "space": {"y": "60 km", "x": "80 km"},
    "space and time": {"y": "60 km", "x": "80 km", "time": "16D"},
    "parallels": {"y": "60 km"},
    "meridians": {"x": "60 km"},
    "time": {"time": "16D"},
}


@pytest.mark.parametrize("kind", list(METRES))
@pytest.mark.parametrize("cut", list(SIZES))
@pytest.mark.parametrize(("space", "time"), [(1, 10.0), (1, None), (None, 10.0)])
def test_buffer_removes_train_and_validation_cells_but_never_test_cells(
    kind: str, cut: str, space: int | None, time: float | None
) -> None:
    """Buffer removes train cells (and validation cells near test), never test cells: role
    buffer; a cell goes if it is within d_space *and* d_time."""
    reach = None if space is None else METRES[kind]
    sizes = (FLAT if kind == "plane" else SIZES)[cut]
    plain, kept = buffered(kind, sizes, reach, time)
    assert ((kept == 2) == (plain == 2)).all()
    assert ((kept == plain) | (kept == 3)).all()
    dated = "time" in sizes
    days = (time or 0.0) if dated else np.inf
    within = reach or 0.0
    if cut == "time":
        # Every place is held out at its times: the same place is always near.
        within = 0.0
    held, test = (plain == 1) | (plain == 2), plain == 2
    assert not ((kept == 0) & near(kind, held, within, days)).any()
    assert not ((kept == 1) & near(kind, test, within, days)).any()


def test_a_cell_goes_only_if_it_is_near_a_held_out_block() -> None:
    """The same laws from the other side: sample the blocks densely."""
    dense, coarse = globe(1.0, n_time=1), globe(5.0, n_time=1)
    split = BlockSplit({"lat": "10 deg", "lon": "20 deg"}, (0.8, 0.08, 0.12), 5)
    held = split.assign(dense).values.ravel() > 0
    kept = BlockSplit(split.sizes, split.shares, 5, Buffer("700 km")).assign(coarse).values
    removed = (kept == 3).ravel()
    lat, lon = (part.ravel() for part in np.meshgrid(dense.lat, dense.lon, indexing="ij"))
    y, x = (part.ravel() for part in np.meshgrid(coarse.lat, coarse.lon, indexing="ij"))
    nearest = [_nearest(y[i], x[i], lat[held], lon[held]) for i in np.flatnonzero(removed)]
    # Half a diagonal of the dense cells further at most.
    assert max(nearest) <= 700 + 80
    assert removed.sum() > 100


def _nearest(y: float, x: float, lat: np.ndarray, lon: np.ndarray) -> float:
    a, b = np.radians(y), np.radians(lat)
    cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(np.radians(lon - x))
    return float(6371.0088 * np.arccos(np.clip(cosine.max(), -1, 1)))


@given(
    y=st.floats(-90, 90), x=st.floats(0, 359.99), south=st.floats(-90, 85), height=st.floats(1, 60),
    west=st.floats(0, 359), width=st.floats(1, 200), reach=st.floats(0.5, 60), sphere=st.booleans(),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_the_distance_to_a_box_is_that_to_its_nearest_point(
    y: float, x: float, south: float, height: float, west: float, width: float, reach: float,
    sphere: bool,
) -> None:  # fmt: skip
    north = min(90.0, south + height)
    row = BoxRow(south, north, np.array([west]), np.array([west + width]), sphere)
    q, p = np.meshgrid(np.linspace(south, north, 400), np.linspace(west, west + width, 400))
    if sphere:
        a, b = np.radians(y), np.radians(q)
        cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(np.radians(p - x))
        distance = float(np.degrees(np.arccos(np.clip(cosine.max(), -1, 1))))
    else:
        distance = float(np.hypot(q - y, p - x).min())
    if abs(distance - reach) < 0.6:
        return
    geometry = Sphere() if sphere else Plane()
    at, on = np.array([y]), np.array([x])
    assert near_at(at, on, [row], reach, geometry)[0] == (distance < reach)
    assert near_on_grid(at, on, [row], reach, geometry)[0, 0] == (distance < reach)


@pytest.mark.parametrize("kind", ["lonlat", "swath", "cells", "plane"])
def test_a_buffer_around_regions_reaches_as_far_as_it_says(kind: str) -> None:
    frame = FRAMES[kind]
    flat = kind == "plane"
    areas = (
        ((4_050_000, 2_800_000, 4_200_000, 2_900_000), (4_300_000, 2_750_000, 4_380_000, 2_850_000))
        if flat
        else ((350, 10, 20, 40), "srex:WAF")
    )
    plain = full(RegionSplit(*areas).resolve(frame).assign(frame), frame)[0]
    buffer = Buffer(f"{METRES[kind]} m")
    kept = full(RegionSplit(*areas, buffer=buffer).resolve(frame).assign(frame), frame)[0]
    distance = APART[kind]
    assert ((kept == 2) == (plain == 2)).all()
    assert not ((kept == 0) & (distance[:, plain > 0] <= METRES[kind]).any(axis=1)).any()
    assert not ((kept == 1) & (distance[:, plain == 2] <= METRES[kind]).any(axis=1)).any()
    assert (kept == 3).any()


def test_a_buffer_around_a_mask_is_exact() -> None:
    frame = cells()
    held = (np.abs(frame.lat) < 20) & (np.abs(frame.lon) < 30)
    split = RegionSplit(held.rename("tropics"), buffer=Buffer("1000 km")).resolve(frame)
    roles = split.assign(frame).values
    distance = APART["cells"][:, held.values].min(axis=1)
    assert ((roles == 3) == (~held.values & (distance <= 1_000_000))).all()
    assert ((roles == 2) == held.values).all()


def test_a_buffer_in_time_ends_train_before_the_later_roles() -> None:
    """No train *target* later than test start minus lead."""
    time = np.datetime64("2002-01-01", "ns") + np.arange(100) * np.timedelta64(1, "D")
    frame = xr.Dataset(coords={"time": time})
    for lead in (1, 5):
        roles = TimeSplit("2002-02-10", "2002-03-01", lead=f"{lead}D").assign(frame).values
        last = time[roles == 0].max()
        assert last == np.datetime64("2002-02-10") - np.timedelta64(lead, "D")
        assert time[roles == 1].max() == np.datetime64("2002-03-01") - np.timedelta64(lead, "D")
        assert (roles[time >= np.datetime64("2002-03-01")] == 2).all()
    roles = TimeSplit("2002-02-10", "2002-03-01", buffer="5D").assign(frame).values
    assert time[roles == 0].max() == np.datetime64("2002-02-04")
    assert time[roles == 1].max() == np.datetime64("2002-02-23")
    assert (roles == 3).sum() == 10


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Buffer(), "split.buffer"),
        (lambda: Buffer(space="5D"), "split.buffer.space"),
        (lambda: Buffer(time="5 km"), "split.buffer.time"),
        (lambda: TimeSplit("2002-02-10", "2002-03-01", buffer="5 km"), "split.buffer"),
        (
            lambda: BlockSplit({"y": "60 km"}, buffer=Buffer("2 deg")).assign(plane()),
            "split.buffer.space",
        ),
    ],
)
def test_a_wrong_buffer_is_named(make: object, field: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.field == field
