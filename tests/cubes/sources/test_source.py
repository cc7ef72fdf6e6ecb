"""Cubes open from wherever they are, and say what is wrong when they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray as xr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from jupyter_mlkit.cubes.description.describe import describe
from jupyter_mlkit.cubes.reading.slabs import SlabReader
from jupyter_mlkit.cubes.sources.open import format_of, open_cube
from jupyter_mlkit.cubes.sources.uri import display_uri, fsspec_options
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.errors import CubeError
from jupyter_mlkit.spec import Source, StorageOptions

from ..made import small_cube, small_spec
from .refused import code_of


@pytest.mark.parametrize("name", ["v2", "v2_plain", "v3", "netcdf"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_local_formats(stores: dict[str, Path], name: str) -> None:
    ds = open_cube(str(stores[name]))
    assert ds.b.chunks is None
    assert not ds.b.variable._in_memory
    xr.testing.assert_equal(ds.load(), small_cube())
    wanted = "netCDF" if name == "netcdf" else f"zarr v{name[1]}"
    assert format_of(str(stores[name])) == wanted


def test_file_urls_home_and_relative_paths(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_cube(stores["v2"].as_uri()).sizes["lat"] == 30
    monkeypatch.chdir(stores["v2"].parent)
    assert open_cube("v2.zarr").sizes["lat"] == 30
    monkeypatch.setenv("HOME", str(stores["v2"].parent))
    assert open_cube("~/v2.zarr").sizes["lat"] == 30


def test_the_home_of_nobody_is_a_name_like_others() -> None:
    with pytest.raises(CubeError, match="nobody-here"):
        open_cube("~nobody-here/cube.zarr")


def test_what_is_no_cube_is_named(tmp_path: Path) -> None:
    import zarr

    assert code_of(str(tmp_path / "none.zarr")).code == "cube_not_found"
    assert code_of(str(tmp_path)).code == "not_a_cube"
    (tmp_path / "notes.nc").write_text("I am no netCDF file")
    assert code_of(str(tmp_path / "notes.nc")).code == "not_a_cube"
    (tmp_path / "cube.zarr.zip").write_bytes(b"PK\x03\x04")
    assert "zip archive is broken" in code_of(str(tmp_path / "cube.zarr.zip")).message
    zarr.create_array(str(tmp_path / "array.zarr"), shape=(3,), dtype="f4", zarr_format=2)
    assert "array" in code_of(str(tmp_path / "array.zarr")).message
    zarr.create_array(str(tmp_path / "array3.zarr"), shape=(3,), dtype="f4", zarr_format=3)
    assert code_of(str(tmp_path / "array3.zarr")).code == "not_a_cube"
    zarr.create_group(str(tmp_path / "empty.zarr"), zarr_format=2)
    assert code_of(str(tmp_path / "empty.zarr")).code == "not_a_cube"
    broken = tmp_path / "broken.zarr"
    broken.mkdir()
    (broken / ".zgroup").write_text("{ this is not json")
    assert code_of(str(broken)).code == "not_a_cube"
    truncated = tmp_path / "truncated.nc"
    truncated.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(20))
    assert code_of(str(truncated)).code == "not_a_cube"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission(tmp_path: Path) -> None:
    closed = tmp_path / "closed.zarr"
    closed.mkdir(mode=0o000)
    assert code_of(str(closed)).code == "permission_denied"


@pytest.mark.parametrize(
    "uri", ["ftp://host/c.zarr", "simplecache::s3://b/c.zarr", "gs://b/c", "reference://x"]
)
def test_other_protocols_are_refused(uri: str) -> None:
    assert code_of(uri).code == "protocol_not_allowed"


def test_secrets_are_not_shown() -> None:
    uri = "https://ada:s3cret@127.0.0.1:9/cube.zarr?sig=t0ken"
    assert display_uri(uri) == "https://127.0.0.1:9/cube.zarr"
    error = code_of(uri)
    assert error.code in ("store_unreachable", "cube_not_found")
    assert "s3cret" not in error.message
    assert "t0ken" not in error.message


def test_environment_names_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBE_ENDPOINT", "http://127.0.0.1:9")
    options = StorageOptions(anon=True, endpoint_url="env:CUBE_ENDPOINT", region="eu-1")
    assert fsspec_options("s3", options) == {
        "max_concurrency": 1,
        "anon": True,
        "endpoint_url": "http://127.0.0.1:9",
        "client_kwargs": {"region_name": "eu-1"},
    }
    error = code_of("s3://bucket/c.zarr", endpoint_url="env:NOT_SET_ANYWHERE")
    assert (error.code, error.field) == ("environment_missing", "sources.0.options.endpoint_url")


def test_http(web: str) -> None:
    ds = open_cube(f"{web}/v2.zarr")
    xr.testing.assert_equal(ds.load(), small_cube())
    assert format_of(f"{web}/v2.zarr") == "zarr v2"
    assert code_of(f"{web}/none.zarr").code == "cube_not_found"
    assert code_of("http://127.0.0.1:9/c.zarr").code in ("store_unreachable", "cube_not_found")


def test_http_is_described_and_sampled(web: str, stores: dict[str, Path]) -> None:
    far, near = describe(f"{web}/v2.zarr"), describe(str(stores["v2"]))
    assert far.fingerprint == near.fingerprint
    assert far.variables == near.variables
    assert far.stored_bytes is None
    spec = small_spec(sources=[{"uri": f"{web}/v2.zarr"}])
    local = small_spec(sources=[{"uri": str(stores["v2"])}])
    assert CubeData.from_spec(spec).counts() == CubeData.from_spec(local).counts()


@pytest.mark.parametrize("name", ["v2", "v3"])
def test_s3(bucket: dict[str, str], name: str) -> None:
    source = Source(uri=f"s3://cubes/{name}.zarr", options=StorageOptions(**bucket))
    ds = open_cube(source)
    np.testing.assert_array_equal(ds.b.isel(time=0).values, small_cube().b.values[0])
    assert format_of(source) == f"zarr {name}"


def test_s3_fingerprint_equals_the_local_one(
    bucket: dict[str, str], stores: dict[str, Path]
) -> None:
    from jupyter_mlkit.cubes.identity.fingerprint import fingerprint

    source = Source(uri="s3://cubes/v2.zarr", options=StorageOptions(**bucket))
    far = fingerprint(open_cube(source), ["a", "b"])
    near = fingerprint(open_cube(str(stores["v2"])), ["a", "b"])
    assert far == near
    assert far.kind == "stored"


def test_s3_is_asked_once_for_each_object(
    bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    ds = open_cube(Source(uri="s3://cubes/v2.zarr", options=StorageOptions(**bucket)))
    asked: list[tuple[str, str]] = []
    call = S3FileSystem._call_s3

    async def told(self: S3FileSystem, method: str, *args: Any, **given: Any) -> Any:
        asked.append((method, given["Key"]))
        return await call(self, method, *args, **given)

    monkeypatch.setattr(S3FileSystem, "_call_s3", told)
    for _ in SlabReader(ds, ["a"], tuple(map(str, ds["a"].dims))).map(lambda *_: None):
        pass
    assert asked
    assert {method for method, _ in asked} == {"get_object"}
    assert len(asked) == len({key for _, key in asked})


def test_s3_errors(bucket: dict[str, str]) -> None:
    assert code_of("s3://cubes/none.zarr", **bucket).code == "cube_not_found"
    assert code_of("s3://nobucket/none.zarr", **bucket).code == "cube_not_found"
    unknown = code_of("s3://cubes/v2.zarr", **bucket, profile="no-such-profile")
    assert unknown.code == "store_unreachable"


def test_a_path_that_no_disk_can_have_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(CubeError) as caught:
        open_cube(str(tmp_path / ("x" * 5000)))
    assert caught.value.code == "cube_not_found"


_CODECS: dict[int, dict[str, Any]] = {
    2: {
        "none": None,
        "zstd": numcodecs.Zstd(),
        "blosc": numcodecs.Blosc(),
        "gzip": numcodecs.GZip(),
    },
    3: {"none": None, "zstd": ZstdCodec(), "blosc": BloscCodec(), "gzip": GzipCodec()},
}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("codec", ["none", "zstd", "blosc", "gzip"])
@pytest.mark.parametrize("name", ["time", "lat"])
@pytest.mark.parametrize("kept", [0.4, 0.95])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_coordinate_that_was_cut_off_is_named_whatever_its_codec(
    tmp_path: Path, zarr_format: int, codec: str, name: str, kept: float
) -> None:
    ds, path = small_cube(), tmp_path / "c.zarr"
    coding = {dim: {"compressors": _CODECS[zarr_format][codec]} for dim in ("time", "lat", "lon")}
    ds.to_zarr(path, zarr_format=zarr_format, encoding=coding)  # type: ignore[call-overload]
    assert open_cube(str(path)).sizes == ds.sizes
    file = path / name / ("0" if zarr_format == 2 else "c/0")
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data))])
    error = code_of(str(path))
    assert error.code == "unreadable_chunk"
    assert f"'{name}'" in error.message


def test_a_local_cube_opens_without_what_remote_ones_need(stores: dict[str, Path]) -> None:
    code = (
        "import sys\n"
        "from jupyter_mlkit.cubes.sources.open import open_cube\n"
        "open_cube(sys.argv[1])\n"
        "print(sorted({'aiohttp', 'botocore', 'icechunk', 's3fs'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(stores["v3"])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
