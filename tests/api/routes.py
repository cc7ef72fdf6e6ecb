"""Every route and method of the live table, with a request that would be well-formed."""

from __future__ import annotations

import json
from typing import Any

from jupyter_mlkit.api.base import MLKitHandler
from jupyter_mlkit.api.endpoint import Endpoint
from jupyter_mlkit.api.routes import handlers

SPEC = {
    "sources": [{"uri": "cube.zarr"}],
    "target": "y",
    "features": ["x"],
    "split": {"kind": "block", "sizes": {"lat": "2 deg"}},
}
#: Values of the parameters of paths; what they name does not exist.
NAMES = {
    "run_id": "0" * 32,
    "job_id": "0" * 16,
    "name": "no model",
    "version": "1",
    "alias": "champion",
    "kernelspec": "no-kernel",
    "child_id": "0" * 16,
    "rest": "0" * 16 + "/page",
}
_BODIES: dict[str, Any] = {
    "RunPatch": {"note": "n"},
    "Tag": {"key": "k", "value": "v"},
    "CubePreviewRequest": {"path": "cube.zarr", "kernelspec": "no-kernel"},
    "DescribeRequest": {"uri": "cube.zarr", "kernelspec": "no-kernel"},
    "EstimatorsRequest": {"kernelspec": "no-kernel"},
    "SpecRequest": {"spec": SPEC | {"kernelspec": "no-kernel"}},
    "JobRequest": {"spec": SPEC | {"kernelspec": "no-kernel"}},
    "RerunRequest": {"changes": {"fit": {"seed": 1}}},
    "VersionRequest": {"run_id": "0" * 32},
    "AliasRequest": {"version": "1"},
    "ChildRequest": {"kind": "no-program"},
    "DescriptionPatch": {"description": "d"},
}
_QUERIES: dict[str, list[tuple[str, str]]] = {
    "TagQuery": [("key", "k")],
    "MetricsQuery": [("run_id", "0" * 32), ("key", "m")],
    "CompareQuery": [("run_id", "0" * 32), ("run_id", "1" * 32)],
    "ContentQuery": [("path", "a.txt")],
}


def every_endpoint() -> list[tuple[str, str, Endpoint, type[MLKitHandler]]]:
    """Return method, path, declaration and class of everything that can be called."""
    return [
        (verb.upper(), handler.path.format(**NAMES), declared, handler)
        for handler in handlers()
        for verb, declared in handler.endpoints.items()
    ]


def well_formed(declared: Endpoint) -> tuple[bytes | None, list[tuple[str, str]]]:
    """Return body and query of a request that would be understood."""
    body = None if declared.body is None else json.dumps(_BODIES[declared.body.__name__]).encode()
    query = [] if declared.query is None else _QUERIES.get(declared.query.__name__, [])
    return body, query
