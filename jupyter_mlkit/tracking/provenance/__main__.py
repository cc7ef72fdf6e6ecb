"""``python -m jupyter_mlkit.tracking.provenance``: gathers for a training, beside it."""

from .gatherer import main

if __name__ == "__main__":
    main()
