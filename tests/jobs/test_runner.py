"""The runner alone: what it starts, keeps, limits, ends and writes down."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlkit.jobs import output
from jupyter_mlkit.jobs.executors import Launch
from jupyter_mlkit.jobs.executors.local import LocalExecutor, LocalProcess
from jupyter_mlkit.jobs.output import OutputWriter
from jupyter_mlkit.processes import system
from jupyter_mlkit.processes.identity import Identity, processes_of

from .server import wait_for

#: A file that says that the program is where the test wants it.
_THERE = "import os, signal, subprocess, sys, time; there = lambda: open('there', 'w').close()\n"


class Runner:
    """Runs programs in a folder; nothing of them is left at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nonces: list[str] = []

    def start(self, code: str, *arguments: str, **limits: Any) -> LocalProcess:
        return self.start_command([sys.executable, "-c", _THERE + code, *arguments], **limits)

    def start_command(self, command: list[str], **limits: Any) -> LocalProcess:
        nonce = f"nonce-{os.getpid()}-{len(self.nonces)}"
        self.nonces.append(nonce)
        for name in ("there", "exit.json"):
            (self.folder / name).unlink(missing_ok=True)
        limits = {"grace": 5.0, "timeout": None, "memory": None} | limits
        environment = {**os.environ, "JUPYTER_MLKIT_JOB_NONCE": nonce}
        launch = Launch(
            job_id="job",
            nonce=nonce,
            command=command,
            environment=environment,
            root_dir=self.folder,
            folder=self.folder,
            **limits,
        )
        process = LocalExecutor().start(launch)
        assert isinstance(process, LocalProcess)
        return process

    def wait_until_there(self) -> None:
        wait_for((self.folder / "there").exists, 20)

    def end(self, process: LocalProcess) -> dict[str, Any]:
        code = process.exit_code()
        process.release()
        assert processes_of(self.nonces[-1]) == [], "nothing is left"
        end: dict[str, Any] = json.loads((self.folder / "exit.json").read_text())
        assert end["nonce"] == self.nonces[-1]
        assert code == (end["code"] if end["signal"] is None else 128 + end["signal"])
        return end

    def text(self) -> str:
        return "".join(path.read_text() for _, path in output.segments(self.folder))


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path)
    yield runner
    for nonce in runner.nonces:
        assert processes_of(nonce) == []


def test_an_end_by_itself(runner: Runner) -> None:
    code = "print('out'); print('err', file=sys.stderr); sum(range(10**6)); sys.exit(7)"
    end = runner.end(runner.start(code))
    assert (end["code"], end["signal"], end["reason"], end["asked"]) == (7, None, None, None)
    assert 0 < end["usage"]["cpu_seconds"] < end["usage"]["wall_seconds"] + 1
    assert end["usage"]["peak_memory"] > 5_000_000
    assert sorted(runner.text().split()) == ["err", "out"]
    for path in (runner.folder / "exit.json", runner.folder / "output.log"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (runner.folder / "runner.log").read_text() == ""


HOSTILE = [
    *("", " ", "'", '"', "\\", "`id`", "$(touch /tmp/x)", "${HOME}", "; rm -rf x", "a\nb", "\r\n"),
    *("--help", "-c", "-", "--", "*", "~", "%s", "&&", "|", ">x", "\t", "\x01\x7f", "ä🌍\u202e"),
    os.fsdecode(b"not utf-8: \xff\xfe"),
]


def test_arguments_arrive_byte_for_byte(runner: Runner) -> None:
    _arrive(runner, HOSTILE)


_WORDS = st.binary(max_size=40).map(lambda word: os.fsdecode(word.replace(b"\0", b"")))


@settings(max_examples=15, deadline=None)
@given(st.lists(_WORDS, max_size=8))
def test_any_arguments_arrive(tmp_path_factory: pytest.TempPathFactory, arguments: Any) -> None:
    _arrive(Runner(tmp_path_factory.mktemp("arguments")), arguments)


def _arrive(runner: Runner, arguments: list[str]) -> None:
    code = "import json; json.dump([os.fsencode(a).hex() for a in sys.argv[1:]], open('argv', 'w'))"
    assert runner.end(runner.start(code, *arguments))["code"] == 0, runner.text()
    arrived = json.loads((runner.folder / "argv").read_text())
    assert [bytes.fromhex(word) for word in arrived] == [os.fsencode(a) for a in arguments]


@pytest.mark.parametrize("command", [["/no/such/program"], [sys.executable, "a\0b"]])
def test_what_cannot_be_started(runner: Runner, command: list[str]) -> None:
    process = runner.start_command(command)
    assert process.exit_code() == 127
    process.release()
    end = json.loads((runner.folder / "exit.json").read_text())
    assert (end["reason"], end["code"], end["signal"]) == ("not_started", None, None)
    assert end["problem"]


def test_a_signal_is_told(runner: Runner) -> None:
    end = runner.end(runner.start("os.kill(os.getpid(), signal.SIGSEGV)"))
    assert (end["code"], end["signal"], end["reason"]) == (None, signal.SIGSEGV, None)


#: A child in the group, one in a session of its own, and a daemon that nobody is the parent of.
_CHILDREN = """
sleep = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
subprocess.Popen(sleep)
subprocess.Popen(sleep, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    subprocess.Popen(sleep, env={})
    os._exit(0)
os.wait()
"""


def test_stop_ends_all_processes(runner: Runner) -> None:
    process = runner.start(_CHILDREN + "there(); time.sleep(600)")
    runner.wait_until_there()
    below = _below(process.identity.pid)
    assert len(below) == 4
    process.ask_to_end()
    end = runner.end(process)
    assert (end["signal"], end["reason"], end["asked"]) == (signal.SIGTERM, "signal", 15)
    assert [pid for pid in below if system.start_time(pid)] == []


def test_what_does_not_end_is_killed_after_the_grace(runner: Runner) -> None:
    deaf = "for n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, signal.SIG_IGN)\n"
    process = runner.start(deaf + "there(); time.sleep(600)", grace=0.3)
    runner.wait_until_there()
    process.ask_to_end()
    end = runner.end(process)
    assert (end["signal"], end["reason"]) == (signal.SIGKILL, "signal")


def test_children_end_with_the_training(runner: Runner) -> None:
    process = runner.start(_CHILDREN + "there()")
    assert runner.end(process)["code"] == 0


def test_a_stopped_process_is_ended_too(runner: Runner) -> None:
    process = runner.start("there(); os.kill(os.getpid(), signal.SIGSTOP)", grace=0.3)
    runner.wait_until_there()
    process.ask_to_end()
    assert runner.end(process)["signal"] == signal.SIGKILL


def test_time_limit(runner: Runner) -> None:
    end = runner.end(runner.start("there(); time.sleep(600)", timeout=0.5))
    assert (end["signal"], end["reason"], end["asked"]) == (signal.SIGTERM, "timeout", 15)
    assert "longer than 0.5 s" in runner.text()
    assert 0.5 <= end["usage"]["wall_seconds"] < 10


def test_memory_limit_counts_all_processes(runner: Runner) -> None:
    """No single one is above the limit; those that share pages are not counted twice."""
    eat = "import time; held = bytearray(b'x') * 60_000_000; time.sleep(600)"
    code = f"[subprocess.Popen([sys.executable, '-S', '-c', {eat!r}]) for _ in range(4)]\n"
    end = runner.end(runner.start(code + "time.sleep(600)", memory=200_000_000))
    assert (end["signal"], end["reason"]) == (signal.SIGKILL, "memory")
    assert end["usage"]["peak_memory"] > 200_000_000
    assert "200000000 are allowed" in runner.text()
    share = """
held = bytearray(b'x') * 120_000_000
for _ in range(4):
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
time.sleep(1.5)
"""
    end = runner.end(runner.start(share, memory=250_000_000))
    assert (end["code"], end["reason"]) == (0, None)


def test_a_job_dies_with_its_runner(runner: Runner) -> None:
    process = runner.start(_CHILDREN.replace(", env={}", "") + "there(); time.sleep(600)")
    runner.wait_until_there()
    process.identity.signal(signal.SIGKILL)
    assert process.exit_code() == -signal.SIGKILL
    process.release()
    assert not (runner.folder / "exit.json").exists()
    wait_for(lambda: not processes_of(runner.nonces[-1]), 10)


def test_a_runner_that_hangs_is_killed_last(runner: Runner) -> None:
    process = runner.start("there(); time.sleep(600)")
    runner.wait_until_there()
    process.identity.signal(signal.SIGSTOP)
    process.kill()
    wait_for(lambda: processes_of(runner.nonces[-1]) == [process.identity.pid], 10)
    process.kill()
    assert process.exit_code() == -signal.SIGKILL
    process.release()


def test_output_is_capped(runner: Runner) -> None:
    code = """
line = b"x" * 1023 + b"\\n"
os.write(1, b"the beginning\\n")
for _ in range(48 * 1024):
    os.write(1, line)
os.write(1, b"the end\\n")
"""
    assert runner.end(runner.start(code))["code"] == 0
    kept = output.segments(runner.folder)
    assert len(kept) == output.SEGMENTS
    assert all(path.stat().st_size <= output.SEGMENT_BYTES for _, path in kept)
    size = output.written(runner.folder)
    assert size == 14 + 48 * 1024 * 1024 + 8
    assert output.read(runner.folder, 0, 13)[0] == b"the beginning"
    assert output.read(runner.folder, -8, 100) == (b"the end\n", size - 8, size)
    piece, begins, _ = output.read(runner.folder, output.SEGMENT_BYTES, 10)
    assert begins == kept[1][0] > output.SEGMENT_BYTES, "what was dropped is passed over"
    assert len(piece) == 10


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 30), st.integers(2, 4))
def test_what_is_kept_of_output(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], size: int, kept: int
) -> None:
    folder = tmp_path_factory.mktemp("output")
    writer = OutputWriter(folder, size, kept)
    for piece in pieces:
        writer.write(piece)
    writer.close()
    whole = b"".join(pieces)
    assert output.written(folder) == len(whole)
    assert len(output.segments(folder)) <= kept
    position, seen = 0, {}
    while position < len(whole):
        data, begins, total = output.read(folder, position, 7)
        assert begins >= position
        assert data == whole[begins : begins + len(data)] != b""
        assert total == len(whole)
        seen.update(dict.fromkeys(range(begins, begins + len(data))))
        position = begins + len(data)
    newest = range(max(0, len(whole) - size * (kept - 2) - 1), len(whole))
    assert set(newest) <= seen.keys()
    assert set(range(min(size, len(whole)))) <= seen.keys()


def test_a_full_disk_ends_no_training(tmp_path: Path) -> None:
    """Output gives way: it is counted instead, and the disk is left to the result."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = OutputWriter(tmp_path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        writer.write(b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert writer.lost == 4000
    writer.write(b"y")
    assert output.written(tmp_path) == 1001
    writer.drop()
    assert output.segments(tmp_path) == []


def test_a_forged_identity_gets_no_signal(nightly: int) -> None:
    """Whatever of pid, start, boot, nonce is another's: nothing is sent."""
    told = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('hit', flush=True))"
    with subprocess.Popen(
        [sys.executable, "-c", told + "; print('ready', flush=True); time.sleep(600)"],
        stdout=subprocess.PIPE,
        env={**os.environ, "JUPYTER_MLKIT_JOB_NONCE": "its own"},
    ) as stranger:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == b"ready\n"
        real = Identity.of(stranger.pid, "its own")
        assert real is not None
        assert real.is_alive
        forged = [
            Identity(real.pid, "1", real.boot, real.machine, real.nonce),
            Identity(real.pid, real.started, "another", real.machine, real.nonce),
            Identity(real.pid, real.started, real.boot, real.machine, "another"),
            Identity(1, real.started, real.boot, real.machine, real.nonce),
        ]
        for number in range(2500 * nightly):
            for identity in forged:
                assert not identity.signal(signal.SIGTERM if number % 2 else signal.SIGKILL)
        assert real.signal(signal.SIGTERM)
        assert stranger.stdout.readline() == b"hit\n"
        stranger.kill()
        assert stranger.stdout.read() == b""


def _below(pid: int) -> list[int]:
    found = system.children(pid)
    for child in found:
        found += system.children(child)
    return found
