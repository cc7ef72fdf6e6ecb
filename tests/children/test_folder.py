"""Sockets lie where nobody else can come."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_mlkit.children.child import Child
from jupyter_mlkit.children.folder import (
    MAX_PATH,
    UnsafeFolderError,
    check_private,
    make_private,
    socket_folder,
)

from .kinds import echo


def test_a_new_folder_is_private(short: Path) -> None:
    made = make_private(short / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    make_private(made)


def test_folders_that_others_have_made_are_refused(short: Path) -> None:
    loose = short / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    target = make_private(short / "target")
    linked = short / "linked"
    linked.symlink_to(target)
    dangling = short / "dangling"
    dangling.symlink_to(short / "nothing")
    file = short / "file"
    file.touch(mode=0o700)
    foreign = make_private(short / "foreign")
    refused = {loose: "mode 0777", linked: "is a link", dangling: "is a link", file: "not a folder"}
    if os.geteuid() == 0:
        os.chown(foreign, 65534, 65534)
        refused[foreign] = "user with id 65534"
    for folder, words in refused.items():
        with pytest.raises(UnsafeFolderError, match=words):
            make_private(folder)
        with pytest.raises(UnsafeFolderError, match=words):
            Child(echo(), folder)
        assert folder == file or not list(folder.glob("*")), "nothing was made there"
    assert loose.stat().st_mode & 0o777 == 0o777, "the mode is not mended"
    with pytest.raises(UnsafeFolderError, match="gone"):
        check_private(short / "nowhere")


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o704, 0o750])
def test_one_bit_for_others_is_too_much(short: Path, mode: int) -> None:
    short.chmod(mode)
    with pytest.raises(UnsafeFolderError, match=f"mode {mode:04o}"):
        make_private(short)


def test_long_paths_are_left_out(monkeypatch: pytest.MonkeyPatch, short: Path) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert socket_folder(short) == short / "children"
    deep = short / ("d" * 90)
    monkeypatch.setattr("tempfile.tempdir", str(short))
    assert socket_folder(deep) == short / f"jupyter_mlkit-{os.geteuid()}"
    session = short / "session"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    assert socket_folder(deep) == session / "jupyter_mlkit"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(UnsafeFolderError, match="too long"):
        socket_folder(deep)


def test_the_longest_folder_still_holds_a_socket(short: Path) -> None:
    longest = short / ("d" * (MAX_PATH - 19 - len(os.fsencode(short)) - 1 - len("/children")))
    folder = socket_folder(longest)
    assert folder == longest / "children"
    child = Child(echo(), folder)
    try:
        assert len(os.fsencode(child.address.socket)) == MAX_PATH
        child.wait_until_ready(30)
    finally:
        child.stop()
