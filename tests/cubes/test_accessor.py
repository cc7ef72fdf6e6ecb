"""What ``ds.mlkit`` gives is what the functions give."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import xarray as xr

import jupyter_mlkit.cubes.accessor  # noqa: F401  (registers ds.mlkit)
from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.identity.fingerprint import fingerprint
from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.spec import Region

from .made import small_cube

CUBE = small_cube(gaps=0.1)
SPLIT = BlockSplit({"lat": 3, "lon": "3 deg"}, shares=(0.6, 0.2, 0.2))


def test_a_cube_goes_to_training_data_and_back() -> None:
    cube = CUBE.mlkit
    assert cube.grid == grid_of(CUBE)
    assert cube.area().kind == "area (cos lat)"
    assert {variable.name for variable in cube.describe().variables} == {"a", "b", "height"}
    assert cube.fingerprint(["a"]) == fingerprint(CUBE, ["a"])
    assert cube.select(Region(-10, 40, 5, 50)).sizes["lat"] == 10
    roles = cube.assign(SPLIT).role
    assert set(np.unique(roles)) == {0, 1, 2}
    batch = next(cube.batches(["a * 2", "height"], "b", split=SPLIT, batch_size=64))
    assert batch.X.shape == (64, 2)
    scaled = cube.scale(split=SPLIT)
    train = scaled.a.where(roles == 0)
    assert abs(float(train.mean())) < 1e-3
    made = cube.predict(lambda x: x[:, 0] * 2, features=["a"], name="guess")
    assert float(cube.score(made, "b").rmse) < 2
    rows = pd.DataFrame({"lat": [45.5], "lon": [0.5], "time": CUBE.time.values[:1]})
    assert cube.match_points(rows).matched.all()


def test_methods_load_nothing_before_they_are_called() -> None:
    code = (
        "import sys, xarray as xr, jupyter_mlkit.cubes.accessor\n"
        "xr.Dataset().mlkit\n"
        "print([n for n in sys.modules if n.startswith('jupyter_mlkit.cubes.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['jupyter_mlkit.cubes.accessor']", done.stderr


def test_the_accessor_is_of_datasets() -> None:
    assert isinstance(CUBE.mlkit.derive(["sqrt(a)"]), xr.Dataset)
