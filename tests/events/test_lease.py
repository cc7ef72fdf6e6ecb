"""Leases, the bus and the thread between them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_events import EventLogger
from stores import Place

from jupyter_mlkit.events.emitter import SCHEMA_ID
from jupyter_mlkit.events.lease import LiveEvents
from jupyter_mlkit.tracking.client import StoreClient
from jupyter_mlkit.tracking.drainer.status import Trouble, write_troubles
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder


class Ear:
    """Collects events."""

    def __init__(self, bus: EventLogger) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        bus.add_listener(schema_id=SCHEMA_ID, listener=self)

    async def __call__(self, logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        await self.heard.put(data)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.heard.get(), 20)


def listening(
    place: Place,
    story: Callable[[LiveEvents, Ear], Awaitable[None]],
    lease: float = 60.0,
    journals: Home | None = None,
) -> None:
    async def tell() -> None:
        bus = EventLogger()
        live = LiveEvents(bus, StoreClient(place.uri), journals, lease=lease)
        ear = Ear(bus)
        try:
            await story(live, ear)
        finally:
            await asyncio.to_thread(live.close)
            assert not live.watching

    asyncio.run(tell())


def test_a_metric_of_another_process_arrives_as_an_id(file_store: Place) -> None:
    run_id = file_store.client.create_run("0").info.run_id

    async def story(live: LiveEvents, ear: Ear) -> None:
        assert not live.watching
        lease = live.watch()
        assert (lease.expires_in, lease.schema_id) == (60, SCHEMA_ID)
        await until(lambda: live._watchers[0]._source._seen is not None)  # type: ignore[attr-defined]
        await asyncio.to_thread(
            file_store.elsewhere, "client.log_metric(run_id, 'secret', 41.5)", run_id=run_id
        )
        event = await ear.next()
        assert event["capability"] == "runs"
        assert event["kind"] == "changed"
        assert event["ids"] == [run_id]
        assert "41.5" not in str(event)
        assert "secret" not in str(event)

    listening(file_store, story)


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not found():
            await asyncio.sleep(0.01)


def test_the_watch_ends_with_its_lease_and_comes_back(file_store: Place) -> None:
    async def story(live: LiveEvents, ear: Ear) -> None:
        live.watch()
        assert live.watching
        await until(lambda: not live.watching)
        threads = {thread.name for thread in threading.enumerate()}
        await until(lambda: "jupyter_mlkit-watch" not in threads or not live.watching)
        file_store.client.create_run("0")
        live.watch()
        assert (await ear.next())["kind"] == "created"

    listening(file_store, story, lease=0.6)


def test_a_store_that_is_gone_for_a_while_is_watched_again(file_store: Place) -> None:
    path = file_store.path
    assert path is not None
    run_id = file_store.client.create_run("0").info.run_id

    async def story(live: LiveEvents, ear: Ear) -> None:
        live.watch()
        await until(lambda: live._watchers[0]._source._seen is not None)  # type: ignore[attr-defined]
        aside = path.with_name("aside.db")
        path.rename(aside)
        await until(lambda: live._watchers[0]._source._connection is None)  # type: ignore[attr-defined]
        aside.rename(path)
        file_store.client.log_metric(run_id, "loss", 1.0)
        assert (await ear.next())["ids"] == [run_id]

    listening(file_store, story)


def test_what_waits_is_told_though_the_store_does_not_answer(tmp_path: Path) -> None:
    away = Place("server", "http://127.0.0.1:9", tmp_path)
    home = Home(tmp_path / "journal")
    recorder = open_recorder(away.uri, "a", home=home)
    recorder.metric("loss", 0.5, 7, 1)

    async def story(live: LiveEvents, ear: Ear) -> None:
        live.watch()
        write_troubles(home, [Trouble(away.uri, "away", None, 1)])
        assert await ear.next() == {"capability": "sync", "kind": "changed", "ids": []}

    listening(away, story, journals=home)


def test_others_emit_through_it_from_any_thread(file_store: Place) -> None:
    async def story(live: LiveEvents, ear: Ear) -> None:
        await asyncio.to_thread(live.emit, "jobs", "created", ["j1"])
        event = await ear.next()
        assert (event["capability"], event["ids"]) == ("jobs", ["j1"])
        live.emit("jobs", "changed", [str(n) for n in range(201)])
        assert (await ear.next())["ids"] == []

    listening(file_store, story)


def test_nothing_is_emitted_after_the_end(file_store: Place) -> None:
    async def story(live: LiveEvents, ear: Ear) -> None:
        live.watch()
        await asyncio.to_thread(live.close)
        live.watch()
        assert not live.watching
        live.emit("jobs", "created", ["j1"])
        await asyncio.sleep(0)
        assert ear.heard.empty()

    listening(file_store, story)


def test_the_schema_refuses_values() -> None:
    from jsonschema import ValidationError

    from jupyter_mlkit.events.emitter import register_schema

    bus = EventLogger()
    register_schema(bus)
    register_schema(bus)
    with pytest.raises(ValidationError):
        bus.schemas.validate_event(
            SCHEMA_ID, {"capability": "runs", "kind": "changed", "ids": [{"rmse": 2.0}]}
        )
    with pytest.raises(ValidationError):
        bus.schemas.validate_event(SCHEMA_ID, {"capability": "secrets", "kind": "x", "ids": []})
