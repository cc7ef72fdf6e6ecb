"""Cubes on every kind of grid are described."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.description.describe import describe

from ..made import projected, small_cube


def swath(*, seam: bool = False) -> xr.Dataset:
    rows, columns = np.meshgrid(np.arange(40.0), np.arange(30.0), indexing="ij")
    lon = 10 + columns / 10 + rows / 50 + (168 if seam else 0)
    ds = xr.Dataset(
        {"v": (("row", "column"), np.random.default_rng(0).normal(size=rows.shape))},
        coords={
            "lat": (("row", "column"), 50 + rows / 10, {"units": "degrees_north"}),
            "lon": (("row", "column"), (lon + 180) % 360 - 180, {"units": "degrees_east"}),
        },
    )
    return ds.assign(w=ds.v * 2)


def cells() -> xr.Dataset:
    rng = np.random.default_rng(0)
    time = np.datetime64("2001-01-01", "ns") + np.arange(5) * np.timedelta64(1, "D")
    return xr.Dataset(
        {"v": (("time", "cell"), rng.normal(size=(5, 500)))},
        coords={
            "time": time,
            "clat": ("cell", rng.uniform(-80, 80, 500), {"standard_name": "latitude"}),
            "clon": ("cell", rng.uniform(-180, 180, 500), {"standard_name": "longitude"}),
        },
    )


def test_swaths() -> None:
    found = describe(swath())
    assert found.grid == "curvilinear"
    assert found.bbox == pytest.approx([10, 50, 13.68, 53.9])
    assert [d.role for d in found.dims] == ["y", "x"]
    assert {"places"} <= set(found.suggestion["splits"])
    assert not found.problems


def test_a_box_across_the_date_line_has_its_west_in_the_east() -> None:
    found = describe(swath(seam=True)).bbox
    assert found is not None
    assert (found[0], found[2]) == pytest.approx((178, -178.32))


def test_cells_of_an_unstructured_grid() -> None:
    found = describe(cells())
    assert found.grid == "unstructured"
    assert [(d.name, d.role) for d in found.dims] == [("time", "time"), ("cell", "cell")]
    assert found.period == ["2001-01-01", "2001-01-05"]
    assert set(found.suggestion["splits"]["places"]["sizes"]) == {"lat", "lon"}
    assert not found.problems


def test_projected_grids_keep_their_metres() -> None:
    frame = projected()
    ds = frame.assign(v=(("y", "x"), np.random.default_rng(0).normal(size=(400, 300))))
    found = describe(ds)
    assert found.bbox == [4_000_000, 3_000_000, 4_003_000, 3_004_000]
    assert found.suggestion["splits"]["places"]["buffer"]["space"].endswith(" m")


def test_no_horizontal_dims() -> None:
    found = describe(small_cube().isel(lat=0, lon=0, drop=True))
    assert found.grid == "none"
    assert found.bbox is None
    assert [p.code for p in found.problems if p.code == "unsupported_grid"]


def test_memory_is_described_as_it_is() -> None:
    found = describe(small_cube())
    assert (found.uri, found.format, found.stored_bytes) == ("memory", "in memory", None)
    assert found.fingerprint_kind == "value"
    assert found.coords == ["time", "lat", "lon"]


def test_empty_cubes_are_described() -> None:
    for dim in ("time", "lat"):
        found = describe(small_cube().isel({dim: slice(0, 0)}))
        assert "empty_dimension" in {p.code for p in found.problems}
