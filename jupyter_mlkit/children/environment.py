"""The environment of a child: what it needs to run, by name, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

#: Where programs, libraries, homes and certificates are, and how dates and words are written.
_KEPT = re.compile(
    r"PATH|PYTHONPATH|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|VIRTUAL_ENV|CONDA_PREFIX|HOME|USER"
    r"|LOGNAME|TMPDIR|LANG|LANGUAGE|LC_[A-Z]+|TZ|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE"
    r"|CURL_CA_BUNDLE"
)
#: What reads and writes object stores; only for a child that serves files from one.
_STORAGE = re.compile(
    r"AWS_[A-Z_]+|MLFLOW_S3_[A-Z_]+|AZURE_STORAGE_[A-Z_]+|GOOGLE_APPLICATION_CREDENTIALS"
    r"|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy"
)


def clean_environment(own: Mapping[str, str], *, storage: bool = False) -> dict[str, str]:
    """Return the variables of a child: the allowed ones of this process, then its own.

    Parameters
    ----------
    own : mapping
        What the child is told.
    storage : bool
        Whether it may have the keys of object stores.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if _KEPT.fullmatch(name) or (storage and _STORAGE.fullmatch(name))
    }
    # Modules are not looked for in the working directory, and output is not held back.
    return kept | {"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"} | dict(own)
