"""What waits is told and brought, now and when the server starts, and told of on the bus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from drainers import drainers, end_drainers

from jupyter_mlkit.paths import journal_dir
from jupyter_mlkit.tracking.drainer.status import Trouble, write_troubles
from jupyter_mlkit.tracking.journal.home import Home
from jupyter_mlkit.tracking.journal.opening import open_recorder

AWAY = "http://anna:secret@127.0.0.1:9"


@pytest.fixture
def home(jp_environ: None) -> Iterator[Home]:
    home = Home(journal_dir())
    yield home
    end_drainers(home)


def log(home: Home, run: str = "a" * 32, points: int = 3) -> None:
    recorder = open_recorder(AWAY, run, home=home)
    for step in range(points):
        recorder.metric("loss", step / 3, 7, step)
    recorder.close()


async def test_nothing_waits_and_nothing_is_started(home: Home, call: Any) -> None:
    nothing = {
        "entries": 0, "runs": 0, "oldest": None, "late": False, "refused": 0, "troubles": [],
    }  # fmt: skip
    assert (await call("GET", "sync")).json == nothing
    assert (await call("POST", "sync")).json == nothing
    assert not home.root.exists()


async def test_what_waits_is_told_with_the_reason(home: Home, call: Any) -> None:
    log(home)
    log(home, "b" * 32, 4)
    write_troubles(home, [Trouble("http://127.0.0.1:9", "Nobody answers.", "Start it.", 2)])
    answer = await call("GET", "sync")
    told = answer.json
    assert (told["entries"], told["runs"], told["late"]) == (7, 2, False)
    assert told["oldest"] > 1_700_000_000_000
    (trouble,) = told["troubles"]
    assert trouble == {
        "where": "http://127.0.0.1:9", "error": "Nobody answers.", "hint": "Start it.",
        "failures": 2,
    }  # fmt: skip
    assert b"secret" not in answer.body


async def test_it_is_brought_on_request_and_the_audit_says_who_asked(
    home: Home, call: Any, jp_serverapp: Any
) -> None:
    log(home)
    assert drainers(home) == []
    assert (await call("POST", "sync")).json["entries"] == 3
    (pid,) = drainers(home)
    async with asyncio.timeout(60):
        while not (told := (await call("GET", "sync")).json["troubles"]):
            await asyncio.sleep(0.05)
    assert told[0]["where"] == "http://127.0.0.1:9"
    assert "Nobody answers" in told[0]["error"]
    assert (await call("POST", "sync")).status == 200
    assert drainers(home) == [pid]
    audit = jp_serverapp.web_app.settings["jupyter_mlkit_services"].audit
    lines = [json.loads(line) for line in audit.path.read_text().splitlines()]
    assert [(one["action"], one["resource"], one["object"]) for one in lines] == [
        ("execute", "mlkit-sync", "journal")
    ] * 2


async def test_a_home_that_cannot_be_written_is_an_error_and_told(home: Home, call: Any) -> None:
    log(home)
    (home.root / "drainer.lock").mkdir()
    answer = await call("POST", "sync")
    assert (answer.status, answer.json["code"]) == (502, "journal_unwritable")
    assert answer.json["hint"]
    assert (await call("GET", "sync")).json["entries"] == 3


async def test_what_earlier_sessions_have_left_is_brought_when_the_server_starts(
    home: Home, jp_serverapp: Any
) -> None:
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    log(home)
    await app._start_jupyter_server_extension(jp_serverapp)
    async with asyncio.timeout(20):
        while not drainers(home):
            await asyncio.sleep(0.02)
    await app.stop_extension()
    assert drainers(home), "it does not end with the server"


async def test_the_server_starts_where_nothing_can_be_brought(
    home: Home, call: Any, jp_serverapp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = jp_serverapp.web_app.settings["jupyter_mlkit"]
    log(home)
    (home.root / "drainer.lock").mkdir()
    await app._start_jupyter_server_extension(jp_serverapp)
    async with asyncio.timeout(20):
        while "cannot be brought: Is a directory" not in caplog.text:
            await asyncio.sleep(0.02)
    assert (await call("GET", "sync")).json["entries"] == 3
