"""The live channel: the store is watched, and the browser is told what to fetch again."""

from __future__ import annotations
