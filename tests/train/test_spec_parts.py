"""What a spec can say beyond one cube and its variables, from launch to logged model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.train import predict, run
from jupyter_mlkit.train.answers import preview

from .conftest import FEATURE, TARGET, make_spec

_PREPARE = """
def celsius(cube):
    warm = cube["air_temperature_2m"] - 273.15
    return cube.assign(celsius=warm.assign_attrs(units="degC"))
"""


def _artifact(run_id: str, name: str) -> Any:
    path = mlflow.artifacts.download_artifacts(f"runs:/{run_id}/{name}")
    return json.loads(Path(path).read_text())


def test_computed_features_travel_with_the_model(
    store: str, small_cube: Path, tmp_path: Path
) -> None:
    computed = f"({FEATURE} - 273.15) ** 2"
    result = run(make_spec(small_cube, features=[FEATURE, computed, "doy_cos"]))
    assert result.metrics["val_r2"] > 0.5
    cube = open_cube(str(small_cube))
    loaded = mlflow.pyfunc.load_model(result.model_uri)
    here = loaded.predict(cube.isel(time=[0]).load())
    written = open_cube(str(predict(result.run_id, str(small_cube), tmp_path / "p.zarr")))
    np.testing.assert_allclose(
        written[TARGET].isel(time=[0]).transpose(*here.dims), here, rtol=1e-6
    )


def test_a_lead_time_predicts_ahead(store: str, small_cube: Path) -> None:
    result = run(make_spec(small_cube, lead="8D", use="times"))
    found = mlflow.get_run(result.run_id)
    assert found.data.params["lead"] == "8D"
    assert json.loads(found.data.tags["mlkit.evaluation"])["lead_time"]
    assert found.data.params["features"] == FEATURE
    # What it must beat is that nothing changes.
    assert "baseline/persistence/val_rmse" in result.metrics


def test_kernel_and_job_run_the_same_preparation(store: str, small_cube: Path) -> None:
    spec = make_spec(
        small_cube, features=["celsius"], prepare={"function": "celsius", "code": _PREPARE}
    )
    prepared = run(spec)
    plain = run(make_spec(small_cube))
    assert prepared.metrics["val_rmse"] == pytest.approx(plain.metrics["val_rmse"], rel=1e-4)
    tags = [mlflow.get_run(one.run_id).data.tags for one in (prepared, plain)]
    # The truth and its cells are the same: they can be compared.
    assert tags[0]["mlkit.evaluation.hash"] == tags[1]["mlkit.evaluation.hash"]
    assert tags[0]["mlkit.cube.fingerprint"] != tags[1]["mlkit.cube.fingerprint"]


def test_several_cubes_on_one_grid_are_one(store: str, small_cube: Path, tmp_path: Path) -> None:
    cube = xr.open_zarr(small_cube, chunks=None)
    height = xr.Dataset(
        {"height": (("lat", "lon"), np.random.default_rng(0).random(cube[TARGET].shape[1:]))},
        {"lat": cube.lat, "lon": cube.lon},
    )
    height.to_zarr(tmp_path / "static.zarr", zarr_format=2)
    sources = [{"uri": str(small_cube)}, {"uri": str(tmp_path / "static.zarr")}]
    result = run(make_spec(small_cube, sources=sources, features=[FEATURE, "height"]))
    assert result.metrics["n_train"] > 0
    recorded = _artifact(result.run_id, "mlkit/cube.json")
    assert set(recorded["fingerprint"]["variables"]) == {TARGET, FEATURE, "height"}


@pytest.mark.parametrize(
    "split",
    [
        {"kind": "gap", "shares": {"train": 0.8, "validation": 0.1, "test": 0.1}},
        {"kind": "random"},
        {
            "kind": "block",
            "sizes": {"lat": "5 deg", "lon": "5 deg"},
            "buffer": {"space": "100 km"},
        },
        {
            "kind": "region",
            "validation": [{"west": -180, "south": 20, "east": -60, "north": 60}],
            "test": [{"west": 60, "south": 20, "east": 180, "north": 60}],
        },
        {
            "kind": "all",
            "parts": [
                {
                    "kind": "block",
                    "sizes": {"lat": "5 deg", "lon": "5 deg"},
                    "shares": {"train": 0.4, "validation": 0.3, "test": 0.3},
                },
                {
                    "kind": "time",
                    "validation_start": "2002-06-06",
                    "test_start": "2002-06-14",
                },
            ],
        },
    ],
    ids=lambda split: split["kind"],
)
def test_every_split_trains_and_says_whether_it_fits(
    store: str, small_cube: Path, split: dict[str, Any]
) -> None:
    result = run(make_spec(small_cube, split=split))
    recorded = _artifact(result.run_id, "mlkit/split.json")
    roles = [count["role"] for count in recorded["counts"]]
    assert roles[:3] == ["train", "validation", "test"]
    assert ("buffer" in roles) == (split["kind"] == "all" or "buffer" in split)
    report = _artifact(result.run_id, "mlkit/leakage.json")
    assert report["sentence"]
    shown = preview(make_spec(small_cube, split=split))
    assert [count.role for count in shown.roles] == roles
    assert shown.leakage is not None
    assert shown.leakage.sentence == report["sentence"]
