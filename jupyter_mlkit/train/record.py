"""What a run carries besides its scores: params, tags, files, the data as a dataset input."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..cubes.scoring.samples import evaluation
from ..cubes.view.data import CubeData
from ..cubes.view.samples import Samples
from ..spec import TrainingSpec, dump_yaml, to_dict
from ..tracking import tags
from ..tracking.cube_extent import cube_extent
from ..tracking.cube_tags import period_tags
from ..tracking.dataset import CubeDataset, CubeDatasetSource, cube_schema
from ..tracking.provenance.git import git_head
from ..tracking.provenance.record import at_start, gathered
from .networks.architectures import FIT_FIELDS, find_network, is_network
from .split_text import split_text

#: One more than the tables (datasets, inputs) on which two runs can collide.
_LOG_INPUT_ATTEMPTS = 3
#: URI of a cube that was never stored.
IN_MEMORY = "memory"


@dataclass(frozen=True)
class CubeIdentity:
    """Which data a run used: where they were read, and the digest of what was read."""

    uri: str
    options: dict[str, Any]
    fingerprint: str
    kind: str
    variables: dict[str, str]


def identity_of(data: CubeData) -> CubeIdentity:
    """Return the identity of the variables and the selection that `data` uses."""
    source = data.spec.sources[0]
    found = data.fingerprint()
    options = to_dict(data.spec)["sources"][0]["options"]
    return CubeIdentity(
        uri=CubeDatasetSource(source.uri).uri,
        options=options,
        fingerprint=str(found),
        kind=found.kind,
        variables=dict(found.variables),
    )


def params_of(spec: TrainingSpec) -> dict[str, str]:
    """Return what was asked for as MLflow params."""
    found = {
        tags.PARAM_CUBE: CubeDatasetSource(spec.sources[0].uri).uri,
        tags.PARAM_TARGET: spec.target,
        tags.PARAM_FEATURES: ", ".join(spec.features),
        tags.PARAM_USE: spec.use,
        tags.PARAM_SPLIT: split_text(spec.split),
        tags.PARAM_SCALE: spec.scale,
        tags.PARAM_MODEL: spec.model.class_,
        tags.PARAM_SEED: str(spec.fit.seed),
    }
    params = spec.model.params
    if is_network(spec.model.class_):
        params = find_network(spec.model.class_).complete(params)
    for name, value in params.items():
        found[tags.MODEL_PARAM_PREFIX + name] = value if isinstance(value, str) else str(value)
    if is_network(spec.model.class_):
        for name in FIT_FIELDS:
            value = getattr(spec.fit, name)
            if name != "seed" and value is not None:
                found[tags.FIT_PARAM_PREFIX + name] = str(value)
    if spec.lead is not None:
        found[tags.PARAM_LEAD] = spec.lead
    if spec.prepare is not None:
        found[tags.PARAM_PREPARE] = spec.prepare.function
    if spec.fit.max_samples is not None:
        found["max_samples"] = str(spec.fit.max_samples)
    return found


def data_tags(
    data: CubeData,
    identity: CubeIdentity,
    *,
    primary: str | None,
    validation: Samples | None = None,
) -> dict[str, str]:
    """Return the tags by which two runs are compared; `primary` is the score that leads.

    The samples of `validation` save a pass over the data where they are at hand.
    """
    evaluated = evaluation(data, "validation", validation)
    return {
        tags.TARGET: data.spec.target,
        tags.UNITS: data.units,
        **({tags.PRIMARY_METRIC: primary} if primary else {}),
        tags.EVALUATION: json.dumps(_builtins(evaluated)),
        tags.EVALUATION_HASH: evaluated.hash,
        tags.SPLIT_HASH: data.split.hash,
        tags.CUBE_FINGERPRINT: identity.fingerprint,
        tags.CUBE_URI: identity.uri,
        **_period_tags(data),
    }


def _period_tags(data: CubeData) -> dict[str, str]:
    period = cube_extent(data.ds)["period"]
    return period_tags(*period) if period else {}


def tags_of_test(data: CubeData, samples: Samples | None = None) -> dict[str, str]:
    """Return the tags that say on which cells and values the test scores rest."""
    evaluated = evaluation(data, "test", samples)
    return {
        tags.EVALUATION_TEST: json.dumps(_builtins(evaluated)),
        tags.EVALUATION_TEST_HASH: evaluated.hash,
    }


def code_tags() -> dict[str, str]:
    """Return the job's id and, in a job, that the run comes from one and from which commit."""
    job_id = os.environ.get(paths.ENV_JOB_ID)
    found: dict[str, str] = {}
    if job_id:
        found = {
            tags.JOB_ID: job_id,
            "mlflow.source.type": "JOB",
            "mlflow.source.name": "jupyter_mlkit.train",
        }
    head = git_head(Path.cwd())
    if head is not None:
        commit, branch = head
        found[tags.GIT_COMMIT] = commit
        if branch:
            found[tags.GIT_BRANCH] = branch
    return found


def log_dataset(data: CubeData, identity: CubeIdentity) -> None:
    """Log the cube as the dataset input of the active run."""
    dataset = CubeDataset(
        data.ds,
        CubeDatasetSource(identity.uri, identity.options),
        digest=identity.fingerprint,
        target=data.spec.target,
        features=data.features,
        roles=data.counts(),
        split=data.split,
    )
    _log_input(dataset)


def _log_input(dataset: CubeDataset) -> None:
    """Log a dataset that other runs may be logging for the first time in the same moment.

    MLflow looks whether the experiment has the dataset and then inserts it. Of two runs that
    start together one fails on the unique key; when it asks again, the row is there.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    for attempt in range(_LOG_INPUT_ATTEMPTS):
        try:
            mlflow.log_input(dataset, context=tags.DATASET_CONTEXT)
        except MlflowException as error:
            is_race = "IntegrityError" in str(error) or "UniqueViolation" in str(error)
            if not is_race or attempt == _LOG_INPUT_ATTEMPTS - 1:
                raise
        else:
            return


def log_files(files: dict[str, str | bytes]) -> None:
    """Log artifacts of the active run by their paths, all in one go."""
    import mlflow

    with tempfile.TemporaryDirectory(prefix="mlkit-files-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        if files:
            mlflow.log_artifacts(folder)


def data_files(data: CubeData, identity: CubeIdentity) -> dict[str, str | bytes]:
    """Return the artifacts that say what was trained on and how it was split."""
    spec = data.spec
    cube = {
        "uri": identity.uri,
        "options": identity.options,
        "fingerprint": {
            "kind": identity.kind,
            "digest": identity.fingerprint.partition(":")[2],
            "variables": identity.variables,
        },
        "region": _builtins(spec.region),
        "period": _builtins(spec.period),
        "mask": spec.mask,
        "schema": cube_schema(data.ds, target=spec.target, features=data.features),
    }
    split = {
        "hash": data.split.hash,
        "rule": data.split.to_dict(),
        "counts": _builtins(data.counts()),
        "warnings": _builtins(data.warnings()),
    }
    return {
        tags.ARTIFACT_SPEC: dump_yaml(spec),
        tags.ARTIFACT_SPLIT: json.dumps(split, indent=2),
        tags.ARTIFACT_CUBE: json.dumps(cube, indent=2),
    }


def code_files() -> dict[str, str | bytes]:
    """Return the artifacts that say with what code the active run was made.

    Those alone that the store wrapper has not logged already.
    """
    import mlflow

    run = mlflow.active_run()
    assert run is not None
    run_id = str(run.info.run_id)
    return {**at_start(run_id), **gathered(run_id)}


def _builtins(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)
