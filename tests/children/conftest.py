"""A short private folder, since the path of a socket has a limit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlkit.children.child import Child
from jupyter_mlkit.children.children import Children
from jupyter_mlkit.children.kind import Kind


@pytest.fixture
def short() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mlkit-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start(short: Path) -> Iterator[Callable[[Kind], Child]]:
    """Start a child and wait until it answers."""
    started: list[Child] = []

    def begin(kind: Kind, timeout: float = 30.0) -> Child:
        child = Child(kind, short)
        started.append(child)
        child.wait_until_ready(timeout)
        return child

    yield begin
    for child in started:
        child.stop()


@pytest.fixture
def children(short: Path) -> Iterator[Callable[..., Children]]:
    made: list[Children] = []

    def make(kinds: dict[str, Callable[[], Kind]], **settings: Any) -> Children:
        one = Children(kinds, folder=short, **settings)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close(5.0)
