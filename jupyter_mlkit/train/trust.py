"""The models whose code this user has decided to run: a decision for bytes, not for names."""

from __future__ import annotations

import getpass
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..paths import data_dir, private_dir
from .fetching import Fetched


def trust_book() -> Path:
    """Return the file of decisions: JSON lines, only ever appended to by us, mode 0600."""
    return data_dir() / "trusted_models.jsonl"


def is_trusted(digest: str) -> bool:
    """Tell whether the user has decided to trust exactly these files."""
    try:
        lines = trust_book().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return any(_trusts(line, digest) for line in lines)


def note(action: Literal["trust", "load"], model: Fetched, reason: str) -> None:
    """Write down who decided to trust a model, or loaded one on that ground, when and why."""
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "action": action,
        "user": getpass.getuser(),
        "host": platform.node(),
        "model": model.uri,
        "sha256": model.digest,
        "author": model.author,
        "run_id": model.run_id,
        "reason": reason,
    }
    private_dir(trust_book().parent)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(trust_book(), flags, 0o600)
    try:
        os.write(file, json.dumps(entry).encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def _trusts(line: str, digest: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False  # a torn or edited line decides nothing
    return (
        isinstance(entry, dict) and entry.get("action") == "trust" and entry.get("sha256") == digest
    )
