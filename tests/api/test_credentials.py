"""Canaries in the place of secrets, through a whole training: they are used, and found nowhere.

The job reads a cube from an object store with a key of a profile, and logs to a tracking server
whose URI holds a password; both are real servers on this machine.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pytest
import xarray as xr
from stores import Place

BUCKET = "cubes-of-the-credentials-test"
SECRETS = {
    "key of the profile": "canary-of-the-profile-5d1c",
    "key of the environment": "canary-of-the-environment-8a2f",
    "password of the store": "canary-of-the-store-77e0",
}


@pytest.fixture
def object_store(tmp_path: Path) -> Iterator[str]:
    """An S3 server with a cube; returns its endpoint."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket=BUCKET)
    lat, lon = np.arange(-44.0, 45.0, 8.0), np.arange(0.0, 96.0, 8.0)
    x = np.random.default_rng(0).random((len(lat), len(lon)))
    cube = xr.Dataset(
        {"x": (("lat", "lon"), x), "y": (("lat", "lon"), 2 * x)},
        {"lat": lat, "lon": lon},
    )
    cube.to_zarr(tmp_path / "cube.zarr", zarr_format=2)
    for path in (tmp_path / "cube.zarr").rglob("*"):
        if path.is_file():
            key = path.relative_to(tmp_path).as_posix()
            client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    yield endpoint
    server.stop()


@pytest.fixture
def jp_server_config(
    jp_server_config: Any,
    server_store: Place,
    object_store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    profile = tmp_path / "aws-credentials"
    profile.write_text(
        f"[mine]\naws_access_key_id = mine\n"
        f"aws_secret_access_key = {SECRETS['key of the profile']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS["key of the environment"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    host = urlsplit(server_store.uri).netloc
    uri = f"http://anna:{SECRETS['password of the store']}@{host}"
    jp_server_config["MLKitApp"]["tracking_uri"] = uri
    return jp_server_config


def spec(endpoint: str) -> dict[str, Any]:
    return {
        "sources": [
            {
                "uri": f"s3://{BUCKET}/cube.zarr",
                "options": {"profile": "mine", "endpoint_url": endpoint, "region": "us-east-1"},
            }
        ],
        "target": "y",
        "features": ["x"],
        "split": {
            "kind": "block",
            "sizes": {"lat": "16 deg", "lon": "16 deg"},
            "shares": {"train": 0.4, "validation": 0.3, "test": 0.3},
        },
        "tracking": {"experiment": "credentials"},
    }


def commands() -> set[str]:
    """Return the command lines of all processes of this user, as anybody can read them."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.add((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue  # ended while we looked
    return found


async def test_no_secret_is_found_after_a_training(
    call: Any,
    object_store: str,
    server_store: Place,
    jp_serverapp: Any,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    submitted = await call("POST", "jobs", {"spec": spec(object_store)}, timeout=120)
    assert submitted.status == 201, submitted.body
    job_id = submitted.json["job_id"]
    seen, answers = set(), [submitted.body]
    async with asyncio.timeout(150):
        while True:
            answer = await call("GET", f"jobs/{job_id}")
            seen |= commands()
            if answer.json["ended"]:
                break
            await asyncio.sleep(0.05)
    log = await call("GET", f"jobs/{job_id}/log")
    assert answer.json["state"] == "DONE", log.json["text"]
    run_id = answer.json["run_id"]
    answers += [answer.body, log.body]
    for path in (f"runs/{run_id}", f"runs/{run_id}/spec", "status", "jobs"):
        answers.append((await call("GET", path)).body)

    run = mlflow.MlflowClient(tracking_uri=server_store.uri).get_run(run_id)
    assert run.data.metrics["val_r2"] > 0.9, "it did read the cube"
    folder = jp_serverapp.web_app.settings["jupyter_mlkit_services"].settings.folder
    store = server_store.artifact_root.parent
    files = [p for top in (folder, store) for p in top.rglob("*") if p.is_file()]
    assert any(path.name == "spec.yaml" and path.is_relative_to(folder) for path in files)
    assert any(path.name == "mlflow.db" for path in files)
    assert any(path.name == "cube_model.json" for path in files)
    texts = {str(path): path.read_bytes() for path in files}
    texts |= {"commands": "\n".join(seen).encode(), "log": caplog.text.encode()}
    texts |= {f"answer {i}": body for i, body in enumerate(answers)}
    texts["run"] = repr(run.to_dictionary()).encode()
    assert any(b"jupyter_mlkit.train" in command.encode() for command in seen)
    leaks = [
        (what, where)
        for what, secret in SECRETS.items()
        for where, text in texts.items()
        if secret.encode() in text
    ]
    assert leaks == []


async def test_a_store_that_is_gone_is_named_without_its_password(
    call: Any, object_store: str, jp_serverapp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """MLflow's own messages hold the whole address."""
    services = jp_serverapp.web_app.settings["jupyter_mlkit_services"]
    secret = SECRETS["password of the store"]
    # The job starts while the store is there; then it is somewhere else.
    environment = services.settings.environment
    uri = f"http://anna:{secret}@127.0.0.1:9"
    environment["MLFLOW_TRACKING_URI"] = uri
    submitted = await call("POST", "jobs", {"spec": spec(object_store)}, timeout=120)
    assert submitted.status == 201, submitted.body
    job_id = submitted.json["job_id"]
    async with asyncio.timeout(150):
        while not (answer := await call("GET", f"jobs/{job_id}")).json["ended"]:
            await asyncio.sleep(0.1)
    assert answer.json["state"] == "FAILED"
    log = await call("GET", f"jobs/{job_id}/log")
    texts = [answer.body, log.body, caplog.text.encode()]
    folder = services.settings.folder / "jobs" / job_id
    texts += [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not [text for text in texts if secret.encode() in text]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
