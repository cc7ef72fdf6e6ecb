"""What each person may do on each route: the table, and requests that find where it is not so."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlkit.api.proxy import ProxyHandler
from jupyter_mlkit.jobs.folder import JobFolder
from jupyter_mlkit.jobs.record import JobRecord
from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.tracking.provenance.stored import FORMAT, StoredNotebook, pack

from .routes import NAMES, SPEC, well_formed
from .team import PEOPLE, as_person

#: Action, resource and who may: the least role, or "own": whose it is, and who may approve.
TABLE: dict[tuple[str, str], tuple[str, str, str]] = {
    ("GET", "status"): ("read", "mlkit-status", "viewer"),
    ("POST", "events/watch"): ("read", "mlkit-events", "viewer"),
    ("GET", "sync"): ("read", "mlkit-sync", "viewer"),
    ("POST", "sync"): ("execute", "mlkit-sync", "contributor"),
    ("GET", "experiments"): ("read", "mlkit-runs", "viewer"),
    ("GET", "runs"): ("read", "mlkit-runs", "viewer"),
    ("GET", "runs/{run_id}"): ("read", "mlkit-runs", "viewer"),
    ("PATCH", "runs/{run_id}"): ("write", "mlkit-runs", "own"),
    ("DELETE", "runs/{run_id}"): ("write", "mlkit-runs", "own"),
    ("POST", "runs/{run_id}/restore"): ("write", "mlkit-runs", "own"),
    ("PUT", "runs/{run_id}/tags"): ("write", "mlkit-runs", "own"),
    ("DELETE", "runs/{run_id}/tags"): ("write", "mlkit-runs", "own"),
    ("GET", "runs/{run_id}/spec"): ("read", "mlkit-runs", "viewer"),
    ("GET", "runs/{run_id}/notebooks"): ("read", "mlkit-runs", "viewer"),
    ("GET", "metrics"): ("read", "mlkit-runs", "viewer"),
    ("GET", "compare"): ("read", "mlkit-runs", "viewer"),
    ("GET", "runs/{run_id}/artifacts"): ("read", "mlkit-artifacts", "viewer"),
    ("GET", "runs/{run_id}/artifacts/content"): ("read", "mlkit-artifacts", "viewer"),
    ("GET", "runs/{run_id}/artifacts/preview"): ("read", "mlkit-artifacts", "viewer"),
    ("POST", "runs/{run_id}/artifacts/cube"): ("execute", "mlkit-cubes", "contributor"),
    ("POST", "cubes/describe"): ("execute", "mlkit-cubes", "contributor"),
    ("GET", "train/schema"): ("read", "mlkit-train", "viewer"),
    ("GET", "train/kernels"): ("read", "mlkit-train", "viewer"),
    ("POST", "train/kernels/{kernelspec}"): ("execute", "mlkit-train", "contributor"),
    ("POST", "train/estimators"): ("execute", "mlkit-train", "contributor"),
    ("POST", "train/validate"): ("execute", "mlkit-train", "contributor"),
    ("POST", "train/preview"): ("execute", "mlkit-train", "contributor"),
    ("POST", "train/text"): ("read", "mlkit-train", "viewer"),
    ("GET", "jobs"): ("read", "mlkit-jobs", "viewer"),
    ("POST", "jobs"): ("execute", "mlkit-jobs", "contributor"),
    ("GET", "jobs/{job_id}"): ("read", "mlkit-jobs", "viewer"),
    ("GET", "jobs/{job_id}/log"): ("read", "mlkit-jobs", "viewer"),
    ("POST", "jobs/{job_id}/stop"): ("execute", "mlkit-jobs", "own"),
    ("POST", "jobs/{job_id}/rerun"): ("execute", "mlkit-jobs", "contributor"),
    ("GET", "children"): ("read", "mlkit-proxy", "approver"),
    ("POST", "children"): ("execute", "mlkit-proxy", "approver"),
    ("DELETE", "children/{child_id}"): ("execute", "mlkit-proxy", "approver"),
    ("GET", "children/{rest}"): ("read", "mlkit-proxy", "approver"),
    ("HEAD", "children/{rest}"): ("read", "mlkit-proxy", "approver"),
    ("POST", "children/{rest}"): ("write", "mlkit-proxy", "approver"),
    ("PUT", "children/{rest}"): ("write", "mlkit-proxy", "approver"),
    ("PATCH", "children/{rest}"): ("write", "mlkit-proxy", "approver"),
    ("DELETE", "children/{rest}"): ("write", "mlkit-proxy", "approver"),
    ("GET", "registry/models"): ("read", "mlkit-registry", "viewer"),
    ("GET", "registry/models/{name}"): ("read", "mlkit-registry", "viewer"),
    ("PATCH", "registry/models/{name}"): ("write", "mlkit-registry", "own"),
    ("GET", "registry/models/{name}/versions"): ("read", "mlkit-registry", "viewer"),
    ("POST", "registry/models/{name}/versions"): ("write", "mlkit-registry", "contributor"),
    ("PATCH", "registry/models/{name}/versions/{version}"): ("write", "mlkit-registry", "own"),
    ("PUT", "registry/models/{name}/aliases/{alias}"): ("write", "mlkit-aliases", "approver"),
    ("DELETE", "registry/models/{name}/aliases/{alias}"): ("write", "mlkit-aliases", "approver"),
}
#: What those who are let in hear where the request asks for what the test does not have: a
#: kernel, a program, a model in the run, a job that has not ended.
LET_IN = {
    ("POST", "runs/{run_id}/artifacts/cube"): 400,
    ("POST", "cubes/describe"): 400,
    ("POST", "train/kernels/{kernelspec}"): 404,
    ("POST", "train/estimators"): 400,
    ("POST", "train/preview"): 400,
    ("POST", "jobs"): 400,
    ("POST", "jobs/{job_id}/stop"): 409,
    ("POST", "jobs/{job_id}/rerun"): 400,
    ("POST", "registry/models/{name}/versions"): 404,
    ("POST", "children"): 404,
    ("DELETE", "children/{child_id}"): 404,
    **dict.fromkeys([key for key in TABLE if key[1] == "children/{rest}"], 404),
}
STRANGERS = ("stranger", "impostor")
_RANKS = ["nobody", "viewer", "contributor", "approver", "owner"]
_OBJECTS = {"run_id", "job_id", "name"}


@dataclass(frozen=True)
class Cell:
    """One request of one person on one object, and what it must be answered."""

    method: str
    route: str
    role: str
    whose: str  # own, other, missing; any where the route names no object
    status: int
    code: str | None

    @property
    def is_denied(self) -> bool:
        return self.status in (403, 405)


@dataclass(frozen=True)
class Wrong:
    """A cell that was answered otherwise."""

    cell: Cell
    status: int
    code: str | None


def cells(live: Iterable[Any]) -> list[Cell]:
    """Return a cell for every route and method of the live router, declared or not."""
    found = []
    for handler, method, role in itertools.product(
        live, ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), (*STRANGERS, *_RANKS)
    ):
        names = {name for name in _OBJECTS if f"{{{name}}}" in handler.path}
        for whose in ("own", "other", "missing") if names else ("any",):
            status, code = _expected(handler, method, role, whose)
            found.append(Cell(method, handler.path, role, whose, status, code))
    return found


def _expected(handler: Any, method: str, role: str, whose: str) -> tuple[int, str | None]:
    if role in STRANGERS:
        return 403, "not_signed_in"
    row = TABLE.get((method, handler.path))
    if row is None:
        return 405, "method_not_allowed"
    least = "contributor" if row[2] == "own" else row[2]
    if _RANKS.index(role) < _RANKS.index(least):
        return 403, "forbidden"
    success = LET_IN.get((method, handler.path), handler.endpoints[method.lower()].status)
    if whose == "missing":
        return 404, None
    if whose == "other" and row[2] == "own" and role == "contributor":
        return 403, "forbidden"
    return success, None


class World:
    """Runs, models and jobs of every person and of somebody else, and requests about them."""

    def __init__(self, jp_fetch: Any, services: Any, live: Iterable[Any]) -> None:
        self._fetch = jp_fetch
        self._services = services
        self._handlers = {handler.path: handler for handler in live}
        self.objects: dict[str, dict[str, str]] = {}

    def populate(self) -> None:
        """Make what belongs to each person, and to somebody who is not there."""
        tracking = self._services.open_tracking()
        with tracking.store.calling("The test") as client:
            self.client = client
            root = self._services.settings.artifact_root / "0"
            self._experiment = client.create_experiment("e", artifact_location=str(root))
            for role, person in [*PEOPLE.items(), ("other", None)]:
                name = "somebody" if person is None else person.username
                self.objects[role] = self._make(name)

    def _make(self, owner: str) -> dict[str, str]:
        client = self.client
        run_id = client.create_run(self._experiment, tags={"mlkit.owner": owner}).info.run_id
        client.log_metric(run_id, "m", 1.0)
        client.log_text(run_id, "text", "a.txt")
        client.log_dict(run_id, SPEC, "mlkit/spec.yaml")
        with tempfile.TemporaryDirectory() as folder:
            notebook = Path(folder) / "notebook.json.gz"
            notebook.write_bytes(pack(StoredNotebook(format=FORMAT, cells=[])))
            client.log_artifact(run_id, str(notebook), "mlkit")
        name = f"model of {owner}"
        tags = {"mlkit.owner": owner}
        client.create_registered_model(name, tags=tags)
        client.create_model_version(name, "/nowhere", tags=tags)
        return {"run_id": run_id, "name": name, "job_id": self._make_job(owner)}

    def _make_job(self, owner: str) -> str:
        supervisor = self._services.jobs
        job_id = f"job-of-{owner}"
        folder = JobFolder(self._services.settings.folder / "jobs" / job_id)
        folder.create("target: y\n")
        (folder.path / "output.log").write_text("x" * 100)
        supervisor._store.add(
            JobRecord(
                job_id=job_id,
                scope=supervisor._around.scope,
                name="job",
                kernelspec="python3",
                experiment="e",
                spec={},
                command=[],
                environment={},
                root_dir="/",
                owner=Identity.of(os.getpid()),
                created=1,
                state="DONE",
                ended=2,
                user=owner,
            )
        )
        return job_id

    async def wrong(self, cells: Iterable[Cell], arrange: bool = True) -> list[Wrong]:
        """Send the requests and return what was answered otherwise than the table says."""
        found = []
        for cell in cells:
            if arrange and cell.status < 400:
                self._arrange(cell)
            status, code = await self.ask(cell)
            if status != cell.status or (cell.code is not None and code not in (cell.code, "")):
                found.append(Wrong(cell, status, code))
        return found

    async def ask(self, cell: Cell) -> tuple[int, str | None]:
        """Send the request of a cell and return status and code of the answer."""
        handler = self._handlers[cell.route]
        declared = handler.endpoints.get(cell.method.lower())
        body, query = (None, []) if declared is None else well_formed(declared)
        some = [self.objects["other"]["run_id"], self.objects["owner"]["run_id"]]
        known = [("run_id", run_id) for run_id in some]
        query = [pair for pair in query if pair[0] != "run_id"] + (
            known if cell.route in ("metrics", "compare") else []
        )
        answer = await self._fetch(
            "jupyter-mlkit" if handler is ProxyHandler else "jupyter-mlkit/api",
            cell.route.format(**self.names(cell)),
            method=cell.method,
            body=body,
            params=query,
            headers={"Content-Type": "application/json"} | as_person(cell.role),
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        if answer.code < 400:
            return answer.code, None
        return answer.code, json.loads(answer.body)["code"] if answer.body else ""

    def names(self, cell: Cell) -> dict[str, str]:
        """Return the parameters of the path of a cell."""
        if cell.whose == "missing":
            return NAMES
        # Strangers and impostors own nothing: they ask for the owner's.
        whose = cell.role if cell.role in PEOPLE else "owner"
        return NAMES | self.objects["other" if cell.whose == "other" else whose]

    def _arrange(self, cell: Cell) -> None:
        """Bring an object into the state in which a request about it succeeds."""
        names = self.names(cell)
        key = (cell.method, cell.route)
        if key == ("POST", "runs/{run_id}/restore"):
            self.client.delete_run(names["run_id"])
        elif cell.route.startswith("runs/{run_id}"):
            self.client.restore_run(names["run_id"])
        if key == ("DELETE", "runs/{run_id}/tags"):
            self.client.set_tag(names["run_id"], "k", "v")
        if key == ("DELETE", "registry/models/{name}/aliases/{alias}"):
            self.client.set_registered_model_alias(names["name"], names["alias"], "1")
