"""The main job through the API alone: describe, launch, watch, compare, register."""

from __future__ import annotations

import ast
import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.api.audit import audit_file
from jupyter_mlkit.events.emitter import SCHEMA_ID, register_schema
from jupyter_mlkit.spec import load_spec


@pytest.fixture(scope="session")
def demo_cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from jupyter_mlkit.cubes.demo.cube import make_demo_cube

    return make_demo_cube(tmp_path_factory.mktemp("cube") / "demo.zarr")


@pytest.fixture
def cube(demo_cube: Path, jp_root_dir: Path) -> str:
    """The demo cube in the file browser's root; its name as a person types it there."""
    shutil.copytree(demo_cube, jp_root_dir / "demo.zarr")
    return "demo.zarr"


@pytest.fixture
def events(jp_serverapp: Any) -> list[dict[str, Any]]:
    """What came over the event bus."""
    heard: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(data)

    register_schema(jp_serverapp.event_logger)
    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    return heard


async def states(call: Any, job_id: str, wanted: Callable[[Any], bool]) -> AsyncIterator[Any]:
    async with asyncio.timeout(100):
        while True:
            job = (await call("GET", f"jobs/{job_id}")).json
            yield job
            if wanted(job):
                return
            await asyncio.sleep(0.1)


async def until(call: Any, job_id: str, wanted: Callable[[Any], bool]) -> Any:
    async for job in states(call, job_id, wanted):  # noqa: B007
        pass
    return job


async def test_the_main_job(call: Any, cube: str, events: list[Any], jp_root_dir: Path) -> None:
    watch = await call("POST", "events/watch")
    assert watch.json["expires_in"] > 0

    described = (await call("POST", "cubes/describe", {"uri": cube})).json
    names = {variable["name"] for variable in described["variables"]}
    assert {"air_temperature_2m", "land_surface_temperature"} <= names
    suggestion = described["suggestion"]
    spec = {
        "sources": [{"uri": cube}],
        "target": suggestion["target"],
        "features": suggestion["features"],
        "use": "places",
        "split": suggestion["splits"]["places"],
        "tracking": {"experiment": "lst", "run_name": "ols; print('x')\"\n"},
    }
    estimators = (await call("POST", "train/estimators", {})).json["items"]
    assert "sklearn.linear_model.LinearRegression" in {one["class"] for one in estimators}
    assert (await call("POST", "train/validate", {"spec": spec})).json == {"ok": True, "errors": []}
    preview = (await call("POST", "train/preview", {"spec": spec})).json
    # What the suggested buffer keeps free is counted, too.
    assert [role["role"] for role in preview["roles"]] == ["train", "validation", "test", "buffer"]
    assert preview["leakage"]["autocorrelation"]

    texts = (await call("POST", "train/text", {"spec": spec})).json
    assert load_spec(texts["yaml"]) == load_spec(spec)
    calls = [node for node in ast.walk(ast.parse(texts["python"])) if isinstance(node, ast.Call)]
    assert len(calls) == 2, "a run name stays a string"
    assert load_spec(ast.literal_eval(calls[0].args[0])) == load_spec(spec)

    wrong = spec | {"target": "no_such_variable"}
    validation = (await call("POST", "train/validate", {"spec": wrong})).json
    assert [error["field"] for error in validation["errors"]] == ["target"]
    refused = await call("POST", "jobs", {"spec": wrong})
    assert (refused.status, refused.json["field"]) == (400, "target")

    ridge = spec | {
        "model": {"class": "sklearn.linear_model.Ridge", "params": {"alpha": 0.5}},
        "tracking": {"experiment": "lst", "run_name": "ridge"},
    }
    jobs = []
    for one in (spec, ridge):
        submitted = await call("POST", "jobs", {"spec": one})
        assert submitted.status == 201, submitted.body
        jobs.append(submitted.json["job_id"])
    written = [json.loads(line) for line in audit_file().read_bytes().splitlines()]
    assert [entry["object"] for entry in written[-2:]] == [f"job/{job_id}" for job_id in jobs]
    done = [await until(call, job_id, lambda job: job["ended"]) for job_id in jobs]
    for job in done:
        log = (await call("GET", f"jobs/{job['job_id']}/log", params={"offset": -4000})).json
        assert job["state"] == "DONE", log["text"]
        assert log["complete"]
        assert job["run_id"]
    listed = (await call("GET", "jobs", params={"max_results": 1})).json
    assert [job["job_id"] for job in listed["items"]] == jobs[1:]
    assert listed["next_page_token"]

    experiment = (await call("GET", "experiments?name_contains=lst")).json["items"][0]
    page = await call(
        "GET",
        "runs",
        params=[("experiment_id", experiment["experiment_id"]), ("order_by", "metrics.val_rmse")],
    )
    runs = page.json["items"]
    assert {run["run_id"] for run in runs} == {job["run_id"] for job in done}
    assert {run["status"] for run in runs} == {"FINISHED"}
    run_id = done[1]["run_id"]
    assert (await call("GET", f"runs/{run_id}")).json["job_id"] == jobs[1]
    ids = [("run_id", job["run_id"]) for job in done]
    comparison = (await call("GET", "compare", params=ids)).json
    assert comparison["verdict"] == "comparable"
    curves = await call("GET", "metrics", params=[*ids, ("key", "val_rmse")])
    assert [item["run_id"] for item in curves.json["items"]] == [job["run_id"] for job in done]

    await _artifacts(call, run_id)
    await _changes(call, run_id)
    await _registry(call, run_id)
    heard = {(event["capability"], event["kind"]) for event in events}
    assert {("jobs", "created"), ("jobs", "changed")} <= heard
    ids_heard = {one for event in events if event["capability"] == "jobs" for one in event["ids"]}
    assert ids_heard == set(jobs)
    assert ("runs", "created") in heard
    assert not (jp_root_dir / "mlruns").exists(), "nothing is written into the file browser's root"


async def _artifacts(call: Any, run_id: str) -> None:
    top = (await call("GET", f"runs/{run_id}/artifacts")).json
    assert top["served"], top
    names = {item["path"] for item in top["items"]}
    assert {"maps", "mlkit"} <= names
    files = (await call("GET", f"runs/{run_id}/artifacts?path=mlkit")).json["items"]
    for file in files:
        content = await call("GET", f"runs/{run_id}/artifacts/content?path={file['path']}")
        assert content.status == 200
        assert len(content.body) == file["size"]
        assert content.headers["Content-Type"] == "application/octet-stream"
        assert content.headers["Content-Disposition"].startswith("attachment; filename=")
        assert content.headers["X-Content-Type-Options"] == "nosniff"
        assert content.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    spec = await call("GET", f"runs/{run_id}/artifacts/content?path=mlkit/spec.yaml")
    assert load_spec(spec.body).model.params == {"alpha": 0.5}
    again = (await call("GET", f"runs/{run_id}/spec")).json["spec"]
    assert load_spec(again) == load_spec(spec.body)
    for outside in ("../meta.yaml", "/etc/passwd", "mlkit/../../x", "mlkit", "maps/%2e%2e"):
        refused = await call("GET", f"runs/{run_id}/artifacts/content", params={"path": outside})
        assert refused.status in (400, 403, 404), outside


async def _changes(call: Any, run_id: str) -> None:
    patch = {"run_name": "<b>ridge</b>", "note": "n"}
    run = (await call("PATCH", f"runs/{run_id}", patch)).json
    assert (run["run_name"], run["note"]) == ("<b>ridge</b>", "n")
    tag = {"key": "quality", "value": "good"}
    assert (await call("PUT", f"runs/{run_id}/tags", tag)).status == 204
    assert (await call("GET", f"runs/{run_id}")).json["tags"]["quality"] == "good"
    assert (await call("DELETE", f"runs/{run_id}/tags?key=quality")).status == 204
    assert "quality" not in (await call("GET", f"runs/{run_id}")).json["tags"]
    assert (await call("DELETE", f"runs/{run_id}")).status == 204
    assert (await call("GET", f"runs/{run_id}")).json["lifecycle_stage"] == "deleted"
    assert (await call("POST", f"runs/{run_id}/restore")).status == 204
    assert (await call("GET", f"runs/{run_id}")).json["lifecycle_stage"] == "active"


async def _registry(call: Any, run_id: str) -> None:
    model = "registry/models/lst ü %"
    version = await call("POST", f"{model}/versions", {"run_id": run_id, "description": "d"})
    assert version.status == 201, version.body
    assert version.json["version"] == "1"
    assert (await call("PUT", f"{model}/aliases/champion", {"version": "1"})).status == 204
    one = (await call("PATCH", model, {"description": "surface"})).json
    assert (one["description"], one["aliases"]) == ("surface", {"champion": "1"})
    described = await call("PATCH", f"{model}/versions/1", {"description": "first"})
    assert described.json["description"] == "first"
    assert (await call("DELETE", f"{model}/aliases/champion")).status == 204
    assert (await call("GET", model)).json["aliases"] == {}
    listed = await call("GET", "registry/models?name_contains=lst")
    assert [item["name"] for item in listed.json["items"]] == ["lst ü %"]


async def test_stop_a_running_job(call: Any, cube: str, jp_serverapp: Any) -> None:
    spec = {
        "sources": [{"uri": cube}],
        "target": "land_surface_temperature",
        "features": ["air_temperature_2m"],
        "split": {"kind": "block", "sizes": {"lat": "20 deg", "lon": "20 deg"}},
        "model": {
            "class": "sklearn.ensemble.RandomForestRegressor",
            "params": {"n_estimators": 10_000},
        },
    }
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    assert not app.current_activity()
    job_id = (await call("POST", "jobs", {"spec": spec})).json["job_id"]
    running = await until(call, job_id, lambda job: job["state"] == "RUNNING" or job["ended"])
    assert running["state"] == "RUNNING", running
    assert app.current_activity() == {"jobs": 1}
    stopping = (await call("POST", f"jobs/{job_id}/stop")).json
    assert stopping["phase"] == "stopping"
    ended = await until(call, job_id, lambda job: job["ended"])
    assert ended["state"] == "STOPPED"
    assert (await call("GET", f"runs/{ended['run_id']}")).json["status"] == "KILLED"
    again = await call("POST", f"jobs/{job_id}/stop")
    assert (again.status, again.json["code"]) == (409, "conflict")
    assert not app.current_activity()
