"""Several sources and the user's function make one cube, or it is said why not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.sources.open import open_cubes
from jupyter_mlkit.cubes.sources.prepare import apply_prepare, code_hash, open_prepared
from jupyter_mlkit.cubes.sources.stage import stage
from jupyter_mlkit.errors import ConflictError, CubeError
from jupyter_mlkit.spec import Prepare

from ..made import small_cube


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Two stores on the same cells, with the variable `height` in the second."""
    ds = small_cube()
    ds[["a", "b"]].to_zarr(tmp_path / "ab.zarr", consolidated=False)
    ds[["height"]].to_zarr(tmp_path / "height.zarr", consolidated=False)
    return [str(tmp_path / "ab.zarr"), str(tmp_path / "height.zarr")]


def test_sources_on_the_same_cells_are_one_cube(two: list[str]) -> None:
    ds = open_prepared(two)
    assert not ds.height.variable._in_memory
    xr.testing.assert_equal(ds.load(), small_cube())
    assert open_prepared(two[:1]).encoding["source"] == two[0]


def test_other_grids_are_refused_and_both_are_named(two: list[str], tmp_path: Path) -> None:
    small_cube().rename(a="c")[["c"]].coarsen(lat=2).mean().to_zarr(
        tmp_path / "c.zarr", consolidated=False
    )  # type: ignore[attr-defined]
    with pytest.raises(CubeError) as caught:
        open_cubes([*two, str(tmp_path / "c.zarr")])
    error = caught.value
    assert (error.code, error.field) == ("different_grids", "sources.2.uri")
    assert "ab.zarr" in error.message
    assert "c.zarr" in error.message
    assert "lat 15" in error.message
    assert "prepare" in str(error.hint)


def test_a_variable_twice_and_a_missing_source_are_said(two: list[str]) -> None:
    with pytest.raises(CubeError) as caught:
        open_cubes([two[0], two[0]])
    assert (caught.value.code, caught.value.field) == ("same_variable", "sources.1.uri")
    with pytest.raises(CubeError) as caught:
        open_cubes([two[0], two[0] + "x"])
    assert (caught.value.code, caught.value.field) == ("cube_not_found", "sources.1.uri")


CODE = """
def merge(first, second):
    ds = first.merge(second)
    return ds.assign(c=ds.a - ds.b)
"""


def test_code_makes_the_cube(two: list[str]) -> None:
    ds = open_prepared(two, Prepare("merge", CODE))
    np.testing.assert_array_equal(ds.c, small_cube().a - small_cube().b)
    assert "source" not in ds.encoding


def test_an_import_path_makes_the_cube(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two: list[str]
) -> None:
    (tmp_path / "my_prepare_module.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    prepare = Prepare("my_prepare_module:merge")
    assert "c" in open_prepared(two, prepare)
    before = code_hash(prepare)
    (tmp_path / "my_prepare_module.py").write_text(CODE + "# more\n")
    assert code_hash(prepare) != before
    sys.modules.pop("my_prepare_module")


def test_the_hash_is_that_of_the_code() -> None:
    assert code_hash(Prepare("merge", CODE)) == code_hash(Prepare("merge", CODE))
    assert code_hash(Prepare("merge", CODE)) != code_hash(Prepare("merge", CODE + "\n"))
    assert code_hash(Prepare("merge", CODE)) != code_hash(Prepare("other", CODE))
    assert code_hash(Prepare("merge", CODE)) == code_hash(
        Prepare("merge", CODE.replace("\n", "\r\n"))
    )
    assert code_hash(Prepare("no_such_module_anywhere:f")) is None
    assert code_hash(Prepare("math:sqrt")) is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def f(a, b):\n    x = 1\n    return a.nothing", "line 3 (`return a.nothing`)"),
        ("def f(a, b):\n    return a +", "line 2 (`return a +`)"),
        ("def g(x):\n    return 1 / 0\ndef f(a, b):\n    return g(a)", "line 2 (`return 1 / 0`)"),
        ("import no_such_package\ndef f(a, b): ...", "line 1 (`import no_such_package`)"),
        ("def f(a, b): return a.a", "a DataArray, not a Dataset"),
        ("def f(a, b): pass", "a NoneType, not a Dataset"),
        ("def f(a, b): return a[[]]", "without variables"),
        ("def f(a): return a", "does not take 2 dataset(s)"),
        ("def g(a, b): return a", "no such name"),
        ("f = 3", "no function"),
    ],
)
def test_what_went_wrong_in_the_users_code_is_said_with_its_line(code: str, words: str) -> None:
    ds = small_cube()
    with pytest.raises(CubeError) as caught:
        apply_prepare(Prepare("f", code), [ds, ds])
    assert words in caught.value.message
    assert str(caught.value.field).startswith("prepare")


@pytest.mark.parametrize("function", ["f", "no_such_module:f", "math:nothing", "math:pi"])
def test_functions_that_are_not_there(function: str) -> None:
    with pytest.raises(CubeError) as caught:
        apply_prepare(Prepare(function), [small_cube()])
    assert caught.value.code == "prepare_not_found"


def test_memory_is_staged_whole_or_not_at_all(tmp_path: Path) -> None:
    ds = small_cube(n_time=40, n_lat=300, n_lon=400)
    path = stage(ds, tmp_path / "sub" / "c.zarr")
    opened = open_prepared([str(path)])
    xr.testing.assert_identical(opened.load(), ds)
    assert opened.a.encoding["chunks"] == (40, 150, 200)
    with pytest.raises(ConflictError):
        stage(ds, path)
    stage(ds.isel(time=[0]), path, overwrite=True)
    assert open_prepared([str(path)]).sizes["time"] == 1
    broken = ds.assign(bad=("time", np.array([object()] * 40)))
    with pytest.raises(Exception, match=r".*"):
        stage(broken, tmp_path / "bad.zarr")
    assert [file.name for file in tmp_path.iterdir()] == ["sub"]
