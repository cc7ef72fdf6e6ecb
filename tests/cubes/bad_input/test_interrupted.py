"""Interrupts and full or closed disks: threads end, and nothing half-written stands."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sampling.sampler import Sampler
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import MLKitError

from .cubes import sound, write
from .ways import doubled

_CHILD = """
import resource, signal, sys
from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import MLKitError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cube, out, how = sys.argv[1:]
ds = open_cube(cube)
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    predict(lambda x: 2 * x[:, 0], ds, features=["a"], path=out)
except MLKitError as error:
    print(error.code, error.message, error.hint, sep="|")
"""


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    return write(sound(), tmp_path / "cube.zarr")


def readers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("cube-reader")]


@pytest.mark.parametrize("where", ["model", "progress"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_while_predicting_ends_the_threads_and_leaves_no_cube(
    where: str, stop: type[BaseException], cube: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.zarr"

    def interrupted(_: Any) -> Any:
        raise stop

    calls: dict[str, Callable[[Any], Any]] = {"model": doubled, "progress": lambda _: None}
    calls[where] = interrupted
    with pytest.raises(stop):
        predict(
            calls["model"],
            open_cube(str(cube)),
            features=["a"],
            path=out,
            progress=calls["progress"],
        )
    assert not readers()
    assert not out.exists()
    # Another try is not in the way of the first.
    found = predict(doubled, open_cube(str(cube)), features=["a"], path=out)
    assert np.isfinite(found.values).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cube.zarr", "out.zarr"]


def test_an_interrupt_while_sampling_ends_the_threads(cube: Path) -> None:
    def stopped() -> None:
        for _ in Sampler(open_cube(str(cube)), ["a"], "b", batch_size=16):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not readers()


def _said(cube: Path, out: Path, how: str, **options: Any) -> str:
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CHILD, str(cube), str(out), how],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        **options,
    )
    return child.stdout


def test_a_full_disk_is_told_and_leaves_no_cube(cube: Path, tmp_path: Path) -> None:
    said = _said(cube, tmp_path / "out.zarr", "full")
    assert said.startswith("not_writable|")
    assert "out.zarr" in said
    assert "free space" in said
    assert not (tmp_path / "out.zarr").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_in_the_way_is_never_replaced(overwrite: bool, cube: Path, tmp_path: Path) -> None:
    (tmp_path / "out.zarr").write_text("mine")
    with pytest.raises(MLKitError) as caught:
        predict(
            doubled,
            open_cube(str(cube)),
            features=["a"],
            path=tmp_path / "out.zarr",
            overwrite=overwrite,
        )
    assert caught.value.code == "already_exists"
    assert (tmp_path / "out.zarr").read_text() == "mine"


def test_a_target_below_a_file_is_not_writable(cube: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MLKitError) as caught:
        predict(doubled, open_cube(str(cube)), features=["a"], path=tmp_path / "file" / "out.zarr")
    assert caught.value.code == "not_writable"


def test_a_folder_that_nobody_writes_to_is_told(cube: Path) -> None:
    """Not even root makes folders in /proc."""
    with pytest.raises(MLKitError) as caught:
        predict(doubled, open_cube(str(cube)), features=["a"], path="/proc/out.zarr")
    assert caught.value.code == "not_writable"
    assert "/proc/out.zarr" in caught.value.message
