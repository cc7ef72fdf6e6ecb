"""Models loaded without running what lies in them, or with a trust that somebody has declared.

A pickle runs code when it is read, and so does a pyfunc that brings modules along. Our own models
and files of skops and keras are data: they are read by the code that is installed here. All else
needs trust, which is given to the digest of the files.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import ForbiddenError, InvalidInputError, MLKitError, NotFoundError
from ..tracking.beneath import open_file, split_path
from .fetching import Fetched, fetch
from .networks.backend import choose_backend
from .torch_archive import refuse_code
from .trust import is_trusted, note
from .vendored.mlkit_cube_model import (
    DESCRIPTION_FILE,
    WEIGHTS_FILES,
    CubeModel,
    Description,
    load,
    load_skops,
)

#: Largest ``MLmodel`` that is read.
_MLMODEL_BYTES = 1024 * 1024
#: The module that MLflow would run; ours does the same.
_LOADER = "mlkit_cube_model"
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".pt2", ".bin"})
#: Folders of trusted models: what they import later has to be there until the process ends.
_kept: list[tempfile.TemporaryDirectory[str]] = []


def load_model(model: str, *, trust: str | None = None) -> Any:
    """Load a logged or registered model from files that were checked and that stay as they are.

    Parameters
    ----------
    model : str
        Run id, ``runs:/<run id>/model``, ``models:/<name>@<alias>``, ``models:/<name>/<version>``
        or ``models:/m-...``.
    trust : str, optional
        ``sha256:<digest>`` of the model as the refusal names it: run the code that lies in it,
        just this once. ``jupyter mlkit trust`` keeps the decision.

    Returns
    -------
    CubeModel, estimator or PyFuncModel
        A model of this package, what a file of skops holds, or, where it was trusted, what
        ``mlflow.pyfunc.load_model`` returns.

    Raises
    ------
    NotFoundError
        ``model_not_found``.
    InvalidInputError
        ``model_changed``: not the files that were logged; ``not_a_model``, ``unsafe_weights``.
    ForbiddenError
        ``model_not_trusted``: loading it runs code that lies in it.

    Notes
    -----
    Each trust and each load on its ground is a line of
    ``<jupyter data dir>/jupyter_mlkit/trusted_models.jsonl``.
    """
    folder = tempfile.TemporaryDirectory(prefix="mlkit-model-")
    try:
        fetched = fetch(model, Path(folder.name))
        flavors = _flavors(fetched.folder)
        read = _reader(fetched.folder, flavors)
        if read is not None:
            return _read_data(read)
        _require_trust(model, fetched, flavors, trust)
        _kept.append(folder)
        return _run(fetched.folder)
    finally:
        if folder not in _kept:
            folder.cleanup()


def load_cube_model(model: str) -> tuple[str, CubeModel]:
    """Return the URI of `model` with every alias resolved, and the model of this package there.

    Raises
    ------
    NotFoundError, InvalidInputError
        As :func:`load_model`; ``not_a_cube_model``.
    """
    with tempfile.TemporaryDirectory(prefix="mlkit-model-") as folder:
        fetched = fetch(model, Path(folder))
        data = _data_of_ours(_flavors(fetched.folder))
        if data is None:
            raise InvalidInputError(
                f"{model} is an MLflow model, but not one that knows about cubes.",
                hint="Train with jupyter_mlkit, or predict with train.load_model.",
                code="not_a_cube_model",
            )
        return fetched.uri, _read_data(partial(_read_ours, fetched.folder, data))


def trust_model(model: str, reason: str) -> Fetched:
    """Decide that the code in `model` may run in this user's processes, and write it down.

    Raises
    ------
    InvalidInputError
        ``nothing_to_trust``: it is loaded without running any code of its own.
    """
    with tempfile.TemporaryDirectory(prefix="mlkit-model-") as folder:
        fetched = fetch(model, Path(folder))
        if _reader(fetched.folder, _flavors(fetched.folder)) is not None:
            raise InvalidInputError(
                f"{model} runs no code of its own when it is loaded.",
                hint="It needs no trust: load it.",
                code="nothing_to_trust",
            )
    note("trust", fetched, reason)
    return fetched


def _flavors(folder: Path) -> dict[str, Any]:
    """Return the flavors that ``MLmodel`` describes; YAML of data only."""
    import yaml

    try:
        file, size = open_file(folder, ("MLmodel",))
        with file:
            told = yaml.safe_load(file.read(_MLMODEL_BYTES)) if size <= _MLMODEL_BYTES else None
    except (NotFoundError, yaml.YAMLError):
        told = None
    flavors = told.get("flavors") if isinstance(told, dict) else None
    if not isinstance(flavors, dict):
        raise InvalidInputError(
            "This is not a model: it has no readable MLmodel.",
            hint="Name a model that MLflow has logged.",
            code="not_a_model",
        )
    return {str(name): of for name, of in flavors.items() if isinstance(of, dict)}


def _reader(folder: Path, flavors: dict[str, Any]) -> Callable[[], Any] | None:
    """Return what reads the model without running code of its own; None where nothing can."""
    data = _data_of_ours(flavors)
    if data is not None:
        return partial(_read_ours, folder, data)
    sklearn = flavors.get("sklearn", {})
    if sklearn.get("serialization_format") == "skops" and not sklearn.get("code"):
        return partial(_read_skops, folder, str(sklearn.get("pickled_model") or ""))
    return None


def _data_of_ours(flavors: dict[str, Any]) -> str | None:
    """Return the folder of data of a model of this package, None for any other model.

    The module in the model stays unread: the same one is installed here.
    """
    described = flavors.get("python_function", {})
    return str(described.get("data")) if described.get("loader_module") == _LOADER else None


def _read_ours(folder: Path, data: str) -> CubeModel:
    path = folder.joinpath(*split_path(data))
    described = Description.from_json((path / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    if described.framework == "torch":
        refuse_code((path / WEIGHTS_FILES["torch"]).read_bytes())
    elif described.framework == "keras":
        choose_backend()
    return load(path)


def _read_skops(folder: Path, name: str) -> Any:
    file, _ = open_file(folder, split_path(name))
    with file:
        return load_skops(file.read())


def _read_data(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except MLKitError:
        raise
    except Exception as error:
        # Damaged weights make zip readers, decoders and frameworks raise whatever they like.
        raise InvalidInputError(
            f"The weights of the model cannot be loaded: {error}",
            hint="They are damaged, or hold what only a pickle could: log the model anew.",
            code="unsafe_weights",
        ) from error


def _require_trust(
    model: str, fetched: Fetched, flavors: dict[str, Any], trust: str | None
) -> None:
    ours = f"sha256:{fetched.digest}"
    if trust == ours:
        note("trust", fetched, "given in code")
    elif trust is not None or not is_trusted(fetched.digest):
        told = f", logged by {fetched.author}" if fetched.author else ""
        why = f" The trust that was given is for other files: these are {ours}." if trust else ""
        raise ForbiddenError(
            f"Loading {model} runs code that lies in it ({_code_in(fetched.folder, flavors)}"
            f"{told}).{why}",
            hint="If you know where it comes from, trust these very files: jupyter mlkit trust "
            f"{shlex.quote(fetched.uri)}, or load_model(..., trust={ours!r}). "
            "Better: log it anew with train.log_model, or in skops format.",
            code="model_not_trusted",
        )
    note("load", fetched, "")


def _code_in(folder: Path, flavors: dict[str, Any]) -> str:
    """Return in words what would run: pickles, modules, or else the flavor that reads it."""
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    pickles = [name for name in files if Path(name).suffix in _PICKLES]
    modules = [name for name in files if name.endswith(".py")]
    named = [*pickles, *modules] or [f"flavor {name}" for name in sorted(flavors)]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + more


def _run(folder: Path) -> Any:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
