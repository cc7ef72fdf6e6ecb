"""``%%mlkit_run`` and ``%mlkit_log`` in a real kernel."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from jupyter_mlkit.magics.run_cell import parse_pairs


class Kernel:
    """A kernel, and what came back of each cell."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, *, interrupt_after: str | None = None) -> dict[str, Any]:
        """Execute `code`; send SIGINT when its output has the words `interrupt_after`."""
        outputs: list[dict[str, Any]] = []
        text = ""

        def take(message: dict[str, Any]) -> None:
            nonlocal text
            outputs.append(message)
            if message["msg_type"] == "stream":
                text += message["content"]["text"]
            if interrupt_after and interrupt_after in text and "sent" not in done:
                done.add("sent")
                self.manager.interrupt_kernel()

        done: set[str] = set()
        reply = self.client.execute_interactive(code, output_hook=take, timeout=120)
        return {
            "status": reply["content"]["status"],
            "ename": reply["content"].get("ename"),
            "text": text,
            "errors": [m["content"] for m in outputs if m["msg_type"] == "error"],
            "results": [
                m["content"]["data"]["text/plain"]
                for m in outputs
                if m["msg_type"] == "execute_result"
            ],
        }

    def last_run(self) -> dict[str, Any]:
        """Return the newest run of the store."""
        code = (
            "import json, mlflow\n"
            "r = mlflow.search_runs(search_all_experiments=True, output_format='list',"
            " order_by=['attributes.start_time DESC'], max_results=1)[0]\n"
            "print('RUN', json.dumps({'status': r.info.status, 'name': r.info.run_name,"
            " 'tags': r.data.tags, 'params': r.data.params, 'metrics':"
            " {k: v for k, v in r.data.metrics.items() if not k.startswith('system/')},"
            " 'id': r.info.run_id, 'experiment':"
            " mlflow.get_experiment(r.info.experiment_id).name}))"
        )
        found: dict[str, Any] = json.loads(self.run(code)["text"].partition("RUN ")[2])
        return found


@pytest.fixture(scope="module")
def kernel(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("kernel")
    shutil.copy(empty_store, folder / "mlflow.db")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(
        cwd=str(folder),
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": str(folder / "artifacts"),
        },
    )
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    kernel = Kernel(manager, client)
    assert kernel.run("%load_ext jupyter_mlkit")["status"] == "ok"
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_run_around_a_cell(kernel: Kernel) -> None:
    found = kernel.run(
        "%%mlkit_run -e 'sea ice' -n \"first try\" --tag team=ice --tag 'note=two words'\n"
        "error = [0.3, 0.5]\n"
        "%mlkit_log rmse=sum(error) / len(error) model='ridge' step=3\n"
        "%mlkit_log best=min(error, key=abs)\n"
        "mlkit_run.info.run_id\n"
    )
    assert found["status"] == "ok", found
    run = kernel.last_run()
    assert run["status"] == "FINISHED"
    assert (run["name"], run["experiment"]) == ("first try", "sea ice")
    assert (run["tags"]["team"], run["tags"]["note"]) == ("ice", "two words")
    assert run["metrics"] == {"rmse": 0.4, "best": 0.3}
    assert run["params"] == {"model": "ridge"}
    # The value of the last line is shown, and names of the cell stay.
    assert found["results"] == [repr(run["id"])]
    assert kernel.run("error")["results"] == ["[0.3, 0.5]"]


def test_error_fails_the_run_and_is_shown_once(kernel: Kernel) -> None:
    found = kernel.run("%%mlkit_run\n%mlkit_log loss=2\nraise ValueError('too warm')")
    assert found["status"] == "error"
    assert found["ename"] == "ValueError"
    assert len(found["errors"]) == 1
    traceback = "\n".join(found["errors"][0]["traceback"])
    assert "too warm" in traceback
    # The user's own lines, not the magic's.
    assert "run_cell.py" not in traceback
    run = kernel.last_run()
    assert run["status"] == "FAILED"
    assert run["metrics"] == {"loss": 2.0}


def test_syntax_errors_fail_the_run(kernel: Kernel) -> None:
    found = kernel.run("%%mlkit_run\nx = = 1")
    assert (found["status"], found["ename"]) == ("error", "SyntaxError")
    assert kernel.last_run()["status"] == "FAILED"


def test_interrupt_kills_the_run(kernel: Kernel) -> None:
    found = kernel.run(
        "%%mlkit_run -n stopped\nprint('going', flush=True)\nimport threading\n"
        "threading.Event().wait(60)",
        interrupt_after="going",
    )
    assert (found["status"], found["ename"]) == ("error", "KeyboardInterrupt")
    run = kernel.last_run()
    assert (run["name"], run["status"]) == ("stopped", "KILLED")
    assert run["tags"]["mlkit.end_reason"] == "stopped"
    # The kernel goes on, without a run that is still open.
    assert kernel.run("import mlflow; print(mlflow.active_run())")["text"].strip() == "None"


def test_a_run_within_a_run_is_its_child(kernel: Kernel) -> None:
    found = kernel.run(
        "with mlflow.start_run(run_name='outer') as outer:\n"
        "    get_ipython().run_cell_magic('mlkit_run', '-n inner', '%mlkit_log a=1')\n"
        "print(outer.info.run_id, mlflow.active_run())"
    )
    assert found["status"] == "ok", found
    outer = found["text"].split()[-2]
    inner = kernel.last_run()
    assert inner["name"] == "inner"
    assert inner["tags"]["mlflow.parentRunId"] == outer


def test_a_run_that_the_cell_ended_itself_stays_ended(kernel: Kernel) -> None:
    assert kernel.run("%%mlkit_run\nmlflow.end_run('KILLED')")["status"] == "ok"
    assert kernel.last_run()["status"] == "KILLED"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%mlkit_log rmse=1", "no active run"),
        ("%mlkit_log", "no active run|Usage"),
        ("%%mlkit_run --colour red\npass", "unrecognized arguments"),
        ("%%mlkit_run --tag team\npass", "key=value"),
        ("%%mlkit_run\n%mlkit_log rmse=[1, 2]", "is a list"),
        ("%%mlkit_run\n%mlkit_log rmse 1", "Expected name=value"),
        ("%%mlkit_run\n%mlkit_log rmse=1 step=0.5", "integer"),
        ("%%mlkit_run\n%mlkit_log rmse=1 +", "not a Python expression"),
    ],
)
def test_wrong_use_is_one_clear_line(kernel: Kernel, line: str, words: str) -> None:
    found = kernel.run(line)
    assert found["status"] == "error"
    assert found["ename"] == "UsageError"
    assert any(word in found["text"] for word in words.split("|")), found
    assert found["text"].count("UsageError") == 1
    assert found["errors"] == []


def test_wrong_names_are_the_users_own_error(kernel: Kernel) -> None:
    found = kernel.run("%%mlkit_run\n%mlkit_log rmse=no_such_name")
    assert found["ename"] == "NameError"
    assert kernel.last_run()["status"] == "FAILED"


def test_numbers_of_all_kinds_are_metrics(kernel: Kernel) -> None:
    kernel.run(
        "%%mlkit_run\nimport numpy as np, xarray as xr\n"
        "%mlkit_log a=np.float32(0.5) b=xr.DataArray(2.0) c=np.array([3]) d=True val/rmse=1e-3"
    )
    run = kernel.last_run()
    assert run["status"] == "FINISHED"
    assert run["metrics"] == {"a": 0.5, "b": 2.0, "c": 3.0, "d": 1.0, "val/rmse": 0.001}


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("a=1", [("a", "1")]),
        ("a=1 b=2", [("a", "1"), ("b", "2")]),
        ("a=1, b=2,", [("a", "1"), ("b", "2")]),
        ("a = 1  b = 2", [("a", "1"), ("b", "2")]),
        ("a=f(x, y=3) b='p q=r'", [("a", "f(x, y=3)"), ("b", "'p q=r'")]),
        ("a=x == y step=2", [("a", "x == y"), ("step", "2")]),
        ("val/rmse=d['a b'] k=[1, 2][0]", [("val/rmse", "d['a b']"), ("k", "[1, 2][0]")]),
        ("a=1 if b else 2", [("a", "1 if b else 2")]),
        ("a=lambda x=1: x b=3", [("a", "lambda x=1: x"), ("b", "3")]),
    ],
)
def test_pairs(line: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_pairs(line) == pairs


@pytest.mark.parametrize("line", ["", "a", "1=2", "a=1 b", "=1"])
def test_no_pairs(line: str) -> None:
    with pytest.raises(UsageError):
        parse_pairs(line)


def test_prepare_cell_runs_by_itself_and_travels_with_a_spec(kernel: Kernel) -> None:
    cell = "%%mlkit_prepare\nimport numpy as np\n\ndef warm(cube):\n    return np.abs(cube)\n"
    assert kernel.run(cell)["status"] == "ok"
    shown = kernel.run("print(int(warm(-3)), mlkit_prepare['function'])")
    assert shown["text"].split() == ["3", "warm"]
    assert "np.abs" in kernel.run("print(mlkit_prepare['code'])")["text"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("factor = scale + 1\n\ndef f(cube):\n    return cube\n", "runs by itself"),
        ("x = 1\n", "defines no function"),
    ],
)
def test_prepare_cell_that_a_job_could_not_run_is_refused(
    kernel: Kernel, body: str, said: str
) -> None:
    kernel.run("scale = 2")
    failed = kernel.run(f"%%mlkit_prepare\n{body}")
    assert said in failed["text"] + str(failed["errors"])
    assert kernel.run("f")["ename"] == "NameError"
