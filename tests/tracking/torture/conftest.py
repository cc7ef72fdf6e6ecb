"""What the faults have in common."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

#: Two hundred kills take minutes; a machine that others load as well needs more of them.
_SECONDS = 1200


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give faults the time that they take, short of one that hangs."""
    seconds = _SECONDS * config.getoption("--nightly")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(seconds), append=False)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Draws the schedule of faults; a failure tells the seed, and ``SEED=`` gives it back."""
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    request.node.add_report_section("call", "seed", f"SEED={seed}")
    return random.Random(seed)
