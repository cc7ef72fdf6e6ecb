"""Every public way through a cube, each ending in numbers that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.cubes.identity.fingerprint import fingerprint
from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sampling.batch import Batch
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.scaling.scalers import StandardScaler
from jupyter_mlkit.cubes.scoring.score import score
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.spec import load_spec

SIZES = {"lat": "4 deg", "lon": "4 deg"}
SHARES = {"train": 0.5, "validation": 0.25, "test": 0.25}


def block_split() -> BlockSplit:
    return BlockSplit(SIZES, shares=tuple(SHARES.values()))


def spec_on(path: Path | str, **changes: Any) -> dict[str, Any]:
    return {
        "sources": [{"uri": str(path)}],
        "target": "b",
        "features": ["a"],
        "split": {"kind": "block", "sizes": SIZES, "shares": SHARES},
        **changes,
    }


def doubled(x: np.ndarray) -> np.ndarray:
    """A model that needs no fitting."""
    return 2 * x.reshape(len(x), -1)[:, 0]


def cells(ds: xr.Dataset, **options: Any) -> list[Batch]:
    return list(Sampler(ds, ["a"], "b", **{"batch_size": 256, **options}))


def windows(ds: xr.Dataset, **options: Any) -> list[Batch]:
    return cells(ds, **{"input_dims": {"lat": 5, "lon": 5}, "drop_nan": None, **options})


def samples(path: Path) -> Any:
    data = CubeData.from_spec(load_spec(spec_on(path)))
    return data.warnings(), data.samples("train")


WAYS: dict[str, Callable[[Path, Path], Any]] = {
    "describe": lambda cube, _: describe(str(cube)),
    "fingerprint": lambda cube, _: fingerprint(str(cube)),
    "samples": lambda cube, _: samples(cube),
    "cells": lambda cube, _: cells(open_cube(str(cube)), split=block_split()),
    "windows": lambda cube, _: windows(open_cube(str(cube)), split=block_split()),
    "lags": lambda cube, _: cells(open_cube(str(cube)), lags=[0, 1]),
    "scaler": lambda cube, _: StandardScaler().fit(open_cube(str(cube)), variables=["a"]),
    "predict": lambda cube, out: predict(
        doubled, open_cube(str(cube)), features=["a"], path=out
    ).load(),
    "predict windows": lambda cube, out: predict(
        lambda x: 2 * x[:, 0],
        open_cube(str(cube)),
        features=["a"],
        input_dims={"lat": 5, "lon": 5},
        path=out,
    ).load(),
    "predict lazily": lambda cube, _: predict(doubled, open_cube(str(cube)), features=["a"]).load(),
    "score": lambda cube, _: score(open_cube(str(cube))["a"], open_cube(str(cube))["b"]),
    "assign": lambda cube, _: (
        block_split().resolve(open_cube(str(cube))).assign(open_cube(str(cube)))
    ),
}
