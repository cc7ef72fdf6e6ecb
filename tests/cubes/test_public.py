"""What jupyter_mlkit.cubes offers by name is there, and costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest
import xarray as xr

import jupyter_mlkit.cubes as cubes


@pytest.mark.parametrize("name", cubes.__all__)
def test_every_name_is_what_it_says(name: str) -> None:
    found = getattr(cubes, name)
    assert found.__name__ == name
    assert found.__doc__
    assert hasattr(xr.Dataset, "mlkit")


def test_the_package_alone_imports_nothing_heavy() -> None:
    code = (
        "import sys, jupyter_mlkit.cubes; "
        "print([m for m in ('numpy', 'xarray', 'zarr', 'scipy', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_framework_comes_with_the_pipeline() -> None:
    """cubes imports no MLflow, no Jupyter, no framework at module level."""
    code = (
        "import sys, jupyter_mlkit.cubes as c; [getattr(c, name) for name in c.__all__]; "
        "heavy = ('mlflow', 'jupyter_server', 'torch', 'keras', 'sklearn', 'dask', 'numba'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
