"""Logs the texts with MLflow's own client, as a colleague would who means harm.

Where that client refuses a text as a key, an alias or a name, its checks are taken away: the
store may have been written by another one.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from cube import record_of_cube
from files import artifacts
from texts import HOSTILE, IMG, TEXTS, Fields

#: Lengths of the store's columns.
MOST_IN_KEY, MOST_IN_DIGEST, MOST_IN_ALIAS = 250, 36, 255
#: Tags that this package writes and reads itself.
OURS = (
    "units",
    "target",
    "primary_metric",
    "evaluation.hash",
    "split.hash",
    "cube.fingerprint",
    "cube.uri",
    "end_reason",
    "owner",
    "notebook",
    "kernel_id",
)


class Seeder:
    """Fills a store; `refused` counts what MLflow's client did not take at first, by field."""

    def __init__(self, fields: Fields) -> None:
        import mlflow

        from jupyter_mlkit.paths import ENV_JOURNAL
        from jupyter_mlkit.train.store import use_store

        # What another client writes comes by no journal, whose drainer would check it again.
        os.environ[ENV_JOURNAL] = "0"
        use_store()
        self.client = mlflow.MlflowClient()
        self.fields = fields
        self.refused: dict[str, int] = {}

    def drop_checks(self, experiment_id: str) -> None:
        """Count what MLflow's client refuses as keys and names, then take its checks away."""
        from mlflow.exceptions import MlflowException
        from mlflow.store.model_registry import sqlalchemy_store
        from mlflow.utils import validation

        run_id = self.client.create_run(experiment_id, run_name="checks").info.run_id
        attempts = {
            "param": lambda text: self.client.log_param(run_id, text, 0),
            "metric": lambda text: self.client.log_metric(run_id, text, 0),
            "tag": lambda text: self.client.set_tag(run_id, text, 0),
        }
        for field, attempt in attempts.items():
            for text in TEXTS:
                try:
                    attempt(text)
                except MlflowException:
                    self.refused[field] = self.refused.get(field, 0) + 1
        validation.validate_param_and_metric_name = lambda _: True
        validation.path_not_unique = lambda _: False
        validation._REGISTERED_MODEL_ALIAS_REGEX = re.compile("", re.DOTALL)
        sqlalchemy_store._validate_model_name = lambda _: None

    def experiments(self) -> list[str]:
        """Make an experiment of each text."""
        return [
            self.client.create_experiment(self.fields.put("experiment.name", text))
            for text in TEXTS
        ]

    def runs(self, experiment_id: str) -> dict[str, str]:
        """Make a run of each text that has it as name, key and value of everything."""
        return {name: self._run(experiment_id, text) for name, text in HOSTILE.items()}

    def _run(self, experiment_id: str, text: str) -> str:
        from mlflow.entities import Metric, Param, RunTag

        put = self.fields.put
        run_id: str = self.client.create_run(
            experiment_id,
            run_name=put("run.name", text),
            tags={"mlflow.user": put("run.user", text)},
        ).info.run_id
        key = text[:MOST_IN_KEY]
        evaluation = {"hash": text, "n": 1, "role": put("tag.evaluation", text)}
        self.client.log_batch(
            run_id,
            [Metric(f"val_{key}", 2.0 + step, 0, step) for step in range(3)]
            + [Metric("val_rmse", 2.0, 0, step) for step in range(2)],
            [Param(key, text), Param("model", put("param.model", text))],
            [
                RunTag(key, text),
                RunTag("mlflow.note.content", put("run.note", text)),
                RunTag("mlflow.source.name", put("run.source", text)),
                RunTag("mlkit.spec_version", "2"),
                RunTag("mlkit.evaluation", json.dumps(evaluation)),
                *(RunTag(f"mlkit.{tag}", put(f"tag.{tag}", text)) for tag in OURS),
            ],
        )
        self.client.set_terminated(run_id)
        return run_id

    def everything(self, experiment_id: str) -> str:
        """Make one run that has all texts."""
        from mlflow.entities import Metric, Param, RunTag

        put = self.fields.put
        run_id: str = self.client.create_run(experiment_id, run_name=f"all {IMG}").info.run_id
        keys = [text[:MOST_IN_KEY] for text in TEXTS]
        metrics = [
            Metric(f"val_{put('metric.key', key)}", number + step, 0, step)
            for number, key in enumerate(keys)
            for step in (0, 1)
        ]
        metrics += [Metric(f"baseline/{key}/val_rmse", 3.0, 0, 0) for key in keys]
        params = [
            Param("p " + put("param.key", key), put("param.value", text))
            for key, text in zip(keys, TEXTS, strict=True)
        ]
        tags = [
            RunTag("t " + put("tag.key", key), put("tag.value", text))
            for key, text in zip(keys, TEXTS, strict=True)
        ]
        for batch in ({"metrics": metrics}, {"params": params}, {"tags": tags}):
            self.client.log_batch(run_id, **batch)
        self.client.set_tag(run_id, "mlflow.note.content", self.fields.put_all("run.note"))
        self.client.set_tag(run_id, "mlkit.units", IMG)
        self.client.set_tag(run_id, "mlkit.spec_version", "2")
        self._datasets(run_id)
        self.client.set_terminated(run_id)
        return run_id

    def _datasets(self, run_id: str) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        put = self.fields.put
        record = json.dumps(record_of_cube())
        self.fields.put_all("dataset.schema")
        self.client.log_inputs(
            run_id,
            [
                DatasetInput(
                    Dataset(
                        name=put("dataset.name", text),
                        digest=put("dataset.digest", text)[:MOST_IN_DIGEST],
                        source_type="http",
                        source=json.dumps({"uri": put("dataset.source", text)})
                        if number % 2
                        else put("dataset.source", text),
                        schema=record if number % 2 else json.dumps({text: text}),
                        profile=json.dumps({text: put("dataset.profile", text)}),
                    ),
                    [InputTag("mlflow.data.context", put("dataset.context", text))],
                )
                for number, text in enumerate(TEXTS)
            ],
        )

    def artifacts(self, run_id: str, folder: Path) -> list[str]:
        """Log files that are named and filled as the texts are, and what is in `folder`."""
        for path, text in artifacts(self.fields).items():
            target = folder / path
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            except OSError:  # longer than names may be on this file system
                self.fields.take_back("artifact.path", text)
        self.client.log_artifacts(run_id, str(folder))
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def models(self, run_id: str) -> list[str]:
        """Register models named, described, tagged and pointed to as the texts are."""
        from mlflow.exceptions import MlflowException

        put = self.fields.put
        for text in TEXTS:
            self.client.create_registered_model(
                put("model.name", text),
                {put("model.tag key", text): put("model.tag", text)},
                self.fields.put_all("model.description"),
            )
            self.client.create_model_version(
                text, "/nowhere/" + put("version.source", text), run_id, {}, description=text
            )
        for text in TEXTS:
            version = self.client.create_model_version(
                IMG,
                "/nowhere",
                run_id,
                {put("version.tag key", text): put("version.tag", text)},
                description=put("version.description", text),
            )
            with suppress(MlflowException):  # the backend keeps some to itself
                self.client.set_registered_model_alias(IMG, text[:MOST_IN_ALIAS], version.version)
                put("version.alias", text)
        return TEXTS
