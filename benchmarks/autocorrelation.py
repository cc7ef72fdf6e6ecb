"""When a random split lies: the score that it gives, and the error that comes true.

A random forest learns a map from a covariate and from latitude and longitude, a straight line from
the covariate alone. What they score on test cells depends on how these were split off; what they
are worth shows in territory that no cell was drawn from. The table gives R2 for single cells drawn
at random, for blocks of 5, 20 and 40 cells, and for new territory, over fields whose
autocorrelation is known: its range is 20 cells.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jupyter_mlkit.cubes.demo.smooth import SmoothField
from jupyter_mlkit.cubes.splits.base import Split
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.random import RandomSplit
from jupyter_mlkit.cubes.splits.roles import ROLES

#: Cells of half a degree; the field's range (95 % of the sill) is 20 of them.
STEP, RANGE_CELLS = 0.5, 20
#: What is scored beside the splits: a strip beside the data, and all that lies a range away.
EDGE, FAR = "5 cells beyond the data", "new territory"
Scores = dict[tuple[str, str], list[float]]
BLOCKS = (5, 20, 40)
_CELLS = 160
_SHARES = (0.7, 0.0, 0.3)
_TRAIN, _TEST = ROLES.index("train"), ROLES.index("test")


def field(seed: int) -> xr.Dataset:
    """Return a map of a target that a covariate explains in part, and that is smooth beside."""
    lat = 40 - STEP * (np.arange(_CELLS) + 0.5)
    lon = -40 + STEP * (np.arange(2 * _CELLS) + 0.5)
    now = np.zeros(1)
    covariate, local = (
        SmoothField([seed, i], range_deg=RANGE_CELLS * STEP, range_days=1).at(now, lat, lon)[0]
        for i in (1, 2)
    )
    noise = np.random.default_rng([seed, 3]).standard_normal(local.shape)
    return xr.Dataset(
        {
            "covariate": (("lat", "lon"), covariate),
            "target": (("lat", "lon"), covariate + local + 0.1 * noise),
        },
        coords={
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )


def splits(seed: int) -> dict[str, Split]:
    """Return the splits that are compared, by name."""
    found: dict[str, Split] = {"random cells": RandomSplit(shares=_SHARES, seed=seed)}
    for cells in BLOCKS:
        size = f"{cells * STEP:g} deg"
        found[f"{cells}-cell blocks"] = BlockSplit(
            {"lat": size, "lon": size}, shares=_SHARES, seed=seed
        )
    return found


def home(ds: xr.Dataset) -> xr.Dataset:
    """Return the western half of the map, which data come from."""
    return ds.isel(lon=slice(0, _CELLS))


def table(ds: xr.Dataset) -> NDArray[np.float32]:
    """Return what the forest sees of each cell: covariate, latitude, longitude."""
    lat, lon = xr.broadcast(ds["lat"], ds["lon"])
    columns = [ds["covariate"], lat.transpose("lat", "lon"), lon.transpose("lat", "lon")]
    return np.stack([column.values.ravel() for column in columns], axis=1).astype(np.float32)


def scores(seed: int) -> dict[tuple[str, str], float]:
    """Return the R2 by model and split, and that of new territory, for one field."""
    ds = field(seed)
    near = home(ds)
    x, y = table(near), near["target"].values.ravel()
    found = {}
    for name, split in splits(seed).items():
        role = split.resolve(near).assign(near)
        roles = role.broadcast_like(near["target"]).transpose("lat", "lon").values.ravel()
        train, test = roles == _TRAIN, roles == _TEST
        for model, predict in _fitted(x[train], y[train], seed).items():
            found[model, name] = r2(y[test], predict(x[test]))
    for model, predict in _fitted(x, y, seed).items():
        for name, first, last in (
            (EDGE, _CELLS, _CELLS + 5),
            (FAR, _CELLS + RANGE_CELLS, 2 * _CELLS),
        ):
            place = ds.isel(lon=slice(first, last))
            found[model, name] = r2(place["target"].values.ravel(), predict(table(place)))
    return found


def r2(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the coefficient of determination."""
    error = ((truth - predicted) ** 2).sum()
    return float(1 - error / ((truth - truth.mean()) ** 2).sum())


def _fitted(
    x: NDArray[np.float32], y: NDArray[np.float64], seed: int
) -> dict[str, Callable[[NDArray[np.float32]], NDArray[np.float64]]]:
    """Return what predicts, by model."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LinearRegression

    line = LinearRegression().fit(x[:, :1], y)
    forest = RandomForestRegressor(30, random_state=seed, n_jobs=os.cpu_count()).fit(x, y)
    return {"forest": forest.predict, "line": lambda rows: line.predict(rows[:, :1])}


def measure(seeds: int) -> Scores:
    """Return the R2 of each field, by model and split."""
    found: Scores = {}
    for seed in range(seeds):
        for key, value in scores(seed).items():
            found.setdefault(key, []).append(value)
    return found


def rows(found: Scores) -> list[dict[str, Any]]:
    """Return the rows of the benchmark: each estimate beside what comes true far away."""
    return [
        {
            "name": f"R2 of a {model}, {name}",
            "value": round(statistics.median(values), 3),
            "unit": "1",
            "higher_is_better": True,
            "peer": FAR,
            "peer_value": round(statistics.median(found[model, FAR]), 3),
            "limit_value": None,
            "ratio_to_peer": None,  # R2 may be negative
            "ratio_to_limit": None,
            "conditions": f"median of {len(values)} fields with a range of {RANGE_CELLS} cells; "
            f"Python {platform.python_version()}",
        }
        for (model, name), values in found.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, and draw where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one field")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="draw docs/cubes.md's there")
    options = parser.parse_args(arguments)
    found = measure(1 if options.quick else 5)
    print(f"{'R2, median (least to most)':30s}{'forest':>22s}{'line':>22s}")
    for name in dict.fromkeys(name for _, name in found):
        told = (found[model, name] for model in ("forest", "line"))
        figures = (
            f"{statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f})"
            for values in told
        )
        print(f"{name:30s}" + "".join(f"{figure:>22s}" for figure in figures))
    if options.images:
        from cube_bench import pictures

        pictures.draw(options.images, found)
    if options.json:
        options.json.write_text(json.dumps(rows(found), indent=1))


if __name__ == "__main__":
    main()
