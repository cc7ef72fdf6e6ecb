"""``python -m jupyter_mlkit.tracking.drainer FOLDER``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from .process import run

if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    run(Path(sys.argv[1]))
