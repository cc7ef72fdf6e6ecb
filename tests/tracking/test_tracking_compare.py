"""Whether scores may be compared, and what differs, in words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import Place

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.models import Evaluation, Run
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.comparison import differences, judge

BASE = Evaluation(
    hash="h",
    target="lst",
    units="K",
    role="validation",
    n_cells=1200,
    truth_digest="t",
    cells_digest="c",
    weights="cos(lat)",
    aggregation="pooled",
    lead_time=None,
)


def scored(place: Place, experiment: str, evaluation: Evaluation | None, **params: str) -> str:
    run_id = str(place.client.create_run(experiment).info.run_id)
    if evaluation is not None:
        text = msgspec.json.encode(evaluation).decode()
        place.client.set_tag(run_id, tags.EVALUATION, text)
        place.client.set_tag(run_id, tags.UNITS, evaluation.units)
    for key, value in params.items():
        place.client.log_param(run_id, key, value)
    return run_id


def changed(**fields: object) -> Evaluation:
    return msgspec.structs.replace(BASE, hash=str(sorted(fields)), **fields)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (changed(units="degC"), "different target units: K / degC"),
        (changed(target="t2m"), "different targets: lst / t2m"),
        (changed(cells_digest="x", truth_digest="y", n_cells=900), "1,200 / 900 cells"),
        (changed(cells_digest="x"), "scored on different cells (1,200 each)"),
        (changed(truth_digest="y"), "different true values in the same cells"),
        (changed(role="test"), "validation / test"),
        (changed(lead_time="6h"), "different lead times: none / 6h"),
        (changed(weights="equal"), "weights"),
        (changed(aggregation="mean"), "different ways"),
        (changed(), "different weights of the cells"),
    ],
)
def test_what_differs_is_said_in_words(file_store: Place, other: Evaluation, words: str) -> None:
    experiment = file_store.experiment()
    ids = [scored(file_store, experiment, e) for e in (BASE, other)]
    answer = file_store.backend.compare(ids)
    assert answer.verdict == "not_comparable"
    assert any(words in reason for reason in answer.reasons), answer.reasons
    assert [run.run_id for run in answer.runs] == ids


def test_other_features_and_models_are_no_bar(place: Place) -> None:
    experiment = place.experiment()
    first = scored(place, experiment, BASE, features="t2m", model="a.B", seed="1")
    second = scored(place, experiment, BASE, features="t2m,lai", model="a.B", seed="2")
    place.client.log_metric(first, "val_rmse", 2.0)
    answer = place.backend.compare([first, second, first])
    assert (answer.verdict, answer.reasons) == ("comparable", [])
    rows = {(d.group, d.key): d for d in answer.differences}
    assert rows["data", "features"].values == ["t2m", "t2m,lai"]
    assert rows["data", "units"].differs is False
    assert rows["params", "model"].differs is False
    assert rows["params", "seed"].differs is True
    assert rows["metrics", "val_rmse"].values == ["2.0", None]
    assert not any(key.startswith("mlkit.evaluation") for _, key in rows)
    params = [d.key for d in answer.differences if d.group == "params"]
    assert params == ["seed", "model"]


def test_other_test_cells_are_told_and_are_no_bar(file_store: Place) -> None:
    experiment = file_store.experiment()
    ids = [scored(file_store, experiment, BASE) for _ in range(3)]
    file_store.client.set_tag(ids[0], tags.EVALUATION_TEST_HASH, "x")
    file_store.client.set_tag(ids[1], tags.EVALUATION_TEST_HASH, "y")
    answer = file_store.backend.compare(ids)
    assert answer.verdict == "comparable"
    assert answer.reasons == ["test scores were taken on different cells"]
    assert not any(row.key.startswith("mlkit.evaluation") for row in answer.differences)
    assert file_store.backend.compare([ids[0], ids[2]]).reasons == []


def test_runs_that_we_did_not_make_are_unknown(file_store: Place) -> None:
    experiment = file_store.experiment()
    ours, theirs = (scored(file_store, experiment, e) for e in (BASE, None))
    broken = scored(file_store, experiment, None)
    file_store.client.set_tag(broken, tags.EVALUATION, '{"hash": "h"')
    answer = file_store.backend.compare([ours, theirs])
    assert answer.verdict == "unknown"
    assert "not known what" in answer.reasons[0]
    assert file_store.backend.compare([ours, broken]).verdict == "unknown"
    other = scored(file_store, experiment, changed(units="degC"))
    assert file_store.backend.compare([ours, theirs, other]).verdict == "not_comparable"
    for ids in ([], [ours], [ours, ours]):
        with pytest.raises(InvalidInputError):
            file_store.backend.compare(ids)


@given(st.lists(st.sampled_from(["h", "i", None]), min_size=2, max_size=5))
def test_comparable_means_one_known_hash(hashes: list[str | None]) -> None:
    runs = [stub(None if h is None else msgspec.structs.replace(BASE, hash=h)) for h in hashes]
    verdict, reasons = judge(runs)
    assert (verdict == "comparable") == (len(set(hashes)) == 1 and None not in hashes)
    assert (verdict == "not_comparable") == ({"h", "i"} <= set(hashes))
    assert bool(reasons) == (verdict != "comparable")
    assert judge(list(reversed(runs)))[0] == verdict
    assert all(row.values for row in differences(runs))


def stub(evaluation: Evaluation | None) -> Run:
    return Run(
        run_id="r", run_name="r", experiment_id="0", status="FINISHED", lifecycle_stage="active",
        start_time=None, end_time=None, owner=None, artifact_uri="", metrics=[], params={}, tags={},
        note="", primary_metric=None, units=None, gain=None,
        evaluation=evaluation, job_id=None, datasets=[], models=[], lost=False, waiting=False,
    )  # fmt: skip
