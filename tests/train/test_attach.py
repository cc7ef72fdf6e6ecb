"""One line gives a run of somebody's own script the identity of its cube."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import InvalidInputError, SpecError
from jupyter_mlkit.spec import load_spec
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.train import log_cube, run

from .conftest import FEATURE, TARGET, make_spec


@pytest.mark.parametrize("opened", [lambda path: open_cube(str(path)), xr.open_zarr])
def test_is_comparable_with_a_run_of_ours(store: str, small_cube: Path, opened: Any) -> None:
    spec = make_spec(small_cube)
    ours = mlflow.get_run(run(spec).run_id)
    with mlflow.start_run() as started:
        log_cube(opened(small_cube), target=TARGET, split=spec["split"], features=[FEATURE])
    theirs = mlflow.get_run(started.info.run_id)
    for key in (
        tags.EVALUATION_HASH,
        tags.EVALUATION_TEST_HASH,
        tags.SPLIT_HASH,
        tags.CUBE_FINGERPRINT,
        tags.UNITS,
        tags.CUBE_BEGIN,
        tags.CUBE_END,
        tags.CUBE_YEARS,
    ):
        assert theirs.data.tags[key] == ours.data.tags[key], key
    times = open_cube(str(small_cube))["time"].values
    assert ours.data.tags[tags.CUBE_BEGIN] == str(times[0])[:10]
    assert ours.data.tags[tags.CUBE_YEARS] == f" {str(times[0])[:4]} "
    for one in (ours, theirs):
        profile = json.loads(one.inputs.dataset_inputs[0].dataset.profile)
        assert profile["split"]["hash"] == one.data.tags[tags.SPLIT_HASH]
    assert theirs.inputs.dataset_inputs[0].dataset.digest == (
        ours.inputs.dataset_inputs[0].dataset.digest
    )
    names = {
        file.path
        for file in mlflow.artifacts.list_artifacts(
            run_id=started.info.run_id, artifact_path="mlkit"
        )
    }
    made_with = {tags.ARTIFACT_ENVIRONMENT, tags.ARTIFACT_GIT_DIFF}  # by the journal
    assert names - made_with == {"mlkit/cube.json", "mlkit/split.json"}


def test_takes_cubes_in_memory(store: str, small_cube: Path) -> None:
    spec = load_spec(make_spec(small_cube))
    ds = open_cube(str(small_cube)).load()
    ds.encoding.clear()
    with mlflow.start_run() as started:
        log_cube(ds, target=TARGET, split=spec, features=[FEATURE])
    found = mlflow.get_run(started.info.run_id).data.tags
    assert found[tags.CUBE_FINGERPRINT].startswith("value:")
    assert found[tags.CUBE_URI] == "memory"


def test_says_what_is_missing(store: str, small_cube: Path) -> None:
    ds = open_cube(str(small_cube))
    split = make_spec(small_cube)["split"]
    with pytest.raises(InvalidInputError) as caught:
        log_cube(ds, target=TARGET, split=split)
    assert caught.value.code == "no_active_run"
    with mlflow.start_run(), pytest.raises(SpecError) as wrong:
        log_cube(ds, target="temprature", split=split)
    assert wrong.value.field == "target"
