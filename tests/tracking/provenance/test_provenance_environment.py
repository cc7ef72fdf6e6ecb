"""What a run remembers of the environment that it was made in."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from jupyter_mlkit.tracking.provenance import environment
from jupyter_mlkit.tracking.provenance.environment import environment_text, image, installed


def _install(folder: Path, name: str, origin: object = None) -> None:
    info = folder / f"{name}-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n\nName: not\nVersion: 9\n"
    )
    if origin is not None:
        (info / "direct_url.json").write_text(
            origin if isinstance(origin, str) else json.dumps(origin)
        )


def test_environment_is_what_pip_reads() -> None:
    lines = environment_text().splitlines()
    assert lines[0].startswith("# python 3.")
    assert f"numpy=={metadata.version('numpy')}" in lines
    assert len(installed()) == len(set(installed()))


def test_it_names_all_that_importlib_finds() -> None:
    versions = {one.metadata["Name"]: one.version for one in reversed([*metadata.distributions()])}
    told = "\n".join(installed())
    assert all(f"{name}==" in told or f"{name} @" in told for name in versions)
    assert len(installed()) == len(versions)


def test_what_was_not_installed_from_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(
        tmp_path,
        "from-git",
        {
            "url": "https://anna:canary@example.org/x.git",
            "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"},
        },
    )
    _install(tmp_path, "in-place", {"url": "file:///src/x", "dir_info": {"editable": True}})
    _install(tmp_path, "a-wheel", {"url": "https://example.org/w.whl?token=canary", "dir_info": {}})
    _install(tmp_path, "odd", "{not json")
    (tmp_path / "broken-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed() == [
        "a-wheel==1.5  # from https://example.org/w.whl",
        "from-git @ git+https://example.org/x.git@abc",
        "-e /src/x  # in-place==1.5",
        "odd==1.5",
    ]


def test_packages_are_listed_once_until_some_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, "first")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(environment, "_packages", None)
    asked = []
    listed = installed
    monkeypatch.setattr(environment, "installed", lambda: asked.append(1) or listed())
    assert environment_text() == environment_text()
    assert len(asked) == 1
    _install(tmp_path, "second")
    assert "second==1.5" in environment_text()
    assert len(asked) == 2


def test_image_is_told_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment._IMAGE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert image() is None
    monkeypatch.setenv("APPTAINER_CONTAINER", "/images/cubes.sif")
    assert image() == "/images/cubes.sif"
    monkeypatch.setenv("JUPYTER_IMAGE", "https://anna:canary@example.org/cubes:7")
    assert image() == "https://example.org/cubes:7"
    assert "# image https://example.org/cubes:7" in environment_text()


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("echo 'NVIDIA H200, 143771 MiB, 570.1'", ["# gpu NVIDIA H200, 143771 MiB, 570.1"]),
        ("echo 'NVIDIA-SMI has failed'; exit 9", []),
        ("exec sleep 600", []),
    ],
)
def test_gpus_are_asked_of_the_driver(
    script: str, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "nvidia-smi"
    stub.write_text(f"#!/bin/sh\n{script}\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(environment, "_TIMEOUT_S", 0.5)
    assert environment._ask_driver() == lines
