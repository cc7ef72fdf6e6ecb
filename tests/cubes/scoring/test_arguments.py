"""What cannot be scored is said: what it is, why, and what to give instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import jupyter_mlkit.cubes.accessor  # noqa: F401
from jupyter_mlkit.cubes.scoring.calibration import calibration
from jupyter_mlkit.cubes.scoring.classes import class_scores
from jupyter_mlkit.cubes.scoring.ensemble import ensemble_scores
from jupyter_mlkit.cubes.scoring.forecast import forecast_scores
from jupyter_mlkit.cubes.scoring.score import score, skill_score
from jupyter_mlkit.errors import CubeError, InvalidInputError

from ..made import small_cube

DS = small_cube(6, 8, 10)
SCORES: dict[str, Callable[[Any, Any], xr.Dataset]] = {
    "score": score,
    "skill": lambda p, y: skill_score(p, y, DS.a),
    "classes": class_scores,
    "calibration": calibration,
    "ensemble": ensemble_scores,
    "forecast": forecast_scores,
}


@pytest.mark.parametrize("way", sorted(SCORES))
@pytest.mark.parametrize(
    ("wrong", "said", "hint"),
    [
        ("a", "'a', a str", r"cube\['a'\]"),
        (DS, "of type Dataset", "Choose one of its variables: 'a', 'b'"),
        (DS.a.values, "of type ndarray", "truth.copy"),
        (None, "of type NoneType", "truth.copy"),
        (3.5, "'3.5', a float", "truth.copy"),
    ],
)
def test_what_is_no_array_is_refused_by_every_score(
    way: str, wrong: Any, said: str, hint: str
) -> None:
    for given in ((wrong, DS.b), (DS.a, wrong)):
        with pytest.raises(InvalidInputError) as caught:
            SCORES[way](*given)
        if way in ("ensemble", "forecast") and given[0] is DS.a:
            # They look at the truth once the prediction has its members or lead times.
            assert caught.value.code in ("not_an_array", "no_members", "no_forecast")
            continue
        assert caught.value.code == "not_an_array"
        assert said in caught.value.message
        assert caught.value.field in ("prediction", "truth", "probability")
        assert re.search(hint, caught.value.hint or "")


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"dim": 3}, "not_a_name", "dim"),
        ({"dim": ["time", 2]}, "not_a_name", "dim"),
        ({"metrics": 7}, "not_a_name", "metrics"),
        ({"metrics": [None]}, "not_a_name", "metrics"),
        ({"weights": np.ones(8)}, "not_an_array", "weights"),
        ({"weights": "area"}, "not_an_array", "weights"),
        ({"split": "random", "role": "test"}, "not_a_split", "split"),
        ({"split": {"kind": "block"}, "role": "test"}, "not_a_split", "split"),
        ({"by": 3}, "unknown_group", "by"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        score(DS.a, DS.b, **options)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.hint


def test_a_cube_scores_its_variables_by_name() -> None:
    xr.testing.assert_identical(DS.mlkit.score("a", "b"), score(DS.a, DS.b))
    with pytest.raises(CubeError, match="no variable 'aa'") as caught:
        DS.mlkit.score("aa", "b")
    assert caught.value.code == "unknown_variable"
    with pytest.raises(CubeError, match="no variable 'lst'"):
        DS.mlkit.score("a", "lst")


@pytest.mark.parametrize("broken", ["a", "b"])
def test_a_damaged_chunk_is_named_by_its_variable(broken: str, tmp_path: Path) -> None:
    DS[["a", "b"]].to_zarr(tmp_path / "cube.zarr", zarr_format=2, consolidated=False)
    (tmp_path / "cube.zarr" / broken / "0.0.0").write_bytes(b"broken")
    cube = xr.open_zarr(tmp_path / "cube.zarr", chunks=None, consolidated=False)
    for scored in (score, class_scores):
        with pytest.raises(CubeError, match=f"of '{broken}' cannot be read") as caught:
            scored(cube.a, cube.b)
        assert caught.value.code == "unreadable_chunk"


def test_a_damaged_chunk_of_one_name_in_two_cubes_tells_which(tmp_path: Path) -> None:
    for name in ("made", "true"):
        DS[["a"]].to_zarr(tmp_path / name, zarr_format=2, consolidated=False)
    (tmp_path / "made" / "a" / "0.0.0").write_bytes(b"broken")
    made, true = (
        xr.open_zarr(tmp_path / name, chunks=None, consolidated=False).a
        for name in ("made", "true")
    )
    with pytest.raises(CubeError, match=r"of 'a \(prediction\)' cannot be read"):
        score(made, true)
    bare = true.rename(None)
    assert float(score(bare, bare).rmse) == 0
