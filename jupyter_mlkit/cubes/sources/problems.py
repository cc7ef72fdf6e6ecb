"""Why a cube cannot be opened, in words."""

from __future__ import annotations

import os
from errno import EACCES
from pathlib import Path

from ...errors import CubeError
from .uri import display_uri

FIELD = "sources.0.uri"


def not_found(path: Path) -> CubeError:
    """Return the error for a path where nothing is."""
    return CubeError(
        f"There is nothing at {path}.",
        hint="Check the spelling; a relative path starts where the kernel or job runs.",
        code="cube_not_found",
        field=FIELD,
    )


def denied(what: Path | str) -> CubeError:
    """Return the error for what may not be read."""
    return CubeError(
        f"{what} may not be read: {os.strerror(EACCES).lower()}.",
        hint="Ask its owner for read access.",
        code="permission_denied",
        field=FIELD,
    )


def not_a_cube(uri: str, reason: str) -> CubeError:
    """Return the error for what is there and is no cube."""
    return CubeError(
        f"{display_uri(uri)} is not a cube: {reason}.",
        hint="A cube is a zarr group or a netCDF file with variables that share dims.",
        code="not_a_cube",
        field=FIELD,
    )


def unreachable(uri: str, error: Exception) -> CubeError:
    """Return the error for a store that does not answer."""
    return CubeError(
        f"{display_uri(uri)} cannot be reached: {type(error).__name__}.",
        hint="Check the address, the endpoint and the network; a private bucket needs a "
        "profile, a public one 'anon'.",
        code="store_unreachable",
        field=FIELD,
    )


def missing_package(what: str, module: str, extra: str, code: str) -> CubeError:
    """Return the error for a package that is needed and not installed."""
    return CubeError(
        f"{what} needs the package {module}, which this environment lacks.",
        hint=f"Run: pip install 'jupyter_mlkit[{extra}]'",
        code=code,
        field=FIELD,
    )


def several(uri: str, what: str, names: list[str]) -> CubeError:
    """Return the error for an address that holds several cubes and names none of them."""
    shown = ", ".join(sorted(names)[:12]) + (", ..." if len(names) > 12 else "")
    return CubeError(
        f"{display_uri(uri)} is {what} of {len(names)} cubes: {shown}.",
        hint=f"Name one behind '#', such as {display_uri(uri).partition('#')[0]}#"
        f"{sorted(names)[0]}",
        code="several_cubes",
        field=FIELD,
    )


def not_in(uri: str, what: str, wanted: str, names: list[str]) -> CubeError:
    """Return the error for a cube that a store of several does not hold."""
    shown = ", ".join(sorted(names)[:12]) or "none"
    return CubeError(
        f"{display_uri(uri).partition('#')[0]} is {what} without '{wanted}'.",
        hint=f"It holds {shown}.",
        code="cube_not_found",
        field=FIELD,
    )


def short(error: Exception) -> str:
    """Return the first line of what `error` says."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
