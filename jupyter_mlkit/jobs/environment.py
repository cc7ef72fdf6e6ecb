"""The environment that probes and jobs are given."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

# Whoever holds one of these can act as the user on the hub or in the server; a training needs
# none of them, and its code may come from anywhere.
_KEPT_BACK = re.compile(r"JUPYTERHUB_.*|JPY_.*|JUPYTER_TOKEN|CONFIGPROXY_AUTH_TOKEN")


def child_environment(*layers: Mapping[str, str]) -> dict[str, str]:
    """Return the server's environment without its tokens, overlaid with `layers` in order."""
    environment = {
        name: value for name, value in os.environ.items() if not _KEPT_BACK.fullmatch(name)
    }
    # A log that is read live must not wait for a full buffer; nobody sees a window.
    environment |= {"PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg"}
    for layer in layers:
        environment |= layer
    return environment
