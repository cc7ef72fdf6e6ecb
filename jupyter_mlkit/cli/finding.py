"""One line of what the doctor reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report; a problem has a fix."""

    name: str
    state: str
    problem: str | None = None
    fix: str | None = None
    absent: bool = False

    @property
    def mark(self) -> str:
        """A sign for the eye; the words beside it say the same."""
        return "✗" if self.problem else "·" if self.absent else "✓"
