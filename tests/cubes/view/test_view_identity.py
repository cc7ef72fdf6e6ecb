"""The identity of what a training uses is that of its cells, however they were read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.cubes.identity.fingerprint import fingerprint
from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.cubes.view.data import CubeData

from ..made import small_cube, small_spec

_CODE = "def warmer(cube):\n    return cube.assign(a=cube.a + {})\n"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"period": {"start": "2001-01-05", "end": "2001-02-05"}},
        {"region": {"west": -15, "south": 35, "east": 15, "north": 58}},
        {"features": ["a", "height", "lat"]},
    ],
)
@pytest.mark.parametrize("stored", ["memory", "netcdf", "zarr"])
def test_hashed_while_read_is_hashed_alone(
    tmp_path: Path, stored: str, changes: dict[str, Any]
) -> None:
    ds = small_cube()
    if stored == "netcdf":
        ds.to_netcdf(tmp_path / "c.nc")
        ds = open_cube(str(tmp_path / "c.nc"))
    if stored == "zarr":
        ds.to_zarr(tmp_path / "c.zarr", zarr_format=3, consolidated=False)
        ds = open_cube(str(tmp_path / "c.zarr"))
    data = CubeData.from_spec(small_spec(**changes), ds=ds)
    for _ in data.pieces(identify=True):
        pass
    assert data.fingerprint() == fingerprint(data.whole, data.stored, data.indexers)
    assert data.fingerprint().kind == ("stored" if stored == "zarr" else "value")


def test_lagged_features_count_with_what_they_reach_back_to(tmp_path: Path) -> None:
    period = {"start": "2001-01-20", "end": "2001-02-20"}
    ds = small_cube()
    other = ds.copy(deep=True)
    other.a[1] += 1
    same, lagged = (
        [
            CubeData.from_spec(small_spec(features=[name], period=period), ds=one).fingerprint()
            for one in (ds, other)
        ]
        for name in ("a", "lag(a, 3)")
    )
    assert same[0] == same[1]
    assert lagged[0] != lagged[1]


def test_computed_features_are_identified_by_what_they_are_made_of(tmp_path: Path) -> None:
    small_cube().to_zarr(tmp_path / "c.zarr", zarr_format=2)
    sources = [{"uri": str(tmp_path / "c.zarr")}]
    plain = CubeData.from_spec(small_spec(sources=sources, features=["a", "height"]))
    squares = ["a ** 2 + height", "lag(a, 1)", "doy_sin"]
    computed = CubeData.from_spec(small_spec(sources=sources, features=squares))
    assert computed.stored == ["b", "a", "height"]
    assert computed.fingerprint() == plain.fingerprint()
    assert computed.fingerprint().kind == "stored"


def test_a_prepared_cube_is_its_sources_and_its_code(tmp_path: Path) -> None:
    small_cube().to_zarr(tmp_path / "c.zarr", zarr_format=2)

    def found(amount: int) -> str:
        prepare = {"function": "warmer", "code": _CODE.format(amount)}
        spec = small_spec(sources=[{"uri": str(tmp_path / "c.zarr")}], prepare=prepare)
        return str(CubeData.from_spec(spec).fingerprint())

    assert found(1) == found(1)
    assert found(1) != found(2)
