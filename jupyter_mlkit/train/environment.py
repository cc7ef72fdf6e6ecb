"""Which packages a logged model needs."""

from __future__ import annotations

from importlib import metadata


def requirements(names: list[str]) -> list[str]:
    """Return ``name==version`` of the distributions that a logged model needs.

    Without the mark of a local build, such as ``+cpu``: no index has it for everybody.
    """
    return [f"{name}=={metadata.version(name).partition('+')[0]}" for name in names]
