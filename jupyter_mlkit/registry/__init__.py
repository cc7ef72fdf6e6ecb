"""Registered models: versions, aliases and descriptions. Light to import."""

from __future__ import annotations
