"""What a user installs: the wheel and the editable tree are both enabled and OK."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAB_LIST = "from jupyterlab.labextensions import main; main()"
SERVER_LIST = "from jupyter_server.extension.serverextension import main; main()"


def _list(python: Path | str, code: str) -> str:
    done = subprocess.run(
        [python, "-c", code, "list"], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout + done.stderr


def _assert_enabled(python: Path | str) -> None:
    lab = [line for line in _list(python, LAB_LIST).splitlines() if "jupyter-mlkit" in line]
    assert len(lab) == 1, lab
    assert "enabled" in lab[0]
    assert "OK" in lab[0]
    assert "python, jupyter_mlkit" in lab[0]
    server = _list(python, SERVER_LIST)
    ours = server[server.index("jupyter_mlkit") :].split("- Validating", 2)[1]
    assert "OK" in ours, server


@pytest.mark.slow
def test_editable_install_is_enabled() -> None:
    _assert_enabled(sys.executable)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(ROOT)],
        check=True,
        timeout=280,
    )
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_wheel_is_enabled_where_it_is_installed_alone(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = venv / "lib" / version / "site-packages"
    # Everything but us comes from this environment: a path in a .pth file brings its packages,
    # yet not its own .pth files, so the editable install stays out of sight.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)],
        check=True,
        timeout=120,
    )
    where = subprocess.run(
        [python, "-c", "import jupyter_mlkit; print(jupyter_mlkit.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert str(site) in where
    _assert_enabled(python)


@pytest.mark.slow
def test_wheel_carries_notebook_and_front_end_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "jupyter_mlkit/notebooks/01_scikit_learn.ipynb" in names
    assert "jupyter_mlkit/py.typed" in names
    assert any(name.endswith("labextensions/jupyter-mlkit/package.json") for name in names)
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]
