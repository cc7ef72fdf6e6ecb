"""The demo cube: land surface and air temperature whose best linear model is known exactly.

It stands in for the ESDC cube of the DeepESDL notebooks: the same variables, dims, chunk
layout and gaps on a tenth of the grid, made from a seed, chunk by chunk.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import InvalidInputError
from ..prediction.atomic import staged
from .land import SOURCE, land_mask
from .smooth import SmoothField

AIR, LAND = "air_temperature_2m", "land_surface_temperature"

#: LST = INTERCEPT + SLOPE * (AT - 273.15) + local field + noise, in kelvin.
SLOPE, INTERCEPT, ZERO_CELSIUS = 1.1, 275.0, 273.15
LOCAL_STD, NOISE_STD = 2.0, 1.0
RANGE_DEG, RANGE_DAYS = 5.0, 24.0
MISSING_SHARE = 0.79

_CHUNK_TIME, _CHUNK_SPACE, _CHUNKS_LAT, _CHUNKS_LON = 10, 27, 8, 16
_FINEST = 10
_START = np.datetime64("2002-05-21", "ns")
_STEP_DAYS = 8
_PREFIX = "demo_"
_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


@dataclass(frozen=True)
class DemoTruth:
    """What is known of a demo cube, as its attributes tell.

    Attributes
    ----------
    slope, intercept : float
        Least squares of LST (K) on AT - 273.15 K over all cells that have LST, as stored.
    linear_rmse : float
        Its root mean square error over these cells, K.
    population_slope, population_intercept : float
        The values that the generator used.
    noise_floor : float
        Standard deviation of the white noise in LST, K: no model can be better.
    autocorrelation_length_deg, autocorrelation_length_days : float
        Range (95 % of the sill) of the smooth fields.
    n_valid : int
        Cells that have LST.
    missing_share : float
    land_mask : str
    seed : int
    """

    slope: float
    intercept: float
    linear_rmse: float
    population_slope: float
    population_intercept: float
    noise_floor: float
    autocorrelation_length_deg: float
    autocorrelation_length_days: float
    n_valid: int
    missing_share: float
    land_mask: str
    seed: int


def demo_truth(ds: xr.Dataset) -> DemoTruth | None:
    """Return what the attributes of a demo cube tell, None for any other cube."""
    names = DemoTruth.__dataclass_fields__
    if not all(_PREFIX + name in ds.attrs for name in names):
        return None
    return DemoTruth(**{name: ds.attrs[_PREFIX + name] for name in names})


def make_demo_cube(
    path: str | Path, *, size: str = "10 MB", seed: int = 0, overwrite: bool = False
) -> Path:
    """Write the demo cube as a zarr group (format 2, consolidated: any zarr reads it).

    Parameters
    ----------
    path : str or Path
    size : str
        About the decoded size, ``"10 MB"`` to ``"50 GB"``. The grid is refined up to tenfold
        with its 8 x 16 chunks in space, then time is made longer.
    seed : int
        The same seed gives the same cube, bit by bit, on the same machine.
    overwrite : bool
        Replace a zarr group at `path`.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ConflictError, InvalidInputError
    """
    target = Path(path).expanduser().absolute()
    layout = _Layout.of_size(size)
    with staged(target, overwrite=overwrite) as stage:
        _write(stage, layout, seed)
    return target


@dataclass(frozen=True)
class _Layout:
    """Grid of a demo cube: `refine` times the 10/12 deg grid, `spans` times 10 dates."""

    refine: int
    spans: int

    @classmethod
    def of_size(cls, text: str) -> _Layout:
        match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kKMGT]?B)\s*", text)
        size = float(match.group(1)) * _UNITS[match.group(2).upper()] if match else 0.0
        if not 0 < size <= 1e12:
            raise InvalidInputError(
                f"'{text}' is not a size of a demo cube.",
                hint="Write '10 MB' or '5 GB'; 1 TB is the most.",
                field="size",
            )
        units = size / 10e6
        refine = min(_FINEST, max(1, math.floor(math.sqrt(units))))
        return cls(refine, max(1, round(units / refine**2)))

    @property
    def chunks(self) -> tuple[int, int, int]:
        return (_CHUNK_TIME, _CHUNK_SPACE * self.refine, _CHUNK_SPACE * self.refine)

    @property
    def shape(self) -> tuple[int, int, int]:
        time, lat, lon = self.chunks
        return (time * self.spans, lat * _CHUNKS_LAT, lon * _CHUNKS_LON)

    @property
    def lat(self) -> NDArray[np.float64]:
        n = self.shape[1]
        return 90 - (np.arange(n) + 0.5) * 180 / n

    @property
    def lon(self) -> NDArray[np.float64]:
        n = self.shape[2]
        return -180 + (np.arange(n) + 0.5) * 360 / n

    @property
    def days(self) -> NDArray[np.float64]:
        return np.arange(self.shape[0], dtype=np.float64) * _STEP_DAYS

    def columns(self) -> Iterator[tuple[slice, slice]]:
        """Yield the horizontal box of each chunk."""
        _, lat, lon = self.chunks
        for i in range(_CHUNKS_LAT):
            for j in range(_CHUNKS_LON):
                yield slice(i * lat, (i + 1) * lat), slice(j * lon, (j + 1) * lon)


class _Generator:
    """Values of the demo cube at any place and time, each a function of the seed alone."""

    def __init__(self, seed: int, land_by_lat: NDArray[np.float64], lat: NDArray[np.float64]):
        self._seed = seed
        self._weather, self._local, self._cloud = (
            SmoothField([seed, i], range_deg=RANGE_DEG, range_days=RANGE_DAYS) for i in (1, 2, 3)
        )
        # Clouds are twice as likely at the poles as at the equator; how likely follows from
        # the share of land and the share of cells that shall be missing.
        shape = 1 + np.abs(lat) / 90
        clear = (1 - MISSING_SHARE) / land_by_lat.mean()
        self._cloudiness = (1 - clear) * land_by_lat.sum() / (land_by_lat * shape).sum()

    def air(
        self, days: NDArray[np.float64], lat: NDArray[np.float64], lon: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return air temperature (K): profile + season + smooth field."""
        sine = np.sin(np.radians(lat))
        # Day 0 is 21 May; the warmest day of the northern half is 60 days later.
        season = np.cos(2 * np.pi * (days - 60) / 365.25)
        background = (300 - 45 * sine**2)[None, :] + 12 * season[:, None] * sine[None, :]
        values: NDArray[np.float64] = background[:, :, None] + 3 * self._weather.at(days, lat, lon)
        return values.astype(np.float32)

    def land_surface(
        self,
        air: NDArray[np.float32],
        land: NDArray[np.bool_],
        days: NDArray[np.float64],
        lat: NDArray[np.float64],
        lon: NDArray[np.float64],
        chunk: tuple[int, int, int],
    ) -> NDArray[np.float32]:
        """Return land surface temperature (K), NaN over sea and under clouds."""
        rng = np.random.default_rng([self._seed, 4, *chunk])
        noise = NOISE_STD * rng.standard_normal(air.shape)
        local = LOCAL_STD * self._local.at(days, lat, lon, land)
        values = INTERCEPT + SLOPE * (air.astype(np.float64) - ZERO_CELSIUS) + local + noise
        share = np.clip(self._cloudiness * (1 + np.abs(lat) / 90), 0.0, 0.99)
        limit = np.array([NormalDist().inv_cdf(1 - p) if p > 0 else np.inf for p in share])
        cloudy = self._cloud.at(days, lat, lon, land) > limit[None, :, None]
        return np.where(land[None] & ~cloudy, values, np.nan).astype(np.float32)


@dataclass
class _LeastSquares:
    """Running sums for the least-squares line of LST on AT - 273.15."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(6))

    def add(self, air: NDArray[np.float32], surface: NDArray[np.float32]) -> None:
        valid = np.isfinite(surface)
        x = air[valid].astype(np.float64) - ZERO_CELSIUS
        y = surface[valid].astype(np.float64) - INTERCEPT
        self.sums += [x.size, x.sum(), y.sum(), (x * x).sum(), (x * y).sum(), (y * y).sum()]

    def solve(self) -> tuple[float, float, float, int]:
        """Return slope, intercept (K), RMSE (K) and the number of cells."""
        n, sx, sy, sxx, sxy, syy = self.sums.tolist()
        vxx, vxy, vyy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
        slope = vxy / vxx
        rmse = math.sqrt(max(0.0, vyy - slope * vxy) / n)
        return slope, INTERCEPT + (sy - slope * sx) / n, rmse, int(n)


def _write(stage: Path, layout: _Layout, seed: int) -> None:
    import zarr

    lat, lon, days = layout.lat, layout.lon, layout.days
    land = land_mask(lat, lon)
    generator = _Generator(seed, land.mean(axis=1), lat)
    group = _skeleton(stage, layout)
    line = _LeastSquares()
    for j, (rows, columns) in enumerate(layout.columns()):
        for i in range(layout.spans):
            times = slice(i * _CHUNK_TIME, (i + 1) * _CHUNK_TIME)
            place = (days[times], lat[rows], lon[columns])
            air = generator.air(*place)
            surface = generator.land_surface(
                air, land[rows, columns], *place, (i, j // _CHUNKS_LON, j % _CHUNKS_LON)
            )
            group[AIR][times, rows, columns] = air
            group[LAND][times, rows, columns] = surface
            line.add(air, surface)
    slope, intercept, rmse, n = line.solve()
    truth = DemoTruth(
        slope=slope,
        intercept=intercept,
        linear_rmse=rmse,
        population_slope=SLOPE,
        population_intercept=INTERCEPT,
        noise_floor=NOISE_STD,
        autocorrelation_length_deg=RANGE_DEG,
        autocorrelation_length_days=RANGE_DAYS,
        n_valid=n,
        missing_share=1 - n / math.prod(layout.shape),
        land_mask=SOURCE,
        seed=seed,
    )
    group.attrs.update({_PREFIX + name: value for name, value in asdict(truth).items()})
    zarr.consolidate_metadata(str(stage), zarr_format=2)


def _skeleton(stage: Path, layout: _Layout) -> Any:
    """Write coordinates and attributes, and make the empty variables."""
    import zarr

    times = _START + (layout.days * 86_400e9).astype("timedelta64[ns]")
    coords: dict[str, Any] = {
        "time": (
            "time",
            times,
            {"long_name": "time", "standard_name": "time"},
            {"units": "days since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int64"},
        ),
        "lat": (
            "lat",
            layout.lat,
            {"long_name": "latitude", "standard_name": "latitude", "units": "degrees_north"},
        ),
        "lon": (
            "lon",
            layout.lon,
            {"long_name": "longitude", "standard_name": "longitude", "units": "degrees_east"},
        ),
    }
    xr.Dataset(coords=coords, attrs=_global_attrs(layout)).to_zarr(
        stage, mode="w", zarr_format=2, consolidated=False
    )
    group = zarr.open_group(str(stage), mode="r+")
    for name, long_name, standard_name in (
        (AIR, "2 metre air temperature", "air_temperature"),
        (LAND, "Land surface temperature", "surface_temperature"),
    ):
        group.create_array(
            name,
            shape=layout.shape,
            chunks=layout.chunks,
            dtype="float32",
            fill_value=float("nan"),
            attributes={
                "_ARRAY_DIMENSIONS": ["time", "lat", "lon"],
                "long_name": long_name,
                "standard_name": standard_name,
                "units": "K",
                "time_period": f"{_STEP_DAYS}D",
            },
        )
    return group


def _global_attrs(layout: _Layout) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.9",
        "title": "Demo cube: land surface and air temperature (synthetic)",
        "summary": f"{LAND} = {INTERCEPT} + {SLOPE} * ({AIR} - {ZERO_CELSIUS}) + smooth field "
        f"({LOCAL_STD} K) + white noise ({NOISE_STD} K), on land where no cloud is. "
        "demo_slope and demo_intercept are the least-squares optimum on the stored cells, "
        "demo_population_* the values that generated them.",
        "history": "made by jupyter_mlkit demo-cube",
        "time_coverage_resolution": f"P{_STEP_DAYS}D",
        "geospatial_lat_resolution": 180 / layout.shape[1],
        "geospatial_lon_resolution": 360 / layout.shape[2],
    }
