"""Which packages a logged model needs."""

from __future__ import annotations

from importlib import metadata


def requirements(names: list[str]) -> list[str]:
    """Return ``name==version`` of the distributions that a logged model needs."""
    return [f"{name}=={metadata.version(name)}" for name in names]
