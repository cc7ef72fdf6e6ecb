"""``python -m jupyter_mlkit.train job DIR`` and ``python -m jupyter_mlkit.train probe``."""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run a job or a probe and return the exit code."""
    match arguments:
        case ["job", folder]:
            from .job import run_job

            return run_job(Path(folder))
        case ["read", folder]:
            from .access import read_cube

            return read_cube(Path(folder))
        case ["probe"]:
            from .probe import serve

            return serve()
    sys.stderr.write("usage: python -m jupyter_mlkit.train (job DIR | read DIR | probe)\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
