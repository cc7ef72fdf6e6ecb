"""Whose a run is: the server's word, which neither a client nor a job can give."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlkit.api.owned import RUN

from .matrix import World
from .team import as_person, team_config
from .test_access_matrix import live_handlers


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    return team_config(jp_server_config)


@pytest.fixture
def services(jp_serverapp: Any) -> Any:
    return jp_serverapp.web_app.settings["jupyter_mlkit_services"]


@pytest.fixture
def world(jp_fetch: Any, jp_serverapp: Any, services: Any) -> World:
    world = World(jp_fetch, services, live_handlers(jp_serverapp))
    world.populate()
    return world


def new_run(world: World, **tags: str) -> str:
    run_id: str = world.client.create_run("0", tags=tags).info.run_id
    return run_id


def names_its_run(services: Any, job_id: str, run_id: str) -> None:
    """Let a job say which run is its own."""

    def say(record: Any) -> None:
        record.run_id = run_id

    services.jobs._store.change(job_id, say)


def owner(world: World, run_id: str) -> str | None:
    found: str | None = world.client.get_run(run_id).data.tags.get("mlkit.owner")
    return found


def test_the_run_of_a_job_belongs_to_who_has_submitted_it(world: World, services: Any) -> None:
    job_id = world.objects["contributor"]["job_id"]
    run_id = new_run(world, **{"mlkit.job_id": job_id, "mlkit.owner": "anna"})
    names_its_run(services, job_id, run_id)
    services._job_changed("changed", job_id)
    assert owner(world, run_id) == "carl", "whatever the run itself has said"


def test_a_job_cannot_take_the_run_of_somebody_else(world: World, services: Any) -> None:
    job_id = world.objects["contributor"]["job_id"]
    for run_id in (world.objects["approver"]["run_id"], new_run(world)):
        before = owner(world, run_id)
        names_its_run(services, job_id, run_id)
        services._job_changed("changed", job_id)
        assert owner(world, run_id) == before
        services._stamped.clear()


def test_a_run_that_nobody_was_there_to_stamp(world: World, services: Any) -> None:
    """The job registry knows whose it is; another's word for a job of it does not count."""
    job_id = world.objects["contributor"]["job_id"]
    run_id = new_run(world, **{"mlkit.job_id": job_id})
    liar = new_run(world, **{"mlkit.job_id": job_id})
    stray = new_run(world, **{"mlkit.job_id": "no-such-job"})
    names_its_run(services, job_id, run_id)
    assert RUN.owner is not None
    found = [RUN.owner(services, {"run_id": one}) for one in (run_id, liar, stray, new_run(world))]
    assert found == ["carl", None, None, None]


async def test_no_route_sets_the_owner(call: Any, world: World) -> None:
    run_id = world.objects["contributor"]["run_id"]
    headers = as_person("contributor")
    for body in ({"key": "mlkit.owner", "value": "anna"}, {"key": "mlkit.job_id", "value": "x"}):
        answer = await call("PUT", f"runs/{run_id}/tags", body, headers=headers)
        assert answer.status == 400
    answer = await call("DELETE", f"runs/{run_id}/tags?key=mlkit.owner", headers=headers)
    assert answer.status == 400
    assert owner(world, run_id) == "carl"
