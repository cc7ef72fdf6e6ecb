"""What all parts of a spec have in common."""

from __future__ import annotations

from msgspec import Struct


class Part(Struct, forbid_unknown_fields=True):
    """Base of all parts: a misspelt field is an error, not ignored."""
