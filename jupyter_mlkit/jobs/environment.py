"""The environment that probes and jobs are given."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping

# Whoever holds one of these can act as the user on the hub or in the server; a training needs
# none of them, and its code may come from anywhere.
_KEPT_BACK = re.compile(r"JUPYTERHUB_.*|JPY_.*|JUPYTER_TOKEN|CONFIGPROXY_AUTH_TOKEN")


def without_tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a job may be given of `environment`."""
    return {name: value for name, value in environment.items() if not _KEPT_BACK.fullmatch(name)}


def expanded(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a kernelspec's variables with the server's ones filled in for ``${NAME}``.

    Done when a process starts and never before, so that no value of the server's environment
    is written down with a job. The server's tokens are not filled in.
    """
    known = without_tokens(os.environ)
    return {
        name: string.Template(value).safe_substitute(known)
        for name, value in without_tokens(environment).items()
    }


def child_environment(*layers: Mapping[str, str]) -> dict[str, str]:
    """Return the server's environment without its tokens, overlaid with `layers` in order."""
    environment = without_tokens(os.environ)
    # A log that is read live must not wait for a full buffer; nobody sees a window.
    environment |= {"PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg"}
    for layer in layers:
        environment |= layer
    return environment
