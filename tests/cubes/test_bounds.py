"""No compiled loop reads or writes beyond its arrays: a child process checks each index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
#: Tests that call every compiled loop with cubes of many shapes.
_TESTS = (
    "sampling/test_sampler.py",
    "sampling/test_epochs.py::test_without_numba_batches_are_the_same",
    "sampling/test_inputs.py::test_every_cell_lies_in_one_window_and_the_cube_comes_back",
    "reading/test_arrays.py::test_with_and_without_numba_and_again_the_rows_are_the_same",
)
#: The same options as those of the loops: were checks off there, they would be off here.
_PROBE = """
import numpy as np
import pytest
from jupyter_mlkit.cubes.reading import kernels as of_chunks
from jupyter_mlkit.cubes.sampling import kernels as of_samples


@pytest.mark.parametrize("jit", [of_samples._jit, of_chunks._jit])
def test_an_index_beyond_the_array_is_an_error(jit):
    @jit
    def beyond(values, place):
        return values[place]

    assert beyond(np.arange(3.0), 2) == 2
    with pytest.raises(IndexError):
        beyond(np.arange(3.0), 3)
"""


def test_compiled_loops_stay_within_their_arrays(tmp_path: Path) -> None:
    (tmp_path / "test_probe.py").write_text(_PROBE)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *(str(_HERE / test) for test in _TESTS),
            str(tmp_path / "test_probe.py"),
        ],
        cwd=_HERE.parents[1],
        # Compiled anew: what is kept from other runs has no checks.
        env={
            **os.environ,
            "NUMBA_BOUNDSCHECK": "1",
            "NUMBA_CACHE_DIR": str(tmp_path / "compiled"),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"\d+ passed", done.stdout)
    assert "skipped" not in done.stdout
    assert list((tmp_path / "compiled").rglob("*.nbi"))
