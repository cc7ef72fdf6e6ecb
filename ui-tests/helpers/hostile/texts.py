"""The texts that mean harm, and which of them were written into which field."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOSTILE: dict[str, str] = {
    entry["name"]: entry["text"] for entry in json.loads((HERE / "texts.json").read_text())
}
TEXTS = list(HOSTILE.values())
LINES = "\n".join(TEXTS)
IMG = HOSTILE["img onerror"]


class Fields:
    """Counts the texts of each field while they are written."""

    def __init__(self) -> None:
        self._texts: defaultdict[str, set[str]] = defaultdict(set)

    def put(self, field: str, text: str) -> str:
        """Return `text`, which goes into `field`."""
        self._texts[field].add(text)
        return text

    def put_all(self, *fields: str) -> str:
        """Return all texts as one, which goes into each of `fields`."""
        for field in fields:
            self._texts[field].update(TEXTS)
        return LINES

    def take_back(self, field: str, text: str) -> None:
        """Forget one that was refused."""
        self._texts[field].discard(text)

    def counts(self) -> dict[str, int]:
        """Return how many different texts each field holds."""
        return {field: len(texts) for field, texts in sorted(self._texts.items())}


def use(kind: str) -> Path:
    """Point MLflow and this package to the store of the server `kind`; return its home."""
    home = HERE.parents[2] / ".workspace" / f"ui-{kind}"
    os.environ |= {
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    return home
