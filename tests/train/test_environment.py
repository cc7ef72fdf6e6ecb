"""Which packages a logged model needs."""

from __future__ import annotations

from importlib import metadata

from jupyter_mlkit.train.environment import requirements


def test_requirements_name_the_installed_versions() -> None:
    assert requirements(["numpy"]) == [f"numpy=={metadata.version('numpy')}"]
