"""What the faults have in common."""

from __future__ import annotations

import os
import random

import pytest


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Draws the schedule of faults; a failure tells the seed, and ``SEED=`` gives it back."""
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    request.node.add_report_section("call", "seed", f"SEED={seed}")
    return random.Random(seed)
