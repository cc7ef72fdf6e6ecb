"""What the proxy costs: a large artifact and small requests, through it and past it.

A Jupyter server opens the MLflow UI. A file among its artifacts is read in turn by the same
client, which throws it away: through the server (proxied); from the same MLflow on a port of its
own, as one would without the proxy (direct); over the socket behind the proxy, where no browser
gets (socket); and through a loop that only passes on from that socket to a port (relay), which is
what any proxy in Python can come to. So are small answers, and an upload.
Memory is the server's highest resident set while the file passes, over what it was before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy_peers import least_relay, mlflow_on_a_port

TOKEN = "token-of-the-benchmark"
#: Least share of the direct speed, most MB of memory, most milliseconds that are added.
SHARE, MEMORY, ADDED = 0.9, 64.0, 5.0
_FILE = "api/2.0/mlflow-artifacts/artifacts/large.bin"
_MB = 1e6
#: How MLflow is reached; the relay closes after each answer and is of no use for the rest.
WAYS = ("proxied", "direct", "socket", "relay")
_PEERS = {
    "direct": "MLflow on a port",
    "socket": "MLflow's socket",
    "relay": "bytes passed on, no HTTP",
}


@dataclass
class Place:
    """A running server and the child behind it."""

    port: int
    pid: int
    mlflow: int
    path: str
    socket: Path
    host: str
    ports: dict[str, int] = field(default_factory=dict)

    def connect(self, way: str) -> socket.socket:
        """Return a connection of one of :data:`WAYS`."""
        if way == "socket":
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(self.socket))
            return connection
        return socket.create_connection(("127.0.0.1", self.ports.get(way, self.port)))

    def request(self, method: str, path: str, way: str, length: int = 0) -> bytes:
        """Return the head of a request, one way or the other."""
        host = self.host if way != "proxied" else f"127.0.0.1:{self.port}"
        target = f"/{path}" if way != "proxied" else f"{self.path}{path}"
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        if way == "proxied":
            lines.append(f"Authorization: token {TOKEN}")
        if way == "relay":
            lines.append("Connection: close")
        if method == "PUT":
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def running(size: int) -> Iterator[Place]:
    """Start a server with the MLflow UI open and a file of `size` bytes among its artifacts."""
    with tempfile.TemporaryDirectory(prefix="mlkit-") as folder:
        home = Path(folder)
        environment = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
        for kind in ("config/jupyter_server_config.d", "data", "runtime", "artifacts"):
            (home / kind).mkdir(parents=True)
        for kind in ("config", "data", "runtime"):
            environment[f"JUPYTER_{kind.upper()}_DIR"] = str(home / kind)
        enabled = {"ServerApp": {"jpserver_extensions": {"jupyter_mlkit": True}}}
        file = home / "config/jupyter_server_config.d/jupyter_mlkit.json"
        file.write_text(json.dumps(enabled))
        with (home / "artifacts" / "large.bin").open("wb") as large:
            for _ in range(size // 2**20):
                large.write(bytes(2**20))
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"),
                    *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                    *("--ServerApp.base_url=/user/x/", f"--ServerApp.root_dir={home}"),
                    f"--MLKitApp.tracking_uri=sqlite:///{home / 'mlflow.db'}",
                ],
                env=environment | {"JUPYTER_TOKEN": TOKEN},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            place = _opened(server, home)
            with (
                mlflow_on_a_port(home, environment, place.host) as port,
                least_relay(place.socket) as relay,
            ):
                place.ports = {"direct": port, "relay": relay}
                yield place
        finally:
            server.terminate()
            server.wait(30)


def _opened(server: subprocess.Popen[bytes], home: Path) -> Place:
    port = _until(lambda: _port(home), server)
    base = f"http://127.0.0.1:{port}/user/x/"
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}

    def opened() -> dict[str, Any] | None:
        asked = urllib.request.Request(
            f"{base}jupyter-mlkit/api/children", b'{"kind": "mlflow"}', headers
        )
        try:
            with urllib.request.urlopen(asked, timeout=180) as answer:
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            return None

    child = _until(opened, server)
    (path,) = home.glob("runtime/jupyter_mlkit/children/*/s")
    of_child = {
        int(entry.parent.name): words
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if str(path) in " ".join(words := _words(entry))
    }
    host = next(
        words[words.index("--allowed-hosts") + 1]
        for words in of_child.values()
        if "--allowed-hosts" in words
    )
    mlflow = next(pid for pid, words in of_child.items() if words[1:3] == ["-m", "uvicorn"])
    return Place(port, server.pid, mlflow, f"/user/x/{child['path']}", path, host)


def _words(entry: Path) -> list[str]:
    try:
        return entry.read_bytes().decode(errors="replace").split("\0")
    except OSError:  # gone
        return []


def _port(home: Path) -> int | None:
    for file in (home / "runtime").glob("jpserver-*.json"):
        try:
            return int(json.loads(file.read_text())["port"])
        except ValueError:  # being written
            return None
    return None


def _until(found: Callable[[], Any], server: subprocess.Popen[bytes]) -> Any:
    while not (answer := found()):
        if server.poll() is not None:
            raise SystemExit("The server did not start.")
        time.sleep(0.05)
    return answer


def download(place: Place, way: str, size: int, buffer: bytearray) -> float:
    """Return the seconds of reading the file."""
    with place.connect(way) as connection:
        begun = time.perf_counter()
        connection.sendall(place.request("GET", _FILE, way))
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode(errors="replace"))
        left = size - len(head.partition(b"\r\n\r\n")[2])
        while left > 0:
            got = connection.recv_into(buffer)
            if not got:
                raise SystemExit(f"{left} bytes are missing.")
            left -= got
        return time.perf_counter() - begun


def upload(place: Place, way: str, size: int, buffer: bytearray) -> float:
    """Return the seconds of sending a file, until MLflow has it."""
    with place.connect(way) as connection:
        begun = time.perf_counter()
        path = _FILE.replace("large", "uploaded")
        connection.sendall(place.request("PUT", path, way, size))
        for _ in range(size // len(buffer)):
            connection.sendall(buffer)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            raise SystemExit("The upload was refused.")
        return time.perf_counter() - begun


def small(place: Place, way: str, count: int) -> list[float]:
    """Return the milliseconds of small answers over one connection, as a page asks for them."""
    taken = []
    with place.connect(way) as connection:
        reader = connection.makefile("rb")
        for _ in range(count):
            begun = time.perf_counter()
            connection.sendall(place.request("GET", "version", way))
            length = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split()[1])
            reader.read(length)
            taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def measure(size: int, rounds: int, count: int) -> list[dict[str, Any]]:
    """Return the rows of the benchmark."""
    buffer = bytearray(2**20)
    taken: dict[tuple[str, str], list[float]] = {}
    cpu: dict[tuple[str, str], float] = {}
    with running(size) as place:
        for way in WAYS:  # the file comes from memory from here on
            download(place, way, size, buffer)
            if way != "relay":
                small(place, way, 20)
        before = _resident(place.pid, "VmRSS")
        Path(f"/proc/{place.pid}/clear_refs").write_text("5")  # forget the highest so far
        for number in range(rounds):
            for way in sorted(WAYS, reverse=bool(number % 2)):
                for what, how in (("download", download), ("upload", upload)):
                    if what == "upload" and way == "relay":
                        continue
                    pids = {"server": place.pid, "mlflow": place.mlflow}
                    begun = {who: _cpu(pid) for who, pid in pids.items()}
                    taken.setdefault((what, way), []).append(how(place, way, size, buffer))
                    for who, pid in pids.items():
                        used = _cpu(pid) - begun[who]
                        if way == "proxied":
                            cpu[what, who] = cpu.get((what, who), 0.0) + used / rounds
        growth = _resident(place.pid, "VmHWM") - before
        for number in range(rounds):
            for way in sorted(("direct", "proxied"), reverse=bool(number % 2)):
                taken.setdefault(("small", way), []).extend(small(place, way, count))
    middle = {key: statistics.median(found) for key, found in taken.items()}
    told = (
        f"{size / _MB:.0f} MB, {rounds} rounds interleaved, median; Python "
        f"{platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    rows = []
    for what in ("download", "upload"):
        for peer in WAYS[1:]:
            if (what, peer) not in middle:
                continue
            ours, theirs = (size / _MB / middle[what, way] for way in ("proxied", peer))
            limit = SHARE * theirs if (what, peer) == ("download", "direct") else None
            name = f"{what} of an artifact"
            rows.append(_row(name, ours, "MB/s", True, told, _PEERS[peer], theirs, limit))
        # What the machine's load does not change: who has to do how much for it.
        ours, theirs = (cpu[what, who] / size * 1e9 for who in ("server", "mlflow"))
        name = f"{what}, CPU of the server"
        rows.append(_row(name, ours, "s/GB", False, told, "MLflow, meanwhile", theirs, None))
    rows.append(_row("memory while it passes", growth, "MB", False, told, limit=MEMORY))
    ours, direct = middle["small", "proxied"], middle["small", "direct"]
    rows.append(_row("small answer, p50", ours, "ms", False, told, _PEERS["direct"], direct))
    name = "added to a small answer, p50"
    rows.append(_row(name, ours - direct, "ms", False, told, limit=ADDED))
    return rows


def _cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / _MB
    raise AssertionError(name)


def _row(
    name: str,
    value: float,
    unit: str,
    higher: bool,
    conditions: str,
    peer: str | None = None,
    peer_value: float | None = None,
    limit: float | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "higher_is_better": higher,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 2),
        "limit_value": None if limit is None else round(limit, 2),
        "ratio_to_peer": None if peer_value is None else round(value / peer_value, 3),
        "ratio_to_limit": None if limit is None else round(value / limit, 3),
        "conditions": conditions,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller file, fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args()
    size = 2**28 if options.quick else 2**31
    rows = measure(size, 3 if options.quick else 5, 100 if options.quick else 400)
    for row in rows:
        against = f"  ({row['ratio_to_peer']:g} of {row['peer']})" if row["peer"] else ""
        against += f"  (limit: {row['limit_value']:g})" if row["limit_value"] else ""
        print(f"{row['name']:32s} {row['value']:9.2f} {row['unit']}{against}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
