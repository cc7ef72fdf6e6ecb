"""What may go wrong around a run that is logged without MLflow ends neither it nor the training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stores import Place, until

from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.drainer.wake import wake
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner


def _runs(place: Place) -> dict[str, Any]:
    experiments = [one.experiment_id for one in place.client.search_experiments()]
    return {run.info.run_name: run for run in place.client.search_runs(experiments)}


def test_a_full_disk_costs_what_it_says_and_hides_no_error(
    file_store: Place, runner: Runner, home: Home
) -> None:
    # Every write to a file is refused, as by a disk that is full.
    done = runner(
        """
import json, resource
import jupyter_mlkit as mlkit
from jupyter_mlkit.errors import BackendError
from jupyter_mlkit.tracking import run as module
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
run = mlkit.start_run("full")
module._starting.join()
run.log(loss=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
said = []
try:
    with run:
        run.log(loss=2)
        run.log(loss=2, bias=3)
        run.log_params({"text": "x" * 10_000, "a": 1})
        run.set_tags({"b": 2})
        raise ZeroDivisionError("mine")
except Exception as error:
    said.append(repr(error))
try:
    mlkit.start_run("never")
except BackendError as error:
    said.append(error.code)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
with mlkit.start_run("later") as later:
    later.log(loss=3)
print(json.dumps(said))
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["ZeroDivisionError('mine')", "store_unwritable"]
    assert done.stderr.count("What is logged from now on is not kept") == 2
    assert "The training goes on; free some space" in done.stderr
    wake(home)
    until(lambda: not pending(home), 60)
    runs = until(
        lambda: (lambda found: found if found["full"].info.end_time else None)(_runs(file_store)),
        60,
    )
    assert runs.keys() == {"full", "later"}
    # Its end is among what could not be kept: it is as if its process had been killed then.
    assert (runs["full"].info.status, runs["full"].data.tags[tags.END_REASON]) == ("FAILED", "lost")
    assert (runs["full"].data.metrics["loss"], runs["full"].data.params) == (1, {})
    assert (runs["later"].info.status, runs["later"].data.metrics["loss"]) == ("FINISHED", 3)


def test_a_handler_of_a_signal_logs_while_a_value_is_logged(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        """
import json, signal, time
import jupyter_mlkit as mlkit
with mlkit.start_run("signals") as run:
    handled = 0
    def handle(*_):
        global handled
        handled += 1
        run.log(loss=handled)
        run.log(loss=-handled, other=handled)
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    logged = 0
    while handled < 200:
        logged += 1
        run.log(loss=0.5)
        run.log(loss=0.25, third=1)
    signal.setitimer(signal.ITIMER_REAL, 0)
print(json.dumps([2 * logged + 2 * handled, handled]))
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    all_of_them, handled = json.loads(done.stdout)
    until(lambda: not pending(home), 120)
    run = _runs(file_store)["signals"].info.run_id

    def steps(key: str) -> list[int]:
        found: list[Any] = []
        token = None
        while token is not None or not found:
            page = file_store.client._tracking_client.store.get_metric_history(
                run, key, max_results=20_000, page_token=token
            )
            found += page
            token = page.token
            if not token:
                break
        return sorted(one.step for one in found)

    assert steps("loss") == [*range(all_of_them)]
    assert steps("other") == [*range(handled)]


def test_what_was_there_before_is_there_after(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        """
import json, os, threading
import jupyter_mlkit as mlkit
def now():
    return names.get(os.environ.get("MLFLOW_RUN_ID"), os.environ.get("MLFLOW_RUN_ID"))
os.environ["MLFLOW_RUN_ID"] = "theirs"
names, seen = {}, []
def begin(name):
    run = mlkit.start_run(name)
    names[run.id] = name
    return run
a, b = begin("a"), begin("b")
a.end()
seen.append(now())
with begin("c"):
    seen.append(now())
seen.append(now())
b.end()
seen.append(now())
with begin("d"):
    threads = [threading.Thread(target=lambda n=n: begin(f"t{n}").end()) for n in range(4)]
    for one in threads: one.start()
    for one in threads: one.join()
seen.append(now())
print(json.dumps(seen))
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["b", "c", "b", "theirs", "theirs"]
    until(lambda: not pending(home), 60)
    runs = _runs(file_store)
    ids = {run.info.run_id: name for name, run in runs.items()}
    parents = {name: ids.get(run.data.tags.get(tags.PARENT)) for name, run in runs.items()}
    assert parents == {
        "a": None,
        "b": "a",
        "c": "b",
        "d": None,
        **{f"t{n}": None for n in range(4)},
    }


def test_a_fork_that_leaves_the_block_does_not_end_the_run(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        """
import os, sys
import jupyter_mlkit as mlkit
with mlkit.start_run("forked") as run:
    pid = os.fork()
    run.log_params({"child" if not pid else "parent": 1})
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        run.log(after=1)
if not pid:
    sys.exit(0)
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    until(lambda: not pending(home), 60)
    run = _runs(file_store)["forked"]
    assert (run.info.status, run.data.metrics["after"]) == ("FINISHED", 1)
    assert run.data.params == {"child": "1", "parent": "1"}


def test_a_relative_path_is_the_same_file_for_all(
    file_store: Place, runner: Runner, home: Home, tmp_path: Path
) -> None:
    done = runner(
        """
import os
import jupyter_mlkit as mlkit
with mlkit.start_run("ours") as run:
    import mlflow
    mlflow.log_metric("theirs", 2)
    os.makedirs("elsewhere")
    os.chdir("elsewhere")
    run.log(ours=1)
mlflow.set_tracking_uri("sqlite:///../mlflow.db")
with mlkit.start_run("again"):
    pass
""",
        "sqlite:///mlflow.db",
    )
    assert done.returncode == 0, done.stderr
    until(lambda: not pending(home), 60)
    runs = _runs(file_store)
    assert runs.keys() == {"ours", "again"}
    assert runs["ours"].data.metrics.items() >= {"theirs": 2, "ours": 1}.items()
    found = {str(path) for path in tmp_path.rglob("*.db")}
    assert found == {str(file_store.path)}


def test_any_number_of_params_and_any_text_come_whole(
    place: Place, runner: Runner, home: Home, tmp_path: Path
) -> None:
    experiment = f"whole {place.kind} {tmp_path}"
    done = runner(
        f"""
import json, time
import jupyter_mlkit as mlkit
from jupyter_mlkit.errors import InvalidInputError
first = {{f"p{{n}}": n for n in range(100_000)}}
with mlkit.start_run(experiment={experiment!r}, params=first, tags={{"text": "n" * 20_000}}) as run:
    # Until the file of those beyond the first thousand was sent.
    while [*run._journal.files.rglob("*")] or [*run._journal.sending.rglob("*")]:
        time.sleep(0.1)
    run.log_params({{"config": "ä" * 10_000, **{{f"q{{n}}": n for n in range(500)}}}})
    run.log_params({{"p1": 1, "q1": 1}})
    try:
        run.log_params({{"p99999": 0, "new": 1}})
    except InvalidInputError as error:
        print(json.dumps([error.code, error.message]))
""",
        place.uri,
    )
    assert done.returncode == 0, done.stderr
    code, message = json.loads(done.stdout)
    assert code == "param_changed"
    assert "['p99999']" in message
    assert done.stderr.count("more than 1,000 params") == 1
    until(lambda: not pending(home), 120)
    found = place.client.get_experiment_by_name(experiment)
    assert found is not None
    (run,) = place.client.search_runs([found.experiment_id])
    assert len(run.data.params) == 1000

    def file(name: str) -> str:
        got = place.client.download_artifacts(run.info.run_id, name, str(tmp_path))
        return Path(got).read_text()

    def whole(text: str) -> str:
        return file(text.rpartition("the whole is in ")[2].removesuffix("]"))

    lines = [json.loads(line) for line in file(run.data.tags[tags.MORE_PARAMS]).splitlines()]
    more = dict(lines)
    assert len(lines) == len(more) == 100_000 + 501 - 1000
    wanted = {f"p{n}": str(n) for n in range(100_000)} | {f"q{n}": str(n) for n in range(500)}
    assert {**run.data.params, **more}.items() >= wanted.items()
    assert whole(more["config"]) == "ä" * 10_000
    assert whole(run.data.tags["text"]) == "n" * 20_000


@pytest.mark.parametrize(
    ("ends", "status", "reason"),
    [
        ("mlkit.start_run('it'); raise ValueError", "FAILED", None),
        ("mlkit.start_run('it'); raise KeyboardInterrupt", "KILLED", "stopped"),
        ("with mlkit.start_run('it'): raise SystemExit(3)", "FAILED", None),
        ("with mlkit.start_run('it'): raise SystemExit", "FINISHED", None),
        ("""
run = mlkit.start_run('it')
try: raise ValueError
except ValueError: pass
""", "FINISHED", None),
    ],
)  # fmt: skip
def test_ends_as_the_process_does(
    file_store: Place, runner: Runner, home: Home, ends: str, status: str, reason: str | None
) -> None:
    runner(f"import jupyter_mlkit as mlkit\n{ends}", file_store.uri)
    until(lambda: not pending(home), 60)
    run = until(lambda: _runs(file_store).get("it"), 60)
    assert run.info.status == status
    assert run.data.tags.get(tags.END_REASON) == reason


def test_what_is_refused_is_refused_at_the_call_and_leaves_nothing(
    file_store: Place, runner: Runner, home: Home
) -> None:
    done = runner(
        r"""
import json
import jupyter_mlkit as mlkit
from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.tracking import run as module
said = []
def refused(call, *given, **named):
    try:
        call(*given, **named)
    except InvalidInputError as error:
        said.append(error.code)
    else:
        said.append("taken")
refused(mlkit.start_run, "half", tags={"a": "\ud800"})
refused(mlkit.start_run, "half", params={"\ud800": 1, **{f"p{n}": n for n in range(2000)}})
with mlkit.start_run("whole") as run:
    for name in ("", "a/b", "a.b", 'a"b', None, 3, "\ud800"):
        refused(run.log_model, {}, name)
    refused(run.log, loss=1, step="three")
    refused(run.log, loss=1, step=2**70)
    refused(run.log, {"\ud800": 1, "loss": 1})
    refused(run.log_params, {"\ud800": 1, "good": 1})
    refused(run.end, "DONE")
    run.log(loss=7)
    run.log_params({"good": 2})
print(json.dumps([said, len(module._active)]))
""",
        file_store.uri,
    )
    assert done.returncode == 0, done.stderr
    said, active = json.loads(done.stdout)
    assert said == [
        *["not_text"] * 2, *["not_a_name"] * 6, "not_text",
        *["not_a_metric"] * 2, *["not_text"] * 2, "not_a_status",
    ]  # fmt: skip
    assert active == 0
    until(lambda: not pending(home), 60)
    runs = _runs(file_store)
    assert runs.keys() == {"whole"}
    assert runs["whole"].data.params == {"good": "2"}
    history = file_store.client.get_metric_history(runs["whole"].info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == [(0, 7)]
