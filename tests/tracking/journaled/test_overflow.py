"""Nothing that is too long or too much for MLflow is cut in silence."""

from __future__ import annotations

import json
from pathlib import Path

from stores import Place, until

from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journaled.overflow import MOST_PARAMS, Room
from jupyter_mlkit.tracking.tags import MORE_PARAMS

from .conftest import Runner

_LOGS_MUCH = """
import mlflow
with mlflow.start_run(experiment_id="{experiment}") as run:
    mlflow.log_param("config", "ä" * 10_000)
    mlflow.log_param("config", "ä" * 10_000)
    mlflow.set_tag("mlflow.note.content", "n" * 20_000)
    try:
        mlflow.log_param("config", "ä" * 10_001)
    except mlflow.MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE"
    else:
        raise AssertionError("a param was changed")
    mlflow.log_params({{f"p{{n}}": n for n in range({params})}})
    assert mlflow.get_run(run.info.run_id).data.params["p{last}"] == "{last}"
    print(run.info.run_id)
"""


def test_the_whole_is_in_a_file_and_is_named(
    place: Place, runner: Runner, home: Home, tmp_path: Path
) -> None:
    params = 100_000 if place.kind == "file" else 2_000
    code = _LOGS_MUCH.format(experiment=place.experiment(), params=params, last=params - 1)
    done = runner(code, place.uri)
    assert done.returncode == 0, done.stderr
    assert "the whole is in the run's file mlkit/long/param-" in done.stderr
    assert done.stderr.count("more than 1,000 params") == 1
    until(lambda: not pending(home), 120)
    client, run_id = place.client, done.stdout.strip()
    run = client.get_run(run_id)

    def told(text: str) -> str:
        named = text.rpartition("the whole is in ")[2].removesuffix("]")
        return Path(client.download_artifacts(run_id, named, str(tmp_path))).read_text()

    assert told(run.data.params["config"]) == "ä" * 10_000
    assert told(run.data.tags["mlflow.note.content"]) == "n" * 20_000
    assert len(run.data.params) == 1000
    file = client.download_artifacts(run_id, run.data.tags[MORE_PARAMS], str(tmp_path))
    more = dict(json.loads(line) for line in Path(file).read_text().splitlines())
    assert {**run.data.params, **more}.items() >= {f"p{n}": str(n) for n in range(params)}.items()
    assert len(more) == params + 1 - 1000


def test_params_that_come_after_the_file_was_sent_replace_none(tmp_path: Path) -> None:
    room = Room(tmp_path)
    first = {f"p{n}": str(n) for n in range(MOST_PARAMS + 2)}

    def given(known: dict[str, str], new: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        told, named, more = room.given(known, new)
        room.keep(more)
        return told, named

    told, named = given({}, first)
    assert len(told) == MOST_PARAMS
    (path,) = tmp_path.rglob("*.jsonl")
    assert named == {MORE_PARAMS: path.relative_to(tmp_path).as_posix()}

    def inside() -> list[list[str]]:
        return [json.loads(line) for line in path.read_text().splitlines()]

    beyond = [["p1000", "1000"], ["p1001", "1001"]]
    assert inside() == beyond
    path.unlink()  # by the drainer, which has sent it
    assert given(first, {"x": "1", "p1": "1", "p1001": "1001"}) == ({"p1": "1"}, named)
    assert inside() == [*beyond, ["x", "1"]]
    assert given(first, {"y": "2"}) == ({}, named)
    assert inside() == [*beyond, ["x", "1"], ["y", "2"]]
    assert given(first, {"p1000": "1000"}) == ({}, {})
