from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml
from openapi_spec_validator import validate

from jupyter_mlkit.api import openapi
from jupyter_mlkit.api.routes import handlers, rules


def test_the_file_is_current() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "jupyter_mlkit.api.openapi", "--check"],
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr


def test_the_check_notices_a_difference(
    tmp_path: Path, monkeypatch: object, capsys: object
) -> None:
    file = openapi.FILE
    other = tmp_path / "openapi.yaml"
    try:
        openapi.FILE = other
        assert openapi.main(["--check"]) == 1
        assert openapi.main([]) == 0
        assert openapi.main(["--check"]) == 0
        other.write_text(other.read_text().replace("Search runs", "Search"))
        assert openapi.main(["--check"]) == 1
    finally:
        openapi.FILE = file


def test_the_file_is_valid_and_complete() -> None:
    described = yaml.safe_load(openapi.FILE.read_text(encoding="utf-8"))
    validate(described)
    table = {
        (f"/{handler.path}", verb): declared
        for handler in handlers()
        for verb, declared in handler.endpoints.items()
    }
    found = {
        (path, verb): operation
        for path, item in described["paths"].items()
        for verb, operation in item.items()
        if verb != "parameters"
    }
    assert found.keys() == table.keys()
    for key, declared in table.items():
        assert found[key]["x-action"] == declared.action
        assert found[key]["x-resource"] == declared.resource
        assert ("requestBody" in found[key]) == (declared.body is not None)
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)


def test_lists_are_paged_and_bounded() -> None:
    for path, item in openapi.document()["paths"].items():
        answer = item.get("get", {}).get("responses", {}).get("200", {})
        reference = str(answer.get("content", {}))
        if "Page'" in reference:
            parameters = {one["name"]: one["schema"] for one in item["get"]["parameters"]}
            assert parameters["max_results"]["maximum"] == 1000, path
            assert parameters["max_results"]["default"] == 100, path
            assert "page_token" in parameters


def test_routes_do_not_overlap() -> None:
    """A concrete path is answered by one handler, whatever the order of the rules."""
    patterns = [(re.compile(pattern + "$"), handler) for pattern, handler in rules()[:-1]]
    for handler in handlers():
        path = "/jupyter-mlkit/api/" + re.sub(r"\{version\}", "1", handler.path)
        path = re.sub(r"\{(\w+)\}", "abc", path)
        assert [other for pattern, other in patterns if pattern.match(path)] == [handler]
