"""Whatever a cube holds, every way through it ends in the right numbers or in a clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import MLKitError

from .cubes import CHANGES, write_one
from .ways import WAYS, block_split

_TEXT = dict.fromkeys(
    ("samples", "cells", "windows", "lags", "predict", "predict windows", "predict lazily"),
    "not_numeric",
)
_PLACELESS = dict.fromkeys(("samples", "cells", "windows", "assign"), "unsupported_grid")
_EMPTY = {
    **dict.fromkeys(("cells", "windows", "lags"), "empty_dimension"),
    **dict.fromkeys(("samples", "scaler"), "all_missing"),
}
_TOO_SMALL = {
    "samples": "empty_split",
    **dict.fromkeys(("windows", "predict windows"), "window_too_large"),
}

#: Codes of the errors; every other way gives a result.
ERRORS: dict[str, dict[str, str]] = {
    "target of NaN": {
        "samples": "all_missing",
        **dict.fromkeys(("cells", "windows", "lags"), "empty_role"),
    },
    "feature of NaN": {
        **dict.fromkeys(("samples", "scaler"), "all_missing"),
        **dict.fromkeys(("cells", "lags"), "empty_role"),
    },
    "no dates": _EMPTY,
    "no rows": {**_EMPTY, "predict windows": "window_too_large"},
    "one date": {"lags": "empty_role"},
    "one row": _TOO_SMALL,
    "one cell": {**_TOO_SMALL, "lags": "empty_role"},
    "shuffled dates": {"lags": "unsorted_coordinates"},
    "a date twice": {"lags": "unsorted_coordinates"},
    "a date of NaT": {"lags": "unsorted_coordinates"},
    "words for rows": _PLACELESS,
    "no coordinates": _PLACELESS,
    "text feature": {**_TEXT, "scaler": "not_numeric", "score": "not_numeric"},
    "text target": {
        **dict.fromkeys(("samples", "cells", "windows", "lags", "score"), "not_numeric")
    },
    "complex feature": {**_TEXT, "scaler": "not_numeric", "score": "not_numeric"},
    "infinite feature": {"score": "infinite_prediction"},
    "beyond float32": {"scaler": "out_of_range"},
    "a dim too many": {
        **dict.fromkeys(("samples", "cells", "windows", "lags"), "unsupported_grid"),
        "score": "different_grid",
    },
}

#: What `describe` says of the cube.
PROBLEMS: dict[str, set[str]] = {
    "target of NaN": {"all_missing"},
    "feature of NaN": {"all_missing"},
    "no dates": {"empty_dimension"},
    "no rows": {"empty_dimension"},
    "shuffled dates": {"unsorted_coordinates"},
    "shuffled rows": {"unsorted_coordinates"},
    "a date twice": {"duplicate_coordinates"},
    "a row twice": {"duplicate_coordinates"},
    "a date lacking": {"time_gaps"},
    "a date of NaT": {"missing_coordinates"},
    "a latitude of NaN": {"missing_coordinates"},
    "words for rows": {"unsupported_grid"},
    "no coordinates": {"unsupported_grid"},
    "longitudes to 360": {"unsorted_coordinates"},
    "text feature": {"not_numeric"},
    "text target": {"not_numeric"},
    "complex feature": {"not_numeric"},
    "beyond float32": {"outliers"},
    "one cell": {"constant"},
}


@pytest.mark.parametrize("row", CHANGES)
def test_a_result_is_right_and_an_error_is_clear(row: str, tmp_path: Path) -> None:
    path = write_one(row, tmp_path / "cube.zarr")
    expected = ERRORS.get(row, {})
    for way, go in WAYS.items():
        out = tmp_path / f"{way}.zarr"
        if way not in expected:
            found = go(path, out)
            if way in _RIGHT:
                _RIGHT[way](open_cube(str(path)).load(), found)
            elif way == "describe":
                assert {problem.code for problem in found.problems} >= PROBLEMS.get(row, set())
            continue
        with pytest.raises(MLKitError) as caught:
            go(path, out)
        assert (way, caught.value.code) == (way, expected[way])
        assert caught.value.message.endswith(".")
        assert caught.value.hint
        assert not list(tmp_path.glob("*.part"))
        assert not out.exists()


def _finite(data: xr.DataArray) -> np.ndarray:
    """Return where values are finite as float32, the type that is trained on."""
    with np.errstate(over="ignore"):
        return np.isfinite(data.values.astype("float32"))


def _right_cells(ds: xr.Dataset, found: list) -> None:
    a = ds["a"].transpose(*ds["b"].dims)
    kept = _finite(a) & _finite(ds["b"])
    kept &= (
        (block_split().resolve(ds).assign(ds).broadcast_like(ds["b"]) == 0)
        .transpose(*ds["b"].dims)
        .values
    )
    pairs = np.concatenate([np.stack([batch.X[:, 0], batch.y], 1) for batch in found])
    wanted = np.stack([a.values[kept], ds["b"].values[kept]], 1).astype("float32")
    assert np.array_equal(pairs[np.lexsort(pairs.T)], wanted[np.lexsort(wanted.T)])


def _right_prediction(ds: xr.Dataset, found: xr.DataArray) -> None:
    with np.errstate(over="ignore"):
        wanted = 2 * ds["a"].values.astype("float32")
    wanted = np.where(np.isfinite(wanted), wanted, np.nan)
    assert np.array_equal(found.transpose(*ds["a"].dims).values, wanted, equal_nan=True)


def _right_score(ds: xr.Dataset, found: xr.Dataset) -> None:
    a, b = xr.broadcast(ds["a"].astype("f8"), ds["b"].astype("f8"))
    error = (a - b).where(np.isfinite(a) & np.isfinite(b))
    if "lat" in ds.coords and ds["lat"].dtype.kind == "f":
        weight = np.cos(np.deg2rad(ds["lat"])).fillna(0)
    else:
        weight = xr.ones_like(error)
    error = error.where(weight.broadcast_like(error) > 0)
    assert int(found["n"]) == int(error.notnull().sum())
    if int(found["n"]):
        wanted = float(np.sqrt((error**2).weighted(weight).mean()))
        assert float(found["rmse"]) == pytest.approx(wanted, rel=1e-6)


_RIGHT = {
    "cells": _right_cells,
    "predict": _right_prediction,
    "predict lazily": _right_prediction,
    "score": _right_score,
}
