"""A killed prediction goes on; a shared one ends as if one process had written it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlkit.cubes.prediction import write
from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import InvalidInputError, MLKitError

from ..made import small_cube

#: A box holds a few chunks only, so that there are many.
_CHILD = """
import os, signal, sys
from jupyter_mlkit.cubes.prediction import write
from jupyter_mlkit.cubes.prediction.predict import predict
from jupyter_mlkit.cubes.sources.open import open_cube
write._BUDGET = 1

class Model:
    names = ["a", "height"]
    calls = 0
    def predict_array(self, x):
        Model.calls += 1
        if Model.calls == int(os.environ["KILL_AT"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return x[:, 0] * 1.1 + x[:, 1]
    def __getstate__(self):
        return {}

number, count = map(int, os.environ["PART"].split("/"))
part = (number, count) if count > 1 else None
windows = {"input_dims": {"lat": 7}, "input_overlap": {"lat": 3}, "blend": "cosine"}
found = predict(
    Model(), open_cube(sys.argv[1]), path=sys.argv[2], name="p", part=part,
    attrs={"mlkit_run_id": "r", "mlkit_model_uri": "runs:/r/model"},
    **(windows if os.environ.get("WINDOWS") else {}),
)
found.load()
print(Model.calls, float(found.sum()))
"""


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cube") / "c.zarr"
    coding = {name: {"chunks": (2, 10, 20)} for name in ("a", "b")}
    coding["height"] = {"chunks": (10, 20)}
    small_cube().to_zarr(path, zarr_format=2, encoding=coding)
    return path


def start(cube: Path, path: Path, **environment: str) -> subprocess.Popen[str]:
    defaults = {"KILL_AT": "0", "PART": "0/1"}
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(cube), str(path)],
        env={**os.environ, **defaults, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(cube: Path, path: Path, **environment: str) -> tuple[int, str]:
    with start(cube, path, **environment) as child:
        out, err = child.communicate(timeout=120)
        assert child.returncode in (0, -signal.SIGKILL), err
    return child.returncode, out


def content(path: Path) -> dict[str, str]:
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def test_a_resumed_prediction_equals_an_uninterrupted_one_bit_for_bit(
    cube: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole.zarr", tmp_path / "killed.zarr"
    _, out = run(cube, whole)
    calls = int(out.split()[0])
    assert calls == 18
    code, _ = run(cube, killed, KILL_AT="11")
    assert code == -signal.SIGKILL
    assert not killed.exists()
    assert len(list(tmp_path.glob(".killed.zarr.*.part"))) == 1
    _, out = run(cube, killed)
    # Done boxes are not computed again; those in flight when it was killed are.
    assert int(out.split()[0]) <= calls - 11 + 6
    assert content(killed) == content(whole)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["killed.zarr", "whole.zarr"]


def test_processes_share_a_prediction(cube: Path, tmp_path: Path) -> None:
    """'written from >= 2 processes' and the same as from one."""
    whole, shared = tmp_path / "whole.zarr", tmp_path / "shared.zarr"
    run(cube, whole, WINDOWS="1")
    children = [start(cube, shared, PART=f"{k}/2", WINDOWS="1") for k in range(2)]
    answers = []
    for child in children:
        out, err = child.communicate(timeout=120)
        assert child.returncode == 0, err
        answers.append(out.split()[1])
    # Whoever was not the last to end computes what it is asked for.
    assert len(set(answers)) == 1
    assert content(shared) == content(whole)
    assert not list(tmp_path.glob(".*"))


def test_a_part_leaves_the_cube_to_the_last_one(
    cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_BUDGET", 1)
    path, ds = tmp_path / "p.zarr", open_cube(str(cube))
    named: dict[str, Any] = {
        "features": ["a"], "path": path, "name": "p", "attrs": {"mlkit_model_uri": "models:/m/1"},
    }  # fmt: skip
    first = predict(lambda x: x[:, 0], ds, part=(1, 2), **named)
    assert not path.exists()
    np.testing.assert_array_equal(first, ds.a)
    last = predict(lambda x: x[:, 0], ds, part=(0, 2), **named)
    np.testing.assert_array_equal(last, ds.a)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zarr"]


def test_an_unnamed_model_cannot_be_shared(cube: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        predict(
            lambda x: x[:, 0], open_cube(str(cube)), features=["a"], path=tmp_path / "p.zarr",
            part=(0, 2),
        )  # fmt: skip
    assert caught.value.field == "part"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["model", "cube", "features", "attrs", "windows"])
def test_another_prediction_does_not_go_on_from_it(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two halves of a cube never come from two models or two cubes."""
    monkeypatch.setattr(write, "_BUDGET", 1)
    coding = {name: {"chunks": (3, 30, 40)} for name in ("a", "b")}
    small_cube().to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding=coding)
    values: dict[str, Any] = {
        "features": ["a"], "path": tmp_path / "p.zarr", "name": "p",
        "attrs": {"mlkit_model_uri": "models:/m/1"}, "part": (0, 2),
    }  # fmt: skip

    def model(x: np.ndarray) -> np.ndarray:
        return x[:, 0]

    predict(model, open_cube(str(tmp_path / "c.zarr")), **values)
    if change == "model":
        values["attrs"] = {"mlkit_model_uri": "models:/m/2"}
    elif change == "cube":
        other = small_cube(seed=1)
        other.to_zarr(tmp_path / "c.zarr", zarr_format=2, encoding=coding, mode="w")
    elif change == "features":
        values["features"] = ["b"]
    elif change == "attrs":
        values["attrs"] = {**values["attrs"], "units": "K"}
    else:
        values["input_dims"] = {"time": 2}
    predict(model, open_cube(str(tmp_path / "c.zarr")), **{**values, "part": (1, 2)})
    assert not (tmp_path / "p.zarr").exists()
    assert len(list(tmp_path.glob(".p.zarr.*.part"))) == 2


def test_a_disk_error_is_told_and_what_is_done_is_kept(
    cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlkit.cubes.prediction.stage import Stage

    def full(self: Stage, path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    named: dict[str, Any] = {
        "features": ["a"], "path": tmp_path / "p.zarr", "attrs": {"mlkit_model_uri": "models:/m/1"},
    }  # fmt: skip
    ds = open_cube(str(cube))
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "write", full)
        with pytest.raises(MLKitError, match="No space left") as caught:
            predict(lambda x: x[:, 0], ds, **named)
    assert caught.value.code == "not_writable"
    np.testing.assert_array_equal(predict(lambda x: x[:, 0], ds, **named), ds.a)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.zarr"]
