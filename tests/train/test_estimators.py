"""What a spec may name as its estimator, and what is said where it may not."""

from __future__ import annotations

from typing import Any

import jsonschema
import numpy as np
import pytest
from sklearn.base import clone

from jupyter_mlkit.errors import ModelError
from jupyter_mlkit.train.estimators import (
    build_estimator,
    check_params,
    find_estimator,
    list_estimators,
)
from jupyter_mlkit.train.sklearn import _STAGED, Stage, fit, stage_ends


def test_every_schema_is_valid_and_takes_its_defaults() -> None:
    items = list_estimators().items
    assert len(items) > 70
    for item in items:
        jsonschema.Draft202012Validator.check_schema(item.params_schema)
        defaults = {n: p["default"] for n, p in item.params_schema["properties"].items()}
        jsonschema.validate(defaults, item.params_schema)
        # What a form sends back unchanged builds the estimator with its defaults.
        built = build_estimator(item.class_, defaults, 0)
        plain = find_estimator(item.class_).cls()
        for name in defaults:
            ours, theirs = getattr(built, name), getattr(plain, name)
            assert ours == theirs, (item.name, name)
            # 1 is not 1.0 where scikit-learn counts features.
            assert isinstance(ours, int) == isinstance(theirs, int), (item.name, name)


def test_schema_knows_ranges_choices_and_words() -> None:
    items = {item.name: item for item in list_estimators().items}
    schema = items["HistGradientBoostingRegressor"].params_schema["properties"]
    assert schema["max_iter"]["minimum"] == 1
    assert schema["learning_rate"]["exclusiveMinimum"] == 0
    assert "squared_error" in schema["loss"]["enum"]
    assert schema["max_iter"]["description"].startswith("The maximum number of iterations")
    assert not {"random_state", "warm_start", "verbose"} & set(schema)
    assert items["Ridge"].kind == "regressor"
    assert "StackingRegressor" not in items
    assert "MultiTaskLasso" not in items


@pytest.mark.parametrize(
    ("path", "code", "hint"),
    [
        ("sklearn.linear_model.Rige", "unknown_estimator", "'sklearn.linear_model.Ridge'"),
        ("sklearn.linear.Ridge", "unknown_estimator", "'sklearn.linear_model.Ridge'"),
        ("sklearn.utils.Bunch", "unknown_estimator", "example"),
        ("sklearn.linear_model._base.LinearRegression", "unknown_estimator", "LinearRegression"),
        ("os.system", "unknown_estimator", "example"),
        ("sklearn.cluster.KMeans", "unknown_estimator", "example"),
        ("sklearn.linear_model.MultiTaskLasso", "unsuitable_estimator", "one target"),
        ("sklearn.ensemble.StackingRegressor", "unsuitable_estimator", "one target"),
    ],
)
def test_wrong_estimators_are_named(path: str, code: str, hint: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_estimator(path)
    assert caught.value.code == code
    assert caught.value.field == "model.class"
    assert hint in (caught.value.hint or "") + caught.value.message


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"alfa": 1.0}, "unknown_parameter", "'alpha'"),
        ({"alpha": "much"}, "wrong_parameter", "default is 1.0"),
        ({"alpha": -1}, "wrong_parameter", "default"),
        ({"random_state": 3}, "reserved_parameter", "fit.seed"),
    ],
)
def test_wrong_parameters_name_their_field(params: dict[str, Any], code: str, words: str) -> None:
    errors = check_params(find_estimator("sklearn.linear_model.Ridge").cls, params)
    assert [error.code for error in errors] == [code]
    assert errors[0].field == f"model.params.{next(iter(params))}"
    assert words in (errors[0].hint or "")


def test_all_wrong_parameters_are_named_at_once() -> None:
    cls = find_estimator("sklearn.linear_model.Ridge").cls
    assert len(check_params(cls, {"alfa": 1, "solver": "quick", "tol": 0.1})) == 2


def test_json_has_no_floats_that_are_whole() -> None:
    """A browser writes 1.0 as 1, which would be one feature instead of all."""
    path = "sklearn.ensemble.RandomForestRegressor"
    assert type(build_estimator(path, {"max_features": 1}, 0).max_features) is float
    assert build_estimator(path, {"max_features": 2}, 0).max_features == 2


def test_the_seed_reaches_the_estimator() -> None:
    assert build_estimator("sklearn.ensemble.RandomForestRegressor", {}, 7).random_state == 7


@pytest.mark.parametrize("name", sorted(_STAGED))
def test_staged_fit_is_the_same_model(name: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((800, 2)).astype(np.float32)
    y = x[:, 0] * 2 + x[:, 1] ** 2 + rng.normal(size=800) * 0.1
    if name.endswith("Classifier"):
        y = (y > 1).astype(float)
    weight = rng.random(800) + 0.1
    path = f"sklearn.ensemble.{name}"
    staged = build_estimator(path, {_STAGED[name]: 9}, 3)
    whole = clone(staged)
    stages: list[Stage] = []
    fit(staged, x, y, weight, on_stage=stages.append)
    fit(whole, x, y, weight)
    np.testing.assert_array_equal(staged.predict(x), whole.predict(x))
    assert [stage.members for stage in stages] == list(range(1, 10))
    assert staged.get_params() == whole.get_params()


def test_large_tables_get_fewer_stages() -> None:
    assert stage_ends(100, 1_000)[-1] == 100
    assert len(stage_ends(100, 1_000)) == 20
    assert stage_ends(100, 10**9) == [100]
