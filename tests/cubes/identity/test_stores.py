"""The same laws whatever the store, the format and the grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.identity.fingerprint import fingerprint
from jupyter_mlkit.cubes.sources.open import open_cube

from ..made import small_cube

CODING: dict[str, Any] = {"chunks": (2, 10, 10)}
STORES: dict[str, dict[str, Any]] = {
    "v2": {"zarr_format": 2, "consolidated": False, "encoding": {"a": CODING}},
    "v2 consolidated": {"zarr_format": 2, "consolidated": True, "encoding": {"a": CODING}},
    "v3": {"zarr_format": 3, "consolidated": False, "encoding": {"a": CODING}},
    "v3 sharded": {
        "zarr_format": 3,
        "consolidated": False,
        "encoding": {"a": CODING | {"shards": (2, 30, 20)}},
    },
    "packed": {
        "zarr_format": 2,
        "consolidated": False,
        "encoding": {
            "a": CODING | {"dtype": "i2", "scale_factor": 0.01, "add_offset": 280, "_FillValue": -1}
        },
    },
    "netCDF": {},
}


def write(ds: xr.Dataset, path: Path, kind: str) -> Path:
    if kind == "netCDF":
        ds.to_netcdf(path.with_suffix(".nc"))
        return path.with_suffix(".nc")
    ds.drop_encoding().to_zarr(path, mode="w", **STORES[kind])
    return path


@pytest.mark.parametrize("kind", STORES)
def test_any_one_cell_flips_it_and_other_variables_do_not(tmp_path: Path, kind: str) -> None:
    ds = small_cube()
    before = fingerprint(str(write(ds, tmp_path / "1", kind)))
    assert before.kind == ("value" if kind == "netCDF" else "stored")
    changed = ds.copy(deep=True)
    changed.a[4, 25, 33] += 1
    after = fingerprint(str(write(changed, tmp_path / "2", kind)))
    assert after.digest != before.digest
    assert after.variables["b"] == before.variables["b"]
    wider = ds.assign(new=ds.height * 2)
    same = fingerprint(str(write(wider, tmp_path / "3", kind)), ["a", "b", "height"])
    assert same == before


@pytest.mark.parametrize("kind", STORES)
def test_a_step_elsewhere_does_not(tmp_path: Path, kind: str) -> None:
    ds = small_cube(n_time=8)
    shorter = str(write(ds.isel(time=slice(0, 6)), tmp_path / "1", kind))
    longer = str(write(ds, tmp_path / "2", kind))
    # One chunk of b holds all steps: as stored it is another chunk.
    names, chosen = ["a", "height"], {"time": slice(0, 6)}
    assert fingerprint(longer, names, chosen) == fingerprint(shorter, names)
    assert fingerprint(longer, names) != fingerprint(shorter, names)


@pytest.mark.parametrize("kind", ["v2", "v3 sharded"])
def test_consolidating_changes_nothing(tmp_path: Path, kind: str) -> None:
    import zarr

    path = write(small_cube(), tmp_path / "c", kind)
    before = fingerprint(str(path))
    zarr.consolidate_metadata(str(path))
    assert fingerprint(str(path)) == before


def test_cells_without_coordinates_are_told_apart_by_their_position(tmp_path: Path) -> None:
    ds = small_cube().drop_vars(["lat", "lon"])
    found = open_cube(str(write(ds, tmp_path / "c", "v3")))
    cuts = [slice(0, 10), slice(1, 11), slice(9, None, -1)]
    parts = [fingerprint(found.isel(lat=kept), ["a"]) for kept in cuts]
    assert all(part.kind == "stored" for part in parts)
    assert len({part.digest for part in parts}) == 3
    steps = {fingerprint(found.isel(time=t, drop=True), ["a"]).digest for t in (0, 1)}
    assert len(steps) == 2


def test_places_of_scattered_cells_belong_to_it() -> None:
    rows, columns = np.meshgrid(np.arange(6.0), np.arange(5.0), indexing="ij")
    ds = xr.Dataset(
        {"v": (("row", "column"), rows * columns)},
        coords={
            "lat": (("row", "column"), 50 + rows, {"units": "degrees_north"}),
            "lon": (("row", "column"), 10 + columns, {"units": "degrees_east"}),
        },
    )
    moved = ds.assign_coords(lat=ds.lat + 1e-6)
    assert fingerprint(ds) == fingerprint(ds.copy(deep=True))
    assert fingerprint(moved).digest != fingerprint(ds).digest


def test_a_zipped_store_has_the_digest_of_its_folder(tmp_path: Path) -> None:
    import shutil

    path = write(small_cube(), tmp_path / "c.zarr", "v3")
    packed = shutil.make_archive(str(tmp_path / "c.zarr"), "zip", path)
    assert fingerprint(packed) == fingerprint(str(path))


def test_scalars_do_not_weaken_the_kind(tmp_path: Path) -> None:
    path = write(small_cube().assign(version=1.5), tmp_path / "c", "v3")
    assert fingerprint(str(path)).kind == "stored"
