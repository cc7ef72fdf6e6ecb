"""What of the server's environment a job sees: a list of names, and no secret of the server."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlkit.jobs.environment import child_environment, named_variables
from jupyter_mlkit.jobs.supervisor import Supervisor, Surroundings
from jupyter_mlkit.spec import TrainingSpec, load_spec, to_dict

from .conftest import program, until

Make = Callable[..., Supervisor]

SEEN = (
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "https_proxy",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "MLFLOW_TRACKING_TOKEN",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "LC_ALL",
)
UNSEEN = (
    "JUPYTERHUB_API_TOKEN",
    "JUPYTERHUB_COOKIE_SECRET",
    "JPY_API_TOKEN",
    "JUPYTER_TOKEN",
    "CONFIGPROXY_AUTH_TOKEN",
    "SLURM_JWT",
    "DATABASE_URL",
    "OPENAI_API_KEY",
    "GITHUB_TOKEN",
    "SSH_AUTH_SOCK",
    "MLFLOW_FLASK_SERVER_SECRET_KEY",
    "SOME_VARIABLE",
)


def test_only_what_is_named_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SEEN, *UNSEEN):
        monkeypatch.setenv(name, "canary")
    environment = child_environment({"OWN": "1"})
    assert {name for name, value in environment.items() if value == "canary"} == set(SEEN)
    assert (environment["OWN"], environment["PATH"]) == ("1", os.environ["PATH"])
    more = child_environment(allowed=["SOME_*", "GITHUB_TOKEN", "J*"])
    seen = {name for name, value in more.items() if value == "canary"}
    assert seen == {*SEEN, "SOME_VARIABLE", "GITHUB_TOKEN"}, "tokens are never let in"


def test_variables_that_a_spec_names(spec: TrainingSpec) -> None:
    source = {"uri": "s3://b/c.zarr", "options": {"region": "env:MY_REGION", "profile": "p"}}
    named = load_spec(to_dict(spec) | {"sources": [source]})
    assert named_variables(to_dict(named)) == ["MY_REGION"]
    assert named_variables(to_dict(spec)) == []


def test_a_password_of_the_store_travels_in_a_file(
    supervise: Make, spec: TrainingSpec, folder: Path, tmp_path: Path
) -> None:
    uri = "postgresql://anna:canary-password@db/mlflow"
    around = Surroundings(
        folder=folder,
        root_dir=tmp_path / "root",
        scope="here",
        environment=lambda: {"MLFLOW_TRACKING_URI": uri, "OTHER": "o"},
    )
    supervise()  # makes the root, and clears up
    supervisor = Supervisor(around, limit=1)
    code = """
state('fit')
print(json.dumps(dict(os.environ)))
wait_for('go')
end('DONE', 0)
"""
    try:
        job = supervisor.submit(spec, program(code))
        until(supervisor, job.job_id, lambda job: job.phase == "fit")
        process = supervisor._store.get(job.job_id).process
        assert process is not None
        place = supervisor._folder(job.job_id)
        assert place.store_file.read_text() == uri
        assert stat.S_IMODE(place.store_file.stat().st_mode) == 0o600
        for pid in _with_children(process.pid):
            for name in ("environ", "cmdline"):
                assert b"canary-password" not in Path(f"/proc/{pid}/{name}").read_bytes()
        elsewhere = [path for path in folder.rglob("*") if path != place.store_file]
        assert [path for path in elsewhere if b"canary-password" in content(path)] == []
        (place.path / "go").touch()
        supervisor.wait(job.job_id, 20)
        environment = json.loads(supervisor.log(job.job_id).text)
        assert "MLFLOW_TRACKING_URI" not in environment
        assert environment["OTHER"] == "o"
        assert not place.store_file.exists(), "not needed any more"
    finally:
        supervisor.close()


def test_who_reads_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlkit.paths import ENV_STORE_FILE, default_tracking_uri

    (tmp_path / "store.uri").write_text("postgresql://a:b@c/d")
    monkeypatch.setenv(ENV_STORE_FILE, str(tmp_path / "store.uri"))
    # MLflow itself leaves this behind, wherever a URI was set.
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert default_tracking_uri() == "postgresql://a:b@c/d"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://other")
    assert default_tracking_uri() == "http://other"


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):  # a journal of the registry comes and goes
        return b""


def _with_children(pid: int) -> list[int]:
    from jupyter_mlkit.processes import system

    return [pid, *system.children(pid)]
