"""Provenance of runs of a real kernel, stored in a real MLflow store."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from stores import Place

from jupyter_mlkit.cli import main
from jupyter_mlkit.paths import ENV_ARTIFACT_ROOT
from jupyter_mlkit.tracking import tags
from jupyter_mlkit.tracking.provenance.stored import unpack

from .kernels import HOOKS, Kernel, git, repository

_ENVIRONMENT = {
    "JUPYTERHUB_USER": "anna",
    "JUPYTER_IMAGE": "registry.example.org/cubes:7",
    "SOME_SERVICE_TOKEN": "canary-environment-1",
    "PYTHONPATH": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "repository") / "analysis"
    folder.mkdir()
    cells = [
        {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": ["# Ice\n", "About"]},
        {
            "cell_type": "code", "id": "load", "metadata": {}, "execution_count": 9,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "canary-output"}],
            "source": "x = 0  # as saved",
        },
        {"cell_type": "code", "id": "late", "metadata": {}, "execution_count": None,
         "outputs": [], "source": "never = 'executed'"},
    ]  # fmt: skip
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "sea ice.ipynb").write_text(json.dumps(notebook))
    return folder


@pytest.fixture
def kernel(folder: Path, file_store: Place) -> Iterator[Kernel]:
    kernel = Kernel(
        folder,
        file_store.uri,
        JPY_SESSION_NAME="analysis/sea ice.ipynb",
        **{**_ENVIRONMENT, ENV_ARTIFACT_ROOT: str(file_store.artifact_root)},
    )
    yield kernel
    kernel.close()


def test_a_run_knows_where_it_came_from(
    kernel: Kernel,
    folder: Path,
    file_store: Place,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = folder.parent
    git(root, "remote", "add", "origin", "https://anna:canary-remote-1@example.org/ice.git")
    (root / "code.py").write_text("a = 2\npassword = 'canary-diff-1'\n")
    # Cells before anything of ours is imported.
    kernel.run("x = 1  # as executed", "load")
    kernel.run("api_key = 'canary-cell-1'\ntokenizer = None")
    kernel.run(HOOKS)
    kernel.run("run = mlflow.start_run(); log_start(run.info.run_id)", "begin")
    kernel.run("y = 'during the run'", "during")
    kernel.run(
        "print('canary-environment-1')\nlog_end(run.info.run_id); mlflow.end_run()", "finish"
    )
    kernel.run("after = 'the run'")
    run = file_store.client.search_runs(["0"])[0]
    run_id = run.info.run_id

    found = run.data.tags
    assert found[tags.NOTEBOOK] == str(folder / "sea ice.ipynb")
    assert found["mlflow.source.name"] == "sea ice.ipynb"
    assert found[tags.GIT_COMMIT] == git(root, "rev-parse", "HEAD")
    assert (found[tags.GIT_BRANCH], found[tags.GIT_DIRTY]) == ("work", "true")
    assert found[tags.GIT_REPOSITORY] == "https://example.org/ice.git"
    assert (found[tags.HUB_USER], found[tags.KERNEL_NAME]) == ("anna", "python3")
    assert found[tags.IMAGE] == "registry.example.org/cubes:7"
    assert found[tags.KERNEL_ID]
    assert found[tags.CELLS] == "6"
    for metric in (tags.WALL_SECONDS, tags.CPU_SECONDS, tags.PEAK_MEMORY, tags.ENERGY, tags.CO2E):
        assert run.data.metrics[metric] > 0

    held = {one.path for one in file_store.client.list_artifacts(run_id, "mlkit")}
    assert held == {tags.ARTIFACT_NOTEBOOK, tags.ARTIFACT_ENVIRONMENT, tags.ARTIFACT_GIT_DIFF}
    stored = Path(file_store.client.download_artifacts(run_id, "mlkit", str(tmp_path)))
    diff = (stored / "git.diff").read_text()
    assert "+a = 2" in diff
    assert "# untracked: analysis/" in diff
    assert "# image registry.example.org/cubes:7" in (stored / "environment.txt").read_text()
    packed = (stored / "notebook.json.gz").read_bytes()
    notebook = unpack(packed)
    assert [one.execution_count for one in notebook.cells] == [1, 2, 3, 4, 5, 6]
    assert notebook.cells[1].source == "api_key = '[secret]'\ntokenizer = None"
    assert [one.id for one in notebook.cells] == [None, None, None, "begin", "during", "finish"]
    assert (notebook.started_in, notebook.ended_in) == (4, 6)
    assert found[tags.CELLS_DIGEST] == notebook.digest

    # No secret in anything that was stored.
    everything = gzip.decompress(packed) + packed
    files = [*stored.rglob("*"), *Path(file_store.artifact_root).rglob("*")]
    everything += b"".join(one.read_bytes() for one in files if one.is_file())
    assert file_store.path is not None
    everything += file_store.path.read_bytes()
    assert b"canary" not in everything
    assert b"during the run" in everything

    monkeypatch.setenv("MLFLOW_TRACKING_URI", file_store.uri)
    monkeypatch.setenv(ENV_ARTIFACT_ROOT, str(file_store.artifact_root))
    monkeypatch.chdir(tmp_path)
    assert main(["notebook", run_id]) == 0
    assert f"sea-ice-{run_id[:8]}.ipynb" in capsys.readouterr().out
    restored = nbformat.read(tmp_path / f"sea-ice-{run_id[:8]}.ipynb", as_version=4)
    nbformat.validate(restored)
    sources = [one.source for one in restored.cells]
    assert sources[1] == "# Ice\nAbout"
    # Executed before its id could be known, and not as it was saved.
    assert sources[2:4] == ["x = 0  # as saved", "never = 'executed'"]
    assert "x = 1  # as executed" in sources[4:]
    assert not any("after" in one for one in sources)
    assert main(["notebook", run_id]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["notebook", run_id, "-o", str(tmp_path / "again.ipynb")]) == 0


def test_cells_with_a_known_id_take_their_place_in_the_file(
    kernel: Kernel, file_store: Place
) -> None:
    kernel.run(HOOKS, "imports")
    kernel.run("x = 2", "load")
    kernel.run("x = 3", "load")
    kernel.run("run = mlflow.start_run(); log_start(run.info.run_id); log_end(run.info.run_id)")
    run = file_store.client.search_runs(["0"])[0]
    path = file_store.client.download_artifacts(run.info.run_id, tags.ARTIFACT_NOTEBOOK)
    notebook = unpack(Path(path).read_bytes())
    assert [one.id for one in notebook.cells] == ["imports", "load", "load", None]
    from jupyter_mlkit.tracking.provenance.notebook import rebuild

    cells = rebuild(notebook, run.info.run_id)["cells"]
    load = next(one for one in cells if one["id"] == "load")
    assert (load["source"], load["metadata"]["mlkit"]["executed"]) == ("x = 3", [2, 3])
    assert [one["id"] for one in cells[:4]] == ["mlkit-origin", "intro", "load", "late"]


def test_only_what_is_new_is_handed_out(kernel: Kernel) -> None:
    kernel.run(HOOKS)
    kernel.run("a = record.at_start('r1'); b = record.at_start('r1')")
    assert kernel.value("[sorted(a), sorted(b)]") == [["mlkit/notebook.json.gz"], []]
    kernel.run("c = record.gathered('r1'); d = record.gathered('r1')")
    assert kernel.value("[sorted(c), sorted(d)]") == [
        ["mlkit/environment.txt", "mlkit/git.diff"],
        [],
    ]
    kernel.run("e = record.at_end('r1'); f = record.at_end('r1')")
    assert kernel.value("sorted(e.files)") == ["mlkit/notebook.json.gz"]
    assert kernel.value("[sorted(f.files), f.metrics, f.tags]") == [[], {}, {}]
    # Continued: time is added, and the cells since are there.
    kernel.run("g = record.at_start('r1'); h = record.at_end('r1')")
    assert kernel.value("[sorted(g), sorted(h.files)]") == [[], ["mlkit/notebook.json.gz"]]
    assert kernel.value(f"h.metrics[{tags.WALL_SECONDS!r}] > e.metrics[{tags.WALL_SECONDS!r}]")
    assert kernel.value("[list(record.at_end('r2').files), record.at_end('r2').metrics]") == [
        [],
        {},
    ]
    # A child comes from the same cells.
    kernel.run("record.at_start('p'); i = record.at_start('c', parent='p'); j = record.at_end('c')")
    assert kernel.value("[sorted(i), sorted(j.files), len(j.metrics) > 4]") == [[], [], True]


def test_what_takes_longer_comes_later(kernel: Kernel) -> None:
    kernel.run(HOOKS)
    kernel.run(
        "import pathlib, tempfile\ninto = pathlib.Path(tempfile.mkdtemp())\n"
        "first = record.at_start('r1', into=into)\nassert record.gathered('r1') == {}\n"
        "late = [str(one.relative_to(into)) for one in into.glob('*/*')]"
    )
    assert kernel.value("[sorted(first), sorted(late)]") == [
        [],
        ["mlkit/environment.txt", "mlkit/git.diff", "mlkit/notebook.json.gz"],
    ]
    kernel.run("end = record.at_end('r1')")
    assert kernel.value("sorted(end.files)") == ["mlkit/notebook.json.gz"]


def test_a_kernel_without_our_imports_has_the_tags(kernel: Kernel, file_store: Place) -> None:
    kernel.run("import mlflow\nwith mlflow.start_run(): pass")
    found = file_store.client.search_runs(["0"])[0].data.tags
    assert (found[tags.GIT_BRANCH], found[tags.KERNEL_NAME]) == ("work", "python3")
    assert found[tags.NOTEBOOK].endswith("sea ice.ipynb")


def test_reset_does_not_make_a_run_forget(kernel: Kernel) -> None:
    kernel.run("first = 1")
    kernel.run(HOOKS)
    kernel.run("record.at_start('r1')")
    kernel.run("get_ipython().run_line_magic('reset', '-f in')")
    kernel.run(HOOKS + "from jupyter_mlkit.tracking.provenance.stored import unpack\n")
    kernel.run("cells = unpack(record.at_end('r1').files['mlkit/notebook.json.gz']).cells")
    counts = kernel.value("[one.execution_count for one in cells]")
    assert counts[:3] == [1, 2, 3]
    assert counts[-1] == 6
