from __future__ import annotations

from pathlib import Path

import pytest
from stores import Place, file_place, server_place


@pytest.fixture
def file_store(empty_store: Path, tmp_path: Path) -> Place:
    return file_place(empty_store, tmp_path)


@pytest.fixture
def server_store(empty_store: Path) -> Place:
    return server_place(empty_store)


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(f"{request.param}_store")
