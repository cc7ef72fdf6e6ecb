"""What a person types, and what it answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlkit.cli import doctor, main
from jupyter_mlkit.cubes.demo.cube import demo_truth
from jupyter_mlkit.cubes.sources.open import open_cube


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has never used Jupyter."""
    ours = {"MLFLOW_TRACKING_URI", "_MLFLOW_SERVER_ARTIFACT_ROOT", "IPYTHONDIR"}
    kept = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith("JUPYTER_")}
    return kept | {"HOME": str(tmp_path / "home"), "PYTHONWARNINGS": "ignore"}


def _mlkit(home: dict[str, str], *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "import sys; from jupyter_mlkit.cli import main; sys.exit(main())",
    ]
    return subprocess.run(
        [*command, *args], env=home, cwd=cwd, capture_output=True, text=True, timeout=280
    )


def test_demo_cube_is_written_and_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "demo.zarr"
    assert main(["demo-cube", str(path), "--seed", "3"]) == 0
    truth = demo_truth(open_cube(str(path)))
    assert truth is not None
    assert truth.seed == 3
    capsys.readouterr()
    assert main(["demo-cube", str(path)]) == 1
    said = capsys.readouterr().err
    assert "already_exists" in said
    assert str(path) in said


def test_a_wrong_size_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo-cube", str(tmp_path / "a.zarr"), "--size", "big"]) == 1
    said = capsys.readouterr().err
    assert "size" in said
    assert "10 MB" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("sources: [", "invalid_spec"),
        ("target: y", "invalid_spec"),
        ("sources: [{uri: a, options: {token: x}}]", "secret_in_spec"),
    ],
)
def test_a_wrong_spec_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: str
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    assert main(["train", str(spec)]) == 1
    assert code in capsys.readouterr().err


def test_a_missing_spec_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml" in capsys.readouterr().err


@pytest.mark.slow
def test_demo_does_the_main_job_in_an_empty_home(home: dict[str, str], tmp_path: Path) -> None:
    done = _mlkit(home, "demo", "--dir", str(tmp_path / "demo"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "comparable" in done.stdout
    assert "← registered" in done.stdout
    maps = list((tmp_path / "demo").glob("prediction-*.png"))
    assert len(maps) == 1
    assert maps[0].read_bytes().startswith(b"\x89PNG")
    predicted = open_cube(str(next((tmp_path / "demo").glob("prediction-*.zarr"))))
    assert predicted.sizes == {"time": 10, "lat": 216, "lon": 432}
    # Nothing was left in the folder that it was called from.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "home"]


def test_doctor_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "none" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    found = next(doctor._store())
    assert "will be made at the first use" in found.state
    assert found.problem is None
    assert not file.parent.exists()


@pytest.mark.slow
def test_doctor_finds_all_well_and_says_what_is_not(home: dict[str, str], tmp_path: Path) -> None:
    done = _mlkit(home, "doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "All well." in done.stdout
    assert "python3" in done.stdout

    kernels = tmp_path / "home" / ".local" / "share" / "jupyter" / "kernels" / "broken"
    kernels.mkdir(parents=True)
    spec = {
        "argv": ["/nowhere/python", "-m", "ipykernel"],
        "display_name": "B",
        "language": "python",
    }
    (kernels / "kernel.json").write_text(json.dumps(spec))
    done = _mlkit(home, "doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "✗ broken" in done.stdout
    assert "fix:" in done.stdout


@pytest.mark.slow
def test_workspace_opens_with_the_panel(home: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):  # the second time changes nothing
        done = _mlkit(home, "workspace", str(tmp_path / "try"), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "try" / "esdc-demo.zarr").is_dir()
    assert (tmp_path / "try" / "01_scikit_learn.ipynb").is_file()
    saved = next((tmp_path / "home" / ".jupyter" / "lab" / "workspaces").iterdir())
    layout = json.loads(saved.read_text())["data"]["layout-restorer:data"]
    assert layout["left"]["current"] == "jupyter-mlkit-panel"
