"""Frames of every kind of grid, and distances between their cells by brute force."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.positions import positions
from jupyter_mlkit.cubes.splits.base import Split
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.buffer import Buffer
from jupyter_mlkit.cubes.splits.folds import BlockKFold
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.times import TimeSplit

from ..made import globe

TIME = np.datetime64("2002-05-21", "ns") + np.arange(6) * np.timedelta64(8, "D")
_NORTH, _EAST = {"units": "degrees_north"}, {"units": "degrees_east"}


def plane(units: str = "m") -> xr.Dataset:
    """Projected cells of 10 km."""
    factor = 1000.0 if units == "km" else 1.0
    return xr.Dataset(
        coords={
            "time": TIME,
            "y": ("y", (3_005_000 - 10_000.0 * np.arange(30)) / factor, {"units": units}),
            "x": ("x", (4_005_000 + 10_000.0 * np.arange(40)) / factor, {"units": units}),
        }
    )


def swath() -> xr.Dataset:
    """A tilted grid with 2-D latitudes and longitudes, across the seam."""
    j, i = np.meshgrid(np.arange(30), np.arange(36), indexing="ij")
    lat, lon = 50 - 1.5 * j + 0.4 * i, -25 + 1.7 * i + 0.5 * j
    return xr.Dataset(
        coords={
            "time": TIME,
            "lat": (("line", "pixel"), lat, {"standard_name": "latitude", **_NORTH}),
            "lon": (("line", "pixel"), lon, {"standard_name": "longitude", **_EAST}),
        }
    )


def cells() -> xr.Dataset:
    """Cells without rows all over the sphere (a Fibonacci lattice)."""
    k = np.arange(900)
    lat = np.degrees(np.arcsin(1 - (2 * k + 1) / k.size))
    lon = np.mod(k * 222.4922359, 360) - 180
    return xr.Dataset(
        coords={
            "time": TIME,
            "lat": ("cell", lat, {"standard_name": "latitude", **_NORTH}),
            "lon": ("cell", lon, {"standard_name": "longitude", **_EAST}),
        }
    )


FRAMES = {
    "lonlat": globe(5.0, n_time=6),
    "0..360": globe(5.0, lon0=0.0, n_time=6),
    "plane": plane(),
    "swath": swath(),
    "cells": cells(),
}


def rules(kind: str) -> dict[str, Split]:
    """Return a split of every sort that suits the frame `kind`."""
    flat = kind == "plane"
    sizes: dict[str, str] = (
        {"y": "60 km", "x": "80 km"} if flat else {"lat": "10 deg", "lon": "20 deg"}
    )
    near = Buffer("25 km", "8D") if flat else Buffer("700 km", "8D")
    test = (4_050_000, 2_800_000, 4_200_000, 2_900_000) if flat else (350, 10, 20, 40)
    validation = (4_300_000, 2_750_000, 4_380_000, 2_850_000) if flat else (100, -30, 140, 0)
    shares = (0.7, 0.1, 0.2)
    space = RegionSplit(test, validation, near)
    later = TimeSplit("2002-06-06", "2002-06-22", buffer="8D")
    every: dict[str, Split] = {
        "block": BlockSplit(sizes, shares, 3),
        "block in time": BlockSplit({**sizes, "time": "16D"}, shares, 3),
        "block, buffer": BlockSplit(sizes, shares, 3, near),
        "block in time, buffer": BlockSplit({**sizes, "time": "16D"}, shares, 3, near),
        "region": RegionSplit(test, validation),
        "region, buffer": space,
        "time": later,
        "random": RandomSplit(shares, 3),
        "fold": BlockKFold(sizes, 4, 3, buffer=near).folds()[1],
        "region and time": space & later,
    }
    if not flat:
        every["named region, buffer"] = RegionSplit("srex:AMZ", ["srex:WAF", "giorgi:AUS"], near)
    return every


CASES = [(kind, name) for kind in FRAMES for name in rules(kind)]


def full(roles: xr.DataArray, frame: xr.Dataset) -> NDArray[np.int8]:
    """Return roles over time and all places, shape (n_time, n_places)."""
    dims = [str(dim) for dim in frame.sizes if dim != "time"]
    template = xr.DataArray(
        np.zeros([frame.sizes[dim] for dim in ("time", *dims)], np.int8), dims=("time", *dims)
    )
    spread = roles.drop_vars(list(roles.coords)).broadcast_like(template)
    return spread.transpose("time", *dims).values.reshape(frame.sizes["time"], -1)


def apart(frame: xr.Dataset) -> NDArray[np.float64]:
    """Return distances between all places in metres, by brute force."""
    where = positions(frame, grid_of(frame))
    y, x = where.y, where.x
    dims = [str(dim) for dim in frame.sizes if dim != "time"]
    y, x = (part.transpose(*dims).values.ravel() for part in xr.broadcast(y, x))
    if not where.geographic:
        return np.hypot(y[:, None] - y, x[:, None] - x)
    phi, theta = np.radians(y), np.radians(x)
    half = (
        np.sin((phi[:, None] - phi) / 2) ** 2
        + np.cos(phi[:, None]) * np.cos(phi) * np.sin((theta[:, None] - theta) / 2) ** 2
    )
    return 2 * 6_371_008.8 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
