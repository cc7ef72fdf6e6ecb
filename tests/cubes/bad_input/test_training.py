"""A training that cannot go well ends before there is a run, in words that name the input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlkit.errors import MLKitError
from jupyter_mlkit.train import run

from .cubes import sound, write, write_one
from .ways import spec_on


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty store of runs."""
    import shutil

    import mlflow

    folder = tmp_path_factory.mktemp("runs")
    shutil.copy(empty_store, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("_MLFLOW_SERVER_ARTIFACT_ROOT", str(folder / "artifacts"))
        mlflow.set_tracking_uri(None)
        yield uri
    mlflow.set_tracking_uri(None)


def runs() -> int:
    import mlflow

    return len(mlflow.search_runs(search_all_experiments=True))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("target of NaN", "all_missing"),
        ("feature of NaN", "all_missing"),
        ("no dates", "all_missing"),
        ("one cell", "empty_split"),
        ("words for rows", "unsupported_grid"),
        ("text feature", "not_numeric"),
        ("complex feature", "not_numeric"),
        ("a dim too many", "unsupported_grid"),
    ],
)
def test_what_cannot_be_trained_on_makes_no_run(
    row: str, code: str, store: str, tmp_path: Path
) -> None:
    path = write_one(row, tmp_path / "cube.zarr")
    before = runs()
    with pytest.raises(MLKitError) as caught:
        run(_spec(path))
    assert caught.value.code == code
    assert caught.value.hint
    assert runs() == before


def test_a_damaged_chunk_makes_no_run(store: str, tmp_path: Path) -> None:
    path = write(sound(), tmp_path / "cube.zarr")
    (path / "a" / "1.1.1").write_bytes(b"noise")
    before = runs()
    with pytest.raises(MLKitError, match=r"Chunk \(time 1, lat 1, lon 1\) of 'a'"):
        run(_spec(path))
    assert runs() == before


@pytest.mark.parametrize("row", ["beyond float32", "360_day"])
def test_odd_numbers_and_calendars_are_trained_on(row: str, store: str, tmp_path: Path) -> None:
    """The target is twice the feature plus noise of deviation one."""
    path = write_one(row, tmp_path / "cube.zarr")
    metrics = run(_spec(path)).metrics
    assert metrics["val_rmse"] == pytest.approx(1.0, rel=0.2)


def _spec(path: Path) -> dict:
    return spec_on(
        path,
        model={"class": "sklearn.linear_model.LinearRegression"},
        tracking={"experiment": "tests"},
    )
