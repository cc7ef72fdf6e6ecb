"""A run that another process resumes knows where both parts of it come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from drainers import end_drainers
from stores import Place, until

from jupyter_mlkit.cli import main
from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT, ENV_JOURNAL
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.drainer.status import pending
from jupyter_mlkit.tracking.journal.home import Home

from .kernels import Kernel, git, repository


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "data" / "jupyter_mlkit" / "journal")
    yield home
    end_drainers(home)


def _environment(place: Place, home: Home) -> dict[str, str]:
    return {
        ENV_JOURNAL: "1",
        ENV_ARTIFACT_ROOT: str(place.artifact_root),
        "JUPYTER_DATA_DIR": str(home.root.parents[1]),
    }


def _kernel(folder: Path, name: str, place: Place, home: Home) -> Kernel:
    return Kernel(folder, place.uri, JPY_SESSION_NAME=name, **_environment(place, home))


def test_both_notebooks_and_the_script_are_kept(
    file_store: Place,
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = repository(tmp_path / "repository")
    first = _kernel(root, "first.ipynb", file_store, home)
    try:
        first.run("import mlflow\nrun = mlflow.start_run()\nhere = 'first'")
        run_id = first.value("run.info.run_id")
        first.run("mlflow.end_run()")
    finally:
        first.close()
    until(lambda: not pending(home), 60)
    before = file_store.client.get_run(run_id)
    commit = git(root, "rev-parse", "HEAD")
    (root / "code.py").write_text("a = 'changed'\n")
    git(root, "commit", "-qam", "Change")
    (root / "code.py").write_text("a = 'changed again'\n")
    second = _kernel(root, "second.ipynb", file_store, home)
    try:
        second.run("there = 'second'")
        second.run(f"import mlflow\nmlflow.start_run(run_id='{run_id}')\nmlflow.log_metric('x', 1)")
        second.run("mlflow.end_run()")
    finally:
        second.close()
    script = tmp_path / "go_on.py"
    script.write_text(
        f"import mlflow\nwith mlflow.start_run(run_id='{run_id}'): mlflow.log_metric('x', 2)"
    )
    subprocess.run(
        [sys.executable, script],
        env={
            **os.environ, **_environment(file_store, home), "MLFLOW_TRACKING_URI": file_store.uri
        },
        cwd=tmp_path, check=True,
    )  # fmt: skip
    until(lambda: not pending(home), 60)
    until(lambda: not [*home.journals()], 60)

    run = file_store.client.get_run(run_id)
    assert run.data.metrics["x"] == 2
    assert run.data.tags[tags.GIT_COMMIT] == commit
    # What was told of the beginning is told still.
    ours = {key: value for key, value in before.data.tags.items() if key.startswith(tags.PREFIX)}
    assert ours.items() <= run.data.tags.items()
    assert before.data.metrics.items() <= run.data.metrics.items()

    stored = Path(file_store.client.download_artifacts(run_id, "mlkit", str(tmp_path)))
    assert (stored / "notebook.json.gz").exists()
    assert not (stored / "git.diff").exists() or b"again" not in (stored / "git.diff").read_bytes()
    notebook, other = sorted((stored / "resumed").iterdir())
    assert {one.name for one in notebook.iterdir()} == {
        "notebook.json.gz", "environment.txt", "git.diff", "source.json",
    }  # fmt: skip
    assert "+a = 'changed again'" in (notebook / "git.diff").read_text()
    source = json.loads((notebook / "source.json").read_text())
    assert (
        source["tags"][tags.NOTEBOOK] == str(root / "second.ipynb")
        or "second.ipynb" in (source["tags"][tags.NOTEBOOK])
    )
    assert source["tags"][tags.GIT_COMMIT] == git(root, "rev-parse", "HEAD")
    assert (source["tags"][tags.GIT_DIRTY], source["tags"][tags.CELLS]) == ("true", "3")
    assert source["used"][tags.WALL_SECONDS] > 0
    assert {one.name for one in other.iterdir()} == {"environment.txt", "source.json"}
    told = json.loads((other / "source.json").read_text())["tags"]
    assert told["mlflow.source.name"] == str(script)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", file_store.uri)
    monkeypatch.setenv(ENV_ARTIFACT_ROOT, str(file_store.artifact_root))
    monkeypatch.chdir(tmp_path)
    assert main(["notebook", run_id]) == 0
    for name, source_line in (("first", "here = 'first'"), ("second", "there = 'second'")):
        suffix = "-2" if name == "second" else ""
        restored = nbformat.read(tmp_path / f"{name}-{run_id[:8]}{suffix}.ipynb", as_version=4)
        assert any(source_line in one.source for one in restored.cells)
