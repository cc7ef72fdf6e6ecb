"""Who did what and who was refused it: one entry each, on the bus and in a file that only grows."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import LoggedModelOutput

from jupyter_mlkit.api import audit
from jupyter_mlkit.api.audit import SCHEMA_ID, append, audit_file, broken_line

from .matrix import STRANGERS, TABLE, World, cells
from .special import signed_in
from .team import PEOPLE, as_person, team_config
from .test_access_matrix import live_handlers

ROLES = {
    "nobody": "none",
    "viewer": "view",
    "contributor": "contribute",
    "approver": "approve",
    "owner": "owner",
}


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    return team_config(jp_server_config)


@pytest.fixture
def services(jp_serverapp: Any) -> Any:
    audit_file().unlink(missing_ok=True)
    return jp_serverapp.web_app.settings["jupyter_mlkit_services"]


@pytest.fixture
def heard(jp_serverapp: Any, services: Any) -> list[dict[str, Any]]:
    """What came over the bus."""
    found: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        found.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    return found


def lines() -> list[dict[str, Any]]:
    path = audit_file()
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


async def test_every_change_and_every_refusal_is_one_entry(
    jp_fetch: Any, jp_serverapp: Any, services: Any, heard: list[dict[str, Any]]
) -> None:
    live = live_handlers(jp_serverapp)
    world = World(jp_fetch, services, live)
    world.populate()
    for cell in cells(live):
        if cell.role in STRANGERS:
            continue
        before = len(lines())
        heard.clear()
        assert await world.wrong([cell]) == []
        await services.audit.close()
        await jp_serverapp.event_logger.gather_listeners()
        new = lines()[before:]
        row = TABLE.get((cell.method, cell.route))
        # A child's page reads by POST, too; that it was opened is an entry.
        reads = row is None or row[0] == "read" or cell.route == "children/{rest}"
        if cell.status != 403 and reads:
            assert new == heard == [], "who only reads leaves no trace"
            continue
        (entry,) = new
        result = "denied" if cell.status == 403 else "failed" if cell.status >= 400 else "done"
        assert row is not None
        assert entry["person"] == PEOPLE[cell.role].username
        assert (entry["action"], entry["resource"], entry["result"]) == (*row[:2], result)
        assert (entry["request"], entry["status"]) == (f"{cell.method} {cell.route}", cell.status)
        assert entry["role"] == ROLES[cell.role]
        if cell.whose != "any" and row[2] in ("own", "approver"):
            assert entry["object"].split("/")[1] in world.names(cell).values()
        (event,) = heard
        assert {key: entry[key] for key in entry.keys() - {"time", "previous"}} == {
            key: value for key, value in event.items() if not key.startswith("__")
        }
    assert broken_line(audit_file()) is None
    assert stat.S_IMODE(audit_file().stat().st_mode) == 0o600


async def test_who_came_from_another_page_is_named(
    jp_fetch: Any, jp_serverapp: Any, services: Any
) -> None:
    cookies = await signed_in(jp_fetch, "contributor")
    await jp_fetch(
        "jupyter-mlkit/api/jobs/0/stop",
        method="POST",
        body=b"",
        headers={"Authorization": "", "Cookie": cookies["cookie"]},
        raise_error=False,
    )
    await services.audit.close()
    (entry,) = lines()
    assert (entry["person"], entry["result"]) == ("carl", "denied")


async def test_what_was_made_is_named(call: Any, services: Any) -> None:
    with services.open_tracking().store.calling("The test") as client:
        run_id = client.create_run("0").info.run_id
        model = client.create_logged_model("0", "model", source_run_id=run_id)
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    made = await call(
        "POST",
        "registry/models/m/versions",
        {"run_id": run_id},
        headers=as_person("contributor"),
    )
    assert made.status == 201, made.body
    await services.audit.close()
    assert [entry["object"] for entry in lines()] == ["version/m/1"]
    assert services.registry.owner("m") == services.registry.version_owner("m", "1") == "carl"


async def test_strangers_cannot_fill_the_disk(jp_fetch: Any, services: Any) -> None:
    async def knock() -> None:
        await jp_fetch("jupyter-mlkit/api/jobs", headers=as_person("stranger"), raise_error=False)
        await services.audit.close()

    clock = [0.0]
    services.audit._strangers._clock = lambda: clock[0]
    for _ in range(100):
        await knock()
    assert len(lines()) == 60
    clock[0] = 1.0
    await knock()
    last = lines()[-1]
    assert (len(lines()), last["person"], last["left_out"]) == (61, "", 40)


def test_an_edit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for number in range(6):
        append(path, {"n": number})
    good = path.read_bytes()
    assert broken_line(path) is None
    told = subprocess.run([sys.executable, "-m", audit.__name__, str(path)], capture_output=True)
    assert told.returncode == 0, told.stderr
    rows = good.splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:2] + rows[3:]))
    assert broken_line(path) == 3
    told = subprocess.run([sys.executable, "-m", audit.__name__, str(path)], capture_output=True)
    assert (told.returncode, b"line 3" in told.stderr) == (1, True)
    for position in range(len(b"".join(rows[:-1]))):  # the last line has nothing after it
        damaged = bytearray(good)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert broken_line(path) is not None, position


def test_writers_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    threads = [
        threading.Thread(target=lambda: [append(path, {"n": 1}) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(path.read_bytes().splitlines()) == 400
    assert broken_line(path) is None


def test_the_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append(path, {})
    path.chmod(0o666)
    append(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    with pytest.raises(OSError, match="symbolic"):
        append(link, {})
    path.write_bytes(path.read_bytes() + b'{"cut short')
    append(path, {"after": 1})
    assert broken_line(path) == 3, "a line that a full disk has cut short is seen"
    assert json.loads(path.read_bytes().splitlines()[-1])["after"] == 1


async def test_a_file_that_cannot_be_written_is_told(
    call: Any, services: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    services.audit.path = tmp_path / "a file" / "audit.jsonl"
    (tmp_path / "a file").write_text("")
    answer = await call("POST", "jobs/0/stop", headers=as_person("owner"))
    assert answer.status == 404
    await services.audit.close()
    assert "cannot be written" in caplog.text
