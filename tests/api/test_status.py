from __future__ import annotations

import getpass
import shutil
from pathlib import Path
from typing import Any

import pytest
from old_stores import old_database, old_file_store

from jupyter_mlkit.paths import default_store
from jupyter_mlkit.tracking.upgrading import upgrade_store


async def test_status_says_what_it_talks_to(call: Any, jp_root_dir: Path) -> None:
    answer = await call("GET", "status")
    assert answer.status == 200, answer.body
    assert answer.json["store"] == "local"
    assert answer.json["tracking_uri"].startswith("sqlite:////")
    assert answer.json["root_dir"] == str(jp_root_dir)
    assert answer.json["person"] == getpass.getuser()
    assert answer.json["problems"] == []


@pytest.fixture
def old_store(jp_server_config: dict[str, Any], tmp_path: Path) -> Path:
    """Let the server have a store of an older MLflow."""
    path = old_database(tmp_path / "old" / "mlflow.db")
    jp_server_config["MLKitApp"]["tracking_uri"] = f"sqlite:///{path}"
    return path


async def test_a_store_of_an_older_mlflow_is_told_until_it_is_upgraded(
    old_store: Path, call: Any
) -> None:
    (problem,) = (await call("GET", "status")).json["problems"]
    assert problem["code"] == "store_schema"
    assert f"jupyter mlkit upgrade {old_store}" in problem["hint"]
    assert upgrade_store(old_store) is not None
    assert (await call("GET", "status")).json["problems"] == []
    assert len((await call("GET", "runs")).json["items"]) == 3


@pytest.fixture
def own_store(jp_environ: None, jp_server_config: dict[str, Any], empty_store: Path) -> Path:
    """Let the server have our own store."""
    path = default_store()
    path.parent.mkdir(parents=True)
    shutil.copy(empty_store, path)
    jp_server_config["MLKitApp"]["tracking_uri"] = f"sqlite:///{path}"
    return path


async def test_an_old_file_store_in_the_root_folder_is_told(
    own_store: Path, call: Any, jp_root_dir: Path
) -> None:
    old_file_store(jp_root_dir)
    (problem,) = (await call("GET", "status")).json["problems"]
    assert problem["code"] == "store_file"
    assert "4 runs of an older MLflow" in problem["message"]
    assert f"jupyter mlkit upgrade {jp_root_dir / 'mlruns'}" in problem["hint"]


async def test_who_has_another_store_is_not_bothered(call: Any, jp_root_dir: Path) -> None:
    old_file_store(jp_root_dir)
    assert (await call("GET", "status")).json["problems"] == []
