"""Models of runs, registered; on a file and through a tracking server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import Place

from jupyter_mlkit.errors import ConflictError, InvalidInputError, MLKitError, NotFoundError
from jupyter_mlkit.models import VersionRequest
from jupyter_mlkit.registry.names import check_new_alias, check_new_name
from jupyter_mlkit.registry.versions import Registry

#: LoggedModels without the seconds that `log_model` takes to find requirements.
MODELS = """
mlflow.set_experiment(experiment_id=experiment)
uris = []
with mlflow.start_run(run_name="blocks") as run:
    for name in names:
        model = mlflow.initialize_logged_model(name=name, source_run_id=run.info.run_id)
        from mlflow.entities import LoggedModelOutput
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
        mlflow.finalize_logged_model(model.model_id, "READY")
        uris.append("models:/" + model.model_id)
result = [run.info.run_id, uris]
"""


def run_with_models(place: Place, *names: str) -> tuple[str, list[str]]:
    run_id, uris = place.elsewhere(MODELS, experiment=place.experiment(), names=list(names))
    return run_id, uris


@pytest.fixture(autouse=True)
def _store_of_the_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server names its store in its environment, for kernels and for MLflow's registry."""
    if "place" in request.fixturenames:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("place").uri)


def unique(name: str) -> str:
    return f"{name} {time.monotonic_ns()}"


@pytest.mark.parametrize("title", ["lst", "50% größer", "it's", 'say "x"', "both ' and \" %2e"])
def test_the_whole_life_of_a_model(place: Place, title: str) -> None:
    registry = Registry(place.uri)
    name = unique(title)
    run_id, uris = run_with_models(place, "model")
    version = registry.create_version(name, VersionRequest(run_id, description="first"))
    assert (version.version, version.run_id, version.run_name) == ("1", run_id, "blocks")
    assert version.source == uris[0]
    assert version.description == "first"
    second = registry.create_version(name, VersionRequest(run_id))
    assert second.version == "2"

    assert registry.set_alias(name, "champion", "1").aliases == {"champion": "1"}
    assert registry.version(name, "1").aliases == ["champion"]
    assert registry.set_alias(name, "champion", "2").aliases == {"champion": "2"}
    listed = registry.versions(name).items
    assert [(v.version, v.aliases, v.run_name) for v in listed] == [
        ("2", ["champion"], "blocks"),
        ("1", [], "blocks"),
    ]
    first = registry.versions(name, max_results=1)
    assert [v.version for v in first.items] == ["2"]
    rest = registry.versions(name, max_results=1, page_token=first.next_page_token)
    assert [v.version for v in rest.items] == ["1"]

    assert registry.describe_model(name, "of the North Sea").description == "of the North Sea"
    assert registry.describe_version(name, "1", "old").description == "old"
    model = registry.model(name)
    assert (model.latest_version, model.description) == ("2", "of the North Sea")
    assert name in {m.name for m in registry.models(title.upper(), max_results=1000).items}
    assert registry.delete_alias(name, "champion").aliases == {}
    with pytest.raises(NotFoundError):
        registry.delete_alias(name, "champion")


def test_the_last_model_of_a_run_or_the_named_one(place: Place) -> None:
    registry = Registry(place.uri)
    run_id, uris = run_with_models(place, "early", "late")
    name = unique("two")
    assert registry.create_version(name, VersionRequest(run_id)).source == uris[1]
    assert registry.create_version(name, VersionRequest(run_id, model=uris[0])).source == uris[0]
    with pytest.raises(InvalidInputError) as caught:
        registry.create_version(name, VersionRequest(run_id, model="models:/m-other"))
    assert (caught.value.code, caught.value.field) == ("unknown_model", "model")
    assert uris[0] in (caught.value.hint or "")


def test_a_store_that_is_not_the_process_s_own_is_not_mixed_up(
    file_store: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    run_id, uris = run_with_models(file_store, "model")
    version = Registry(file_store.uri).create_version("m", VersionRequest(run_id))
    model = file_store.client.get_logged_model(uris[0].removeprefix("models:/"))
    assert version.source == model.artifact_location
    assert model.tags["mlflow.modelVersions"] == '[{"name": "m", "version": 1}]'
    assert list(Path.cwd().iterdir()) == []


def test_a_run_without_model_leaves_nothing_behind(place: Place) -> None:
    registry = Registry(place.uri)
    run_id = place.client.create_run(place.experiment()).info.run_id
    name = unique("none")
    with pytest.raises(InvalidInputError) as caught:
        registry.create_version(name, VersionRequest(run_id))
    assert caught.value.code == "no_model"
    with pytest.raises(NotFoundError):
        registry.create_version(name, VersionRequest("0" * 32))
    with pytest.raises(NotFoundError):
        registry.model(name)


def test_a_model_of_mlflow_2_is_registered_where_its_files_are(file_store: Place) -> None:
    run = file_store.client.create_run(file_store.experiment())
    file_store.client.set_tag(
        run.info.run_id, "mlflow.log-model.history", '[{"artifact_path": "model"}]'
    )
    assert file_store.backend.run(run.info.run_id).models == [f"runs:/{run.info.run_id}/model"]
    version = Registry(file_store.uri).create_version("old", VersionRequest(run.info.run_id))
    assert version.source == f"{run.info.artifact_uri}/model"


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v7", "V7", "a b", "a/b", "", "x" * 256])
def test_aliases_that_mlflow_refuses_are_refused_by_name(file_store: Place, alias: str) -> None:
    registry = Registry(file_store.uri)
    run_id, _ = run_with_models(file_store, "model")
    registry.create_version("m", VersionRequest(run_id))
    with pytest.raises(InvalidInputError) as caught:
        registry.set_alias("m", alias, "1")
    assert caught.value.field == "alias"


@given(alias=st.text(max_size=6))
@settings(max_examples=200, deadline=None)
def test_our_rules_for_aliases_are_those_of_mlflow(alias: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.utils import validation

    try:
        validation._validate_model_alias_name(alias)
        validation._validate_model_alias_name_reserved(alias)
        theirs = True
    except MlflowException:
        theirs = False
    try:
        check_new_alias(alias)
        ours = True
    except InvalidInputError:
        ours = False
    # MLflow's pattern lets a line end through; ours need not.
    assert ours == theirs or alias.endswith("\n")


@given(name=st.text(max_size=8))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_name_that_we_take_can_be_found_again(file_store: Place, name: str) -> None:
    registry = Registry(file_store.uri)
    try:
        check_new_name(name)
    except InvalidInputError:
        return
    from mlflow.exceptions import MlflowException

    try:
        file_store.client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    assert registry.model(name).name == name
    assert registry.versions(name).items == []
    assert name in {m.name for m in registry.models(name, max_results=1000).items}


def test_prompts_are_kept_out(file_store: Place) -> None:
    registry = Registry(file_store.uri)
    file_store.client.register_prompt("ask", "What is {{x}}?")
    run_id, _ = run_with_models(file_store, "model")
    assert registry.models().items == []
    for call in (
        lambda: registry.model("ask"),
        lambda: registry.describe_model("ask", "x"),
        lambda: registry.set_alias("ask", "a", "1"),
        lambda: registry.versions("ask"),
    ):
        with pytest.raises(NotFoundError):
            call()
    with pytest.raises(ConflictError):
        registry.create_version("ask", VersionRequest(run_id))


def test_what_does_not_exist_and_what_is_no_name(place: Place) -> None:
    registry = Registry(place.uri)
    calls = {
        "model": lambda: registry.model("no such model"),
        "versions": lambda: registry.versions("no such model"),
        "alias": lambda: registry.set_alias("no such model", "a", "1"),
        "version": lambda: registry.describe_version("no such model", "1", "x"),
        "number": lambda: registry.version("no such model", "9" * 30),
    }
    for what, call in calls.items():
        with pytest.raises(NotFoundError):
            pytest.fail(f"{what}: {call()}")
    run_id, _ = run_with_models(place, "model")
    for name in ("", " ", "a/b", "a:b", "..", "x" * 300, "a\nb", "\x00"):
        with pytest.raises(MLKitError) as caught:
            registry.create_version(name, VersionRequest(run_id))
        assert caught.value.field == "name"


def test_names_hold_the_part_that_is_asked_for(place: Place) -> None:
    registry = Registry(place.uri)
    mark = str(time.monotonic_ns())
    for name in (f"Sea_ice {mark}", f"SeaXice {mark}"):
        place.client.create_registered_model(name)
    assert [m.name for m in registry.models(f"sea_ICE {mark}").items] == [f"Sea_ice {mark}"]
    page = registry.models(mark, max_results=1)
    rest = registry.models(mark, max_results=1, page_token=page.next_page_token)
    assert {page.items[0].name, rest.items[0].name} == {f"Sea_ice {mark}", f"SeaXice {mark}"}
