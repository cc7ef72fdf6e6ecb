"""How jobs show in a page that is left open."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from jupyter_mlkit.events.emitter import SCHEMA_ID
from jupyter_mlkit.spec import load_spec

from .routes import SPEC

_PROGRAM = """
import json, os, sys, time
folder = sys.argv[-1]
def write(name, **values):
    with open(os.path.join(folder, name + ".part"), "w") as file:
        json.dump(values, file)
    os.replace(file.name, os.path.join(folder, name))
def wait_for(name):
    while not os.path.exists(os.path.join(folder, name)):
        time.sleep(0.02)
fit = {"unit": "epoch", "done": 1, "total": 4, "step": 3, "steps": 9, "eta_seconds": 600}
fit |= {"at": time.time_ns() // 10**6, "metrics": {"val_loss": "NaN"}}
write("state.json", phase="fitting", progress=0.25, run_id=None, fit=fit)
wait_for("told")
print("epoch 1", flush=True)
wait_for("read")
write("result.json", state="DONE", code=0, run_id=None, error=None)
"""


async def test_progress_and_output_are_told_by_events(call: Any, jp_serverapp: Any) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        await heard.put((data["capability"], data["kind"]))

    async def told(event: tuple[str, str]) -> None:
        async with asyncio.timeout(30):
            while await heard.get() != event:
                pass

    await call("POST", "events/watch")
    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    services = jp_serverapp.web_app.settings["jupyter_mlkit_services"]
    command = [sys.executable, "-c", _PROGRAM]
    job = await asyncio.to_thread(services.jobs.submit, load_spec(SPEC), command)
    path = f"jobs/{job.job_id}"
    folder = services.settings.folder / path
    while (shown := (await call("GET", path)).json)["fit"] is None:
        await told(("jobs", "changed"))
    assert (shown["progress"], shown["fit"]["done"], shown["fit"]["steps"]) == (0.25, 1, 9)
    assert shown["fit"]["metrics"] == {"val_loss": "NaN"}
    assert 500 < shown["fit"]["eta_seconds"] <= 600
    (folder / "told").touch()
    await told(("logs", "changed"))
    assert (await call("GET", f"{path}/log", params={"attempt": 1})).json["text"] == "epoch 1\n"
    (folder / "read").touch()
    while (shown := (await call("GET", path)).json)["state"] != "DONE":
        await told(("jobs", "changed"))
    assert shown["usage"]["peak_memory"] > 0
