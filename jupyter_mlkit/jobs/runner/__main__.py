"""``python -I -S .../jobs/runner FOLDER``, what to run as JSON on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Isolated mode looks for nothing: name the place of this very package.
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from jupyter_mlkit.jobs.runner.run import main

    sys.exit(main(Path(sys.argv[1])))
