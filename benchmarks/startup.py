"""What the extension adds to the start of a bare Jupyter server, in milliseconds.

Servers with and without it are started in turn, each in a process and an empty home of its own,
and timed from the start of the process until the extensions are ready. The medians are compared;
CPU time is the steadier figure on a busy machine, and ``added by import`` is the part of it that
importing our modules takes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: Milliseconds that the extension may add.
LIMIT = 100.0

_SERVER = """
import asyncio, sys, time
from jupyter_server.serverapp import ServerApp

async def main():
    app = ServerApp()
    # On the command line, for the environment's own configuration goes before the user's.
    wanted = f"--ServerApp.jpserver_extensions={sys.argv[2]}"
    app.initialize(argv=["--no-browser", "--allow-root", wanted], new_httpserver=False)
    await app.extension_manager.start_all_extensions()
    assert ("jupyter_mlkit.app" in sys.modules) == (sys.argv[1] == "with")
    linked = app.extension_manager.linked_extensions
    loaded = {name for name in linked if linked[name]} - {"jupyter_mlkit"}
    assert not loaded, f"not a bare server: {loaded}"
    print(time.process_time() * 1e3, flush=True)
    sys.stdin.read()

asyncio.run(main())
"""

_IMPORT = """
import time
import jupyter_server.serverapp, jupyter_server.extension.application
before = time.perf_counter()
import jupyter_mlkit.app
print((time.perf_counter() - before) * 1e3)
"""


def others() -> list[str]:
    """Return the server extensions that the environment enables, besides ours."""
    folder = Path(sys.prefix) / "etc" / "jupyter" / "jupyter_server_config.d"
    enabled = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    names = {name for one in enabled for name in one["ServerApp"]["jpserver_extensions"]}
    return sorted(names - {"jupyter_mlkit"})


def start(home: Path, which: str) -> tuple[float, float]:
    """Return wall and CPU milliseconds until a server is ready; it ends when its input does."""
    environment = dict(os.environ)
    for kind in ("DATA", "CONFIG", "RUNTIME"):
        folder = home / which / kind.lower()
        folder.mkdir(parents=True, exist_ok=True)
        environment[f"JUPYTER_{kind}_DIR"] = str(folder)
    # Only what is compared is loaded: other extensions of the environment are turned off.
    enabled = dict.fromkeys(others(), False) | {"jupyter_mlkit": which == "with"}
    before = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, which, repr(enabled)],
        env=environment,
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        wall = (time.perf_counter() - before) * 1e3
        _, errors = server.communicate("", timeout=60)
    if not line.strip():
        raise SystemExit(f"The server {which} the extension did not start:\n{errors}")
    return wall, float(line)


def import_time() -> float:
    """Return the milliseconds of importing the extension into a loaded server."""
    told = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True)
    return float(told.stdout)


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return the rows of the benchmark."""
    taken: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        for which in taken:  # the first start of each reads from a cold disk
            start(Path(folder), which)
        for number in range(rounds):
            for which in sorted(taken, reverse=bool(number % 2)):
                taken[which].append(start(Path(folder), which))
    wall, cpu = (
        {which: statistics.median(pair[i] for pair in taken[which]) for which in taken}
        for i in (0, 1)
    )
    imports = statistics.median(import_time() for _ in range(rounds))
    conditions = (
        f"{rounds} rounds interleaved, median; Python {platform.python_version()}, "
        f"{os.cpu_count()} cores"
    )
    return [
        _row("server start with the extension", wall["with"], wall["without"], None, conditions),
        _row("added to the start", wall["with"] - wall["without"], None, LIMIT, conditions),
        _row("added CPU time", cpu["with"] - cpu["without"], None, LIMIT, conditions),
        _row("added by import", imports, None, LIMIT, conditions),
    ]


def _row(
    name: str, value: float, peer: float | None, limit: float | None, conditions: str
) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "ms",
        "higher_is_better": False,
        "peer": None if peer is None else "bare jupyter server",
        "peer_value": None if peer is None else round(peer, 1),
        "limit_value": limit,
        "ratio_to_peer": None if peer is None else round(value / peer, 3),
        "ratio_to_limit": None if limit is None else round(value / limit, 3),
        "conditions": conditions,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args()
    rows = measure(7 if options.quick else 25)
    for row in rows:
        against = f"  ({row['peer']}: {row['peer_value']})" if row["peer"] else ""
        against += f"  (limit: {row['limit_value']:g})" if row["limit_value"] else ""
        print(f"{row['name']:35s} {row['value']:8.1f} {row['unit']}{against}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
