"""A spec as text to copy: YAML for the command line, Python for a notebook."""

from __future__ import annotations

import pprint
from typing import Any

from ..models import SpecText
from ..spec import dump_yaml, load_spec, to_dict


def spec_text(data: dict[str, Any]) -> SpecText:
    """Return both texts.

    Values reach the Python text as literals only (``repr``): a run name that looks like code
    stays a string.

    Raises
    ------
    SpecError
        The spec is not complete yet.
    """
    spec = load_spec(data)
    literal = pprint.pformat(to_dict(spec), sort_dicts=False, width=88)
    python = (
        "from jupyter_mlkit import load_spec\n"
        "from jupyter_mlkit.train import run\n"
        "\n"
        f"spec = load_spec(\n{_indented(literal)}\n)\n"
        "result = run(spec)\n"
        "result.metrics\n"
    )
    return SpecText(yaml=dump_yaml(spec), python=python)


def _indented(literal: str) -> str:
    # pprint breaks lines between values and between literals, never inside one.
    return "\n".join("    " + line for line in literal.splitlines())
