"""Old output goes, what became of a job stays, and nothing else is touched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.jobs import supervisor as room
from jupyter_mlkit.jobs.folder import JobFolder
from jupyter_mlkit.jobs.pruning import Keep, prune
from jupyter_mlkit.jobs.record import JobRecord, OpenRun
from jupyter_mlkit.jobs.supervisor import Supervisor
from jupyter_mlkit.processes.identity import Identity
from jupyter_mlkit.spec import TrainingSpec

from .conftest import program, until

DAY = 24 * 3600 * 1000
MB = 1_000_000
AT = 1000 * DAY
SMALL = {"spec.yaml": "spec", "state.json": "{}", "result.json": "{}", "exit.json": "{}"}


def record(job_id: str, days_ago: float, **changes: Any) -> JobRecord:
    me = Identity.of(os.getpid())
    assert me is not None
    ended = int(AT - days_ago * DAY)
    values: dict[str, Any] = {"state": "DONE", "ended": ended} | changes
    return JobRecord(
        job_id=job_id, scope="s", name="n", kernelspec="k", experiment="e", spec={}, command=[],
        environment={}, root_dir="/", owner=me, created=0, **values,
    )  # fmt: skip


def make(folder: Path, size: int = MB) -> None:
    """Write what a job leaves behind, and what its training may have put beside it."""
    for attempt in (folder, folder / "attempt-2"):
        attempt.mkdir(parents=True)
        for name, text in SMALL.items():
            (attempt / name).write_text(text)
        (attempt / "output.log").write_bytes(bytes(size // 4))
        (attempt / "output.4194304.log").write_bytes(bytes(size // 4))
    (folder / "scratch" / "deep").mkdir(parents=True)
    (folder / "scratch" / "deep" / "exit.json").write_text("of the training itself")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_old_output_goes_and_the_end_of_the_story_stays(tmp_path: Path) -> None:
    jobs = [record("new", 1), record("young", 29.9), record("old", 30.1), record("older", 300)]
    for one in jobs:
        make(tmp_path / one.job_id)
    before = names(tmp_path / "young")
    assert prune(tmp_path, jobs, Keep(30, None), AT) == ["old", "older"]
    assert names(tmp_path / "young") == names(tmp_path / "new") == before
    kept = {*SMALL, "output.log", "attempt-2", *(f"attempt-2/{name}" for name in SMALL)}
    assert names(tmp_path / "old") == names(tmp_path / "older") == kept
    assert (tmp_path / "old" / "attempt-2" / "exit.json").read_text() == "{}"
    chunk = JobFolder(tmp_path / "old").log(0, 1000, ended=True)
    assert chunk.text.startswith("The output of this job was removed")
    assert chunk.complete
    assert JobFolder(tmp_path / "old" / "attempt-2").log(0, 1000, ended=True).text == ""
    assert prune(tmp_path, jobs, Keep(30, None), AT) == [], "once"


def test_the_newest_are_kept_within_the_size(tmp_path: Path) -> None:
    jobs = [record(f"job{day}", day) for day in range(6)]
    for one in jobs:
        make(tmp_path / one.job_id)
    assert prune(tmp_path, list(reversed(jobs)), Keep(None, 3_500_000), AT) == [
        "job3",
        "job4",
        "job5",
    ]
    assert prune(tmp_path, jobs, Keep(None, None), AT) == []
    assert prune(tmp_path, jobs, Keep(0.0, 0), AT) == ["job1", "job2"], "never the last one"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "RUNNING"},
        {"state": "STARTING"},
        {"state": "QUEUED"},
        {"open_runs": [OpenRun("r", "FAILED", "lost")]},
    ],
)
def test_what_goes_on_is_left_alone(tmp_path: Path, changes: dict[str, Any]) -> None:
    jobs = [record("new", 0), record("job", 1000, **changes)]
    make(tmp_path / "job")
    before = names(tmp_path / "job")
    assert prune(tmp_path, jobs, Keep(0.0, 0), AT) == []
    assert names(tmp_path / "job") == before


def test_links_lead_nowhere(tmp_path: Path) -> None:
    jobs, outside = tmp_path / "jobs", tmp_path / "outside"
    make(outside)
    before = names(outside)
    make(jobs / "inner")
    (jobs / "inner" / "scratch" / "link").symlink_to(outside)
    (jobs / "inner" / "attempt-3").symlink_to(outside)
    (jobs / "inner" / "output.9.log").symlink_to(outside / "output.log")
    (jobs / "linked").symlink_to(outside)
    (jobs / "file").write_bytes(bytes(MB))
    old = [record("new", 0), *(record(one, 99) for one in ("inner", "linked", "file", "gone"))]
    assert prune(jobs, old, Keep(), AT) == ["inner"]
    assert names(outside) == before
    assert {path.name for path in (jobs / "inner").iterdir()} == {*SMALL, "output.log", "attempt-2"}
    assert (jobs / "file").stat().st_size == MB


def test_a_folder_that_cannot_be_pruned_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [record("new", 0), record("bad", 99), record("good", 100)]
    for one in jobs:
        make(tmp_path / one.job_id)
    unlink = os.unlink

    def refuse(path: Any, **options: Any) -> None:
        if (tmp_path / "bad" / "output.log").exists() and _same(options, tmp_path / "bad"):
            raise PermissionError(13, "Permission denied")
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    assert prune(tmp_path, jobs, Keep(), AT) == ["good"]


def _same(options: dict[str, Any], folder: Path) -> bool:
    handle = options.get("dir_fd")
    return handle is not None and os.fstat(handle).st_ino == folder.stat().st_ino


def test_a_server_prunes_when_it_starts_and_once_a_day(
    supervise: Callable[..., Supervisor],
    spec: TrainingSpec,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    big = program("print('x' * 100_000); end('DONE', 0)")
    first = supervise(keep=Keep(None, None))
    ids = [first.submit(spec, big).job_id for _ in range(2)]
    for job_id in ids:
        assert first.wait(job_id, 20).state == "DONE"
    asleep = first.submit(spec, program("wait_for('go'); end('DONE', 0)")).job_id
    until(first, asleep, lambda job: job.state == "STARTING")
    first.close()

    told: list[tuple[str, str]] = []
    second = supervise(keep=Keep(0.0, None), on_change=lambda kind, one: told.append((kind, one)))
    second.reconcile()
    with second._changed:
        assert second._changed.wait_for(lambda: ("logged", ids[0]) in told, 20)
    assert "was removed" in second.log(ids[0]).text
    assert second.log(ids[1]).size > 100_000, "the last one that has ended"
    assert second.job(ids[0]).state == "DONE"
    (folder / "jobs" / asleep / "go").touch()
    assert second.wait(asleep, 20).state == "DONE"
    # A day later the job that ended last is another one.
    later = room.now() + DAY + 1000
    monkeypatch.setattr(room, "now", lambda: later)
    second._watch.wake()
    with second._changed:
        assert second._changed.wait_for(lambda: ("logged", ids[1]) in told[-1:], 20)
    assert "was removed" in second.log(ids[1]).text
