"""What libraries log by themselves is in the store as it is without the journal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities import Run
from stores import Place, file_place, until

from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
#: What differs from one time to the next, whoever logs it.
_TIMES = re.compile("time|per_second|duration")
_OWN = re.compile(r"mlkit\.|mlflow\.(source\.git|runName$)")
_IDS = re.compile(r"(m-)?[0-9a-f]{32}|\d{10,}|\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d(\.\d+)?")


def _values(text: str) -> str:
    return _IDS.sub("…", text)


def _files(client: mlflow.MlflowClient, run: str, folder: str | None = None) -> Iterator[str]:
    for file in client.list_artifacts(run, folder):
        if file.is_dir:
            yield from _files(client, run, file.path)
        else:
            yield _values(file.path)


def _told(client: mlflow.MlflowClient, run: Run) -> dict[str, Any]:
    """Return what is in the store of a run and would be in it again."""
    histories = {}
    for key in run.data.metrics:
        if key.startswith("system/"):
            continue
        points = client.get_metric_history(run.info.run_id, key)
        values = [0.0 if _TIMES.search(key) else round(one.value, 6) for one in points]
        # MLflow keeps a point by its millisecond, too: a value told twice is one point, or two.
        histories[key] = sorted({*zip([one.step for one in points], values, strict=True)})
    models = [output.model_id for output in run.outputs.model_outputs] if run.outputs else []
    return {
        "status": run.info.status,
        "params": {key: _values(value) for key, value in run.data.params.items()},
        "metrics": histories,
        "tags": {
            key: _values(value) for key, value in run.data.tags.items() if not _OWN.match(key)
        },
        "inputs": sorted(used.dataset.digest for used in run.inputs.dataset_inputs),
        "models": sorted(client.get_logged_model(model).name for model in models),
        "files": sorted(
            file for file in _files(client, run.info.run_id) if not file.startswith("mlkit/")
        ),
    }


def _all(place: Place) -> list[dict[str, Any]]:
    experiment = place.client.get_experiment_by_name("autologged")
    assert experiment is not None
    runs = place.client.search_runs([experiment.experiment_id])
    return sorted((_told(place.client, run) for run in runs), key=json.dumps)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_is_the_same_with_the_journal(
    script: Path, runner: Runner, home: Home, empty_store: Path, tmp_path: Path
) -> None:
    seen = []
    for journal in ("0", "1"):
        folder = tmp_path / journal
        folder.mkdir()
        place = file_place(empty_store, folder)
        done = runner(script.read_text(), place.uri, journal)
        assert done.returncode == 0, done.stderr
        until(lambda: not pending(home), 60)
        seen.append(_all(place))
    alone, journaled = seen
    assert sum(map(len, (run["metrics"] for run in alone)))
    assert journaled == alone
