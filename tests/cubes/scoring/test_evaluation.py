"""What makes two runs comparable."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
import xarray as xr

from jupyter_mlkit.cubes.scoring.common import common_cells
from jupyter_mlkit.cubes.scoring.comparable import Verdict, compare_evaluations
from jupyter_mlkit.cubes.scoring.evaluation import evaluation
from jupyter_mlkit.cubes.scoring.samples import score_samples
from jupyter_mlkit.cubes.view.data import CubeData
from jupyter_mlkit.models import Evaluation

from ..made import small_cube, small_spec


def of(ds: xr.Dataset, **changes: Any) -> Evaluation:
    return evaluation(CubeData.from_spec(small_spec(**changes), ds=ds), "validation")


@pytest.mark.parametrize(
    ("role", "wanted", "bounded"),
    [
        ("train", "2779efed18e65a4372626eb4d99208a9", "97bc6f9897436df7026e9e68a0c68e6d"),
        ("validation", "ae7b23b0899565f927b88c6f384220e7", "abf2e0f81ec6e1ecbaec12b01024e277"),
        ("test", "2345679745fd16a91320afb5a6d1a697", "089ed56954f200a5d7499f3e5a6c89b7"),
    ],
)
def test_hashes_of_runs_that_were_logged_stay(role: Any, wanted: str, bounded: str) -> None:
    """Runs carry these digests: another one for the same cells would cut them off."""
    ds = small_cube()
    assert evaluation(CubeData.from_spec(small_spec(), ds=ds), role).hash == wanted
    edges = np.stack([ds.lat.values - 0.37, ds.lat.values + 0.37], axis=1)
    ds = ds.assign(lat_bnds=(("lat", "bnds"), edges))
    assert evaluation(CubeData.from_spec(small_spec(), ds=ds), role).hash == bounded


def test_lead_time_belongs_to_it_in_any_spelling() -> None:
    """definitions.md, Scoring: "= target name + units + ... + lead time + weights"."""
    ds = small_cube()
    now, later = of(ds), of(ds, lead="8D")
    assert now.lead_time is None
    assert later.lead_time == "8D"
    assert of(ds, lead="192h").hash == later.hash
    assert now.hash != later.hash
    assert "lead time" in compare_evaluations(now, later).differs


def test_cells_of_a_swath_are_named_by_their_places() -> None:
    ds = small_cube()
    lat, lon = xr.broadcast(ds.lat + 0.01 * ds.lon, ds.lon + 0.02 * ds.lat)
    swath = ds.drop_vars(("lat", "lon")).rename(lat="row", lon="col")
    places = {
        "lat": (("row", "col"), lat.values, {"units": "degrees_north"}),
        "lon": (("row", "col"), lon.values, {"units": "degrees_east"}),
    }
    swath = swath.assign_coords(places)
    wanted = of(swath).hash
    assert of(swath.isel(row=slice(None, None, -1))).hash == wanted
    assert of(swath.transpose("col", "time", "row")).hash == wanted
    assert of(swath.assign_coords(lat=swath.lat + 0.01)).hash != wanted


def test_given_areas_belong_to_it() -> None:
    """definitions.md, Scoring: the evaluation hash covers the weights."""
    ds = small_cube()
    area = xr.DataArray(np.full((30, 40), 2.0), dims=("lat", "lon"))
    area.attrs["standard_name"] = "cell_area"
    first = of(ds.assign_coords(cell_area=area))
    assert first.hash != of(ds).hash
    other = area.copy()
    other[3] = 2.5
    assert of(ds.assign_coords(cell_area=other.assign_attrs(area.attrs))).hash != first.hash


def test_comparable_if_and_only_if_the_hashes_are_equal() -> None:
    """definitions.md, Scoring: "Verdicts: comparable / not comparable (with what differs, and
    the offer to score both on the common cells) / unknown (a run that was not made by us)"."""
    mine = of(small_cube())
    assert compare_evaluations(mine, mine) == Verdict("comparable")
    assert compare_evaluations(mine, None) == Verdict("unknown")
    cut = of(small_cube().isel(time=slice(0, 3)))
    assert compare_evaluations(mine, cut) == Verdict("not_comparable", ("cells",), True)

    def changed(**fields: Any) -> Evaluation:
        return msgspec.structs.replace(mine, hash="other", **fields)

    for fields, name in [
        ({"target": "c"}, "target"),
        ({"units": "degC"}, "units"),
        ({"role": "test"}, "role"),
        ({"weights": "equal"}, "weights"),
        ({"aggregation": "mean of maps"}, "aggregation"),
        ({"truth_digest": "other"}, "truth"),
        ({}, "weights"),
    ]:
        found = compare_evaluations(mine, changed(**fields))
        assert found == Verdict("not_comparable", (name,), False)
    both = compare_evaluations(mine, changed(cells_digest="other", units="degC"))
    assert both == Verdict("not_comparable", ("units", "cells"), False)


def test_both_can_be_scored_on_the_common_cells() -> None:
    ds = small_cube()
    a = CubeData.from_spec(small_spec(), ds=ds.isel(time=slice(0, 4)))
    turned = ds.isel(time=slice(2, 6), lat=slice(None, None, -1)).transpose("lon", "lat", "time")
    b = CubeData.from_spec(small_spec(features=["a"]), ds=turned)
    found = common_cells(a, b, "validation")
    mine, theirs = a.samples("validation"), b.samples("validation")
    wanted = np.isin(mine.cell // (30 * 40), [2, 3]).sum()
    assert found.n == wanted > 100
    assert found.same_truth
    first, second = mine.take(found.first), theirs.take(found.second)
    assert np.array_equal(first.y, second.y)
    assert score_samples(first.y + 1, first) == pytest.approx(score_samples(second.y + 1, second))
    changed = CubeData.from_spec(small_spec(), ds=ds.assign(b=ds.b + 1))
    assert not common_cells(a, changed, "validation").same_truth
