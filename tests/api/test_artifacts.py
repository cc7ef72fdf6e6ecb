"""Artifacts through a real server: listed, previewed, downloaded; no way out of their folder."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mlflow
import numpy as np
import pytest
import xarray as xr
from corpus import traversals

from jupyter_mlkit.api.routes import handlers

from .raw import Raw, raw
from .routes import NAMES

SECRET = b"the canary outside of the folder"
#: Characters that end a request line or a header; everything else is sent as it is.
_NEVER_RAW = "\r\n\t\x00 "


@dataclass
class Logged:
    """A run with artifacts in a served root."""

    run_id: str
    folder: Path


@pytest.fixture
def logged(jp_serverapp: Any, tmp_path: Path) -> Logged:
    settings = jp_serverapp.web_app.settings["jupyter_mlkit_services"].settings
    client = mlflow.MlflowClient(tracking_uri=settings.tracking_uri)
    experiment = client.create_experiment(
        "artifacts", artifact_location=str(settings.artifact_root / "deep" / "er")
    )
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "<script>alert(1)</script>", "maps/page.html")
    client.log_text(run.info.run_id, "x,y\n1,2\n", "table.csv")
    client.log_text(run.info.run_id, "ü", "maps/ö b.txt")
    return Logged(run.info.run_id, Path(run.info.artifact_uri))


@pytest.fixture
def port(http_server: Any, jp_http_port: int) -> int:
    """Where the server listens, and somebody answers."""
    return jp_http_port


async def test_every_artifact_comes_as_an_attachment(call: Any, logged: Logged) -> None:
    base = f"runs/{logged.run_id}/artifacts"
    listed = (await call("GET", base)).json
    assert [item["path"] for item in listed["items"]] == ["maps", "table.csv"]
    for path, name in (("maps/page.html", "page.html"), ("maps/ö b.txt", "%C3%B6%20b.txt")):
        got = await call("GET", f"{base}/content", params={"path": path})
        assert got.status == 200
        assert got.headers["Content-Type"] == "application/octet-stream"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert got.headers["Content-Disposition"].startswith("attachment; ")
        assert name in got.headers["Content-Disposition"]
        assert got.body == (logged.folder / path).read_bytes()


async def test_previews_are_data(call: Any, logged: Logged) -> None:
    base = f"runs/{logged.run_id}/artifacts/preview"
    table = (await call("GET", base, params={"path": "table.csv"})).json
    assert table["table"] == {"columns": ["x", "y"], "rows": [["1", "2"]]}
    page = (await call("GET", base, params={"path": "maps/page.html"})).json
    assert (page["kind"], page["text"]) == ("text", "<script>alert(1)</script>")
    assert (await call("GET", base, params={"path": "maps"})).status == 404


async def test_a_cube_is_looked_at_by_the_helper(
    call: Any, logged: Logged, jp_serverapp: Any
) -> None:
    xr.Dataset(
        {"t": (("lat", "lon"), np.ones((4, 8)), {"units": "K"})},
        {"lat": [60.0, 20.0, -20.0, -60.0], "lon": np.arange(0.0, 360.0, 45.0)},
    ).to_zarr(logged.folder / "cube.zarr")
    base = f"runs/{logged.run_id}/artifacts"
    assert (await call("GET", f"{base}/preview?path=cube.zarr")).json["kind"] == "cube"
    found = await call("POST", f"{base}/cube", {"path": "cube.zarr"}, timeout=120)
    assert found.status == 200, found.body
    assert [one["name"] for one in found.json["description"]["variables"]] == ["t"]
    assert found.json["map_png"]
    assert (await call("POST", f"{base}/cube", {"path": "../x"})).json["code"] == "bad_path"


async def test_large_artifacts_are_streamed(logged: Logged, port: int, jp_serverapp: Any) -> None:
    """A slow reader holds back the server's reads; what is sent is complete."""
    size = 300 * 1024 * 1024
    with (logged.folder / "large.bin").open("wb") as file:
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    target = f"{_base(jp_serverapp)}runs/{logged.run_id}/artifacts/content?path=large.bin"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = jp_serverapp.identity_provider.token
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token {token}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert f"Content-Length: {size}".encode() in head
    before = _resident()
    left, tail, most = size, b"", 0
    while left:
        piece = await reader.read(min(left, 1024 * 1024))
        assert piece, f"it ended {left:,} bytes early"
        left -= len(piece)
        tail = (tail + piece)[-3:]
        most = max(most, _resident() - before)
    writer.close()
    assert tail == b"end"
    assert most < 64 * 1024 * 1024, f"{most:,} bytes more than before"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


# -------------------------------------------------------------------------- no way out


async def test_no_path_leads_out_of_the_folder(
    logged: Logged, port: int, jp_serverapp: Any, tmp_path: Path
) -> None:
    """The corpus in each parameter that says which files: list, read, download and delete."""
    canaries = _plant(logged.folder, tmp_path)
    corpus = traversals()
    assert len(corpus) >= 500
    base = _base(jp_serverapp)
    run = f"{base}runs/{logged.run_id}/artifacts"
    async with raw(port, _headers(jp_serverapp)) as connection:
        for name in corpus:
            once = quote(name, safe="", errors="surrogatepass")
            for what in ("?path=", "/preview?path=", "/content?path="):
                await _refused(connection, "GET", f"{run}{what}{once}")
            inner = _nearly_raw(name)
            await _refused(connection, "GET", f"{run}/content?path={inner}")
            body = json.dumps({"path": name, "kernelspec": "no-kernel"}).encode()
            await _refused(connection, "POST", f"{run}/cube", body)
            await _refused(connection, "GET", f"{base}runs/{inner}/artifacts?path=")
            await _refused(connection, "DELETE", f"{base}runs/{inner}")
        status, answer = await connection.ask("GET", f"{run}/content?path=table.csv")
        assert (status, answer) == (200, b"x,y\n1,2\n"), "what is inside is served all the while"
    assert {path: path.read_bytes() for path in canaries} == dict.fromkeys(canaries, SECRET)
    assert _files(logged.folder) == {"maps/page.html", "table.csv", "maps/ö b.txt"}


async def test_no_name_in_an_address_is_a_path(
    logged: Logged, port: int, jp_serverapp: Any, tmp_path: Path
) -> None:
    """A part of the corpus in every parameter of every route that reads or deletes."""
    canaries = _plant(logged.folder, tmp_path)
    base = _base(jp_serverapp)
    names = random.Random(4).sample(traversals(), 40)
    async with raw(port, _headers(jp_serverapp)) as connection:
        for handler in handlers():
            for parameter in NAMES:
                if f"{{{parameter}}}" not in handler.path:
                    continue
                for verb in {"get", "delete"} & set(handler.endpoints):
                    for name in names:
                        path = handler.path.format(**NAMES | {parameter: _nearly_raw(name)})
                        await _refused(connection, verb.upper(), base + path)
    assert {path: path.read_bytes() for path in canaries} == dict.fromkeys(canaries, SECRET)


async def _refused(connection: Raw, method: str, target: str, body: bytes = b"") -> None:
    status, answer = await connection.ask(method, target, body)
    assert status < 500, (method, target, answer)
    assert SECRET not in answer, (method, target)
    # A listing of the folder itself is what an empty path means; it never holds the canary.
    assert b'"secret.txt"' not in answer, (method, target)
    assert b"root:" not in answer, (method, target)


def _plant(folder: Path, top: Path) -> list[Path]:
    """Put the canary into every folder above that of the run."""
    canaries = []
    for above in folder.parents:
        if not above.is_relative_to(top.parent):
            break
        (above / "secret.txt").write_bytes(SECRET)
        canaries.append(above / "secret.txt")
    assert len(canaries) >= 5
    return canaries


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _nearly_raw(name: str) -> str:
    return "".join(quote(c) if c in _NEVER_RAW else c for c in name)


def _base(serverapp: Any) -> str:
    return f"{serverapp.base_url}jupyter-mlkit/api/"


def _headers(serverapp: Any) -> dict[str, str]:
    token = serverapp.identity_provider.token
    return {"Authorization": f"token {token}", "Content-Type": "application/json"}
