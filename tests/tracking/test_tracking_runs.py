"""Runs, experiments and their changes, on a file and through a tracking server."""

from __future__ import annotations

import math
import time

import pytest
from stores import Place

from jupyter_mlkit.errors import InvalidInputError, NotFoundError
from jupyter_mlkit.models import RunPatch
from jupyter_mlkit.tracking.heartbeat import LOST_AFTER, Heartbeat
from jupyter_mlkit.tracking.tags import HEARTBEAT

WRITE = """
mlflow.set_experiment(experiment_id=experiment)
with mlflow.start_run(run_name="blocks") as run:
    mlflow.log_params({"target": "lst", "seed": 3})
    mlflow.log_metric("val_rmse", float("nan"), step=1)
    mlflow.log_metric("loss", float("inf"))
    mlflow.log_metric("low", float("-inf"))
    mlflow.set_tags({"mlkit.units": "K", "mlflow.note.content": "a note", "mine": "yes"})
result = run.info.run_id
"""


def test_a_run_of_plain_mlflow_in_another_process(place: Place) -> None:
    run_id = place.elsewhere(WRITE, experiment=place.experiment())
    run = place.backend.run(run_id)
    assert run.run_name == "blocks"
    assert run.status == "FINISHED"
    assert run.params == {"seed": "3", "target": "lst"}
    assert {m.key: m.value for m in run.metrics} == {
        "val_rmse": "NaN",
        "loss": "Infinity",
        "low": "-Infinity",
    }
    assert next(m.step for m in run.metrics if m.key == "val_rmse") == 1
    assert run.note == "a note"
    assert run.units == "K"
    assert run.tags["mine"] == "yes"
    assert run.tags["mlflow.source.type"] == "LOCAL"
    assert "mlflow.note.content" not in run.tags
    assert "mlflow.user" not in run.tags
    assert run.owner
    assert run.primary_metric == "val_rmse"
    assert run.evaluation is None


def test_search_pages_through_all_runs_once(place: Place) -> None:
    experiment = place.experiment()
    made = [place.client.create_run(experiment).info.run_id for _ in range(7)]
    seen: list[str] = []
    token = None
    while True:
        page = place.backend.runs([experiment], max_results=3, page_token=token)
        seen += [run.run_id for run in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert sorted(seen) == sorted(made)


def test_search_filters_sorts_and_shows_deleted_runs(place: Place) -> None:
    experiment = place.experiment()
    ids = []
    for value in (3.0, 1.0, math.nan, 2.0):
        run_id = place.client.create_run(experiment).info.run_id
        place.client.log_metric(run_id, "val_rmse", value)
        ids.append(run_id)
    backend = place.backend
    best = backend.runs([experiment], "metrics.val_rmse < 2.5", ["metrics.val_rmse ASC"])
    assert [run.run_id for run in best.items] == [ids[1], ids[3]]
    backend.delete_run(ids[1])
    assert {r.run_id for r in backend.runs([experiment]).items} == {ids[0], ids[2], ids[3]}
    deleted = backend.runs([experiment], view="deleted").items
    assert [(r.run_id, r.lifecycle_stage) for r in deleted] == [(ids[1], "deleted")]
    assert len(backend.runs([experiment], view="all").items) == 4
    assert backend.restore_run(ids[1]).lifecycle_stage == "active"
    assert ids[1] in {r.run_id for r in backend.runs(order_by=["attributes.start_time DESC"]).items}


def test_a_run_is_lost_where_nobody_has_seen_it_alive_for_long(file_store: Place) -> None:
    experiment, client = file_store.experiment(), file_store.client
    now = time.time()
    quiet, alive, ended = (
        client.create_run(experiment, tags={HEARTBEAT: str(Heartbeat(now - age, "node-1"))})
        for age in (LOST_AFTER + 60, 0, LOST_AFTER + 60)
    )
    client.set_terminated(ended.info.run_id)
    lost = {run.run_id: run.lost for run in file_store.backend.runs([experiment]).items}
    assert lost == {quiet.info.run_id: True, alive.info.run_id: False, ended.info.run_id: False}
    # It is never closed for that.
    assert file_store.backend.run(quiet.info.run_id).status == "RUNNING"


@pytest.mark.parametrize(
    ("filter_string", "says"),
    [
        ("metrics.a <", "nvalid clause"),
        ("foo = 1", "foo"),
        ("metrics.a < 'x'", "umeric"),
        ("params.a = 1", "quoted"),
        ("metrics.a < 1 OR metrics.b < 2", "OR"),
        ("metrics.a IS NULL", "IS NULL"),
        ("x" * 20_000, "longer"),
    ],
)
def test_a_wrong_filter_names_its_field(file_store: Place, filter_string: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        file_store.backend.runs(filter=filter_string)
    assert caught.value.code == "invalid_filter"
    assert caught.value.field == "filter"
    assert says in caught.value.message
    assert "metrics.val_rmse" in (caught.value.hint or "")


def test_wrong_order_token_and_size_name_their_field(file_store: Place) -> None:
    backend = file_store.backend
    for field, call in {
        "order_by": lambda: backend.runs(order_by=["nonsense.x"]),
        "page_token": lambda: backend.runs(page_token="not a token"),
        "max_results": lambda: backend.runs(max_results=0),
        "view": lambda: backend.runs(view="some"),  # type: ignore[arg-type]
    }.items():
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert caught.value.field == field


def test_experiments_are_found_by_part_of_their_name(place: Place) -> None:
    plain = place.client.create_experiment(f"Sea_Ice 50%'\" {place.kind}")
    other = place.client.create_experiment(f"SeaxIce {place.kind}")
    found = place.backend.experiments("sea_ice 50%'\"").items
    assert [e.experiment_id for e in found] == [plain]
    everything = place.backend.experiments(max_results=1000).items
    assert {plain, other} <= {e.experiment_id for e in everything}
    page = place.backend.experiments(max_results=1)
    assert len(page.items) == 1
    assert page.next_page_token is not None


def test_what_does_not_exist_is_not_found(place: Place) -> None:
    backend = place.backend
    missing = "0" * 32
    for call in (
        lambda: backend.run(missing),
        lambda: backend.run("../../x"),
        lambda: backend.delete_run(missing),
        lambda: backend.update_run(missing, RunPatch(note="x")),
        lambda: backend.artifacts(missing),
        lambda: backend.compare([missing, "1" * 32]),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_name_note_and_tags_are_edited(place: Place) -> None:
    run_id = place.client.create_run(place.experiment()).info.run_id
    backend = place.backend
    run = backend.update_run(run_id, RunPatch(run_name="Größe <b>", note="why"))
    assert (run.run_name, run.note) == ("Größe <b>", "why")
    assert backend.update_run(run_id, RunPatch(note="")).run_name == "Größe <b>"
    backend.set_tag(run_id, "mood", "good")
    assert backend.run(run_id).tags["mood"] == "good"
    backend.delete_tag(run_id, "mood")
    assert "mood" not in backend.run(run_id).tags
    with pytest.raises(NotFoundError):
        backend.delete_tag(run_id, "mood")
    for key in ("mlflow.user", "mlkit.evaluation"):
        with pytest.raises(InvalidInputError):
            backend.set_tag(run_id, key, "forged")
        with pytest.raises(InvalidInputError):
            backend.delete_tag(run_id, key)


def test_a_lost_run_is_closed_and_a_finished_one_is_not(place: Place) -> None:
    experiment = place.experiment()
    lost = place.client.create_run(experiment).info.run_id
    done = place.client.create_run(experiment).info.run_id
    place.client.set_terminated(done)
    place.backend.end_run(lost, "FAILED", "lost")
    place.backend.end_run(done, "FAILED", "lost")
    run = place.backend.run(lost)
    assert (run.status, run.tags["mlkit.end_reason"]) == ("FAILED", "lost")
    assert run.end_time is not None
    assert place.backend.run(done).status == "FINISHED"


def test_a_list_is_bounded_where_one_run_is_whole(file_store: Place) -> None:
    run_id = file_store.client.create_run(file_store.experiment()).info.run_id
    file_store.client.log_param(run_id, "long", "x" * 5000)
    for start in range(0, 300, 100):
        file_store.client.log_batch(
            run_id,
            tags=[mlflow_tag(f"t{n}", "v") for n in range(start, start + 100)],
        )
    file_store.client.set_tag(run_id, "mlkit.units", "K")
    listed = next(r for r in file_store.backend.runs().items if r.run_id == run_id)
    whole = file_store.backend.run(run_id)
    assert len(listed.params["long"]) == 500
    assert len(listed.tags) == 200
    assert listed.tags["mlkit.units"] == "K"
    assert len(whole.params["long"]) == 5000
    assert len(whole.tags) > 300


def mlflow_tag(key: str, value: str) -> object:
    from mlflow.entities import RunTag

    return RunTag(key, value)


@pytest.mark.parametrize(
    ("keys", "lead"),
    [
        (["train_loss", "val_loss", "val_rmse"], "val_rmse"),
        (["accuracy", "test_accuracy"], "accuracy"),
        (["test_rmse", "train_rmse"], None),
        (["Val_Loss", "lr"], "Val_Loss"),
        (["validation/mae", "loss"], "validation/mae"),
        (["val_crps"], "val_crps"),
        (["lr"], None),
    ],
)
def test_the_leading_metric_is_a_validation_score(keys: list[str], lead: str | None) -> None:
    from jupyter_mlkit.tracking.primary import primary_metric

    assert primary_metric({}, keys) == lead
    assert primary_metric({"mlkit.primary_metric": "val_x"}, keys) == "val_x"
