"""Names of what we write on a run: tags, params, metrics and artifact paths, in one place.

`train` writes them, `tracking` reads them, the panel shows them.
"""

from __future__ import annotations

from typing import Final, Literal

#: Every tag of ours begins so.
PREFIX: Final = "mlkit."

SPEC_VERSION: Final = "mlkit.spec_version"
TARGET: Final = "mlkit.target"
#: Unit of the target and of its errors, such as ``K``.
UNITS: Final = "mlkit.units"
#: Key of the metric that leads lists: ``val_rmse`` or ``val_balanced_accuracy``.
PRIMARY_METRIC: Final = "mlkit.primary_metric"
#: JSON of :class:`jupyter_mlkit.models.Evaluation` for the validation role.
EVALUATION: Final = "mlkit.evaluation"
EVALUATION_HASH: Final = "mlkit.evaluation.hash"
#: The same for the test role; whether runs are comparable is decided on validation.
EVALUATION_TEST: Final = "mlkit.evaluation.test"
EVALUATION_TEST_HASH: Final = "mlkit.evaluation.test.hash"
SPLIT_HASH: Final = "mlkit.split.hash"
#: ``<kind>:<hex>``, such as ``stored:3fa0...``.
CUBE_FINGERPRINT: Final = "mlkit.cube.fingerprint"
#: Where the cube was read, without credentials.
CUBE_URI: Final = "mlkit.cube.uri"
#: First and last time in the cubes of a run, as ISO 8601.
CUBE_BEGIN: Final = "mlkit.cube.begin"
CUBE_END: Final = "mlkit.cube.end"
#: All years in between with a space on either side: stores compare tags by LIKE alone.
CUBE_YEARS: Final = "mlkit.cube.years"
#: SHA-256 over all files of a model, on the run and on the LoggedModel; see ``digests``.
MODEL_DIGEST: Final = "mlkit.model.sha256"
JOB_ID: Final = "mlkit.job_id"
#: Artifact with the params beyond the first thousand.
MORE_PARAMS: Final = "mlkit.params.more"
#: Tells a run from all others before a store gives it an id: making it twice is noticed.
RUN_KEY: Final = "mlkit.run_key"
#: Tells a model that was handed over from all others: logging it twice is noticed.
MODEL_KEY: Final = "mlkit.model_key"
#: Why a run ended other than by finishing: ``stopped``, ``lost``.
END_REASON: Final = "mlkit.end_reason"
#: Of a run whose process is gone without having ended it.
LOST: Final = "lost"
#: When and from where the process of a run was seen alive; see ``heartbeat``.
HEARTBEAT: Final = "mlkit.heartbeat"
#: Who started the run, stamped by the server; wins over ``mlflow.user``.
OWNER: Final = "mlkit.owner"
#: Path of the notebook, as Jupyter names it.
NOTEBOOK: Final = "mlkit.notebook"
KERNEL_ID: Final = "mlkit.kernel_id"
#: Name of the kernelspec, such as ``python3``.
KERNEL_NAME: Final = "mlkit.kernel_name"
#: Container image, where whoever has started the container tells it.
IMAGE: Final = "mlkit.image"
#: Name on JupyterHub of who started the run.
HUB_USER: Final = "mlkit.hub_user"
#: How many cells had been executed when the run ended.
CELLS: Final = "mlkit.cells"
#: Digest of these cells, in their order: equal where the same was executed.
CELLS_DIGEST: Final = "mlkit.cells.sha256"
#: "true" where tracked files differed from the commit; the difference is in `ARTIFACT_GIT_DIFF`.
GIT_DIRTY: Final = "mlkit.git.dirty"
#: What a network was trained on: ``cpu``, ``cuda`` or ``gpu``.
DEVICE: Final = "mlkit.device"
#: How energy and CO2e were found, in words.
ENERGY_METHOD: Final = "mlkit.energy.method"
CO2E_METHOD: Final = "mlkit.co2e.method"
#: Names that are MLflow's own.
GIT_COMMIT: Final = "mlflow.source.git.commit"
GIT_BRANCH: Final = "mlflow.source.git.branch"
GIT_REPOSITORY: Final = "mlflow.source.git.repoURL"
PARENT: Final = "mlflow.parentRunId"

PARAM_CUBE: Final = "cube"
PARAM_TARGET: Final = "target"
PARAM_FEATURES: Final = "features"
PARAM_USE: Final = "use"
PARAM_LEAD: Final = "lead"
PARAM_PREPARE: Final = "prepare"
PARAM_SPLIT: Final = "split"
PARAM_SCALE: Final = "scale"
PARAM_MODEL: Final = "model"
PARAM_SEED: Final = "seed"
#: What of the spec's ``fit`` a network heeds is logged as ``fit.<name>``, the seed apart.
FIT_PARAM_PREFIX: Final = "fit."
#: Parameters of the estimator are logged as ``model.<name>``.
MODEL_PARAM_PREFIX: Final = "model."

#: How each role's scores begin; test is never the one that leads.
ROLE_PREFIX: Final[dict[Literal["train", "validation", "test"], str]] = {
    "train": "train_",
    "validation": "val_",
    "test": "test_",
}
#: ``baseline/<name>/val_rmse``.
BASELINE_PREFIX: Final = "baseline/"
#: 1 - error / error of the best baseline, on validation.
GAIN: Final = "gain/val_rmse"
#: Every gain metric begins so (``gain/val_balanced_accuracy`` for classifiers).
GAIN_PREFIX: Final = "gain/"
FIT_SECONDS: Final = "fit_seconds"
#: Members of an ensemble, or epochs of a network: the last step of the curves.
N_MEMBERS: Final = "n_members"
N_EPOCHS: Final = "n_epochs"
#: Epoch, counted from 1, whose weights were kept.
BEST_EPOCH: Final = "best_epoch"
N_TRAIN: Final = "n_train"
N_VALIDATION: Final = "n_val"
N_TEST: Final = "n_test"

#: What a run has used. MLflow shows metrics that begin with ``system/`` apart from the scores.
WALL_SECONDS: Final = "system/wall_time_seconds"
CPU_SECONDS: Final = "system/cpu_time_seconds"
PEAK_MEMORY: Final = "system/process_peak_memory_megabytes"
#: ``system/gpu_0_peak_memory_megabytes``, with the framework's number of the device.
GPU_PEAK_MEMORY: Final = "system/gpu_{}_peak_memory_megabytes"
ENERGY: Final = "system/energy_kilowatt_hours"
CO2E: Final = "system/co2e_grams"

ARTIFACT_SPEC: Final = "mlkit/spec.yaml"
ARTIFACT_SPLIT: Final = "mlkit/split.json"
ARTIFACT_LEAKAGE: Final = "mlkit/leakage.json"
ARTIFACT_SCORES: Final = "mlkit/scores.json"
ARTIFACT_SCALING: Final = "mlkit/scaling.json"
ARTIFACT_CUBE: Final = "mlkit/cube.json"
ARTIFACT_ENVIRONMENT: Final = "mlkit/environment.txt"
ARTIFACT_GIT_DIFF: Final = "mlkit/git.diff"
#: The cells that were executed in the kernel; see ``provenance.notebook``.
ARTIFACT_NOTEBOOK: Final = "mlkit/notebook.json.gz"
#: A folder for each process that has resumed the run: the same files, and ``source.json``.
ARTIFACT_RESUMED: Final = "mlkit/resumed"
ARTIFACT_MODEL: Final = "mlkit/model.json"
ARTIFACT_MAPS: Final = "maps"

#: Name of the LoggedModel that a training logs.
MODEL_NAME: Final = "model"
#: Context of the dataset input.
DATASET_CONTEXT: Final = "training"
