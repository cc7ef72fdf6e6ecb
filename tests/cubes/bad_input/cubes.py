"""Cubes that are odd or wrong, each one written to a real store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..made import small_cube

CHUNKS = {"time": 4, "lat": 8, "lon": 8}
PACKED = {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -32768}

Change = Callable[[xr.Dataset], xr.Dataset]


def sound() -> xr.Dataset:
    """8 dates of 24 x 32 cells: ``a`` full, ``b`` with gaps."""
    return small_cube(8, 24, 32).drop_vars("height")


def write(ds: xr.Dataset, path: Path, **encoding: dict[str, Any]) -> Path:
    ds = ds.drop_encoding()
    chunks = {
        name: tuple(max(1, min(CHUNKS.get(str(d), 8), n)) for d, n in data.sizes.items())
        for name, data in ds.data_vars.items()
        if data.ndim
    }
    every = {name: {"chunks": size, **encoding.get(str(name), {})} for name, size in chunks.items()}
    ds.to_zarr(path, zarr_format=2, encoding=every, consolidated=True)
    return path


def put(ds: xr.Dataset, name: str, *values: tuple[tuple[Any, ...], float]) -> xr.Dataset:
    """Return `ds` with some values of a variable replaced."""
    data = ds[name].values.copy()
    for place, value in values:
        data[place] = value
    return ds.assign({name: ds[name].copy(data=data)})


def along(name: str, values: Any) -> Change:
    return lambda ds: ds.assign_coords({name: (name, values(ds[name].values), ds[name].attrs)})


def cast(**dtypes: str) -> Change:
    return lambda ds: ds.assign({name: ds[name].astype(d) for name, d in dtypes.items()})


def calendar(name: str, start: str) -> Change:
    return lambda ds: ds.assign_coords(
        time=xr.date_range(start, periods=8, freq="D", calendar=name, use_cftime=True)
    )


def missing_at(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[3] = np.nan if values.dtype.kind == "f" else np.datetime64("NaT")
    return values


_BOX = (slice(0, 4), slice(0, 8), slice(0, 8))
_SHUFFLED = [3, 1, 0, 2, 5, 4, 7, 6]

#: How each cube differs from a sound one.
CHANGES: dict[str, Change] = {
    "sound": lambda ds: ds,
    "chunks of NaN": lambda ds: put(
        put(ds, "a", (_BOX, np.nan)), "b", ((slice(4, 8), slice(8, 16)), np.nan)
    ),
    "target of NaN": lambda ds: ds.assign(b=ds["b"] * np.nan),
    "feature of NaN": lambda ds: ds.assign(a=ds["a"] * np.nan),
    "no dates": lambda ds: ds.isel(time=slice(0)),
    "no rows": lambda ds: ds.isel(lat=slice(0)),
    "one date": lambda ds: ds.isel(time=slice(1)),
    "one row": lambda ds: ds.isel(lat=slice(1)),
    "one cell": lambda _: small_cube(1, 1, 1, gaps=0).drop_vars("height"),
    "shuffled dates": lambda ds: ds.isel(time=_SHUFFLED),
    "shuffled rows": lambda ds: ds.isel(lat=np.random.default_rng(1).permutation(24)),
    "a date twice": lambda ds: ds.isel(time=[0, 1, 1, 2, 3, 4, 5, 6]),
    "a row twice": lambda ds: ds.isel(lat=[0, *range(23)]),
    "a date lacking": lambda ds: ds.isel(time=[0, 1, 2, 4, 5, 6, 7]),
    "a date of NaT": along("time", missing_at),
    "a latitude of NaN": along("lat", missing_at),
    "words for rows": along("lat", lambda lat: [f"row {i}" for i in range(lat.size)]),
    "no coordinates": lambda ds: ds.drop_vars(["time", "lat", "lon"]),
    "noleap": calendar("noleap", "2000-02-27"),
    "360_day": calendar("360_day", "2000-02-29"),
    "longitudes to 360": lambda ds: along("lon", lambda lon: lon % 360)(ds).sortby("lon"),
    "longitudes over the seam": along("lon", lambda lon: lon % 360),
    "text feature": cast(a="U"),
    "text target": cast(b="U"),
    "complex feature": cast(a="complex64"),
    "integers": lambda ds: cast(a="int16", b="int64")(ds.fillna(0)),
    "small integers": lambda ds: cast(a="uint8", b="uint16")((ds - 200).fillna(0)),
    "packed": lambda ds: ds,
    "bool target": lambda ds: ds.assign(b=ds["a"] > 280),
    "infinite feature": lambda ds: put(ds, "a", ((0, 0, 0), np.inf), ((5, 5, 5), -np.inf)),
    "infinite target": lambda ds: put(ds, "b", ((0, 0, 0), np.inf)),
    "beyond float32": lambda ds: put(ds.astype("f8"), "a", ((0, 0, 0), 1e300)),
    "transposed": lambda ds: ds.assign(a=ds["a"].transpose("lon", "time", "lat")),
    "unaligned chunks": lambda ds: ds,
    "named like an expression": lambda ds: ds.rename(a="b - 1").assign(a=ds["a"]),
    "a long name": lambda ds: ds.assign({"x" * 240: ds["a"]}),
    "a dim too many": lambda ds: ds.assign(a=ds["a"].expand_dims(level=3)),
}

ENCODINGS: dict[str, dict[str, dict[str, Any]]] = {
    "packed": {"a": {**PACKED, "add_offset": 270.0}, "b": {**PACKED, "add_offset": 500.0}},
    "unaligned chunks": {"a": {"chunks": (3, 5, 7)}, "b": {"chunks": (8, 24, 1)}},
}


def write_one(row: str, path: Path) -> Path:
    return write(CHANGES[row](sound()), path, **ENCODINGS.get(row, {}))
