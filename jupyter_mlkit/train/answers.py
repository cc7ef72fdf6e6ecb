"""What the probe answers: each function is one operation and imports only what it needs."""

from __future__ import annotations

import base64
import json
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CubeError, MLKitError
from ..models import (
    CubeDescription,
    CubePreview,
    ErrorBody,
    EstimatorList,
    Preview,
    Validation,
)
from ..spec import SCHEMA_VERSION, TrainingSpec, load_spec, to_dict
from .probe import error_body

if TYPE_CHECKING:
    from ..cubes.view.data import CubeData

#: A form asks to validate and to preview the same data in a row: the second pass is saved.
_KEPT_SECONDS = 30.0
#: Fields of a spec on which the data depend.
_DATA_FIELDS = (
    "sources",
    "prepare",
    "target",
    "features",
    "lead",
    "split",
    "region",
    "period",
    "mask",
)
#: A warning where a training would take more than this share of the machine's memory.
_MEMORY_SHARE = 0.7
#: Fewer steps than this teach a network little.
_FEW_STEPS = 200
#: Interpreter and libraries.
_BASE_BYTES = 400_000_000
_kept: dict[str, tuple[float, CubeData]] = {}


def check() -> dict[str, Any]:
    """Return the versions by which a server decides whether jobs can run here."""
    import jupyter_mlkit

    from ..tracking.schema import head_revision

    return {
        "jupyter_mlkit": jupyter_mlkit.__version__,
        "spec_version": SCHEMA_VERSION,
        "mlflow": metadata.version("mlflow"),
        "mlflow_schema": head_revision(),
        "python": platform.python_version(),
    }


def describe(uri: str, options: dict[str, Any] | None = None) -> CubeDescription:
    """Return what the cube at `uri` holds."""
    import msgspec

    from ..cubes.description.describe import describe as describe_cube
    from ..errors import SpecError
    from ..spec import Source

    try:
        source = msgspec.convert({"uri": uri, "options": options or {}}, Source)
    except msgspec.ValidationError as error:
        raise SpecError(f"{error}.", field="options") from None
    return describe_cube(source)


def artifact_cube(root: str, parts: list[str]) -> CubePreview:
    """Return what the cube at `parts` beneath `root` holds, and a map of it."""
    from .artifact_cube import preview_cube

    return preview_cube(root, parts)


def estimators() -> EstimatorList:
    """Return the models of this environment with the schemas of their parameters."""
    from .catalog import list_models

    return list_models()


def validate(spec: dict[str, Any]) -> Validation:
    """Return everything that is wrong with `spec`, each error with the field of the form."""
    try:
        asked = load_spec(spec)
    except MLKitError as error:
        return Validation(ok=False, errors=[error_body(error)])
    errors = [*_model_errors(asked), *_data_errors(asked)]
    return Validation(ok=not errors, errors=errors)


def preview(spec: dict[str, Any]) -> Preview:
    """Return what `spec` would train on, what it costs, and the map of its split.

    Raises
    ------
    SpecError, CubeError
        As :func:`validate` would say.
    """
    from .figures import split_map
    from .leakage import report_leakage, small_blocks
    from .split_text import split_text

    asked = load_spec(spec)
    data = _data(asked)
    counts = data.counts()
    cells = 1
    for dim in data.dims:
        cells *= int(data.ds.sizes[dim])
    by_role = {count.role: count.cells for count in counts}
    memory, train = memory_bytes(asked, by_role), by_role.get("train", 0)
    leakage = report_leakage(data)
    picture = split_map(data, title=f"Split: {split_text(asked.split)}")
    return Preview(
        roles=counts,
        valid_share=sum(count.cells for count in counts) / cells,
        decoded_bytes=sum(int(data.ds[name].nbytes) for name in data.variables),
        memory_bytes=memory,
        warnings=[
            *data.warnings(),
            *small_blocks(data, leakage),
            *_cost_warnings(asked, memory, train),
        ],
        leakage=leakage,
        map_png=None if picture is None else base64.b64encode(picture).decode(),
    )


def memory_bytes(spec: TrainingSpec, cells: dict[Any, int]) -> int:
    """Return an upper estimate of the memory that a training takes.

    Parameters
    ----------
    spec : TrainingSpec
    cells : dict
        Valid cells by role.
    """
    from ..cubes.sampling.sampler import BUFFER_BYTES
    from .catalog import is_network
    from .estimators import QUADRATIC
    from .reading import WATCHED_CELLS

    width = len(spec.features)
    # X and y in float32; weight, cell and block in 8 bytes each.
    row = 4 * width + 4 + 24
    train = cells.get("train", 0)
    streams = is_network(spec.model.class_)
    most = WATCHED_CELLS if streams else spec.fit.max_samples
    if most is not None:
        train = min(train, most)
    # Scaled features and what estimators copy to float64.
    fitting = train * (4 * width + 8 * width + 16)
    held = (train + cells.get("validation", 0) + cells.get("test", 0)) * row
    name = spec.model.class_.rpartition(".")[2]
    kernel = 8 * train**2 if name in QUADRATIC and not name.endswith(("SVC", "SVR")) else 0
    # Pieces are joined into one array: for a moment both are there.
    buffer = BUFFER_BYTES if streams else 0
    return _BASE_BYTES + 2 * held + fitting + kernel + buffer


def _model_errors(spec: TrainingSpec) -> list[ErrorBody]:
    from .catalog import model_errors

    return [error_body(error, "model.class") for error in model_errors(spec)]


def _data_errors(spec: TrainingSpec) -> list[ErrorBody]:
    try:
        data = _data(spec)
        _check_kind(spec, data)
    except CubeError as error:
        # What cannot be opened has no field of its own yet: it is the cube's.
        return [error_body(error, "sources.0.uri")]
    except MLKitError as error:
        return [error_body(error)]
    return []


def _check_kind(spec: TrainingSpec, data: CubeData) -> None:
    """Check that a classifier has classes to predict, on a piece of the train cells."""
    from .catalog import find_model
    from .scores import require_classes

    try:
        kind = find_model(spec.model.class_).kind
    except MLKitError:
        return  # reported beside the model
    if kind == "classifier":
        first = next(iter(data.batches("train")), None)
        if first is not None:
            require_classes(first, spec.target)


def _data(spec: TrainingSpec) -> CubeData:
    """Return the data of `spec`, kept for a moment."""
    from ..cubes.view.data import CubeData

    parts = to_dict(spec)
    key = json.dumps({name: parts[name] for name in _DATA_FIELDS}, sort_keys=True)
    now = time.monotonic()
    kept = _kept.get(key)
    if kept is not None and now - kept[0] < _KEPT_SECONDS:
        return kept[1]
    data = CubeData.from_spec(spec)
    data.warnings()
    _kept.clear()
    _kept[key] = (now, data)
    return data


def _cost_warnings(spec: TrainingSpec, memory: int, train: int) -> list[ErrorBody]:
    from .catalog import is_network
    from .estimators import QUADRATIC

    warnings = []
    streams = is_network(spec.model.class_)
    available = _available_bytes()
    if available is not None and memory > _MEMORY_SHARE * available:
        warnings.append(
            ErrorBody(
                message=f"The training may need {memory / 1e9:.1f} GB of memory; "
                f"{available / 1e9:.1f} GB are free.",
                code="memory",
                hint="Choose a smaller region or period."
                if streams
                else "Set 'Train samples at most', or choose a smaller region or period.",
                field="region" if streams else "fit.max_samples",
            )
        )
    name = spec.model.class_.rpartition(".")[2]
    if name in QUADRATIC and (spec.fit.max_samples is None or spec.fit.max_samples > 20_000):
        warnings.append(
            ErrorBody(
                message=f"{name} gets slow with the square of the number of samples.",
                code="slow_estimator",
                hint="Set 'Train samples at most' to 20000 or less.",
                field="fit.max_samples",
            )
        )
    steps = spec.fit.epochs * -(-train // spec.fit.batch_size)
    if streams and steps < _FEW_STEPS:
        warnings.append(
            ErrorBody(
                message=f"The network would learn in {steps} steps only: {spec.fit.epochs} epochs "
                f"over {train:,} train cells in batches of {spec.fit.batch_size:,}.",
                code="few_steps",
                hint="Choose smaller batches or more epochs.",
                field="fit.batch_size",
            )
        )
    return warnings


def _available_bytes() -> int | None:
    """Return the memory that is free for use, None where the system does not say."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None
