"""What a spec accepts, and how it says what is wrong."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from jupyter_mlkit.errors import SpecError
from jupyter_mlkit.spec import TrainingSpec, dump_yaml, json_schema, load_spec, to_dict

GOOD: dict[str, Any] = {
    "sources": [{"uri": "cube.zarr"}],
    "target": "y",
    "features": ["x"],
    "split": {"kind": "block", "sizes": {"lat": "10 deg"}},
}


def _with(**parts: Any) -> dict[str, Any]:
    return GOOD | parts


def test_yaml_round_trip() -> None:
    spec = load_spec(_with(use="times", tracking={"experiment": "e", "tags": {"a": "b"}}))
    assert load_spec(dump_yaml(spec)) == spec
    assert load_spec(msgspec.json.encode(spec)) == spec
    jsonschema.validate(to_dict(spec), json_schema())


def test_defaults_are_those_of_the_class() -> None:
    spec = load_spec(GOOD)
    assert isinstance(spec, TrainingSpec)
    assert spec.model.class_ == "sklearn.linear_model.LinearRegression"
    assert spec.use == "places"


def test_a_spec_of_an_older_version_is_still_read() -> None:
    older = {"class": "sklearn.linear_model.Ridge", "framework": "sklearn", "params": {"alpha": 2}}
    read = load_spec(_with(model=older, schema_version=2))
    del older["framework"]
    assert read == load_spec(_with(model=older))


def test_yaml_may_write_numbers_and_dates_as_people_do() -> None:
    text = dump_yaml(load_spec(GOOD))
    text = text.replace("learning_rate: 0.01", "learning_rate: 1e-3")
    text = text.replace("period: null", "period: {start: 2002-05-21, end: 2002-06-01}")
    period = {"start": "2002-05-21", "end": "2002-06-01"}
    assert load_spec(text) == load_spec(_with(fit={"learning_rate": 0.001}, period=period))


@pytest.mark.parametrize(
    "name", ["1e-3", "12e5", "1.e+7", "-1e3", "2002-05-21", "null", "yes", "7"]
)
def test_a_name_that_looks_like_something_else_comes_back(name: str) -> None:
    spec = load_spec(_with(tracking={"run_name": name, "tags": {"commit": name}}))
    assert load_spec(dump_yaml(spec)) == spec


def test_what_an_older_version_has_written_is_read_by_its_rules() -> None:
    """It left a name such as 12e5 unquoted."""
    text = dump_yaml(load_spec(GOOD)).replace("run_name: null", "run_name: 12e5")
    with pytest.raises(SpecError, match="text"):
        load_spec(text)
    older = load_spec(text.replace("schema_version: 3", "schema_version: 2"))
    assert older.tracking.run_name == "12e5"


@pytest.mark.parametrize("text", ["a: [", "a: " + "[" * 5000, "a: " + "9" * 5000, b"\xff\xfe\x00"])
def test_what_is_no_yaml_is_said(text: bytes | str) -> None:
    with pytest.raises(SpecError, match="neither YAML nor JSON"):
        load_spec(text)


@pytest.mark.parametrize(
    ("parts", "field", "words"),
    [
        ({"target": "x"}, "features", "copy"),
        ({"target": 3}, "target", "text"),
        ({"features": []}, "features", "length"),
        ({"features": ["x", "x"]}, "features", "twice"),
        ({"split": {"kind": "block", "sizes": {"lat": 1.5}}}, "split.sizes", "whole number"),
        ({"split": {"kind": "block", "sizes": {}}}, "split.sizes", "at least one"),
        (
            {"split": GOOD["split"] | {"shares": {"train": 0.9}}},
            "split.shares",
            "add up to 1.2",
        ),
        ({"split": GOOD["split"] | {"seed": 2**63}}, "split.seed", "int"),
        ({"fit": {"seed": 2**33}}, "fit.seed", "int"),
        ({"fit": {"learning_rate": float("inf")}}, "fit.learning_rate", "<= 1000"),
        ({"fit": {"learning_rate": float("nan")}}, "fit.learning_rate", "> 0"),
        ({"period": {"start": "2002-13-01", "end": "2003-01-01"}}, "period.start", "not a date"),
        ({"period": {"start": "2003-01-01", "end": "2002-01-01"}}, "period.end", "not after"),
        (
            {"split": {"kind": "time", "validation_start": "2002-07-01", "test_start": "20020622"}},
            "split.test_start",
            "not after",
        ),
        ({"region": {"west": 0, "south": 5, "east": 1, "north": 4}}, "region.south", "south"),
        ({"tracking": {"experiment": "  "}}, "tracking.experiment", "no name"),
        ({"tracking": {"tags": {"": "a"}}}, "tracking.tags", "name"),
        ({"tracking": {"tags": {"mlflow.user": "a"}}}, "tracking.tags", "mlflow.user"),
        ({"modell": {}}, "modell", "no field"),
        ({"sources": [{}]}, "sources.0.uri", "missing"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    parts: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(_with(**parts))
    assert caught.value.field == field
    assert words in caught.value.message
    assert caught.value.code == "invalid_spec"


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"uri": "a", "options": {"secret_key": "x"}}, "sources.0.options.secret_key"),
        ({"uri": "http://user:pw@example.org/a.zarr"}, "sources.0.uri"),
        ({"uri": "https://example.org/a.zarr?X-Amz-Signature=1"}, "sources.0.uri"),
        ({"uri": "https://example.org/a.zarr?token=1"}, "sources.0.uri"),
        (
            {"uri": "s3://b/a.zarr", "options": {"endpoint_url": "https://u:p@example.org"}},
            "sources.0.options.endpoint_url",
        ),
    ],
)
def test_secrets_are_refused(source: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(_with(sources=[source]))
    assert caught.value.code == "secret_in_spec"
    assert caught.value.field == field
    assert caught.value.hint
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    "tag", [{"db_password": "pw"}, {"API_TOKEN": "pw"}, {"source": "postgresql://anna:pw@db/x"}]
)
def test_secrets_in_tags_are_refused(tag: dict[str, str]) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(_with(tracking={"tags": tag}))
    assert caught.value.code == "secret_in_spec"
    assert caught.value.field == f"tracking.tags.{next(iter(tag))}"
    assert "pw" not in caught.value.message
    load_spec(_with(tracking={"tags": {"team": "land", "paper": "https://doi.org/10.1/x"}}))


def test_text_that_is_no_spec() -> None:
    for text in ("a: [", "- 1\n- 2", "42"):
        with pytest.raises(SpecError) as caught:
            load_spec(text)
        assert caught.value.hint
