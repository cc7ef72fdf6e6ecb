"""What all tests share: nothing of the person who runs them is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils as tracking
from stores import Place, file_place, server_place

from jupyter_mlkit.paths import ENV_JOURNAL
from jupyter_mlkit.tracking.journaled import plugin

_OURS = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_RUN_ID",
    ENV_JOURNAL,
    "_MLFLOW_SERVER_ARTIFACT_ROOT",
    "JUPYTER_MLKIT_JOB_DIR",
    "JUPYTER_MLKIT_JOB_ID",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--nightly",
        type=int,
        default=1,
        metavar="FACTOR",
        help="repeat what injects faults so many times as often as in a normal run",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    factor: int = config.getoption("--nightly")
    if factor > 1:
        for item in items:
            if "nightly" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.timeout(300 * factor))


@pytest.fixture(scope="session")
def nightly(request: pytest.FixtureRequest) -> int:
    """How many times as often as in a normal run something is to be repeated."""
    factor: int = request.config.getoption("--nightly")
    return factor


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep Jupyter's folders in a temporary one, and telemetry silent."""
    home = tmp_path_factory.mktemp("jupyter")
    for name in _OURS:
        os.environ.pop(name, None)
    for kind in ("DATA", "CONFIG", "RUNTIME"):
        os.environ[f"JUPYTER_{kind}_DIR"] = str(home / kind.lower())
    os.environ["XDG_CACHE_HOME"] = str(home / "cache")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(autouse=True)
def _store_as_before() -> Iterator[None]:
    """Take back what the product has said in this process of the store and of the journal.

    It tells the kernels it starts by the environment, and MLflow keeps a URI by itself: without
    this a test would write into the store of the one before it.
    """
    said = {name: os.environ.get(name) for name in _OURS}
    left_out = plugin._left_out
    uri = tracking._tracking_uri
    yield
    for name, value in said.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    plugin._left_out = left_out
    tracking._tracking_uri = uri


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store with its tables: making them takes seconds, so it is done once."""
    from jupyter_mlkit.tracking.store import prepare_store

    folder = tmp_path_factory.mktemp("store")
    prepare_store(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")
    return folder / "mlflow.db"


@pytest.fixture
def new_store(empty_store: Path, tmp_path: Path) -> Callable[[], Path]:
    """Make copies of the empty store; each call returns another file."""
    made = 0

    def copy() -> Path:
        nonlocal made
        made += 1
        folder = tmp_path / f"store{made}"
        folder.mkdir()
        return Path(shutil.copy(empty_store, folder / "mlflow.db"))

    return copy


@pytest.fixture
def file_store(empty_store: Path, tmp_path: Path) -> Place:
    """A store in a file of the test's own."""
    return file_place(empty_store, tmp_path)


@pytest.fixture
def server_store(empty_store: Path) -> Place:
    """The store behind a real tracking server, which all tests share."""
    return server_place(empty_store)


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest) -> Place:
    """Both kinds of store, one after the other."""
    place: Place = request.getfixturevalue(f"{request.param}_store")
    return place
