"""Real servers are killed while jobs run: none is lost sight of, none is left, none is harmed."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from jupyter_mlkit.jobs.record import JobRecord
from jupyter_mlkit.processes.identity import Identity

from .server import Lab, Server, wait_for

pytestmark = pytest.mark.slow

AT_ONCE = 8
CYCLES = 10
#: Counts what it is told to end by; nothing of ours may ever signal it.
_STRANGER = """
import signal, sys, time
def note(number, frame):
    print(number, flush=True)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, note)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def lab(tmp_path: Path, new_store: Callable[[], Path]) -> Iterator[Lab]:
    lab = Lab(tmp_path, new_store())
    yield lab
    lab.close()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", _STRANGER], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        assert process.poll() is None, "it was killed"
        process.kill()
        assert process.stdout.read() == b"", "it was sent a signal"


def test_servers_killed_while_jobs_run(
    lab: Lab, stranger: subprocess.Popen[bytes], nightly: int
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    draw = random.Random(seed)
    cycles = CYCLES * nightly
    server = lab.start()
    expected = {server.submit(number): "" for number in range(AT_ONCE + 2 * cycles)}
    slowest = 0.0
    for _ in range(cycles):
        running = wait_for(lambda server=server: all_run(server, expected), 30)
        slowest = max(slowest, told_after(server))
        server.kill()
        done, lost = draw.sample(running, 2)
        folder = lab.jobs_folder(done)
        (folder / "go").touch()
        wait_for((folder / "exit.json").exists, 20)
        expected[done] = "DONE"
        os.kill(process_of(lab, lost).pid, signal.SIGKILL)
        expected[lost] = "LOST"
        server = lab.start()
    running = wait_for(lambda: all_run(server, expected), 30)
    # A row whose process is another one by now: its pid was given to somebody else.
    forged = running[:3]
    server.kill()
    for job_id, changes in zip(forged, ({}, {"started": "1"}, {"boot": "b"}), strict=True):
        forge(lab, job_id, stranger.pid, changes)
        expected[job_id] = "LOST"
    server = lab.start()
    wait_for(lambda: judged(server, expected), 30)
    slowest = max(slowest, told_after(server))
    for job_id in running[3:]:
        server.api("POST", f"jobs/{job_id}/stop")
        expected[job_id] = "STOPPED"
    wait_for(lambda: server.states() == expected, 30)

    assert lab.family() == [], "nothing is left of any job"
    assert slowest <= 30
    for job_id, state in expected.items():
        answer = lab.jobs_folder(job_id) / "answer"
        assert answer.exists() == (state == "DONE")
        if state == "DONE":
            assert answer.read_bytes() == undisturbed(answer.parent), "results are identical"


def all_run(server: Server, expected: dict[str, str]) -> list[str] | None:
    """Return the running jobs once as many run as may and all others are as expected."""
    jobs = server.jobs()
    if not judged(server, expected):
        return None
    running = [job_id for job_id, job in jobs.items() if job["phase"] == "fitting"]
    return running if len(running) == AT_ONCE else None


def judged(server: Server, expected: dict[str, str]) -> bool:
    states = server.states()
    wrong = {
        job_id: state
        for job_id, state in expected.items()
        if not state and states[job_id] not in ("QUEUED", "STARTING", "RUNNING")
    }
    assert not wrong, f"{wrong}\n{server}"
    return all(states[job_id] == state for job_id, state in expected.items() if state)


def told_after(server: Server) -> float:
    import time

    return time.monotonic() - server.began


def undisturbed(folder: Path) -> bytes:
    """Return what a training that nobody disturbs computes."""
    digest = str(folder).encode()
    spec = (folder / "spec.yaml").read_bytes()
    for _ in range(200):
        digest = hashlib.sha256(digest + spec).digest()
    return digest


def process_of(lab: Lab, job_id: str) -> Identity:
    with closing(sqlite3.connect(lab.runtime / "jupyter_mlkit" / "jobs.db")) as db:
        (text,) = db.execute("SELECT record FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    process = msgspec.json.decode(text, type=JobRecord).process
    assert process is not None
    return process


def forge(lab: Lab, job_id: str, pid: int, changes: dict[str, str]) -> None:
    """Let the row of a job name somebody else's process."""
    other = Identity.of(pid)
    assert other is not None
    with closing(sqlite3.connect(lab.runtime / "jupyter_mlkit" / "jobs.db")) as db, db:
        (text,) = db.execute("SELECT record FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        record = msgspec.json.decode(text, type=JobRecord)
        assert record.process is not None
        named = msgspec.structs.replace(other, nonce=record.process.nonce, **changes)
        record.process = named
        db.execute(
            "UPDATE jobs SET record = ? WHERE job_id = ?",
            (msgspec.json.encode(record).decode(), job_id),
        )
