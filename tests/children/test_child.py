"""Children are ours alone, known for sure, and end with us."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stores import until

from jupyter_mlkit.children.child import Child, ChildError
from jupyter_mlkit.children.leftovers import Owner, clear_leftovers
from jupyter_mlkit.children.peer import ENV_NONCE, ImpostorError
from jupyter_mlkit.errors import BackendTimeoutError
from jupyter_mlkit.processes.identity import Identity

from .kinds import echo, processes, python

Start = Callable[..., Child]


def ask(child: Child, path: str = "/") -> Any:
    connection = http.client.HTTPConnection(child.address.host)
    connection.sock = child.connect()
    connection.sock.settimeout(10)
    connection.request("GET", path)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_it_is_told_what_it_needs_and_nothing_else(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "JUPYTER_TOKEN": "canary-1",
        "JUPYTERHUB_API_TOKEN": "canary-2",
        "JPY_API_TOKEN": "canary-3",
        "MLFLOW_TRACKING_TOKEN": "canary-4",
        "MLFLOW_TRACKING_URI": "postgresql://me:canary-5@db/mlflow",
        "AWS_SECRET_ACCESS_KEY": "canary-6",
        "HTTPS_PROXY": "http://me:canary-7@proxy",
        "SOME_API_KEY": "canary-8",
        "PATHOLOGY": "canary-9",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    child = start(echo())
    told = ask(child)
    assert "canary" not in json.dumps(told)
    assert told["environ"]["TOLD"] == "yes"
    assert told["environ"]["PATH"] == os.environ["PATH"]
    for pid in processes():
        assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_child_that_serves_an_object_store_gets_its_keys(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "team")
    monkeypatch.setenv("JUPYTER_TOKEN", "canary")
    told = ask(start(echo(storage=True)))
    assert told["environ"]["AWS_PROFILE"] == "team"
    assert "canary" not in json.dumps(told)


def test_it_listens_on_its_socket_and_nowhere_else(start: Start) -> None:
    child = start(echo())
    group = {pid for pid in processes() if os.getpgid(pid) == child._runner.pid}
    assert child._listener in group
    assert not tcp_listeners(group)
    found = child.address.socket.parent.lstat()
    assert found.st_mode & 0o777 == 0o700


def tcp_listeners(pids: set[int]) -> list[str]:
    """Return the listening TCP and UDP sockets of processes, from the kernel's own tables."""
    inodes = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            name = entry.readlink().name if entry.is_symlink() else ""
            if name.startswith("socket:["):
                inodes.add(name[8:-1])
    lines = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        lines += Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[9] in inodes]


@pytest.mark.skipif(os.geteuid() != 0, reason="another user can only be become by root")
def test_another_user_cannot_connect(start: Start) -> None:
    child = start(echo())
    child.address.socket.chmod(0o777)
    child.address.socket.parent.parent.parent.chmod(0o755)
    code = f"""
        import os, socket
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        try:
            socket.socket(socket.AF_UNIX).connect({str(child.address.socket)!r})
        except PermissionError:
            print("refused")
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert told.stdout == "refused\n"


_SQUATTER = """
    import os, socket, sys, time
    {before}
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
    print("ready", flush=True)
    print(server.accept()[0].makefile("rb").read(), flush=True)
"""


def squat(path: Path, before: str = "") -> subprocess.Popen[str]:
    squatter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_SQUATTER.format(before=before)), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert squatter.stdout is not None
    assert squatter.stdout.readline() == "ready\n"
    return squatter


def test_a_socket_that_somebody_else_has_made_stops_the_start(short: Path) -> None:
    # The child waits, so the path is free for whoever is faster.
    child = Child(python("import time; time.sleep(3600)"), short)
    squatter = squat(child.address.socket)
    try:
        with pytest.raises(ImpostorError, match=f"{squatter.pid}, which we did not start"):
            child.wait_until_ready(30)
        assert squatter.stdout is not None
        assert squatter.stdout.readline() == "b''\n", "nothing was said to it"
    finally:
        squatter.kill()
        child.stop()
        squatter.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user can only be become by root")
def test_another_users_socket_is_not_spoken_to(start: Start) -> None:
    child = start(echo())
    child.address.socket.unlink()
    squatter = squat(child.address.socket, "os.chdir('/')")
    with pytest.raises(ImpostorError, match="in place of"):
        child.connect()
    squatter.kill()
    squatter.communicate()
    child.address.socket.unlink()
    child.address.socket.parent.chmod(0o777)
    child.address.socket.parent.parent.chmod(0o777)
    squatter = squat(child.address.socket, "os.setuid(65534)")
    with pytest.raises(ImpostorError, match="id 65534"):
        child.connect()
    squatter.kill()
    squatter.communicate()
    child.address.socket.parent.parent.chmod(0o700)


def test_last_words_of_a_child_that_cannot_start(short: Path) -> None:
    child = Child(python("print('the database is gone'); raise SystemExit(3)"), short)
    with pytest.raises(ChildError, match=r"(?s)ended while it was being started.*database is gone"):
        child.wait_until_ready(30)
    child.stop()
    silent = Child(python("import time; time.sleep(3600)"), short)
    with pytest.raises(BackendTimeoutError, match=r"within 0\.2 s"):
        silent.wait_until_ready(0.2)
    silent.stop()
    assert not list(short.iterdir())
    with pytest.raises(ChildError, match="does not answer"):
        silent.connect()


def test_output_is_kept_up_to_a_limit(short: Path) -> None:
    code = "import sys\nfor n in range(30000): print('x' * 99)\nprint('last'); raise SystemExit(1)"
    child = Child(python(code), short)
    with pytest.raises(ChildError, match="last"):
        child.wait_until_ready(60)
    files = list(child.address.socket.parent.glob("output*"))
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 1024 * 1024
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    child.stop()


def test_stopping_ends_all_that_was_started(start: Start) -> None:
    child = start(echo("--helper"))
    ours = processes(f"{ENV_NONCE}={child._nonce}")
    assert len(ours) == 3, "runner, child and what the child has started"
    child.stop()
    assert not processes(f"{ENV_NONCE}={child._nonce}")
    assert not child.address.socket.parent.exists()
    child.stop()
    assert not child.is_alive


def test_a_child_that_ignores_term_is_killed(start: Start) -> None:
    path = str(Path(__file__).with_name("echo.py"))
    stubborn = python(
        "import runpy, signal; signal.signal(15, signal.SIG_IGN);"
        f"runpy.run_path({path!r}, run_name='__main__')"
    )
    child = start(stubborn)
    child.stop(timeout=0.3)
    until(lambda: not processes(f"{ENV_NONCE}={child._nonce}"))


def test_what_a_dead_child_has_started_ends_too(start: Start) -> None:
    child = start(echo("--helper"))
    assert child._listener is not None
    os.kill(child._listener, signal.SIGKILL)
    until(lambda: not child.is_alive)
    assert not processes(f"{ENV_NONCE}={child._nonce}")
    with pytest.raises(ChildError):
        child.connect()


_SERVER = """
    import sys, threading, time
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from children.kinds import echo
    from jupyter_mlkit.children.child import Child
    children = []
    def begin():
        for _ in range(2):
            children.append(Child(echo("--helper"), Path(sys.argv[1])))
            children[-1].wait_until_ready(30)
    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()   # the thread that started them ends, and they do not
    for child in children:
        child.connect().close()
        assert child.is_alive
        print(child._nonce, child._runner.pid, flush=True)
    time.sleep(3600)
"""


def server(short: Path) -> tuple[subprocess.Popen[str], list[tuple[str, int]]]:
    code = textwrap.dedent(_SERVER.format(tests=str(Path(__file__).parents[1])))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(short)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(2)]
    return process, [(nonce, int(pid)) for nonce, pid in lines]


def test_children_end_with_a_server_that_is_killed(short: Path) -> None:
    process, started = server(short)
    assert all(len(processes(f"{ENV_NONCE}={nonce}")) == 3 for nonce, _ in started)
    process.kill()
    process.communicate()
    for nonce, _ in started:
        until(lambda nonce=nonce: not processes(f"{ENV_NONCE}={nonce}"))
    until(lambda: not list(short.iterdir()))


def test_what_is_left_when_server_and_runners_are_killed_is_cleared(short: Path) -> None:
    process, started = server(short)
    for _, runner in started:
        os.kill(runner, signal.SIGSTOP)  # so that it cannot clear up behind the server
    process.kill()
    process.communicate()
    for _, runner in started:
        os.kill(runner, signal.SIGKILL)
    assert any(processes(f"{ENV_NONCE}={nonce}") for nonce, _ in started)
    mine = Child(echo(), short)
    clear_leftovers(short)
    for nonce, _ in started:
        until(lambda nonce=nonce: not processes(f"{ENV_NONCE}={nonce}"))
    assert [place.name for place in short.iterdir()] == [mine.address.socket.parent.name]
    mine.wait_until_ready(30)
    mine.stop()


def test_leftovers_of_living_servers_and_other_machines_are_left_alone(short: Path) -> None:
    me = Identity.of(os.getpid())
    assert me is not None
    import msgspec

    owners = {
        "living": Owner(me, "0" * 32),
        "elsewhere": Owner(msgspec.structs.replace(me, machine="other", started="1"), "0" * 32),
    }
    for name, owner in owners.items():
        (short / name).mkdir()
        (short / name / Owner.FILE).write_bytes(msgspec.json.encode(owner))
    (short / "unfinished").mkdir()
    (short / "broken").mkdir()
    (short / "broken" / Owner.FILE).write_text("{")
    clear_leftovers(short)
    assert len(list(short.iterdir())) == 4
