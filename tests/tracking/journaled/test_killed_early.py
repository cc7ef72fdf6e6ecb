"""A training that is killed as soon as it has begun leaves where it came from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from stores import Place, until

from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.drainer.wake import wake
from jupyter_mlkit.tracking.journal.home import Home

from .conftest import Runner


@pytest.mark.parametrize(
    "begin",
    ["import mlflow; mlflow.start_run()", "import jupyter_mlkit as m; m.start_run()"],
    ids=["mlflow", "ours"],
)
def test_its_provenance_is_kept(
    file_store: Place, runner: Runner, home: Home, tmp_path: Path, begin: str
) -> None:
    done = runner(
        f"import os, signal\n{begin}\nos.kill(os.getpid(), signal.SIGKILL)", file_store.uri
    )
    assert done.returncode == -9
    wake(home)
    until(lambda: not pending(home), 60)

    def arrived() -> bool:
        (run,) = file_store.client.search_runs(["0"])
        files = file_store.client.list_artifacts(run.info.run_id, "mlkit")
        return tags.ARTIFACT_ENVIRONMENT in {one.path for one in files}

    until(arrived, 60)
    (run,) = file_store.client.search_runs(["0"])
    path = file_store.client.download_artifacts(
        run.info.run_id, tags.ARTIFACT_ENVIRONMENT, str(tmp_path)
    )
    assert f"# executable {sys.executable}" in Path(path).read_text()
    until(lambda: not [*home.journals()], 30)
