"""The synthetic cube that everybody reads: two temperatures, oceans, clouds, values to 0.01 K."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CHUNK = (256, 90, 90)
DIMS = ("time", "lat", "lon")
FEATURE, TARGET = "air_temperature", "surface_temperature"
OCEAN, CLOUD = 0.65, 0.05

_MODES = 24
#: Kelvin. With it zstd takes as many bytes for a value (2.3) as for those of a real cube.
_NOISE = 1.0
#: A new version makes new cubes beside the old ones.
_VERSION = 1


@dataclass(frozen=True)
class Size:
    """A cube's shape; both variables are float32."""

    name: str
    shape: tuple[int, int, int]

    @property
    def bytes(self) -> int:
        """Decoded bytes of both variables."""
        return 2 * 4 * int(np.prod(self.shape))

    def times(self, factor: int) -> Size:
        """Return the cube of `factor` times as many dates."""
        return Size(f"{self.name}x{factor}", (self.shape[0] * factor, self.shape[1], self.shape[2]))


TINY = Size("tiny", (256, 90, 180))
QUICK = Size("quick", (512, 180, 270))  # 0.2 GB
DEFAULT = Size("default", (512, 720, 720))  # 2.1 GB
LARGE = Size("large", (2560, 900, 1080))  # 20 GB


def make(size: Size, folder: Path, *, form: Literal[2, 3] = 3) -> Path:
    """Return the cube of `size` in `folder`, written if it is not there yet.

    In zarr's format 3 with its default codec (zstd), in format 2 with its (Blosc, lz4).
    """
    path = folder / f"cube-{_VERSION}-{'x'.join(map(str, size.shape))}-v{form}.zarr"
    if (path / "made.json").exists():
        return path
    import xarray as xr
    import zarr

    shutil.rmtree(path, ignore_errors=True)
    coords = {
        "time": np.datetime64("2000-01-01", "ns")
        + np.arange(size.shape[0]) * np.timedelta64(1, "D"),
        "lat": ("lat", _centres(size.shape[1], 180.0), {"units": "degrees_north"}),
        "lon": ("lon", _centres(size.shape[2], 360.0), {"units": "degrees_east"}),
    }
    xr.Dataset(coords=coords).to_zarr(path, mode="w", zarr_format=form, consolidated=False)
    group = zarr.open_group(str(path), mode="r+")
    for name in (FEATURE, TARGET):
        group.create_array(
            name,
            shape=size.shape,
            chunks=CHUNK,
            dtype="float32",
            fill_value=float("nan"),
            dimension_names=DIMS if form == 3 else None,
            attributes={"units": "K"} | ({"_ARRAY_DIMENSIONS": list(DIMS)} if form == 2 else {}),
        )
    with warnings.catch_warnings():  # that format 3 has no such thing in its specification
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(str(path))
    boxes = list(_boxes(size.shape))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        valid = sum(pool.map(_write, [(path, size.shape, box) for box in boxes], chunksize=4))
    (path / "made.json").write_text(json.dumps({"valid": valid}))
    os.sync()  # pages that are clean can be dropped for the reads from a cold disk
    return path


def valid_cells(path: Path) -> int:
    """Return how many cells have both variables."""
    return int(json.loads((path / "made.json").read_text())["valid"])


def stored(path: Path) -> list[Path]:
    """Return the chunk files of both variables, in the order of their index."""
    return [
        path / name / "c" / "/".join(map(str, index))
        for index in _indices(path)
        for name in (FEATURE, TARGET)
    ]


def _indices(path: Path) -> Iterator[tuple[int, int, int]]:
    shape = json.loads((path / TARGET / "zarr.json").read_text())["shape"]
    counts = [-(-n // c) for n, c in zip(shape, CHUNK, strict=True)]
    for index in np.ndindex(*counts):
        yield int(index[0]), int(index[1]), int(index[2])


def _centres(n: int, extent: float) -> NDArray[np.float64]:
    return -extent / 2 + (np.arange(n) + 0.5) * extent / n


def _boxes(shape: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
    for index in np.ndindex(*(-(-n // c) for n, c in zip(shape, CHUNK, strict=True))):
        yield int(index[0]), int(index[1]), int(index[2])


def _write(job: tuple[Path, tuple[int, int, int], tuple[int, int, int]]) -> int:
    path, shape, index = job
    import zarr

    # Chunks of nothing but NaN are stored as well, so that everybody decodes all of them.
    zarr.config.set({"async.concurrency": 1, "array.write_empty_chunks": True})
    group = zarr.open_group(str(path), mode="r+")
    place = tuple(
        slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, CHUNK, shape, strict=True)
    )
    time, lat, lon = (np.arange(part.start, part.stop, dtype=np.float32) for part in place)
    # In cells, so that a chunk looks alike whatever the cube's size: blobs as wide as a chunk.
    weather = _smooth(1, time, lat, lon, days=20, cells=25)
    local = _smooth(2, time, lat, lon, days=20, cells=10)
    land = _height(shape[1], shape[2])[place[1], place[2]]
    cloud = _smooth(4, time, lat, lon, days=3, cells=12)
    rng = np.random.default_rng([5, *index])
    season = 8 * np.cos(2 * np.pi * time / 365.25)[:, None, None]
    air = 288 + season + 4 * weather + _NOISE * rng.standard_normal(weather.shape, np.float32)
    surface = 275 + 1.1 * (air - 273.15) + 2 * local
    surface += _NOISE * rng.standard_normal(surface.shape, np.float32)
    missing = (land < 0)[None] | (cloud < NormalDist().inv_cdf(CLOUD))
    for name, values in ((FEATURE, air), (TARGET, surface)):
        values = np.round(values, 2).astype(np.float32)
        values[missing] = np.nan
        group[name][place] = values
    return int(missing.size - missing.sum())


@lru_cache(maxsize=1)
def _height(rows: int, columns: int) -> NDArray[np.float32]:
    """Return a smooth relief that lies below 0 in the share of cells that is ocean."""
    axes = np.arange(rows, dtype=np.float32), np.arange(columns, dtype=np.float32)
    relief = _smooth(3, np.zeros(1, np.float32), *axes, days=1, cells=60)[0]
    return relief - np.quantile(relief, OCEAN).astype(np.float32)


def _smooth(
    seed: int,
    time: NDArray[np.float32],
    lat: NDArray[np.float32],
    lon: NDArray[np.float32],
    *,
    days: float,
    cells: float,
) -> NDArray[np.float32]:
    """Return a smooth field of unit variance: random cosines of place and time."""
    rng = np.random.default_rng(seed)
    ky, kx = (rng.standard_normal((2, _MODES)) / cells).astype(np.float32)
    kt = (rng.standard_normal(_MODES) / days).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, _MODES).astype(np.float32)
    turn = np.outer(time, kt)
    angle = (lat[:, None, None] * ky + lon[None, :, None] * kx + phase).reshape(-1, _MODES)
    field = np.cos(turn) @ np.cos(angle).T - np.sin(turn) @ np.sin(angle).T
    scaled: NDArray[np.float32] = np.sqrt(np.float32(2 / _MODES)) * field
    return scaled.reshape(time.size, lat.size, lon.size)
