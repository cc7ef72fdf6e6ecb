"""What opening a source that cannot be opened says."""

from __future__ import annotations

import pytest

from jupyter_mlkit.cubes.sources.open import open_cube
from jupyter_mlkit.errors import CubeError
from jupyter_mlkit.spec import Source, StorageOptions


def code_of(uri: str, **options: str) -> CubeError:
    with pytest.raises(CubeError) as caught:
        open_cube(Source(uri=uri, options=StorageOptions(**options)))
    assert caught.value.message
    assert caught.value.hint
    return caught.value
