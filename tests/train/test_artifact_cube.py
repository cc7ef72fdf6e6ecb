"""Cubes among artifacts: described and drawn, and nothing in them reaches another file."""

from __future__ import annotations

import base64
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
import zarr

from jupyter_mlkit.errors import CubeError, NotFoundError
from jupyter_mlkit.train.artifact_cube import preview_cube

CANARY = 271.8281828


class Touch:
    """A pickle of it makes a file where it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of artifacts with a cube of each kind, and a secret cube beside it."""
    ds = xr.Dataset(
        {"t": (("time", "lat", "lon"), np.random.default_rng(0).random((2, 6, 12), np.float32))},
        {
            "time": np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"),
            "lat": ("lat", np.linspace(75, -75, 6), {"units": "degrees_north"}),
            "lon": ("lon", np.linspace(15, 345, 12), {"units": "degrees_east"}),
        },
    )
    ds["t"].attrs = {"units": "K", "long_name": r"<img src=x onerror=1> $\frac{1}"}
    (tmp_path / "root").mkdir()
    ds.to_zarr(tmp_path / "root" / "v2.zarr", zarr_format=2)
    ds.to_zarr(tmp_path / "root" / "v3.zarr", zarr_format=3)
    ds.to_netcdf(tmp_path / "root" / "four.nc", engine="h5netcdf")
    ds.to_netcdf(tmp_path / "root" / "three.nc", engine="scipy", format="NETCDF3_64BIT")
    secret = ds.copy()
    secret["t"] = secret["t"] * 0 + CANARY
    secret.to_zarr(tmp_path / "secret.zarr", zarr_format=2, consolidated=False)
    secret.to_netcdf(tmp_path / "secret.nc", engine="h5netcdf")
    return tmp_path / "root"


def seen(root: Path, name: str) -> Any:
    found = preview_cube(str(root), [name])
    (variable,) = [one for one in found.description.variables if one.name == "t"]
    assert variable.maximum is None or variable.maximum < CANARY - 1, "a value of the secret cube"
    return found


@pytest.mark.parametrize(
    ("name", "form"),
    [("v2.zarr", "zarr"), ("v3.zarr", "zarr"), ("four.nc", "netCDF"), ("three.nc", "netCDF")],
)
def test_each_kind_is_described_and_drawn(root: Path, name: str, form: str) -> None:
    found = seen(root, name)
    assert (found.description.uri, found.description.format) == (name, form)
    assert [dim.name for dim in found.description.dims] == ["time", "lat", "lon"]
    assert base64.b64decode(found.map_png).startswith(b"\x89PNG")


def test_links_in_a_zarr_folder_are_missing_chunks(root: Path) -> None:
    chunk = root / "v2.zarr" / "t" / "0.0.0"
    chunk.unlink()
    chunk.symlink_to(root.parent / "secret.zarr" / "t" / "0.0.0")
    seen(root, "v2.zarr")
    shutil.rmtree(root / "v2.zarr" / "t")
    (root / "v2.zarr" / "t").symlink_to(root.parent / "secret.zarr" / "t")
    assert float(xr.open_zarr(root / "v2.zarr", chunks=None)["t"].max()) > CANARY - 1, "the bait"
    seen(root, "v2.zarr")
    (root / "link.zarr").symlink_to(root.parent / "secret.zarr")
    with pytest.raises(NotFoundError):
        seen(root, "link.zarr")


@pytest.mark.parametrize("how", ["group", "raw", "virtual"])
def test_hdf5_that_points_to_other_files_is_refused(root: Path, how: str) -> None:
    path = root / "four.nc"
    with h5py.File(path, "a") as file:
        if how == "group":
            del file["t"]
            file["t"] = h5py.ExternalLink(str(root.parent / "secret.nc"), "/t")
        elif how == "raw":
            outside = [(str(root.parent / "secret.nc"), 0, 400)]
            file.create_dataset("raw", shape=(100,), dtype="f4", external=outside)
        else:
            layout = h5py.VirtualLayout(shape=(2, 6, 12), dtype="f4")
            layout[...] = h5py.VirtualSource(str(root.parent / "secret.nc"), "t", (2, 6, 12))
            file.create_virtual_dataset("virtual", layout)
    with pytest.raises(CubeError) as caught:
        seen(root, "four.nc")
    assert caught.value.code == "unsafe_cube"


def test_pickled_chunks_are_not_read(root: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    meta = root / "v2.zarr" / "t" / ".zarray"
    described = json.loads(meta.read_text())
    described["filters"] = [{"id": "pickle", "protocol": 5}]
    described["compressor"] = None
    meta.write_text(json.dumps(described))
    (root / "v2.zarr" / ".zmetadata").unlink()
    (root / "v2.zarr" / "t" / "0.0.0").write_bytes(pickle.dumps(Touch(canary)))
    with pytest.raises((CubeError, ValueError)):
        preview_cube(str(root), ["v2.zarr"])
    assert not canary.exists()


def test_what_claims_to_be_huge_is_refused(root: Path) -> None:
    group = zarr.open_group(root / "huge.zarr", mode="w", zarr_format=2)
    group.create_array(
        "t", shape=(2**20, 2**20), chunks=(2**20, 2**20), dtype="f8", attributes={}
    ).attrs["_ARRAY_DIMENSIONS"] = ["lat", "lon"]
    with pytest.raises(CubeError) as caught:
        preview_cube(str(root), ["huge.zarr"])
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\nbroken", b"CDF\x01broken", b"text"])
def test_what_is_no_cube_is_said(root: Path, content: bytes) -> None:
    (root / "odd.nc").write_bytes(content)
    with pytest.raises(CubeError) as caught:
        preview_cube(str(root), ["odd.nc"])
    assert caught.value.code == "not_a_cube"
