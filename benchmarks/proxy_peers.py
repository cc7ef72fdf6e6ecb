"""What the proxy is compared with: MLflow without it, and the least that anything between costs.

``python proxy_peers.py SOCKET`` is that least: no HTTP, no checks, one connection at a time.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mlflow_on_a_port(home: Path, environment: Mapping[str, str], host: str) -> Iterator[int]:
    """Start MLflow on the same store with a port, as one would without the proxy."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--host", "127.0.0.1", "--port", str(port), "--allowed-hosts", host),
            *("--uvicorn-opts", "--log-level warning"),
            *("--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}"),
            *("--artifacts-destination", str(home / "artifacts")),
        ],
        env={**environment, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(port):
            if server.poll() is not None:
                raise SystemExit("MLflow did not start on a port.")
            time.sleep(0.1)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@contextmanager
def least_relay(path: Path) -> Iterator[int]:
    """Start what only passes on; return its port."""
    relay = subprocess.Popen([sys.executable, __file__, str(path)], stdout=subprocess.PIPE)
    try:
        assert relay.stdout is not None
        yield int(relay.stdout.readline())
    finally:
        relay.terminate()
        relay.wait(30)


def _pass_on(path: str) -> None:
    buffer = memoryview(bytearray(2**18))
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            with client, socket.socket(socket.AF_UNIX) as child:
                child.connect(path)
                child.sendall(client.recv(2**16))
                while got := child.recv_into(buffer):
                    client.sendall(buffer[:got])


if __name__ == "__main__":
    _pass_on(sys.argv[1])
