"""A store that is locked, gone or no store: clear answers, and the server lives on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .routes import SPEC


@pytest.fixture
def services(jp_serverapp: Any) -> Any:
    return jp_serverapp.web_app.settings["jupyter_mlkit_services"]


@pytest.fixture
def store(jp_server_config: Any) -> Path:
    return Path(jp_server_config["MLKitApp"]["tracking_uri"].removeprefix("sqlite:///"))


async def test_a_store_that_is_gone(call: Any, store: Path) -> None:
    assert (await call("GET", "experiments")).status == 200
    store.rename(store.with_suffix(".away"))
    for path in ("experiments", "runs", "registry/models"):
        answer = await call("GET", path)
        assert (answer.status, answer.json["code"]) == (502, "store_gone"), path
        assert answer.json["hint"]
    status = await call("GET", "status")
    assert status.status == 200
    assert [problem["code"] for problem in status.json["problems"]] == ["store_gone"]
    assert (await call("POST", "jobs", {"spec": SPEC})).status in (400, 502)
    assert not store.exists(), "no empty store in its place"
    store.with_suffix(".away").rename(store)
    assert (await call("GET", "experiments")).status == 200


async def test_a_store_that_is_locked(call: Any, store: Path) -> None:
    db = sqlite3.connect(store, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("BEGIN EXCLUSIVE")
    try:
        slow = asyncio.ensure_future(call("GET", "experiments", timeout=100))
        # What needs no store is answered meanwhile: the event loop is free.
        async with asyncio.timeout(5):
            assert (await call("GET", "train/schema")).status == 200
            assert (await call("GET", "jobs")).status == 200
        answer = await slow
    finally:
        db.execute("ROLLBACK")
        db.close()
    assert (answer.status, answer.json["code"]) == (502, "store_locked"), answer.body
    assert (await call("GET", "experiments")).status == 200


async def test_no_store_at_all(call: Any, store: Path) -> None:
    store.write_text("I am a text file, not a database.")
    status = (await call("GET", "status")).json
    assert [problem["code"] for problem in status["problems"]] == ["not_a_store"]
    assert (await call("GET", "runs")).json["code"] == "not_a_store"
    assert (await call("POST", "events/watch")).status == 502
    assert (await call("GET", "train/schema")).status == 200


async def test_a_job_registry_that_is_damaged(call: Any, services: Any) -> None:
    services.settings.folder.mkdir(parents=True, exist_ok=True)
    (services.settings.folder / "jobs.db").write_text("not a database, but long enough" * 99)
    answer = await call("GET", "jobs")
    assert (answer.status, answer.json["code"]) == (502, "job_store_unavailable")
    assert (await call("GET", "status")).status == 200


async def test_a_locked_job_registry_does_not_hold_up_the_event_loop(
    call: Any, services: Any, jp_serverapp: Any
) -> None:
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    services.settings.folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(services.settings.folder / "jobs.db", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        # The registry is being opened in a thread, which waits for the lock.
        waiting = asyncio.ensure_future(call("GET", "jobs", timeout=100))
        async with asyncio.timeout(20):
            while "jobs" not in services._making:
                await asyncio.sleep(0.01)
        before = time.monotonic()
        services.start_events()
        assert app.current_activity() is None
        assert time.monotonic() - before < 3
        db.execute("ROLLBACK")
        assert (await waiting).status == 200
        db.execute("BEGIN EXCLUSIVE")
        before = time.monotonic()
        assert app.current_activity() is None
        assert time.monotonic() - before < 3
        db.execute("ROLLBACK")


async def test_helpers_end_with_the_server(call: Any, services: Any, jp_serverapp: Any) -> None:
    assert (await call("POST", "train/kernels/python3")).json["problem"] is None
    (probe,) = services.kernels._pool._probes.values()
    assert probe.is_alive
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    async with asyncio.timeout(20):
        await app.stop_extension()
    assert not probe.is_alive
    assert not Path(f"/proc/{probe.pid}").exists()


async def test_jobs_keep_the_server_awake_and_outlive_it(
    call: Any, services: Any, jp_serverapp: Any
) -> None:
    from jupyter_mlkit.spec import load_spec

    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    times = jp_serverapp.web_app.settings["last_activity_times"]
    await app._start_jupyter_server_extension(jp_serverapp)
    assert "jupyter_mlkit" not in times, "nothing runs yet"
    supervisor = services.jobs
    job = supervisor.submit(load_spec(SPEC), [sys.executable, "-c", "import time; time.sleep(60)"])
    app._activity.cancel()
    await app._start_jupyter_server_extension(jp_serverapp)
    async with asyncio.timeout(20):
        while "jupyter_mlkit" not in times or supervisor._store.get(job.job_id).process is None:
            await asyncio.sleep(0.02)
    assert datetime.now(UTC) - times["jupyter_mlkit"] < timedelta(seconds=20)
    assert jp_serverapp.extension_manager.any_activity()
    process = supervisor._store.get(job.job_id).process
    await app.stop_extension()
    assert process.is_alive, "a training does not end with the server"
    os.killpg(process.pid, 9)


async def test_polling_is_no_sign_of_a_person(call: Any, jp_serverapp: Any) -> None:
    settings = jp_serverapp.web_app.settings
    settings.pop("api_last_activity", None)
    for path in ("status", "runs", "jobs", "experiments", "registry/models", "sync"):
        await call("GET", path)
    await call("POST", "events/watch")
    assert "api_last_activity" not in settings
    await call("GET", "train/schema")
    assert "api_last_activity" in settings
