"""Every way to store a cube gives the same cube."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import pytest
import s3fs
import xarray as xr

from jupyter_mlkit.cubes.grids.grid import grid_of
from jupyter_mlkit.cubes.grids.positions import positions
from jupyter_mlkit.cubes.sources.open import format_of, open_cube
from jupyter_mlkit.cubes.sources.uri import display_uri
from jupyter_mlkit.spec import Source, StorageOptions

from ..grids.kinds import KINDS
from ..made import small_cube
from .refused import code_of


def assert_is_the_cube(ds: xr.Dataset) -> None:
    assert not ds.b.variable._in_memory
    assert ds.b.chunks is None
    xr.testing.assert_equal(ds.load(), small_cube())


def packed(folder: Path, target: Path, *, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, f"{inside}{file.relative_to(folder)}")
    return target


@pytest.mark.parametrize("inside", ["", "v2.zarr/"])
@pytest.mark.parametrize("name", ["v2", "v3"])
def test_zipped_zarr(stores: dict[str, Path], tmp_path: Path, name: str, inside: str) -> None:
    path = packed(stores[name], tmp_path / "c.zarr.zip", inside=inside)
    assert_is_the_cube(open_cube(str(path)))
    assert format_of(str(path)) == f"zarr {name} (zip)"


def test_the_real_zipped_cube() -> None:
    path = Path(__file__).parents[3].parent / "shared" / "data" / "olci-north-sea.zarr.zip"
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    ds = open_cube(str(path))
    assert grid_of(ds).kind == "rectilinear"
    assert np.isfinite(ds.conc_chl.isel(time=0)).any()


def test_a_zip_without_a_cube_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    assert code_of(str(tmp_path / "c.zip")).code == "not_a_cube"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_remote_netcdf_and_zip_are_read_by_ranges(web: str, stores: dict[str, Path]) -> None:
    assert_is_the_cube(open_cube(f"{web}/cube.nc"))
    assert format_of(f"{web}/cube.nc") == "netCDF"
    small_cube().to_netcdf(stores["v2"].parent / "classic.nc", format="NETCDF3_64BIT")
    assert_is_the_cube(open_cube(f"{web}/classic.nc"))
    packed(stores["v2"], stores["v2"].parent / "far.zarr.zip")
    assert_is_the_cube(open_cube(f"{web}/far.zarr.zip"))
    assert code_of(f"{web}/none.nc").code == "cube_not_found"
    assert code_of(f"{web}/none.zarr.zip").code == "cube_not_found"
    (stores["v2"].parent / "text.nc").write_text("I am no netCDF file")
    assert code_of(f"{web}/text.nc").code == "not_a_cube"


def test_s3_netcdf_and_zip(bucket: dict[str, str], stores: dict[str, Path], tmp_path: Path) -> None:
    fs = s3fs.S3FileSystem(endpoint_url=bucket["endpoint_url"])
    fs.put(str(stores["netcdf"]), "cubes/cube.nc")
    fs.put(str(packed(stores["v3"], tmp_path / "c.zarr.zip")), "cubes/c.zarr.zip")
    for name in ("cube.nc", "c.zarr.zip"):
        assert_is_the_cube(open_cube(Source(f"s3://cubes/{name}", StorageOptions(**bucket))))
    assert code_of("s3://cubes/none.nc", **bucket).code == "cube_not_found"


@pytest.fixture
def root(stores: dict[str, Path], tmp_path: Path) -> Path:
    """A store as xcube writes it: two cubes, one of them with levels."""
    folder = tmp_path / "store"
    shutil.copytree(stores["v2"], folder / "warm.zarr")
    shutil.copytree(stores["v3"], folder / "deep.levels" / "0.zarr")
    small_cube().coarsen(lat=2, lon=2).mean().to_zarr(
        folder / "deep.levels" / "1.zarr", consolidated=False
    )  # type: ignore[attr-defined]
    (folder / "linked.levels").mkdir()
    (folder / "linked.levels" / "0.link").write_text("../warm.zarr")
    return folder


def test_a_store_of_several_cubes_says_what_it_holds(root: Path) -> None:
    error = code_of(str(root))
    assert error.code == "several_cubes"
    assert "3 cubes: deep.levels, linked.levels, warm.zarr" in error.message
    for part in ("warm.zarr", "warm", "deep.levels", "deep", "linked"):
        assert_is_the_cube(open_cube(f"{root}#{part}"))
        assert_is_the_cube(open_cube(f"{root.as_uri()}#{part}"))
    missing = code_of(f"{root}#cold")
    assert missing.code == "cube_not_found"
    assert "deep.levels" in str(missing.hint)
    assert code_of(f"{root}#../store").code == "cube_not_found"
    (root / "linked.levels" / "0.link").write_text("/etc")
    assert code_of(f"{root}#linked").code == "not_a_cube"


def test_a_remote_store_of_several_cubes(bucket: dict[str, str], root: Path, web: str) -> None:
    fs = s3fs.S3FileSystem(endpoint_url=bucket["endpoint_url"])
    fs.put(str(root), "cubes/store", recursive=True)
    for part in ("warm.zarr", "warm", "deep", "linked.levels"):
        source = Source(f"s3://cubes/store#{part}", StorageOptions(**bucket))
        ds = open_cube(source)
        assert ds.encoding["source"] == f"s3://cubes/store#{part}"
        assert_is_the_cube(ds)
    assert "warm.zarr" in str(code_of("s3://cubes/store#cold", **bucket).hint)
    assert_is_the_cube(open_cube(f"{web}#v2.zarr"))
    assert code_of(f"{web}#none.zarr").code == "cube_not_found"


def test_a_path_with_a_hash_is_a_path(stores: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(stores["v2"], tmp_path / "c#1.zarr")
    assert_is_the_cube(open_cube(str(tmp_path / "c#1.zarr")))


def test_a_group_of_a_cube_is_named_like_a_cube_of_a_store(tmp_path: Path) -> None:
    ds = small_cube()
    ds[["a"]].to_zarr(tmp_path / "c.zarr", consolidated=False)
    ds.to_zarr(tmp_path / "c.zarr", group="inner", mode="a", consolidated=False)
    assert_is_the_cube(open_cube(f"{tmp_path / 'c.zarr'}#inner"))
    assert set(open_cube(str(tmp_path / "c.zarr")).data_vars) == {"a"}
    assert code_of(f"{tmp_path / 'c.zarr'}#none").code == "cube_not_found"
    ds.to_netcdf(tmp_path / "c.nc")
    assert code_of(f"{tmp_path / 'c.nc'}#inner").code == "cube_not_found"


def item(*assets: tuple[str, str, str], kind: str = "Feature") -> dict[str, Any]:
    return {
        "type": kind,
        "stac_version": "1.0.0",
        "id": "x",
        "assets": {
            key: {"href": href, **({"type": media} if media else {})} for key, href, media in assets
        },
    }


@pytest.mark.parametrize("kind", ["Feature", "Collection"])
def test_stac(stores: dict[str, Path], web: str, kind: str) -> None:
    folder = stores["v2"].parent
    plain = ("thumbnail", "./x.png", "image/png")
    one = item(("data", "./v2.zarr", "application/vnd+zarr; version=2"), plain, kind=kind)
    (folder / "one.json").write_text(json.dumps(one))
    for uri in (str(folder / "one.json"), f"{web}/one.json", f"{web}/one.json#data"):
        assert_is_the_cube(open_cube(uri))
    two = item(("a", "v2.zarr", ""), ("b", f"{web}/v3.zarr", ""), ("c", "cube.nc", ""), kind=kind)
    (folder / "two.json").write_text(json.dumps(two))
    error = code_of(f"{web}/two.json")
    assert (error.code, "a, b, c" in error.message) == ("several_cubes", True)
    for key in "abc":
        assert open_cube(f"{web}/two.json#{key}").sizes["lat"] == 30
    assert code_of(f"{web}/two.json#d").code == "cube_not_found"


def test_what_is_no_stac_is_named(stores: dict[str, Path], web: str) -> None:
    folder = stores["v2"].parent
    for text in ("{", "[]", '{"type": "Feature"}', json.dumps(item(("t", "x.png", "image/png")))):
        (folder / "bad.json").write_text(text)
        assert code_of(str(folder / "bad.json")).code == "not_a_cube"
    local = item(("data", f"{stores['v2'].as_uri()}", "application/vnd+zarr"))
    (folder / "local.json").write_text(json.dumps(local))
    assert code_of(f"{web}/local.json").code == "protocol_not_allowed"
    assert code_of(f"{web}/none.json").code == "cube_not_found"


def versioned(storage: icechunk.Storage) -> list[str]:
    """Write two versions, the first of them tagged and a branch."""
    repository = icechunk.Repository.create(storage)
    first = small_cube()
    found = []
    for ds, mode in ((first, "w"), (first * 2, "w")):
        session = repository.writable_session("main")
        ds.to_zarr(session.store, mode=mode, consolidated=False, zarr_format=3)
        found.append(session.commit("written"))
    repository.create_tag("v1", found[0])
    repository.create_branch("old", found[0])
    return found


def test_icechunk_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "repo"
    first, second = versioned(icechunk.local_filesystem_storage(str(path)))
    for uri in (str(path), f"icechunk://{path}", f"icechunk://{path}#main"):
        ds = open_cube(uri)
        assert ds.encoding["icechunk_snapshot"] == second
        np.testing.assert_array_equal(ds.a, small_cube().a * 2)
        assert format_of(uri) == "zarr v3 (icechunk)"
    for version in ("tag=v1", "branch=old", f"snapshot={first}", "old"):
        ds = open_cube(f"icechunk://{path}#{version}")
        assert ds.encoding["icechunk_snapshot"] == first
        assert ds.encoding["source"].endswith(f"#{version}")
        assert_is_the_cube(ds)
    for version in ("tag=v2", "branch=x", "snapshot=AAAA", "none"):
        error = code_of(f"icechunk://{path}#{version}")
        assert (error.code, "v1" in str(error.hint)) == ("cube_not_found", True)
    assert code_of(f"icechunk://{path}#colour=red").code == "cube_not_found"
    assert code_of(f"icechunk://{tmp_path / 'none'}").code == "not_a_cube"


def test_icechunk_in_a_bucket(bucket: dict[str, str]) -> None:
    storage = icechunk.s3_storage(
        bucket="cubes",
        prefix="repo",
        region="us-east-1",
        endpoint_url=bucket["endpoint_url"],
        allow_http=True,
        force_path_style=True,
        from_env=True,
    )
    first, _ = versioned(storage)
    source = Source("icechunk+s3://cubes/repo#tag=v1", StorageOptions(**bucket))
    ds = open_cube(source)
    assert ds.encoding["icechunk_snapshot"] == first
    assert_is_the_cube(ds)


@pytest.mark.parametrize(
    ("module", "uri", "code"),
    [
        ("icechunk", "icechunk:///tmp/x", "versioned_support_missing"),
        ("s3fs", "s3://bucket/c.zarr", "remote_support_missing"),
        ("aiohttp", "https://host/c.nc", "remote_support_missing"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, module: str, uri: str, code: str
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == module else real(name)
    )
    monkeypatch.setattr(
        "jupyter_mlkit.cubes.sources.versions.find_spec",
        lambda name: None if name == module else real(name),
    )
    error = code_of(uri)
    assert error.code == code
    assert "pip install" in str(error.hint)


def test_only_names_of_cubes_are_shown_behind_the_hash() -> None:
    assert display_uri("s3://b/root#cube.zarr") == "s3://b/root#cube.zarr"
    assert display_uri("icechunk+s3://b/r#tag=v1") == "icechunk+s3://b/r#tag=v1"
    assert display_uri("https://u:p@h/c.zarr?sig=x#access_token=abc") == "https://h/c.zarr"


@pytest.mark.parametrize("kind", KINDS)
def test_every_grid_survives_disk(tmp_path: Path, kind: str) -> None:
    """ "real zarr/netCDF files": what places the cells is read back as coordinates."""
    ds = KINDS[kind]()
    stored = ds.reset_coords([name for name in ds.coords if name not in ds.dims and ds[name].ndim])
    if kind in ("icon", "points"):
        for name in ("lat", "lon", "clat", "clon"):
            if name in stored:
                standard = "latitude" if "lat" in name else "longitude"
                stored[name].attrs.setdefault("standard_name", standard)
                stored[name].attrs.setdefault("units", "degrees")
        stored = stored.set_coords([name for name in ("time",) if name in stored])
    if kind == "healpix":
        stored = stored.drop_vars("cell")
        stored["a"].encoding["grid_mapping"] = "crs"
    stored.to_zarr(tmp_path / "c.zarr", consolidated=False)
    stored.to_netcdf(tmp_path / "c.nc")
    for name in ("c.zarr", "c.nc"):
        found = open_cube(str(tmp_path / name))
        assert grid_of(found).kind == grid_of(ds).kind
        mine, theirs = positions(found, grid_of(found)), positions(ds, grid_of(ds))
        xr.testing.assert_equal(mine.y, theirs.y)
        xr.testing.assert_equal(mine.x, theirs.x)
