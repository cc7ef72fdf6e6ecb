"""No path leads out of the artifacts of the real MLflow behind the proxy, whatever the verb."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import mlflow
import pytest
from corpus import traversals

from .live_server import TOKEN, start_server
from .raw import Raw, raw

SECRET = b"the canary outside of the artifacts"
#: Name of a file beside each canary: a listing of its folder would say it.
MARKER = "5b1f0c-beside"
INSIDE = b"of the run itself"
UPLOADED = b"uploaded by the corpus"
#: Characters that end a request line or a header; everything else is sent as it is.
_NEVER_RAW = "\r\n\t\x00 "
_FILES = "api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def place(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store some folders deep, with a canary in each folder above its artifacts."""
    top = tmp_path_factory.mktemp("outside")
    folder = top / "a" / "b" / "c" / "store"
    folder.mkdir(parents=True)
    shutil.copy(empty_store, folder / "mlflow.db")
    for above in (folder, *folder.parents):
        if above.is_relative_to(top):
            (above / "secret.txt").write_bytes(SECRET)
            (above / MARKER).touch()
    return folder


@pytest.fixture(scope="module")
def run_id(place: Path) -> str:
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}")
    root = place / "artifacts"
    experiment = client.create_experiment("corpus", artifact_location=str(root / "e"))
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, INSIDE.decode(), "maps/inside.txt")
    return str(run.info.run_id)


@pytest.fixture(scope="module")
def proxied(place: Path, run_id: str) -> Iterator[tuple[int, str]]:
    """Open the MLflow UI of a real server; return its port and the path of that."""
    live = start_server(place / "mlflow.db")
    child = live.ask("POST", "jupyter-mlkit/api/children", {"kind": "mlflow"})
    yield live.port, live.base_url + child["path"]
    live.close()


@pytest.mark.slow
async def test_no_path_leads_out_of_mlflows_artifacts(
    proxied: tuple[int, str], place: Path, run_id: str
) -> None:
    """500 names in each parameter that says which file, with each verb that there is for it."""
    port, base = proxied
    before = _outside(place)
    assert sum(text == SECRET for text in before.values()) == 5
    names = random.Random(5).sample(traversals(), 500)
    assert any(name.startswith("file:") for name in names)
    asked: Counter[int] = Counter()
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "text/plain"}
    async with raw(port, headers) as connection:
        for name in names:
            for method, target in _requests(name, run_id):
                body = UPLOADED if method in ("PUT", "POST") else b""
                asked[await _contained(connection, method, base + target, body)] += 1
        served = await connection.ask(
            "GET", f"{base}get-artifact?run_uuid={run_id}&path=maps/inside.txt"
        )
    assert served == (200, INSIDE), "what is inside is served all the while"
    assert _outside(place) == before, "nothing was changed, made or removed outside"
    assert asked.total() == 500 * 13
    assert asked[200], "some names are harmless"


def _requests(name: str, run_id: str) -> Iterator[tuple[str, str]]:
    whole = quote(name, safe="", errors="surrogatepass")
    for written in (whole, "".join(quote(c) if c in _NEVER_RAW else c for c in name)):
        for method in ("GET", "PUT", "DELETE"):
            yield method, f"{_FILES}/{written}"
    yield "GET", f"{_FILES}?path={whole}"
    yield "GET", f"get-artifact?run_uuid={run_id}&path={whole}"
    yield "GET", f"get-artifact?run_uuid={whole}&path=secret.txt"
    yield "GET", f"ajax-api/2.0/mlflow/artifacts/list?run_id={run_id}&path={whole}"
    yield "POST", f"ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path={whole}"
    yield "POST", f"api/2.0/mlflow-artifacts/mpu/create/{whole}"
    yield "GET", f"model-versions/get-artifact?name={whole}&version=1&path={whole}"


async def _contained(connection: Raw, method: str, target: str, body: bytes) -> int:
    status, answer = await connection.ask(method, target, body)
    assert SECRET not in answer, (method, target)
    assert MARKER.encode() not in answer, (method, target)
    assert b"root:" not in answer, (method, target)
    return status


def _outside(place: Path) -> dict[str, bytes]:
    """Return all files around the artifacts, the database apart: who may log changes that."""
    top = place.parents[3]
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
        and not path.is_relative_to(place / "artifacts")
        and not path.name.startswith("mlflow.db")
    }
