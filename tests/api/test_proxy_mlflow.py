"""The whole way: a real server below ``/user/x/``, the real MLflow, its own client."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from children.kinds import processes
from children.test_child import tcp_listeners
from stores import until

from jupyter_mlkit.children.peer import ENV_NONCE

from .live_server import TOKEN, LiveServer, start_server

SECRETS = {
    "JUPYTERHUB_API_TOKEN": "environment-canary-1",
    "MY_PASSWORD": "environment-canary-2",
    "AWS_SECRET_ACCESS_KEY": "environment-canary-3",
}


@pytest.fixture(scope="module")
def server(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    store = Path(shutil.copy(empty_store, tmp_path_factory.mktemp("store") / "mlflow.db"))
    live = start_server(store, **SECRETS)
    yield live
    live.close()


@pytest.fixture(scope="module")
def opened(server: LiveServer) -> dict[str, Any]:
    """Open the MLflow UI."""
    assert server.ask("GET", "jupyter-mlkit/api/children") == {"items": []}
    child: dict[str, Any] = server.ask("POST", "jupyter-mlkit/api/children", {"kind": "mlflow"})
    return child


def test_it_is_opened_once(server: LiveServer, opened: dict[str, Any]) -> None:
    assert opened["state"] == "running"
    assert opened["path"] == f"jupyter-mlkit/children/{opened['child_id']}/"
    again = server.ask("POST", "jupyter-mlkit/api/children", {"kind": "mlflow"})
    assert again["child_id"] == opened["child_id"]
    (listed,) = server.ask("GET", "jupyter-mlkit/api/children")["items"]
    assert listed["child_id"] == opened["child_id"]
    assert listed["started"] == opened["started"]


def test_its_page_and_scripts_load_below_the_base_url(
    server: LiveServer, opened: dict[str, Any]
) -> None:
    _, page, headers = get(server, opened["path"])
    assert "MLflow" in page
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    script = page.partition('src="')[2].partition('"')[0]
    assert not script.startswith("/"), "relative, so it is found below any base URL"
    _, text, headers = get(server, opened["path"] + script)
    assert "javascript" in headers["Content-Type"]
    assert len(text) > 10_000


CLIENT = """
    import hashlib, json, sys
    from pathlib import Path
    import mlflow
    from mlflow import MlflowClient
    client = MlflowClient()
    experiment = client.create_experiment("proxied", artifact_location="mlflow-artifacts:/proxied")
    mlflow.set_experiment("proxied")
    with mlflow.start_run() as run:
        mlflow.log_params({"depth": 3})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_text("hello \\u2603", "notes/a b+c.txt")
        Path("big").write_bytes(bytes(range(256)) * 40_000)
        mlflow.log_artifact("big", "data")
    got = client.download_artifacts(run.info.run_id, "data/big")
    print(json.dumps({
        "run": run.info.run_id,
        "experiment": experiment,
        "files": [item.path for item in client.list_artifacts(run.info.run_id, "notes")],
        "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/a b+c.txt"),
        "same": Path(got).read_bytes() == Path("big").read_bytes(),
        "history": [m.value for m in client.get_metric_history(run.info.run_id, "loss")],
        "found": len(client.search_runs([experiment], "metrics.loss < 0.5")),
    }))
"""


def test_mlflows_own_client_works_with_the_servers_token(
    server: LiveServer, opened: dict[str, Any], tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(CLIENT)],
        cwd=tmp_path,
        env=environment
        | {
            "MLFLOW_TRACKING_URI": server.url(opened["path"]).rstrip("/"),
            "MLFLOW_TRACKING_TOKEN": TOKEN,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    result = json.loads(told.stdout.splitlines()[-1])
    assert result["files"] == ["notes/a b+c.txt"]
    assert result["text"] == "hello \u2603"
    assert result["same"]
    assert result["history"] == [1 / (step + 1) for step in range(5)]
    assert result["found"] == 1
    run = server.ask("GET", f"jupyter-mlkit/api/runs/{result['run']}")
    assert run["run_id"] == result["run"], "the panel sees the same store"
    # What a person downloads there cannot run in the browser.
    path = f"{opened['path']}get-artifact?path=notes%2Fa+b%2Bc.txt&run_uuid={result['run']}"
    _, text, headers = get(server, path)
    assert text == "hello \u2603"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "path",
    [
        "ajax-api/3.0/mlflow/assistant/status",
        "ajax-api/3.0/mlflow/gateway/endpoints/list",
        "gateway/x/mlflow/invocations",
        "api/2.0/mlflow/webhooks",
        "%61pi/2.0/mlflow/webhooks/list",
        "api%2F2.0%2Fmlflow%2Fwebhooks",
        "api/2.0/mlflow-artifacts/artifacts/file://x",
        "ajax-api/2.0/mlflow-artifacts/artifacts/%46ile%3A%2F%2Fx/y",
    ],
)
def test_what_would_act_for_the_server_is_not_offered(
    server: LiveServer, opened: dict[str, Any], path: str
) -> None:
    assert get(server, opened["path"] + path)[0] == 403


def test_mlflows_own_checks_stay_on(server: LiveServer, opened: dict[str, Any]) -> None:
    """Ask it directly, as if somebody had reached the socket."""
    (path,) = server.folder.glob("runtime/jupyter_mlkit/children/*/s")
    for host in ("localhost", "127.0.0.1:5000", "evil.example"):
        connection = http.client.HTTPConnection(host)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(path))
        connection.request("GET", "/")
        assert connection.getresponse().status == 403, host
        connection.close()


def test_no_process_of_it_listens_on_a_port_or_knows_a_secret(
    server: LiveServer, opened: dict[str, Any]
) -> None:
    ours = of_the_child(server)
    assert len(ours) == 3, "runner, mlflow, uvicorn"
    assert not tcp_listeners(set(ours))
    for pid, words in ours.items():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        for text in (environment, words):
            assert b"canary" not in text


def of_the_child(server: LiveServer) -> dict[int, bytes]:
    """Return the processes of the one child of a server."""
    (owner,) = server.folder.glob("runtime/jupyter_mlkit/children/*/owner.json")
    return processes(f"{ENV_NONCE}={json.loads(owner.read_text())['nonce']}")


def test_it_ends_with_a_server_that_is_killed(server: LiveServer, opened: dict[str, Any]) -> None:
    """Comes last: it takes the server with it."""
    ours = set(of_the_child(server))
    assert len(ours) == 3
    server.kill()
    until(lambda: not ours & set(processes()), 30)
    until(lambda: not list(server.folder.glob("runtime/jupyter_mlkit/children/*")))


def get(server: LiveServer, path: str) -> tuple[int, str, Any]:
    request = urllib.request.Request(server.url(path), headers={"Authorization": f"token {TOKEN}"})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode(errors="replace"), answer.headers
