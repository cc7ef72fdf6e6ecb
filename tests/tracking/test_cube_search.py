"""Runs are found by their cube and the period of their data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Dataset, DatasetInput
from stores import Place

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.tracking import runs as module
from jupyter_mlkit.tracking.cube_search import CubeSearch, overlap
from jupyter_mlkit.tracking.cube_tags import cube_tags, period_tags, split_of
from jupyter_mlkit.tracking.tags import CUBE_BEGIN, CUBE_END, CUBE_URI, CUBE_YEARS

STORED = "stored:" + "0123456789abcdef" * 4


def _made(place: Place, experiment: str, begin: str, end: str, **tags: str) -> str:
    found = period_tags(begin, end) | {f"mlkit.{key}": value for key, value in tags.items()}
    return str(place.client.create_run(experiment, tags=found).info.run_id)


def _ids(place: Place, experiment: str, **asked: Any) -> set[str]:
    return {run.run_id for run in place.backend.runs([experiment], **asked).items}


def test_a_period_finds_the_runs_with_data_of_it(place: Place) -> None:
    experiment = place.experiment()
    place.client.create_run(experiment)
    old = _made(place, experiment, "1998-01-01", "2009-12-31")
    mid = _made(place, experiment, "2010-03-01", "2012-06-15T12:00:00")
    new = _made(place, experiment, "2012-06-16", "2020-12-31")
    every = {old, mid, new}
    for period, expected in {
        "2011": {mid},
        "2012": {mid, new},
        "2012-06": {mid, new},
        "2012-06-15": {mid},
        "2012-06-15T13": set(),
        "2012-06-16T00": {new},
        "2010-01/2010-02": set(),
        "2009-12-31/2010-03-01": {old, mid},
        "1990/2030": every,
        "1900/1997-12": set(),
        " 2019 / 2021 ": {new},
    }.items():
        assert _ids(place, experiment, period=period) == expected, period
    assert _ids(place, experiment) > every


def test_a_cube_is_found_by_its_fingerprint_and_its_address(place: Place) -> None:
    experiment = place.experiment()
    odd = "/data/it's 100%/a_b \\ é.zarr"
    uris = ["s3://esdc/cube.zarr", "s3://esdc/cube.zarr.old", odd, odd.replace("_", "-")]
    runs = [_made(place, experiment, "2010", "2011", **{"cube.uri": uri}) for uri in uris]
    for run, digest in zip(runs, (STORED[:36], "value:" + "f" * 30, "custom", ""), strict=True):
        if digest:
            dataset = Dataset("cube.zarr", digest, "cube", "{}")
            place.client.log_inputs(run, [DatasetInput(dataset, [])])
    for uri, run in zip(uris, runs, strict=True):
        assert _ids(place, experiment, cube=uri) == {run}, uri
    assert _ids(place, experiment, cube="s3://me:secret@esdc/cube.zarr") == {runs[0]}
    for digest in (STORED, STORED[:36], STORED[:30], STORED[7:], STORED[7:30]):
        assert _ids(place, experiment, cube=digest) == {runs[0]}, digest
    for other in ("value:" + STORED[7:], STORED[:30] + "f" * 30, "/no/such.zarr"):
        assert _ids(place, experiment, cube=other) == set(), other


def test_conditions_join_those_of_the_filter(place: Place) -> None:
    experiment = place.experiment()
    here = {"cube.uri": "a.zarr"}
    one, two = (_made(place, experiment, "2010", "2011", **here) for _ in range(2))
    _made(place, experiment, "2013", "2014", **here)
    place.client.log_metric(one, "val_rmse", 1.0)
    asked: dict[str, Any] = {"cube": "a.zarr", "period": "2011"}
    assert _ids(place, experiment, **asked) == {one, two}
    for text in ("metrics.val_rmse < 2", "metrics.val_rmse < 2 AND"):
        assert _ids(place, experiment, filter=text, **asked) == {one}
    place.client.delete_run(two)
    assert _ids(place, experiment, view="deleted", **asked) == {two}
    with pytest.raises(InvalidInputError) as caught:
        place.backend.runs([experiment], "metrics.val_rmse <", **asked)
    assert caught.value.field == "filter"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (2, 5), (4, 4), (500, 5000)])
def test_pages_hold_every_run_once_and_in_order(
    file_store: Place, monkeypatch: pytest.MonkeyPatch, size: int, at_once: int, most: int
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    monkeypatch.setattr(module, "_MOST_LOOKED_AT", most)
    experiment = file_store.experiment()
    made = []
    for number in range(13):
        # All have data of 2010 to 2012, those of no third number a part of what is asked for.
        begin = "2012-08" if number % 3 else "2010-01"
        run = _made(file_store, experiment, begin, "2012-12" if number % 3 else "2010-02")
        file_store.client.log_metric(run, "number", number)
        made += [run] if number % 3 else []
    seen: list[str] = []
    token = None
    while True:
        page = file_store.backend.runs(
            [experiment], order_by=["metrics.number ASC"], max_results=size, page_token=token,
            period="2010-06/2012",
        )  # fmt: skip
        assert len(page.items) <= size
        seen += [run.run_id for run in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert seen == made


@pytest.mark.parametrize(
    "period",
    ["last year", "2011-13", "2011-01-32", "2011/", "/2011", "2012/2011", "2011-02/2011-01",
     "11", "2011/2012/2013", "2011-01-01 00:00", "' OR 1=1", " ", "\uff12011"],
)  # fmt: skip
def test_a_wrong_period_is_told(file_store: Place, period: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        file_store.backend.runs(period=period)
    error = caught.value
    assert (error.code, error.field) == ("invalid_period", "period")
    assert "2010-01/2012-06" in str(error.hint)


@given(st.text(min_size=1, max_size=40))
def test_any_address_is_safe_in_a_filter(uri: str) -> None:
    from mlflow.utils.search_utils import SearchUtils

    wanted = CubeSearch.of(uri, None)
    assert wanted is not None
    (parsed,) = SearchUtils.parse_search_filter(" AND ".join(wanted.conditions))
    assert (parsed["key"], parsed["comparator"]) == (CUBE_URI, "LIKE")
    assert len(parsed["value"]) == len(wanted.uri or "")


dates = st.dates().map(str)


@given(dates, dates, dates, dates)
def test_what_overlaps_meets_the_condition(a: str, b: str, c: str, d: str) -> None:
    begin, end = sorted((a, b))
    low, high = sorted((c, d))
    assert overlap((begin, end), (low, high)) == (begin <= high and end >= low)
    tags = period_tags(begin, end)
    wanted = CubeSearch.of(None, f"{low}/{high}")
    assert wanted is not None
    pattern = wanted.conditions[0].partition("'")[2][1:-1].rstrip("%")
    if overlap((begin, end), (low, high)) and int(low[:4]) > int(end[:4]) - 1500:
        assert pattern in tags[CUBE_YEARS]


def _cube(period: Any, uri: str = "a.zarr", **profile: Any) -> Dataset:
    schema = json.dumps({"cube": {"period": period}})
    return Dataset("a", "d", "cube", json.dumps({"uri": uri}), schema, json.dumps(profile))


def test_tags_of_several_cubes_tell_the_years_of_each() -> None:
    first = cube_tags([_cube(["2001-05-01", "2003-01-01"])], {})
    assert first == {
        CUBE_URI: "a.zarr", CUBE_BEGIN: "2001-05-01", CUBE_END: "2003-01-01",
        CUBE_YEARS: " 2001 2002 2003 ",
    }  # fmt: skip
    later = cube_tags([_cube(["2010-01-01", "2010-12-31"], "b.zarr")], first)
    assert later == {
        CUBE_BEGIN: "2001-05-01", CUBE_END: "2010-12-31", CUBE_YEARS: " 2001 2002 2003 2010 ",
    }  # fmt: skip
    both = [_cube(["2010-01-01", "2010-12-31"]), _cube(["2001-05-01", "2003-01-01"], "b.zarr")]
    assert cube_tags(both, {}) == first | later


def test_odd_periods_have_tags_that_fit() -> None:
    assert period_tags("0850-02-30T00:00:00", "0851-12-30T00:00:00")[CUBE_YEARS] == " 0850 0851 "
    long = period_tags("-5000-01-01", "2100-01-01")
    assert len(long[CUBE_YEARS]) < 8000
    assert long[CUBE_YEARS].endswith(" 2099 2100 ")
    assert overlap((long[CUBE_BEGIN], long[CUBE_END]), ("2011", "2011"))
    assert period_tags("yesterday", "2100") == {}


@pytest.mark.parametrize(
    "dataset",
    [
        Dataset("a", "d", "cube", "no JSON", "[1]", "1"),
        Dataset("a", "d", "cube", "[]", "{}", None),
        Dataset("a", "d", "cube", '{"uri": 1}', '{"cube": 1}', '{"split": "x"}'),
        _cube(["2001"], uri=None, split={"hash": 1}),  # type: ignore[arg-type]
        _cube([1, 2], uri=None),  # type: ignore[arg-type]
        Dataset("a", "d", "local", '{"uri": "a.csv"}', '{"cube": {"period": ["2001", "2002"]}}'),
    ],
)
def test_what_is_no_record_of_a_cube_says_nothing(dataset: Dataset) -> None:
    assert cube_tags([dataset], {}) == {}
    assert split_of([dataset]) is None
