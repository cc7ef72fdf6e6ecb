"""Requests made up from the API's own description: none may break the server or the description.

Schemathesis sends what the description allows, what it forbids (wrong types, missing and unknown
fields, other methods and media types), and chains in which an answer names the next request.
"""

from __future__ import annotations

import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NotSet
from schemathesis.engine import events, from_schema

from jupyter_mlkit.api.openapi import document
from jupyter_mlkit.api.routes import PREFIX

from .live_server import TOKEN, LiveServer, start_server

#: Requests of a run, and examples of each operation and chains of requests that make as many.
REQUESTS, EXAMPLES, CHAINS = 5_000, 110, 300
CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
}
REFUSALS = ["400", "404", "405", "413", "415"]
#: What the description cannot say: which filter is one, which spec can be trained, which
#: kernels there are.
BEYOND = {"positive_data_acceptance"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Say what the description says in words only, and keep addresses within the web server's size.

    Tornado hangs up on more than 64 KiB of them; nothing of ours hears of such a request.
    """
    if case.method != "GET" and isinstance(case.body, NotSet):
        case.headers = {"Content-Type": "application/json"} | dict(case.headers or {})
    if case.query and len(urlencode(case.query, doseq=True)) > 50_000:
        case.query = {
            name: value[:50] if isinstance(value, list | str) else value
            for name, value in case.query.items()
        }


@pytest.fixture
def server(new_store: Callable[[], Path]) -> Iterator[LiveServer]:
    """A server with something in its store, whose limits are above what is sent."""
    store = new_store()
    limits = [
        f"MLKitLimits.{name}" for name in ("requests_per_second", "requests_burst", "log_burst")
    ]
    # A machine that is busy answers late: that is not what is looked for.
    limits += ["MLKitApp.store_timeout", "MLKitApp.probe_timeout"]
    server = start_server(store, *(f"--{name}=1000000" for name in limits))
    try:
        populate(store, server)
        yield server
    finally:
        server.close()


def populate(store: Path, server: LiveServer) -> None:
    """Make runs, a model and a job, so that chains of requests have something to follow."""
    import mlflow
    from mlflow.entities import LoggedModelOutput

    client = mlflow.MlflowClient(f"sqlite:///{store}")
    root = server.folder / "root" / "artifacts"
    experiment = client.create_experiment("e", artifact_location=str(root))
    for number in range(3):
        run_id = client.create_run(experiment, run_name=f"run {number}").info.run_id
        client.log_metric(run_id, "m", number)
        client.log_text(run_id, "text", "folder/a.txt")
        model = client.create_logged_model(experiment, "model", source_run_id=run_id)
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
        server.ask("POST", "jupyter-mlkit/api/registry/models/m/versions", {"run_id": run_id})


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_request_breaks_the_server_or_the_description(server: LiveServer, nightly: int) -> None:
    config = SchemathesisConfig.from_dict(
        {
            "base-url": server.url(PREFIX.strip("/")),
            "headers": {"Authorization": f"token {TOKEN}"},
            "continue-on-failure": True,
            "request-timeout": 60,
            "generation": {
                "max-examples": EXAMPLES * nightly,
                "no-shrink": True,
                "database": "none",
                "with-security-parameters": False,
            },
            "phases": {"stateful": {"generation": {"max-examples": CHAINS * nightly}}},
            "checks": {name: {"enabled": False} for name in BEYOND}
            | {
                "negative_data_rejection": {
                    "expected-statuses": ["400", "404", "405", "413", "415"]
                }
            },
            # MLflow keeps a deleted run to be restored: it is still there, and says so.
            "operations": [
                {
                    "include-path-regex": "^/runs",
                    "checks": {"use_after_free": {"enabled": False}},
                }
            ],
        }
    )
    schema = schemathesis.openapi.from_dict(document(), config=config)

    sys.stderr.write(f"seed {config.projects.default.seed}\n")

    sent: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    checked: set[str] = set()
    broken: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            broken.append(f"{getattr(event, 'value', event)!r}")
        if not isinstance(event, events.ScenarioFinished):
            continue
        for found in event.recorder.interactions.values():
            sent[event.phase.value] += 1
            if found.response is None:
                broken.append(f"No answer to {found.request.method} {found.request.uri}")
            else:
                statuses[found.response.status_code] += 1
        for check in (one for checks in event.recorder.checks.values() for one in checks):
            checked.add(check.name)
            if check.failure_info is not None:
                told = check.failure_info
                broken.append(f"{check.name}: {told.failure.message}\n  {told.code_sample}")
    sys.stderr.write(f"{dict(sent)} {dict(statuses)}\n")
    assert not broken, "\n\n".join(broken[:20])
    assert max(statuses) < 500
    assert statuses.keys() >= {200, 201, 204, 400, 404, 405, 413, 415}
    assert checked >= CHECKS - {"ignored_auth", "missing_required_header"}
    assert sum(sent.values()) >= REQUESTS * nightly
    assert set(sent) >= {"coverage", "fuzzing", "stateful"}
    with urllib.request.urlopen(f"{server.origin}{server.base_url}api", timeout=30) as answer:
        assert answer.status == 200, "it lives"
