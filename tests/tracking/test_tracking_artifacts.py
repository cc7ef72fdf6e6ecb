"""Artifacts: served beneath the given roots, and no name leads out of them."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from corpus import traversals
from stores import Place

from jupyter_mlkit.errors import ForbiddenError, InvalidInputError, NotFoundError
from jupyter_mlkit.tracking import descend
from jupyter_mlkit.tracking.backend import TrackingBackend
from jupyter_mlkit.tracking.beneath import list_folder, open_file, split_path
from jupyter_mlkit.tracking.locations import Beneath, Closed, Remote, locate

SECRET = b"the canary outside of the root"


def test_artifacts_are_listed_and_opened(place: Place) -> None:
    run_id = place.client.create_run(place.experiment()).info.run_id
    place.client.log_text(run_id, "hello", "maps/split.txt")
    for name in ("b", "a", "c"):
        place.client.log_text(run_id, name, f"{name}.txt")
    backend = place.backend
    page = backend.artifacts(run_id, max_results=2)
    rest = backend.artifacts(run_id, max_results=2, page_token=page.next_page_token)
    assert [(a.path, a.is_dir, a.size) for a in page.items + rest.items] == [
        ("maps", True, None),
        ("a.txt", False, 1),
        ("b.txt", False, 1),
        ("c.txt", False, 1),
    ]
    assert rest.next_page_token is None
    assert page.served
    assert [a.path for a in backend.artifacts(run_id, "maps").items] == ["maps/split.txt"]
    file, size, name = backend.open_artifact(run_id, "maps/split.txt")
    with file:
        assert (file.read(), size, name) == (b"hello", 5, "split.txt")
    for missing in ("nothing.txt", "maps/nothing", "maps", "a.txt/x"):
        with pytest.raises(NotFoundError):
            backend.open_artifact(run_id, missing)
    with pytest.raises(NotFoundError):
        backend.artifacts(run_id, "nothing")


def test_a_run_without_artifacts_has_an_empty_folder(place: Place) -> None:
    run_id = place.client.create_run(place.experiment()).info.run_id
    page = place.backend.artifacts(run_id)
    assert (page.items, page.served) == ([], True)


def test_the_model_of_a_run_is_a_folder_of_it(file_store: Place) -> None:
    run_id, location = file_store.elsewhere(
        """
from mlflow.entities import LoggedModelOutput
mlflow.set_experiment(experiment_id=experiment)
with mlflow.start_run() as run:
    model = mlflow.initialize_logged_model(name="model", source_run_id=run.info.run_id)
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
result = [run.info.run_id, client.get_logged_model(model.model_id).artifact_location]
""",
        experiment=file_store.experiment(),
    )
    Path(location).mkdir(parents=True)
    Path(location, "MLmodel").write_text("flavors: {}")
    backend = file_store.backend
    assert [(a.path, a.is_dir) for a in backend.artifacts(run_id).items] == [("model", True)]
    assert [a.path for a in backend.artifacts(run_id, "model").items] == ["model/MLmodel"]
    file, size, _ = backend.open_artifact(run_id, "model/MLmodel")
    with file:
        assert size == 11


@pytest.fixture(params=["in one call", "by parts"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways down, whatever this machine would choose."""
    if request.param == "by parts":
        monkeypatch.setattr(descend, "way", lambda: descend.by_parts)
    else:
        assert descend.way() is descend.in_one_call, "this kernel has openat2"


def test_no_name_leads_out_of_the_folder(tmp_path: Path, either_way: None) -> None:
    corpus = traversals()
    assert len(corpus) >= 500
    base = tmp_path / "a" / "b" / "c" / "d" / "root"
    (base / "maps").mkdir(parents=True)
    (base / "maps" / "split.txt").write_bytes(b"fine")
    for folder in base.parents[:5]:
        (folder / "secret.txt").write_bytes(SECRET)
    for name in corpus:
        for spelled in {name, quote(name, errors="surrogatepass"), f"maps/{name}"}:
            try:
                file, _ = open_file(base, split_path(spelled))
            except (InvalidInputError, NotFoundError):
                pass
            else:
                with file:
                    pytest.fail(f"{spelled!r} gave {file.read()!r}")
            try:
                entries = list_folder(base, split_path(spelled))
            except (InvalidInputError, NotFoundError):
                continue
            assert "secret.txt" not in {entry.name for entry in entries}, spelled


def test_links_pipes_and_sockets_are_not_followed(tmp_path: Path, either_way: None) -> None:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.txt").write_bytes(SECRET)
    (root / "inside" / "fine.txt").write_bytes(b"fine")
    (root / "file-link").symlink_to(tmp_path / "out" / "secret.txt")
    (root / "folder-link").symlink_to(tmp_path / "out")
    (root / "inner-link").symlink_to("inside")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "proc").symlink_to("/proc/self/root")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as ear:
        here = Path.cwd()
        os.chdir(root)
        ear.bind("socket")
        os.chdir(here)
        assert [entry.name for entry in list_folder(root, ())] == ["inside"]
        for name in (
            "file-link", "folder-link/secret.txt", "inner-link/fine.txt", "dangling", "loop",
            "proc/etc/passwd", "pipe", "socket", "inside",
        ):  # fmt: skip
            with pytest.raises(NotFoundError):
                open_file(root, split_path(name))
        for name in ("folder-link", "inner-link", "loop", "pipe"):
            with pytest.raises(NotFoundError):
                list_folder(root, split_path(name))


def test_a_folder_that_becomes_a_link_leads_nowhere(
    tmp_path: Path, either_way: None, nightly: int
) -> None:
    """The race that checking first and opening then would lose."""
    root, out = tmp_path / "root", tmp_path / "out"
    (root / "kept").mkdir(parents=True)
    (root / "kept" / "x.txt").write_bytes(b"fine")
    out.mkdir()
    (out / "x.txt").write_bytes(SECRET)
    (root / "link").symlink_to(out)
    (root / "maps").symlink_to("kept")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for target in ("kept", "link"):
                (root / target).rename(root / "maps")
                (root / "maps").rename(root / target)

    (root / "maps").unlink()
    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = {"fine": 0, "refused": 0}
    try:
        while min(seen.values()) < 50 * nightly:
            try:
                file, _ = open_file(root, ("maps", "x.txt"))
            except NotFoundError:
                seen["refused"] += 1
            else:
                with file:
                    assert file.read() == b"fine"
                seen["fine"] += 1
    finally:
        stop.set()
        swapper.join()


def test_a_root_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.txt").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    for spelling in ("link", "real"):
        place = locate(str(tmp_path / spelling), tmp_path / "link", ())
        assert isinstance(place, Beneath)
        open_file(place.root, (*place.parts, "x.txt"))[0].close()


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("{root}/artifacts/1/run/artifacts", Beneath),
        ("file://{root}/artifacts/1/run", Beneath),
        ("file://localhost{root}/artifacts/1", Beneath),
        ("{root}/lab/mlruns/1", Beneath),
        ("{root}/lab/.ssh", Closed),
        ("{root}/artifacts2/1", Closed),
        ("{root}/artifacts/../secret", Closed),
        ("{root}/artifacts/%2e%2e/secret", Beneath),
        ("file://{root}/artifacts/%2e%2e/secret", Closed),
        ("file://other.org{root}/artifacts", Closed),
        ("/etc", Closed),
        ("mlruns/1", Closed),
        ("", Closed),
        ("http://169.254.169.254/latest", Closed),
        ("ftp://x/y", Closed),
        ("runs:/x/y", Closed),
        ("mlflow-artifacts:/1/x", Remote),
        ("mlflow-artifacts://evil.org/1/x", Closed),
        ("s3://bucket/1", Remote),
    ],
)
def test_only_given_roots_are_served(uri: str, kind: type, tmp_path: Path) -> None:
    place = locate(uri.format(root=tmp_path), tmp_path / "artifacts", [tmp_path / "lab"])
    assert isinstance(place, kind)
    if isinstance(place, Closed):
        assert place.hint
    if isinstance(place, Remote):
        assert place.served is uri.startswith("mlflow-artifacts")


def test_artifacts_elsewhere_are_not_served_but_said(file_store: Place, tmp_path: Path) -> None:
    location = str(tmp_path / "project" / "mlruns")
    experiment = file_store.client.create_experiment("elsewhere", artifact_location=location)
    run_id = file_store.client.create_run(experiment).info.run_id
    file_store.client.log_text(run_id, "x", "x.txt")
    file_store.client.log_text(run_id, "x", ".hidden/x.txt")
    page = file_store.backend.artifacts(run_id)
    assert (page.items, page.served) == ([], False)
    assert "outside the artifact root" in (page.hint or "")
    with pytest.raises(ForbiddenError) as caught:
        file_store.backend.open_artifact(run_id, "x.txt")
    assert caught.value.code == "artifact_not_served"

    with_lab = TrackingBackend(file_store.uri, file_store.artifact_root, [tmp_path / "project"])
    assert [a.path for a in with_lab.artifacts(run_id).items] == ["x.txt"]
    with_lab.open_artifact(run_id, "x.txt")[0].close()
    with pytest.raises(NotFoundError):
        with_lab.open_artifact(run_id, ".hidden/x.txt")


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/x",
        "a//b",
        "a\\b",
        "a\x00b",
        "a?x=1",
        "a#b",
        "C:x",
        "maps/c:/x",
        "a/../b",
        "file://x",
    ],
)
def test_bad_paths_are_named(place: Place, path: str) -> None:
    run_id = place.client.create_run(place.experiment()).info.run_id
    with pytest.raises(InvalidInputError) as caught:
        place.backend.open_artifact(run_id, path)
    assert (caught.value.code, caught.value.field) == ("bad_path", "path")


@pytest.mark.parametrize("path", ["a%2fb", "a;x=1", "a&b", "..%2f..%2fx", "ab:c"])
def test_what_is_syntax_in_a_url_is_not_asked_of_a_server(server_store: Place, path: str) -> None:
    run_id = server_store.client.create_run(server_store.experiment()).info.run_id
    server_store.client.log_text(run_id, "x", "a")
    with pytest.raises(NotFoundError):
        server_store.backend.open_artifact(run_id, path)
