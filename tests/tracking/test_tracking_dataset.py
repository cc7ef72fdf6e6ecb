"""Cubes as MLflow datasets, and the tags of a notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow.data
import numpy as np
import pytest
import xarray as xr
from mlflow.entities import DatasetInput
from stores import Place

from jupyter_mlkit.cubes.splits.blocks import BlockSplit
from jupyter_mlkit.cubes.splits.regions import RegionSplit
from jupyter_mlkit.cubes.splits.stored import split_from_dict
from jupyter_mlkit.errors import SpecError
from jupyter_mlkit.models import RoleCount
from jupyter_mlkit.tracking import context
from jupyter_mlkit.tracking.dataset import CubeDataset, CubeDatasetSource, from_xarray
from jupyter_mlkit.tracking.journal.entries import encoded
from jupyter_mlkit.tracking.journaled.entities import inputs_entry


@pytest.fixture
def cube() -> xr.Dataset:
    lst = xr.Variable(("time", "lat"), np.zeros((3, 4), "f4"), {"units": "K"})
    lst.encoding["preferred_chunks"] = {"time": 1, "lat": 4}
    return xr.Dataset({"lst": lst}, {"time": [0, 1, 2], "lat": [3.0, 2.0, 1.0, 0.0]})


def test_a_run_finds_its_cube_with_stock_mlflow(place: Place, cube: xr.Dataset) -> None:
    dataset = mlflow.data.from_xarray(
        cube,
        "https://me:secret@example.org/cubes/esdc.zarr?token=secret",
        digest="stored:" + "a" * 60,
        target="lst",
        roles=[RoleCount("train", 8, 2), RoleCount("validation", 4, 1)],
    )
    assert isinstance(dataset, CubeDataset)
    run_id = place.client.create_run(experiment := place.experiment()).info.run_id
    from mlflow.entities import DatasetInput, InputTag

    place.client.log_inputs(
        run_id,
        [DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])],
    )
    found = place.backend.runs([experiment], "datasets.name = 'esdc.zarr'").items
    assert [run.run_id for run in found] == [run_id]
    logged = found[0].datasets[0]
    assert (logged.context, logged.source_type) == ("training", "cube")
    assert logged.digest == ("stored:" + "a" * 60)[:36]
    assert "secret" not in json.dumps([logged.source, logged.schema, logged.profile])
    schema = json.loads(logged.schema or "")
    assert schema["mlflow_colspec"] == [{"name": "lst", "type": "float", "required": True}]
    assert schema["cube"]["variables"]["lst"] == {
        "dims": ["time", "lat"], "dtype": "float32", "units": "K", "chunks": [1, 4],
        "role": "target",
    }  # fmt: skip
    profile = json.loads(logged.profile or "")
    assert profile["roles"]["train"] == {"cells": 8, "blocks": 2}
    stored = place.client.get_run(run_id).inputs.dataset_inputs[0].dataset
    source = mlflow.data.get_source(stored)
    assert isinstance(source, CubeDatasetSource)
    assert source.uri == "https://example.org/cubes/esdc.zarr"


def test_a_cube_is_opened_again_from_its_source(cube: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "cube.zarr"
    cube.to_zarr(path)
    dataset = from_xarray(cube, str(path), target="lst")
    again = CubeDatasetSource.from_json(dataset.source.to_json()).load()
    xr.testing.assert_equal(again.load(), cube)
    assert 0 < len(dataset.digest) <= 36
    assert dataset.digest == from_xarray(cube, str(path), target="lst").digest


def test_a_cube_carries_its_split() -> None:
    steps = {"lat": np.arange(40.0), "lon": np.arange(40.0)}
    cube = xr.Dataset({"lst": (("lat", "lon"), np.zeros((40, 40)))}, steps)
    split = BlockSplit({"lat": 2, "lon": "2 deg"})
    profile = json.loads(from_xarray(cube, digest="d", split=split).to_dict()["profile"])
    # Two cells of this cube are two degrees.
    assert profile["split"]["hash"] == BlockSplit({"lat": "2 deg", "lon": "2 deg"}).hash
    assert split_from_dict(profile["split"]["rule"]).hash == profile["split"]["hash"]
    with pytest.raises(SpecError):
        from_xarray(cube, digest="d", split=BlockSplit({"height": 2}))


def test_a_split_with_too_much_to_say_is_known_by_its_hash(
    cube: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlkit.tracking.cube_dataset._PROFILE_LENGTH", 200)
    split = BlockSplit({"lat": "2 deg"})
    dataset = CubeDataset(cube, CubeDatasetSource("a.zarr"), digest="d", split=split)
    assert json.loads(dataset.to_dict()["profile"])["split"] == {"hash": split.hash}


def test_a_cube_with_too_much_to_say_still_fits() -> None:
    for length in (2_000, 4_000):
        wide = xr.Dataset({f"v{n}" * length: ("x", np.zeros(1)) for n in range(200)})
        record = from_xarray(wide, "wide.zarr", digest="d").to_dict()
        assert len(record["schema"]) < 1_048_575
        assert json.loads(record["schema"])


@pytest.mark.parametrize("length", [1, 10, 100, 1_000])
def test_any_cube_fits_into_the_journal(length: int) -> None:
    for number in (500, 2_000, 3_000):
        names = [f"v{n}" * length for n in range(number)]
        wide = xr.Dataset({name: ("x", np.zeros(1)) for name in names})
        split = RegionSplit([(n / 9, 0.0, n / 9 + 1, 1.0) for n in range(1_000)])
        logged = CubeDataset(wide, CubeDatasetSource("a.zarr"), digest="d", split=split)
        encoded(inputs_entry([DatasetInput(logged._to_mlflow_entity(), [])], []))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    for words in (
        ["init", "-q", "-b", "main"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", folder, *words], check=True)
    (folder / "analysis.ipynb").write_text("{}")
    return folder


def test_a_notebook_names_itself_and_its_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setenv("JPY_SESSION_NAME", "sub/folder/analysis.ipynb")
    head = subprocess.run(
        ["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    provider = context.NotebookContext()
    assert provider.in_context()
    tags = provider.tags()
    assert tags["mlkit.notebook"] == str(repository / "analysis.ipynb")
    assert tags["mlflow.source.name"] == "analysis.ipynb"
    assert tags["mlflow.source.git.commit"] == head
    assert tags["mlflow.source.git.branch"] == "main"
    assert provider.tags() == tags
    subprocess.run(
        ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
         "--allow-empty", "-m", "y"],
        check=True,
    )  # fmt: skip
    assert provider.tags()["mlflow.source.git.commit"] != head


def test_the_notebook_context_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb")
    monkeypatch.setenv("PATH", "")
    gone.rmdir()
    assert context.NotebookContext().tags()["mlflow.source.name"] == "x.ipynb"
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert context.NotebookContext().in_context() is False


def test_mlflow_asks_our_context(file_store: Place, repository: Path) -> None:
    code = "import mlflow\nwith mlflow.start_run() as run: print(run.info.run_id)"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": file_store.uri,
            "JPY_SESSION_NAME": str(repository / "analysis.ipynb"),
        },
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    run = file_store.backend.run(shown.stdout.split()[-1])
    assert run.tags["mlkit.notebook"] == str(repository / "analysis.ipynb")
    assert run.tags["mlflow.source.type"] == "NOTEBOOK"
    assert len(run.tags["mlflow.source.git.commit"]) == 40


def test_the_rooms_are_light_to_import() -> None:
    code = """
import sys
import jupyter_mlkit.tracking.backend, jupyter_mlkit.registry.versions, jupyter_mlkit.events.lease
heavy = {"mlflow", "numpy", "xarray", "pandas", "sqlalchemy", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
