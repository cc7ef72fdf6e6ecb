from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any


async def test_status_says_what_it_talks_to(call: Any, jp_root_dir: Path) -> None:
    answer = await call("GET", "status")
    assert answer.status == 200, answer.body
    assert answer.json["store"] == "local"
    assert answer.json["tracking_uri"].startswith("sqlite:////")
    assert answer.json["root_dir"] == str(jp_root_dir)
    assert answer.json["person"] == getpass.getuser()
    assert answer.json["problems"] == []
