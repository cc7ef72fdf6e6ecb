"""MLflow's own web page and REST API, on the same store as ours."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from ..errors import ConflictError, MLKitError
from ..tracking.redact import redact
from ..tracking.store import is_sql
from .kind import Address, Kind

NAME = "mlflow"
_API = r"/(?:ajax-)?api/\d\.0/mlflow/"
#: What makes the server run a program, call another machine or keep a key for that: none of
#: it shows runs, and all of it would act with the rights of who started the Jupyter server.
_REFUSED = re.compile(
    rf"(?:{_API}(?:assistant|gateway|webhooks|scorers|jobs|mcp\S*|"
    r"runs/create-promptlab-run)|/(?:ajax-)?api/\d\.0/(?:genai|jobs|mcp\S*)|/gateway|/mcp\S*)(?:/.*)?"
    # MLflow takes such a name for the folder of all artifacts, and deletes that.
    r"|.*/mlflow-artifacts/.*file:.*",
    re.IGNORECASE,
)


def mlflow_ui(tracking_uri: str, artifact_root: str | None) -> Kind:
    """Return the kind of child that serves MLflow's page for a store.

    Parameters
    ----------
    tracking_uri : str
        A SQL store; a tracking server has a page of its own.
    artifact_root : str, optional
        Where the artifacts of new experiments go, as for everybody else who uses the store.

    Raises
    ------
    ConflictError
        The store is a tracking server.
    MLKitError
        MLflow is not installed beside the server.
    """
    if not is_sql(tracking_uri):
        raise ConflictError(
            f"The tracking store is a server with a page of its own: {redact(tracking_uri)}.",
            code="store_is_server",
            hint="Open that address in a browser.",
        )
    if find_spec("mlflow") is None:
        raise MLKitError(
            f"MLflow is not installed in the server's environment ({sys.prefix}).",
            code="mlflow_missing",
            hint="Install it there: pip install mlflow",
        )

    def command(address: Address) -> Sequence[str]:
        places = () if artifact_root is None else (artifact_root,)
        return [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--uvicorn-opts", f"--uds {shlex.quote(str(address.socket))} --log-level warning"),
            *("--allowed-hosts", address.host, "--cors-allowed-origins", address.origin),
            *(word for root in places for word in ("--default-artifact-root", root)),
            *(word for root in places for word in ("--artifacts-destination", root)),
        ]

    def environment(_: Address) -> Mapping[str, str]:
        return {
            "MLFLOW_BACKEND_STORE_URI": tracking_uri,  # may hold a password: not in the arguments
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    return Kind(
        name=NAME,
        title="MLflow UI",
        command=command,
        environment=environment,
        storage=artifact_root is not None and "://" in artifact_root,
        ready="/health",
        pages=re.compile("/"),
        assets=re.compile("/static-files/.*"),
        refused=_REFUSED,
        headers=frozenset({"x-mlflow-workspace"}),
        policy=(
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; "
            "worker-src 'self' blob:; frame-src 'self' blob: data:; object-src 'none'; "
            "base-uri 'none'; form-action 'self'"
        ),
    )
