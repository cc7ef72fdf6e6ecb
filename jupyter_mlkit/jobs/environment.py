"""The environment that probes and jobs are given: what is named here and nothing else."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..paths import ENV_STORE_FILE
from ..tracking.redact import redact

#: Variables of the server that a job sees, as patterns.
ALLOWED = (
    # the person and the machine
    *("HOME", "HOSTNAME", "LANG", "LANGUAGE", "LC_*", "LOGNAME", "PATH", "SHELL", "TERM"),
    *("TEMP", "TMP", "TMPDIR", "TZ", "TZDIR", "USER", "XDG_*"),
    # programs, libraries and environments
    *("BASH_ENV", "BASH_FUNC_*", "CONDA_*", "DYLD_*", "EBROOT*", "LD_LIBRARY_PATH", "LD_PRELOAD"),
    *("LMOD_*", "LOADEDMODULES", "MAMBA_*", "MODULEPATH", "MODULESHOME", "PIXI_*", "PYTHON*"),
    *("VIRTUAL_ENV", "_LMFILES_"),
    # threads, accelerators and what an allocation of a cluster grants
    *("BLIS_*", "CUDA*", "CUDNN_*", "GOMP_*", "GPU_DEVICE_ORDINAL", "HIP_*", "HSA_*", "JAX_*"),
    *("JOBLIB_*", "KERAS_*", "KMP_*", "LOKY_*", "MKL_*", "NCCL_*", "NUMBA_*", "NUMEXPR_*"),
    *("NVIDIA_*", "OMP_*", "OPENBLAS_*", "PBS_*", "PYTORCH_*", "ROCR_*", "SLURM_*", "TF_*"),
    *("TORCH*", "VECLIB_*", "XLA_*"),
    # libraries for data
    *("CARTOPY_*", "CPL_*", "DASK_*", "ECCODES_*", "ESMFMKFILE", "FSSPEC_*", "GDAL_*", "HDF5_*"),
    *("ICECHUNK_*", "MPLBACKEND", "MPLCONFIGDIR", "NETCDF*", "PROJ_*", "VSI_*", "ZARR_*"),
    # storage: profiles and keys of the object stores that cubes lie in
    *("AWS_*", "AZURE_STORAGE_*", "BOTO_CONFIG", "CLOUDSDK_CONFIG", "GCLOUD_PROJECT"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "S3_ENDPOINT_URL"),
    # the network
    *("ALL_PROXY", "CURL_CA_BUNDLE", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"),
    # the tracking server; its address comes from the server's configuration
    *("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ENABLE_*", "MLFLOW_HTTP_*", "MLFLOW_MULTIPART_*"),
    *("MLFLOW_S3_*", "MLFLOW_SQLALCHEMYSTORE_*", "MLFLOW_TRACKING_AUTH"),
    *("MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH"),
    *("MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_PASSWORD"),
    *("MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"),
    # where Jupyter keeps its files
    *("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH", "JUPYTER_DATA_DIR"),
    *("JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH", "JUPYTER_RUNTIME_DIR"),
)

# Whoever holds one of these can act as the user on the hub, in the server or on the cluster; a
# training needs none of them, and its code may come from anywhere. Nothing lets them in.
_KEPT_BACK = re.compile(
    r"JUPYTERHUB_.*|JPY_.*|JUPYTER_TOKEN|CONFIGPROXY_AUTH_TOKEN|SLURM_JWT", re.IGNORECASE
)
#: A storage option of a spec that stands for a variable.
_FROM_VARIABLE = re.compile(r"env:(\w+)")


def without_tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without what lets somebody act as the user."""
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


def child_environment(*layers: Mapping[str, str], allowed: Iterable[str] = ()) -> dict[str, str]:
    """Return what a job may see of the server's environment, overlaid with `layers` in order.

    Parameters
    ----------
    *layers : mapping
        Variables that it is given whatever their names.
    allowed : iterable of str
        Patterns of further variables of the server that it may see.
    """
    patterns = (*ALLOWED, *allowed)
    environment = {
        name: value
        for name, value in without_tokens(os.environ).items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    # A log that is read live must not wait for a full buffer; nobody sees a window.
    environment |= {"PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg"}
    for layer in layers:
        environment |= layer
    return environment


def named_variables(spec: Mapping[str, Any]) -> list[str]:
    """Return the variables that the storage options of a spec name (``env:NAME``)."""
    options = [source.get("options", {}).values() for source in spec.get("sources", [])]
    matches = [_FROM_VARIABLE.fullmatch(v) for values in options for v in values if type(v) is str]
    return [match[1] for match in matches if match]


def has_password(uri: str) -> bool:
    """Tell whether a tracking URI holds something that only its user may know."""
    return redact(uri) != uri


def without_password(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without a tracking URI that holds a password."""
    uri = environment.get("MLFLOW_TRACKING_URI", "")
    return {
        name: value
        for name, value in environment.items()
        if name != "MLFLOW_TRACKING_URI" or not has_password(uri)
    }


def with_hidden_store(environment: Mapping[str, str], file: Path) -> dict[str, str]:
    """Return `environment` with a tracking URI that holds a password moved into `file`.

    What stands in an environment is inherited by every child and ends up in crash reports.
    """
    uri = environment.get("MLFLOW_TRACKING_URI", "")
    if not has_password(uri):
        return dict(environment)
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(target, "w", encoding="utf-8") as stream:
        stream.write(uri)
    return {**without_password(environment), ENV_STORE_FILE: str(file)}
